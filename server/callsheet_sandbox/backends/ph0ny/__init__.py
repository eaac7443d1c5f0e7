"""ph0ny in the sandbox: video jobs with webhooks in snake_case, speech, voices and the account in camelCase.

Any key of the documented form (`plabs_` and 32 more) opens an account; its rate limit is by key. Undocumented fields
are 400. A job whose request holds `[fail]` fails with `provider_timeout` and costs nothing; a job is charged when it
completes. The rest of ph0ny's surface, which has nothing to do with media, answers 501.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.ph0ny.account import Account, Keys
from callsheet_sandbox.backends.ph0ny.hooks import SECRET, WAITS
from callsheet_sandbox.backends.ph0ny.order import BACKEND
from callsheet_sandbox.backends.ph0ny.speech import Speech
from callsheet_sandbox.backends.ph0ny.studio import Studio
from callsheet_sandbox.backends.ph0ny.voices import Voices
from callsheet_sandbox.backends.ph0ny.words import no
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Call, Desk, Problem, Refusal, Reply

UNBUILT = ("agents", "audience-groups", "sessions", "outbound", "phone-numbers", "inkbox-lines", "collections")


def desk(box: Box, *, webhook_secret: str = SECRET, waits: Sequence[float] = WAITS) -> Desk:
    """ph0ny's front desk; webhooks are signed with the secret and tried again after the waits."""
    return Ph0ny(box, webhook_secret, waits)


class Ph0ny(Desk):
    """How ph0ny lets people in and words a no."""

    backend = BACKEND

    def __init__(self, box: Box, webhook_secret: str, waits: Sequence[float]) -> None:
        super().__init__(box)
        self.keys = Keys(box)
        Studio(self, webhook_secret, waits)
        Speech(self)
        Voices(self)
        Account(self, self.keys)
        for group in UNBUILT:
            for method in ("GET", "POST", "PUT", "DELETE"):
                for path in (f"/v1/{group}", f"/v1/{group}/{{rest:path}}"):
                    self.on(method, path, unbuilt, query=("limit", "cursor", "agentId"))

    def admits(self, key: str) -> bool:
        """The documented form, unless revoked."""
        return self.keys.admits(key)

    def unauthorized(self) -> Refusal:
        """401."""
        return no(401, "unauthorized", "Invalid API key")

    def too_many(self, wait: int) -> Refusal:
        """429."""
        refusal = no(429, "rate_limited", "Too many requests")
        refusal.headers["Retry-After"] = str(wait)
        return refusal

    def short(self, short: Short) -> Refusal:
        """402: the free tier is a hard cap."""
        return no(402, "insufficient_credits", f"This needs {short.required:f} credits, {short.balance:f} are left")

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """400."""
        message = "; ".join(f"{'.'.join(map(str, found['loc'][1:])) or 'body'}: {found['msg']}" for found in problems)
        return no(400, "invalid_request", message, wrong=True)

    def missing(self) -> Refusal:
        """404."""
        return no(404, "not_found", "No such route")

    def _add(
        self,
        method: str,
        path: str,
        body: type[BaseModel] | None,
        answer: Callable[[Call[Any]], Awaitable[Reply]],
        *,
        query: Collection[str],
        public: bool,
        scope: str,
    ) -> None:
        """A key made here opens its maker's account, while the rate limit stays its own."""

        async def known(call: Call[Any]) -> Reply:
            return await answer(replace(call, owner=self.keys.account(call.owner)))

        super()._add(method, path, body, known, query=query, public=public, scope=scope)


async def unbuilt(call: Call[None]) -> Reply:
    """Voice bots, telephony and knowledge are not in the sandbox."""
    raise no(501, "not_built", "The sandbox has no such feature")
