"""Who may spend what: prices, reservations, caps, and when a person must agree.

Asking is the surface's business (MCP, the terminal); here it is only decided whether asking is needed, and
refused where nobody agreed.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from callsheet.catalogue.model import Price, amount, plain
from callsheet.errors import Overtaken, SpendError, Unagreed
from callsheet.ledger.books import Books, held, spent_since
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import Job, backend_of, jobs, to_row
from callsheet.money.questions import FRESH_S
from callsheet.money.worth import Worth, dollars
from callsheet.settings.callers import OWNER
from callsheet.settings.settings import Settings


def day_start(now: float | None = None) -> float:
    """When this day began, in UTC."""
    moment = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


class Means(NamedTuple):
    """What is left at a backend, what was spent there today, and what may be spent in a day; None: not known, or not
    to be known."""

    left: Decimal | None
    today: Decimal
    cap: Decimal | None

    @property
    def left_today(self) -> Decimal | None:
        """What may still be spent today."""
        return None if self.cap is None else max(self.cap - self.today, Decimal(0))


class Purse:
    """One owner's limits over one ledger."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.ledger = ledger
        self.books = Books(ledger)
        self.settings = settings
        self.worth = Worth(settings)

    def above(self, backend: str, caller: str) -> Decimal | None:
        """Above how many credits this caller's person is asked."""
        own = self.settings.http_callers.of(caller).ask_above.of(backend)
        return self.settings.ask_above.of(backend) if own is None else own

    def question(self, backend: str, price: Price, caller: str) -> str | None:
        """Why a person has to agree first; None where nobody need be asked."""
        above = self.above(backend, caller)
        if not price.published and self.settings.unpriced == "ask":
            return f"nobody publishes what this costs; Callsheet expects at most {plain(price.high)} credits"
        if self.settings.ask == "never" or price.high == 0:
            return None
        if self.settings.ask == "always":
            return f"this costs {price}, and CALLSHEET_ASK is `always`"
        if above is not None and price.high > above:
            return f"this costs {price}, above the {plain(above)} credits that may be spent unasked"
        own, usd = self.settings.http_callers.of(caller).ask_above.usd, self.worth.usd(backend, price.high)
        limit = self.settings.ask_above.usd if own is None else own
        if limit is not None and (usd is None or usd > limit):
            much = f"about {dollars(usd)}" if usd is not None else "nobody knows how many dollars"
            return f"this costs {price}, {much}, above the {dollars(limit)} that may be spent unasked"
        return None

    def agreed(self, job: Job, price: Price) -> Decimal:
        """What to reserve for a job (all its siblings together), if somebody agreed to it or nobody need.

        Raises:
            Unagreed: nobody agreed to the price; says what to do.
            SpendError: somebody forbade it.
        """
        if not price.published and self.settings.unpriced == "refuse":
            raise SpendError("Nobody publishes what this costs, and CALLSHEET_UNPRICED is `refuse`.")
        if job.max_credits is not None and price.high > job.max_credits:
            verb = "costs" if price.published else "has"
            raise SpendError(f"Not started: this {verb} {price}, more than max_credits={plain(job.max_credits)}.")
        question = self.question(job.backend, price, job.caller)
        reserve = price.high
        if question and job.agreed is None:
            if self.settings.ask == "always":
                raise Unagreed(f"Not started: {question}. Only a person can agree, where the client can ask one.")
            if job.max_credits is None or job.asks:
                say = plain(price.high)
                raise Unagreed(f"Not started: {question}. Ask the user, then call again with max_credits={say}.")
            if not price.published:
                reserve = job.max_credits
        if job.agreed is not None and price.high > job.agreed:
            raise Unagreed(f"Not started: this costs {price}, more than the {plain(job.agreed)} agreed to. Ask again.")
        return reserve

    async def room(
        self,
        db: AsyncConnection,
        job: Job,
        total: Decimal,
        balance: tuple[Decimal, float] | None,
        dearest: Decimal | None = None,
    ) -> None:
        """Whether the caps and the balance leave room for so many credits more, of which one job takes at most the
        `dearest` (else all). What the whole account has spent and has left, only who may see the account is told.

        Raises:
            SpendError: they do not; says who can change that.
        """
        one = total if dearest is None else dearest
        await self.own_room(db, job, total, one)
        await self.room_in_dollars(db, job.caller, {job.account: (total, one)})
        sees = self.settings.http_callers.of(job.caller).admin
        per_job, per_day = self.settings.max_per_job.of(job.backend), self.settings.max_per_day.of(job.backend)
        if per_job is not None and one > per_job:
            raise SpendError(
                f"Not started: this may cost {amount(one)}; one job is capped at {plain(per_job)}. "
                "Only the owner can raise CALLSHEET_MAX_PER_JOB."
            )
        today = await spent_since(db, job.account, day_start())
        if total and per_day is not None and today + total > per_day:
            spent = f", and {plain(today)} of today's {plain(per_day)} are spent or reserved"
            raise SpendError(
                f"Not started: this may cost {amount(total)}"
                f"{spent if sees else ', more than is left of what all may spend together today'}. The day ends at "
                "midnight UTC; only the owner can raise CALLSHEET_MAX_PER_DAY."
            )
        if total and balance is not None:
            left = balance[0] - await held(db, job.account, balance[1])
            if total > left and not sees:
                raise SpendError(
                    f"Not started: this may cost {amount(total)}, more than are left at {job.backend}. "
                    "Whoever runs this server can top up there; or choose less."
                )
            if total > left:
                raise SpendError(
                    f"Not started: this may cost {amount(total)}, and {plain(max(left, Decimal(0)))} "
                    f"are left at {job.backend} after what is reserved. Top up there, or choose less."
                )

    async def own_room(self, db: AsyncConnection, job: Job, total: Decimal, one: Decimal) -> None:
        """Whether the caller's own caps leave room for so many credits more.

        Raises:
            SpendError: they do not.
        """
        own = self.settings.http_callers.of(job.caller)
        per_job, per_day = own.max_per_job.of(job.backend), own.max_per_day.of(job.backend)
        if per_job is not None and one > per_job:
            raise SpendError(
                f"Not started: this may cost {amount(one)}; one job of yours is capped at {plain(per_job)}. "
                "Only whoever runs this server can raise that."
            )
        if total and per_day is not None:
            today = await spent_since(db, job.account, day_start(), job.caller)
            if today + total > per_day:
                raise SpendError(
                    f"Not started: this may cost {amount(total)}, and {plain(today)} of the {plain(per_day)} "
                    "that you may spend today are spent or reserved. The day ends at midnight UTC; only whoever runs "
                    "this server can raise that."
                )

    async def room_in_dollars(
        self, db: AsyncConnection, caller: str, amounts: Mapping[str, tuple[Decimal, Decimal]]
    ) -> None:
        """Whether the caps over all backends together leave room for so many credits more at these accounts, each with
        the most that one job takes of them.

        Raises:
            SpendError: they do not, or nobody knows.
        """
        own = self.settings.http_callers.of(caller)
        for per_job, per_day, who, whose in (
            (self.settings.max_per_job.usd, self.settings.max_per_day.usd, None, "the owner can raise CALLSHEET_"),
            (own.max_per_job.usd, own.max_per_day.usd, caller, "whoever runs this server can raise your "),
        ):
            if per_job is None and per_day is None:
                continue
            dearest = max((self.in_dollars(account, one) for account, (_, one) in amounts.items()), default=Decimal(0))
            if per_job is not None and dearest > per_job:
                raise SpendError(
                    f"Not started: this may cost about {dollars(dearest)}; one job is capped at {dollars(per_job)}. "
                    f"Only {whose}{'MAX_PER_JOB' if who is None else 'cap'}."
                )
            total = sum((self.in_dollars(account, credits) for account, (credits, _) in amounts.items()), Decimal(0))
            if (
                per_day is not None
                and total
                and total > per_day - (today := await self.today_in_dollars(db, amounts, who))
            ):
                sees = who is not None or own.admin
                spent = f"about {dollars(today)} of today's {dollars(per_day)} are spent or reserved"
                raise SpendError(
                    f"Not started: this may cost about {dollars(total)}, "
                    f"{f'and {spent}' if sees else 'more than is left of what all may spend together today'}. The day "
                    f"ends at midnight UTC; only {whose}{'MAX_PER_DAY' if who is None else 'cap'}."
                )

    async def today_in_dollars(self, db: AsyncConnection, beside: Iterable[str], caller: str | None) -> Decimal:
        """What was spent today at all backends together; the sandbox's is not money, and counts by itself."""
        play = any(account.startswith("sandbox/") for account in beside)
        accounts = [f"sandbox/{name}" if play else name for name in self.settings.backends.names]
        spent = [(account, await spent_since(db, account, day_start(), caller)) for account in accounts]
        return sum(
            (self.worth.usd(backend_of(account), credits) or Decimal(0) for account, credits in spent), Decimal(0)
        )

    def in_dollars(self, account: str, credits: Decimal) -> Decimal:
        """Credits of an account in dollars.

        Raises:
            SpendError: nobody says what they are worth.
        """
        usd = self.worth.usd(backend_of(account), credits)
        if usd is None:
            raise SpendError(
                f"Not started: there is a limit in dollars, and nobody says what a credit of {backend_of(account)} is "
                "worth. The owner can say so in CALLSHEET_WORTH."
            )
        return usd

    async def approve(self, job: Job, price: Price, balance: tuple[Decimal, float] | None) -> Job:
        """Reserve a job's credits, its siblings' with it, in one transaction; or refuse them all.

        `balance` is what the backend said, and when it was asked; None where it has no such route.
        """
        family = (jobs.c.parent == job.parent) if job.parent else (jobs.c.id == job.id)
        waiting = (family, jobs.c.stage.in_(("new", "quoted")))
        async with self.ledger.writing.begin() as db:
            total = price.times(job.count)
            try:
                if job.asks:  # nobody is asked about what there is no room for
                    await self.room(db, job, total.high, balance)
                reserve = self.agreed(job, total) / job.count
                await self.room(db, job, reserve * job.count, balance)
                step = {"stage": "approved", "quoted": reserve}
            except Unagreed as unagreed:
                step = asking(price) if job.asks else refused(unagreed)
            except SpendError as refusal:
                step = refused(refusal)
            done = await db.execute(update(jobs).where(*waiting).values(**to_row(step)))
        if not done.rowcount:
            raise Overtaken(f"{job.id} is no longer waiting for approval here")
        return await self.ledger.get(job.id)

    async def spent_today(self, account: str, caller: str = OWNER) -> Decimal:
        """Credits spent or reserved since midnight UTC: the caller's own, or for the owner everybody's."""
        async with self.ledger.engine.connect() as db:
            return await spent_since(db, account, day_start(), None if caller == OWNER else caller)

    async def means(self, account: str, caller: str) -> Means:
        """What a caller may know of the money: the owner all of it, others their own day, and only an admin among them
        what is left at the backend."""
        own, backend = self.settings.http_callers.of(caller), backend_of(account)
        caps = self.settings.max_per_day if caller == OWNER else own.max_per_day
        left = await self.left(account) if own.admin else None
        return Means(left, await self.spent_today(account, caller), caps.of(backend))

    async def left(self, account: str) -> Decimal | None:
        """The last balance read, less what it cannot show yet; None where none was ever read."""
        balance = await self.books.balance(account)
        if balance is None:
            return None
        async with self.ledger.engine.connect() as db:
            return balance[0] - await held(db, account, balance[1])


def refused(why: SpendError) -> dict[str, Any]:
    """The step of a job that is not made, for want of money or of a yes."""
    return {"stage": "refused", "error": why.as_dict(), "ended_at": time.time()}


def asking(price: Price) -> dict[str, Any]:
    """The step of a job that waits for a person's yes to a price, though not for long."""
    known = {"quoted_low": price.low, "quoted": price.high, "published": price.published}
    return known | {"stage": "asking", "due": time.time() + FRESH_S, "progress": f"needs a yes to {price}"}
