"""The money side of the ledger: balances as they were read, what is promised and spent, and each day's statement."""

import json
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import ENDED, HOLDING
from callsheet.ledger.tables import Job, credits, jobs, nano, readings, statements, to_row


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
        async with self.ledger.engine.connect() as db:
            return list((await db.execute(select(jobs.c.account).distinct().order_by(jobs.c.account))).scalars())

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
        """The jobs that may have moved a balance in a span of time."""
        began = jobs.c.sent_at < until
        still = or_(jobs.c.charged_at.is_(None), jobs.c.charged_at >= since, jobs.c.ended_at >= since)
        wanted = (jobs.c.account == account, jobs.c.id != but, jobs.c.stage.not_in(("refused", "group")))
        return await self.ledger.find(*wanted, began, still, order=jobs.c.sent_at)

    async def settle(self, job_id: str, **step: Any) -> None:
        """Add to an ended job what became known of its money."""
        async with self.ledger.writing.begin() as db:
            ended = (jobs.c.id == job_id, jobs.c.stage.in_(ENDED))
            await db.execute(update(jobs).where(*ended).values(**to_row(step)))


async def held(db: AsyncConnection, account: str, seen_at: float) -> Decimal:
    """Credits promised to jobs, or charged, that a balance asked for at `seen_at` cannot show yet."""
    hidden = or_(jobs.c.charged_at.is_(None), jobs.c.charged_at >= seen_at)
    wanted = (jobs.c.account == account, jobs.c.stage.in_((*HOLDING, "stored")), hidden)
    return credits((await db.execute(select(func.sum(PROMISED)).where(*wanted))).scalar())


async def spent_since(db: AsyncConnection, account: str, since: float, caller: str | None = None) -> Decimal:
    """Credits spent, or promised to jobs under way, by time of sending; one caller's, or everybody's."""
    recent = or_(jobs.c.sent_at >= since, jobs.c.stage == "approved")
    whose = jobs.c.caller == caller if caller else true()
    amount = func.sum(PROMISED - jobs.c.refunded - jobs.c.refund_expected)
    return credits((await db.execute(select(amount).where(jobs.c.account == account, whose, recent))).scalar())


PROMISED = func.coalesce(jobs.c.charged, case((jobs.c.stage.in_((*HOLDING, "stored")), jobs.c.quoted), else_=0), 0)
"""What a job costs: what was charged, or while nobody said so what was reserved."""
