"""What Progressive Robot's models have in common: results by file name, frames instead of seconds, and their prices."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from callsheet.catalogue.model import Harvest, Input, Kind, Model, Price, between, exactly, links, plain

Prompt = Annotated[str, Field(min_length=1, max_length=2000)]
Seed = Annotated[int, Field(ge=-1)]
Shape = Literal["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"]

NamedPicture = Annotated[str, Input("image", by="name")]
NamedFilm = Annotated[str, Input("video", by="name")]
NamedSound = Annotated[str, Input("audio", by="name")]
NamedSubtitles = Annotated[str, Input("subtitles", by="name")]
PictureFile = Annotated[str, Input("image", by="file")]

FILES = ("filename", "filenames", "srt_filename", "output_filename")
"""Names under which a result's file may be given, the likeliest first."""
SHELVES = {"image": (".png", ".jpg", ".jpeg", ".webp"), "audio": (".mp3", ".wav", ".ogg", ".flac", ".m4a")}
"""The route that serves a file, by its suffix; everything else is served as video, and `.srt` as subtitles."""

SIDES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
"""The longer and the shorter side of a frame."""
FRAME_RATE = 24
DEFAULT_FRAMES = 41
MOST_FRAMES = 999


def up(credits: Decimal) -> Decimal:
    """The next whole credit."""
    return credits.to_integral_value(ROUND_CEILING)


def by_length(credits: int, each: int, seconds: Decimal | float, least: int = 1) -> Decimal:
    """So many credits for each so many seconds, pro rata, in whole credits and never fewer than the least."""
    return max(Decimal(least), up(credits * Decimal(str(seconds)) / each))


def computed(rates: tuple[str, str, str], frames: int, steps: int) -> Decimal:
    """The price of a video model's work: ceil(base + frames × per frame + steps × per step)."""
    base, per_frame, per_step = (Decimal(rate) for rate in rates)
    return up(base + frames * per_frame + steps * per_step)


def metered(credits: int, each: int, seconds: Decimal | None, least: int) -> Price:
    """The price of work on a video, by its length; while that is not known ten minutes are set aside."""
    if seconds is not None:
        return exactly(by_length(credits, each, seconds, least))
    note = f"{credits} for {each} s; the video's length is not known yet, ten minutes are set aside"
    return between(Decimal(least), by_length(credits, each, 600), note)


def served(name: str) -> str:
    """Where a file is fetched, given its name."""
    if name.startswith(("/", "http://", "https://")):
        return name
    suffix = PurePosixPath(name).suffix.lower()
    shelf = next((kind for kind, suffixes in SHELVES.items() if suffix in suffixes), "video")
    return f"/api/{'subtitles' if suffix == '.srt' else shelf}/{name}"


def frame(shape: str | None, long: int, short: int, step: int = 8) -> tuple[int, int]:
    """Width and height of the largest frame of a shape within two sides, in whole steps of pixels."""
    across, down = (int(part) for part in (shape or "16:9").split(":"))
    ratio = Fraction(max(across, down), min(across, down))
    low = min(Fraction(short), long / ratio)
    sides = [int(side) // step * step for side in (low * ratio, low)]
    return (sides[0], sides[1]) if across >= down else (sides[1], sides[0])


class RobotModel(Model):
    """A create at Progressive Robot: its result is a file by name."""

    makes: ClassVar[Kind] = "video"
    at_once = True
    multipart: ClassVar[bool] = False
    """The create is a form, with files as parts of their own."""

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        found = next(filter(None, (links(answer, (name,)) for name in FILES)), [])
        return Harvest(urls=[served(name) for name in found])


class RobotFrames(RobotModel):
    """Frames by one of the video models: so many credits for a clip, and more for each frame and each step.

    Its length is what is asked for; else that of the sound or video that drives it; else 41 frames.
    """

    at_once, cancels, typical_s, path = False, True, 90.0, "/api/generate"
    history, live = "/api/generations", {"models": "/api/models"}
    rates: ClassVar[tuple[str, str, str]]
    """Credits for a clip, for each frame, for each step."""

    prompt: Prompt
    negative_prompt: str | None = None
    seed: Seed | None = None
    frames: Annotated[int, Field(ge=1, le=MOST_FRAMES)] | None = None
    frame_rate: Annotated[int, Field(ge=1)] = FRAME_RATE
    steps: Annotated[int, Field(ge=1)] | None = 4
    width: Annotated[int, Field(ge=16)] | None = None
    height: Annotated[int, Field(ge=16)] | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    shift: float | None = None
    project_id: int | None = None

    @property
    def asked_frames(self) -> int | None:
        """The frames that somebody asked for."""
        return self.frames

    @property
    def driver(self) -> str | None:
        """The input whose length counts, because nobody asked for another."""
        said = (name for name in self.measures if getattr(self, name))
        return None if self.asked_frames else next(said, None)

    @property
    def known_frames(self) -> int | None:
        """How many frames it will be; None while the length of what drives it is not known."""
        if self.driver is None:
            return self.asked_frames or DEFAULT_FRAMES
        seconds = self.length(self.driver)
        return None if seconds is None else max(1, round(seconds * self.frame_rate))

    def body(self) -> dict[str, Any]:
        model = self.id.partition("/")[2]
        return super().body() | {"model": model, "frames": self.known_frames or DEFAULT_FRAMES}

    def price(self) -> Price:
        frames = self.known_frames
        if frames is None:
            least, most = (computed(self.rates, count, self.steps or 0) for count in (1, 10 * self.frame_rate))
            return between(least, most, f"the {self.driver}'s length is not known yet; ten seconds are set aside")
        cost = computed(self.rates, frames, self.steps or 0)
        lasts = f"{frames} frames = {plain(round(frames / self.frame_rate, 2))} s"
        return Price(cost, cost, note=f"for {lasts}, {self.steps} steps" if self.steps else f"for {lasts}")


class RobotClip(RobotFrames):
    """A clip in shared words: seconds become frames; shape and resolution become width and height."""

    aspect_ratio: Shape | None = None
    resolution: Literal["480p", "720p", "1080p", "4K"] | None = None
    duration_seconds: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "RobotClip":
        if self.duration_seconds is not None and self.frames is not None:
            raise ValueError("say either `duration_seconds` or the option `frames`")
        if (self.aspect_ratio or self.resolution) and (self.width or self.height):
            raise ValueError("say either `aspect_ratio` and `resolution`, or the options `width` and `height`")
        if (self.asked_frames or 0) > MOST_FRAMES:
            most = f"{MOST_FRAMES} frames, {MOST_FRAMES / self.frame_rate:.1f} s at {self.frame_rate} a second"
            raise ValueError(f"`duration_seconds`: no plan allows more than {most}")
        return self

    @property
    def asked_frames(self) -> int | None:
        if self.duration_seconds is not None:
            return max(1, round(self.duration_seconds * self.frame_rate))
        return self.frames

    def body(self) -> dict[str, Any]:
        ours = ("aspect_ratio", "resolution", "duration_seconds")
        body = {name: value for name, value in super().body().items() if name not in ours}
        if self.aspect_ratio or self.resolution:
            width, height = frame(self.aspect_ratio, *SIDES[self.resolution or "480p"])
            body |= {"width": width, "height": height}
        return body
