"""Phaya's video services."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

from anyio.to_thread import run_sync
from pydantic import Field, model_validator

from callsheet_sandbox import props
from callsheet_sandbox.backends.phaya.order import Order, Refused, Url, clip_size, ratio_of, seed_of
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, problem
from callsheet_sandbox.jobs import Job

SHAPES = {"landscape": 16 / 9, "portrait": 9 / 16, "square": 1.0}


class Zoom(Body):
    """How the camera moves over a still; absent means not at all."""

    mode: Literal[
        "center",
        "top_left",
        "top_right",
        "bottom_left",
        "bottom_right",
        "pan_right",
        "pan_left",
        "pan_up",
        "pan_down",
        "none",
    ] = "center"
    speed: float = Field(default=0.0015, gt=0)
    max_scale: float = Field(default=1.5, gt=0)
    pan_speed: float = Field(default=1.0, gt=0)


class ImageToVideo(Order):
    """FFmpeg pan and zoom over a still."""

    name: ClassVar[str] = "image-to-video"
    image_url: Url
    music_url: Url | None = None
    duration: int = Field(default=5, ge=1, le=60)
    image_format: Literal["auto", "jpeg", "png", "gif", "webp"] = "auto"
    zoom: Zoom | None = None

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Half a credit."""
        return Decimal("0.5")

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        image = await box.fetch(self.image_url, "image")
        music = await box.fetch(self.music_url, "audio") if self.music_url else None
        zoom = self.zoom or Zoom(mode="none")
        ken_burns = partial(props.ken_burns, image, float(self.duration), **zoom.model_dump(), music=music)
        return [await run_sync(ken_burns)]


class SoraText(Order):
    """Sora 2, text to video."""

    name: ClassVar[str] = "sora2-text-to-video"
    cancels: ClassVar[bool] = True
    prompt: str = Field(min_length=1, max_length=2000)
    aspect_ratio: Literal["landscape", "portrait"] = "landscape"
    n_frames: Literal["10", "15"] = "10"
    remove_watermark: bool = True

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Flat."""
        return Decimal("8.0")

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """A clip of so many seconds, with sound."""
        width, height = clip_size(SHAPES[self.aspect_ratio], 720)
        clip = partial(props.clip, self.prompt, width, height, float(self.n_frames), seed=seed_of(job), sound="tune")
        return [await run_sync(clip)]


class Sora(Order):
    """Sora 2, from pictures."""

    name: ClassVar[str] = "sora2-video"
    cancels: ClassVar[bool] = True
    hooks: ClassVar[bool] = True
    prompt: str = Field(max_length=2000)
    image_urls: list[Url] = Field(min_length=1, max_length=5)
    aspect_ratio: Literal["landscape", "portrait", "square"] = "landscape"
    n_frames: Literal["5", "10", "15", "20"] = "10"
    remove_watermark: bool = True
    character_id_list: list[str] | None = None

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Flat, however long."""
        return Decimal("8.0")

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The first picture set in motion, with sound."""
        first = await box.fetch(self.image_urls[0], "image")
        width, height = clip_size(SHAPES[self.aspect_ratio], 720)
        seconds = float(self.n_frames)
        clip = partial(props.clip, self.prompt, width, height, seconds, seed=seed_of(job), first=first, sound="tune")
        return [await run_sync(clip)]


class SoraCharacter(Order):
    """A character taken from a short clip, for later use in `character_id_list`."""

    name: ClassVar[str] = "sora2-character"
    cancels: ClassVar[bool] = True
    character_file_url: Url
    character_prompt: str | None = Field(default=None, max_length=5000)
    safety_instruction: str | None = Field(default=None, max_length=5000)

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """The clip must last 1 to 4 seconds."""
        if clip := await box.fetch_if_any(self.character_file_url, "video"):
            seconds = (await run_sync(props.facts, clip)).seconds
            if not 0.9 <= seconds <= 4.1:
                raise Refused(problem(["body", "character_file_url"], f"Video should last 1 to 4 s, not {seconds:.1f}"))
        return {}

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Half a credit."""
        return Decimal("0.5")

    def files(self) -> Sequence[str]:
        """None: the result is an id."""
        return []

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The id, which is no address."""
        return {"character_id": character_of(job)}


def character_of(job: Job) -> str:
    """The character a finished sora2-character job made."""
    return f"char_{job.id.replace('-', '')[:20]}"


SEEDANCE = {
    ("480p", "4"): ("2", "3"),
    ("480p", "8"): ("3", "6"),
    ("480p", "12"): ("4", "8"),
    ("720p", "4"): ("3", "6"),
    ("720p", "8"): ("6", "12"),
    ("720p", "12"): ("9", "18"),
    ("1080p", "4"): ("6", "12"),
    ("1080p", "8"): ("12", "23"),
    ("1080p", "12"): ("18", "35"),
}


class Seedance(Order):
    """Seedance 1.5 Pro; one input is the first frame, two are first and last."""

    name: ClassVar[str] = "seedance-video"
    cancels: ClassVar[bool] = True
    hooks: ClassVar[bool] = True
    prompt: str = Field(min_length=3, max_length=2500)
    input_urls: Annotated[list[Url], Field(max_length=2)] | None = None
    aspect_ratio: Literal["1:1", "21:9", "4:3", "3:4", "16:9", "9:16"] = "16:9"
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration: Literal["4", "8", "12"] = "8"
    fixed_lens: bool = False
    generate_audio: bool = False

    def price(self, facts: dict[str, Any]) -> Decimal:
        """By resolution, length and sound."""
        return Decimal(SEEDANCE[self.resolution, self.duration][self.generate_audio])

    def files(self) -> Sequence[str]:
        """The clip and, when asked for, its sound by itself."""
        return ["{id}.mp4", "{id}.mp3"] if self.generate_audio else ["{id}.mp4"]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """`audio_url` is null for a silent clip."""
        return {"video_url": link(job.files[0]), "audio_url": link(job.files[1]) if self.generate_audio else None}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The frames set in motion, or drawn art."""
        frames: list[bytes | None] = [await box.fetch(url, "image") for url in self.input_urls or ()]
        first, last = (*frames, None, None)[:2]
        width, height = clip_size(ratio_of(self.aspect_ratio), int(self.resolution[:-1]))
        seconds = float(self.duration)
        sound = await run_sync(props.tune, self.prompt, seconds) if self.generate_audio else None
        clip = partial(props.clip, self.prompt, width, height, seconds, seed=seed_of(job))
        video = await run_sync(partial(clip, first=first, last=last, sound=sound))
        return [video, sound] if sound else [video]


class Kling(Order):
    """Kling 2.6 motion control: a still moves as a reference video does."""

    name: ClassVar[str] = "kling-motion-control"
    cancels: ClassVar[bool] = True
    hooks: ClassVar[bool] = True
    prompt: str | None = Field(default=None, max_length=2500)
    input_urls: list[Url] = Field(min_length=1, max_length=1)
    video_urls: list[Url] = Field(min_length=1, max_length=1)
    character_orientation: Literal["image", "video"] = "video"
    mode: Literal["720p", "1080p"] = "720p"

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """Both inputs have limits, and the video's length is the price."""
        image = await box.fetch(self.input_urls[0], "image")
        still = await run_sync(props.facts, image)
        fits = still.mime in ("image/jpeg", "image/png") and len(image) <= 10_000_000
        if not fits or min(still.width, still.height) < 300 or not 0.4 <= still.width / still.height <= 2.5:
            limits = "Image should be JPEG or PNG, at most 10 MB, at least 300 px, ratio 2:5 to 5:2"
            raise Refused(problem(["body", "input_urls", 0], limits))
        video = await run_sync(props.facts, await box.fetch(self.video_urls[0], "video"))
        if video.mime != "video/mp4" or video.seconds > 30.1:
            raise Refused(problem(["body", "video_urls", 0], "Video should be MP4 or MOV of at most 30 s"))
        return {"seconds": round(video.seconds, 3), "ratio": video.width / video.height}

    def price(self, facts: dict[str, Any]) -> Decimal:
        """By the second of the reference video, as far as the output goes."""
        return Decimal(str(self.billed(facts))) * Decimal("1.21" if self.mode == "720p" else "1.82")

    def billed(self, facts: dict[str, Any]) -> float:
        """Seconds paid for."""
        return float(min(facts["seconds"], 10 if self.character_orientation == "image" else 30))

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The still set in motion, in the video's shape and length."""
        first = await box.fetch(self.input_urls[0], "image")
        width, height = clip_size(job.facts["ratio"], int(self.mode[:-1]))
        seconds = self.billed(job.facts)
        clip = partial(props.clip, self.prompt or "motion control", width, height, seconds, seed=seed_of(job))
        return [await run_sync(partial(clip, first=first))]


class Veo(Order):
    """Veo 3.1."""

    name: ClassVar[str] = "veo31-video"
    cancels: ClassVar[bool] = True
    hooks: ClassVar[bool] = True
    prompt: str = Field(max_length=2000)
    model: Literal["veo3_fast", "veo3"] = "veo3_fast"
    image_urls: Annotated[list[Url], Field(max_length=3)] | None = None
    generation_type: Literal["TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"] | None = None
    aspect_ratio: Literal["16:9", "9:16", "Auto"] = "16:9"
    seeds: int | None = Field(default=None, ge=10000, le=99999)
    enable_translation: bool = True
    watermark: str | None = Field(default=None, max_length=50)

    @model_validator(mode="after")
    def _frames_are_there(self) -> Self:
        if self.generation_type not in (None, "TEXT_2_VIDEO") and not self.image_urls:
            raise ValueError(f"generation_type {self.generation_type} needs image_urls")
        return self

    def price(self, facts: dict[str, Any]) -> Decimal:
        """By model."""
        return Decimal("15" if self.model == "veo3_fast" else "50")

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The clip twice, and how large it is."""
        return {"video_url": link(job.files[0]), "origin_url": link(job.files[0]), "resolution": "720p"}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Eight seconds with sound."""
        frames = [await box.fetch(url, "image") for url in self.image_urls or ()]
        first = frames[0] if frames else None
        last = frames[1] if len(frames) > 1 and self.generation_type != "REFERENCE_2_VIDEO" else None
        width, height = clip_size(9 / 16 if self.aspect_ratio == "9:16" else 16 / 9, 720)
        clip = partial(props.clip, self.prompt, width, height, 8.0, seed=self.seeds or seed_of(job))
        return [await run_sync(partial(clip, first=first, last=last, sound="tune"))]
