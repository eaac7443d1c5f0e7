"""fal in the sandbox: the queue, uploads and webhooks at the root, the platform API below `/v1`, all at one base.

The vendor has a host for each (queue.fal.run, rest.fal.ai, v3.fal.media, api.fal.ai); their paths do not meet, so here
they share one. Any key of the form `id:secret` opens an account in dollars; `admin-id:secret` is the same account's
admin key.
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.fal import making
from callsheet_sandbox.backends.fal.files import Files
from callsheet_sandbox.backends.fal.hooks import Hooks
from callsheet_sandbox.backends.fal.platform import ADMIN, Platform, bearer
from callsheet_sandbox.backends.fal.queue import Queue
from callsheet_sandbox.backends.fal.words import BACKEND, no, refused
from callsheet_sandbox.box import STORAGE, Box
from callsheet_sandbox.desk import Desk, Problem, Refusal
from callsheet_sandbox.jobs import Job

WAITS = (1.0,) * 31  # a vendor waits two minutes between tries


def desk(box: Box, *, waits: Sequence[float] = WAITS) -> Desk:
    """fal's front desk; webhooks are tried again after the waits."""
    return Fal(box, waits)


class Fal(Desk):
    """How fal lets people in and words a no."""

    backend = BACKEND

    def __init__(self, box: Box, waits: Sequence[float]) -> None:
        super().__init__(box)
        self.hooks = Hooks(box, self.told, waits)
        Files(self)
        self.queue = Queue(self, self.hooks)
        self.routes[:0] = Platform(box, self.queue).routes

    def key_of(self, request: Request) -> str:
        """An admin's key may do all that a plain one may."""
        return bearer(request).removeprefix(ADMIN)

    def admits(self, key: str) -> bool:
        """`id:secret`."""
        return all(key.partition(":"))

    def unauthorized(self) -> Refusal:
        """401."""
        return no(401, "Authentication is required to access this application.")

    def too_many(self, wait: int) -> Refusal:
        """Never: what is too much waits in the queue."""
        raise NotImplementedError

    def limit(self, entry: int, scope: str) -> None:
        """The queue has no pace."""

    def short(self, short: Short) -> Refusal:
        """403: the account is locked."""
        return no(403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.")

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """422."""
        return Refusal(422, refused(problems), {"X-Fal-Retryable": "false"}, wrong=True)

    async def told(self, job: Job) -> dict[str, Any]:
        """A webhook's body."""
        hook = {"request_id": job.id, "gateway_request_id": job.id}
        if wrong := self.queue.wrong(job):
            return hook | {"status": "ERROR", "payload": wrong.body, "error": self.queue.text(wrong)}
        base = job.facts["base"]
        return hook | {
            "status": "OK",
            "payload": await making.output(self.box, job, lambda name: base + STORAGE + name),
        }
