"""How fal words a no: three bodies, for three kinds of host."""

from collections.abc import Sequence
from typing import Any, Literal

from callsheet_sandbox.desk import Problem, Refusal

BACKEND = "fal"
ERRORS = "https://docs.fal.ai/errors"

Kind = Literal[
    "authorization_error", "validation_error", "not_found", "rate_limited", "server_error", "not_implemented"
]


def no(status: int, detail: str, kind: str = "", **headers: str) -> Refusal:
    """A text, as the queue's infrastructure says it."""
    more = {"error_type": kind} if kind else {}
    given = {"X-Fal-Error-Type": kind} if kind else {}
    return Refusal(status, {"detail": detail, **more}, given | headers)


def platform(status: int, kind: Kind, message: str, *, wrong: bool = False) -> Refusal:
    """What api.fal.ai says."""
    return Refusal(status, {"error": {"type": kind, "message": message}}, wrong=wrong)


def refused(problems: Sequence[Problem]) -> dict[str, Any]:
    """What a model says of its input."""
    rows = [found | {"url": f"{ERRORS}#{found['type']}"} for found in problems]
    return {"detail": rows}
