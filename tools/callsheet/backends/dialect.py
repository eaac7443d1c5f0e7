"""What a backend says and how: the parts that differ, as data and a few small readings of its answers.

A backend's dialect is a subclass with other data. It never sends anything; provider.py does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypedDict
from urllib.parse import quote

from callsheet.catalogue.model import Harvest, Model, Price
from callsheet.errors import CallsheetError, ProviderError
from callsheet.settings.backends import Backend
from callsheet.settings.settings import Settings


class Route(NamedTuple):
    """A method and a path below the base; a path that starts with `//` is below the host's root."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    files: dict[str, Path] | None = None
    """Parts of a multipart request; the body's fields become its other parts."""
    form: bool = False
    """Whether the body goes as a form; else it is JSON."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str | None = None
    """The answer itself as a data URI, where it is no text but a picture, a sound or a film."""

    @property
    def object(self) -> dict[str, Any]:
        """The body, where it is a JSON object; else an empty one."""
        return self.body if isinstance(self.body, dict) else {}


class Step(TypedDict, total=False):
    """What a call taught us about a job, as the ledger notes it. An absent key means nothing new."""

    stage: str
    ticket: str
    progress: str
    harvest: Harvest
    charged: Decimal
    basis: str
    refunded: Decimal
    refund_expected: Decimal
    error: dict[str, object]
    pause: float
    """Seconds until the next try may be made."""
    patience: int
    """How many tries may be made in all."""


NOT_ACCEPTED = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Answers to a create that mean it was not accepted. Any other failure leaves it unknown."""


class Dialect:
    """The commonest dialect: create gives an id, status gives a word and links, charged on creation."""

    below: ClassVar[str] = ""
    """The part of the base that is not the host's root, as it is documented."""
    sandbox_key: ClassVar[str] = "pk_sandbox"
    ids: ClassVar[tuple[str, ...]] = ("job_id", "id")
    listed: ClassVar[tuple[str, ...]] = ("job_id", "jobId", "ticket", "prompt_id", "id")
    """Names under which the rows of a list may give a job's id."""
    states: ClassVar[tuple[str, ...]] = ("status", "state")
    done: ClassVar[frozenset[str]] = frozenset({"completed", "success", "succeeded", "done"})
    failed: ClassVar[frozenset[str]] = frozenset({"failed", "error"})
    cancelled: ClassVar[frozenset[str]] = frozenset({"cancelled", "canceled"})
    costs: ClassVar[tuple[str, ...]] = ("credits_used",)
    concurrent: ClassVar[int | None] = None
    """How many jobs may be under way at once, where that is limited."""
    refunds: ClassVar[bool] = True
    """Whether credits come back when a job fails, as far as is documented."""
    floor_s: ClassVar[float] = 2.0
    """Looks more often than this teach nothing: the backend answers from a cache."""

    def __init__(self, backend: Backend) -> None:
        """Speak for a backend."""
        self.backend = backend
        self.name, self.title = backend.name, backend.title

    def tidy(self, base: str) -> str:
        """A base as users may write it, as we use it."""
        return base.rstrip("/")

    def submit(self, ask: Model) -> Route:
        """How a job is created."""
        return Route("POST", ask.create(), ask.body())

    def look(self, endpoint: str, ticket: str) -> Route:
        """How a job's state is asked for, given where it was created."""
        raise NotImplementedError

    def cancel(self, endpoint: str, ticket: str) -> Route | None:
        """How a job is cancelled; None where it cannot be."""
        return None

    def balance(self) -> tuple[Route, ...]:
        """The calls after which the last one's answer holds a fresh balance; none where there is no such route."""
        return ()

    def read_balance(self, answer: Answer) -> Decimal | None:
        """The credits in that answer."""
        raise NotImplementedError

    def lists(self, ask: Model) -> tuple[Route, ...]:
        """The lists in which a job may turn up whose create was never answered; none where there are none."""
        return ()

    def account(self) -> dict[str, Route]:
        """What the backend tells of the account, each by one GET."""
        return {}

    def upload(self, path: Path, kind: str) -> Route | None:
        """How a file is uploaded to get a URL or a name for it; None where it cannot be."""
        return None

    def headers(self, ask: Model, settings: Settings) -> dict[str, str]:
        """Headers that a create needs besides the key."""
        return {}

    def call_back(self, ask: Model, url: str) -> dict[str, Any]:
        """Fields of a create that ask for a call to this address once the job is over; none where it never calls."""
        return {}

    def signed(self, raw: bytes, headers: Mapping[str, str], settings: Settings) -> bool:
        """Whether such a call comes from the backend, as far as can be told."""
        return False

    def price(self, ask: Model, settings: Settings) -> Price:
        """What a request costs, where the owner's settings have a say in it."""
        return ask.price()

    def voices(self, answer: Answer) -> list[dict[str, Any]]:
        """The voices in an answer; one that only another model speaks with names it under `model`."""
        rows = answer.object.get("voices", answer.body)
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def without_own(self, route: Route) -> Route:
        """The same list of voices, without those that the account itself made."""
        return route

    def more(self, answer: Answer) -> Route | None:
        """How the page after this one of a list is asked for; None where it was the last."""
        return None

    def quote(self, ask: Model) -> Route | None:
        """How the backend itself is asked what a request costs; None where it cannot be."""
        return None

    def read_quote(self, answer: Answer) -> Decimal | None:
        """The credits in that answer."""
        raise NotImplementedError

    def standing(self) -> Route | None:
        """How the backend is asked what the account may do; None where it does not matter."""
        return None

    def check(self, ask: Model, standing: Answer) -> None:
        """Whether the account may do this.

        Raises:
            RequestError: its plan does not allow it.
        """

    def barred(self, kind: str) -> str | None:
        """Why no file of this kind can be brought to the backend, where its own files go by name; None if it can."""
        return None

    def named(self, link: str, kind: str) -> str | None:
        """The name by which the backend knows one of its own files, given its link; None where it has none."""
        return link.rpartition("/")[2]

    def trade(self, via: str, name: str) -> Route:
        """How the name of a file becomes that of what `via` makes of it."""
        raise NotImplementedError

    def read_upload(self, answer: Answer) -> str | None:
        """The URL of the uploaded file."""
        url = answer.object.get("url")
        return url if isinstance(url, str) else None

    def accepted(self, ask: Model, answer: Answer) -> Step:
        """Read a 2xx answer to a create.

        Without an id, a result or a reason it proves nothing: the job may exist, so it is `unknown`.
        """
        body = answer.object
        if body.get("success") is False and (why := message(answer)):
            return Step(stage="failed", error=ProviderError(f'{self.title} refused: "{why}".').as_dict())
        paid = self.read_cost(body)
        if ask.at_once:
            if harvest := Harvest(urls=[answer.media]) if answer.media else ask.harvest(body):
                return Step(stage="made", harvest=harvest, **paid)
            return Step(stage="unknown")
        ticket = next((str(body[name]) for name in self.ids if body.get(name)), None)
        if ticket is None:
            return Step(stage="unknown")
        return Step(stage="sent", ticket=ticket, **paid)

    def seen(self, ask: Model, answer: Answer) -> Step:
        """Read a 2xx answer to a look. A word nobody told us about means that it is still under way."""
        body = answer.object
        word = next((body[name] for name in self.states if isinstance(body.get(name), str)), "").casefold()
        step = Step(**self.read_cost(body))
        if word in self.done:
            step |= self.finished(ask, body)
        elif word in self.failed or word in self.cancelled:
            why = message(answer)
            said = f'"{why}"' if why else "gave no reason"
            step |= Step(stage="cancelled" if word in self.cancelled else "failed")
            step |= Step(error=ProviderError(f"{self.title} {word}: {said}.").as_dict())
        elif progress := self.progress(body):
            step |= Step(progress=progress)
        return step

    def finished(self, ask: Model, body: Mapping[str, Any]) -> Step:
        """A job that is done: what it gave."""
        if harvest := ask.harvest(body):
            return Step(stage="made", harvest=harvest)
        text = f"{self.title} says that it is done, but gives no result. Ask its support about the job."
        return Step(stage="failed", error=ProviderError(text, safe_to_retry=False).as_dict())

    def progress(self, body: Mapping[str, Any]) -> str | None:
        """How far it is, for a person."""
        word = next((body[name] for name in self.states if isinstance(body.get(name), str)), None)
        return word.lower() if word else None

    def read_cost(self, body: Mapping[str, Any]) -> Step:
        """What the backend says it charged, if it says so."""
        for name in self.costs:
            if (credits := number(body.get(name))) is not None:
                return Step(charged=credits, basis="reported")
        return Step()

    def cancelled_by(self, answer: Answer) -> bool:
        """Whether an answer to a cancel says that it was cancelled."""
        return answer.object.get("success") is True

    def gives_back(self, progress: str | None) -> bool:
        """Whether credits come back when a job is cancelled that was last seen so far, as far as is documented."""
        return self.refunds

    def refused(self, answer: Answer) -> CallsheetError | None:
        """What a refusal means that only this backend words so; None for the common meaning of its status."""
        return None

    def short_of_credits(self, answer: Answer) -> bool:
        """Whether a refusal means that the credits do not suffice."""
        return answer.status == 402


def number(value: Any) -> Decimal | None:
    """A finite number of credits, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def message(answer: Answer) -> str:
    """A backend's own words for what went wrong, shortened to a line; empty where it has none."""
    body = answer.body
    if not isinstance(body, dict):
        return "" if answer.text.lstrip()[:1] == "<" else tidy(answer.text[:2000])
    for name in ("detail", "message", "error"):
        found = body.get(name)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            place = ".".join(str(part) for part in found.get("loc", []) if part != "body")
            found = f"{place}: {found.get('msg')}" if place else found.get("msg") or found.get("message")
        if isinstance(found, str) and found.strip():
            return tidy(found)
    return code(answer)


def code(answer: Answer) -> str:
    """The code word of what went wrong, wherever a backend puts it; empty where it has none."""
    for place in (answer.object, answer.object.get("detail"), answer.object.get("error")):
        for name in ("error_code", "code"):
            if isinstance(place, dict) and isinstance(found := place.get(name), str) and found:
                return tidy(found)
    return ""


def tidy(text: str) -> str:
    """One line of printable characters, at most 300, without the quotes that would end ours."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace('"', "'")
    return line[:300]


def part(text: str) -> str:
    """A path segment."""
    return quote(text, safe="")
