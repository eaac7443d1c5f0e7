"""The money side of the ledger: balances as they were read, what is promised and spent, and each day's statement."""

import json
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, String, and_, case, func, insert, select, true, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import ENDED, HOLDING
from callsheet.ledger.tables import Job, credits, jobs, nano, readings, statements, to_row


class Spent(NamedTuple):
    """What was spent on an account under one name, and by how many jobs."""

    account: str
    name: str
    jobs: int
    credits: Decimal


class Books:
    """What one ledger knows of its accounts' credits."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def balance(self, account: str, before: float | None = None) -> tuple[Decimal, float] | None:
        """The last balance read (before a time), and when it was asked for."""
        wanted = [readings.c.account == account] + ([readings.c.asked_at < before] if before is not None else [])
        newest = select(readings).where(*wanted).order_by(readings.c.asked_at.desc()).limit(1)
        async with self.ledger.engine.connect() as db:
            row = (await db.execute(newest)).first()
        return (credits(row.credits), row.asked_at) if row else None

    async def balances(self, account: str, since: float, until: float) -> list[tuple[Decimal, float]]:
        """Every balance read in a span of time, oldest first."""
        span = (readings.c.account == account, readings.c.asked_at >= since, readings.c.asked_at < until)
        async with self.ledger.engine.connect() as db:
            rows = await db.execute(select(readings).where(*span).order_by(readings.c.asked_at))
            return [(credits(row.credits), row.asked_at) for row in rows]

    async def note_balance(self, account: str, amount: Decimal, asked_at: float) -> None:
        """Keep a balance as it was read."""
        async with self.ledger.writing.begin() as db:
            new = insert(readings).prefix_with("OR IGNORE", dialect="sqlite")
            await db.execute(new.values(account=account, asked_at=asked_at, credits=nano(amount)))

    async def accounts(self) -> list[str]:
        """Every account that has a job."""
        found: list[str] = []
        async with self.ledger.engine.connect() as db:
            after = select(func.min(jobs.c.account))  # each from the last: `distinct` would read every job
            while name := (await db.execute(after.where(jobs.c.account > found[-1]) if found else after)).scalar():
                found.append(name)
        return found

    async def statement(self, account: str, day: str) -> dict[str, Any] | None:
        """The entry of a day that is over, if it was made."""
        wanted = (statements.c.account == account, statements.c.day == day)
        async with self.ledger.engine.connect() as db:
            found = (await db.execute(select(statements.c.content).where(*wanted))).scalar()
        return json.loads(found) if found else None

    async def note_statement(self, account: str, day: str, content: dict[str, Any]) -> None:
        """Enter a day's statement; the first entry stays."""
        async with self.ledger.writing.begin() as db:
            new = insert(statements).prefix_with("OR IGNORE", dialect="sqlite")
            await db.execute(new.values(account=account, day=day, content=json.dumps(content)))

    async def movers(self, account: str, since: float, until: float, but: str = "") -> list[Job]:
        """The jobs that may have moved a balance in a span of time: sent in it, or before and not over by then."""
        sent, of = jobs.c.sent_at, select(jobs.c.id).where(jobs.c.account == account)
        before = sent + 0 < since  # a sum has no index: the other condition's is the one to use
        ways = (
            of.where(sent >= since, sent < until),
            of.where(jobs.c.charged_at >= since, before),
            of.where(jobs.c.ended_at >= since, before),
            of.where(jobs.c.stage.in_(HOLDING), jobs.c.charged_at.is_(None), before),
        )
        wanted = (jobs.c.id.in_(union_all(*ways)), jobs.c.id != but, jobs.c.stage.not_in(("refused", "group")))
        return await self.ledger.find(*wanted, order=jobs.c.sent_at)

    async def spending(self, by: str, since: float = 0.0) -> list[Spent]:
        """What was charged, less what came back, for each account and `day`, `model`, `backend` or `caller`; in the
        order in which each began."""
        names = {"day": utc_day(jobs.c.sent_at), "model": jobs.c.model, "backend": jobs.c.account}
        name = names.get(by, jobs.c.caller)
        net = func.sum(jobs.c.charged - jobs.c.refunded - jobs.c.refund_expected)
        sums = select(name.label("name"), func.count().label("number"), net.label("net"), func.min(jobs.c.sent_at))
        sums = sums.where(jobs.c.charged.is_not(None), jobs.c.sent_at >= since).group_by(name)
        found = []
        for account in await self.accounts():
            async with self.ledger.engine.connect() as db:
                rows = await db.execute(sums.where(jobs.c.account == account))
                found += [(row[3], Spent(account, row.name, row.number, credits(row.net))) for row in rows]
        return [spent for _, spent in sorted(found)]

    async def settle(self, job_id: str, **step: Any) -> None:
        """Add to an ended job what became known of its money."""
        async with self.ledger.writing.begin() as db:
            ended = (jobs.c.id == job_id, jobs.c.stage.in_(ENDED))
            await db.execute(update(jobs).where(*ended).values(**to_row(step)))


async def held(db: AsyncConnection, account: str, seen_at: float) -> Decimal:
    """Credits promised to jobs, or charged, that a balance asked for at `seen_at` cannot show yet."""
    of = select(PROMISED.label("amount")).where(jobs.c.account == account)
    promised = of.where(jobs.c.stage.in_(HOLDING), jobs.c.charged_at.is_(None))
    charged = of.where(jobs.c.stage.in_((*HOLDING, "stored")), jobs.c.charged_at >= seen_at)
    return await total(db, promised, charged)


async def spent_since(db: AsyncConnection, account: str, since: float, caller: str | None = None) -> Decimal:
    """Credits spent, or promised to jobs under way, by time of sending; one caller's, or everybody's."""
    whose = jobs.c.caller == caller if caller else true()
    net = PROMISED - jobs.c.refunded - jobs.c.refund_expected
    of = select(net.label("amount"))
    approved = select(jobs.c.id).where(jobs.c.account == account, jobs.c.stage == "approved", whose)
    sent = of.where(jobs.c.account == account, jobs.c.sent_at >= since, jobs.c.stage != "approved", whose)
    return await total(db, sent, of.where(jobs.c.id.in_(approved)))


async def total(db: AsyncConnection, *branches: Select[Any]) -> Decimal:
    """The sum over several questions, each of which has an index of its own; one question with `or` would have none."""
    together = union_all(*branches).subquery()
    return credits((await db.execute(select(func.sum(together.c.amount)))).scalar())


class utc_day(FunctionElement[str]):
    """The day of a time, as `2026-11-21`."""

    type = String()
    inherit_cache = True


@compiles(utc_day, "sqlite")
def utc_day_lite(element: utc_day, compiler: SQLCompiler, **said: Any) -> str:
    """As SQLite says it."""
    return f"date({compiler.process(element.clauses, **said)}, 'unixepoch')"


@compiles(utc_day, "postgresql")
def utc_day_large(element: utc_day, compiler: SQLCompiler, **said: Any) -> str:
    """As PostgreSQL says it."""
    return f"to_char(to_timestamp({compiler.process(element.clauses, **said)}) at time zone 'UTC', 'YYYY-MM-DD')"


RESERVED = case((jobs.c.stage.in_((*HOLDING, "stored")), jobs.c.quoted), else_=0)
BELOW = and_(jobs.c.stage.in_(HOLDING), jobs.c.charged < jobs.c.quoted)
PROMISED = case((BELOW, jobs.c.quoted), else_=func.coalesce(jobs.c.charged, RESERVED, 0))
"""What a job costs: what was charged, or while nobody said so what was reserved; under way the larger of the two."""
