"""Multipart forms, checked as JSON bodies are: a model's fields are the parts, and an unknown part is a problem."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from callsheet_sandbox.desk import Call, problem

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class File:
    """A file that came in a form."""

    name: str
    mime: str
    data: bytes


async def form(call: Call[Any], body: type[M], files: Collection[str]) -> tuple[M, dict[str, list[File]]]:
    """A form's fields as a model, and its files by part.

    Numbers and booleans come as text. A part that is repeated, or whose name ends in `[]`, is a list; `a[b]` is a
    member of an object.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    found: dict[str, list[File]] = defaultdict(list)
    problems = []
    async with call.request.form() as parts:
        for name, value in parts.multi_items():
            if isinstance(value, UploadFile):
                if name in files:
                    file = File(value.filename or "", value.content_type or "", await value.read())
                    found[name].append(file)
                else:
                    problems.append(problem(["body", name], "Unknown file", "extra_forbidden"))
            elif name in files:
                problems.append(problem(["body", name], "A file is expected here", "value_error"))
            else:
                texts[name].append(value)
    if problems:
        raise call.desk.invalid(problems)
    try:
        return body.model_validate(nested(body, texts), strict=False), dict(found)
    except ValidationError as error:
        rows = error.errors(include_url=False, include_context=False, include_input=False)
        raise call.desk.invalid([problem(["body", *row["loc"]], row["msg"], row["type"]) for row in rows]) from error


def nested(body: type[BaseModel], texts: Mapping[str, list[str]]) -> dict[str, Any]:
    """Names with brackets taken apart."""
    said: dict[str, Any] = {}
    for name, values in texts.items():
        head, bracket, rest = name.partition("[")
        if bracket and rest != "]":
            said.setdefault(head, {})[rest.rstrip("]")] = values[-1]
        else:
            field = body.model_fields.get(head)
            several = bracket or len(values) > 1 or (field is not None and "list[" in str(field.annotation))
            said[head] = values if several else values[0]
    return said
