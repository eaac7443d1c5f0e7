"""OpenRouter in the sandbox: pictures, films, speech, hearing, chat and embeddings below `/api/v1`, and what they cost.

Any key that begins with `sk-or-` opens an account in dollars; one with `-management-` in it is the same account's
management key, which is for money and not for models. `[fail]` in a prompt fails at the provider, `[blocked]` is what
moderation flags; neither costs anything.
"""

from collections.abc import Sequence

from starlette.requests import Request

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.openrouter.account import MANAGEMENT, Account
from callsheet_sandbox.backends.openrouter.files import Files
from callsheet_sandbox.backends.openrouter.images import Images
from callsheet_sandbox.backends.openrouter.talking import Talking
from callsheet_sandbox.backends.openrouter.videos import SECRET, Videos
from callsheet_sandbox.backends.openrouter.words import BACKEND, no
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Desk, Problem, Refusal

WAITS = (1.0, 5.0, 30.0)


def desk(box: Box, *, webhook_secret: str = SECRET, waits: Sequence[float] = WAITS) -> Desk:
    """OpenRouter's front desk; webhooks are signed with the secret and tried again after the waits."""
    return OpenRouter(box, webhook_secret, waits)


class OpenRouter(Desk):
    """How OpenRouter lets people in and words a no."""

    backend = BACKEND

    def __init__(self, box: Box, webhook_secret: str, waits: Sequence[float]) -> None:
        super().__init__(box)
        account = Account(self)
        Images(self, account)
        Videos(self, account, webhook_secret, waits)
        Talking(self, account)
        Files(self)

    def key_of(self, request: Request) -> str:
        """A management key opens the account of the plain one, to look; it makes nothing."""
        key = super().key_of(request)
        if MANAGEMENT in key and request.method == "POST":
            return ""
        return key.replace(MANAGEMENT, "-", 1)

    def admits(self, key: str) -> bool:
        """`sk-or-v1-…`."""
        return key.startswith("sk-or-") and len(key) > len("sk-or-")

    def unauthorized(self) -> Refusal:
        """401."""
        return no(401, "No auth credentials found")

    def too_many(self, wait: int) -> Refusal:
        """429, and when to come back."""
        refusal = no(429, "Rate limit exceeded", error_type="rate_limit_exceeded")
        refusal.headers |= {"Retry-After": str(wait), "X-RateLimit-Limit": str(self.box.rate)}
        refusal.headers |= {
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(round(self.box.clock() + wait) * 1000),
        }
        return refusal

    def short(self, short: Short) -> Refusal:
        """402, never to be waited for."""
        return no(402, "Insufficient credits", limit_source="openrouter_credits", reason="weight_exceeds_budget")

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """400."""
        rows = (f"{'.'.join(map(str, found['loc'][1:])) or 'body'}: {found['msg']}" for found in problems)
        return no(400, "; ".join(rows), wrong=True)

    def missing(self) -> Refusal:
        """404."""
        return no(404, "Not Found")
