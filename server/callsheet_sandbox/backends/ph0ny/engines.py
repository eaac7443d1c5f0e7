"""ph0ny's engines: which one `auto` means, which need a key of your own, and what each costs in credits.

From https://ph0ny-docs-3q5.pages.dev/api/video.html and https://ph0ny-docs.pages.dev/guide/pricing.html, read November
2026. The rates by the second of video, and the names of the key headers of video engines, are not published: ours.
"""

from decimal import Decimal
from typing import Literal

Tts = Literal[
    "default",
    "cartesia",
    "elevenlabs",
    "deepgram",
    "fish-audio",
    "resemble-ai",
    "inworld",
    "chatterbox",
    "pocket-tts",
    "kokoro",
    "f5-tts",
    "cosyvoice",
    "qwen-tts",
]
AvatarEngine = Literal["auto", "hallo3", "liveportrait", "echomimicv2", "v-express", "skyreels-a1", "heygen"]
LipEngine = Literal["auto", "latentsync", "video-retalking", "musetalk", "sync-labs", "heygen-lipsync"]
WatchEngine = Literal["auto", "qwen3-vl", "qwen2.5-vl", "internvideo2.5", "videochat-flash", "twelve-labs"]

DEFAULT_TTS = "kokoro"
TTS_RATES: dict[str, int] = {
    # Credits for 1,000 characters; the last two have no published rate and cost what Kokoro does.
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
    "f5-tts": 4,
    "cosyvoice": 4,
}
WHISPER_RATE = 12  # credits a minute

BRING_YOUR_OWN = {
    "sora": "Sora",
    "runway": "Runway",
    "heygen": "HeyGen",
    "heygen-lipsync": "HeyGen",
    "sync-labs": "SyncLabs",
    "twelve-labs": "TwelveLabs",
}
"""Engines that run only on a key of yours, and whose key that is, as in `X-Provider-Key-<Name>`."""

OWN_VOICES = {
    "elevenlabs": "ElevenLabs",
    "cartesia": "Cartesia",
    "deepgram": "Deepgram",
    "fish-audio": "FishAudio",
    "inworld": "Inworld",
    "resemble-ai": "ResembleAI",
}
"""Voices that cost nothing when a key of yours comes with the call."""

KEY_NAMES = frozenset(
    {*BRING_YOUR_OWN.values(), *OWN_VOICES.values(), "OpenAI", "Anthropic", "Groq", "HuggingFace"},
)


def voice_engine(provider: str) -> str:
    """The voice engine that `default` stands for, or the one named."""
    return DEFAULT_TTS if provider == "default" else provider


def voice_price(characters: int, provider: str, keys: frozenset[str]) -> Decimal:
    """What saying so many characters costs; nothing with a key of your own."""
    engine = voice_engine(provider)
    if OWN_VOICES.get(engine) in keys:
        return Decimal(0)
    return Decimal(TTS_RATES[engine]) * characters / 1000


def by_second(seconds: float, rate: int) -> Decimal:
    """What so many seconds cost at a rate, to a thousandth of a credit."""
    return (Decimal(str(seconds)) * rate).quantize(Decimal("0.001"))
