"""Everything a run needs, in one place, built from Settings; and the loop that carries jobs."""

import contextlib
import hashlib
import importlib.metadata
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
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

from callsheet import catalogue, ffmpeg
from callsheet.backends import BACKENDS
from callsheet.backends.dialect import Route, Step
from callsheet.carrier import Carrier
from callsheet.errors import CallsheetError, Overtaken, RequestError, SpendError
from callsheet.guard import Fetcher
from callsheet.inputs import Inputs
from callsheet.ledger import LEASE_S, Ledger, new_id
from callsheet.local import LOCAL, LocalProvider
from callsheet.media import Shelf, refer
from callsheet.model import Model, Price, amount, plain
from callsheet.pace import Pace
from callsheet.provider import Provider
from callsheet.purse import Purse, settle
from callsheet.receipt import Medium, Receipt, receipt
from callsheet.settings import Settings
from callsheet.stages import STATUS, whole
from callsheet.tables import Job
from callsheet.words import Words

BALANCE_S = 60.0
"""So old a balance is still good enough: what was reserved since is subtracted."""
TITLES = ("prompt", "text", "title", "question", "script")
"""Words that say what a job is about, the best first."""
CLOSE_S = 4.0
"""What is being sent when we close may take so long to be answered; hosts kill who takes longer."""
STALLED_S = 600.0
"""A job is not called stalled sooner."""
LARGEST_RESOURCE = 32 * 2**20
MOST_PAGES = 20

Transports = Callable[[str], httpx2.AsyncBaseTransport | None]


class Quote(NamedTuple):
    """What a request would cost, and what stands in its way."""

    model: str
    price: Price
    left: Decimal | None
    question: str | None


def installed(account: str, folder: Path) -> httpx2.AsyncBaseTransport | None:
    """The transport for an account: the sandbox's, where the account is in the sandbox.

    Raises:
        RequestError: no sandbox is installed for that backend.
    """
    if not account.startswith("sandbox/"):
        return None
    name = account.rpartition("/")[2]
    for entry in importlib.metadata.entry_points(group="callsheet.transports", name=name.replace("-", "_")):
        transport: httpx2.AsyncBaseTransport = entry.load()(folder)
        return transport
    raise RequestError(f"No sandbox for {name} is installed.")


class Studio:
    """One owner's keys, ledger, limits and files, for one process."""

    def __init__(
        self, settings: Settings, ledger: Ledger, tasks: anyio.abc.TaskGroup, transports: Transports | None = None
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.tasks = tasks
        self.pace = Pace(ledger, settings, tasks)
        self.purse = Purse(ledger, settings)
        self.books = self.purse.books
        self.fetcher = Fetcher(settings.media_hosts)
        self.shelf = Shelf(settings.output_dir, self.fetcher)
        self.transports = transports or (lambda account: installed(account, settings.home / "sandbox"))
        self.providers: dict[str, Provider] = {}
        self.inputs = Inputs(self)
        self.carrier = Carrier(self)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, transports: Transports | None = None) -> AsyncIterator[Self]:
        """A studio that carries its jobs until it is closed; what is under way then goes on at the next start."""
        stamina.instrumentation.set_on_retry_hooks([])
        failure: CallsheetError | None = None
        async with Ledger.open(settings.database) as ledger, anyio.create_task_group() as closing:
            idle = anyio.Event()
            try:
                async with anyio.create_task_group() as tasks:
                    studio = cls(settings, ledger, tasks, transports)
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
            RequestError: there is no key for it; names the variable, and the sandbox that needs none.
        """
        if backend != LOCAL and self.settings.sandboxed(backend):
            return f"sandbox/{backend}"
        if backend in BACKENDS and self.settings.key(backend) is None:
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
            name = account.rpartition("/")[2]
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

    async def quote(self, words: Words) -> Quote:
        """What a request would cost; nothing is written down.

        Raises:
            RequestError: it cannot be done.
        """
        ask = await self.inputs.checked(catalogue.ask(words, self.backends()))
        account = self.account(ask.backend)
        price = (await self.priced(ask, self.provider(account))).times(getattr(words, "count", None) or 1)
        await self.balance(account, price.high)
        question = self.purse.question(ask.backend, price, None)
        return Quote(ask.name, price, await self.purse.left(account), question)

    async def priced(self, ask: Model, provider: Provider) -> Price:
        """What a request costs, knowing what can be known of its inputs.

        Raises:
            RequestError: the account may not do this.
        """
        return await provider.price(await self.inputs.measured(ask))

    async def order(self, words: Words, caller: str = "local", agreed: Decimal | None = None) -> tuple[Job, bool]:
        """Write a request down and start carrying it. Returns the job, and whether the same call was known already.

        Raises:
            RequestError: it cannot be done; no job was made of it.
        """
        ask = await self.inputs.checked(catalogue.ask(words, self.backends()))
        account, count = self.account(ask.backend), getattr(words, "count", None) or 1
        said = words.said | ({"options": words.options} if words.options else {})
        job = Job(
            id=new_id(),
            caller=caller,
            operation=words.operation,
            model=ask.name,
            account=account,
            title=" ".join(str(next((said[w] for w in TITLES if said.get(w)), "")).split())[:80],
            words=said,
            digest=self.digest(words, ask.name, account, caller),
            max_credits=None if words.max_credits is None else Decimal(str(words.max_credits)),
            agreed=agreed,
            count=count,
            hook=self.hook(ask, account),
            owner=self.ledger.owner,
            lease=time.time() + LEASE_S,
        )
        rows = [job]
        if count > 1:
            seeds = [{} if "seed" not in said else {"seed": said["seed"] + n} for n in range(count)]
            children = [
                replace(job, id=new_id(), parent=job.id, words=said | seed, hook=self.hook(ask, account))
                for seed in seeds
            ]
            rows = [replace(job, stage="group", owner=None), *sorted(children, key=lambda child: child.id)]
        job, repeated = await self.ledger.add(rows)
        if not repeated:
            for row in rows:
                if row.stage != "group":
                    self.carrier.take(row.id)
        return job, repeated

    def hook(self, ask: Model, account: str) -> str | None:
        """A secret part of the address at which the backend may call about a new job; None where it never calls."""
        calls = self.settings.public_url and self.provider(account).backend.call_back(ask, "")
        return secrets.token_urlsafe(16) if calls else None

    async def called(self, backend: str, token: str) -> bool:
        """A backend called about a job, which is looked at soon; nothing else is believed. False for a token that is
        nobody's."""
        job = await self.ledger.called(backend, token)
        if job and job.stage in ("sending", "sent"):
            self.pace.hint(job)
        return job is not None

    def digest(self, words: Words, model: str, account: str, caller: str) -> str:
        """What makes two calls the same one: everything said, and the very files that local paths mean now."""
        said = words.model_dump(exclude_none=True, exclude={"model", "wait_s", "max_credits"})
        stamps = []
        for value in words.said.values():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and (path := file_named(text)):
                    stamps.append((str(path), path.stat().st_mtime_ns, path.stat().st_size))
        parts = [words.operation, model, account, caller, said, stamps]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

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
        noted = settle(job, ask, self.provider(job.account).backend, step)
        try:
            return await self.ledger.note(job, **noted)
        except Overtaken:
            if noted.get("ticket"):
                await self.ledger.adopt(job, **noted)
            raise

    async def store(self, job: Job) -> list[dict[str, Any]]:
        """The results of a job, as files."""
        provider = self.provider(job.account)
        assert job.harvest is not None  # noqa: S101  (a job is only `made` with one)
        links = [provider.url(link) if link.startswith("/") else link for link in job.harvest.urls]
        job = replace(job, harvest=replace(job.harvest, urls=links))
        return await self.shelf.store(job, provider.home)

    # -- looking on ---------------------------------------------------------------------------------------------

    async def receipt(self, job_id: str, caller: str | None = None, repeated: bool = False) -> Receipt:
        """A job's receipt as it stands; an ended one counts as handed over from now on."""
        job = await self.ledger.get(job_id, caller)
        parts = await self.ledger.parts(job_id, caller)
        if all(part.ended for part in parts):
            await self.ledger.hand_over(job)
            if job.stage == "group":
                await self.ledger.end_group(job, whole(parts))
        return receipt(
            job,
            parts,
            wait=self.settings.wait,
            balance=await self.purse.left(job.account),
            spent_today=await self.purse.spent_today(job.account),
            repeated=repeated,
            instead=self.instead(job) if whole(parts) in ("failed", "refused") else None,
            stalled=next(filter(None, map(self.stalled, parts)), None),
        )

    def stalled(self, job: Job) -> str | None:
        """What to say of a job that has been under way for far longer than usual; it is never given up by itself."""
        usual, age = self.ask(job).typical_s, time.time() - (job.sent_at or time.time())
        if job.stage != "sent" or age < max(STALLED_S, 6 * usual):
            return None
        return f"stalled: no end after {age / 60:.0f} min, usually {usual:.0f} s; looked at ever less often"

    def instead(self, job: Job) -> str | None:
        """The next best model that could do what a job did not, and what it would cost; nothing switches by itself."""
        kind = catalogue.OPERATIONS[job.operation]
        said = {word: value for word, value in job.words.items() if word != "options"}
        order = catalogue.models(job.operation)
        after = [model.id for model in order].index(self.ask(job).id) + 1 if order else 0
        for model in order[after:] + order[:after]:
            if model.id != job.model and model.auto and model.id.partition("/")[0] in self.backends():
                with contextlib.suppress(RequestError):
                    other = catalogue.ask(kind.of(said | {"model": model.id}))
                    return f"or {job.operation}(…, model='{other.name}') for {other.price()}"
        return None

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

    async def resubmit(self, job_id: str, max_credits: float | None, caller: str = "local") -> Job:
        """Send a job again whose outcome is unknown, with a fresh consent: it may be paid for twice.

        Raises:
            RequestError: its outcome is known.
            SpendError: nobody agreed yet; says what it may cost.
        """
        lost = await self.ledger.get(job_id, caller)
        if lost.stage != "unknown":
            raise RequestError(
                f"{job_id} is {STATUS.get(lost.stage, lost.stage)}; only an unknown job can be sent again."
            )
        ask = await self.inputs.checked(self.ask(lost))
        price = await self.priced(ask, self.provider(lost.account))
        if max_credits is None:
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
            max_credits=Decimal(str(max_credits)),
            hook=self.hook(ask, lost.account),
            owner=self.ledger.owner,
            lease=time.time() + LEASE_S,
        )
        if not await self.ledger.send_anew(lost, new):
            raise RequestError(f"{job_id} has just become known; look at it with get_job.")
        self.carrier.take(new.id)
        return new

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

    async def credits(self, backend: str, detail: bool = False) -> dict[str, Any]:
        """What is left at a backend, what today cost, and with `detail` what the backend says of the account.

        Raises:
            RequestError: there is no such backend, or no key for it.
        """
        if backend not in (*BACKENDS, LOCAL):
            raise RequestError(f"There is no backend `{backend}`. There are {', '.join((*BACKENDS, LOCAL))}.")
        account = self.account(backend)
        balance = await self.read_balance(account)
        found: dict[str, Any] = {"backend": backend, "sandbox": account.startswith("sandbox/")}
        if balance:
            left = await self.purse.left(account) or balance[0]
            found |= {"balance": float(balance[0]), "available": float(left)}
        found["spent_today"] = float(await self.purse.spent_today(account))
        if (cap := self.settings.max_per_day.of(backend)) is not None:
            found["max_per_day"] = float(cap)
        if (above := self.settings.ask_above.of(backend)) is not None:
            found["asked_above"] = float(above)
        if detail:
            provider = self.provider(account)
            for label, route in provider.backend.account().items():
                found[label] = (await provider.call(route)).body
        return found

    async def tell_me(self, backend: str, path: str, query: dict[str, Any] | None = None) -> Any:
        """The answer to a GET that costs nothing."""
        return (await self.provider(self.account(backend)).call(Route("GET", path, query=query))).body

    async def voices(self, backend: str, path: str) -> list[dict[str, Any]]:
        """The voices that a backend lists, from all pages."""
        provider, found = self.provider(self.account(backend)), []
        route: Route | None = Route("GET", path)
        for _ in range(MOST_PAGES):
            if route is not None:
                answer = await provider.call(route)
                found += provider.backend.voices(answer)
                route = provider.backend.more(answer)
        return found

    async def content(self, job_id: str, number: str, caller: str | None = None) -> bytes:
        """A stored file's bytes.

        Raises:
            RequestError: there is no such file, or it is too large to be sent as one resource.
        """
        media = await self.ledger.results(job_id, caller)
        if not number.isdecimal() or int(number) >= len(media) or not Path(media[int(number)]["path"]).is_file():
            raise RequestError(f"There is no file media://{job_id}/{number}.")
        path = Path(media[int(number)]["path"])
        if path.stat().st_size > LARGEST_RESOURCE:
            raise RequestError(f"media://{job_id}/{number} is too large to send ({path.stat().st_size} bytes).")
        return await anyio.to_thread.run_sync(path.read_bytes)

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


def file_named(text: str) -> Path | None:
    """The file that a text names, if it names one; a prompt may be too long for a name."""
    try:
        path = refer(text).path
        return path if path and path.is_file() else None
    except (RequestError, OSError):
        return None
