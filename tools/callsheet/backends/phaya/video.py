"""Clips."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from callsheet.catalogue.model import AsText, Film, Model, Picture, Price, Sound, between, exactly, spelt
from callsheet.catalogue.words import GenerateVideo

SEEDANCE = {
    "480p": {4: (2, 3), 8: (3, 6), 12: (4, 8)},
    "720p": {4: (3, 6), 8: (6, 12), 12: (9, 18)},
    "1080p": {4: (6, 12), 8: (12, 23), 12: (18, 35)},
}
"""Credits by resolution and seconds, silent and with sound."""


class Seedance(Model):
    """From text, a first frame, or first and last frames; sound if asked. The all-rounder."""

    words, id, path = GenerateVideo, "phaya/seedance-1.5-pro", "/seedance-video/create"
    makes, results, cancels, typical_s = "video", ("video_url", "audio_url"), True, 90.0

    prompt: Annotated[str, Field(min_length=3, max_length=2500)]
    image: Picture | None = None
    last_image: Picture | None = None
    aspect_ratio: Literal["16:9", "9:16", "4:3", "3:4", "1:1", "21:9"] = "16:9"
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration_seconds: Annotated[Literal[4, 8, 12], AsText] = Field(default=8, serialization_alias="duration")
    fixed_lens: bool = False
    generate_audio: bool = False

    @model_validator(mode="after")
    def _starts(self) -> "Seedance":
        if self.last_image and not self.image:
            raise ValueError("`last_image` needs `image`, the first frame, as well")
        return self

    def body(self) -> dict[str, Any]:
        body = super().body()
        frames = [body.pop(name) for name in ("image", "last_image") if name in body]
        return body | ({"input_urls": frames} if frames else {})

    def price(self) -> Price:
        return exactly(SEEDANCE[self.resolution][self.duration_seconds][self.generate_audio])


class Sora(Model):
    """Lively scenes with sound, from text or up to 5 pictures; 8 credits whatever the length."""

    words, id, path = GenerateVideo, "phaya/sora-2", "/sora2-text-to-video/create"
    makes, results, cancels, typical_s = "video", ("video_url",), True, 180.0

    prompt: Annotated[str, Field(max_length=2000)]
    image: Picture | None = None
    images: Annotated[list[Picture], Field(min_length=1, max_length=5)] | None = None
    aspect_ratio: Annotated[
        Literal["16:9", "9:16", "1:1"], spelt({"16:9": "landscape", "9:16": "portrait", "1:1": "square"})
    ] = "16:9"
    duration_seconds: Annotated[Literal[5, 10, 15, 20], AsText] = Field(default=10, serialization_alias="n_frames")
    remove_watermark: bool | None = None
    character_id_list: list[str] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Sora":
        if self.image and self.images:
            raise ValueError("say either `image` or `images`")
        if not self.pictures:
            if self.aspect_ratio == "1:1":
                raise ValueError("`aspect_ratio`: without a picture it is 16:9 or 9:16")
            if self.duration_seconds not in (10, 15):
                raise ValueError("`duration_seconds`: without a picture it is 10 or 15")
            if self.character_id_list:
                raise ValueError("`character_id_list` needs a picture in `image` or `images`")
        return self

    @property
    def pictures(self) -> list[str]:
        """The pictures it starts from."""
        return [self.image] if self.image else self.images or []

    def create(self) -> str:
        return "/sora2-video/create" if self.pictures else self.path

    def body(self) -> dict[str, Any]:
        body = super().body()
        body.pop("image", None)
        body.pop("images", None)
        return body | ({"image_urls": self.pictures} if self.pictures else {})

    def price(self) -> Price:
        return exactly("8.0")


class Veo(Model):
    """Cinematic 8 s clips with sound: from text, first and last frames, or up to 3 references."""

    words, id, path = GenerateVideo, "phaya/veo-3.1-fast", "/veo31-video/create"
    makes, results, cancels, typical_s = "video", ("video_url",), True, 120.0
    version: ClassVar[str] = "veo3_fast"
    credits: ClassVar[int] = 15

    prompt: Annotated[str, Field(max_length=2000)]
    image: Picture | None = None
    last_image: Picture | None = None
    images: Annotated[list[Picture], Field(min_length=1, max_length=3)] | None = None
    aspect_ratio: Annotated[Literal["16:9", "9:16", "auto"], spelt({"auto": "Auto"})] = "16:9"
    seed: Annotated[int, Field(ge=10000, le=99999)] | None = Field(default=None, serialization_alias="seeds")
    enable_translation: bool | None = None
    watermark: Annotated[str, Field(max_length=50)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Veo":
        if self.images and (self.image or self.last_image):
            raise ValueError("say either `images`, the references, or `image` and `last_image`, the frames")
        if self.last_image and not self.image:
            raise ValueError("`last_image` needs `image`, the first frame, as well")
        return self

    def body(self) -> dict[str, Any]:
        body = super().body()
        frames = [body.pop(name) for name in ("image", "last_image") if name in body]
        pictures = body.pop("images", frames)
        way = "FIRST_AND_LAST_FRAMES" if frames else "REFERENCE" if pictures else "TEXT"
        body |= {"model": self.version, "generation_type": f"{way}_2_VIDEO"}
        return body | ({"image_urls": pictures} if pictures else {})

    def price(self) -> Price:
        return exactly(self.credits)


class VeoQuality(Veo):
    """The same in the best quality, for 50 credits."""

    id, version, credits, typical_s = "phaya/veo-3.1", "veo3", 50, 240.0


class Kling(Model):
    """Moves the person of a picture as the person in a video moves; priced by the video's seconds."""

    words, id, path = GenerateVideo, "phaya/kling-2.6-motion-control", "/kling-motion-control/create"
    makes, results, cancels, measures, typical_s = "video", ("video_url",), True, ("video",), 240.0

    prompt: Annotated[str, Field(max_length=2500)] | None = None
    image: Picture
    video: Film
    resolution: Literal["1080p", "720p"] = Field(default="720p", serialization_alias="mode")
    character_orientation: Literal["image", "video"] = "video"

    def body(self) -> dict[str, Any]:
        body = super().body()
        return body | {"input_urls": [body.pop("image")], "video_urls": [body.pop("video")]}

    def price(self) -> Price:
        rate = Decimal("1.21") if self.resolution == "720p" else Decimal("1.82")
        cap = Decimal(10 if self.character_orientation == "image" else 30)
        seconds = self.length("video")
        if seconds is None:
            return between(rate, rate * cap, "by the seconds of the video, which are not known yet")
        return exactly(rate * min(seconds, cap))


class Zoom(BaseModel):
    """How the picture moves; without it, it stands still."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: (
        Literal["center", "top_left", "top_right", "bottom_left", "bottom_right", "pan_right", "pan_left"]
        | Literal["pan_up", "pan_down", "none"]
    ) = "center"
    speed: Annotated[float, Field(gt=0)] = 0.0015
    max_scale: Annotated[float, Field(gt=0)] = 1.5
    pan_speed: Annotated[float, Field(gt=0)] = 1.0


class KenBurns(Model):
    """A slideshow of one picture: pan and zoom, with music if given. Never chosen by itself."""

    words, id, path = GenerateVideo, "phaya/ken-burns", "/image-to-video/create"
    makes, results, auto, typical_s = "video", ("video_url",), False, 4.0

    image: Picture = Field(serialization_alias="image_url")
    audio: Sound | None = Field(default=None, serialization_alias="music_url")
    duration_seconds: Annotated[int, Field(ge=1, le=60)] = Field(default=5, serialization_alias="duration")
    image_format: Literal["auto", "jpeg", "png", "gif", "webp"] = "auto"
    zoom: Zoom | None = None

    def price(self) -> Price:
        return exactly("0.5")


MODELS: tuple[type[Model], ...] = (Seedance, Veo, Sora, Kling, VeoQuality, KenBurns)
