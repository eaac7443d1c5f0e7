"""JSON schemas as short as they can be: a client pays for every byte of them in each conversation."""

from functools import cache
from typing import Any

from pydantic import BaseModel

NOISE = ("title", "default", "additionalProperties")


@cache
def lean(model: type[BaseModel], *, described: bool = False) -> dict[str, Any]:
    """A model's schema without titles, defaults, nulls and references; unknown properties are refused."""
    schema = model.model_json_schema()
    slim: dict[str, Any] = trim(schema, schema.get("$defs", {}), described)
    slim.pop("description", None)
    return slim | {"additionalProperties": False}


def trim(node: Any, definitions: dict[str, Any], described: bool) -> Any:
    """A schema's node, without the noise."""
    if isinstance(node, list):
        return [trim(item, definitions, described) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        return trim(definitions[reference.rpartition("/")[2]], definitions, described)
    if (either := node.get("anyOf")) and any(option.get("type") == "null" for option in either):
        options = [option for option in either if option.get("type") != "null"]
        rest = {name: value for name, value in node.items() if name != "anyOf"}
        return trim(rest | (options[0] if len(options) == 1 else {"anyOf": options}), definitions, described)
    kept = {}
    for name, value in node.items():
        if name == "properties":
            kept[name] = {word: trim(entry, definitions, described) for word, entry in value.items()}
        elif name in ("$defs", *NOISE) or (name == "description" and not described):
            continue
        elif not (name in ("minLength", "minItems") and value == 1):
            kept[name] = trim(value, definitions, described)
    return kept
