"""What ph0ny's five video operations have in common: engine, inputs, price, result.

An operation is one class whose pydantic fields are its request body.
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from anyio.to_thread import run_sync
from pydantic import AfterValidator

from callsheet_sandbox import props
from callsheet_sandbox.backends.ph0ny.engines import BRING_YOUR_OWN
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Problem, problem
from callsheet_sandbox.inputs import Kind
from callsheet_sandbox.jobs import Job

BACKEND = "ph0ny"


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("Input should be an http or https URL")
    return url


def _tag(tag: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag):
        raise ValueError("Input should be a BCP-47 language tag such as es-ES")
    return tag


Url = Annotated[str, AfterValidator(_web)]
Tag = Annotated[str, AfterValidator(_tag)]


class Refused(Exception):
    """An input turned out, once fetched, not to be what is documented."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem["msg"])
        self.problem = problem


class Order(Body):
    """The body of one operation, and all else there is to know about it."""

    type: ClassVar[str]
    auto: ClassVar[str]
    seconds: ClassVar[float] = 4.0
    file: ClassVar[str] = "output.mp4"
    webhook_url: Url | None = None

    @classmethod
    def of(cls, job: Job) -> Self:
        """The order a job was opened with."""
        return cls.model_validate_json(json.dumps(job.body))

    def pin(self) -> str:
        """The engine that was asked for."""
        raise NotImplementedError

    def engine(self) -> str:
        """The engine that will do it."""
        return self.auto if self.pin() == "auto" else self.pin()

    def key(self) -> str | None:
        """Whose key this engine needs, if it does not run on ph0ny's own machines."""
        return BRING_YOUR_OWN.get(self.engine())

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """Fetch and keep the inputs; facts about them that price and result need. Raises `Refused`."""
        return {}

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """Credits, exactly; the engine itself costs nothing on a key of your own."""
        raise NotImplementedError

    async def result(self, box: Box, job: Job, base: str) -> dict[str, Any]:
        """The `result` of a completed job: the video and what it is."""
        facts = {name: job.facts[name] for name in ("duration_seconds", "width", "height")}
        return {"video_url": f"{base}/{job.files[0]}", **facts, "provider": job.facts["provider"]}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The one file."""
        raise NotImplementedError


async def kept(box: Box, owner: str, url: str, kind: Kind) -> tuple[str, props.Facts]:
    """Fetch an input and keep it for the job; its name and what it is."""
    data = await box.fetch(url, kind)
    facts = await run_sync(props.facts, data)
    return box.put(data, f".{facts.suffix}", backend=BACKEND, owner=owner), facts


def shown(facts: props.Facts) -> dict[str, Any]:
    """Length and size of a video that keeps those of another."""
    size = {"width": facts.width // 2 * 2, "height": facts.height // 2 * 2}
    return {"duration_seconds": round(facts.seconds, 3), **size}


async def speakable(language: str, field: str) -> None:
    """Refuse a language that the sandbox has no voice for."""
    try:
        await run_sync(lambda: props.speech("1", language=language))
    except ValueError as error:
        raise Refused(problem(["body", field], str(error))) from error
