"""OpenAI in the sandbox: pictures, speech, hearing, chat, embeddings and files, each answered at once, below `/v1`.

Any key that begins with `sk-` opens an account in dollars; one with `unverified` in it belongs to an organisation that
may not use the models for pictures. An account without money is a 429 that nobody should wait for. It stands still on
the day its pages were read: models that had ended by then are not there. `[fail]` in a prompt is a server error,
`[blocked]` is what the safety filter refuses.
"""

import uuid
from collections.abc import Sequence

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.openai.audio import Audio
from callsheet_sandbox.backends.openai.chat import Chat
from callsheet_sandbox.backends.openai.files import Files
from callsheet_sandbox.backends.openai.images import Images
from callsheet_sandbox.backends.openai.words import BACKEND, invalid, no
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Desk, Problem, Refusal


def desk(box: Box) -> Desk:
    """OpenAI's front desk."""
    return OpenAI(box)


class OpenAI(Desk):
    """How OpenAI lets people in and words a no."""

    backend = BACKEND

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        Images(self)
        Audio(self)
        Chat(self)
        Files(self)

    def admits(self, key: str) -> bool:
        """`sk-…`, of which an admin's opens other routes."""
        return key.startswith("sk-") and not key.startswith("sk-admin-") and len(key) > 3

    def unauthorized(self) -> Refusal:
        """401."""
        return no(401, "invalid_api_key", "Incorrect API key provided.")

    def too_many(self, wait: int) -> Refusal:
        """429, and when to come back."""
        refusal = no(429, "rate_limit_exceeded", "Rate limit reached for requests.", type="requests")
        refusal.headers["Retry-After"] = str(wait)
        return refusal

    def short(self, short: Short) -> Refusal:
        """429 too, and no use in coming back."""
        message = "You exceeded your current quota, please check your plan and billing details."
        return no(429, "insufficient_quota", message, type="insufficient_quota")

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """400."""
        return invalid(problems)

    def missing(self) -> Refusal:
        """404."""
        return no(404, None, "Invalid URL")

    def stamps(self, entry: int) -> dict[str, str]:
        """The request's id, and what is left of the minute."""
        left = max(0, self.box.rate - self.box.log.since(entry))
        return {
            **{"x-request-id": f"req_{uuid.uuid4().hex}", "openai-version": "2020-10-01", "openai-processing-ms": "1"},
            **{"openai-organization": "sandbox", "x-ratelimit-limit-requests": str(self.box.rate)},
            **{"x-ratelimit-remaining-requests": str(left), "x-ratelimit-reset-requests": "1m0s"},
        }
