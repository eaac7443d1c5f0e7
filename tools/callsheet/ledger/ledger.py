"""Jobs on disk. Every step of a job is one compare-and-set."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, Self

import stamina
from sqlalchemy import and_, func, insert, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from callsheet.errors import LedgerTrouble, Overtaken, RequestError, Twin
from callsheet.ledger.database import Shielded, connected
from callsheet.ledger.stages import ENDED, LIVE, UNSENT
from callsheet.ledger.tables import Job, from_row, jobs, nano, to_row

LEASE_S = 30.0
"""A carrier that has not renewed its lease for so long is taken for dead."""
SAME_CALL_S = 600.0
"""For so long after a result was handed over, the same call is the same job."""

SEARCH_S = (1.0, 3.0, 15.0, 60.0, 300.0, 1800.0, 3600.0)
"""Seconds until the first, the second … search; the last holds from then on, for a day."""


def new_id() -> str:
    """A job's id: 100 random bits, so that nobody can guess another's."""
    return f"j_{secrets.token_hex(13)}"


class Ledger:
    """The jobs and balances in one database, shared by every process of one owner."""

    def __init__(self, engine: Shielded, writing: Shielded, owner: str) -> None:
        self.engine = engine
        self.writing = writing
        self.owner = owner
        self.written = time.monotonic()
        self.closing = False
        """Whether the process is about to end, and no longer waits for a busy database."""

    @property
    def writable(self) -> bool:
        """Whether it took what we wrote lately; our leases are renewed often enough to know."""
        return time.monotonic() - self.written < LEASE_S

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, owner: str | None = None) -> AsyncIterator[Self]:
        """Open or create the ledger.

        Raises:
            RequestError: where its folder cannot be written, or a newer Callsheet made it.
        """
        async with connected(url) as (reading, writing):
            yield cls(reading, writing, owner or secrets.token_hex(8))

    # -- jobs ---------------------------------------------------------------------------------------------------

    async def add(self, new: Sequence[Job]) -> tuple[Job, bool]:
        """Write down new jobs, the first being the one handed back, unless the same call is known already.

        Returns the job, and whether it was there before.
        """
        async with self.writing.begin() as db:
            if known := await same(db, [new[0]]):
                return known[0], True
            await enter(db, new)
        return new[0], False

    async def same(self, job: Job) -> Job | None:
        """The job that the same call made before, if it still counts."""
        async with self.engine.connect() as db:
            return next(iter(await same(db, [job])), None)

    async def planned(self, plan: str) -> list[Job]:
        """The jobs of one plan, in its order."""
        return await self.find(jobs.c.plan == plan, jobs.c.parent.is_(None), order=jobs.c.place)

    async def get(self, job_id: str, caller: str | None = None) -> Job:
        """A job as it stands; a caller sees only their own.

        Raises:
            RequestError: there is none of that id.
        """
        async with self.engine.connect() as db:
            row = (await db.execute(select(jobs).where(jobs.c.id == job_id))).first()
        if row is None or caller not in (None, row.caller):
            raise RequestError(f"There is no job `{job_id}`. list_jobs shows those there are.")
        return from_row(row)

    async def called(self, backend: str, token: str) -> Job | None:
        """The job that a backend calls about; None where the token is nobody's."""
        found = await self.find(jobs.c.hook == token)
        return next((job for job in found if job.backend == backend), None)

    async def parts(self, job_id: str, caller: str | None = None) -> list[Job]:
        """The jobs that one call asked for: itself, or the several under its receipt, in order."""
        job = await self.get(job_id, caller)
        if job.stage != "group" and (job.count == 1 or job.parent):
            return [job]
        return await self.find(jobs.c.parent == job_id, order=jobs.c.id)

    async def results(self, job_id: str, caller: str | None = None) -> list[dict[str, Any]]:
        """The files of a job, its parts' in order."""
        return [item for part in await self.parts(job_id, caller) for item in part.media]

    async def recent(
        self, caller: str, limit: int, since: float = 0.0, stages: Iterable[str] | None = None, skip: int = 0
    ) -> list[Job]:
        """A caller's jobs, the newest first: all, or those in some stages."""
        wanted = (jobs.c.parent.is_(None), jobs.c.caller == caller, jobs.c.created_at >= since)
        newest = jobs.c.created_at.desc()
        if stages is None:
            return await self.find(*wanted, order=newest, limit=limit, skip=skip)
        each = [
            select(jobs.c.id).where(*wanted, jobs.c.stage == stage).order_by(newest).limit(skip + limit).subquery()
            for stage in stages
        ]
        chosen = union_all(*(select(one.c.id) for one in each))
        return await self.find(jobs.c.id.in_(chosen), order=newest, limit=limit, skip=skip)

    async def families(self, of: Sequence[Job]) -> dict[str, list[Job]]:
        """The jobs under each of several receipts, in order; `parts` for many at once."""
        heads = {job.id: [] if job.stage == "group" or (job.count > 1 and not job.parent) else [job] for job in of}
        for part in await self.find(jobs.c.parent.in_([head for head in heads if not heads[head]]), order=jobs.c.id):
            heads[str(part.parent)].append(part)
        return heads

    async def find(self, *where: Any, order: Any = None, limit: int | None = None, skip: int = 0) -> list[Job]:
        """Jobs that fit."""
        async with self.engine.connect() as db:
            rows = await db.execute(select(jobs).where(*where).order_by(order).limit(limit).offset(skip or None))
            return [from_row(row) for row in rows]

    async def count(self, *where: Any) -> int:
        """How many jobs fit."""
        async with self.engine.connect() as db:
            return (await db.execute(select(func.count()).select_from(jobs).where(*where))).scalar_one()

    async def note(self, job: Job, **step: Any) -> Job:
        """Take one step, if the job is still where we think it is and still ours to carry.

        Raises:
            Overtaken: somebody else moved it on, or took it over.
            Twin: its ticket is another job's.
        """
        if step.get("stage") in ENDED and job.ended_at is None:
            step["ended_at"] = time.time()
        if not await self.change(step, jobs.c.id == job.id, jobs.c.stage == job.stage, jobs.c.owner == self.owner):
            raise Overtaken(f"{job.id} is no longer in {job.stage} here")
        return replace(job, **step)

    async def learn(self, job: Job, **step: Any) -> bool:
        """Give a job whose create was not answered what turned up of it, whoever carries it now; False where it has
        moved on, or the ticket is another job's."""
        free = {"owner": None, "lease": 0.0, "ended_at": None, "handed_at": None, "error": None}
        if step.get("stage") in ENDED:
            free["ended_at"] = time.time()
        unanswered = (jobs.c.id == job.id, jobs.c.ticket.is_(None))
        sending, unknown = jobs.c.stage == "sending", jobs.c.stage == "unknown"
        try:
            if step.get("stage") != "approved":
                return await self.change(free | step, *unanswered, or_(sending, unknown))
            never = free | step | {"stage": "failed", "ended_at": time.time()}  # it may have been replaced already
            return await self.change(free | step, *unanswered, sending) or await self.change(
                never, *unanswered, unknown
            )
        except Twin:
            return False

    async def adopt(self, job: Job, **step: Any) -> bool:
        """Give a job whose outcome is unknown the ticket that turned up in a list."""
        return await self.learn(job, adopted=True, **step)

    async def change(self, step: dict[str, Any], *where: Any) -> bool:
        """Write a step down, if the job is as we think; where the database is busy, for as long as we live.

        Raises:
            Twin: its ticket is another job's.
        """

        def passes(error: Exception) -> bool:
            return isinstance(error, LedgerTrouble) and not self.closing

        async for attempt in stamina.retry_context(on=passes, attempts=None, timeout=None):
            with attempt:
                try:
                    async with self.writing.begin() as db:
                        done = await db.execute(update(jobs).where(*where).values(**to_row(step)))
                except IntegrityError:
                    raise Twin("a job was given a ticket that another one holds") from None
        return bool(done.rowcount)

    async def drop(self, job: Job) -> bool:
        """Cancel a job that was never sent, whoever carries it."""
        async with self.writing.begin() as db:
            unsent = (jobs.c.id == job.id, jobs.c.stage.in_(UNSENT))
            step = {"stage": "cancelled", "ended_at": time.time()}
            return (await db.execute(update(jobs).where(*unsent).values(**step))).rowcount == 1

    async def answer(self, job: Job, **step: Any) -> None:
        """Let a job go on, or not, that waits for a person's yes; whoever carries it."""
        async with self.writing.begin() as db:
            asking = (jobs.c.id == job.id, jobs.c.stage == "asking", jobs.c.quoted == nano(job.quoted or Decimal(0)))
            await db.execute(update(jobs).where(*asking).values(**to_row(step)))

    async def overrule(self, job: Job, **step: Any) -> None:
        """End a job that is under way at the backend, whoever carries it."""
        async with self.writing.begin() as db:
            sent = (jobs.c.id == job.id, jobs.c.stage == "sent")
            await db.execute(update(jobs).where(*sent).values(**to_row(step | {"ended_at": time.time()})))

    async def hurry(self, job_id: str) -> None:
        """Let a job that waits for its next try go on at once."""
        async with self.writing.begin() as db:
            await db.execute(update(jobs).where(jobs.c.id == job_id).values(due=0.0))

    async def reopen(self, job: Job) -> None:
        """A stored job whose files are gone is `made` again."""
        async with self.writing.begin() as db:
            stored = (jobs.c.id == job.id, jobs.c.stage == "stored")
            free = {"stage": "made", "owner": None, "lease": 0.0, "due": 0.0}
            await db.execute(update(jobs).where(*stored).values(**free))

    async def hand_over(self, job: Job) -> None:
        """Remember when an ended job's receipt was first given to whoever asked for it."""
        if job.handed_at is None:
            async with self.writing.begin() as db:
                await db.execute(update(jobs).where(jobs.c.id == job.id).values(handed_at=time.time()))

    async def end_group(self, job: Job, stage: str) -> None:
        """Close a receipt whose jobs have all ended."""
        async with self.writing.begin() as db:
            step = update(jobs).where(jobs.c.id == job.id, jobs.c.stage == "group")
            await db.execute(step.values(stage=stage, ended_at=time.time()))

    async def send_anew(self, lost: Job, new: Job) -> bool:
        """Give up on a lost job and write down the one that replaces it, both or neither."""
        async with self.writing.begin() as db:
            unknown = (jobs.c.id == lost.id, jobs.c.stage == "unknown", jobs.c.ticket.is_(None))
            why = {
                "kind": "provider",
                "message": f"Given up for {new.id}, sent in its place; this one may have been charged as well.",
                "safe_to_retry": False,
            }
            done = await db.execute(update(jobs).where(*unknown).values(stage="failed", error=json.dumps(why)))
            if done.rowcount == 1:
                await enter(db, [new])
            return done.rowcount == 1

    # -- who carries what ---------------------------------------------------------------------------------------

    async def claim(self, job_id: str) -> Job | None:
        """Take a live job that nobody carries, or whose carrier is dead; None where it is not to be had."""
        now = time.time()
        free = or_(jobs.c.owner.is_(None), jobs.c.owner == self.owner, jobs.c.lease < now)
        async with self.writing.begin() as db:
            wanted = (jobs.c.id == job_id, jobs.c.stage.in_(LIVE), free)
            taken = await db.execute(update(jobs).where(*wanted).values(owner=self.owner, lease=now + LEASE_S))
            if taken.rowcount != 1:
                return None
            return from_row((await db.execute(select(jobs).where(jobs.c.id == job_id))).one())

    async def renew(self) -> None:
        """Say that we still carry what is ours."""
        async with self.writing.begin() as db:
            mine = (jobs.c.owner == self.owner, jobs.c.stage.in_(LIVE))
            await db.execute(update(jobs).where(*mine).values(lease=time.time() + LEASE_S))
        self.written = time.monotonic()

    async def release(self) -> None:
        """Let go of everything we carry, so that the next process need not wait for the lease to run out."""
        ours = (jobs.c.owner == self.owner, jobs.c.stage.in_(LIVE))
        if await self.count(*ours):
            async with self.writing.begin() as db:
                await db.execute(update(jobs).where(*ours).values(owner=None, lease=time.time()))

    async def lost(self) -> list[Job]:
        """Jobs whose outcome is unknown, and that are worth another search now."""
        now = time.time()
        recent = (jobs.c.stage == "unknown", jobs.c.due <= now, jobs.c.sent_at > now - 86400)
        return await self.find(*recent, order=jobs.c.created_at)

    async def rivals(self, job: Job) -> list[Job]:
        """The other jobs of the account that may be what a stray trace is."""
        wanted = (jobs.c.account == job.account, jobs.c.id != job.id, jobs.c.ticket.is_(None))
        return await self.find(*wanted, jobs.c.stage.in_(("sending", "unknown")), order=jobs.c.created_at)

    async def tickets(self, account: str, of: Iterable[str]) -> set[str]:
        """Which of these tickets some job holds already."""
        async with self.engine.connect() as db:
            wanted = (jobs.c.account == account, jobs.c.ticket.in_(list(of)))
            return set((await db.execute(select(jobs.c.ticket).where(*wanted))).scalars())

    async def search_again(self, job: Job) -> None:
        """Count a search that found nothing, and put off the next."""
        wait = SEARCH_S[min(job.searched + 1, len(SEARCH_S) - 1)]
        async with self.writing.begin() as db:
            lost = (jobs.c.id == job.id, jobs.c.stage == "unknown", jobs.c.searched == job.searched)
            step = {"searched": job.searched + 1, "due": time.time() + wait}
            await db.execute(update(jobs).where(*lost).values(**step))

    async def orphans(self) -> list[Job]:
        """Live jobs that nobody carries."""
        return await self.find(
            jobs.c.stage.in_(LIVE), or_(jobs.c.owner.is_(None), jobs.c.lease < time.time()), order=jobs.c.created_at
        )


async def same(db: AsyncConnection, calls: Sequence[Job]) -> list[Job]:
    """The jobs that the same calls made before, the newest first: under way, not handed over for long, or begun with
    the very approval that is shown again."""
    since, shown = time.time() - SAME_CALL_S, calls[0].approval
    repeated = and_(
        jobs.c.digest.in_([call.digest for call in calls]),
        jobs.c.stage.not_in(("refused", "failed", "cancelled")),
        or_(jobs.c.handed_at.is_(None), jobs.c.handed_at > since, jobs.c.stage.in_((*LIVE, "unknown"))),
    )
    known = [select(jobs.c.id).where(repeated)]
    if shown:
        known.append(select(jobs.c.id).where(jobs.c.approval == shown))
    rows = await db.execute(select(jobs).where(jobs.c.id.in_(union_all(*known))).order_by(jobs.c.created_at.desc()))
    return [job for job in map(from_row, rows) if job.caller == calls[0].caller and job.parent is None]


async def enter(db: AsyncConnection, new: Sequence[Job]) -> None:
    """Write jobs down."""
    await db.execute(insert(jobs), [to_row({f.name: getattr(job, f.name) for f in fields(job)}) for job in new])
