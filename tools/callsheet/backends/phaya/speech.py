"""Speech."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from callsheet.catalogue.model import Model, Price, unpublished
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


MODELS: tuple[type[Model], ...] = (GeminiSpeech,)
