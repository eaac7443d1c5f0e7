"""Progressive Robot's seven small tools, for a credit or so each."""

from functools import partial
from typing import Any, Literal

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot import cuts
from callsheet_sandbox.backends.progressive_robot.door import Robot, form, picture, wrong
from callsheet_sandbox.backends.progressive_robot.prices import TOOL, UPSCALE, by_length
from callsheet_sandbox.desk import Body, Call, Reply
from callsheet_sandbox.props.retouching import cut_out, swapped


class Upscale(Body):
    """Every side so many times as long."""

    video_filename: str
    scale_factor: float = Field(default=2, ge=2, le=4)


class Frames(Body):
    """Pictures out of a video."""

    video_filename: str
    mode: Literal["first", "last", "middle", "all_1fps"] = "first"


class TrimVideo(Body):
    """The cheaper of the two trims."""

    video_filename: str
    start_time: float = Field(default=0.0, ge=0)
    end_time: float | None = Field(default=None, gt=0)


class Gif(Body):
    """A looping GIF."""

    video_filename: str
    width: int = Field(default=480, ge=16, le=1920)
    fps: int = Field(default=10, ge=1, le=50)


class Tools:
    """The seven routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        robot.on("POST", "/api/tools/remove-background", self._background)
        robot.take("POST", "/api/tools/upscale-video", Upscale, self._upscale)
        robot.on("POST", "/api/tools/face-swap", self._face)
        robot.take("POST", "/api/tools/extract-frames", Frames, self._frames)
        robot.take("POST", "/api/tools/trim-video", TrimVideo, self._trim)
        robot.take("POST", "/api/tools/video-to-gif", Gif, self._gif)
        robot.on("POST", "/api/tools/add-watermark", self._watermark)

    async def _background(self, call: Call[None]) -> Reply:
        held, _ = await form(call, {"image": ("file",)})
        data, _ = await picture(held, "image")
        (name,) = await self.robot.sell(call, "cutout", TOOL, lambda: cut_out(data), ".png")
        return self.robot.sold(call, TOOL, filename=name)

    async def _upscale(self, call: Call[Upscale]) -> Reply:
        self.robot.need(call, "creator")
        video = await self._video(call)
        factor = call.body.scale_factor
        facts = await run_sync(props.facts, video)
        self.robot.allow(call, size=(int(facts.width * factor), int(facts.height * factor)))
        price = by_length(UPSCALE, facts.seconds, 2)
        (name,) = await self.robot.sell(call, "upscale", price, lambda: cuts.upscaled(video, factor), ".mp4")
        return self.robot.sold(call, price, filename=name)

    async def _face(self, call: Call[None]) -> Reply:
        self.robot.need(call, "pro")
        held, _ = await form(call, {"source": (), "target": ()})
        source, _ = await picture(held, "source")
        target, _ = await picture(held, "target")
        (name,) = await self.robot.sell(call, "faceswap", TOOL, lambda: swapped(source, target), ".png")
        return self.robot.sold(call, TOOL, filename=name)

    async def _frames(self, call: Call[Frames]) -> Reply:
        video, mode = await self._video(call), call.body.mode
        names = await self.robot.sell(call, "frame", TOOL, lambda: cuts.frames(video, mode), ".png")
        return self.robot.sold(call, TOOL, filenames=names)

    async def _trim(self, call: Call[TrimVideo]) -> Reply:
        video, said = await self._video(call), call.body
        trimmed = partial(cuts.trimmed, video, said.start_time, said.end_time)
        (name,) = await self.robot.sell(call, "trim", TOOL, trimmed, ".mp4")
        return self.robot.sold(call, TOOL, filename=name)

    async def _gif(self, call: Call[Gif]) -> Reply:
        video, said = await self._video(call), call.body
        (name,) = await self.robot.sell(call, "gif", TOOL, lambda: cuts.as_gif(video, said.width, said.fps), ".gif")
        return self.robot.sold(call, TOOL, filename=name)

    async def _watermark(self, call: Call[None]) -> Reply:
        held, said = await form(call, {"image": ("file",)}, ("video_filename", "type", "text"))
        if not said.get("video_filename"):
            raise wrong("video_filename: Field required")
        video = await self.robot.source(call, said["video_filename"], "video")
        if said.get("type", "text") == "text":
            if not said.get("text"):
                raise wrong("text: needed by a watermark of type text")
            mark = partial(cuts.marked, video, said["text"][:200])
        elif said["type"] == "image":
            logo, _ = await picture(held, "image")
            mark = partial(cuts.branded, video, logo, "bottom-right")
        else:
            raise wrong("type: text or image")
        (name,) = await self.robot.sell(call, "watermark", TOOL, mark, ".mp4")
        return self.robot.sold(call, TOOL, filename=name)

    async def _video(self, call: Call[Any]) -> bytes:
        return await self.robot.source(call, call.body.video_filename, "video")
