"""How ph0ny words things: errors, ids and times."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from callsheet_sandbox.desk import Desk, Refusal, problem

M = TypeVar("M", bound=BaseModel)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def no(status: int, code: str, message: str, *, wrong: bool = False) -> Refusal:
    """An answer that is not a yes, in ph0ny's error body."""
    return Refusal(status, {"error": {"code": code, "message": message}}, wrong=wrong)


def moment(at: float) -> str:
    """A time in RFC 3339, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ulid(at: float) -> str:
    """26 letters that sort by time."""
    number = int(at * 1000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))


def base_of(request: Request) -> str:
    """The scheme, host and port a request came in by; result files are below it."""
    return str(request.base_url).rstrip("/")


def checked(desk: Desk, model: type[M], said: bytes | Mapping[str, str]) -> M:
    """A body that may come as JSON or as a form's fields."""
    try:
        return model.model_validate_json(said) if isinstance(said, bytes) else model.model_validate_strings(said)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise desk.invalid([problem(["body", *one["loc"]], one["msg"], one["type"]) for one in found]) from error
