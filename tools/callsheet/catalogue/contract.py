"""What is asked of a model's class, checked when it is loaded: a slip is found before a user finds it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

from callsheet.catalogue.model import Kind, Model, input_of, wire
from callsheet.catalogue.words import OPERATIONS, OURS
from callsheet.errors import RequestError


class Broken(RequestError):
    """A class that breaks the contract."""


def check(backend: str, models: Sequence[type[Model]]) -> None:
    """Whether a backend's models keep the contract.

    Raises:
        Broken: one does not; names the class and what is wrong with it.
    """
    seen: dict[tuple[str, str], type[Model]] = {}
    for model in models:
        if fault := next(faults(backend, model), None):
            raise Broken(f"{model.__module__}.{model.__name__}: {fault}.")
        where = (model.words.operation, model.id)
        if (other := seen.setdefault(where, model)) is not model:
            name = f"{model.__module__}.{model.__name__}"
            raise Broken(f"{name}: its id `{model.id}` is {other.__name__}'s already, in {model.words.operation}.")


def faults(backend: str, model: type[Model]) -> Iterator[str]:
    """What is wrong with a class."""
    for name in ("words", "id", "path", "makes"):
        if not hasattr(model, name):
            yield f"it has no `{name}`"
    operation, fields = model.words.operation, model.model_fields
    if OPERATIONS.get(operation) is not model.words:
        yield f"`words`: there is no operation `{operation}`"
    if not model.id.startswith(f"{backend}/") or model.id == f"{backend}/":
        yield f"its id `{model.id}` does not begin with `{backend}/`"
    if model.makes not in get_args(Kind):
        yield f"`makes`: it may be {', '.join(get_args(Kind))}, not `{model.makes}`"
    if model.price is Model.price:
        yield "it has no `price()`"
    if not (model.__doc__ or "").strip() or model.__doc__ == Model.__doc__:
        yield "it has no docstring, which tells people what it is for"
    for name, field in fields.items():
        told = wire(name, field)
        if told != name and name not in model.words.model_fields and told not in OURS:
            yield f"`{name}` is no word of {operation}; an option bears the backend's own name, `{told}`"
    twice = [name for name, times in Counter(wire(name, field) for name, field in fields.items()).items() if times > 1]
    if twice:
        yield f"`{twice[0]}` is sent for two of its words"
    for name in model.measures:
        if name not in fields or input_of(fields[name]) is None:
            yield f"`measures`: it takes no media as `{name}`"
