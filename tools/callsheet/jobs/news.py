"""News of jobs: who waits for it, and what a streamed reply says as it grows."""

from collections.abc import Awaitable, Callable

import anyio

from callsheet.ledger.tables import Job


class News:
    """What this process knows of its jobs before the ledger does."""

    def __init__(self) -> None:
        self.waiting: dict[str, anyio.Event] = {}
        self.spoken: dict[str, str] = {}

    def of(self, job_id: str) -> anyio.Event:
        """What is set with the next news of a job."""
        return self.waiting.setdefault(job_id, anyio.Event())

    def tell(self, job_id: str) -> None:
        """Wake whoever waits for news of a job."""
        if event := self.waiting.pop(job_id, None):
            event.set()

    def speaker(self, job: Job) -> Callable[[str], Awaitable[None]]:
        """Where a streamed reply is heard as it grows."""

        async def say(text: str) -> None:
            self.spoken[job.id] = text
            self.tell(job.id)

        return say
