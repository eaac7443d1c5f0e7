"""Phantaisia's queue: so many jobs at once for each account, paid when they are taken on, refunded when they fail."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from callsheet_sandbox.backends.phantaisia.words import BACKEND
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Refusal
from callsheet_sandbox.jobs import Job

ALL = 1_000_000


class Queue:
    """Takes jobs on."""

    def __init__(self, box: Box, most: int) -> None:
        self.box = box
        self.most = most

    def open(
        self,
        owner: str,
        service: str,
        body: Mapping[str, Any],
        pictures: Sequence[bytes],
        *,
        price: Decimal,
        seconds: float,
        files: Sequence[str],
        facts: Mapping[str, Any] | None = None,
    ) -> Job:
        """Start a job unless too many are running; its pictures are kept as files, not in its body."""
        running = [job for job in self.box.jobs.all(BACKEND, owner, limit=ALL) if job.state == "running"]
        if len(running) >= self.most:
            raise Refusal(429, {"detail": "Too many simultaneous requests"})
        names = [self.box.put(data, ".image", backend=BACKEND, owner=owner) for data in pictures]
        return self.box.jobs.open(
            *(BACKEND, owner, service, body),
            price=price,
            seconds=seconds,
            files=files,
            facts={**(facts or {}), "inputs": names},
            id=f"job-{uuid.uuid4()}",
        )
