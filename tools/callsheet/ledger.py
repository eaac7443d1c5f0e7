"""Jobs and money on disk. Every step of a job is one compare-and-set; credits are whole billionths."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import anyio
import stamina
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    case,
    event,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from callsheet.errors import Overtaken, RequestError
from callsheet.model import Harvest
from callsheet.stages import ENDED, HOLDING, LIVE, UNSENT

NANO = 10**9
SCHEMA = 1
LEASE_S = 30.0
"""A carrier that has not renewed its lease for so long is taken for dead."""
SAME_CALL_S = 600.0
"""For so long after a result was handed over, the same call is the same job."""

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("parent", String, index=True),
    Column("caller", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("model", String, nullable=False),
    Column("account", String, nullable=False),
    Column("title", String, nullable=False, default=""),
    Column("words", Text, nullable=False),
    Column("digest", String, nullable=False, index=True),
    Column("max_credits", BigInteger),
    Column("agreed", BigInteger),
    Column("stage", String, nullable=False),
    Column("count", Integer, nullable=False, default=1),
    Column("quoted_low", BigInteger),
    Column("quoted", BigInteger),
    Column("published", Boolean, nullable=False, default=True),
    Column("charged", BigInteger),
    Column("basis", String),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("refund_expected", BigInteger, nullable=False, default=0),
    Column("endpoint", String),
    Column("body_hash", String),
    Column("ticket", String),
    Column("progress", String),
    Column("tries", Integer, nullable=False, default=0),
    Column("looks", Integer, nullable=False, default=0),
    Column("harvest", Text),
    Column("media", Text),
    Column("error", Text),
    Column("owner", String),
    Column("lease", Float, nullable=False, default=0.0),
    Column("due", Float, nullable=False, default=0.0),
    Column("created_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("charged_at", Float),
    Column("made_at", Float),
    Column("ended_at", Float),
    Column("handed_at", Float),
    Index("jobs_stage", "stage", "due"),
    Index("jobs_account", "account", "stage", "sent_at"),
    Index("jobs_ticket", "account", "ticket", unique=True),
)

balances = Table(
    "balances",
    metadata,
    Column("account", String, primary_key=True),
    Column("credits", BigInteger, nullable=False),
    Column("asked_at", Float, nullable=False),
)

paces = Table(
    "paces",
    metadata,
    Column("account", String, primary_key=True),
    Column("grants", Text, nullable=False),
    Column("looked_at", Float, nullable=False, default=0.0),
    Column("closed_until", Float, nullable=False, default=0.0),
)

facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))


@dataclass(frozen=True)
class Job:
    """One row of the ledger: a request, how far it is, and what it cost."""

    id: str
    caller: str
    operation: str
    model: str
    account: str
    words: dict[str, Any]
    digest: str
    stage: str = "new"
    parent: str | None = None
    title: str = ""
    max_credits: Decimal | None = None
    agreed: Decimal | None = None
    count: int = 1
    quoted_low: Decimal | None = None
    quoted: Decimal | None = None
    published: bool = True
    charged: Decimal | None = None
    basis: str | None = None
    refunded: Decimal = Decimal(0)
    refund_expected: Decimal = Decimal(0)
    endpoint: str | None = None
    body_hash: str | None = None
    ticket: str | None = None
    progress: str | None = None
    tries: int = 0
    looks: int = 0
    harvest: Harvest | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    owner: str | None = None
    lease: float = 0.0
    due: float = 0.0
    created_at: float = field(default_factory=time.time)
    sent_at: float | None = None
    charged_at: float | None = None
    made_at: float | None = None
    ended_at: float | None = None
    handed_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.stage in ENDED

    @property
    def backend(self) -> str:
        """The backend's name."""
        return self.account.rpartition("/")[2]

    @property
    def sandbox(self) -> bool:
        """Whether the sandbox does the work."""
        return self.account.startswith("sandbox/")

    @property
    def net(self) -> Decimal:
        """Credits that are gone for good, as far as is known."""
        return (self.charged or Decimal(0)) - self.refunded


CREDITS = {"max_credits", "agreed", "quoted_low", "quoted", "charged", "refunded", "refund_expected"}
JSON = {"words", "media", "error"}


def to_row(values: dict[str, Any]) -> dict[str, Any]:
    """Values as columns hold them."""
    row = dict(values)
    for name, value in values.items():
        if name in CREDITS and value is not None:
            row[name] = nano(value)
        elif name in JSON and value is not None:
            row[name] = json.dumps(value, ensure_ascii=False)
        elif name == "harvest" and value is not None:
            row[name] = json.dumps({"urls": value.urls, "text": value.text, "files": value.files}, ensure_ascii=False)
    return row


def from_row(row: Any) -> Job:
    """A job out of its columns."""
    values = dict(row._mapping)
    for name, value in values.items():
        if value is None:
            continue
        if name in CREDITS:
            values[name] = credits(value)
        elif name in JSON:
            values[name] = json.loads(value)
        elif name == "harvest":
            values[name] = Harvest(**json.loads(value))
    values["media"] = values["media"] or []
    return Job(**values)


def nano(amount: Decimal) -> int:
    """Credits as whole billionths."""
    return round(amount * NANO)


def credits(amount: int | None) -> Decimal:
    """Whole billionths as credits."""
    return Decimal(amount or 0) / NANO


def new_id() -> str:
    """A job's id: 100 random bits, so that nobody can guess another's."""
    return f"j_{secrets.token_hex(13)}"


class Ledger:
    """The jobs and balances in one database, shared by every process of one owner."""

    def __init__(self, engine: AsyncEngine, owner: str) -> None:
        self.engine = engine
        self.writing = engine.execution_options(writing=True)
        self.owner = owner

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
        ledger = cls(engine, owner or secrets.token_hex(8))
        try:
            await ledger.prepare()
            yield ledger
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    async def prepare(self) -> None:
        """Make the tables that are missing; additions only, and a newer schema is refused."""
        async with self.writing.begin() as db:
            await db.run_sync(metadata.create_all)
            found = (await db.execute(select(facts.c.value).where(facts.c.name == "schema"))).scalar()
            if found is None:
                await db.execute(insert(facts).values(name="schema", value=str(SCHEMA)))
            elif int(found) > SCHEMA:
                raise RequestError(f"The ledger was made by a newer Callsheet (schema {found}). Upgrade this one.")

    # -- jobs ---------------------------------------------------------------------------------------------------

    async def add(self, new: Sequence[Job]) -> tuple[Job, bool]:
        """Write down new jobs, the first being the one handed back, unless the same call is known already.

        Returns the job, and whether it was there before.
        """
        first = new[0]
        since = time.time() - SAME_CALL_S
        async with self.writing.begin() as db:
            known = select(jobs).where(
                jobs.c.digest == first.digest,
                jobs.c.caller == first.caller,
                jobs.c.parent.is_(None),
                jobs.c.stage.not_in(("refused", "failed", "cancelled")),
                or_(jobs.c.handed_at.is_(None), jobs.c.handed_at > since, jobs.c.stage.in_((*LIVE, "unknown"))),
            )
            if row := (await db.execute(known.order_by(jobs.c.created_at.desc()))).first():
                return from_row(row), True
            await db.execute(insert(jobs), [to_row({f.name: getattr(job, f.name) for f in fields(job)}) for job in new])
        return first, False

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
        """
        if step.get("stage") in ENDED and job.ended_at is None:
            step["ended_at"] = time.time()
        mine = (jobs.c.id == job.id, jobs.c.stage == job.stage, jobs.c.owner == self.owner)
        async for attempt in stamina.retry_context(on=OperationalError, attempts=12, timeout=120.0):
            with attempt:
                async with self.writing.begin() as db:
                    done = await db.execute(update(jobs).where(*mine).values(**to_row(step)))
        if done.rowcount != 1:
            raise Overtaken(f"{job.id} is no longer in {job.stage} here")
        return replace(job, **step)

    async def adopt(self, job: Job, **step: Any) -> bool:
        """Give a job whose outcome is unknown the ticket that turned up; False where it has moved on, or the ticket is
        another job's."""
        try:
            async with self.writing.begin() as db:
                lost = (jobs.c.id == job.id, jobs.c.stage.in_(("sending", "unknown")), jobs.c.ticket.is_(None))
                found = {"owner": None, "lease": 0.0, "ended_at": None, "handed_at": None, "error": None}
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

    async def renew(self, carried: Iterable[str]) -> None:
        """Say that we still carry these."""
        async with self.writing.begin() as db:
            mine = (jobs.c.id.in_(list(carried)), jobs.c.owner == self.owner)
            await db.execute(update(jobs).where(*mine).values(lease=time.time() + LEASE_S))

    async def release(self) -> None:
        """Let go of everything we carry, so that the next process need not wait for the lease to run out."""
        async with self.writing.begin() as db:
            await db.execute(update(jobs).where(jobs.c.owner == self.owner).values(owner=None, lease=0.0))

    async def orphans(self) -> list[Job]:
        """Live jobs that nobody carries."""
        return await self.find(
            jobs.c.stage.in_(LIVE), or_(jobs.c.owner.is_(None), jobs.c.lease < time.time()), order=jobs.c.created_at
        )

    # -- money --------------------------------------------------------------------------------------------------

    async def balance(self, account: str) -> tuple[Decimal, float] | None:
        """The last balance read and when it was asked for."""
        async with self.engine.connect() as db:
            row = (await db.execute(select(balances).where(balances.c.account == account))).first()
        return (credits(row.credits), row.asked_at) if row else None

    async def note_balance(self, account: str, amount: Decimal, asked_at: float) -> None:
        """Keep a balance, unless a later one is known."""
        async with self.writing.begin() as db:
            row = (await db.execute(select(balances).where(balances.c.account == account))).first()
            values = {"account": account, "credits": nano(amount), "asked_at": asked_at}
            if row is None:
                await db.execute(insert(balances).values(**values))
            elif row.asked_at <= asked_at:
                await db.execute(update(balances).where(balances.c.account == account).values(**values))


async def held(db: AsyncConnection, account: str, seen_at: float) -> Decimal:
    """Credits promised to jobs, or charged, that a balance asked for at `seen_at` cannot show yet."""
    hidden = or_(jobs.c.charged_at.is_(None), jobs.c.charged_at >= seen_at)
    wanted = (jobs.c.account == account, jobs.c.stage.in_((*HOLDING, "stored")), hidden)
    return credits((await db.execute(select(func.sum(PROMISED)).where(*wanted))).scalar())


async def spent_since(db: AsyncConnection, account: str, since: float) -> Decimal:
    """Credits spent, or promised to jobs under way, by time of sending."""
    recent = or_(jobs.c.sent_at >= since, jobs.c.stage == "approved")
    amount = func.sum(PROMISED - jobs.c.refunded - jobs.c.refund_expected)
    return credits((await db.execute(select(amount).where(jobs.c.account == account, recent))).scalar())


PROMISED = func.coalesce(jobs.c.charged, case((jobs.c.stage.in_((*HOLDING, "stored")), jobs.c.quoted), else_=0), 0)
"""What a job costs: what was charged, or while nobody said so what was reserved."""


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
