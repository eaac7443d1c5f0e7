"""Music."""

from typing import Annotated, Literal

from pydantic import Field

from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import GenerateMusic

Weight = Annotated[float, Field(ge=0, le=1)]


class Suno(Model):
    """Songs and tunes, two takes each time."""

    words, id, path = GenerateMusic, "phaya/suno", "/text-to-music/generate"
    makes, results, typical_s = "audio", ("audio_urls", "audio_url"), 90.0
    history = "/text-to-music/history"

    prompt: Annotated[str, Field(max_length=2000)]
    style: Annotated[str, Field(max_length=100)] | None = None
    title: Annotated[str, Field(max_length=200)] | None = None
    instrumental: bool = False
    version: Literal["V3", "V3_5", "V4", "V5"] = Field(default="V4", serialization_alias="model")
    negative_tags: Annotated[str, Field(max_length=500)] | None = None
    vocal_gender: Literal["m", "f"] | None = None
    style_weight: Weight | None = None
    weirdness_constraint: Weight | None = None
    audio_weight: Weight | None = None

    def price(self) -> Price:
        return exactly("3.0")


MODELS: tuple[type[Model], ...] = (Suno,)
