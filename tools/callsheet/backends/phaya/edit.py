"""Edits of what is there already, and what hears or fetches it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from callsheet.catalogue.model import Film, Harvest, Input, Kind, Model, Price, Recording, Sound, between, exactly
from callsheet.catalogue.words import (
    AddAudio,
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


MODELS: tuple[type[Model], ...] = (
    *(PhayaMergeVideos, PhayaAddAudio, PhayaMergeAudio, PhayaOverlayGif, PhayaLastFrame, PhayaTranscribe),
    *(SoraCharacter, VideoDownload),
)
