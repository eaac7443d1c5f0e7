"""Webhooks: a real POST to an address that came with a job, once that job is over.

Nothing polls in the background. A call is begun by whichever comes first: one small task that sleeps until the job
should be over by its seconds, or a look that finds it over (the only way when jobs go by looks, or after a restart).
Anything but a 2xx is tried again after the waits, then given up. A restart between two tries may call twice, as real
webhooks do.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

import anyio
import httpx2

from callsheet_sandbox.box import Box
from callsheet_sandbox.inputs import Unreachable, check
from callsheet_sandbox.jobs import Job

GRACE = 0.05  # two clocks never quite agree


class Calls:
    """Sends webhooks; a backend says to which address, and in which words."""

    def __init__(self, box: Box, waits: Sequence[float]) -> None:
        self.box = box
        self._waits = waits
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling: set[str] = set()

    def address(self, job: Job) -> str | None:
        """Where to call, if anywhere."""
        raise NotImplementedError

    async def letter(self, job: Job) -> tuple[bytes, dict[str, str]]:
        """The body, and the headers that sign it."""
        raise NotImplementedError

    def expect(self, job: Job, seconds: float) -> None:
        """A new job will be over in so many seconds, unless its pace goes by looks."""
        if self.address(job) and self.box.jobs.pace.pace == "seconds":
            self._begin(job.id, seconds / self.box.jobs.pace.speed + GRACE)

    def found(self, job: Job) -> None:
        """Somebody looked at this job."""
        if self.address(job) and job.state != "running" and "called" not in job.facts:
            self._begin(job.id, 0)

    def _begin(self, id: str, wait: float) -> None:
        task = asyncio.create_task(self._call(id, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, id: str, wait: float) -> None:
        try:
            await anyio.sleep(wait)
            job = self.box.jobs.of(id)
            self.box.jobs.settle(job.backend, job.owner)
            job = self.box.jobs.of(id)
            if job.state == "running" or "called" in job.facts or id in self._calling:
                return
            self._calling.add(id)
            try:
                called = await self._deliver(job)
                self.box.jobs.note(id, called=called)
            finally:
                self._calling.discard(id)
        except sqlite3.Error:
            logging.getLogger("callsheet_sandbox").debug("the sandbox closed before the webhook of %s", id)

    async def _deliver(self, job: Job) -> bool:
        body, headers = await self.letter(job)
        for wait in (0.0, *self._waits):
            await anyio.sleep(wait)
            if await post(self.address(job) or "", body, headers):
                return True
        return False


async def post(url: str, body: bytes, headers: dict[str, str]) -> bool:
    """One try, at a loopback or public address; whether it was taken."""
    try:
        await check(url)
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, Unreachable) as error:
        logging.getLogger("callsheet_sandbox").info("webhook %s: %s", url, error)
        return False
    return answer.is_success
