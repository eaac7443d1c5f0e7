"""ph0ny's clips; of what they cost, nothing is published."""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, model_validator

from callsheet.backends.ph0ny.engines import Engine, engines
from callsheet.catalogue.model import Model, Price
from callsheet.catalogue.words import GenerateVideo


class Ph0nyVideo(Engine):
    """What ph0ny's engines take: a text, and the largest frame of the shape and resolution that were asked for."""

    words, path, makes, typical_s = GenerateVideo, "/v1/video/generate", "video", 60.0

    prompt: Annotated[str, Field(max_length=2000)]
    aspect_ratio: Annotated[str, Field(pattern="^[1-9][0-9]{0,2}:[1-9][0-9]{0,2}$")] | None = None
    resolution: Annotated[str, Field(pattern="^([0-9]{3,4}p|[0-9]{3,4}x[0-9]{3,4})$")] | None = None
    duration_seconds: Annotated[float, Field(ge=1, le=30)] = 5
    negative_prompt: str | None = None
    fps: Annotated[int, Field(ge=8, le=60)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Ph0nyVideo":
        if self.aspect_ratio and "x" in (self.resolution or ""):
            raise ValueError("say either `aspect_ratio`, or `resolution` as width x height")
        width, height = self.frame
        if not (256 <= width <= 1920 and 256 <= height <= 1080):
            raise ValueError(f"the frame would be {width}x{height}; it may be 256x256 to 1920x1080")
        return self

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height: even, as large as they may be, the shorter side no longer than `resolution` says."""
        if self.resolution and "x" in self.resolution:
            width, _, height = self.resolution.partition("x")
            return int(width), int(height)
        if not (self.aspect_ratio or self.resolution):
            return 768, 512
        wide, high = (int(side) for side in (self.aspect_ratio or "3:2").split(":"))
        most = [Fraction(1920, wide), Fraction(1080, high)]
        if self.resolution:
            most.append(Fraction(int(self.resolution.removesuffix("p")), min(wide, high)))
        return int(wide * min(most)) // 2 * 2, int(high * min(most)) // 2 * 2

    def body(self) -> dict[str, Any]:
        width, height = self.frame
        said = {name: value for name, value in super().body().items() if name not in ("aspect_ratio", "resolution")}
        return said | {"width": width, "height": height}

    def price(self) -> Price:
        return self.by_seconds(20, Decimal(str(self.duration_seconds)))


class Ph0nyAnyVideo(Ph0nyVideo):
    """From text, 1 to 30 s, on the engine that ph0ny picks or `provider` names (the list is open)."""

    id = "ph0ny/auto"

    provider: Annotated[str, Field(min_length=1)] = "auto"

    @property
    def runs_on(self) -> str:
        return self.provider


MODELS: tuple[type[Model], ...] = (
    Ph0nyAnyVideo,
    *engines(
        Ph0nyVideo,
        {
            "ltx-video": "From text, 1 to 30 s, on ph0ny's own machines.",
            "runway": "Runway from text, on your own key.",
            "sora": "Sora from text, on your own key.",
        },
    ),
)
