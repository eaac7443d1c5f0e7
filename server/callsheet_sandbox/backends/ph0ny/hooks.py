"""ph0ny's webhooks: the header `X-Signature` is the hex HMAC-SHA256 of the raw bytes under the account's secret.

Tried again after 1, 5 and 30 seconds, then given up. Receivers go by `id` and `status`.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from callsheet_sandbox.box import Box
from callsheet_sandbox.calls import Calls
from callsheet_sandbox.jobs import Job

SECRET = "whsec_sandbox"  # noqa: S105 - a sandbox has no secrets
WAITS = (1.0, 5.0, 30.0)

Describe = Callable[[Job], Awaitable[dict[str, Any]]]


class Hooks(Calls):
    """Sends webhooks; `describe` words the full job object."""

    def __init__(self, box: Box, describe: Describe, secret: str = SECRET, waits: Sequence[float] = WAITS) -> None:
        super().__init__(box, waits)
        self._describe = describe
        self._secret = secret.encode()

    def address(self, job: Job) -> str | None:
        """The one in the request."""
        return job.body.get("webhook_url")

    async def letter(self, job: Job) -> tuple[bytes, dict[str, str]]:
        """The job and its signature."""
        body = json.dumps(await self._describe(job)).encode()
        return body, {"X-Signature": hmac.new(self._secret, body, "sha256").hexdigest()}
