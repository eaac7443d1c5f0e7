"""ph0ny's webhooks: a real, signed POST to `webhook_url` once a job is over.

Nothing polls in the background. A call is begun by whichever comes first: one small task that sleeps until the job
should be over by its seconds, or a look that finds it over (the only way when jobs go by looks, or after a restart).
The header `X-Signature` is the hex HMAC-SHA256 of the raw bytes under the account's secret. Anything but a 2xx is tried
again after 1, 5 and 30 seconds, then given up. A restart between two tries may call twice, as real webhooks do:
receivers go by `id` and `status`.
"""

import asyncio
import hmac
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import httpx2

from callsheet_sandbox.box import Box
from callsheet_sandbox.inputs import Unreachable, _check
from callsheet_sandbox.jobs import Job

SECRET = "whsec_sandbox"  # noqa: S105 - a sandbox has no secrets
WAITS = (1.0, 5.0, 30.0)
GRACE = 0.05  # two clocks never quite agree

Describe = Callable[[Job], Awaitable[dict[str, Any]]]


class Hooks:
    """Sends webhooks; `describe` words the full job object."""

    def __init__(self, box: Box, describe: Describe, secret: str = SECRET, waits: Sequence[float] = WAITS) -> None:
        self._box = box
        self._describe = describe
        self._secret = secret.encode()
        self._waits = waits
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling: set[str] = set()

    def expect(self, job: Job, seconds: float) -> None:
        """A new job will be over in so many seconds, unless its pace goes by looks."""
        if job.body.get("webhook_url") and self._box.jobs.pace.pace == "seconds":
            self._begin(job.id, seconds / self._box.jobs.pace.speed + GRACE)

    def found(self, job: Job) -> None:
        """Somebody looked at this job."""
        if job.body.get("webhook_url") and job.state != "running" and "called" not in job.facts:
            self._begin(job.id, 0)

    def _begin(self, id: str, wait: float) -> None:
        task = asyncio.create_task(self._call(id, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, id: str, wait: float) -> None:
        try:
            await anyio.sleep(wait)
            job = self._box.jobs.of(id)
            self._box.jobs.settle(job.backend, job.owner)
            job = self._box.jobs.of(id)
            if job.state == "running" or "called" in job.facts or id in self._calling:
                return
            self._calling.add(id)
            try:
                called = await self._deliver(job)
                self._box.jobs.note(id, called=called)
            finally:
                self._calling.discard(id)
        except sqlite3.Error:
            logging.getLogger("callsheet_sandbox").debug("the sandbox closed before the webhook of %s", id)

    async def _deliver(self, job: Job) -> bool:
        body = json.dumps(await self._describe(job)).encode()
        for wait in (0.0, *self._waits):
            await anyio.sleep(wait)
            if await self._post(job.body["webhook_url"], body):
                return True
        return False

    async def _post(self, url: str, body: bytes) -> bool:
        signature = hmac.new(self._secret, body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        try:
            await _check(url)
            async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
                answer = await client.post(url, content=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, Unreachable) as error:
            logging.getLogger("callsheet_sandbox").info("webhook %s: %s", url, error)
            return False
        return answer.is_success
