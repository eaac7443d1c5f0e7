"""Pictures."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from callsheet.catalogue.model import Model, Picture, Price, exactly
from callsheet.catalogue.words import GenerateImage


class ZImage(Model):
    """Fast and cheap, from text only."""

    words, id, path = GenerateImage, "phaya/z-image", "/text-to-image/generate"
    makes, results, typical_s = "image", ("image_url",), 8.0
    history = "/text-to-image/history"

    prompt: Annotated[str, Field(max_length=1000)]
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16"] = "1:1"

    def price(self) -> Price:
        return exactly("1.0")


class Seedream(Model):
    """Strong composition; from text or one picture."""

    words, id, path = GenerateImage, "phaya/seedream-5.0", "/seedream/create"
    makes, results, charged, typical_s = "image", ("image_url",), "finish", 25.0

    prompt: Annotated[str, Field(max_length=2995)]
    images: Annotated[list[Picture], Field(min_length=1, max_length=1)] | None = Field(
        default=None, serialization_alias="image_urls"
    )
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    quality: Literal["basic", "high"] = "basic"

    def price(self) -> Price:
        return exactly("1.5")


class NanoBanana(Model):
    """Edits and combines up to 14 pictures; up to 4K."""

    words, id, path = GenerateImage, "phaya/nano-banana-2", "/nano-banana/create"
    makes, results, typical_s = "image", ("image_urls", "image_url"), 25.0

    prompt: Annotated[str, Field(max_length=20000)]
    images: Annotated[list[Picture], Field(min_length=1, max_length=14)] | None = Field(
        default=None, serialization_alias="image_input"
    )
    aspect_ratio: Literal[
        "1:1", "1:4", "1:8", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9", "auto"
    ] = "1:1"
    resolution: Literal["1K", "2K", "4K"] = "1K"
    google_search: bool = False
    output_format: Literal["jpg", "png"] = "jpg"

    def price(self) -> Price:
        return exactly({"1K": 2, "2K": 3, "4K": 4}[self.resolution])


class GptImage(Model):
    """Follows long instructions and writes text well; from text or up to 5 pictures."""

    words, id, path = GenerateImage, "phaya/gpt-image-2", "/gpt-image-2-text-to-image/create"
    makes, results, typical_s = "image", ("image_url",), 40.0

    prompt: str
    images: Annotated[list[Picture], Field(min_length=1, max_length=5)] | None = Field(
        default=None, serialization_alias="input_urls"
    )
    aspect_ratio: Literal["auto", "1:1", "5:4", "9:16", "21:9", "16:9", "4:3", "3:2", "4:5", "3:4", "2:3"] | None = None
    resolution: Literal["1K", "2K", "4K"] = "1K"

    @model_validator(mode="after")
    def _fits(self) -> "GptImage":
        if self.aspect_ratio == "auto" and self.resolution != "1K":
            raise ValueError('`aspect_ratio`: "auto" goes with resolution 1K only')
        if self.resolution == "4K" and self.aspect_ratio in (None, "1:1"):
            raise ValueError("`aspect_ratio`: resolution 4K needs one other than 1:1")
        return self

    def create(self) -> str:
        return "/gpt-image-2-image-to-image/create" if self.images else self.path

    def price(self) -> Price:
        return exactly({"1K": "2.0", "2K": "2.0", "4K": "4.0"}[self.resolution])


MODELS: tuple[type[Model], ...] = (ZImage, Seedream, NanoBanana, GptImage)
