"""Phantaisia's three video routes; model, ratio and length are checked in that order, each with its error code.

From "How to Use the Video API Endpoint" on https://helpcenter.eventstation.ai/, read November 2026; the price page it
points to cannot be found, so the prices are ours.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Literal
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.phantaisia.queue import Queue
from callsheet_sandbox.backends.phantaisia.words import BACKEND, Picture, bodiless, coded, picture
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Desk, Refusal, Reply, problem
from callsheet_sandbox.jobs import Job

Duration = Literal["4s", "6s", "8s"]
MODELS = ("simple", "advanced", "performance")
RATIOS = ("auto", "16:9", "9:16", "3:2", "2:3")
PRICES = {
    ("simple", "4s"): 5,
    ("advanced", "4s"): 10,
    ("advanced", "6s"): 15,
    ("advanced", "8s"): 20,
    ("performance", "4s"): 20,
    ("performance", "6s"): 30,
    ("performance", "8s"): 40,
}
SHORT_SIDES = {"simple": 480, "advanced": 720, "performance": 720}
SECONDS = 5.0


class SingleFrame(Body):
    """`POST /v1/run/single_frame_video`: one image set in motion."""

    frames: ClassVar[tuple[str, ...]] = ("prompt_image",)
    models: ClassVar[tuple[str, ...]] = MODELS
    prompt_image: Picture
    prompt: str = Field(min_length=1, max_length=2000)
    model: str
    duration: Duration
    aspect_ratio: str = "auto"

    @property
    def ratio(self) -> str:
        """The shape that was asked for."""
        return self.aspect_ratio


class FirstLastFrame(Body):
    """`POST /v1/run/first_last_frame_video`: from one image to another; an aspect ratio is ignored."""

    frames: ClassVar[tuple[str, ...]] = ("first_frame", "last_frame")
    models: ClassVar[tuple[str, ...]] = ("advanced",)
    ratio: ClassVar[str] = "auto"
    first_frame: Picture
    last_frame: Picture
    prompt: str = Field(min_length=1, max_length=2000)
    model: str
    duration: Duration
    aspect_ratio: Any = None


class Videos:
    """The routes, and what they make."""

    def __init__(self, desk: Desk, queue: Queue) -> None:
        self.desk = desk
        self.box = desk.box
        self.queue = queue
        desk.take("POST", "/v1/run/single_frame_video", SingleFrame, self.single)
        desk.take("POST", "/v1/run/first_last_frame_video", FirstLastFrame, self.first_last)
        desk.on("POST", "/v1/status/single_frame_video/{id}", self.status)
        for service in ("single_frame_video", "first_last_frame_video"):
            self.box.makers[BACKEND, service] = make

    async def single(self, call: Call[SingleFrame]) -> Reply:
        """One image."""
        return await self._start(call, "single_frame_video", call.body)

    async def first_last(self, call: Call[FirstLastFrame]) -> Reply:
        """Two images."""
        return await self._start(call, "first_last_frame_video", call.body)

    async def _start(self, call: Call[Any], service: str, said: SingleFrame | FirstLastFrame) -> Reply:
        self._check(said)
        frames = [await picture(self.desk, field, getattr(said, field)) for field in said.frames]
        job = self.queue.open(
            *(call.owner, service, said.model_dump(include={"prompt", "model", "duration"}), frames),
            price=Decimal(PRICES[said.model, said.duration]),
            seconds=SECONDS,
            files=["{id}.mp4"],
            facts={"ratio": said.ratio},
        )
        return {"id": job.id, "status": "IN_QUEUE"}

    def _check(self, said: SingleFrame | FirstLastFrame) -> None:
        if said.model not in said.models:
            raise coded("INVALID_VIDEO_MODEL", f"model is one of {', '.join(said.models)} here, not {said.model!r}")
        if said.model != "performance" and said.ratio != "auto":
            detail = f"{said.model} takes aspect_ratio auto only; {said.ratio} needs performance"
            raise coded("INVALID_ASPECT_RATIO_FOR_MODEL", detail)
        if said.ratio not in RATIOS:
            raise self.desk.invalid([problem(["body", "aspect_ratio"], f"Input should be one of {', '.join(RATIOS)}")])
        if (said.model, said.duration) not in PRICES:
            raise coded("INVALID_DURATION_FOR_MODEL", f"{said.model} takes 4s only")

    async def status(self, call: Call[None]) -> Reply:
        """For both kinds of job; at once, and 200 for a failed one too."""
        await bodiless(self.desk, call.request)
        services = ("single_frame_video", "first_last_frame_video")
        job = self.box.jobs.look(BACKEND, call.owner, call.word("id"), services=services)
        if job is None:
            raise Refusal(404, {"detail": "Job not found"})
        if job.state == "running":
            word = "IN_QUEUE" if job.progress < 0.5 else "IN_PROGRESS"
            return {"id": job.id, "status": word, "output": {}}
        if job.state == "done":
            output = {"video_url": call.link(job.files[0]), "video_status": "completed"}
            return {"id": job.id, "status": "COMPLETED", "output": output}
        output = {"video_status": "failed", "video_error": "VEO generation failed"}
        return {"id": job.id, "status": "FAILED", "output": output}


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The images set in motion, in their own shape or the one asked for."""
    frames = [await box.read(name) for name in job.facts["inputs"]]
    width, height = size(await run_sync(props.facts, frames[0]), job.facts["ratio"], SHORT_SIDES[job.body["model"]])
    first, last = (*frames, None)[:2]
    seconds = float(job.body["duration"].removesuffix("s"))
    clip = partial(props.clip, job.body["prompt"], width, height, seconds, seed=crc32(job.id.encode()))
    return [await run_sync(partial(clip, first=first, last=last))]


def size(still: props.Facts, ratio: str, short: int) -> tuple[int, int]:
    """Even sides, the shorter one given; `auto` is the shape of the still, within 21:9."""
    wide, high = (still.width, still.height) if ratio == "auto" else map(int, ratio.split(":"))
    shape = min(max(wide / high, 9 / 21), 21 / 9)
    long = round(short * max(shape, 1 / shape) / 2) * 2
    return (long, short) if shape >= 1 else (short, long)
