"""Plans: several calls that may feed one another, priced together, agreed to once, started together."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from callsheet.catalogue.consent import Question, Yes, harmless
from callsheet.catalogue.model import Model, Price, plain
from callsheet.catalogue.words import Words, operation
from callsheet.errors import RequestError, SpendError
from callsheet.jobs.orders import Orders, digest, mark
from callsheet.ledger.ledger import enter, new_id, same
from callsheet.ledger.tables import Job, backend_of
from callsheet.money.worth import dollars

EARLIER = re.compile(r"(media://)?\$(\d{1,3})(/\d{1,3})?")
"""What an earlier call makes, by its number from 1: `$1`, or one of several files, `media://$1/2`."""


@dataclass(frozen=True)
class Step:
    """One call of a plan: its job, not written down yet, what it asks, and what all its results cost together."""

    job: Job
    ask: Model
    price: Price


class Plans:
    """The plans of one ledger."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.ledger = orders.ledger
        self.purse = orders.purse

    async def draft(self, calls: Sequence[tuple[str, dict[str, Any]]], caller: str) -> list[tuple[Job, Model]]:
        """The jobs that calls (a tool, its arguments) ask for and what they ask, nothing written down.

        Raises:
            RequestError: one of them cannot be done; says which.
        """
        drafts: list[tuple[Job, Model]] = []
        for number, (tool, arguments) in enumerate(calls, 1):
            with numbered(number):
                drafts.append(await self.call(operation(tool), arguments, [job for job, _ in drafts], caller))
        whole, first = mark(["plan", [job.digest for job, _ in drafts]]), drafts[0][0].id
        return [
            (replace(job, plan=first, place=place, digest=mark([whole, place])), ask)
            for place, (job, ask) in enumerate(drafts)
        ]

    async def call(
        self, kind: type[Words], arguments: dict[str, Any], before: Sequence[Job], caller: str
    ) -> tuple[Job, Model]:
        """One call, given the jobs of those before it."""
        ids = [job.id for job in before]
        words = kind.of({word: refilled(value, ids) for word, value in arguments.items()})
        job, ask = await self.orders.draft(words, caller, new_id(), accounts(before))
        fed = {text for _, texts in ask.inputs().values() for text in texts}
        for word, value in words.said.items():
            if value != arguments.get(word) and not fed >= set(value if isinstance(value, list) else [value]):
                raise RequestError(f"`{word}` takes no result of another call; only media do.")
        return replace(job, digest=digest(kind.of(arguments), job.model, job.account, caller)), ask

    async def priced(self, drafts: Sequence[tuple[Job, Model]], caller: str) -> list[Step]:
        """What each call costs; a backend may be asked for that.

        Raises:
            RequestError: one of them cannot be done; says which.
        """
        steps, planned = [], accounts([job for job, _ in drafts])
        inputs = self.orders.inputs.of(caller)
        for number, (job, ask) in enumerate(drafts, 1):
            with numbered(number):
                price = await inputs.priced(ask, self.orders.providers.of(job.account), planned)
            steps.append(Step(job, ask, price.times(job.count)))
        return steps

    async def quote(
        self, calls: Sequence[tuple[str, dict[str, Any]]], caller: str
    ) -> tuple[list[Step], dict[str, Price], str | None]:
        """The steps of a plan, what they cost at each backend, and what no person's yes could put out of the way.

        Raises:
            RequestError: it cannot be done.
        """
        steps = await self.priced(await self.draft(calls, caller), caller)
        sums = totals(steps)
        return steps, {backend_of(a): price for a, price in sums.items()}, await self.obstacle(steps, sums, caller)

    async def obstacle(self, steps: Sequence[Step], sums: dict[str, Price], caller: str) -> str | None:
        """What no person's yes could put out of the way of a plan."""
        agreed = [replace(step, job=replace(step.job, agreed=step.price.high)) for step in steps]
        try:
            rows = self.reserved(agreed, sums, caller)
            async with self.ledger.engine.connect() as db:
                await self.room(db, rows, await self.balances(sums))
        except SpendError as error:
            return error.message
        return None

    async def question(self, calls: Sequence[tuple[str, dict[str, Any]]], caller: str) -> Question | None:
        """What a person must be asked before a plan begins; None where nobody need be asked, or nothing would come of
        it anyway.

        Raises:
            RequestError: it cannot be done.
        """
        drafts = await self.draft(calls, caller)
        first, _ = drafts[0]
        if await self.ledger.same(first):
            return None
        if known := await self.orders.questions.open(first.digest):
            return known
        steps = await self.priced(drafts, caller)
        sums = totals(steps)
        if not any(self.purse.question(backend_of(account), price, caller) for account, price in sums.items()):
            return None
        if await self.obstacle(steps, sums, caller):
            return None
        prices = [step.price.high for step in steps]
        return await self.orders.questions.put(first.digest, await self.text(steps, sums), prices)

    async def text(self, steps: Sequence[Step], sums: dict[str, Price]) -> str:
        """The question about a whole plan."""
        lines = [f"{len(steps)} calls under one yes."]
        for number, step in enumerate(steps, 1):
            about = f" “{harmless(step.job.title)}”" if harmless(step.job.title) else ""
            lines.append(f"{number}. {step.job.operation} with {step.job.model}{about}: {step.price}.")
        for account, price in sums.items():
            sandbox = " (sandbox, no real money)" if account.startswith("sandbox/") else ""
            left = await self.orders.budget(next(s.job for s in steps if s.job.account == account), price.high)
            usd = self.purse.worth.sentence(backend_of(account), price.high)
            lines.append(f"Together at {backend_of(account)}: {price}{sandbox}.{usd}{left}")
        if len(paid := [account for account, price in sums.items() if price.high]) > 1:
            each = [self.purse.worth.usd(backend_of(account), sums[account].high) for account in paid]
            if None not in each:
                lines.append(f"All together about {dollars(sum(filter(None, each), Decimal(0)))}.")
        return "\n".join([*lines, "Spend it?"])

    async def start(
        self, calls: Sequence[tuple[str, dict[str, Any]]], caller: str, yes: Yes | None = None, asks: bool = False
    ) -> tuple[list[Job], bool]:
        """Write a plan down, all its credits reserved, and start carrying it. Returns its jobs in order, and whether
        the same plan was known already. `asks`: as for `Orders.place`.

        Raises:
            RequestError: it cannot be done.
            SpendError: nobody agreed to it, or there is no room for it; nothing was started.
        """
        drafts = [(replace(job, asks=asks), ask) for job, ask in await self.draft(calls, caller)]
        if yes:
            paired = zip(drafts, yes.prices, strict=True)
            drafts = [(replace(job, agreed=price, approval=yes.approval), ask) for (job, ask), price in paired]
            await self.orders.questions.close(drafts[0][0].digest)
        if (known := await self.ledger.same(drafts[0][0])) is None:
            steps = await self.priced(drafts, caller)
            sums = totals(steps)
            approved, balances = self.reserved(steps, sums, caller), await self.balances(sums)
            rows = [row for step in approved for row in self.orders.rows(step.job, step.ask)]
            async with self.ledger.writing.begin() as db:
                known = next(iter(await same(db, [step.job for step in steps])), None)
                if known is None:
                    await self.room(db, approved, balances)
                    await enter(db, rows)
        if known is not None:
            return await self.ledger.planned(known.plan or known.id), True
        self.orders.carry(rows)
        return [step.job for step in approved], False

    def reserved(self, steps: Sequence[Step], sums: dict[str, Price], caller: str) -> list[Step]:
        """The steps with what is reserved for each, if somebody agreed to the whole or nobody need.

        Raises:
            SpendError: nobody agreed; says what to do.
        """
        purse, always = self.purse, self.orders.settings.ask == "always"
        for account, price in sums.items():
            own = [(n, step) for n, step in enumerate(steps, 1) if step.job.account == account and step.price.high]
            unsaid = [(n, s) for n, s in own if s.job.agreed is None and (always or s.job.max_credits is None)]
            if unsaid and (why := purse.question(backend_of(account), price, caller)):
                each = ", ".join(f"{plain(step.price.high)} in call {n}" for n, step in unsaid)
                ask = "Only a person can agree, where the client can ask one."
                say = f"Ask the user, then call again with max_credits in the arguments: {each}."
                raise SpendError(f"Nothing was started: at {backend_of(account)} {why}. {ask if always else say}")
        found = []
        for step in steps:
            job, price = step.job, step.price
            reserve, low = purse.agreed(job, price) / job.count, price.low / job.count
            job = replace(job, stage="approved", quoted_low=low, quoted=reserve, published=price.published)
            found.append(replace(step, job=job))
        return found

    async def balances(self, sums: dict[str, Price]) -> dict[str, tuple[Decimal, float] | None]:
        """What is left at each account."""
        return {account: await self.orders.balances.enough(account, price.high) for account, price in sums.items()}

    async def room(
        self, db: AsyncConnection, approved: Sequence[Step], balances: dict[str, tuple[Decimal, float] | None]
    ) -> None:
        """Whether the caps and the balances leave room for a whole plan.

        Raises:
            SpendError: they do not.
        """
        amounts = {}
        for account, balance in balances.items():
            own = [step.job for step in approved if step.job.account == account]
            parts = [(job.quoted or Decimal(0)) * job.count for job in own]
            amounts[account] = (sum(parts, Decimal(0)), max(parts))
            await self.purse.room(db, own[0], amounts[account][0], balance, max(parts))
        await self.purse.room_in_dollars(db, approved[0].job.caller, amounts)


def totals(steps: Sequence[Step]) -> dict[str, Price]:
    """What a plan costs at each account; credits of different backends are never added up."""
    sums: dict[str, Price] = {}
    for step in steps:
        price, before = step.price, sums.get(step.job.account)
        if before:
            published = before.published and price.published
            price = Price(before.low + price.low, before.high + price.high, published)
        sums[step.job.account] = price
    return sums


def accounts(jobs: Sequence[Job]) -> dict[str, str]:
    """Where jobs that are only planned will be made; what the sandbox had a hand in counts as the sandbox's."""
    return {job.id: "sandbox/local" if job.staged else job.account for job in jobs}


@contextmanager
def numbered(number: int) -> Iterator[None]:
    """Say with which call of a plan something is wrong."""
    try:
        yield
    except RequestError as error:
        raise RequestError(f"Call {number}: {error.message}") from None


def refilled(value: Any, ids: Sequence[str]) -> Any:
    """An argument with the ids of the jobs that it refers to.

    Raises:
        RequestError: it refers to a call that does not come before it.
    """
    if isinstance(value, list):
        return [refilled(item, ids) for item in value]
    if not isinstance(value, str) or not (found := EARLIER.fullmatch(value.strip())):
        return value
    number = int(found[2])
    if not 1 <= number <= len(ids):
        raise RequestError(f"`{value}` is no call before it.")
    return f"{found[1] or ''}{ids[number - 1]}{found[3] or ''}"
