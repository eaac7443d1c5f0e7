"""What every Phaya service has: the body it takes, what it costs, the files it makes, the words for its states.

A service is one class whose pydantic fields are its request body (https://skillbrew.dev/item/phaya-media-api and
https://getclawkit.com/skills/official-boombignose-phaya, read November 2026; what they leave open is ours to choose).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Annotated, Any, ClassVar, Literal, Self
from zlib import crc32

from pydantic import AfterValidator

from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Problem
from callsheet_sandbox.jobs import Job


@dataclass(frozen=True)
class Words:
    """How a family of services names its states, in order and in its own case."""

    going: tuple[str, ...]
    done: str
    failed: str
    cancelled: str

    def of(self, job: Job) -> str:
        """The word for a job's present state."""
        if job.state == "running":
            return self.going[min(int(job.progress * len(self.going)), len(self.going) - 1)]
        return {"done": self.done, "failed": self.failed, "cancelled": self.cancelled}[job.state]


QUEUED = Words(("PENDING", "QUEUED", "PROCESSING"), "COMPLETED", "FAILED", "CANCELLED")
UPPER = Words(("PENDING", "PROCESSING"), "COMPLETED", "FAILED", "CANCELLED")
LOWER = Words(("processing",), "completed", "failed", "cancelled")


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("Input should be a publicly fetchable http or https URL")
    return url


Url = Annotated[str, AfterValidator(_web)]


class Refused(Exception):
    """An input turned out, once fetched, to break a documented limit."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem["msg"])
        self.problem = problem


class Order(Body):
    """The body of one service, and all else there is to know about the service."""

    name: ClassVar[str]
    verb: ClassVar[Literal["create", "generate"]] = "create"
    words: ClassVar[Words] = LOWER
    seconds: ClassVar[float] = 3.0
    field: ClassVar[str] = "video_url"
    suffix: ClassVar[str] = ".mp4"
    cancels: ClassVar[bool] = False
    hooks: ClassVar[bool] = False
    history: ClassVar[bool] = False
    later: ClassVar[bool] = False

    @classmethod
    def of(cls, job: Job) -> Self:
        """The order a job was opened with."""
        return cls.model_validate_json(json.dumps(job.body))

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """Facts about the inputs that the price or the documented limits need; raises `Refused`."""
        return {}

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Credits, exactly."""
        raise NotImplementedError

    def files(self) -> Sequence[str]:
        """Names of what it makes, with `{id}` for the job's id."""
        return [f"{{id}}{self.suffix}"]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The result fields of a completed job."""
        return {self.field: link(job.files[0])}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The files, in their order."""
        raise NotImplementedError


def seed_of(job: Job) -> int:
    """A number of its own for each job, so that two jobs with one prompt look different."""
    return crc32(job.id.encode())


def ratio_of(aspect: str) -> float:
    """`16:9` as a number."""
    width, _, height = aspect.partition(":")
    return int(width) / int(height)


def still_size(ratio: float, side: int) -> tuple[int, int]:
    """About side × side pixels in this shape, in steps of 64: 16:9 at 1024 is 1344 × 768."""
    return max(64, round(side * sqrt(ratio) / 64) * 64), max(64, round(side / sqrt(ratio) / 64) * 64)


def clip_size(ratio: float, short: int) -> tuple[int, int]:
    """Width and height whose shorter side is `short`, both even: 16:9 at 720 is 1280 × 720."""
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    return (long, short) if ratio >= 1 else (short, long)
