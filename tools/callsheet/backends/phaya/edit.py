"""Edits of what is there already, and what hears or fetches it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from callsheet.catalogue.model import Film, Harvest, Input, Kind, Model, Price, Recording, Sound, between, exactly
from callsheet.catalogue.words import (
    AddAudio,
    ApplyFilter,
    CreateCharacter,
    DownloadVideo,
    ExtractFrames,
    MergeAudio,
    MergeVideos,
    OverlayGif,
    Transcribe,
)
from callsheet.media.subtitles import Cue, srt


class PhayaUtility(Model):
    """What Phaya's media tools have in common: nothing is published about their price, and none was ever seen."""

    makes: ClassVar[Kind] = "video"
    typical_s = 10.0

    def price(self) -> Price:
        return exactly(0)


class PhayaMergeVideos(PhayaUtility):
    """Joins clips at Phaya."""

    words, id, path, results = MergeVideos, "phaya/merge-video", "/media/merge-video", ("video_url",)

    videos: list[Film] = Field(serialization_alias="video_urls")


class PhayaAddAudio(PhayaUtility):
    """Puts a sound under a video at Phaya."""

    words, id, path, results = AddAudio, "phaya/merge-audio-video", "/media/merge-audio-video", ("video_url",)

    video: Film = Field(serialization_alias="video_url")
    audio: Sound = Field(serialization_alias="audio_url")


class PhayaMergeAudio(PhayaUtility):
    """Joins sounds at Phaya."""

    words, id, path, results = MergeAudio, "phaya/merge-audio", "/media/merge-audio", ("audio_url",)
    makes = "audio"

    audios: list[Sound] = Field(serialization_alias="audio_urls")


class PhayaOverlayGif(PhayaUtility):
    """Lays an animated GIF over a video at Phaya."""

    words, id, path, results = OverlayGif, "phaya/overlay-gif", "/media/overlay-gif", ("video_url",)

    video: Film = Field(serialization_alias="video_url")
    gif: Annotated[str, Input("image")] = Field(serialization_alias="gif_url")


class PhayaLastFrame(PhayaUtility):
    """The last frame of a video, at Phaya."""

    words, id, path, results = ExtractFrames, "phaya/extract-last-frame", "/media/extract-last-frame", ("image_url",)
    makes = "image"

    video: Film = Field(serialization_alias="video_url")
    mode: Literal["last"] = "last"

    def body(self) -> dict[str, Any]:
        return {"video_url": self.video}


class PhayaTranscribe(PhayaUtility):
    """Writes down what is said, with times, at Phaya."""

    words, id, path = Transcribe, "phaya/transcribe", "/media/transcribe"
    makes = "text"

    audio: Recording | None = None
    video: Recording | None = None

    @model_validator(mode="after")
    def _one(self) -> "PhayaTranscribe":
        if (self.audio is None) == (self.video is None):
            raise ValueError("say either `audio` or `video`")
        return self

    def body(self) -> dict[str, Any]:
        return {"media_url": self.audio or self.video}

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        text, segments = answer.get("text"), answer.get("segments")
        cues = [cue for row in segments if (cue := Cue.of(row))] if isinstance(segments, list) else []
        return Harvest(text=text if isinstance(text, str) else None, files={".srt": srt(cues)} if cues else {})


class SoraCharacter(Model):
    """A character for Sora 2's `character_id_list`, from 1 to 4 s of video."""

    words, id, path = CreateCharacter, "phaya/sora-2-character", "/sora2-character/create"
    makes, cancels, typical_s = "text", True, 60.0
    remembers = {"characters": "/sora2-character/list"}  # noqa: RUF012

    video: Film = Field(serialization_alias="character_file_url")
    prompt: Annotated[str, Field(max_length=5000)] | None = Field(default=None, serialization_alias="character_prompt")
    safety_instruction: Annotated[str, Field(max_length=5000)] | None = None

    def price(self) -> Price:
        return exactly("0.5")

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        found = answer.get("character_id")
        return Harvest(text=found) if isinstance(found, str) else Harvest()


class VideoDownload(Model):
    """Fetches from public platforms (`callsheet api phaya GET /video-download/supported-platforms`); priced by size."""

    words, id, path = DownloadVideo, "phaya/video-download", "/video-download/create"
    makes, results, typical_s = "video", ("download_url",), 40.0
    live = {"platforms": "/video-download/supported-platforms"}  # noqa: RUF012

    url: Annotated[str, Field(pattern="^https?://"), Input("page")]
    format: Literal["mp4", "mp3", "best"] = "mp4"
    quality: Literal["best", "720p", "480p", "360p", "audio"] = "best"

    def price(self) -> Price:
        return between("0.5", "5.0", "half a credit for each 10 MB begun; 100 MB are set aside")


class PhantaisiaImage(Model):
    """What Phantaisia's image routes have in common: one credit, and the picture itself in the answer."""

    words, makes, typical_s = ApplyFilter, "image", 8.0

    def price(self) -> Price:
        return exactly(1)

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        images = answer.get("images")
        found = [one for one in images if isinstance(one, str) and one] if isinstance(images, list) else []
        return Harvest(urls=[one if one.startswith(("data:", "https:")) else in_data_uri(one) for one in found])


def in_data_uri(encoded: str) -> str:
    """Base64 as a data URI; which format it is, its first bytes say."""
    return f"data:image/jpeg;base64,{''.join(encoded.split())}"


class PhantaisiaFilter(PhantaisiaImage):
    """A person's face in one of the filters; the numbers are the vendor's own."""

    id, path = "phantaisia/filter", "/v2/run/filter_id/"
    live = {"filters": "/v1/filters/", "workflows": "/v1/workflows/"}  # noqa: RUF012

    image: Annotated[str, Input("image", "inline")] = Field(serialization_alias="base64")
    filter_id: int
    gender: int
    capture_mode: int
    ratio: str


class PhantaisiaFaceSwap(PhantaisiaFilter):
    """The same by the older route."""

    id, path = "phantaisia/face-swap", "/v1/run/face_swap"


class PhantaisiaMultiSwap(PhantaisiaImage):
    """All faces of a group in one of the styles."""

    id, path = "phantaisia/multi-swap", "/v3/run/multi_swap"
    live = {"styles": "/v4/multi_swap_styles/"}  # noqa: RUF012

    image: Annotated[str, Input("image", "inline")] = Field(serialization_alias="input_image")
    style_id: int
    overlay: bool = False


MODELS: tuple[type[Model], ...] = (
    *(PhayaMergeVideos, PhayaAddAudio, PhayaMergeAudio, PhayaOverlayGif, PhayaLastFrame, PhayaTranscribe),
    *(SoraCharacter, VideoDownload),
    *(PhantaisiaFilter, PhantaisiaFaceSwap, PhantaisiaMultiSwap),
)
