"""When the next request may go out, and which job is looked at next.

One budget for each account, shared by tasks and processes through a row of the ledger. Submits take the next free
place; looks are spaced out, so that they never use up the minute, and go where they are worth most.
"""

import contextlib
import json
import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import anyio
import anyio.abc
from sqlalchemy import insert, select, update

from callsheet.errors import LedgerTrouble
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import Job, backend_of, paces
from callsheet.settings.settings import Settings

WINDOW_S = 60.0
MARGIN_S = 0.05
SPARE = 2
"""Places of a minute left free, since requests do not arrive as evenly as they are sent."""
CEILING_S = 600.0
URGENT_S = 10.0
"""A job that has probably been done for so long is looked at without keeping the distance of looks."""


@dataclass
class Turn:
    """A job that waits to be looked at."""

    job: Job
    typical_s: float
    floor_s: float
    looked_at: float
    hinted: bool = False
    """The backend called: the job is probably over."""
    called: anyio.Event = field(default_factory=anyio.Event)

    @property
    def started_at(self) -> float:
        """When the backend began."""
        return self.job.sent_at or self.job.created_at

    @property
    def earliest(self) -> float:
        """Not sooner: the answer would come from a cache, or the job has been silent for so long that haste is vain."""
        if self.hinted:
            return max(self.looked_at + self.floor_s, self.job.due)
        late = max(0.0, self.looked_at - self.started_at - 4 * self.typical_s)
        gap = min(max(self.floor_s, late / 10), CEILING_S)
        return max(self.looked_at + gap, self.started_at + min(self.floor_s, self.typical_s / 4), self.job.due)

    def worth(self, now: float) -> float:
        """What a look now is worth: the seconds for which the job is likely to have been done without our knowing."""
        if self.hinted:
            return math.inf
        return unseen(self.looked_at - self.started_at, now - self.started_at, self.typical_s)


SHAPE = 3
"""Of the log-logistic that stands for a model's durations before anything was learned; its median is the usual time."""


def surviving(age: float, typical_s: float) -> float:
    """The chance that a job is still under way at an age."""
    return 1 / (1 + (max(age, 0.0) / typical_s) ** SHAPE)


def unseen(looked: float, age: float, typical_s: float) -> float:
    """Expected seconds since a job's end, if it was under way at age `looked` and nobody looked since.

    It grows with the hazard h and the square of the time t since the last look, as h t²/2; so going by it spends looks
    in proportion to √h, which is best where h hardly changes between two looks, and is still right where it does.
    """
    return (age - looked) - (lived(age, typical_s) - lived(looked, typical_s)) / surviving(looked, typical_s)


def lived(age: float, typical_s: float) -> float:
    """The integral of `surviving` from 0."""
    x = max(age, 0.0) / typical_s
    arc = math.atan((2 * x - 1) / math.sqrt(3)) + math.pi / 6
    return typical_s * (math.log1p(x) / 3 - math.log(x * x - x + 1) / 6 + arc / math.sqrt(3))


def choose(waiting: Iterable[Turn], now: float) -> Turn | None:
    """The job whose look is worth most now; None where it is too early for all."""
    ready = [turn for turn in waiting if turn.earliest <= now]
    return max(ready, key=lambda turn: turn.worth(now), default=None)


def places_of(limit: float) -> int:
    """How many requests may really go out in a minute."""
    return max(1, int(limit) - SPARE if limit > 10 * SPARE else int(limit))


def next_place(
    grants: list[float], now: float, places: int, closed: float = 0.0, looked: float = 0.0
) -> tuple[float, list[float]]:
    """The time of the next place, and the places taken then.

    Never more than `places` in any window. `looked` is the time of the last look if this is one: looks spread what is
    left of the minute evenly, so that none are wasted early and a submit never waits for a burst of them. Times far
    ahead come from a clock that was wrong.
    """
    grants = sorted(grant for grant in grants if now - WINDOW_S - 1 < grant < now + WINDOW_S)
    at = max(now, closed)
    if len(grants) >= places:
        at = max(at, grants[-places] + WINDOW_S + MARGIN_S)
    elif 0 < looked < now + WINDOW_S and grants:
        at = max(at, looked + (grants[0] + WINDOW_S - now) / (places - len(grants)))
    return at, [*grants, at]


class Pace:
    """The places of every account, for one process among several."""

    def __init__(self, ledger: Ledger, settings: Settings, tasks: anyio.abc.TaskGroup) -> None:
        self.ledger = ledger
        self.settings = settings
        self.tasks = tasks
        self.turns: dict[str, dict[str, Turn]] = {}
        self.changed: dict[str, anyio.Event] = {}
        self.hints: set[str] = set()
        self.queues: dict[str, anyio.Lock] = {}

    async def place(self, account: str, *, look: bool = False, urgent: bool = False) -> None:
        """Wait for a place in the account's minute, and take it."""
        async with self.queues.setdefault(account, anyio.Lock()):
            while True:
                at = await self.take(account, look=look, urgent=urgent)
                if at is None:
                    return
                await anyio.sleep(max(0.0, at - time.time()))

    async def take(self, account: str, *, look: bool, urgent: bool = False) -> float | None:
        """Take a place, where there is one now; else returns when to ask again. None is promised ahead, to nobody: so
        however many wait, in however many processes, a minute never has more than its places."""
        places = places_of(float(self.settings.rate.of(backend_of(account)) or 60))
        async with self.ledger.writing.begin() as db:
            now = time.time()
            row = (await db.execute(select(paces).where(paces.c.account == account))).first()
            grants = json.loads(row.grants) if row else []
            closed = row.closed_until if row and row.closed_until < now + CEILING_S else 0.0
            looked = row.looked_at if row and look and not urgent else 0.0
            at, grants = next_place(grants, now, places, closed, looked)
            if at > now:
                return at
            values = {"grants": json.dumps(grants), **({"looked_at": at} if look else {})}
            if row is None:
                await db.execute(insert(paces).values(account=account, **values))
            else:
                await db.execute(update(paces).where(paces.c.account == account).values(**values))
        return None

    async def close(self, account: str, seconds: float) -> None:
        """The backend asked for quiet: no request of this account goes out for so long."""
        until = time.time() + min(seconds, CEILING_S) + random.uniform(0, 0.5)  # noqa: S311
        with contextlib.suppress(LedgerTrouble):  # what the backend answered matters more
            async with self.ledger.writing.begin() as db:
                await db.execute(update(paces).where(paces.c.account == account).values(closed_until=until))

    async def turn(self, job: Job, typical_s: float, floor_s: float, looked_at: float) -> None:
        """Wait until it is this job's turn to be looked at, and take a place for it.

        The floor is meant for 60 requests a minute; where more are allowed, looks may be closer together.
        """
        account = job.account
        rate = self.settings.rate.of(job.backend) or Decimal(60)
        turn = Turn(job, typical_s, floor_s * float(min(Decimal(1), 60 / rate)), looked_at, job.id in self.hints)
        self.hints.discard(job.id)
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

    def hint(self, job: Job) -> None:
        """A job is probably over: its next look is due at once, though looks keep the distance that they need."""
        if turn := self.turns.get(job.account, {}).get(job.id):
            turn.hinted = True
            self.changed[job.account].set()
        else:
            self.hints.add(job.id)

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
            best = choose(waiting.values(), now)
            urgent = best is not None and best.worth(now) >= URGENT_S
            try:
                at = await self.take(account, look=True, urgent=urgent)
            except LedgerTrouble:
                await anyio.sleep(1.0)
                continue
            if at is not None and urgent:
                await anyio.sleep(max(0.0, at - time.time()))
                continue
            if at is not None:
                await self.hinted(account, at)
                continue
            if best := choose(waiting.values(), time.time()):
                waiting.pop(best.job.id)
                best.called.set()

    async def hinted(self, account: str, at: float) -> None:
        """Wait until a place may be free, or until a hint came, whose look need not keep the distance of looks."""
        while True:
            now = time.time()
            called = min((turn.earliest for turn in self.turns[account].values() if turn.hinted), default=math.inf)
            if min(at, called) <= now:
                return
            self.changed[account] = anyio.Event()
            with anyio.move_on_after(min(at, called) - now):
                await self.changed[account].wait()
