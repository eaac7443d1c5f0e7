"""Speech."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from callsheet.backends.ph0ny.engines import VOICES, Engine, engines, spoken
from callsheet.catalogue.model import Harvest, Model, Price, unpublished
from callsheet.catalogue.words import GenerateSpeech

Voice = (
    Literal["Zephyr", "Algenib", "Algieba", "Aoede", "Autonoe", "Callirrhoe", "Despina", "Erinome", "Fenrir", "Iapetus"]
    | Literal["Kore", "Laomedeia", "Leda", "Orus", "Sadaltager", "Schedar", "Umbriel", "Vindemiatrix", "Zubenelgenubi"]
)


class GeminiSpeech(Model):
    """19 voices; English, Thai, Japanese, Chinese and Korean, or as the text reads."""

    words, id, path = GenerateSpeech, "phaya/gemini-tts", "/text-to-speech/generate"
    makes, results, typical_s = "audio", ("audio_url",), 12.0
    history, voices = "/text-to-speech/history", "/text-to-speech/voices"

    text: Annotated[str, Field(max_length=500_000)] = Field(serialization_alias="prompt")
    voice: Voice = "Zephyr"
    language: Literal["en", "th", "ja", "zh-CN", "ko"] | None = None
    slow: bool = False

    def price(self) -> Price:
        thousands = -(-len(self.text) // 1000)
        return unpublished(Decimal("0.5") * thousands, "half a credit for each 1,000 characters begun is set aside")


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
    *(GeminiSpeech, Ph0nyAnySpeech),
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
