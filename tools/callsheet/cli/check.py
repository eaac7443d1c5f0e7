"""`callsheet backend check NAME`: what every backend must bear, tried on its sandbox or on the real thing.

Each row is a studio of its own on a way to the backend on which one thing goes wrong, in the answers that we see: what
a fault would have cost is not spent.
"""

import contextlib
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2

from callsheet.backends import registry
from callsheet.backends.providers import installed
from callsheet.catalogue import about
from callsheet.catalogue.model import Model, input_of
from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.cli.faults import Reply, Way, answer, lost, picture
from callsheet.errors import CallsheetError, RequestError
from callsheet.jobs.receipt import Receipt
from callsheet.jobs.request import request
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

PATIENCE_S = 120.0
LOOKS = 8
TICKET = "0ticket0"
STILL = "still.png"


@dataclass(frozen=True)
class Row:
    """One thing that was tried: what came of it, or why it does not concern this backend."""

    name: str
    fault: str | None
    means: str
    skipped: str | None = None


class Broken(CallsheetError):
    """A backend does not bear what it must."""


def holds(what: bool, why: str) -> None:
    """Whether it does.

    Raises:
        Broken: it does not.
    """
    if not what:
        raise Broken(why)


def ended(told: Receipt) -> str:
    """How a job ended that should have been completed."""
    return f"the job is {told.status}" + (f": {told.error.message}" if told.error else "")


def least(model: type[Model], still: str) -> dict[str, Any] | None:
    """The least that a model must be told; None where it needs media other than a picture."""
    said: dict[str, Any] = {}
    options: dict[str, Any] = {}
    named = {name: option for option, name in model.options().items()}
    for name, info in model.model_fields.items():
        if not info.is_required():
            continue
        mark = input_of(info)
        if mark and mark.kind not in ("image", "page"):
            return None
        value = ([still] if "list[" in str(info.annotation) else still) if mark else about.least_of(name, info)
        (options if name in named else said)[named.get(name, name)] = value
    return said | ({"options": options} if options else {})


def words(model: type[Model], said: dict[str, Any]) -> Words:
    """What is said, of a model."""
    return OPERATIONS[model.words.operation].of(said | {"model": model.id})


@dataclass
class Check:
    """The suite, for one backend."""

    name: str
    settings: Settings
    real: bool = False
    rows: list[Row] = field(default_factory=list)

    @property
    def dialect(self) -> Any:
        """How it is spoken to."""
        return registry.dialect(self.settings.backends[self.name])

    def subject(self) -> tuple[type[Model], dict[str, Any], Decimal]:
        """The cheapest model that makes something of a text or a picture by a job, and what it is told.

        Raises:
            RequestError: there is none.
        """
        catalogue = registry.catalogue(self.settings.backends)
        found: list[tuple[tuple[bool, bool, bool, Decimal, int], type[Model], dict[str, Any]]] = []
        for model in catalogue.models(backend=self.name):
            said = least(model, STILL)
            if said is None or model.at_once or "<" in model.id or model.words.personal or model.words.account_wide:
                continue
            with contextlib.suppress(RequestError):
                price = catalogue.ask(words(model, said)).price().high
                free, own = not price, "options" in said
                found.append(((free, own, not model.cancels, price, len(found)), model, said))
        if not found:
            raise RequestError(f"{self.name} has no model that makes something of a text or a picture by a job.")
        (*_, price, _), model, said = min(found, key=lambda one: one[0])
        return model, said, price

    @asynccontextmanager
    async def studio(self) -> AsyncIterator[tuple[Studio, Way, Path]]:
        """A studio of its own, and the way to the backend."""
        model, said, _ = self.subject()
        with tempfile.TemporaryDirectory(prefix="callsheet-check-", ignore_cleanup_errors=True) as place:
            folder = Path(place)
            more = {"home": folder / "home", "output_dir": folder / "made", "input_dirs": (folder,)}
            settings = self.settings.model_copy(update=more)
            account = self.name if self.real else f"sandbox/{self.name}"
            base = httpx2.URL(settings.base(self.name))
            inner = installed(account, folder / "sandbox") or httpx2.AsyncHTTPTransport()
            picture(folder / STILL)
            prefix = base.path.rstrip("/") if base.path != "/" else ""
            ask = registry.catalogue(settings.backends).ask(
                OPERATIONS[model.words.operation].of(said | {"model": model.id})
            )
            create = f"{prefix}{ask.create()}"
            route = self.dialect.look(ask.create(), TICKET)
            path = f"{prefix}{route.path}" + (f"?{httpx2.QueryParams(route.query)}" if route.query else "")
            routes = {"balance": self.dialect.balance(), "lists": self.dialect.lists(ask)}
            asked = {(r.method, f"{prefix}{r.path}"): kind for kind, several in routes.items() for r in several}
            way = Way(inner, create, (route.method, re.escape(path).replace(TICKET, "[^/&]+")), asked)
            try:
                async with Studio.open(settings, lambda _: way) as studio:
                    yield studio, way, folder
            finally:
                await inner.aclose()

    async def made(self, studio: Studio, folder: Path, wait: float = PATIENCE_S) -> Receipt:
        """The subject's job, as far as it comes."""
        model, said, _ = self.subject()
        told = {name: str(folder / value) if value == STILL else value for name, value in said.items()}
        job, _ = await studio.orders.place(words(model, told))
        await studio.carrier.wait(job.id, wait)
        return await studio.receipts.of(job.id)

    # -- what is tried ------------------------------------------------------------------------------------------

    async def whole(self) -> None:
        """create, look, file, price"""
        async with self.studio() as (studio, way, folder):
            told = await self.made(studio, folder)
            holds(told.status == "completed", ended(told))
            holds(way.sent.count("create") == 1, f"{way.sent.count('create')} creates were sent")
            files = [Path(medium.path or "") for medium in told.media or ()]
            holds(bool(told.text) or (bool(files) and all(f.is_file() for f in files)), "there is no file")
            quoted, charged = told.credits.quoted, told.credits.charged
            holds(charged is None or quoted is None or charged <= quoted, f"{charged} were charged, {quoted} quoted")

    def unknown(self, reply: Reply) -> Callable[[], Awaitable[None]]:
        """A create whose answer proves nothing."""

        async def tried() -> None:
            async with self.studio() as (studio, way, folder):
                way.instead = {"create": reply, "lists": answer(500)}
                told = await self.made(studio, folder)
                holds(way.sent.count("create") == 1, f"{way.sent.count('create')} creates were sent")
                holds(told.status == "unknown", f"the job is {told.status}, though nobody can know")

        return tried

    def bears(self, kind: str, reply: Reply, least: int = 1) -> Callable[[], Awaitable[None]]:
        """Something that a job survives."""

        async def tried() -> None:
            async with self.studio() as (studio, way, folder):
                way.instead = {kind: reply}
                told = await self.made(studio, folder)
                holds(told.status == "completed", ended(told))
                holds(way.arrived == 1, f"{way.arrived} creates arrived")
                holds(kind not in way.sent or way.sent.count(kind) >= least, "it was never asked again")

        return tried

    async def nothing(self) -> None:
        """done without a result"""
        word = sorted(self.dialect.done)[0]
        body = "{" + ", ".join(f'"{name}": "{word}"' for name in self.dialect.states) + "}"
        async with self.studio() as (studio, way, folder):
            way.instead = {"look": answer(200, body)}
            told = await self.made(studio, folder, 20)
            holds(told.status in ("failed", "working"), f"the job is {told.status}, though there is nothing")
            holds(way.sent.count("create") == 1, f"{way.sent.count('create')} creates were sent")

    async def cancel(self) -> None:
        """cancel"""
        async with self.studio() as (studio, way, folder):
            pending = sorted(self.dialect.states)[0]
            way.instead = {"look": answer(200, f'{{"{pending}": "pending"}}')}
            told = await self.made(studio, folder, 0)
            await studio.carrier.until_sent(told.job_id)
            before = len(way.sent)
            await studio.carrier.cancel(told.job_id)
            told = await studio.receipts.of(told.job_id)
            holds(len(way.sent) > before, "the backend was not told")
            holds(told.status in ("cancelled", "working"), f"the job is {told.status}")
            way.instead = {}
            if told.status == "cancelled":
                [job] = await studio.ledger.parts(told.job_id)
                provider, asked = studio.providers.of(job.account), request(job, studio.providers.catalogue)
                step = await provider.look(job, asked)
                for _ in range(LOOKS):
                    if step.get("stage"):
                        break
                    await anyio.sleep(1)
                    step = await provider.look(job, asked)
                holds(step.get("stage") != "made", "it goes on at the backend, though it says that it was cancelled")

    async def secrets(self) -> None:
        """no key is written or logged"""
        heard: list[str] = []

        class Ear(logging.Handler):
            """Hears everything."""

            def emit(self, record: logging.LogRecord) -> None:
                heard.append(f"{record.getMessage()} {record.exc_info or ''}")

        ear, root = Ear(logging.DEBUG), logging.getLogger()
        level = root.level
        root.addHandler(ear)
        root.setLevel(logging.DEBUG)
        try:
            async with self.studio() as (studio, way, folder):
                account = self.name if self.real else f"sandbox/{self.name}"
                key = studio.providers.of(account).key.get_secret_value()
                way.instead = {"look": answer(500, f'{{"detail": "Bearer {key}"}}', times=1)}
                told = await self.made(studio, folder)
                holds(key not in told.model_dump_json(), "it is in the receipt")
                kept = [
                    path for path in (folder / "home", folder / "made") for path in path.rglob("*") if path.is_file()
                ]
                where = [path.name for path in kept if key.encode() in path.read_bytes()]
                holds(not where, f"it is in {', '.join(where)}")
                holds(key not in " ".join(heard), "it is in the log")
        finally:
            root.removeHandler(ear)
            root.setLevel(level)

    async def models(self) -> None:
        """every model describes itself, with an example"""
        for model in registry.catalogue(self.settings.backends).models(backend=self.name):
            about.describe(model)
            asked = about.example(model)
            holds(asked is not None, f"{model.id}: no example of it is valid")
            price = asked.price() if asked else None
            holds(price is None or Decimal(0) <= price.low <= price.high, f"{model.id}: its price is {price}")

    def every(self) -> list[tuple[str, str, Callable[[], Awaitable[None]]]]:
        """Each row: what is tried, what a fault means, and how."""
        once = "a create that may have arrived is sent again, or called what nobody knows: somebody pays twice"
        page = "<html><body>Bad gateway</body></html>"
        word = "{" + ", ".join(f'"{name}": "pondering"' for name in self.dialect.states) + "}"
        lives = "a job that is paid is lost to a passing fault"
        return [
            ("every model describes itself", "agents are told what does not work", self.models),
            (
                "create, look, file; charge within the price",
                "it does not work, or costs more",
                self.whole,
            ),
            ("the create's answer is lost", once, self.unknown(lost)),
            ("the create answers 500", once, self.unknown(answer(500))),
            ("the create answers a page", once, self.unknown(answer(200, page, "text/html"))),
            ("the create answers without an id", once, self.unknown(answer(200))),
            ("429 with Retry-After", lives, self.bears("create", answer(429, times=1, Retry_After="1"), 2)),
            ("429 without Retry-After", lives, self.bears("create", answer(429, times=1), 2)),
            ("401 at a look", lives, self.bears("look", answer(401, times=1), 2)),
            ("a state that nobody knows", lives, self.bears("look", answer(200, word, times=1), 2)),
            ("done without a result", "a job is called complete that gave nothing, or is paid again", self.nothing),
            ("cancel", "a cancelled job goes on, and is paid for", self.cancel),
            ("balance and lists are absent", lives, self.bears("balance", answer(404))),
            ("balance and lists are broken", lives, self.bears("balance", answer(200, page, "text/html"))),
            ("no key in anything written or logged", "the key leaks", self.secrets),
        ]

    async def run(self, max_credits: Decimal | None = None) -> list[Row]:
        """Try everything, all at once.

        Raises:
            RequestError: it would cost more than is allowed.
        """
        rows = self.every()
        found: dict[str, Row] = {}
        if self.dialect.backend.base is None:
            rows = rows[:1]
        else:
            price = self.subject()[2]
            paid = 9 * price
            if self.real and (max_credits is None or paid > max_credits):
                raise RequestError(f"This may cost {paid} credits at {self.name}; say --max-credits {paid}.")

        async def tried(name: str, means: str, work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
                found[name] = Row(name, None, means)
            except CallsheetError as error:
                found[name] = Row(name, error.message, means)
            except Exception as error:
                found[name] = Row(name, f"{type(error).__name__}: {error}", means)

        async with anyio.create_task_group() as tasks:
            for name, means, work in rows:
                if name == "cancel" and not self.subject()[0].cancels:
                    found[name] = Row(name, None, means, skipped="it cannot be cancelled")
                else:
                    tasks.start_soon(tried, name, means, work)
        return [found[name] for name, _, _ in rows]


async def check(settings: Settings, name: str, max_credits: Decimal | None, real: bool) -> list[Row]:
    """The suite, for one backend.

    Raises:
        RequestError: there is no such backend, or it would cost more than is allowed.
    """
    backend = settings.backends[name]
    bare = {"ask": "never", "unpriced": "allow", "sandbox": "never" if real else "always"}
    return await Check(backend.name, settings.model_copy(update=bare), real).run(max_credits)
