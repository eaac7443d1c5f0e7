"""Progressive Robot's stock media; the sandbox's shelves are its own, filled as somebody looks."""

import re
from functools import partial
from typing import Literal

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import FileResponse

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, wrong
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.box import mime_of
from callsheet_sandbox.desk import Body, Call, Reply
from callsheet_sandbox.inputs import Kind

SHELF = re.compile(r"([a-z0-9-]{1,80})-(\d{1,4})\.(mp4|jpg|mp3)")
SIZE, SECONDS, TUNE_SECONDS = (640, 360), 5.0, 20.0
PICTURE = (1280, 720)
TOTAL = 60
KINDS: dict[str, tuple[Kind, str]] = {
    "video": ("video", ".mp4"),
    "image": ("image", ".jpg"),
    "music": ("audio", ".mp3"),
}


class Download(Body):
    """What to copy, and what it is."""

    url: str = Field(min_length=1, max_length=2000, pattern=r"^https?://")
    type: Literal["video", "image", "music"]


class Stock:
    """The four routes, for Creator and above, and the files they point to."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.box = robot.box
        query = ("query", "page", "per_page")
        robot.on("GET", "/api/stock/videos", self._videos, query=query)
        robot.on("GET", "/api/stock/images", self._images, query=query)
        robot.on("GET", "/api/stock/music", self._music, query=("query",))
        robot.take("POST", "/api/stock/download", Download, self._download)
        robot.on("GET", "/stock/{name}", self._file, public=True)

    async def _videos(self, call: Call[None]) -> Reply:
        told = {"width": SIZE[0], "height": SIZE[1], "duration": SECONDS, "source": "pexels"}
        return self._found(call, "videos", ".mp4", told)

    async def _images(self, call: Call[None]) -> Reply:
        return self._found(call, "images", ".jpg", {"width": PICTURE[0], "height": PICTURE[1], "source": "pexels"})

    async def _music(self, call: Call[None]) -> Reply:
        return self._found(call, "music", ".mp3", {"duration": TUNE_SECONDS, "source": "pixabay"})

    async def _download(self, call: Call[Download]) -> Reply:
        self.robot.need(call, "creator")
        url, (kind, suffix) = call.body.url, KINDS[call.body.type]
        ours = f"{str(call.request.base_url).rstrip('/')}/stock/"
        if url.startswith(ours):
            if not url.endswith(suffix):
                raise wrong(f"type: this address is no {call.body.type}")
            data = await self._shelved(url.removeprefix(ours))
        else:
            data = await self.box.fetch(url, kind)
            suffix = "." + (await run_sync(props.facts, data)).suffix
        return {"success": True, "filename": self.robot.keep(call, data, suffix, "stock")}

    async def _file(self, call: Call[None]) -> Reply:
        name = call.word("name")
        await self._shelved(name)
        place = await self.box.path(f"stock/{name}")
        if place is None:
            raise absent("File")
        return FileResponse(place, media_type=mime_of(name))

    def _found(self, call: Call[None], what: str, suffix: str, told: dict[str, object]) -> Reply:
        self.robot.need(call, "creator")
        query = call.request.query_params.get("query", "").strip()
        if not query:
            raise wrong("query: Field required")
        page, per_page = call.number("page", 1, 1, 1000), call.number("per_page", 15, 1, 30)
        slug = re.sub(r"[^a-z0-9]+", "-", query.lower()).strip("-")[:80] or "stock"
        base = str(call.request.base_url).rstrip("/")
        rows = [
            {"id": number, "title": f"{query} {number}", "url": f"{base}/stock/{slug}-{number}{suffix}", **told}
            for number in range((page - 1) * per_page + 1, min(page * per_page, TOTAL) + 1)
        ]
        return {what: rows, "page": page, "per_page": per_page, "total": TOTAL}

    async def _shelved(self, name: str) -> bytes:
        """A stock file, made when it is first asked for."""
        told = SHELF.fullmatch(name)
        if told is None:
            raise absent("File")
        if self.box.owner(f"stock/{name}") is None:
            prompt, seed = told[1].replace("-", " "), int(told[2])
            make = {
                "mp4": partial(props.clip, prompt, *SIZE, SECONDS, seed=seed),
                "jpg": partial(props.picture, prompt, *PICTURE, seed=seed, format="jpeg"),
                "mp3": partial(props.tune, prompt, TUNE_SECONDS, seed=seed),
            }[told[3]]
            self.box.put(await run_sync(make), "", backend=NAME, owner="", name=f"stock/{name}")
        return await self.box.read(f"stock/{name}")
