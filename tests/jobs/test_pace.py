"""The limit of requests: however many wait, and in however many processes, no minute has more than its places."""

import json
from collections.abc import Callable

import anyio
import pytest
from sqlalchemy import select, update

from callsheet.jobs.pace import Pace
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import paces
from tests.conftest import House

pytestmark = pytest.mark.anyio


async def pass_by(ledger: Ledger, seconds: float) -> list[float]:
    """Let so much time go by, for the places that were taken; returns when they were, in that time."""
    async with ledger.writing.begin() as db:
        grants = json.loads((await db.execute(select(paces.c.grants))).scalar_one())
        await db.execute(update(paces).values(grants=json.dumps([at - seconds for at in grants])))
    return [float(at) for at in grants]


async def test_no_place_is_handed_out_ahead_however_many_ask(house: Callable[..., House]) -> None:
    settings = house().settings(CALLSHEET_RATE="10")
    opened = (Ledger.open(settings.database) for _ in range(2))
    async with next(opened) as one, next(opened) as two, anyio.create_task_group() as tasks:
        each = [Pace(ledger, settings, tasks) for ledger in (one, two)]
        for _ in range(3):
            said = [await each[n % 2].take("phaya", look=False) for n in range(48)]
            assert said.count(None) == 10
            taken = await pass_by(one, 61.0)
            assert len([at for at in taken if at > max(taken) - 60]) == 10
            assert all(at is None or at > max(taken) for at in said)
