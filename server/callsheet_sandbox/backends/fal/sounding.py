"""The inputs of fal's endpoints that make sound or hear it, as their pages have them."""

from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from callsheet_sandbox.backends.fal.inputs import Input, Url, lasting
from callsheet_sandbox.desk import Body
from callsheet_sandbox.props import Facts


class Spoken(Input):
    """What speech endpoints share: thousands of characters."""

    makes = "audio"

    def words(self) -> str:
        """What is said."""
        raise NotImplementedError

    def manner(self) -> dict[str, Any]:
        """How: `voice`, `language`, `speed` of `props.speech`."""
        return {}

    def units(self) -> Decimal:
        """Thousands of characters."""
        return Decimal(len(self.words())) / 1000


class Eleven(Spoken):
    """Eleven v3."""

    text: str = Field(min_length=1)
    voice: str = "Rachel"
    stability: float = Field(default=0.5, ge=0, le=1)
    language_code: str | None = None
    timestamps: bool = False
    apply_text_normalization: Literal["auto", "on", "off"] = "auto"

    def words(self) -> str:
        """Its text."""
        return self.text

    def manner(self) -> dict[str, Any]:
        """Voice and language."""
        return {"voice": self.voice, "language": self.language_code}


class VoiceSetting(Body):
    """Who speaks, and how."""

    voice_id: str = "Wise_Woman"
    speed: float = Field(default=1.0, ge=0.5, le=2)
    vol: float = Field(default=1.0, ge=0.01, le=10)
    pitch: int = Field(default=0, ge=-12, le=12)
    emotion: Literal["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"] | None = None


class AudioSetting(Body):
    """What kind of file."""

    format: Literal["mp3", "pcm", "flac"] = "mp3"
    sample_rate: Literal[8000, 16000, 22050, 24000, 32000, 44100] = 32000
    bitrate: Literal[32000, 64000, 128000, 256000] = 128000
    channel: Literal[1, 2] = 1


class Minimax(Spoken):
    """MiniMax speech; only `output_format: url` gives a file."""

    prompt: str = Field(min_length=1, max_length=10_000)
    voice_setting: VoiceSetting = VoiceSetting()
    audio_setting: AudioSetting = AudioSetting()
    language_boost: str | None = None
    output_format: Literal["url", "hex"] = "hex"

    def words(self) -> str:
        """Its prompt."""
        return self.prompt

    def manner(self) -> dict[str, Any]:
        """Voice and pace."""
        return {"voice": self.voice_setting.voice_id, "speed": self.voice_setting.speed}


class Kokoro(Spoken):
    """Kokoro, one endpoint for each language."""

    prompt: str = Field(min_length=1)
    voice: str = "af_heart"
    speed: float = Field(default=1.0, ge=0.1, le=5)

    def words(self) -> str:
        """Its prompt."""
        return self.prompt

    def manner(self) -> dict[str, Any]:
        """Voice and pace."""
        return {"voice": self.voice, "speed": self.speed}


class Sound(Input):
    """What is made of sound and is not speech."""

    makes = "audio"

    def seconds(self) -> float:
        """Its length."""
        raise NotImplementedError


class ElevenMusic(Sound):
    """Eleven music, by the started minute."""

    prompt: str | None = Field(default=None, min_length=1)
    composition_plan: dict[str, Any] | None = None
    music_length_ms: int | None = Field(default=None, ge=3000, le=600_000)
    force_instrumental: bool = False
    output_format: str = "mp3_44100_128"

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.prompt is None) == (self.composition_plan is None):
            raise ValueError("give either prompt or composition_plan")
        return self

    def seconds(self) -> float:
        """As asked; half a minute where the model is to choose."""
        return (self.music_length_ms or 30_000) / 1000

    def units(self) -> Decimal:
        """Started minutes."""
        return Decimal(ceil(self.seconds() / 60))


class MinimaxMusic(Sound):
    """MiniMax music 2: a song."""

    prompt: str = Field(min_length=10, max_length=300)
    lyrics_prompt: str = Field(min_length=10, max_length=3000)
    audio_setting: AudioSetting = AudioSetting()

    def seconds(self) -> float:
        """Half a minute here."""
        return 30.0


class StableAudio(Sound):
    """Stable Audio 2.5, by the run."""

    prompt: str = Field(min_length=1)
    seconds_total: int = Field(default=190, ge=1, le=190)
    num_inference_steps: int = Field(default=8, ge=4, le=8)
    seed: int | None = None

    def seconds(self) -> float:
        """As asked."""
        return float(self.seconds_total)


class Effects(Sound):
    """Sound effects, by the second."""

    text: str = Field(min_length=1)
    duration_seconds: float | None = Field(default=None, ge=0.5, le=22)
    prompt_influence: float = Field(default=0.3, ge=0, le=1)
    loop: bool = False
    output_format: str = "mp3_44100_128"

    def seconds(self) -> float:
        """As asked; three where the model is to choose."""
        return self.duration_seconds or 3.0

    def units(self) -> Decimal:
        """Seconds."""
        return Decimal(str(self.seconds()))


class Scribe(Input):
    """Scribe 2: words with their times."""

    makes = "text"
    audio_url: Url
    language_code: str | None = None
    diarize: bool = True
    tag_audio_events: bool = True
    keyterms: list[str] = Field(default_factory=list)

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Minutes; 30 % more with key terms."""
        return lasting(facts["audio_url"]) / 60 * (Decimal("1.3") if self.keyterms else 1)


class Wizper(Input):
    """Wizper: segments with their times."""

    makes = "text"
    audio_url: Url
    task: Literal["transcribe", "translate"] = "transcribe"
    language: str | None = "en"
    chunk_level: Literal["segment"] = "segment"
    max_segment_len: int = Field(default=29, ge=10, le=29)

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Minutes."""
        return lasting(facts["audio_url"]) / 60
