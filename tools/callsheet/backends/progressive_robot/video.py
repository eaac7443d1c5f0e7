"""Progressive Robot's 22 video models, each under its own rates; and what sets a face or a finished clip in motion."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from callsheet.backends.progressive_robot.prices import (
    NamedFilm,
    NamedPicture,
    NamedSound,
    Prompt,
    RobotClip,
    RobotFrames,
    RobotModel,
    Seed,
    computed,
    metered,
)
from callsheet.catalogue.model import Input, Model, Price, exactly
from callsheet.catalogue.words import CreateAvatar, ExtendVideo, Generate3D, GenerateVideo, RestyleVideo

# -- from text ------------------------------------------------------------------------------------------------------


class TextClip(RobotClip):
    """From text alone."""

    words = GenerateVideo


class WanT2V(TextClip):
    """WAN 2.2, from text; the all-rounder among open models."""

    id, rates = "progressive-robot/wan-t2v", ("10", "0.20", "0.50")


class LtxT2V(TextClip):
    """LTX 2.3, from text; fast, in HD."""

    id, rates, typical_s = "progressive-robot/ltx-t2v", ("8", "0.15", "0.30"), 45.0


class LtxQuality(TextClip):
    """LTX in two passes, from text, up to 4K."""

    id, rates, typical_s = "progressive-robot/ltx-quality", ("15", "0.25", "0.40"), 150.0


class Hunyuan(TextClip):
    """Hunyuan, from text."""

    id, rates = "progressive-robot/hunyuan-t2v", ("12", "0.20", "0.40")


class Hunyuan15(TextClip):
    """Hunyuan 1.5, from text."""

    id, rates = "progressive-robot/hunyuan15-t2v", ("12", "0.20", "0.40")


class CogVideo(TextClip):
    """CogVideoX 1.5 (5B), from text."""

    id, rates = "progressive-robot/cogvideo-t2v", ("12", "0.20", "0.40")


class AnimateDiff(TextClip):
    """AnimateDiff (SD 1.5), from text; the cheapest."""

    id, rates, typical_s = "progressive-robot/animatediff", ("6", "0.10", "0.30"), 45.0


class ControlledClip(TextClip):
    """A model with control fields that nobody documents: its options are passed on as they are, unchecked."""

    model_config = ConfigDict(extra="allow", frozen=True)


class LtxCamera(ControlledClip):
    """LTX with camera moves (dolly LoRA), from text; its control options are undocumented and passed on unchecked."""

    id, rates, auto = "progressive-robot/ltx-camera", ("10", "0.15", "0.30"), False


class LtxControl(ControlledClip):
    """LTX led by depth, edges or pose; its control options are undocumented and passed on unchecked."""

    id, rates, auto, measures = "progressive-robot/ltx-control", ("12", "0.15", "0.30"), False, ("video",)

    image: NamedPicture | None = Field(default=None, serialization_alias="input_image")
    video: NamedFilm | None = Field(default=None, serialization_alias="driving_video")


# -- from stills ----------------------------------------------------------------------------------------------------


class StillClip(RobotClip):
    """From a first frame."""

    words = GenerateVideo

    image: NamedPicture = Field(serialization_alias="input_image")


class WanI2V(StillClip):
    """WAN 2.2 (14B), from a first frame."""

    id, rates = "progressive-robot/wan-i2v", ("12", "0.20", "0.50")


class LtxI2V(StillClip):
    """LTX 2.3, from a first frame."""

    id, rates, typical_s = "progressive-robot/ltx-i2v", ("12", "0.20", "0.40"), 60.0


class Hunyuan15I2V(StillClip):
    """Hunyuan 1.5, from a first frame."""

    id, rates = "progressive-robot/hunyuan15-i2v", ("15", "0.25", "0.50")


class SvdI2V(StillClip):
    """SVD XT, from a first frame."""

    id, rates = "progressive-robot/svd-i2v", ("10", "0.15", "0.40")


class EndsClip(StillClip):
    """From a first and a last frame."""

    last_image: NamedPicture = Field(serialization_alias="end_image")


class WanFlf(EndsClip):
    """WAN 2.2 (14B), between a first and a last frame."""

    id, rates = "progressive-robot/wan-flf", ("12", "0.20", "0.50")


class LtxFlf(EndsClip):
    """LTX 2.3, between a first and a last frame."""

    id, rates = "progressive-robot/ltx-flf", ("12", "0.15", "0.30")


# -- a person or a scene in motion ----------------------------------------------------------------------------------


class WanS2V(StillClip):
    """WAN 2.2 sound-to-video: a portrait speaks or sings a sound."""

    id, rates, measures = "progressive-robot/wan-s2v", ("15", "0.25", "0.50"), ("audio",)

    audio: NamedSound = Field(serialization_alias="audio_filename")


class EchoMimic(WanS2V):
    """EchoMimic: a portrait speaks a sound."""

    id, rates = "progressive-robot/echomimic", ("12", "0.15", "0.30")


class LivePortrait(StillClip):
    """LivePortrait: a portrait moves as the face in a video does; no charge for steps."""

    id, rates, measures = "progressive-robot/liveportrait", ("8", "0.10", "0"), ("video",)

    video: NamedFilm = Field(serialization_alias="driving_video")
    steps: Annotated[int, Field(ge=1)] | None = None


class WanAnimate(StillClip):
    """WAN Animate: a character from one picture, moving as a video does if one is given."""

    id, rates, measures = "progressive-robot/wan-animate", ("18", "0.30", "0.50"), ("video",)

    video: NamedFilm | None = Field(default=None, serialization_alias="driving_video")


class DreamIdV(WanAnimate):
    """DreamID-V: keeps the face of a picture, in a video if one is given."""

    id, rates = "progressive-robot/dreamidv", ("15", "0.20", "0.40")


class WanVace(TextClip):
    """WAN VACE: conditioned on a picture or a video, or editing it."""

    id, rates, auto, measures = "progressive-robot/wan-vace", ("15", "0.25", "0.50"), False, ("video",)

    image: NamedPicture | None = Field(default=None, serialization_alias="input_image")
    video: NamedFilm | None = Field(default=None, serialization_alias="driving_video")


class Portrait(RobotFrames):
    """A portrait that comes to life, without a word said of the scene."""

    words = CreateAvatar

    prompt: Prompt = "A person speaks to the camera"
    image: NamedPicture = Field(serialization_alias="input_image")


class SpeakingWan(Portrait):
    """WAN 2.2 sound-to-video: a portrait speaks or sings a sound."""

    id, rates, measures = WanS2V.id, WanS2V.rates, WanS2V.measures

    audio: NamedSound = Field(serialization_alias="audio_filename")


class SpeakingEcho(SpeakingWan):
    """EchoMimic: a portrait speaks a sound."""

    id, rates = EchoMimic.id, EchoMimic.rates


class MovingPortrait(Portrait):
    """LivePortrait: a portrait moves as the face in the option driving_video does; no charge for steps."""

    id, rates, measures = LivePortrait.id, LivePortrait.rates, ("driving_video",)

    driving_video: NamedFilm
    steps: Annotated[int, Field(ge=1)] | None = None


# -- going on from a clip, and giving it another look ---------------------------------------------------------------


class LastFrame(RobotModel):
    """The last frame of a clip, to start another from."""

    words, id, path, makes = ExtendVideo, "progressive-robot/extend-video", "/api/extend-video", "image"
    typical_s = 5.0

    video: NamedFilm = Field(serialization_alias="video_filename")
    generation_id: int | None = None

    def harvest(self, answer: Any) -> Any:
        found = super().harvest(answer)
        found.urls = [f"/api/input-image/{url.rpartition('/')[2]}" for url in found.urls]
        return found

    def price(self) -> Price:
        return exactly(0)


class Extension(RobotClip):
    """A new clip from the last frame of another, which the backend takes out first."""

    words = ExtendVideo

    video: Annotated[str, Input("video", by="name", via="/api/extend-video")] = Field(serialization_alias="input_image")


class ExtendWan(Extension):
    """WAN 2.2 (14B) goes on from the clip's last frame."""

    id, rates = WanI2V.id, WanI2V.rates


class ExtendLtx(Extension):
    """LTX 2.3 goes on from the clip's last frame."""

    id, rates, typical_s = LtxI2V.id, LtxI2V.rates, LtxI2V.typical_s


class ExtendHunyuan15(Extension):
    """Hunyuan 1.5 goes on from the clip's last frame."""

    id, rates = Hunyuan15I2V.id, Hunyuan15I2V.rates


class ExtendSvd(Extension):
    """SVD XT goes on from the clip's last frame."""

    id, rates = SvdI2V.id, SvdI2V.rates


class V2V(RobotModel):
    """Another look for a whole clip; 3 credits for each 10 s."""

    words, id, path = RestyleVideo, "progressive-robot/v2v", "/api/generate-v2v"
    at_once, cancels, measures, typical_s, history = False, True, ("video",), 90.0, "/api/generations"

    video: NamedFilm = Field(serialization_alias="video_filename")
    prompt: Prompt
    strength: Annotated[float, Field(ge=0, le=1)] | None = None

    def price(self) -> Price:
        return metered(3, 10, self.length("video"), 3)


# -- solids ---------------------------------------------------------------------------------------------------------


class Hunyuan3D(RobotModel):
    """Hunyuan3D v2: a solid thing (.glb) from text, or from a picture."""

    words, id, path, makes = Generate3D, "progressive-robot/hunyuan3d", "/api/generate", "3d"
    at_once, cancels, typical_s, history = False, True, 120.0, "/api/generations"

    prompt: Prompt | None = None
    image: NamedPicture | None = Field(default=None, serialization_alias="input_image")
    seed: Seed | None = None
    negative_prompt: str | None = None
    steps: Annotated[int, Field(ge=1)] = 4
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    project_id: int | None = None

    @model_validator(mode="after")
    def _something_said(self) -> "Hunyuan3D":
        if not (self.prompt or self.image):
            raise ValueError("say `prompt`, `image` or both")
        return self

    def body(self) -> dict[str, Any]:
        return {"prompt": "The object in the picture"} | super().body() | {"model": "hunyuan3d"}

    def price(self) -> Price:
        return exactly(computed(("20", "0", "0.80"), 0, self.steps))


MODELS: tuple[type[Model], ...] = (
    *(WanT2V, WanI2V, WanFlf, WanS2V, LivePortrait, WanAnimate, LtxT2V, LtxI2V, LtxFlf, EchoMimic, LtxQuality),
    *(Hunyuan15, Hunyuan15I2V, Hunyuan, CogVideo, SvdI2V, DreamIdV, WanVace, AnimateDiff, LtxCamera, LtxControl),
    *(LastFrame, ExtendWan, ExtendLtx, ExtendHunyuan15, ExtendSvd, V2V, Hunyuan3D),
    *(SpeakingEcho, SpeakingWan, MovingPortrait),
)
