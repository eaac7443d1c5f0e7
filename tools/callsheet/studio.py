"""Everything a run needs, in one place, built from Settings; and the loop that carries jobs."""

import contextlib
import importlib.metadata
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Self

import anyio
import anyio.abc
import httpx2
import stamina.instrumentation
from pydantic import SecretStr

from callsheet.backends.dialect import Route, Step
from callsheet.backends.found import BACKENDS
from callsheet.backends.local.provider import LOCAL, LocalProvider
from callsheet.backends.provider import Provider
from callsheet.catalogue import catalogue
from callsheet.catalogue.model import Model, Price
from callsheet.catalogue.words import Words
from callsheet.errors import CallsheetError, Overtaken, RequestError, SpendError, Twin
from callsheet.jobs.carrier import Carrier
from callsheet.jobs.inputs import NONE, Inputs
from callsheet.jobs.orders import Orders
from callsheet.jobs.pace import Pace
from callsheet.jobs.plans import Plans
from callsheet.jobs.receipt import Medium, Receipt, receipt
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import whole
from callsheet.ledger.tables import Job, backend_of
from callsheet.media import ffmpeg
from callsheet.media.guard import Fetcher
from callsheet.media.shelf import Shelf
from callsheet.money.purse import Purse, settle
from callsheet.settings.callers import OWNER
from callsheet.settings.settings import Settings

BALANCE_S = 60.0
"""So old a balance is still good enough: what was reserved since is subtracted."""
CLOSE_S = 4.0
"""What is being sent when we close may take so long to be answered; hosts kill who takes longer."""
STALLED_S = 600.0
"""A job is not called stalled sooner."""
MOST_PAGES = 20

Transports = Callable[[str], httpx2.AsyncBaseTransport | None]


class Quote(NamedTuple):
    """What a request would cost, and what stands in its way."""

    model: str
    price: Price
    left: Decimal | None
    question: str | None
    """What a person would be asked."""
    obstacle: str | None
    """Why it would be refused, whatever they said."""


def installed(account: str, folder: Path) -> httpx2.AsyncBaseTransport | None:
    """The transport for an account: the sandbox's, where the account is in the sandbox.

    Raises:
        RequestError: no sandbox is installed for that backend.
    """
    if not account.startswith("sandbox/"):
        return None
    name = backend_of(account)
    for entry in importlib.metadata.entry_points(group="callsheet.transports", name=name.replace("-", "_")):
        transport: httpx2.AsyncBaseTransport = entry.load()(folder)
        return transport
    raise RequestError(f"No sandbox for {name} is installed.")


class Studio:
    """One owner's keys, ledger, limits and files, for one process."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        tasks: anyio.abc.TaskGroup,
        transports: Transports | None = None,
        remote: bool = False,
    ) -> None:
        self.settings = settings
        self.remote = remote
        self.ledger = ledger
        self.tasks = tasks
        self.pace = Pace(ledger, settings, tasks)
        self.purse = Purse(ledger, settings)
        self.books = self.purse.books
        self.fetcher = Fetcher(settings.media_hosts)
        self.shelf = Shelf(settings.output_dir, self.fetcher)
        self.transports = transports or (lambda account: installed(account, settings.home / "sandbox"))
        self.providers: dict[str, Provider] = {}
        self.carrier = Carrier(self)
        self.orders = Orders(self)
        self.plans = Plans(self, self.orders)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, transports: Transports | None = None, remote: bool = False
    ) -> AsyncIterator[Self]:
        """A studio that carries its jobs until it is closed; what is under way then goes on at the next start.

        `remote`: whoever asks here is elsewhere, even the owner, and names no file of this machine.
        """
        stamina.instrumentation.set_on_retry_hooks([])
        failure: CallsheetError | None = None
        async with Ledger.open(settings.database) as ledger, anyio.create_task_group() as closing:
            idle = anyio.Event()
            try:
                async with anyio.create_task_group() as tasks:
                    studio = cls(settings, ledger, tasks, transports, remote)
                    tasks.start_soon(studio.carrier.keep)
                    try:
                        yield studio
                    except CallsheetError as error:
                        failure = error  # raised below, where no task group wraps it
                    finally:
                        tasks.cancel_scope.cancel()
                        closing.start_soon(studio.close, idle)
            finally:
                idle.set()
        if failure is not None:
            raise failure

    async def close(self, idle: anyio.Event) -> None:
        """Let creates that are under way hear their answer, though not for long; then hang up."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(CLOSE_S):
                await idle.wait()
            await self.ledger.release()
            for provider in self.providers.values():
                await provider.aclose()
            await self.fetcher.aclose()

    # -- who does the work --------------------------------------------------------------------------------------

    def account(self, backend: str) -> str:
        """Whose credits a new job at this backend spends.

        Raises:
            RequestError: there is no such backend, or no key for it; names the variable, and the sandbox that needs
                none.
        """
        if backend not in (*BACKENDS, LOCAL):
            raise RequestError(f"There is no backend `{backend}`. There are {', '.join((*BACKENDS, LOCAL))}.")
        if backend != LOCAL and self.settings.sandboxed(backend):
            return f"sandbox/{backend}"
        if backend != LOCAL and self.settings.key(backend) is None:
            variable = BACKENDS[backend].key_variable
            raise RequestError(f"{variable} is not set. Set it, or CALLSHEET_SANDBOX=always to try without a key.")
        return backend

    def backends(self) -> list[str]:
        """The backends that `auto` may choose: those with a key, or all in the sandbox; and this machine."""
        return [*(name for name in BACKENDS if self.settings.sandboxed(name) or self.settings.key(name)), LOCAL]

    def provider(self, account: str) -> Provider:
        """The backend behind an account."""
        if account == LOCAL and account not in self.providers:
            self.providers[account] = LocalProvider(self.pace, self.settings)
        if account not in self.providers:
            name = backend_of(account)
            backend, sandbox = BACKENDS[name], account.startswith("sandbox/")
            key = SecretStr(backend.sandbox_key) if sandbox else self.settings.key(name)
            base = f"http://{name}.sandbox{httpx2.URL(self.settings.base(name)).path if sandbox else ''}"
            self.providers[account] = Provider(
                backend,
                base.rstrip("/") if sandbox else self.settings.base(name),
                key or SecretStr(""),
                self.pace,
                account,
                self.settings,
                self.transports(account),
            )
        return self.providers[account]

    # -- asking -------------------------------------------------------------------------------------------------

    def inputs(self, caller: str) -> Inputs:
        """The inputs of a caller's jobs."""
        return Inputs(self, caller)

    async def quote(self, words: Words, caller: str) -> Quote:
        """What a request would cost; nothing is written down.

        Raises:
            RequestError: it cannot be done.
        """
        job, ask = await self.orders.draft(words, caller)
        price = (await self.priced(ask, self.provider(job.account), caller)).times(job.count)
        obstacle = await self.orders.obstacle(job, price)
        question = None if obstacle else self.purse.question(ask.backend, price, caller)
        return Quote(ask.name, price, (await self.purse.means(job.account, caller)).left, question, obstacle)

    async def priced(self, ask: Model, provider: Provider, caller: str, planned: Mapping[str, str] = NONE) -> Price:
        """What a request costs, knowing what can be known of its inputs; those that are only `planned` are not there.

        Raises:
            RequestError: the account may not do this.
        """
        return await provider.price(await self.inputs(caller).measured(ask, planned))

    async def called(self, backend: str, token: str) -> bool:
        """A backend called about a job, which is looked at soon; nothing else is believed. False for a token that is
        nobody's."""
        job = await self.ledger.called(backend, token)
        if job and job.stage in ("sending", "sent"):
            self.pace.hint(job)
        return job is not None

    def ask(self, job: Job) -> Model:
        """The request that a job makes, rebuilt from what was written down."""
        kind = catalogue.OPERATIONS[job.operation]
        return catalogue.ask(kind.of({**job.words, "model": job.model}, by_person=True))

    # -- money --------------------------------------------------------------------------------------------------

    async def balance(self, account: str, need: Decimal) -> tuple[Decimal, float] | None:
        """The account's balance, read again where it is old or would not do."""
        known = await self.books.balance(account)
        if known and time.time() - known[1] < BALANCE_S and (await self.purse.left(account) or Decimal(0)) >= need:
            return known
        return await self.read_balance(account)

    async def read_balance(self, account: str) -> tuple[Decimal, float] | None:
        """The account's balance now; None where the backend has no such route."""
        found = await self.provider(account).balance()
        if found:
            await self.books.note_balance(account, *found)
        return found

    async def answered(self, job: Job, ask: Model, step: Step) -> Job:
        """Note what a submit came to. Whoever took the job over meanwhile is told its ticket."""
        if step.get("stage") == "refused" and not self.settings.http_callers.of(job.caller).admin:
            short = f"{job.backend} has too few credits left. Whoever runs this server can top up there."
            step["error"] = SpendError(f"{short} Nothing was charged.").as_dict()
        noted = settle(job, ask, self.provider(job.account).backend, step)
        try:
            return await self.ledger.note(job, **noted)
        except Overtaken:
            if noted.get("ticket"):
                await self.ledger.adopt(job, **noted)
            raise
        except Twin:
            provider = self.provider(job.account)
            lost = Step(stage="unknown", error=provider.lost("it gave it the id of another job").as_dict())
            return await self.ledger.note(job, **settle(job, ask, provider.backend, lost))

    async def store(self, job: Job) -> list[dict[str, Any]]:
        """The results of a job, as files."""
        provider = self.provider(job.account)
        assert job.harvest is not None  # noqa: S101  (a job is only `made` with one)
        links = [provider.url(link) if link.startswith("/") else link for link in job.harvest.urls]
        job = replace(job, harvest=replace(job.harvest, urls=links))
        return await self.shelf.store(job, provider.home)

    # -- looking on ---------------------------------------------------------------------------------------------

    async def receipt(self, job_id: str, caller: str | None = None, repeated: bool = False) -> Receipt:
        """A job's receipt as it stands; an ended one counts as handed over from now on. No caller: the owner asks."""
        job, reader = await self.ledger.get(job_id, caller), caller or OWNER
        parts = await self.ledger.parts(job_id, caller)
        if all(part.ended for part in parts):
            await self.ledger.hand_over(job)
            if job.stage == "group":
                await self.ledger.end_group(job, whole(parts))
        means = await self.purse.means(job.account, reader)
        return receipt(
            job,
            parts,
            wait=self.settings.wait,
            balance=means.left,
            spent_today=means.today,
            left_today=None if reader == OWNER else means.left_today,
            repeated=repeated,
            instead=self.instead(parts[0]) if whole(parts) in ("failed", "refused") else None,
            stalled=next(filter(None, map(self.stalled, parts)), None),
        )

    def stalled(self, job: Job) -> str | None:
        """What to say of a job that has been under way for far longer than usual; it is never given up by itself."""
        usual, age = self.ask(job).typical_s, time.time() - (job.sent_at or time.time())
        if job.stage != "sent" or age < max(STALLED_S, 6 * usual):
            return None
        return f"stalled: no end after {age / 60:.0f} min, usually {usual:.0f} s; looked at ever less often"

    def instead(self, job: Job) -> str | None:
        """The next best model that could do what a job did not, and what it would cost; nothing switches by itself.

        None where a person said no. Where money was in the way, one that may be spent unasked goes first; a dearer one
        is named only where nothing but a yes was missing, never as a way round a cap.
        """
        if not (job.error or {}).get("safe_to_retry", True):
            return None
        kind, order, found = catalogue.OPERATIONS[job.operation], catalogue.models(job.operation), []
        after = [model.id for model in order].index(self.ask(job).id) + 1 if order else 0
        for model in order[after:] + order[:after]:
            if model.id != job.model and model.auto and model.id.partition("/")[0] in self.backends():
                with contextlib.suppress(RequestError):
                    other = catalogue.ask(kind.of(job.words | {"model": model.id}, by_person=True))
                    found.append((other.name, other.price().times(job.count)))
        if job.stage == "refused" and job.quoted is not None:
            price = Price(job.quoted, job.quoted, job.published).times(job.count)
            cheaper = [one for one in found if one[1].high < price.high and not self.asks(one[0], one[1], job.caller)]
            found = cheaper or (found if self.asks(job.model, price, job.caller) else [])
        return f"or {job.operation}(…, model='{found[0][0]}') for {found[0][1]}" if found else None

    def asks(self, model: str, price: Price, caller: str) -> bool:
        """Whether a person would have to agree to this price."""
        return self.purse.question(model.partition("/")[0], price, caller) is not None

    async def recent(
        self, caller: str, limit: int = 20, status: str | None = None, since: str | None = None
    ) -> list[Receipt]:
        """A caller's receipts, the newest first.

        Raises:
            RequestError: `since` is no time.
        """
        try:
            after = datetime.fromisoformat(since).timestamp() if since else 0.0
        except ValueError:
            raise RequestError(f"`since`: `{since}` is no ISO time, such as 2026-11-21T08:00.") from None
        found = []
        for job in await self.ledger.recent(caller, 10_000 if status else limit, after):
            told = receipt(job, await self.ledger.parts(job.id), wait=self.settings.wait)
            if status in (None, told.status):
                found.append(told)
        return found[:limit]

    async def observe(self, job: Job) -> None:
        """Learn from the balance what a job cost that nobody priced, where nothing else can have moved it."""
        before = await self.books.balance(job.account, before=job.sent_at)
        if before is None:
            return
        after = await self.read_balance(job.account)
        others = await self.books.movers(job.account, before[1], time.time(), but=job.id)
        if after is None or any(other.charged is None for other in others):
            return
        moved = before[0] - after[0] - sum((other.net for other in others), Decimal(0))
        if moved >= 0:
            await self.books.settle(job.id, charged=moved, basis="observed")

    async def credits(self, backend: str, detail: bool = False, caller: str = OWNER) -> dict[str, Any]:
        """What is left at a backend, what today cost, and with `detail` what the backend says of the account; for a
        caller who may not see the account what today cost them.

        Raises:
            RequestError: there is no such backend, or no key for it; or `detail` is not for this caller.
        """
        account, sees = self.account(backend), self.settings.http_callers.of(caller).admin
        if detail and not sees:
            raise RequestError("`detail` shows the whole account, which is for this server's admins.")
        balance = await self.read_balance(account) if sees else None
        means = await self.purse.means(account, OWNER if sees else caller)
        found: dict[str, Any] = {"backend": backend, "sandbox": account.startswith("sandbox/")}
        if balance:
            found |= {"balance": float(balance[0]), "available": float(means.left or balance[0])}
        found["spent_today"] = float(means.today)
        if means.cap is not None:
            found["max_per_day"] = float(means.cap)
        if not sees and means.left_today is not None:
            found["left_today"] = float(means.left_today)
        if (above := self.purse.above(backend, caller)) is not None:
            found["asked_above"] = float(above)
        if detail:
            provider = self.provider(account)
            for label, route in provider.backend.account().items():
                found[label] = (await provider.call(route)).body
        return found

    async def tell_me(self, backend: str, path: str, query: dict[str, Any] | None = None) -> Any:
        """The answer to a GET that costs nothing."""
        return (await self.provider(self.account(backend)).call(Route("GET", path, query=query))).body

    async def voices(self, backend: str, path: str, own: bool) -> list[dict[str, Any]]:
        """The voices that a backend lists, from all pages; the account's own among them, or not."""
        provider, found = self.provider(self.account(backend)), []
        route: Route | None = Route("GET", path)
        for _ in range(MOST_PAGES):
            if route is not None:
                answer = await provider.call(route if own else provider.backend.without_own(route))
                found += provider.backend.voices(answer)
                route = provider.backend.more(answer)
        return found

    async def preview(self, medium: Medium) -> bytes | None:
        """A small JPEG of a stored file, made once; None where none can be made."""
        target = self.settings.home / "previews" / f"{medium.sha256[:32]}.jpg"
        if not target.is_file():
            path = Path(medium.path or "")
            form = ffmpeg.form_at(path) if path.is_file() else None
            if form is None:
                return None
            target.parent.mkdir(parents=True, exist_ok=True)
            facts = ffmpeg.Facts(medium.width, medium.height, medium.seconds)
            try:
                if not await ffmpeg.preview(path, form, facts, target):
                    target.unlink(missing_ok=True)
                    return None
            except (CallsheetError, OSError):
                return None
        return target.read_bytes()
