"""What can be asked that costs nothing: each a class of words with an answer, shown as an MCP tool and in the CLI."""

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from callsheet.catalogue.consent import Question
from callsheet.catalogue.model import Price, plain
from callsheet.catalogue.query import Answer, Query
from callsheet.catalogue.words import OPERATIONS, Words, operation, unpack
from callsheet.errors import CallsheetError, RequestError, listed
from callsheet.jobs.receipt import Receipt
from callsheet.queries.jobs import CancelJob, GetJob, ListJobs, ResubmitJob
from callsheet.settings.backends import Backends

if TYPE_CHECKING:
    from callsheet.catalogue.catalogue import Catalogue
    from callsheet.studio import Studio

__all__ = ["TOOLSETS", "Answer", "Query", "queries"]


class Models(Answer):
    """Some models of the catalogue."""

    models: list[dict[str, Any]]


class ListModels(Query):
    """The models there are, with prices. `can`: what it must do, e.g. `last frame`, `audio in`, `seed`."""

    name, answers = "list_models", Models

    operation: str | None = None
    backend: str | None = None
    can: str | None = None

    async def answer(self, studio: "Studio", caller: str) -> Models:
        return self.find(studio.providers.catalogue)

    def find(self, catalogue: "Catalogue") -> Models:
        """The models that fit."""
        from callsheet.catalogue import about  # noqa: PLC0415

        wanted = operation(self.operation).operation if self.operation else None
        known = sorted({model.id.partition("/")[0] for model in catalogue.all})
        if self.backend and self.backend not in known:
            raise RequestError(f"There is no backend `{self.backend}`. There are {', '.join(known)}.")
        found = catalogue.models(wanted, self.backend)
        return Models(models=[about.row(m) for m in found if not self.can or about.able(m, self.can)])


class Description(Answer):
    """A model, whole."""

    model_config = ConfigDict(extra="allow")

    id: str
    operation: str
    summary: str


class DescribeModel(Query):
    """A model's words, options, limits and prices."""

    name, answers = "describe_model", Description

    model: str
    operation: str | None = None

    async def answer(self, studio: "Studio", caller: str) -> Description:
        from callsheet.catalogue import about  # noqa: PLC0415

        model = self.find(studio.providers.catalogue)
        told: dict[str, Any] = {}
        sees = studio.settings.http_callers.of(caller).admin
        for label, path in (model.live | model.remembers if sees else model.live).items():
            try:
                told[label] = await studio.providers.at(model.id.partition("/")[0]).tell(path)
            except CallsheetError as error:
                told[label] = error.message
        return Description(**about.describe(model), **({"live": told} if told else {}))

    def find(self, catalogue: "Catalogue") -> Any:
        """The model meant."""
        kinds = [operation(self.operation).operation] if self.operation else list(OPERATIONS)
        hits = []
        for kind in kinds:
            try:
                hits.append(catalogue.named(self.model, kind)[0])
            except RequestError as error:
                if self.operation:
                    raise error
        if not hits:
            raise RequestError(f"There is no model `{self.model}`. list_models shows those there are.")
        if len(hits) > 1:
            raise RequestError(f"`{self.model}` is in {', '.join(h.words.operation for h in hits)}; say `operation`.")
        return hits[0]


class Voices(Answer):
    """Voices to speak with."""

    voices: list[dict[str, Any]]


class ListVoices(Query):
    """The voices of generate_speech."""

    name, answers = "list_voices", Voices

    backend: str | None = None

    async def answer(self, studio: "Studio", caller: str) -> Voices:
        found = []
        for model in studio.providers.catalogue.models("generate_speech", self.backend):
            backend = model.id.partition("/")[0]
            if model.voices and backend in studio.providers.names():
                own = studio.settings.http_callers.of(caller).admin
                listed = await studio.providers.at(backend).voices(model.voices, own)
                found += [{"model": model.id, **row} for row in listed]
        if not found:
            raise RequestError("No backend with a key has voices.")
        return Voices(voices=found)


class Quoted(Answer):
    """What a call would cost."""

    model: str
    credits: float | None = Field(default=None, description="exact, where low and high agree")
    low: float | None = None
    high: float | None = None
    published: bool
    unit: str | None = None
    usd: float | None = Field(default=None, description="about what the upper end is worth")
    note: str | None = None
    balance: float | None = None
    needs_consent: str | None = None
    refused: str | None = Field(default=None, description="why it would be, whatever the user says")
    next: str | None = None


class Quote(Query):
    """What a call would cost, without making it. `arguments`: as for that tool."""

    name, answers = "quote", Quoted

    operation: str
    arguments: dict[str, Any]

    async def answer(self, studio: "Studio", caller: str) -> Quoted:
        if self.operation == Plan.name:
            return await self.of_plan(studio, caller)
        kind = operation(self.operation)
        found = await studio.orders.quote(kind.of(self.arguments), caller)
        asked = found.question and studio.settings.ask != "always"
        upper = f" with max_credits={plain(found.price.high)}, if the user agrees" if asked else ""
        return Quoted(
            model=found.model,
            **figures(found.price),
            unit=studio.purse.worth.unit(found.backend),
            usd=numbered(studio.purse.worth.usd(found.backend, found.price.high)),
            note=found.price.note or None,
            balance=None if found.left is None else float(found.left),
            needs_consent=found.question,
            refused=found.obstacle,
            next=None if found.obstacle else f"{kind.operation}(…){upper}",
        )

    async def of_plan(self, studio: "Studio", caller: str) -> Quoted:
        """What several calls would cost together; figures of their own only where one backend takes them all."""
        calls = Plan.model_validate(self.arguments).spoken
        steps, sums, obstacle = await studio.plans.quote(calls, caller)
        whys = [studio.purse.question(backend, price, caller) for backend, price in sums.items()]
        paid = [price for price in sums.values() if price.high] or list(sums.values())
        each = [f"{n}. {step.ask.name}: {step.price}" for n, step in enumerate(steps, 1)]
        worth = studio.purse.worth
        together = [
            f"together at {backend}: {price}{worth.about(backend, price.high)}"
            for backend, price in sums.items()
            if price.high
        ]
        usd = [worth.usd(backend, price.high) for backend, price in sums.items()]
        units = {worth.unit(backend) for backend, price in sums.items() if price.high}
        return Quoted(
            model=Plan.name,
            **(figures(paid[0]) if len(paid) == 1 else {"published": all(price.published for price in paid)}),
            unit=units.pop() if len(paid) == len(units) == 1 else None,
            usd=None if None in usd else numbered(sum(filter(None, usd), Decimal(0))),
            note="; ".join([*each, *together]),
            needs_consent=None if obstacle else next(filter(None, whys), None),
            refused=obstacle,
            next=None if obstacle else "plan(calls=…)",
        )


def numbered(amount: Decimal | None) -> float | None:
    """An amount as JSON has it."""
    return None if amount is None else float(amount)


def figures(price: Price) -> dict[str, Any]:
    """A price as a quote shows it: exact, a range, or a ceiling."""
    low, high = float(price.low), float(price.high)
    if price.published and low == high:
        return {"credits": high, "published": True}
    return {"low": low if price.published else None, "high": high, "published": price.published}


class Call(BaseModel):
    """A call of another tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str
    arguments: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, said: Any) -> Any:
        return {word: unpack(value) for word, value in said.items()} if isinstance(said, dict) else said


class Planned(Answer):
    """A plan's receipts, in its order, and what is reserved for them at each backend."""

    jobs: list[Receipt]
    reserved: dict[str, float]
    usd: float | None = None
    repeated: bool | None = None
    next: str


class Plan(Query):
    """Several calls at once: one price, one yes. In arguments, "$1" is the first call's result."""

    name, answers, changes, spends = "plan", Planned, True, True

    calls: Annotated[list[Call], Field(min_length=1, max_length=50)]

    @property
    def spoken(self) -> list[tuple[str, dict[str, Any]]]:
        """The calls as pairs."""
        return [(call.tool, call.arguments) for call in self.calls]

    async def question(self, studio: "Studio", caller: str) -> Question | None:
        return await studio.plans.question(self.spoken, caller)

    async def answer(self, studio: "Studio", caller: str) -> Planned:
        jobs, repeated = await studio.plans.start(self.spoken, caller, self._yes, self._asks)
        receipts = [await studio.receipts.of(job.id, caller) for job in jobs]
        reserved: dict[str, float] = {}
        for receipt in receipts:
            if receipt.credits.quoted:
                reserved[receipt.backend] = round(reserved.get(receipt.backend, 0.0) + receipt.credits.quoted, 9)
        wait = f"get_job(job_id='{jobs[-1].id}', wait_s={studio.settings.wait:g})"
        usd = [receipt.credits.usd for receipt in receipts]
        total = None if None in usd else round(sum(filter(None, usd)), 6)
        return Planned(jobs=receipts, reserved=reserved, usd=total, repeated=repeated or None, next=wait)


class Accounts(Answer):
    """Balances, each in its backend's own credits."""

    accounts: list[dict[str, Any]]


class GetCredits(Query):
    """Balances and today's spending."""

    name, answers = "get_credits", Accounts

    backend: str | None = None
    detail: bool = False

    async def answer(self, studio: "Studio", caller: str) -> Accounts:
        names = [self.backend] if self.backend else studio.providers.names()
        return Accounts(accounts=[await studio.balances.told(name, self.detail, caller) for name in names])


class Uploaded(Answer):
    """Where a file is now."""

    url: str
    backend: str


class UploadMedia(Query):
    """Upload a file to a backend; other tools do so by themselves."""

    name, toolset, answers, changes = "upload_media", "library", Uploaded, True
    account_wide = True

    media: str = Field(description="path, URL, media:// or job id")
    backend: str | None = None

    async def answer(self, studio: "Studio", caller: str) -> Uploaded:
        backend = self.backend or next(iter(studio.providers.names()), "")
        return Uploaded(url=await studio.inputs.of(caller).upload(self.media, backend), backend=backend)


class Generations(Answer):
    """What a backend says it made."""

    generations: list[dict[str, Any]]


class ListGenerations(Query):
    """What a backend remembers of a model's work, also what was made elsewhere with the same key."""

    name, toolset, answers, account_wide = "list_generations", "library", Generations, True

    model: str
    operation: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20

    async def answer(self, studio: "Studio", caller: str) -> Generations:
        model = DescribeModel(model=self.model, operation=self.operation).find(studio.providers.catalogue)
        if model.history is None:
            known = ", ".join(m.id for m in studio.providers.catalogue.models() if m.history)
            raise RequestError(f"{model.id} keeps no history; {known} do.")
        query = {"limit": self.limit} if model.history_limited else None
        told = await studio.providers.at(model.id.partition("/")[0]).tell(model.history, query)
        rows = next((v for v in told.values() if isinstance(v, list)), []) if isinstance(told, dict) else told
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return Generations(generations=found[: self.limit])


TOOLSETS: tuple[str, ...] = (
    *("core", "edit", "avatar", "understand", "library"),
    *("studio", "publish", "community", "team", "account"),
)


class Shown(Answer):
    """Tools that can be called now, with their arguments."""

    tools: list[dict[str, Any]]
    next: str


class ShowTools(Query):
    """Show more tools: edits, avatars, …"""

    name, answers = "show_tools", Shown

    toolsets: Annotated[list[str], Field(min_length=1, description=", ".join(TOOLSETS[1:]))]

    async def answer(self, studio: "Studio", caller: str) -> Shown:
        from callsheet.catalogue.schema import lean  # noqa: PLC0415

        if wrong := [name for name in self.toolsets if name not in TOOLSETS]:
            raise RequestError(f"There is no toolset {listed(wrong)}. There are {listed(TOOLSETS)}.")
        admin = studio.settings.http_callers.of(caller).admin
        known: dict[str, type[Words] | type[Query]] = {**OPERATIONS, **queries(studio.settings.backends)}
        found = [
            {"name": name, "description": doc(kind), "arguments": lean(kind, described=True)}
            for name, kind in known.items()
            if kind.toolset in self.toolsets and (admin or not kind.account_wide)
        ]
        first = next((kind for kind in OPERATIONS.values() if kind.toolset in self.toolsets), None)
        call = f"{{tool: '{first.operation}', arguments: {{…}}}}" if first else ""
        other = f"; where your client shows none, plan(calls=[{call}])" if first else ""
        return Shown(tools=found, next=f"call them by name{other}")


def doc(kind: type[BaseModel]) -> str:
    """What a tool does, in one line."""
    return " ".join((kind.__doc__ or "").split())


OWN: tuple[type[Query], ...] = (
    *(ListModels, DescribeModel, ListVoices, Quote, GetJob, ListJobs, CancelJob, ResubmitJob, GetCredits),
    *(Plan, ShowTools, UploadMedia, ListGenerations),
)
OWN_QUERIES: dict[str, type[Query]] = {query.name: query for query in OWN}
"""Those that need no backend's routes."""


@cache
def queries(backends: Backends) -> dict[str, type[Query]]:
    """Every query, with the free routes of these backends, in the order in which they are shown."""
    found = list(OWN)
    for backend in backends:
        with backends.spared(backend):
            found += [route for module in backend.endpoints for route in backend.find(f"{module}:ENDPOINTS")]
    return {query.name: query for query in found}
