"""Phantaisia's clips, all from stills; what they cost is published nowhere."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer

from callsheet.catalogue.model import Input, Model, Price, unpublished
from callsheet.catalogue.words import GenerateVideo

Still = Annotated[str, Input("image", "inline")]
Lettered = PlainSerializer("{}s".format, return_type=str)
"""Seconds as `4s`."""


class PhantaisiaVideo(Model):
    """What Phantaisia's three models have in common: a still and a text, for seconds that nobody prices."""

    words, path, makes, typical_s = GenerateVideo, "/v1/run/single_frame_video", "video", 90.0
    results = ("video_url",)
    reserve: ClassVar[Mapping[int, int]] = {}
    """Credits set aside, by seconds."""

    prompt: str
    image: Still = Field(serialization_alias="prompt_image")

    def body(self) -> dict[str, Any]:
        return super().body() | {"model": self.id.rpartition("/")[2]}

    def price(self) -> Price:
        credits = self.reserve[getattr(self, "duration_seconds")]  # noqa: B009  (each model has its own)
        return unpublished(Decimal(credits), f"{credits} credits are set aside")


class PhantaisiaSimple(PhantaisiaVideo):
    """A still set in motion for 4 s."""

    id, reserve = "phantaisia/simple", {4: 5}

    duration_seconds: Annotated[Literal[4], Lettered] = Field(default=4, serialization_alias="duration")
    aspect_ratio: Literal["auto"] = "auto"


class PhantaisiaAdvanced(PhantaisiaVideo):
    """A still set in motion, or a move from a first to a last frame."""

    id, reserve = "phantaisia/advanced", {4: 10, 6: 15, 8: 20}

    last_image: Still | None = Field(default=None, serialization_alias="last_frame")
    duration_seconds: Annotated[Literal[4, 6, 8], Lettered] = Field(default=4, serialization_alias="duration")
    aspect_ratio: Literal["auto"] = "auto"

    def create(self) -> str:
        return "/v1/run/first_last_frame_video" if self.last_image else self.path

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.last_image:
            body["first_frame"] = body.pop("prompt_image")
            del body["aspect_ratio"]
        return body


class PhantaisiaPerformance(PhantaisiaVideo):
    """A still set in motion, in a shape of your choice."""

    id, reserve = "phantaisia/performance", {4: 20, 6: 30, 8: 40}

    duration_seconds: Annotated[Literal[4, 6, 8], Lettered] = Field(default=4, serialization_alias="duration")
    aspect_ratio: Literal["auto", "16:9", "9:16", "3:2", "2:3"] = "auto"


MODELS: tuple[type[Model], ...] = (PhantaisiaSimple, PhantaisiaAdvanced, PhantaisiaPerformance)
