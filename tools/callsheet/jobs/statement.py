"""The statement: the ledger against a backend's balance. What moved, which receipts explain it, what none explains."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from callsheet.ledger.books import Books
from callsheet.ledger.tables import Job

Reading = tuple[Decimal, float]


class Line(BaseModel):
    """One receipt's part in a day's movement."""

    job_id: str
    model: str
    status: str
    charged: float = 0.0
    refunded: float = 0.0
    basis: str | None = None


class Statement(BaseModel):
    """One account's day. `moved` = `explained` + `unexplained`; spending is negative."""

    account: str
    day: str
    opening: float | None = None
    opened_at: str | None = None
    closing: float | None = None
    closed_at: str | None = None
    moved: float = 0.0
    explained: float = 0.0
    unexplained: float = 0.0
    receipts: list[Line] = []
    open: list[Line] = []
    """Receipts that may explain the rest: their outcome, charge or refund is not settled."""
    note: str | None = None


async def statement(books: Books, account: str, day: date) -> Statement:
    """One account's day, from the balances that were read and the receipts between them.

    A refund that was only promised and now fits what is left over exactly is booked as observed.
    """
    start = datetime.combine(day, datetime.min.time(), UTC).timestamp()
    end = start + timedelta(days=1).total_seconds()
    told = Statement(account=account, day=day.isoformat())
    before = await books.balance(account, before=start)
    read = ([before] if before else []) + await books.balances(account, start, end)
    active = await books.movers(account, read[0][1] if read else start, end)
    clear = [one for one in read if not any(between(job, one[1]) for job in active)]
    if len(clear) < 2:
        told.note = "Fewer than two balances were read around this day, so nothing can be compared."
        return told
    opening, closing = clear[0], clear[-1]
    booked = [job for job in active if moved(job, opening[1], closing[1])]
    owed = [job for job in active if job.refund_expected and ended(job, opening[1], closing[1])]
    change = closing[0] - opening[0]
    explained = sum((movement(job, opening[1], closing[1]) for job in booked), Decimal(0))
    promised = sum((job.refund_expected for job in owed), Decimal(0))
    if owed and change - explained == promised:
        for job in owed:
            await books.settle(job.id, refunded=job.refund_expected, refund_expected=Decimal(0), basis="observed")
        explained, owed = change, []
    told.opening, told.opened_at = float(opening[0]), iso(opening[1])
    told.closing, told.closed_at = float(closing[0]), iso(closing[1])
    told.moved, told.explained, told.unexplained = float(change), float(explained), float(change - explained)
    told.receipts = [line(job) for job in booked]
    unsettled = [
        job for job in active if job.stage in ("unknown", "sending") or (job.charged_at and job.charged is None)
    ]
    told.open = [line(job) for job in [*unsettled, *owed]]
    return told


def between(job: Job, at: float) -> bool:
    """Whether a balance asked for at this time may or may not show a job's charge."""
    return bool(
        job.sent_at and job.sent_at <= at and (job.charged_at is None or at < job.charged_at) and not job.ended_at
    )


def ended(job: Job, since: float, until: float) -> bool:
    """Whether a job ended in this span."""
    return job.ended_at is not None and since < job.ended_at <= until


def moved(job: Job, since: float, until: float) -> bool:
    """Whether a job moved the balance in this span."""
    return movement(job, since, until) != 0 or bool(
        job.charged and job.charged_at and since < job.charged_at <= until and job.refunded == job.charged
    )


def movement(job: Job, since: float, until: float) -> Decimal:
    """What a job did to the balance in this span."""
    spent = job.charged if job.charged and job.charged_at and since < job.charged_at <= until else Decimal(0)
    back = job.refunded if ended(job, since, until) else Decimal(0)
    return back - spent


def line(job: Job) -> Line:
    """A job as a line of the statement."""
    charged, refunded = float(job.charged or 0), float(job.refunded)
    return Line(job_id=job.id, model=job.model, status=job.stage, charged=charged, refunded=refunded, basis=job.basis)


def iso(at: float) -> str:
    """A time for people and machines."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


async def close_days(books: Books) -> None:
    """Enter the statement of yesterday for every account that has none yet."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    for account in await books.accounts():
        if await books.statement(account, yesterday.isoformat()) is None:
            told = await statement(books, account, yesterday)
            await books.note_statement(account, yesterday.isoformat(), told.model_dump(mode="json"))


async def spending(books: Books, by: str, since: float = 0.0) -> list[dict[str, Any]]:
    """What was spent, by `day`, `model`, `backend` or `caller`; never added up over backends."""
    return [
        {"account": one.account, "by": one.name, "jobs": one.jobs, "credits": float(one.credits)}
        for one in await books.spending(by, since)
    ]
