"""How OpenAI words a no."""

import json
from collections.abc import Sequence
from typing import Any

from callsheet_sandbox.backends.openai.models import MODELS, Kind, Model
from callsheet_sandbox.desk import Problem, Refusal

BACKEND = "openai"
CODES = {"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}


def no(
    status: int,
    code: str | None,
    message: str,
    *,
    type: str = "invalid_request_error",
    param: str | None = None,
    wrong: bool = False,
) -> Refusal:
    """The one body of every error."""
    error = {"message": message, "type": type, "param": param, "code": code}
    return Refusal(status, {"error": error}, wrong=wrong)


def invalid(problems: Sequence[Problem]) -> Refusal:
    """400, of the first thing that is wrong."""
    found = problems[0]
    param = ".".join(map(str, found["loc"][1:])) or None
    code = CODES.get(found["type"], "invalid_value")
    said = {
        "unknown_parameter": f"Unknown parameter: '{param}'.",
        "missing_required_parameter": f"Missing required parameter: '{param}'.",
    }.get(code, f"Invalid value for '{param}': {found['msg']}")
    return no(400, code, said, param=param, wrong=True)


def value(param: str, message: str) -> Refusal:
    """400, of a value that does not go with another."""
    return no(400, "invalid_value", message, param=param, wrong=True)


def blocked(moment: str = "") -> Refusal:
    """400: the safety filter would have none of it."""
    message = "Your request was rejected by the safety system. safety_violations=[violence]." + moment
    return no(400, "moderation_blocked", message, type="image_generation_user_error")


def known(id: str, kind: Kind) -> Model:
    """A model that is there and does this."""
    model = MODELS.get(id)
    if model is None:
        raise no(404, "model_not_found", f"The model '{id}' does not exist or you do not have access to it.")
    if model.kind != kind:
        raise no(404, "model_not_found", f"The model '{id}' is not supported on this endpoint.", param="model")
    return model


def event(data: dict[str, Any]) -> str:
    """A server-sent event by its type."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n"
