"""What speaks."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from callsheet.backends.ph0ny.engines import VOICES, Engine, engines, spoken
from callsheet.catalogue.model import Harvest, Model, Price
from callsheet.catalogue.words import GenerateSpeech


class Ph0nySpeech(Engine):
    """What ph0ny's engines take; the answer is the speech, or a link to it."""

    words, path, makes, at_once, typical_s = GenerateSpeech, "/v1/synthesize", "audio", True, 5.0

    text: Annotated[str, Field(max_length=10_000)]
    voice: str | None = Field(default=None, serialization_alias="voiceId")
    speed: Annotated[float, Field(ge=0.5, le=2)] | None = None
    pitch: Annotated[float, Field(ge=0.5, le=2)] | None = None
    format: Literal["wav", "mp3", "ogg"] | None = None

    def price(self) -> Price:
        return spoken(self.runs_on, len(self.text))

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        link, sound = answer.get("audioUrl"), answer.get("audio")
        if not link and isinstance(sound, str) and sound:
            link = sound if sound.startswith(("data:", "https:")) else f"data:audio/wav;base64,{sound}"
        return Harvest(urls=[link] if isinstance(link, str) and link else [])


class Ph0nyAnySpeech(Ph0nySpeech):
    """Any voice of `list_voices`, on the engine that ph0ny picks."""

    id, engine, voices = "ph0ny/auto", "default", VOICES


MODELS: tuple[type[Model], ...] = (
    Ph0nyAnySpeech,
    *engines(
        Ph0nySpeech,
        {
            "kokoro": "Kokoro, an open model: good and cheap.",
            "cartesia": "Cartesia: quick and natural.",
            "elevenlabs": "ElevenLabs: expressive, and the dearest.",
            "deepgram": "Deepgram.",
            "fish-audio": "Fish Audio.",
            "resemble-ai": "Resemble AI.",
            "inworld": "Inworld.",
            "chatterbox": "Chatterbox, an open model.",
            "pocket-tts": "Pocket TTS, an open model: the cheapest.",
            "qwen-tts": "Qwen TTS, an open model.",
            "f5-tts": "F5-TTS, an open model.",
            "cosyvoice": "CosyVoice, an open model.",
        },
    ),
)
