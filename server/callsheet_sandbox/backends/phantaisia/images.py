"""Phantaisia's image routes, which answer with base64 images instead of addresses; known from client code only."""

import base64
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.phantaisia.queue import Queue
from callsheet_sandbox.backends.phantaisia.words import BACKEND, bodiless, picture
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Desk, Refusal, Reply, problem
from callsheet_sandbox.jobs import Job

FILTERS = {
    "101": "Watercolour",
    "102": "Oil painting",
    "103": "Comic book",
    "104": "Film noir",
    "105": "Pixel art",
    "106": "Astronaut",
    "107": "Renaissance portrait",
    "108": "Neon city",
}
WORKFLOWS = {"201": "Photo booth", "202": "Green screen", "203": "Group shot"}
STYLES = {"301": "Super heroes", "302": "Medieval court", "303": "Space crew", "304": "Rock band"}
PRICE = Decimal(1)
SECONDS = 2.0
LONG_SIDE = 1024


class FaceSwap(Body):
    """`POST /v1/run/face_swap`, and of `POST /v2/run/filter_id/` with the same fields."""

    base64: str = Field(min_length=1)
    filter_id: int
    gender: int
    capture_mode: int
    ratio: str


class MultiSwap(Body):
    """`POST /v3/run/multi_swap`."""

    input_image: str = Field(min_length=1)
    style_id: int
    overlay: bool


class Images:
    """The maps of what there is, three routes that run, two that look."""

    def __init__(self, desk: Desk, queue: Queue) -> None:
        self.desk = desk
        self.box = desk.box
        self.queue = queue
        for path, known in (
            ("/v1/filters/", FILTERS),
            ("/v1/workflows/", WORKFLOWS),
            ("/v4/multi_swap_styles/", STYLES),
        ):
            self._map(path, known)
        desk.take("POST", "/v1/run/face_swap", FaceSwap, partial(self.filter, "face_swap"))
        desk.take("POST", "/v2/run/filter_id/", FaceSwap, partial(self.filter, "filter_id"))
        desk.take("POST", "/v3/run/multi_swap", MultiSwap, self.swap)
        desk.on("POST", "/v2/status/{id}", partial(self.status, ("face_swap", "filter_id")))
        desk.on("POST", "/v3/status_multi_swap/{id}", partial(self.status, ("multi_swap",)))
        for service in ("face_swap", "filter_id", "multi_swap"):
            self.box.makers[BACKEND, service] = make

    def _map(self, path: str, known: dict[str, str]) -> None:
        async def listed(call: Call[None]) -> Reply:
            return dict(known)

        self.desk.on("GET", path, listed)

    async def filter(self, service: str, call: Call[FaceSwap]) -> Reply:
        """One face, one filter."""
        said = call.body
        name = self._known("filter_id", said.filter_id, FILTERS)
        image = await picture(self.desk, "base64", said.base64, bare=True)
        return self._open(
            call, service, said.model_dump(exclude={"base64"}), image, {"name": name, "ratio": said.ratio}
        )

    async def swap(self, call: Call[MultiSwap]) -> Reply:
        """Many faces, one style."""
        said = call.body
        name = self._known("style_id", said.style_id, STYLES)
        image = await picture(self.desk, "input_image", said.input_image, bare=True)
        body = said.model_dump(exclude={"input_image"})
        if said.input_image.startswith("http"):
            body["input_image"] = said.input_image
        return self._open(call, "multi_swap", body, image, {"name": name, "ratio": ""})

    async def status(self, services: Sequence[str], call: Call[None]) -> Reply:
        """The images themselves, once they are done."""
        await bodiless(self.desk, call.request)
        job = self.box.jobs.look(BACKEND, call.owner, call.word("id"), services=services)
        if job is None:
            raise Refusal(404, {"detail": "Job not found"})
        if job.state == "running":
            word = "PENDING" if job.progress < 0.5 else "PROCESSING"
            return {"id": job.id, "status": word, "output": {}}
        if job.state == "done":
            images = [base64.b64encode(await self.box.read(name)).decode() for name in job.files]
            return {"id": job.id, "status": "COMPLETED", "output": {"images": images}}
        return {"id": job.id, "status": "FAILED", "output": {}, "error": "The sandbox was asked to fail this job"}

    def _known(self, field: str, id: int, known: dict[str, str]) -> str:
        if str(id) not in known:
            raise self.desk.invalid([problem(["body", field], f"Input should be one of {', '.join(known)}")])
        return known[str(id)]

    def _open(self, call: Call[Any], service: str, body: dict[str, Any], image: bytes, facts: dict[str, Any]) -> Reply:
        job = self.queue.open(
            *(call.owner, service, body, [image]), price=PRICE, seconds=SECONDS, files=["{id}.jpg"], facts=facts
        )
        return {"id": job.id, "status": "PENDING"}


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """A picture that shows the one that came in, under the filter's name."""
    image = await box.read(job.facts["inputs"][0])
    width, height = size(await run_sync(props.facts, image), job.facts["ratio"])
    seed = crc32(job.id.encode())
    draw = partial(props.picture, job.facts["name"], width, height, seed=seed, format="jpeg", inputs=[image])
    return [await run_sync(draw)]


def size(still: props.Facts, ratio: str) -> tuple[int, int]:
    """In the ratio asked for, such as 2:3; in the picture's own where that is no ratio."""
    found = re.fullmatch(r"([1-9]\d?):([1-9]\d?)", ratio)
    wide, high = (int(found[1]), int(found[2])) if found else (still.width, still.height)
    scale = LONG_SIDE / max(wide, high)
    return max(64, round(wide * scale)), max(64, round(high * scale))
