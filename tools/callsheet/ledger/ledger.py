"""Jobs on disk. Every step of a job is one compare-and-set."""

import json
import math
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import anyio
import stamina
from sqlalchemy import Connection, and_, event, false, insert, inspect, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateColumn

from callsheet.errors import LedgerTrouble, Overtaken, RequestError, Twin
from callsheet.ledger.stages import ENDED, LIVE, UNSENT
from callsheet.ledger.tables import Job, facts, from_row, jobs, metadata, nano, to_row

SCHEMA = 1
LEASE_S = 30.0
"""A carrier that has not renewed its lease for so long is taken for dead."""
SAME_CALL_S = 600.0
"""For so long after a result was handed over, the same call is the same job."""

SEARCH_S = (1.0, 3.0, 15.0, 60.0, 300.0, 1800.0, 3600.0)
"""Seconds until the first, the second … search; the last holds from then on, for a day."""


def new_id() -> str:
    """A job's id: 100 random bits, so that nobody can guess another's."""
    return f"j_{secrets.token_hex(13)}"


class Shielded:
    """The database's connections, never cancelled in the middle of a statement: such a one may never close, and then
    nor would the process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.raw = engine

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with."""
        with anyio.CancelScope(shield=True):
            async with self.raw.connect() as db:
                yield db

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction."""
        with anyio.CancelScope(shield=True):
            async with self.raw.begin() as db:
                yield db


class Ledger:
    """The jobs and balances in one database, shared by every process of one owner."""

    def __init__(self, engine: AsyncEngine, owner: str) -> None:
        self.engine = Shielded(engine)
        self.writing = Shielded(engine.execution_options(writing=True))
        self.owner = owner
        self.written = -math.inf

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
        if url.startswith("sqlite"):
            folder = Path(url.partition(":///")[2]).parent
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise RequestError(f"The ledger's folder {folder} cannot be made: {error.strerror}.") from None
        engine = create_async_engine(url, connect_args={"timeout": 30} if url.startswith("sqlite") else {})
        if url.startswith("sqlite"):
            event.listen(engine.sync_engine, "connect", set_pragmas)
            event.listen(engine.sync_engine, "begin", begin)
        event.listen(engine.sync_engine, "handle_error", in_our_words)
        ledger = cls(engine, owner or secrets.token_hex(8))
        try:
            await ledger.prepare()
            yield ledger
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    async def prepare(self) -> None:
        """Make the tables and columns that are missing; additions only, and a newer schema is refused."""
        async with self.writing.begin() as db:
            await db.run_sync(metadata.create_all)
            await db.run_sync(add_columns)
            found = (await db.execute(select(facts.c.value).where(facts.c.name == "schema"))).scalar()
            if found is None:
                await db.execute(insert(facts).values(name="schema", value=str(SCHEMA)))
            elif int(found) > SCHEMA:
                raise RequestError(f"The ledger was made by a newer Callsheet (schema {found}). Upgrade this one.")
        self.written = time.monotonic()

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

    async def recent(self, caller: str, limit: int, since: float = 0.0) -> list[Job]:
        """A caller's jobs, the newest first."""
        wanted = (jobs.c.parent.is_(None), jobs.c.caller == caller, jobs.c.created_at >= since)
        return await self.find(*wanted, order=jobs.c.created_at.desc(), limit=limit)

    async def find(self, *where: Any, order: Any = None, limit: int | None = None) -> list[Job]:
        """Jobs that fit."""
        async with self.engine.connect() as db:
            rows = await db.execute(select(jobs).where(*where).order_by(order).limit(limit))
            return [from_row(row) for row in rows]

    async def note(self, job: Job, **step: Any) -> Job:
        """Take one step, if the job is still where we think it is and still ours to carry.

        Raises:
            Overtaken: somebody else moved it on, or took it over.
            Twin: its ticket is another job's.
        """
        if step.get("stage") in ENDED and job.ended_at is None:
            step["ended_at"] = time.time()
        mine = (jobs.c.id == job.id, jobs.c.stage == job.stage, jobs.c.owner == self.owner)
        async for attempt in stamina.retry_context(on=LedgerTrouble, attempts=12, timeout=120.0):
            with attempt:
                try:
                    async with self.writing.begin() as db:
                        done = await db.execute(update(jobs).where(*mine).values(**to_row(step)))
                except IntegrityError:
                    raise Twin(f"{job.id} was given a ticket that another job holds") from None
        if done.rowcount != 1:
            raise Overtaken(f"{job.id} is no longer in {job.stage} here")
        return replace(job, **step)

    async def adopt(self, job: Job, **step: Any) -> bool:
        """Give a job whose outcome is unknown the ticket that turned up; False where it has moved on, or the ticket is
        another job's."""
        try:
            async with self.writing.begin() as db:
                lost = (jobs.c.id == job.id, jobs.c.stage.in_(("sending", "unknown")), jobs.c.ticket.is_(None))
                found = {
                    "adopted": True,
                    "owner": None,
                    "lease": 0.0,
                    "ended_at": None,
                    "handed_at": None,
                    "error": None,
                }
                done = await db.execute(update(jobs).where(*lost).values(**to_row(found | step)))
        except IntegrityError:
            return False
        return done.rowcount == 1

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
        async with self.writing.begin() as db:
            await db.execute(update(jobs).where(jobs.c.owner == self.owner).values(owner=None, lease=0.0))

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
    since = time.time() - SAME_CALL_S
    repeated = and_(
        jobs.c.digest.in_([call.digest for call in calls]),
        jobs.c.caller == calls[0].caller,
        jobs.c.parent.is_(None),
        jobs.c.stage.not_in(("refused", "failed", "cancelled")),
        or_(jobs.c.handed_at.is_(None), jobs.c.handed_at > since, jobs.c.stage.in_((*LIVE, "unknown"))),
    )
    shown = calls[0].approval
    mine = jobs.c.caller == calls[0].caller
    replayed = and_(jobs.c.approval == shown, mine, jobs.c.parent.is_(None)) if shown else false()
    rows = await db.execute(select(jobs).where(or_(repeated, replayed)).order_by(jobs.c.created_at.desc()))
    return [from_row(row) for row in rows]


async def enter(db: AsyncConnection, new: Sequence[Job]) -> None:
    """Write jobs down."""
    await db.execute(insert(jobs), [to_row({f.name: getattr(job, f.name) for f in fields(job)}) for job in new])


def add_columns(db: Connection) -> None:
    """Bring tables that an older Callsheet made up to date; what is added may be null."""
    for table in metadata.sorted_tables:
        known = {column["name"] for column in inspect(db).get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                added = CreateColumn(column).compile(dialect=db.dialect)
                db.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
        for index in table.indexes:
            index.create(db, checkfirst=True)


def in_our_words(context: Any) -> None:
    """What goes wrong with the database itself, as an error that says who can mend it."""
    if isinstance(context.sqlalchemy_exception, OperationalError):
        why = str(context.original_exception)
        raise LedgerTrouble(
            f"The ledger cannot be read or written ({why}). Make room on its disk, or end what holds it, and try "
            "again; jobs that are under way are carried on."
        )


def begin(connection: Any) -> None:
    """Writers queue before they read, so that what they read still holds when they write."""
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def set_pragmas(connection: Any, _record: Any) -> None:
    """SQLite as a ledger needs it: nothing written is ever lost, and readers do not wait for writers."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
