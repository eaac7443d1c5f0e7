"""JSON schemas as short as they can be, for a client pays for every byte in each conversation; and so plain that the
converters of every vendor take them. What is unknown is refused by the words themselves, whatever a schema says."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

NOISE = ("title", "default", "additionalProperties", "exclusiveMinimum", "exclusiveMaximum")

MEDIUM = "URL, path or job_id"
"""What refers to a medium."""
LOOKS: Mapping[str, str] = {
    **dict.fromkeys(("image", "video", "audio", "source", "gif", "media"), MEDIUM),
    **dict.fromkeys(("images", "videos", "audios"), f"each a {MEDIUM}"),
    "aspect_ratio": "e.g. 9:16",
    "resolution": "e.g. 1080p",
    "language": "e.g. en",
    "target_language": "e.g. es-ES",
    "color": "e.g. white, #ff8800",
    "position": "e.g. bottom, top-left",
    "voice": "from list_voices",
    "since": "e.g. 2026-11-21",
    "subtitles": "an .srt file: URL, path or job_id",
}
"""What a value looks like, for words that have a format, in every tool that has them."""

TEXT = {"type": "string"}
HELD: Mapping[str, dict[str, Any]] = {
    "messages": {"role": TEXT, "content": TEXT},
    "arguments": {"prompt": TEXT},
    "options": {"quality": TEXT},
}
"""What an object may hold among others: some vendors refuse one of which nothing is known."""


@cache
def lean(model: type[BaseModel], *, described: bool = False, medium: str = MEDIUM) -> dict[str, Any]:
    """A model's schema without titles, defaults, nulls and references; with `described` it shows what words look like,
    and what may refer to a `medium`."""
    schema = model.model_json_schema()
    slim: dict[str, Any] = trim(schema, schema.get("$defs", {}), described)
    slim.pop("description", None)
    for node in slim.get("properties", {}).values():
        if MEDIUM in node.get("description", ""):
            node["description"] = node["description"].replace(MEDIUM, medium)
    return slim


@cache
def promised(answers: type[BaseModel]) -> dict[str, Any]:
    """The schema of an answer: what is always there, and of which type. An answer carries more."""
    schema = lean(answers)
    always = {name: node for name, node in schema.get("properties", {}).items() if name in schema.get("required", ())}
    kinds = {name: {"type": node["type"]} if "type" in node else {} for name, node in always.items()}
    return {"type": "object", "properties": kinds, "required": list(kinds)} if kinds else {"type": "object"}


def trim(node: Any, definitions: dict[str, Any], described: bool, name: str = "") -> Any:
    """A schema's node, without the noise; `name` is the word whose it is."""
    if isinstance(node, list):
        return [trim(item, definitions, described, name) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        return trim(definitions[reference.rpartition("/")[2]], definitions, described, name)
    if (either := node.get("anyOf")) and any(option.get("type") == "null" for option in either):
        options = [option for option in either if option.get("type") != "null"]
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return trim(rest | (options[0] if len(options) == 1 else {"anyOf": options}), definitions, described, name)
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {word: shown(word, entry, definitions, described) for word, entry in value.items()}
        elif key in ("$defs", *NOISE) or (key == "description" and not described):
            continue
        elif not (key in ("minLength", "minItems") and value == 1):
            kept[key] = trim(value, definitions, described, name)
    if kept.get("type") == "object" and described and not kept.get("properties") and name in HELD:
        kept["properties"] = HELD[name]
    return kept


def shown(word: str, node: Any, definitions: dict[str, Any], described: bool) -> dict[str, Any]:
    """A word's own node, with what its values look like where it does not say so itself."""
    found: dict[str, Any] = trim(node, definitions, described, word)
    example = LOOKS.get(word) if described and found.get("type") in ("string", "array") else None
    return {"description": example} | found if example else found
