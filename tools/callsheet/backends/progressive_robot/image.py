"""Progressive Robot's image models: one job for each picture."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from callsheet.backends.progressive_robot.prices import NamedPicture, Prompt, RobotModel, Seed, Shape, frame
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import GenerateImage

LONG = {"1K": 1024, "2K": 2048, "4K": 4096}
"""The longer side of a picture."""


class RobotImage(RobotModel):
    """A picture from text."""

    words, path, makes = GenerateImage, "/api/generate-image", "image"
    at_once, cancels, typical_s = False, True, 20.0
    history, live = "/api/image-generations", {"models": "/api/image-models"}
    credits: ClassVar[int]
    side: ClassVar[int] = 1024

    prompt: Prompt
    aspect_ratio: Shape | None = None
    resolution: Literal["1K", "2K", "4K"] | None = None
    negative_prompt: str | None = None
    seed: Seed | None = None
    width: Annotated[int, Field(ge=16)] | None = None
    height: Annotated[int, Field(ge=16)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    cfg: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "RobotImage":
        if (self.aspect_ratio or self.resolution) and (self.width or self.height):
            raise ValueError("say either `aspect_ratio` and `resolution`, or the options `width` and `height`")
        return self

    def body(self) -> dict[str, Any]:
        body = {name: v for name, v in super().body().items() if name not in ("aspect_ratio", "resolution")}
        body["model"] = self.id.partition("/")[2]
        if self.aspect_ratio or self.resolution:
            long = LONG[self.resolution] if self.resolution else self.side
            body["width"], body["height"] = frame(self.aspect_ratio or "1:1", long, long)
        return body

    def price(self) -> Price:
        return exactly(self.credits)


class Flux(RobotImage):
    """Flux 2 Klein, from text."""

    id, credits = "progressive-robot/flux", 5


class FluxDev(RobotImage):
    """Flux 2 Dev, from text; finer."""

    id, credits, typical_s = "progressive-robot/flux-dev", 8, 40.0


class StableDiffusion(RobotImage):
    """Stable Diffusion 1.5, from text; the cheapest."""

    id, credits, side = "progressive-robot/sd15", 2, 512


class FluxEdit(RobotImage):
    """Flux 2 Image Edit: changes one picture as told."""

    id, credits = "progressive-robot/flux-edit", 6

    images: Annotated[list[NamedPicture], Field(min_length=1, max_length=1)]

    def body(self) -> dict[str, Any]:
        body = super().body()
        return body | {"input_image": body.pop("images")[0]}


MODELS: tuple[type[Model], ...] = (Flux, FluxDev, StableDiffusion, FluxEdit)
