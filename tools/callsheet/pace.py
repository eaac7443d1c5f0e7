"""When the next request may go out, and which job is looked at next.

One budget for each account, shared by tasks and processes through a row of the ledger. Submits take the next free
place; looks are spaced out, so that they never use up the minute, and go where they are worth most.
"""

import json
import math
import random
import time
from dataclasses import dataclass, field
from decimal import Decimal

import anyio
import anyio.abc
from sqlalchemy import insert, select, update

from callsheet.ledger import Job, Ledger, paces
from callsheet.settings import Settings

WINDOW_S = 60.0
MARGIN_S = 0.05
SPARE = 2
"""Places of a minute left free, since requests do not arrive as evenly as they are sent."""
FOR_LOOKS = 0.9
"""Part of the minute that looks may use; the rest is for submits."""
CEILING_S = 600.0


@dataclass
class Turn:
    """A job that waits to be looked at."""

    job: Job
    typical_s: float
    floor_s: float
    looked_at: float
    called: anyio.Event = field(default_factory=anyio.Event)

    @property
    def started_at(self) -> float:
        """When the backend began."""
        return self.job.sent_at or self.job.created_at

    @property
    def earliest(self) -> float:
        """Not sooner: the answer would come from a cache, or the job has been silent for so long that haste is vain."""
        late = max(0.0, self.looked_at - self.started_at - 4 * self.typical_s)
        gap = min(max(self.floor_s, late / 10), CEILING_S)
        return max(self.looked_at + gap, self.started_at + min(self.floor_s, self.typical_s / 4), self.job.due)

    def worth(self, now: float) -> float:
        """What a look now is worth: √hazard, over the time since the last one."""
        return math.sqrt(hazard(now - self.started_at, self.typical_s)) * (now - self.looked_at)


def hazard(age: float, typical_s: float) -> float:
    """The chance in a second that a job of this age ends just now, before anything was learned.

    A log-logistic with the model's usual time as its median and shape 3: small at first, highest a little after the
    median, then falling.
    """
    x = max(age, 0.05) / typical_s
    return 3 / typical_s * x**2 / (1 + x**3)


class Pace:
    """The places of every account, for one process among several."""

    def __init__(self, ledger: Ledger, settings: Settings, tasks: anyio.abc.TaskGroup) -> None:
        self.ledger = ledger
        self.settings = settings
        self.tasks = tasks
        self.turns: dict[str, dict[str, Turn]] = {}
        self.changed: dict[str, anyio.Event] = {}

    async def place(self, account: str, *, look: bool = False) -> None:
        """Wait for a place in the account's minute, and take it."""
        at = await self.reserve(account, look=look)
        await anyio.sleep(max(0.0, at - time.time()))

    async def reserve(self, account: str, *, look: bool) -> float:
        """Take the next place; returns its time. A crash wastes one place and never over-grants."""
        limit = self.settings.rate.of(account.rpartition("/")[2])
        places = max(1, int(limit) - SPARE if limit and limit > 10 * SPARE else int(limit or 60))
        async with self.ledger.writing.begin() as db:
            now = time.time()
            row = (await db.execute(select(paces).where(paces.c.account == account))).first()
            grants = [g for g in json.loads(row.grants) if g < now + WINDOW_S] if row else []
            at = max(now, row.closed_until if row and row.closed_until < now + CEILING_S else 0.0)
            if len(grants) >= places:
                at = max(at, grants[-places] + WINDOW_S + MARGIN_S)
            if look and row and row.looked_at < now + WINDOW_S:
                at = max(at, row.looked_at + WINDOW_S / places / FOR_LOOKS)
            recent = sorted([*grants, at])[-places:]
            values = {"grants": json.dumps(recent), **({"looked_at": at} if look else {})}
            if row is None:
                await db.execute(insert(paces).values(account=account, **values))
            else:
                await db.execute(update(paces).where(paces.c.account == account).values(**values))
        return at

    async def close(self, account: str, seconds: float) -> None:
        """The backend asked for quiet: no request of this account goes out for so long."""
        until = time.time() + min(seconds, CEILING_S) + random.uniform(0, 0.5)  # noqa: S311
        async with self.ledger.writing.begin() as db:
            await db.execute(update(paces).where(paces.c.account == account).values(closed_until=until))

    async def turn(self, job: Job, typical_s: float, floor_s: float, looked_at: float) -> None:
        """Wait until it is this job's turn to be looked at, and take a place for it.

        The floor is meant for 60 requests a minute; where more are allowed, looks may be closer together.
        """
        account = job.account
        rate = self.settings.rate.of(job.backend) or Decimal(60)
        turn = Turn(job, typical_s, floor_s * float(min(Decimal(1), 60 / rate)), looked_at)
        waiting = self.turns.setdefault(account, {})
        waiting[job.id] = turn
        if account not in self.changed:
            self.changed[account] = anyio.Event()
            self.tasks.start_soon(self.call, account)
        self.changed[account].set()
        try:
            await turn.called.wait()
        finally:
            waiting.pop(job.id, None)

    async def call(self, account: str) -> None:
        """Call the waiting jobs of an account, one look at a time, the most worthwhile first."""
        waiting = self.turns[account]
        while True:
            self.changed[account] = anyio.Event()
            now = time.time()
            soonest = min((turn.earliest for turn in waiting.values()), default=now + CEILING_S)
            if soonest > now:
                with anyio.move_on_after(soonest - now):
                    await self.changed[account].wait()
                continue
            await self.place(account, look=True)
            now = time.time()
            ready = [turn for turn in waiting.values() if turn.earliest <= now]
            if ready:
                best = max(ready, key=lambda turn: turn.worth(now))
                waiting.pop(best.job.id)
                best.called.set()
