"""ph0ny's engines: what its models have in common, whose key each runs on, and what is known of their prices."""

from collections.abc import Mapping
from decimal import Decimal
from types import new_class
from typing import Any, ClassVar, Literal, cast

from callsheet.catalogue.model import Model, Price, between, unpublished

OWN_KEYS = {
    "sora": "Sora",
    "runway": "Runway",
    "heygen": "HeyGen",
    "heygen-lipsync": "HeyGen",
    "sync-labs": "SyncLabs",
    "twelve-labs": "TwelveLabs",
}
"""Engines that run on a key of your own, and whose: the name of the header in which it travels."""

OWN_VOICES = {
    "elevenlabs": "ElevenLabs",
    "cartesia": "Cartesia",
    "deepgram": "Deepgram",
    "fish-audio": "FishAudio",
    "inworld": "Inworld",
    "resemble-ai": "ResembleAI",
}
"""Voices that may run on a key of your own."""

SPEECH = {
    "cartesia": 78,
    "elevenlabs": 166,
    "deepgram": 30,
    "fish-audio": 10,
    "resemble-ai": 120,
    "inworld": 80,
    "chatterbox": 6,
    "pocket-tts": 2,
    "kokoro": 4,
    "qwen-tts": 4,
}
"""Credits for 1,000 characters spoken."""

HEARING = {"whisper": 12, "deepgram": 9, "elevenlabs": 6, "fish-audio": 8, "cartesia": 10, "mistral": 8, "groq": 2}
"""Credits for a minute heard; which engine hears is ph0ny's choice."""

Speaker = (
    Literal["default", "cartesia", "elevenlabs", "deepgram", "fish-audio", "resemble-ai", "inworld", "chatterbox"]
    | Literal["pocket-tts", "kokoro", "f5-tts", "cosyvoice", "qwen-tts"]
)
"""The engines that speak."""

SPEAKERS = (*SPEECH, "f5-tts", "cosyvoice")
"""The same without `default`; what the last two cost is not published."""

VOICES = "/v1/voices?includeCustom=true&limit=100"
"""Where voices are listed, those of your own included."""

ASSUMED_S = Decimal(60)
"""Seconds set aside for an input whose length is not known yet."""


class Engine(Model):
    """A model of ph0ny: one of its operations, on an engine or on the one that ph0ny picks (`auto`)."""

    charged = "finish"
    engine: ClassVar[str] = "auto"
    pin: ClassVar[str] = "provider"
    """The field that names the engine."""

    @property
    def runs_on(self) -> str:
        """The engine that is asked for."""
        return self.engine

    @property
    def own_key(self) -> str | None:
        """Whose key of your own it runs on; None where it runs at ph0ny."""
        return OWN_KEYS.get(self.runs_on)

    def body(self) -> dict[str, Any]:
        return super().body() | {self.pin: self.runs_on}

    def by_seconds(self, rate: int, seconds: Decimal, more: Price | None = None) -> Price:
        """What an engine costs: nothing on a key of your own, else nobody says; and `more` on top."""
        extra = more.high if more else Decimal(0)
        if self.own_key:
            note = f"0 for the engine: {self.own_key} bills your own key"
            return Price(Decimal(0), extra, published=more is None or more.published, note=note)
        note = f"{rate} credits for each of {seconds.normalize():f} s are set aside"
        return unpublished(rate * seconds + extra, note + (", and the dearest speech" if extra else ""))


def spoken(speaker: str, characters: int) -> Price:
    """What saying so many characters costs, by the table."""
    low, high = (Decimal(rate) * characters / 1000 for rate in (min(SPEECH.values()), max(SPEECH.values())))
    if rate := SPEECH.get(speaker):
        low = high = Decimal(rate) * characters / 1000
        return between(low, high, f"by characters: {rate} for 1,000")
    if speaker == "default":
        return between(low, high, "by characters: 2 to 166 for 1,000; ph0ny picks the engine")
    return unpublished(high, "as much as the dearest engine takes is set aside")


def engines(base: type[Engine], summaries: Mapping[str, str]) -> tuple[type[Model], ...]:
    """A model for each engine of an operation, on which `base` is run; none on a key of your own wins by itself."""

    def model(name: str, summary: str) -> type[Model]:
        facts = {"id": f"ph0ny/{name}", "engine": name, "auto": name not in OWN_KEYS, "__doc__": summary}
        made = new_class(f"{base.__name__}_{name}", (base,), exec_body=lambda space: space.update(facts))
        return cast("type[Model]", made)

    return tuple(model(name, summary) for name, summary in summaries.items())
