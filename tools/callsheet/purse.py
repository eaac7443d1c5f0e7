"""Who may spend what: prices, reservations, caps, and when a person must agree.

Asking is the surface's business (MCP, the terminal); here it is only decided whether asking is needed, and
refused where nobody agreed.
"""

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import update

from callsheet.backends.dialect import Backend, Step
from callsheet.books import Books, held, spent_since
from callsheet.errors import Overtaken, SpendError
from callsheet.ledger import SEARCH_S, Ledger
from callsheet.model import Model, Price, plain
from callsheet.settings import Settings
from callsheet.tables import SEARCHES_FIRST, Job, jobs, to_row


def day_start(now: float | None = None) -> float:
    """When this day began, in UTC."""
    moment = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


class Purse:
    """One owner's limits over one ledger."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.ledger = ledger
        self.books = Books(ledger)
        self.settings = settings

    def question(self, backend: str, price: Price, max_credits: Decimal | None) -> str | None:
        """Why a person has to agree first; None where nobody need be asked."""
        above = self.settings.ask_above.of(backend)
        if not price.published and self.settings.unpriced == "ask":
            return f"nobody publishes what this costs; Callsheet expects at most {plain(price.high)} credits"
        if self.settings.ask == "never" or price.high == 0:
            return None
        if self.settings.ask == "always":
            return f"this costs {price}, and CALLSHEET_ASK is `always`"
        if above is not None and price.high > above:
            return f"this costs {price}, above the {plain(above)} credits that may be spent unasked"
        return None

    def check(self, job: Job, price: Price) -> Decimal:
        """What to reserve for a job (all its siblings together), if its own limits allow it at all.

        Raises:
            SpendError: a cap is in the way, or nobody agreed to the price; says what to do.
        """
        cap = self.settings.max_per_job.of(job.backend)
        if not price.published and self.settings.unpriced == "refuse":
            raise SpendError("Nobody publishes what this costs, and CALLSHEET_UNPRICED is `refuse`.")
        question = self.question(job.backend, price, job.max_credits)
        reserve = price.high
        if question and job.agreed is None:
            if self.settings.ask == "always":
                raise SpendError(f"Not started: {question}. Only a person can agree, where the client can ask one.")
            if job.max_credits is None:
                say = plain(price.high)
                raise SpendError(f"Not started: {question}. Ask the user, then call again with max_credits={say}.")
            if not price.published:
                reserve = job.max_credits
        if job.max_credits is not None and price.high > job.max_credits:
            verb = "costs" if price.published else "has"
            raise SpendError(f"Not started: this {verb} {price}, more than max_credits={plain(job.max_credits)}.")
        if job.agreed is not None and price.high > job.agreed:
            raise SpendError(f"Not started: this costs {price}, more than the {plain(job.agreed)} agreed to.")
        if cap is not None and reserve > cap:
            raise SpendError(
                f"Not started: this may cost {plain(reserve)} credits; one job is capped at {plain(cap)}. "
                "Only the owner can raise CALLSHEET_MAX_PER_JOB."
            )
        return reserve

    async def approve(self, job: Job, price: Price, balance: tuple[Decimal, float] | None) -> Job:
        """Reserve a job's credits, its siblings' with it, in one transaction; or refuse them all.

        `balance` is what the backend said, and when it was asked; None where it has no such route.
        """
        family = (jobs.c.parent == job.parent) if job.parent else (jobs.c.id == job.id)
        waiting = (family, jobs.c.stage.in_(("new", "quoted")))
        async with self.ledger.writing.begin() as db:
            try:
                reserve = self.check(job, price.times(job.count)) / job.count
                total = reserve * job.count
                today = await spent_since(db, job.account, day_start())
                per_day = self.settings.max_per_day.of(job.backend)
                if total and per_day is not None and today + total > per_day:
                    raise SpendError(
                        f"Not started: this may cost {plain(total)} credits, and {plain(today)} of today's "
                        f"{plain(per_day)} are spent or reserved. The day ends at midnight UTC; only the owner can "
                        "raise CALLSHEET_MAX_PER_DAY."
                    )
                if total and balance is not None:
                    left = balance[0] - await held(db, job.account, balance[1])
                    if total > left:
                        raise SpendError(
                            f"Not started: this may cost {plain(total)} credits, and {plain(max(left, Decimal(0)))} "
                            f"are left at {job.backend} after what is reserved. Top up there, or choose less."
                        )
            except SpendError as refusal:
                step = {"stage": "refused", "error": refusal.as_dict(), "ended_at": time.time()}
            else:
                step = {"stage": "approved", "quoted": reserve}
            done = await db.execute(update(jobs).where(*waiting).values(**to_row(step)))
        if not done.rowcount:
            raise Overtaken(f"{job.id} is no longer waiting for approval here")
        return await self.ledger.get(job.id)

    async def spent_today(self, account: str) -> Decimal:
        """Credits spent or reserved since midnight UTC."""
        async with self.ledger.engine.connect() as db:
            return await spent_since(db, account, day_start())

    async def left(self, account: str) -> Decimal | None:
        """The last balance read, less what it cannot show yet; None where none was ever read."""
        balance = await self.books.balance(account)
        if balance is None:
            return None
        async with self.ledger.engine.connect() as db:
            return balance[0] - await held(db, account, balance[1])


def settle(job: Job, ask: Model, backend: Backend, step: Step) -> dict[str, Any]:
    """What a call taught us, as the ledger notes it: with what was charged, and what comes back."""
    noted: dict[str, Any] = {k: v for k, v in step.items() if k not in ("pause", "patience", "charged", "basis")}
    stage, now = step.get("stage", job.stage), time.time()
    if "pause" in step:
        noted["due"] = now + step["pause"]
    if stage == "approved" and job.tries >= step.get("patience", 1):
        return noted | {"stage": "failed"}
    if stage in ("sent", "made") and job.charged_at is None and (ask.charged == "create" or stage == "made"):
        noted["charged_at"] = now
    if stage == "made":
        noted |= {"made_at": job.made_at or now, "error": None}
    exact = job.quoted if job.quoted == job.quoted_low and job.published else None
    said, charged = step.get("charged"), job.charged
    if stage == "unknown":
        noted |= {"due": now + SEARCH_S[0], "searched": 0 if backend.lists(ask) else SEARCHES_FIRST}
    if stage in ("failed", "cancelled"):
        if charged is None:
            charged = exact if job.charged_at else said
        back = charged - said if charged and said is not None else Decimal(0)
        noted |= {"charged": charged or Decimal(0), "basis": "reported" if said is not None else "documented"}
        noted |= {"refunded": max(back, Decimal(0))}
        if charged and not back and (backend.refunds if stage == "failed" else backend.gives_back(job.progress)):
            noted["refund_expected"] = charged
    elif said is not None and (stage == "made" or said >= (charged or 0)):
        noted |= {"charged": said, "basis": step.get("basis", "reported")}
    elif stage == "made" and charged is None and exact is not None:
        noted |= {"charged": exact, "basis": "documented"}
    return noted
