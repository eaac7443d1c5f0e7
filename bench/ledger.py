"""What the questions to a ledger cost, by how many jobs are in it.

    uv run python -m bench.ledger                  # 1,000, 10,000 and 100,000 jobs: 274 a day

No figure may be above three times that of the smallest ledger, but for those whose answer grows: `spend` by day has a
line for each day, and is told apart below.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import insert

from callsheet.catalogue.words import GenerateImage
from callsheet.jobs.statement import spending, statement
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import UNSENT
from callsheet.ledger.tables import Job, jobs, nano, readings, to_row
from callsheet.settings.settings import Settings
from callsheet.studio import Studio
from callsheet_sandbox.in_process import Transport

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 15
GROWS = ("spend by day",)
ACCOUNTS = ("sandbox/phaya", "sandbox/phaya", "sandbox/phaya", "phaya", "ph0ny", "local")
ENDS = ("stored",) * 90 + ("failed",) * 5 + ("refused",) * 3 + ("cancelled",) * 2
MODELS = ("phaya/z-image", "phaya/seedream-5.0", "phaya/suno", "phaya/seedance-1.5-pro")
IN_FLIGHT = 50


def row(n: int, of: int, days: float, chance: random.Random, now: float) -> dict[str, Any]:
    """The nth of so many jobs, spread over so many days; the newest few are under way."""
    at = now - days * 86400 * (of - n) / of
    stage = "sent" if of - n <= IN_FLIGHT else "unknown" if n % 1000 == 7 else chance.choice(ENDS)
    sent = at + 1 if stage not in ("refused", "cancelled") else None
    ended = None if stage == "sent" else at + 20
    job = Job(
        id=f"j_{chance.getrandbits(100):025x}",
        caller="local" if n % 4 else "ada",
        operation="generate_image",
        model=MODELS[n % len(MODELS)],
        account=ACCOUNTS[n % len(ACCOUNTS)],
        title=f"picture {n}",
        words={"prompt": f"picture {n} of a street in the rain, seen from above" * 3},
        digest=f"{chance.getrandbits(256):064x}",
        stage=stage,
        quoted_low=Decimal(1),
        quoted=Decimal(1),
        charged=Decimal(1) if stage in ("stored", "failed") else None,
        refunded=Decimal(1) if stage == "failed" else Decimal(0),
        endpoint="/text-to-image/generate",
        ticket=f"t-{n}" if sent and stage != "unknown" else None,
        media=[{"uri": f"media://{n}/0", "mime_type": "image/png", "bytes": 1, "sha256": "0" * 64}],
        owner="somebody else" if stage == "sent" else None,
        lease=now + 86400 if stage == "sent" else 0.0,
        created_at=at,
        sent_at=sent,
        charged_at=sent if stage in ("stored", "failed") else None,
        made_at=ended if stage == "stored" else None,
        ended_at=ended,
        handed_at=ended,
    )
    return to_row({field.name: getattr(job, field.name) for field in fields(job)})


async def fill(ledger: Ledger, number: int, days: float) -> None:
    """Write so many jobs and the balances read between them."""
    chance, now = random.Random(number), time.time()
    for start in range(0, number, 5000):
        some = [row(n, number, days, chance, now) for n in range(start, min(start + 5000, number))]
        read = [
            {"account": one["account"], "asked_at": one["created_at"], "credits": nano(Decimal(1000))}
            for one in some[::5]
        ]
        async with ledger.writing.begin() as db:
            await db.execute(insert(jobs), some)
            await db.execute(insert(readings), read)


async def timed(work: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> float:
    """The median of some rounds, in milliseconds; the first does not count."""
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took[1:])


async def measure(folder: Path, number: int, days: float) -> dict[str, float]:
    """Every figure at one size."""
    box = Transport("phaya", folder / "box", speed=50.0, rate=1_000_000)
    environ = {
        "CALLSHEET_HOME": str(folder / "home"),
        "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
        "CALLSHEET_RATE": "1000000",
        "CALLSHEET_SANDBOX": "always",
        "CALLSHEET_MAX_PER_DAY": "1000000000",
        "CALLSHEET_ASK": "never",
    }
    settings = Settings.load(environ=environ)
    async with Ledger.open(settings.database) as ledger:
        await fill(ledger, number, days)

    async def opened() -> None:
        async with Ledger.open(settings.database) as ledger:
            await ledger.find(jobs.c.id == "nobody")

    found = {"open": await timed(opened)}
    async with Studio.open(settings, lambda _: box) as studio:
        count = iter(range(1_000_000))

        async def submit() -> str:
            said = {"prompt": f"take {next(count)}", "model": "phaya/z-image"}
            job, _ = await studio.orders.place(GenerateImage.of(said))
            while (await studio.ledger.get(job.id)).stage in (*UNSENT, "sending"):
                await anyio.sleep(0.001)
            return job.id

        found["submit"] = await timed(submit)
        known = await submit()
        await studio.carrier.wait(known, 60)
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        found["receipt"] = await timed(lambda: studio.receipts.of(known))
        found["list"] = await timed(lambda: studio.receipts.recent("local"))
        for status in ("completed", "failed", "unknown", "working"):
            found[f"list {status}"] = await timed(lambda status=status: studio.receipts.recent("local", 20, status))
        found["statement"] = await timed(lambda: statement(studio.books, "sandbox/phaya", yesterday))
        lately = time.time() - 3 * 86400
        found["spend of 3 days"] = await timed(lambda: spending(studio.books, "model", lately))
        found["spend by day"] = await timed(lambda: spending(studio.books, "day"), 5)
    return found


async def compare(sizes: list[int], days: float) -> int:
    """Print the figures; 0 where none that should not has grown."""
    found = []
    for number in sizes:
        with tempfile.TemporaryDirectory(prefix="callsheet-bench-", ignore_cleanup_errors=True) as name:
            found.append(await measure(Path(name), number, number / sizes[-1] * days))
    print(f"{'milliseconds':<18}" + "".join(f"{number:>10,} jobs" for number in sizes))
    good = True
    for name, first in found[0].items():
        times = found[-1][name] / first
        kept = times <= 3 or name in GROWS
        good = good and kept
        print(f"{name:<18}" + "".join(f"{one[name]:>15.1f}" for one in found) + f"   {times:.1f}x", end="")
        print("   its answer grows" if name in GROWS else "" if kept else "   TOO MUCH")
    return 0 if good else 1


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m bench.ledger")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--days", type=float, default=365.0, help="what the largest ledger spans")
    said = parser.parse_args()
    raise SystemExit(anyio.run(compare, said.sizes, said.days))


if __name__ == "__main__":
    main()
