"""People on the screen: talking heads, lips, other languages, and voices of their own."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from callsheet.backends.ph0ny.engines import ASSUMED_S, Engine, Speaker, engines, spoken
from callsheet.catalogue.model import Film, Harvest, Model, Picture, Price, Sound, unpublished
from callsheet.catalogue.words import CloneVoice, CreateAvatar, DubVideo, LipsyncVideo

SLOWEST = Decimal(10)
"""Characters that even a slow speaker says in a second."""


class Ph0nyAvatar(Engine):
    """What ph0ny's engines take: a face, and a recording or a text with a voice."""

    words, path, makes, measures, typical_s = CreateAvatar, "/v1/video/avatar", "video", ("audio",), 90.0

    image: Picture = Field(serialization_alias="image_url")
    audio: Sound | None = Field(default=None, serialization_alias="audio_url")
    text: Annotated[str, Field(max_length=10_000)] | None = None
    voice: str | None = Field(default=None, serialization_alias="voice_id")
    language: str | None = Field(default=None, serialization_alias="target_language")
    tts_provider: Speaker | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Ph0nyAvatar":
        if (self.audio is None) == (self.text is None):
            raise ValueError("say either `audio`, or `text` and `voice`")
        if self.text and not self.voice:
            raise ValueError("`text` needs a `voice`; list_voices shows those there are")
        if self.audio and (self.voice or self.language or self.tts_provider):
            raise ValueError("`voice`, `language` and `tts_provider` go with `text`, not with `audio`")
        return self

    def price(self) -> Price:
        if self.text is None:
            return self.by_seconds(10, self.length("audio") or ASSUMED_S)
        speech = spoken(self.tts_provider or "default", len(self.text))
        return self.by_seconds(10, 2 + len(self.text) / SLOWEST, speech)


class Ph0nyLipsync(Engine):
    """What ph0ny's engines take: a video and what is to be said in it."""

    words, path, makes, measures = LipsyncVideo, "/v1/video/lipsync", "video", ("video", "audio")
    typical_s = 90.0

    video: Film = Field(serialization_alias="video_url")
    audio: Sound = Field(serialization_alias="audio_url")

    def price(self) -> Price:
        return self.by_seconds(10, max(self.length(name) or ASSUMED_S for name in self.measures))


class Ph0nyDub(Engine):
    """What ph0ny's engines take; the words are heard, translated, spoken and put on the lips."""

    words, path, makes, measures, typical_s = DubVideo, "/v1/video/dub", "video", ("video",), 180.0
    pin = "lipsync_provider"

    video: Film = Field(serialization_alias="video_url")
    target_language: str
    source_language: str | None = None
    voice: str | None = Field(default=None, serialization_alias="voice_id")
    tts_provider: Speaker | None = None

    def body(self) -> dict[str, Any]:
        body = super().body()
        return {name: value for name, value in body.items() if name != self.pin or value != "auto"}

    def price(self) -> Price:
        seconds = self.length("video") or ASSUMED_S
        heard_and_spoken = unpublished(5 * seconds)
        return self.by_seconds(10, seconds, heard_and_spoken)


class Ph0nyAnyAvatar(Ph0nyAvatar):
    """A face that speaks a recording or a text, on the engine that ph0ny picks."""

    id = "ph0ny/auto"


class Ph0nyAnyLipsync(Ph0nyLipsync):
    """Lips to a recording, on the engine that ph0ny picks."""

    id = "ph0ny/auto"


class Ph0nyAnyDub(Ph0nyDub):
    """Another language, with lips by the engine that ph0ny picks."""

    id = "ph0ny/auto"


class Ph0nyClone(Model):
    """A voice for ph0ny's speech, avatars and dubbing, from 1 to 10 recordings at https addresses."""

    words, id, path = CloneVoice, "ph0ny/auto", "/v1/voices/clone"
    makes, at_once, charged, typical_s = "text", True, "finish", 20.0

    title: Annotated[str, Field(max_length=100)] = Field(serialization_alias="name")
    audios: Annotated[list[Sound], Field(max_length=10)] = Field(serialization_alias="sampleUrls")
    language: str | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    consent: str

    @field_validator("audios")
    @classmethod
    def _https(cls, links: list[str]) -> list[str]:
        if any(link.startswith("http:") for link in links):
            raise ValueError("ph0ny fetches recordings from https addresses only")
        return links

    def body(self) -> dict[str, Any]:
        return super().body() | {"consent": {"subject": "self", "statement": self.consent}}

    def price(self) -> Price:
        return unpublished("100", "100 credits are set aside")

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        voice = answer.get("voice", answer)
        found = voice.get("id") if isinstance(voice, dict) else None
        return Harvest(text=found) if isinstance(found, str) else Harvest()


LIPS = {
    "latentsync": "LatentSync, on ph0ny's own machines.",
    "video-retalking": "Video-Retalking, on ph0ny's own machines; bears noisy footage.",
    "musetalk": "MuseTalk, on ph0ny's own machines; quick, and less faithful.",
    "sync-labs": "Sync Labs, on your own key.",
    "heygen-lipsync": "HeyGen, on your own key.",
}

MODELS: tuple[type[Model], ...] = (
    Ph0nyAnyAvatar,
    *engines(
        Ph0nyAvatar,
        {
            "hallo3": "Hallo3, on ph0ny's own machines.",
            "liveportrait": "LivePortrait, on ph0ny's own machines.",
            "echomimicv2": "EchoMimic 2, on ph0ny's own machines.",
            "v-express": "V-Express, on ph0ny's own machines.",
            "skyreels-a1": "SkyReels-A1, on ph0ny's own machines.",
            "heygen": "HeyGen, on your own key.",
        },
    ),
    Ph0nyAnyLipsync,
    *engines(Ph0nyLipsync, LIPS),
    Ph0nyAnyDub,
    *engines(Ph0nyDub, LIPS),
    Ph0nyClone,
)
