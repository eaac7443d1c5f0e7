"""Orders: from what was said to jobs in the ledger, and what a person must be asked before."""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from callsheet.backends.providers import Providers
from callsheet.catalogue.consent import Question, Yes, harmless
from callsheet.catalogue.model import Model, Price, amount, plain
from callsheet.catalogue.words import Words
from callsheet.errors import RequestError, SpendError
from callsheet.jobs.carrier import Carrier
from callsheet.jobs.inputs import NONE, Inputs
from callsheet.jobs.request import request
from callsheet.ledger.ledger import LEASE_S, Ledger, new_id
from callsheet.ledger.stages import STATUS
from callsheet.ledger.tables import Job
from callsheet.media.shelf import refer
from callsheet.money.balances import Balances
from callsheet.money.purse import Purse, refused
from callsheet.money.questions import Questions, budget
from callsheet.settings.callers import OWNER

TITLES = ("prompt", "text", "title", "question", "script")
"""Words that say what a job is about, the best first."""


class Quote(NamedTuple):
    """What a request would cost, and what stands in its way."""

    model: str
    backend: str
    price: Price
    left: Decimal | None
    question: str | None
    """What a person would be asked."""
    obstacle: str | None
    """Why it would be refused, whatever they said."""


class Orders:
    """The way into a ledger."""

    def __init__(
        self,
        ledger: Ledger,
        purse: Purse,
        balances: Balances,
        providers: Providers,
        inputs: Inputs,
        carrier: Carrier,
    ) -> None:
        self.ledger = ledger
        self.purse = purse
        self.balances = balances
        self.providers = providers
        self.inputs = inputs
        self.carrier = carrier
        self.settings = purse.settings
        self.questions = Questions(ledger)

    async def draft(
        self, words: Words, caller: str, job_id: str | None = None, planned: Mapping[str, str] = NONE
    ) -> tuple[Job, Model]:
        """The job that words ask for, not written down yet, and the request it makes.

        Raises:
            RequestError: it cannot be done.
        """
        own = self.settings.http_callers.of(caller).toolsets
        if own and words.toolset not in own:
            raise RequestError(f"{words.operation} is not among your tools; whoever runs this server can add it.")
        ask = self.providers.catalogue.ask(words, self.providers.names())
        ask = await self.inputs.of(caller).checked(ask, planned)
        account = self.providers.account(ask.backend)
        said = words.said | ({"options": words.options} if words.options else {})
        job = Job(
            id=job_id or new_id(),
            caller=caller,
            operation=words.operation,
            model=ask.name,
            account=account,
            title=" ".join(str(next((said[w] for w in TITLES if said.get(w)), "")).split())[:80],
            words=said,
            digest=digest(words, ask.name, account, caller),
            staged=await self.staged(ask, planned),
            max_credits=None if words.max_credits is None else Decimal(str(words.max_credits)),
            count=getattr(words, "count", None) or 1,
            owner=self.ledger.owner,
            lease=time.time() + LEASE_S,
        )
        return job, ask

    async def staged(self, ask: Model, planned: Mapping[str, str]) -> bool:
        """Whether it is to be made of what the sandbox made."""
        for _, texts in ask.inputs().values():
            for parent in filter(None, (refer(text).job_id for text in texts)):
                account = planned.get(parent)
                if account.startswith("sandbox/") if account else (await self.ledger.get(parent)).sandbox:
                    return True
        return False

    def rows(self, job: Job, ask: Model) -> list[Job]:
        """A job as the ledger has it: one row, or one for the receipt and one for each of several results."""
        if job.count == 1:
            return [replace(job, hook=self.hook(ask, job.account))]
        seeds = [{"seed": job.words["seed"] + n} if "seed" in job.words else {} for n in range(job.count)]
        children = [
            replace(job, id=new_id(), parent=job.id, words=job.words | seed, hook=self.hook(ask, job.account))
            for seed in seeds
        ]
        return [replace(job, stage="group", owner=None), *sorted(children, key=lambda child: child.id)]

    def hook(self, ask: Model, account: str) -> str | None:
        """A secret part of the address at which the backend may call about a new job; None where it never calls."""
        calls = self.settings.public_url and self.providers.of(account).dialect.call_back(ask, "")
        return secrets.token_urlsafe(16) if calls else None

    async def place(
        self, words: Words, caller: str = "local", yes: Yes | None = None, asks: bool = False
    ) -> tuple[Job, bool]:
        """Write a request down and start carrying it. Returns the job, and whether the same call was known already.

        `asks`: a person can be asked again later, should it become dearer.

        Raises:
            RequestError: it cannot be done; no job was made of it.
        """
        job, ask = await self.draft(words, caller)
        job = replace(job, asks=asks)
        if yes:
            job = replace(job, agreed=yes.prices[0], approval=yes.approval)
            await self.questions.close(job.digest)
        rows = self.rows(job, ask)
        job, repeated = await self.ledger.add(rows)
        if not repeated:
            self.carry(rows)
        return job, repeated

    def carry(self, rows: Sequence[Job]) -> None:
        """Start carrying what was just written down."""
        for row in rows:
            if row.stage != "group":
                self.carrier.take(row.id)

    async def quote(self, words: Words, caller: str) -> Quote:
        """What a request would cost; nothing is written down.

        Raises:
            RequestError: it cannot be done.
        """
        job, ask = await self.draft(words, caller)
        price = (await self.inputs.of(caller).priced(ask, self.providers.of(job.account))).times(job.count)
        obstacle = await self.obstacle(job, price)
        question = None if obstacle else self.purse.question(ask.backend, price, caller)
        return Quote(
            ask.name, ask.backend, price, (await self.purse.means(job.account, caller)).left, question, obstacle
        )

    # -- asking a person ----------------------------------------------------------------------------------------

    async def question(self, words: Words, caller: str = "local") -> Question | None:
        """What a person must be asked before this is made; None where nobody need be asked, or nothing would come of
        it anyway.

        Raises:
            RequestError: it cannot be done.
        """
        job, ask = await self.draft(words, caller)
        if await self.ledger.same(job):
            return None
        if known := await self.questions.open(job.digest):
            return known
        price = (await self.inputs.of(caller).priced(ask, self.providers.of(job.account))).times(job.count)
        if self.purse.question(job.backend, price, caller) is None or await self.obstacle(job, price):
            return None
        return await self.questions.put(job.digest, await self.text(job, price), [price.high])

    async def obstacle(self, job: Job, price: Price) -> str | None:
        """What no person's yes could put out of the way; None where a yes is all that may be missing."""
        balance = await self.balances.enough(job.account, price.high)
        try:
            reserve = self.purse.agreed(replace(job, agreed=price.high), price)
            async with self.ledger.engine.connect() as db:
                await self.purse.room(db, job, reserve, balance)
        except SpendError as error:
            return error.message
        return None

    async def text(self, job: Job, price: Price) -> str:
        """The question about one job."""
        sandbox = " (sandbox, no real money)" if job.sandbox else ""
        about = f" For “{harmless(job.title)}”." if harmless(job.title) else ""
        several = f", {job.count} results" if job.count > 1 else ""
        left = await self.budget(job, price.high)
        usd = self.purse.worth.sentence(job.backend, price.high)
        return f"{job.operation} with {job.model}{several}: {price}{sandbox}.{usd}{left}{about} Spend it?"

    async def budget(self, job: Job, price: Decimal) -> str:
        """What a price would leave of the balance and of the day, as far as the caller may know."""
        means = await self.purse.means(job.account, job.caller)
        return budget(means.left, price, means.today, means.cap)

    async def decline(self, words: Words, caller: str, why: str) -> Job:
        """Write down what a person would not have, so that its receipt can say so; nothing is spent."""
        job, _ = await self.draft(words, caller)
        question = await self.questions.open(job.digest)
        quoted = question.prices[0] if question else None
        final = SpendError(f"Not started: {why} Nothing was spent.", safe_to_retry=False)
        unwanted = replace(job, quoted=quoted, owner=None, count=1, **refused(final))
        await self.questions.close(job.digest)
        return (await self.ledger.add([unwanted]))[0]

    async def second_question(self, job_id: str, caller: str) -> Question | None:
        """What a person must be asked about a job that has become dearer than was agreed; None where none waits."""
        waiting = [part for part in await self.ledger.parts(job_id, caller) if part.stage == "asking"]
        if not waiting:
            return None
        job, price = waiting[0], (waiting[0].quoted or Decimal(0)) * waiting[0].count
        known = mark(["dearer", job_id, plain(price)])
        text = (
            f"{job.operation} with {job.model} costs more than was agreed to, now that its inputs are known: "
            f"{amount(price)}.{await self.budget(job, price)} Spend it?"
        )
        return await self.questions.open(known) or await self.questions.put(known, text, [price])

    async def answer(self, job_id: str, caller: str, yes: bool, why: str = "The user said no.") -> None:
        """Let a job that waits for a yes go on, or end."""
        for part in await self.ledger.parts(job_id, caller):
            cost = (part.quoted or Decimal(0)) * part.count
            agreed = {"stage": "quoted", "agreed": cost, "due": 0.0, "progress": None}
            await self.ledger.answer(part, **(agreed if yes else refused(SpendError(f"Not started: {why}"))))
            self.carrier.news.tell(part.id)
        self.carrier.stir()

    # -- once more ----------------------------------------------------------------------------------------------

    async def lost(self, job_id: str, caller: str) -> tuple[Job, Price]:
        """A job whose outcome is unknown, and what it would cost once more.

        Raises:
            RequestError: its outcome is known.
        """
        job = await self.ledger.get(job_id, caller)
        if job.stage != "unknown":
            raise RequestError(
                f"{job_id} is {STATUS.get(job.stage, job.stage)}; only an unknown job can be sent again."
            )
        ask = await self.inputs.of(caller).checked(request(job, self.providers.catalogue))
        return job, await self.inputs.of(caller).priced(ask, self.providers.of(job.account))

    async def question_again(self, job_id: str, caller: str) -> Question:
        """What a person must be asked before an unknown job is sent again.

        Raises:
            RequestError: its outcome is known.
        """
        job, price = await self.lost(job_id, caller)
        known = mark(["again", job_id])
        text = (
            f"{job_id} ({job.operation} with {job.model}) may have been paid already, {amount(job.quoted or 0)}. "
            f"Sending it again costs {price} more.{await self.budget(job, price.high)} Spend it?"
        )
        return await self.questions.open(known) or await self.questions.put(known, text, [price.high])

    async def again(self, job_id: str, max_credits: float | None, caller: str = "local", yes: Yes | None = None) -> Job:
        """Send a job again whose outcome is unknown, with a fresh consent: it may be paid for twice.

        Raises:
            RequestError: its outcome is known.
            SpendError: nobody agreed yet; says what it may cost.
        """
        lost, price = await self.lost(job_id, caller)
        if max_credits is None and yes is None:
            raise SpendError(
                f"{job_id} may have been accepted and paid already ({amount(lost.quoted or 0)}). Sending it again "
                f"costs {price} more. Ask the user, then "
                f"resubmit_job(job_id='{job_id}', max_credits={plain(price.high)})."
            )
        if await self.carrier.found(lost):
            self.carrier.take(lost.id)
            return lost
        new = Job(
            id=new_id(),
            caller=lost.caller,
            operation=lost.operation,
            model=lost.model,
            account=lost.account,
            title=lost.title,
            words=lost.words,
            digest=lost.digest,
            staged=lost.staged,
            max_credits=None if max_credits is None else Decimal(str(max_credits)),
            agreed=yes.prices[0] if yes else None,
            approval=yes.approval if yes else None,
            hook=self.hook(request(lost, self.providers.catalogue), lost.account),
            owner=self.ledger.owner,
            lease=time.time() + LEASE_S,
        )
        if not await self.ledger.send_anew(lost, new):
            raise RequestError(f"{job_id} has just become known; look at it with get_job.")
        self.carrier.take(new.id)
        return new


def digest(words: Words, model: str, account: str, caller: str) -> str:
    """What makes two calls the same one: everything said, and the very files that the owner's paths mean now."""
    ours = {"model", "wait_s", "max_credits", *words.personal}
    said = words.model_dump(exclude_none=True, exclude=ours)
    stamps = []
    for value in words.said.values() if caller == OWNER else ():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (path := file_named(text)):
                stamps.append((str(path), path.stat().st_mtime_ns, path.stat().st_size))
    return mark([words.operation, model, account, caller, said, stamps])


def mark(parts: Any) -> str:
    """A digest of anything that is JSON, or nearly."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_named(text: str) -> Path | None:
    """The file that a text names, if it names one; a prompt may be too long for a name."""
    try:
        path = refer(text).path
        return path if path and path.is_file() else None
    except (RequestError, OSError):
        return None
