"""Progressive Robot's six edits, done while the caller waits."""

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot import cuts
from callsheet_sandbox.backends.progressive_robot.door import Robot
from callsheet_sandbox.backends.progressive_robot.prices import EDIT, by_clips
from callsheet_sandbox.desk import Body, Call, Reply

PRESETS = {"1080p": (1920, 1080), "720p": (1280, 720)}


class Trim(Body):
    """Keep the part from start to end."""

    video_filename: str
    start_seconds: float = Field(default=0.0, ge=0)
    end_seconds: float | None = Field(default=None, gt=0)


class Speed(Body):
    """Faster or slower."""

    video_filename: str
    speed_factor: float = Field(ge=0.25, le=4.0)


class Crop(Body):
    """Keep a part of the frame."""

    video_filename: str
    x: int = Field(default=0, ge=0)
    y: int = Field(default=0, ge=0)
    width: int = Field(ge=2)
    height: int = Field(ge=2)


class Resize(Body):
    """Another size, by name or by sides."""

    video_filename: str
    preset: Literal["1080p", "720p"] | None = None
    width: int | None = Field(default=None, ge=2, le=4096)
    height: int | None = Field(default=None, ge=2, le=4096)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        sides = (self.width, self.height)
        if (None in sides) if self.preset is None else any(sides):
            raise ValueError("give either preset, or width and height")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """The frame that is wanted."""
        return PRESETS[self.preset] if self.preset else (self.width or 0, self.height or 0)


class TextOverlay(Body):
    """Words over the video."""

    video_filename: str
    text: str = Field(min_length=1, max_length=500)
    position: str = "bottom"
    font_size: int = Field(default=48, ge=6, le=400)
    color: str = "white"
    start_time: float = Field(default=0.0, ge=0)
    end_time: float | None = Field(default=None, gt=0)

    @field_validator("position")
    @classmethod
    def _known(cls, position: str) -> str:
        if (tidy := position.replace("_", "-")) not in cuts.POSITIONS:
            raise ValueError(f"one of {', '.join(cuts.POSITIONS)}")
        return tidy


class Merge(Body):
    """Videos one after another."""

    video_filenames: list[str] = Field(min_length=2, max_length=20)


class Edit:
    """The six routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        robot.take("POST", "/api/edit/trim", Trim, self._trim)
        robot.take("POST", "/api/edit/speed", Speed, self._speed)
        robot.take("POST", "/api/edit/crop", Crop, self._crop)
        robot.take("POST", "/api/edit/resize", Resize, self._resize)
        robot.take("POST", "/api/edit/text-overlay", TextOverlay, self._text)
        robot.take("POST", "/api/edit/merge", Merge, self._merge)

    async def _trim(self, call: Call[Trim]) -> Reply:
        said = call.body
        return await self._edited(call, lambda video: cuts.trimmed(video, said.start_seconds, said.end_seconds))

    async def _speed(self, call: Call[Speed]) -> Reply:
        factor = call.body.speed_factor
        return await self._edited(call, lambda video: cuts.hurried(video, factor))

    async def _crop(self, call: Call[Crop]) -> Reply:
        said = call.body
        return await self._edited(call, lambda video: cuts.cropped(video, said.x, said.y, said.width, said.height))

    async def _resize(self, call: Call[Resize]) -> Reply:
        size = call.body.size
        self.robot.allow(call, size=size)
        return await self._edited(call, lambda video: cuts.resized(video, *size))

    async def _text(self, call: Call[TextOverlay]) -> Reply:
        said = call.body
        look = (said.position, said.font_size, said.color, said.start_time, said.end_time)
        return await self._edited(call, lambda video: cuts.lettered(video, said.text, *look))

    async def _merge(self, call: Call[Merge]) -> Reply:
        clips = [await self.robot.source(call, name, "video") for name in call.body.video_filenames]
        price = by_clips(len(clips))
        (name,) = await self.robot.sell(call, "merge", price, lambda: props.joined(clips), ".mp4")
        return self.robot.sold(call, price, filename=name)

    async def _edited(self, call: Call[Any], edit: Callable[[bytes], bytes]) -> Reply:
        video = await self.robot.source(call, call.body.video_filename, "video")
        (name,) = await self.robot.sell(call, "edit", EDIT, lambda: edit(video), ".mp4")
        return self.robot.sold(call, EDIT, filename=name)
