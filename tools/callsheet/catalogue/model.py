"""The shape of a catalogue entry: what a model takes, where it lives, what it costs.

Our word is the field's name, theirs its `serialization_alias`. A field whose name is no shared word is an option, said
under the backend's own name. A model that differs overrides `body()`, `price()` or `harvest()`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, PlainSerializer, PrivateAttr, field_validator
from pydantic.fields import FieldInfo

from callsheet.catalogue.words import OURS, Words

Kind = Literal["image", "video", "audio", "text", "data", "3d"]


@dataclass(frozen=True)
class Price:
    """Credits: exact where `low == high`, else a range of which the upper end is reserved.

    Where nobody publishes a price, `high` is a ceiling that Callsheet chose; a person has to agree to it.
    """

    low: Decimal
    high: Decimal
    published: bool = True
    note: str = ""

    def times(self, count: int) -> "Price":
        """The price of several."""
        return Price(self.low * count, self.high * count, self.published, self.note)

    def __str__(self) -> str:
        if not self.published:
            return f"no published price, at most {plain(self.high)} credits expected"
        span = plain(self.high) if self.low == self.high else f"{plain(self.low)} to {plain(self.high)}"
        return f"{span} credit{'' if span == '1' else 's'}"


def exactly(credits: Decimal | str | int) -> Price:
    """A price that is known."""
    return Price(Decimal(credits), Decimal(credits))


def between(low: Decimal | str, high: Decimal | str, note: str = "") -> Price:
    """A price of which only the bounds are known before the work is done."""
    return Price(Decimal(low), Decimal(high), note=note)


def unpublished(ceiling: Decimal | str, note: str = "") -> Price:
    """No price is published; `ceiling` is what is reserved."""
    return Price(Decimal(0), Decimal(ceiling), published=False, note=note)


def amount(credits: Decimal | float) -> str:
    """`1 credit`, `2.5 credits`."""
    text = plain(credits)
    return f"{text} credit{'' if text == '1' else 's'}"


def plain(credits: Decimal | float) -> str:
    """Credits for a person: no trailing zeros, no exponent."""
    text = f"{Decimal(str(credits)):.9f}".rstrip("0").rstrip(".")
    return text or "0"


@dataclass(frozen=True)
class Input:
    """Marks a field that refers to media: a URL, a path, a data URI, `media://…` or a job's id.

    `by` says what the backend wants instead: a `url` it can fetch, the file `inline` (a URL passes, anything else
    becomes a data URI), the `file` itself as a local path (`part`: unless it is a URL), or the `name` under which the
    backend has it already; `via` is a route that first makes something else of it there.
    """

    kind: str
    by: Literal["url", "inline", "file", "part", "name"] = "url"
    via: str | None = None


Picture = Annotated[str, Input("image")]
Film = Annotated[str, Input("video")]
Sound = Annotated[str, Input("audio")]
Recording = Annotated[str, Input("media")]

AsText = PlainSerializer(str, when_used="unless-none")
"""A number that the backend wants as a string."""


def spelt(words: Mapping[str, str]) -> PlainSerializer:
    """Our spelling on the left, the backend's on the right."""
    return PlainSerializer(lambda word: words.get(word, word), when_used="unless-none")


def marks(field: FieldInfo) -> Iterator[Any]:
    """Everything that is said of a field's type, also inside a union."""

    def inside(annotation: Any) -> Iterator[Any]:
        for part in get_args(annotation):
            yield part
            yield from inside(part)

    for mark in (*field.metadata, *inside(field.annotation)):
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


def input_of(field: FieldInfo) -> Input | None:
    """How a field refers to media, if it does."""
    return next((mark for mark in marks(field) if isinstance(mark, Input)), None)


@dataclass
class Harvest:
    """What a finished job gave: links to fetch (a path is below the backend's base), text to read, data to store."""

    urls: list[str] = field(default_factory=list)
    text: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    """Content by suffix, for results that come as text (`.json`, `.srt`)."""

    def __bool__(self) -> bool:
        return bool(self.urls or self.text or self.files)


LINKS = ("video_url", "audio_url", "image_url", "result_url", "output_url", "download_url")
"""Names under which backends have been seen to give a result."""


def links(answer: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Every link under these names, single or in a list, in order and once each."""
    found = (answer.get(name) for name in names)
    flat = (link for value in found for link in (value if isinstance(value, list) else [value]))
    return list(dict.fromkeys(link for link in flat if isinstance(link, str) and link))


class Model(BaseModel):
    """What can be asked of one model, checked; an instance is a request that the model can fulfil."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    words: ClassVar[type[Words]]
    id: ClassVar[str]
    path: ClassVar[str]
    """Where a job is created, below the backend's base."""
    makes: ClassVar[Kind]
    results: ClassVar[tuple[str, ...]] = ()
    """Names of the result's links, the main one first; the other names in use are tried after them."""
    at_once: ClassVar[bool] = False
    """The answer to the create is the result; there is nothing to poll."""
    charged: ClassVar[Literal["create", "finish"]] = "create"
    cancels: ClassVar[bool] = False
    auto: ClassVar[bool] = True
    """May be chosen when nobody names a model."""
    rank: ClassVar[int | None] = None
    """Its place with `auto`, from the lowest up; None: its backend's."""
    measures: ClassVar[tuple[str, ...]] = ()
    """Inputs whose length in seconds decides the price."""
    typical_s: ClassVar[float] = 20.0
    """How long a job usually takes, before the ledger knows better."""

    live: ClassVar[Mapping[str, str]] = {}
    """What the backend itself can tell of the model: a name, and the path of a GET."""
    remembers: ClassVar[Mapping[str, str]] = {}
    """The same of what the whole account made with it."""
    history: ClassVar[str | None] = None
    """The path of a GET that lists what was made with it."""
    history_limited: ClassVar[bool] = True
    """Whether that list can be asked for in part."""
    voices: ClassVar[str | None] = None
    """The path of a GET that lists its voices."""

    _lengths: dict[str, float] = PrivateAttr(default_factory=dict)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @property
    def name(self) -> str:
        """The id under which it was asked for."""
        return self.id

    @property
    def backend(self) -> str:
        """The backend's name: the part before the slash."""
        return self.id.partition("/")[0]

    @classmethod
    def answers_to(cls, name: str) -> dict[str, Any] | None:
        """Fields that asking for `name` sets, or None where that is another model."""
        return {} if name in (cls.id, cls.id.partition("/")[2]) else None

    @classmethod
    def options(cls) -> dict[str, str]:
        """Every option: the backend's own name, and our field."""
        shared = cls.words.model_fields
        return {wire(name, f): name for name, f in cls.model_fields.items() if name not in shared or name in OURS}

    @classmethod
    def shared(cls) -> dict[str, str]:
        """Every shared word it takes: the backend's name for it, and the word."""
        return {wire(name, f): name for name, f in cls.model_fields.items() if name not in cls.options().values()}

    def create(self) -> str:
        """The path of the create; it may follow from the words."""
        return self.path

    def body(self) -> dict[str, Any]:
        """The create's JSON, in the backend's own words; nothing else may ever leave us."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def price(self) -> Price:
        """What it costs."""
        raise NotImplementedError

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        """The result in the last answer."""
        return Harvest(urls=links(answer, self.results) or links(answer, LINKS)[:1])

    def inputs(self) -> dict[str, tuple[Input, list[str]]]:
        """The media it refers to: field, what it is, and references."""
        found = {}
        for name, info in type(self).model_fields.items():
            mark, value = input_of(info), getattr(self, name)
            if mark and value:
                found[name] = (mark, value if isinstance(value, list) else [value])
        return found

    def with_inputs(self, ready: Mapping[str, list[str]]) -> "Model":
        """The same request with its media where the backend can fetch them."""
        update = {name: v if isinstance(getattr(self, name), list) else v[0] for name, v in ready.items()}
        copy = self.model_copy(update=update)
        return copy.measured(self._lengths)

    def measured(self, lengths: Mapping[str, float]) -> "Model":
        """The same request, knowing how long its inputs are, in seconds."""
        copy = self.model_copy()
        copy._lengths = dict(lengths)
        return copy

    def length(self, name: str) -> Decimal | None:
        """Seconds of an input, if they are known."""
        seconds = self._lengths.get(name)
        return None if seconds is None else Decimal(str(round(seconds, 2)))


def wire(name: str, field: FieldInfo) -> str:
    """The backend's name for a field."""
    return field.serialization_alias or name
