"""A worker: it orders its share of the jobs, as often as it is started, and carries them until it is killed."""

import json
import random
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import anyio

from callsheet.ledger import ledger

ledger.LEASE_S = 3.0
ledger.SEARCH_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

from callsheet.catalogue.consent import Yes  # noqa: E402
from callsheet.catalogue.words import GenerateImage  # noqa: E402
from callsheet.errors import CallsheetError  # noqa: E402
from callsheet.settings.settings import Settings  # noqa: E402
from callsheet.studio import Studio  # noqa: E402


def jump(seed: int) -> None:
    """A clock that is set now and then, by up to two minutes either way."""
    real: Callable[[], float] = time.time
    chance = random.Random(seed)
    state = {"next": real() + chance.uniform(1, 6), "offset": 0.0}

    def told() -> float:
        if real() > state["next"]:
            state.update(
                {"next": real() + chance.uniform(2, 10), "offset": chance.choice([0.0, 0.0, -90.0, 5.0, 120.0])}
            )
        return real() + state["offset"]

    time.time = told


async def work(orders: Path) -> None:
    """Order everything, the same words every time, then stay."""
    async with Studio.open(Settings.load()) as studio:
        for said in json.loads(orders.read_text(encoding="utf-8")):
            try:
                await studio.orders.place(GenerateImage.of(said), yes=Yes((Decimal(5),)))
            except CallsheetError as error:
                sys.stderr.write(f"{error.message}\n")
        await anyio.sleep_forever()


if __name__ == "__main__":
    if sys.argv[2] != "0":
        jump(int(sys.argv[2]))
    anyio.run(work, Path(sys.argv[1]))
