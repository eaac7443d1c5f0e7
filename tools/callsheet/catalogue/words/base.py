"""What all words have in common, and how they are checked."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import from_json

from callsheet.catalogue.bounds import bounded
from callsheet.errors import RequestError, cut, nearest

Prompt = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0)]
Pixels = Annotated[int, Field(ge=2)]
Credits = Annotated[float, Field(ge=0), AfterValidator(lambda credits: min(credits, 1e9))]
"""A bound on a price; nothing costs as much as the highest that the ledger can hold."""

MOST_FAULTS = 8
"""So many are told at once."""
OURS = frozenset({"model", "options", "max_credits", "wait_s", "variation", "count"})
"""Words for Callsheet itself; a model never sees them."""


class Words(BaseModel):
    """The arguments of one operation that makes something at a backend."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    operation: ClassVar[str]
    command: ClassVar[str | None] = None
    """The CLI command, where there is one; its first field is positional."""
    toolset: ClassVar[str] = "core"
    free: ClassVar[bool] = False
    account_wide: ClassVar[bool] = False
    """Whether it uses what belongs to the whole account, which only an admin may."""
    personal: ClassVar[Mapping[str, str]] = {}
    """Words that only a person may say, and what they are asked for; no tool takes them."""

    model: str | None = None
    options: dict[str, Any] | None = None
    max_credits: Credits | None = Field(default=None, description="what the user agreed to, at most")
    wait_s: Annotated[float, Field(ge=0, le=600)] | None = None
    variation: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, said: Any) -> Any:
        """Some clients send a list or an object as a JSON string; take it for what it is."""
        return bounded(unpacked(cls, bounded(said)))

    @field_validator("*", mode="before")
    @classmethod
    def _silence(cls, value: Any) -> Any:
        """An empty text or list is the same as nothing said."""
        return None if value in ("", [], {}) else value

    @property
    def said(self) -> dict[str, Any]:
        """The words meant for the model, without those nobody said."""
        return {word: value for word, value in self.model_dump(exclude_none=True).items() if word not in OURS}

    @classmethod
    def of(cls, said: dict[str, Any], *, by_person: bool = False) -> "Words":
        """Check arguments; `by_person` where what is `personal` was said by a person.

        Raises:
            RequestError: naming each fault, and the word that was probably meant.
        """
        if cls.personal and not by_person:
            command = f"callsheet {cls.command or cls.operation.replace('_', '-')}"
            raise RequestError(
                f"{cls.operation} needs what only a person can say: {'; '.join(cls.personal.values())}. Nobody may say "
                f"it for them, so it is asked for in a terminal: let the user run `{command}` there."
            )
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            raise RequestError(f"{cls.operation}: {faults(error, list(cls.model_fields))}") from None


def unpacked(words: type[BaseModel], said: Any) -> Any:
    """Arguments, with those that must be lists or objects out of the strings in which some clients send them."""
    if not isinstance(said, dict):
        return said
    whole = {n for n, field in words.model_fields.items() if re.search(r"list\[|dict\[", str(field.annotation))}
    return {word: unpack(value) if word in whole else value for word, value in said.items()}


def unpack(value: Any) -> Any:
    """A JSON list or object out of a string; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return from_json(value)
        except ValueError:
            return value
    return value


def faults(error: ValidationError, known: Iterable[str]) -> str:
    """What is wrong with the first few arguments, in a line; unknown ones with the nearest known word."""

    def lines() -> Iterator[str]:
        for fault in error.errors(include_url=False)[:MOST_FAULTS]:
            word = cut(".".join(str(part) for part in fault["loc"]), 60)
            if fault["type"] == "extra_forbidden":
                near = nearest(word, names)
                yield f"unknown argument `{word}`" + (f"; did you mean `{near}`?" if near else "")
            elif fault["type"] == "missing":
                yield f"`{word}` is required"
            else:
                message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
                given = fault["input"]
                shown = f" (got {given!r:.60})" if word and isinstance(given, str | int | float) else ""
                yield (f"`{word}`: " if word else "") + message[:1].lower() + message[1:] + shown

    names = list(known)
    return "; ".join(dict.fromkeys(lines()))
