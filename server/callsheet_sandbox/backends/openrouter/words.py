"""How OpenRouter words a no."""

from typing import Any

from callsheet_sandbox.desk import Refusal

BACKEND = "openrouter"


def no(status: int, message: str, *, wrong: bool = False, **metadata: Any) -> Refusal:
    """The code is the status, again."""
    error = {"code": status, "message": message} | ({"metadata": metadata} if metadata else {})
    return Refusal(status, {"error": error}, wrong=wrong)


def moderated(provider: str) -> Refusal:
    """403: somebody would not have it."""
    message = "Your input was flagged by moderation"
    return no(403, message, reasons=["violence"], flagged_input="[blocked]", provider_name=provider)
