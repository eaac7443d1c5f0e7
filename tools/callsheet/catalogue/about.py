"""What the catalogue says of itself: models, limits and prices, for agents, people and the skill's tables."""

import itertools
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from callsheet.catalogue.model import Model, Price, input_of, marks, plain

MOST_PRICES = 64


def summary(model: type[Model]) -> str:
    """A model's docstring, in one line."""
    return " ".join((model.__doc__ or "").split())


def needs(model: type[Model]) -> list[str]:
    """Words that must be said."""
    return [name for name, field in model.model_fields.items() if field.is_required() and name != "upstream"]


def takes(model: type[Model]) -> list[str]:
    """Shared words it understands."""
    return list(model.shared().values())


def choices(field: FieldInfo) -> list[Any]:
    """The values a field may have, where they are listed; true and false for a switch."""

    def walk(annotation: Any) -> Iterator[Any]:
        if get_origin(annotation) is Literal:
            yield from get_args(annotation)
        elif annotation is bool:
            yield from (False, True)
        else:
            for part in get_args(annotation):
                yield from walk(part)

    return list(walk(field.annotation))


def example(model: type[Model], **said: Any) -> Model | None:
    """A request to a model with the least that it needs; None where these words do not go together."""
    least: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            least[name] = least_of(name, field)
    shape = {"aspect_ratio": "16:9"} if "aspect_ratio" in model.model_fields else {}
    sound = {"audio": "text"} if "audio" in model.model_fields else {}
    text = {"prompt": "text"} if "prompt" in model.model_fields else {}
    for more in ({}, shape, sound, text):
        try:
            return model.model_validate(least | said | more)
        except ValidationError:
            continue
    return None


def least_of(name: str, field: FieldInfo) -> Any:
    """A value that a field accepts."""
    kind = str(field.annotation)
    if "list[" in kind:
        return ["text"] * next((mark.min_length for mark in field.metadata if hasattr(mark, "min_length")), 1)
    if values := choices(field):
        return values[0]
    return 2 if "int" in kind or "float" in kind else "https://example.com" if name == "url" else "text"


def prices(model: type[Model]) -> list[tuple[dict[str, Any], Price]]:
    """Every price a model has, by the words that decide it, shortest first."""
    fields = {name: choices(field) for name, field in model.model_fields.items() if name != "aspect_ratio"}
    bare = example(model)
    if bare is None:
        return []
    decisive = {}
    for name, values in fields.items():
        seen = {str(ask.price()) for value in values if (ask := example(model, **{name: value}))}
        if len(seen | {str(bare.price())}) > 1:
            decisive[name] = values
    rows = []
    for combination in itertools.product(*decisive.values()):
        said = dict(zip(decisive, combination, strict=True))
        if ask := example(model, **said):
            rows.append((said, ask.price()))
    return rows[:MOST_PRICES]


def cost(model: type[Model]) -> str:
    """A model's price in a few words."""
    rows = [price for _, price in prices(model)]
    if not rows:
        return "free"
    if not all(price.published for price in rows):
        return "not published"
    low, high = min(price.low for price in rows), max(price.high for price in rows)
    notes = next((price.note for price in rows if price.note), "")
    if notes.startswith(("by tokens", "by characters")):
        return notes.partition(";")[0]
    if not high:
        return notes or "free"
    span = plain(low) if low == high else f"{plain(low)} to {plain(high)}"
    return f"{span} ({notes.partition(';')[0]})" if notes else span


def limits(field: FieldInfo) -> str:
    """What a field accepts, in a few words."""
    values = [value for value in choices(field) if not isinstance(value, bool)]
    if values:
        return ", ".join(str(value) for value in values)
    source = input_of(field)
    parts = [f"{source.kind}: URL, path, media:// or job id"] if source else []
    for mark in marks(field):
        for name, sign in (("min_length", "at least"), ("max_length", "at most"), ("ge", "from"), ("le", "to")):
            if (bound := getattr(mark, name, None)) is not None:
                parts.append(f"{sign} {bound:,}" if isinstance(bound, int) else f"{sign} {bound}")
    return " ".join(parts) or plain_type(field)


def plain_type(field: FieldInfo) -> str:
    """A field's type, in a word."""
    text = str(field.annotation)
    names = {"bool": "yes or no", "int": "whole number", "float": "number", "list": "list", "dict": "object"}
    return next((word for name, word in names.items() if name in text), "object" if "Zoom" in text else "text")


def row(model: type[Model]) -> dict[str, Any]:
    """A model in a listing."""
    return {
        "id": model.id,
        "operation": model.words.operation,
        "summary": summary(model),
        "credits": cost(model),
        "takes": takes(model),
        **({} if model.auto else {"auto": False}),
    }


def describe(model: type[Model]) -> dict[str, Any]:
    """Everything about a model: each word and option with its limits, and every price."""
    schema = model.model_json_schema(by_alias=False)
    back = {name: option for option, name in model.options().items()}
    words, options = {}, {}
    for name, field in model.model_fields.items():
        if name == "upstream":
            continue
        entry: dict[str, Any] = {"accepts": limits(field)}
        if field.is_required():
            entry["required"] = True
        elif field.default is not None:
            entry["default"] = field.default
        if name in back:
            options[back[name]] = entry | {"schema": schema["properties"][name]}
        else:
            words[name] = entry
    table = [{**said, "credits": str(price)} for said, price in prices(model)]
    found = row(model) | {"words": words, "prices": table, "usual_seconds": model.typical_s}
    if "$defs" in schema and options:
        found["definitions"] = schema["$defs"]
    return found | ({"options": options} if options else {}) | ({"cancels": True} if model.cancels else {})


ABILITIES: dict[str, tuple[str, ...]] = {
    "first frame": ("image",),
    "last frame": ("last_image",),
    "first and last frame": ("image", "last_image"),
    "reference": ("images",),
    "image in": ("image", "images"),
    "video in": ("video",),
    "audio in": ("audio",),
    "seed": ("seed",),
}
"""Words for what a model can do, and the shared words of which it takes one (`and`: all)."""


def able(model: type[Model], can: str) -> bool:
    """Whether a model can do what a few words ask: an ability, a word it takes, or something its docstring says."""
    wanted = can.casefold().strip()
    taken = set(takes(model)) | set(model.options())
    if wanted in ABILITIES:
        need = ABILITIES[wanted]
        return taken.issuperset(need) if " and " in wanted else bool(taken.intersection(need))
    return wanted.replace(" ", "_") in taken or all(w in summary(model).casefold() for w in wanted.split())
