"""The inputs of fal's endpoints, as their pages have them: one class of fields for each family.

From the types of npm `@fal-ai/client` 1.10.1 and the `llms.txt` of each model's page, read November 2026.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from callsheet_sandbox.desk import Body
from callsheet_sandbox.props import Facts

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
    "auto_2K": (2048, 2048),
    "auto_4K": (4096, 4096),
}
SIDES = {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}
ONE = Decimal(1)


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://", "data:")):
        raise ValueError("Input should be a URL or a data URI")
    return url


Url = Annotated[str, AfterValidator(_web)]
Preset = Literal["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
Wide = Literal["auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"]


class Size(Body):
    """A size in pixels."""

    width: int = Field(ge=64, le=4096)
    height: int = Field(ge=64, le=4096)


class Input(Body):
    """What every endpoint's input can be asked: how many units it is billed for, and which media go in."""

    makes: ClassVar[Literal["images", "image", "video", "audio", "text"]] = "images"
    dollars: ClassVar[bool] = False
    """Whether `units` says what it costs; else it counts the endpoint's own unit."""
    sync_mode: bool = False

    def units(self) -> Decimal:
        """What is billed; one, unless told."""
        return ONE

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """The same, once what went in is known by the field's name."""
        return self.units()

    def media(self) -> dict[str, list[str]]:
        """Addresses of what goes in, by the field's name."""
        said = {
            name: value
            for name in type(self).model_fields
            if name.endswith(("_url", "_urls")) and (value := getattr(self, name))
        }
        return {name: value if isinstance(value, list) else [value] for name, value in said.items()}


# Pictures.


class Picture(Input):
    """What most image endpoints take."""

    prompt: str = Field(min_length=1)
    image_size: Preset | Size = "landscape_4_3"
    num_images: int = Field(default=1, ge=1, le=4)
    output_format: Literal["jpeg", "png"] = "jpeg"
    seed: int | None = None
    enable_safety_checker: bool = True

    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        size = self.image_size
        return SIZES[size] if isinstance(size, str) else (size.width, size.height)

    def count(self) -> int:
        """How many pictures."""
        return self.num_images

    def units(self) -> Decimal:
        """So many pictures."""
        return Decimal(self.count())


class Flux(Picture):
    """FLUX.1 schnell, by the megapixel."""

    num_inference_steps: int = Field(default=4, ge=1, le=12)

    def units(self) -> Decimal:
        """Whole megapixels for each picture."""
        width, height = self.pixels()
        return Decimal(ceil(width * height / 1_000_000) * self.count())


class Flux2Flash(Flux):
    """FLUX.2 flash."""

    guidance_scale: float = Field(default=2.5, ge=0, le=20)
    output_format: Literal["jpeg", "png"] = "png"


class Flux2Pro(Picture):
    """FLUX.2 pro: one picture."""

    num_images: Literal[1] = 1
    safety_tolerance: Literal["1", "2", "3", "4", "5"] = "2"

    def units(self) -> Decimal:
        """Whole megapixels."""
        width, height = self.pixels()
        return Decimal(ceil(width * height / 1_000_000))


class Flux2ProEdit(Flux2Pro):
    """From pictures."""

    image_urls: list[Url] = Field(min_length=1, max_length=9)


class Banana(Input):
    """Nano Banana: a shape and a resolution."""

    rates: ClassVar[dict[str, str]] = {"1K": "1", "2K": "1", "4K": "2"}
    prompt: str = Field(min_length=1)
    aspect_ratio: Wide = "1:1"
    resolution: Literal["1K", "2K", "4K"] = "1K"
    num_images: int = Field(default=1, ge=1, le=4)
    output_format: Literal["png", "jpeg", "webp"] = "png"
    safety_tolerance: Literal["1", "2", "3", "4", "5", "6"] = "4"
    enable_web_search: bool = False
    seed: int | None = None

    def pixels(self) -> tuple[int, int]:
        """As many as a square of the resolution has; `auto` is square here."""
        return shaped("1:1" if self.aspect_ratio == "auto" else self.aspect_ratio, SIDES[self.resolution])

    def count(self) -> int:
        """How many pictures."""
        return self.num_images

    def units(self) -> Decimal:
        """By resolution, in pictures of 1K."""
        return Decimal(self.rates[self.resolution]) * self.num_images


class BananaEdit(Banana):
    """From pictures."""

    image_urls: list[Url] = Field(min_length=1, max_length=14)


class Banana2(Banana):
    """Nano Banana 2: more shapes, and a smaller size."""

    rates: ClassVar[dict[str, str]] = {"0.5K": "0.75", "1K": "1", "2K": "1.5", "4K": "2"}
    aspect_ratio: Wide | Literal["4:1", "1:4", "8:1", "1:8"] = "auto"  # type: ignore[assignment]
    resolution: Literal["0.5K", "1K", "2K", "4K"] = "1K"  # type: ignore[assignment]
    thinking_level: Literal["minimal", "high"] | None = None


class Banana2Edit(Banana2):
    """From pictures."""

    image_urls: list[Url] = Field(min_length=1, max_length=14)


TOKENS: dict[str, tuple[str, ...]] = {
    # (1024x768, 1024x1024, 1024x1536 or 1536x1024, 1920x1080, 2560x1440, 3840x2160): USD a picture.
    "low": ("0.00402", "0.00588", "0.00474", "0.00441", "0.00615", "0.01113"),
    "medium": ("0.00903", "0.01317", "0.01029", "0.01029", "0.01434", "0.02595"),
    "high": ("0.03612", "0.05268", "0.04116", "0.0396", "0.05529", "0.10008"),
    "xhigh": ("0.0642", "0.09366", "0.07377", "0.07041", "0.09828", "0.1779"),
    "max": ("0.14445", "0.21072", "0.16464", "0.1584", "0.2211", "0.40026"),
}
GPT2: dict[str, tuple[str, ...]] = {
    "low": ("0.005", "0.006", "0.005", "0.005", "0.007", "0.012"),
    "medium": ("0.037", "0.053", "0.042", "0.04", "0.056", "0.101"),
    "high": ("0.145", "0.211", "0.165", "0.158", "0.222", "0.401"),
}
AREAS = (1024 * 768, 1024 * 1024, 1024 * 1536, 1920 * 1080, 2560 * 1440, 3840 * 2160)


class Sized(Body):
    """A size OpenAI's models take."""

    width: int = Field(ge=16, le=3840, multiple_of=16)
    height: int = Field(ge=16, le=3840, multiple_of=16)

    @model_validator(mode="after")
    def _no_strip(self) -> Self:
        if max(self.width, self.height) > 3 * min(self.width, self.height):
            raise ValueError("the ratio of the sides is at most 3:1")
        return self


class Gpt(Input):
    """GPT Image 2.5, by quality and size."""

    dollars = True
    prices: ClassVar[dict[str, tuple[str, ...]]] = TOKENS
    prompt: str = Field(min_length=1)
    image_size: Preset | Sized = "landscape_4_3"
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] = "high"
    num_images: int = Field(default=1, ge=1, le=4)
    output_format: Literal["jpeg", "png", "webp"] = "png"
    background: Literal["auto", "transparent", "opaque"] = "auto"

    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        size = self.image_size
        return SIZES[size] if isinstance(size, str) else (size.width, size.height)

    def count(self) -> int:
        """How many pictures."""
        return self.num_images

    def units(self) -> Decimal:
        """The row of the next size with at least as many pixels; `auto` is high."""
        row = self.prices["high" if self.quality == "auto" else self.quality]
        width, height = self.pixels()
        place = next((i for i, area in enumerate(AREAS) if area >= width * height), len(AREAS) - 1)
        return Decimal(row[place]) * self.num_images


class GptEdit(Gpt):
    """From pictures, with a mask if wanted."""

    image_urls: list[Url] = Field(min_length=1, max_length=16)
    mask_url: Url | None = None


class Gpt2(Gpt):
    """GPT Image 2: three qualities."""

    prices: ClassVar[dict[str, tuple[str, ...]]] = GPT2
    quality: Literal["low", "medium", "high"] = "high"


class Gpt2Edit(Gpt2):
    """From pictures."""

    image_urls: list[Url] = Field(min_length=1, max_length=16)
    mask_url: Url | None = None


class Seedream(Picture):
    """Seedream 4.5."""

    image_size: Preset | Literal["auto_2K", "auto_4K"] | Size = "auto_2K"  # type: ignore[assignment]
    num_images: int = Field(default=1, ge=1, le=6)
    max_images: int = Field(default=1, ge=1, le=6)


class SeedreamEdit(Seedream):
    """From pictures."""

    image_urls: list[Url] = Field(min_length=1, max_length=10)


class Ideogram(Picture):
    """Ideogram 3, by its speed."""

    rates: ClassVar[dict[str, str]] = {"TURBO": "0.5", "BALANCED": "1", "QUALITY": "1.5"}
    image_size: Preset | Size = "square_hd"
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] = "BALANCED"
    style: Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN"] | None = None
    negative_prompt: str = ""
    image_urls: list[Url] | None = None

    def units(self) -> Decimal:
        """In pictures at BALANCED."""
        return Decimal(self.rates[self.rendering_speed]) * self.num_images


class Rgb(Body):
    """A colour."""

    r: int = Field(ge=0, le=255)
    g: int = Field(ge=0, le=255)
    b: int = Field(ge=0, le=255)


class Recraft(Input):
    """Recraft 4: one picture, as pixels."""

    prompt: str = Field(min_length=1)
    image_size: Preset | Size = "square_hd"
    colors: list[Rgb] = Field(default_factory=list)
    background_color: Rgb | None = None

    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        size = self.image_size
        return SIZES[size] if isinstance(size, str) else (size.width, size.height)

    def count(self) -> int:
        """One."""
        return 1


# Tools on pictures.


class Upscale(Input):
    """SeedVR, by the megapixel that comes out."""

    makes = "image"
    image_url: Url
    upscale_mode: Literal["factor", "target"] = "factor"
    upscale_factor: float = Field(default=2.0, ge=1, le=10)
    target_resolution: Literal["720p", "1080p", "1440p", "2160p"] = "1080p"
    output_format: Literal["png", "jpg", "webp"] = "jpg"
    seed: int | None = None

    def scale(self, still: Facts) -> float:
        """How much larger."""
        target = int(self.target_resolution.removesuffix("p"))
        return self.upscale_factor if self.upscale_mode == "factor" else target / min(still.width, still.height)

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Whole megapixels."""
        still = facts["image_url"]
        return Decimal(ceil(still.width * still.height * self.scale(still) ** 2 / 1_000_000))


class Topaz(Input):
    """Topaz for stills."""

    makes = "image"
    image_url: Url
    model: str = "Standard V2"
    upscale_factor: float = Field(default=2.0, ge=1, le=4)
    output_format: Literal["jpeg", "png"] = "jpeg"

    def scale(self, still: Facts) -> float:
        """How much larger."""
        return self.upscale_factor


class Bria(Input):
    """A cut-out."""

    makes = "image"
    image_url: Url


class Birefnet(Input):
    """A cut-out, with its mask if wanted."""

    makes = "image"
    image_url: Url
    model: str = "General Use (Light)"
    operating_resolution: Literal["1024x1024", "2048x2048", "2304x2304"] = "1024x1024"
    output_format: Literal["png", "webp"] = "png"
    output_mask: bool = False
    refine_foreground: bool = True


def shaped(ratio: str, side: int) -> tuple[int, int]:
    """A size of that ratio with as many pixels as a square of that side, in steps of 8."""
    wide, high = map(float, ratio.split(":"))
    scale = side / (wide * high) ** 0.5
    return max(64, round(wide * scale / 8) * 8), max(64, round(high * scale / 8) * 8)


def lasting(media: Facts) -> Decimal:
    """Its length in seconds, to the millisecond."""
    return Decimal(str(round(media.seconds, 3)))
