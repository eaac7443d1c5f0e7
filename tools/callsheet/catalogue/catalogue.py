"""The way from what was said to a request that a model can fulfil, among the models of the backends that are loaded."""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import ValidationError

from callsheet.catalogue.model import Model
from callsheet.catalogue.words import Words, faults
from callsheet.errors import RequestError, cut, listed, nearest


class Unable(ValueError):
    """A model cannot do what the words ask."""


class Catalogue:
    """Some models, in each operation's order of preference: `model="auto"` takes the first that can."""

    def __init__(self, models: Sequence[type[Model]], keys: Sequence[str] = ()) -> None:
        """Choose among these; `keys` are the variables of keys that would open more of them."""
        self.all = tuple(models)
        self.keys = keys

    def models(self, operation: str | None = None, backend: str | None = None) -> list[type[Model]]:
        """The models of an operation, of a backend, or all."""
        return [
            model
            for model in self.all
            if operation in (None, model.words.operation) and backend in (None, model.id.partition("/")[0])
        ]

    def ask(self, words: Words, backends: Collection[str] | None = None) -> Model:
        """The request that these words make, at the model they name or the first that can do it.

        `backends` are those that may be chosen by themselves; a model that is named may be anywhere.

        Raises:
            RequestError: says what cannot be done, the values that can, and a model that could.
        """
        kind = type(words)
        if words.model in (None, "auto"):
            models = self.models(kind.operation)
            choice = [m for m in models if m.auto and (backends is None or m.id.split("/")[0] in backends)]
            if not choice:
                where = (
                    "" if backends is None else f" at {listed(sorted(backends))}" if backends else " without any key"
                )
                key = f" Set a backend's key, such as {self.keys[0]}." if backends is not None and self.keys else ""
                raise RequestError(f"No model can {kind.operation}{where}.{key}")
            return self.first(choice, words)
        found = self.named(str(words.model), kind.operation)
        try:
            return fill(found[0], words, found[1])
        except Unable as error:
            models = self.models(kind.operation)
            other = next((m.id for m in models if m is not found[0] and can(m, words)), None)
            hint = f" {other} could do it." if other else ""
            raise RequestError(f"{words.model} cannot do that. {error}.{hint}") from None

    def first(self, choice: Sequence[type[Model]], words: Words) -> Model:
        """The first model that can, or why the nearest cannot."""
        reasons = []
        for model in choice:
            try:
                return fill(model, words, {})
            except Unable as error:
                reasons.append((len(str(error)), f"{model.id}: {error}"))
        shown = [reason for _, reason in sorted(reasons)[:3]]
        others = [m.id for m in self.models(words.operation) if m not in choice and can(m, words)]
        hint = f" {listed(others)} could do it; name it in `model`." if others else ""
        raise RequestError(f"No model can do that. {'. '.join(shown)}.{hint}")

    def named(self, name: str, operation: str) -> tuple[type[Model], dict[str, Any]]:
        """The model that answers to a name within an operation, and what that sets.

        Raises:
            RequestError: naming the models of the operation.
        """
        choice = self.models(operation)
        hits = [(model, given) for model in choice if (given := model.answers_to(name)) is not None]
        if len(hits) == 1:
            return hits[0]
        ids = [model.id for model in choice]
        if hits:
            raise RequestError(f"`{name}` could be {listed([model.id for model, _ in hits])}; say which.")
        short = [i.partition("/")[2] for i in ids]
        near = nearest(name, ids + short, 0.6)
        hint = f"Did you mean `{near}`? " if near else ""
        raise RequestError(f"There is no model `{cut(name)}` in {operation}. {hint}It has {listed(ids)}.")


def can(model: type[Model], words: Words) -> bool:
    """Whether a model could do it, leaving options aside, which are each model's own."""
    try:
        fill(model, words.model_copy(update={"options": None}), {"upstream": "x"} if "<" in model.id else {})
    except Unable:
        return False
    return True


def fill(model: type[Model], words: Words, given: dict[str, Any]) -> Model:
    """The request to one model.

    Raises:
        Unable: with every reason.
    """
    options, shared, reasons = model.options(), model.shared(), []
    said = words.said | given
    for name, value in (words.options or {}).items():
        if name in options and options[name] not in given:
            said[options[name]] = value
        elif name in shared or name in type(words).model_fields:
            reasons.append(f"option `{name}` has a word of its own: say `{shared.get(name, name)}`")
        elif model.model_config.get("extra") == "allow":
            said[name] = value
        else:
            near = nearest(name, options, 0.6)
            hint = f"; did you mean `{near}`?" if near else f"; it has {listed(sorted(options))}" if options else ""
            reasons.append(f"there is no option `{cut(name, 60)}`{hint}")
    refused = [word for word in words.said if word not in shared.values()]
    reasons += [f"it takes no `{word}`" for word in refused]
    try:
        filled = model.model_validate({word: value for word, value in said.items() if word not in refused})
    except ValidationError as error:
        reasons.append(faults(error, model.model_fields))
    if reasons:
        raise Unable("; ".join(reasons))
    return filled
