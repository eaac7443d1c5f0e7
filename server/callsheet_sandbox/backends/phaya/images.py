"""Phaya's image services."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from anyio.to_thread import run_sync
from pydantic import Field, model_validator

from callsheet_sandbox import props
from callsheet_sandbox.backends.phaya.order import QUEUED, Order, Refused, Url, Words, ratio_of, seed_of, still_size
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import problem
from callsheet_sandbox.jobs import Job

Resolution = Literal["1K", "2K", "4K"]
SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}


class Image(Order):
    """What the image services share: one picture, drawn in the asked shape."""

    field: ClassVar[str] = "image_url"
    suffix: ClassVar[str] = ".png"
    seconds: ClassVar[float] = 1.0
    prompt: str

    def inputs(self) -> Sequence[str]:
        """Addresses of the pictures it starts from."""
        return ()

    def shape(self) -> tuple[str, int]:
        """The aspect ratio, or `auto`, and the side of a square of as many pixels."""
        raise NotImplementedError

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Draw it; `auto` takes the shape of the first input."""
        inputs = [await box.fetch(url, "image") for url in self.inputs()]
        aspect, side = self.shape()
        ratio = 1.0
        if aspect != "auto":
            ratio = ratio_of(aspect)
        elif inputs:
            first = await run_sync(props.facts, inputs[0])
            ratio = first.width / first.height
        width, height = still_size(ratio, side)
        format: Literal["png", "jpeg"] = "jpeg" if job.files[0].endswith(".jpg") else "png"

        def draw() -> bytes:
            return props.picture(self.prompt, width, height, seed=seed_of(job), format=format, inputs=inputs)

        return [await run_sync(draw)]


class TextToImage(Image):
    """Z-Image: text to image."""

    name: ClassVar[str] = "text-to-image"
    verb: ClassVar[Literal["create", "generate"]] = "generate"
    words: ClassVar[Words] = QUEUED
    history: ClassVar[bool] = True
    prompt: str = Field(max_length=1000)
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16"] = "1:1"

    def price(self, facts: dict[str, Any]) -> Decimal:
        """One credit."""
        return Decimal("1.0")

    def shape(self) -> tuple[str, int]:
        """As asked, about a million pixels."""
        return self.aspect_ratio, 1024


class Seedream(Image):
    """Seedream 5.0, the one service that is charged at completion."""

    name: ClassVar[str] = "seedream"
    hooks: ClassVar[bool] = True
    later: ClassVar[bool] = True
    prompt: str = Field(max_length=2995)
    image_urls: Annotated[list[Url], Field(max_length=1)] | None = None
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    quality: Literal["basic", "high"] = "basic"

    def price(self, facts: dict[str, Any]) -> Decimal:
        """One and a half, whatever the quality."""
        return Decimal("1.5")

    def inputs(self) -> Sequence[str]:
        """At most one, which makes it image-to-image."""
        return self.image_urls or ()

    def shape(self) -> tuple[str, int]:
        """As asked; `high` is twice as wide."""
        return self.aspect_ratio, 1024 if self.quality == "basic" else 2048


class NanoBanana(Image):
    """Nano Banana 2."""

    name: ClassVar[str] = "nano-banana"
    hooks: ClassVar[bool] = True
    prompt: str = Field(max_length=20000)
    image_input: Annotated[list[Url], Field(max_length=14)] | None = None
    aspect_ratio: Literal[
        "1:1", "1:4", "1:8", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9", "auto"
    ] = "1:1"
    google_search: bool = False
    resolution: Resolution = "1K"
    output_format: Literal["jpg", "png"] = "jpg"

    def price(self, facts: dict[str, Any]) -> Decimal:
        """By resolution."""
        return Decimal({"1K": "2", "2K": "3", "4K": "4"}[self.resolution])

    def files(self) -> Sequence[str]:
        """In the asked format."""
        return [f"{{id}}.{self.output_format}"]

    def inputs(self) -> Sequence[str]:
        """Up to fourteen."""
        return self.image_input or ()

    def shape(self) -> tuple[str, int]:
        """As asked."""
        return self.aspect_ratio, SIDES[self.resolution]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """Both the field and its list."""
        return {"image_url": link(job.files[0]), "image_urls": [link(name) for name in job.files]}


class GptImage(Image):
    """GPT Image 2, text to image."""

    name: ClassVar[str] = "gpt-image-2-text-to-image"
    aspect_ratio: Literal["auto", "1:1", "5:4", "9:16", "21:9", "16:9", "4:3", "3:2", "4:5", "3:4", "2:3"] | None = None
    resolution: Resolution | None = None

    @model_validator(mode="after")
    def _shape_fits_resolution(self) -> Self:
        if self.aspect_ratio == "auto" and self.resolution not in (None, "1K"):
            raise ValueError("aspect_ratio auto is only possible with resolution 1K")
        if self.aspect_ratio == "1:1" and self.resolution == "4K":
            raise ValueError("aspect_ratio 1:1 is not possible with resolution 4K")
        return self

    def price(self, facts: dict[str, Any]) -> Decimal:
        """By resolution."""
        return Decimal("4.0") if self.resolution == "4K" else Decimal("2.0")

    def shape(self) -> tuple[str, int]:
        """As asked, or `auto`."""
        return self.aspect_ratio or "auto", SIDES[self.resolution or "1K"]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The image, and how long it took."""
        took = round(((job.finished or job.created) - job.created) * 1000)
        return {"image_url": link(job.files[0]), "processing_time_ms": took}


class GptImageEdit(GptImage):
    """GPT Image 2, image to image."""

    name: ClassVar[str] = "gpt-image-2-image-to-image"
    input_urls: list[Url] = Field(min_length=1, max_length=5)

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """Inputs have a size and a format."""
        for place, url in enumerate(self.input_urls):
            if image := await box.fetch_if_any(url, "image"):
                mime = (await run_sync(props.facts, image)).mime
                if len(image) > 30_000_000 or mime not in ("image/jpeg", "image/png", "image/webp"):
                    limits = "Image should be JPEG, PNG or WEBP of at most 30 MB"
                    raise Refused(problem(["body", "input_urls", place], limits))
        return {}

    def inputs(self) -> Sequence[str]:
        """One to five."""
        return self.input_urls
