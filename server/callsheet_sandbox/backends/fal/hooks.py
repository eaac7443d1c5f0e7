"""fal's webhooks: a POST to `fal_webhook` once a request is over, signed with Ed25519; the keys are public."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from callsheet_sandbox.box import Box
from callsheet_sandbox.calls import Calls
from callsheet_sandbox.jobs import Job

SEED = hashlib.sha256(b"the sandbox's fal signs with this").digest()
USER = "sandbox-user"

Describe = Callable[[Job], Awaitable[dict[str, Any]]]


def jwks() -> dict[str, Any]:
    """The public key, as a JSON web key set."""
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}


def signed(body: bytes, id: str, at: int) -> dict[str, str]:
    """The four headers over a body."""
    message = "\n".join((id, USER, str(at), hashlib.sha256(body).hexdigest())).encode()
    return {
        "X-Fal-Webhook-Request-Id": id,
        "X-Fal-Webhook-User-Id": USER,
        "X-Fal-Webhook-Timestamp": str(at),
        "X-Fal-Webhook-Signature": Ed25519PrivateKey.from_private_bytes(SEED).sign(message).hex(),
    }


class Hooks(Calls):
    """Sends them."""

    def __init__(self, box: Box, describe: Describe, waits: Sequence[float]) -> None:
        super().__init__(box, waits)
        self._describe = describe

    def address(self, job: Job) -> str | None:
        """Where to call."""
        return job.facts.get("hook")

    async def letter(self, job: Job) -> tuple[bytes, dict[str, str]]:
        """Body and headers."""
        body = json.dumps(await self._describe(job)).encode()
        return body, signed(body, job.id, round(self.box.clock()))
