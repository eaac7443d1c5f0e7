"""OpenRouter's models as its lists tell of them, with prices in dollars as the lists have them: strings, or numbers.

Pictures' and speech's prices are of third parties, those of films of a stored answer of 2026-10-09; read 2026-11-27.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

CREATED = 1_767_225_600


@dataclass(frozen=True)
class Still:
    """A model for pictures: dollars by unit, and what it takes."""

    id: str
    unit: str
    price: str
    variants: dict[str, str] = field(default_factory=dict)
    reference: str = "0"
    most: int = 10
    several: int = 4
    streams: bool = False


STILLS = {
    row.id: row
    for row in (
        Still(
            "google/gemini-3.1-flash-image", "image", "0.067", {"1k": "0.067", "2k": "0.101", "4k": "0.151"}, most=14
        ),
        Still("google/gemini-3-pro-image", "image", "0.134", {"1k": "0.134", "2k": "0.134", "4k": "0.24"}, most=14),
        Still("openai/gpt-image-2.5-flare", "token", "0.00003", streams=True, several=10),
        Still("openai/gpt-image-2.5-sunburst", "token", "0.00003", streams=True, several=10),
        Still("bytedance-seed/seedream-5-0-pro", "image", "0.045", {"1k": "0.045", "2k": "0.09"}, "0.003"),
        Still("bytedance-seed/seedream-5-0-flash", "image", "0.018"),
        Still("black-forest-labs/flux.2-pro", "megapixel", "0.03", several=1),
        Still("x-ai/grok-imagine-image-2.0", "request", "0.02", several=1),
    )
}


@dataclass(frozen=True)
class Film:
    """A model for films: what it takes, and its prices by key."""

    id: str
    durations: tuple[int, ...]
    resolutions: tuple[str, ...]
    skus: dict[str, str]
    frames: tuple[str, ...] = ("first_frame", "last_frame")
    audio: bool = True
    ratios: tuple[str, ...] = ("16:9", "9:16")


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _by_size(*prices: tuple[str, str]) -> dict[str, str]:
    return {f"duration_seconds_{size}": price for size, price in prices}


def _tokens(price: str, **more: str) -> dict[str, str]:
    return {"video_tokens": price} | {f"video_tokens_{name}": value for name, value in more.items()}


WIDE = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
FILMS = {
    row.id: row
    for row in (
        Film(
            *("google/veo-3.1", (4, 6, 8), ("720p", "1080p", "4K")),
            {
                "duration_seconds_with_audio": "0.40",
                "duration_seconds_without_audio": "0.20",
                "duration_seconds_with_audio_4k": "0.60",
                "duration_seconds_without_audio_4k": "0.40",
            },
        ),
        Film(
            *("google/veo-3.1-fast", (4, 6, 8), ("720p", "1080p", "4K")),
            {
                "duration_seconds_with_audio": "0.12",
                "duration_seconds_without_audio": "0.10",
                "duration_seconds_with_audio_720p": "0.10",
                "duration_seconds_without_audio_720p": "0.08",
                "duration_seconds_with_audio_4k": "0.30",
                "duration_seconds_without_audio_4k": "0.25",
            },
        ),
        Film(
            *("google/veo-3.1-lite", (4, 6, 8), ("720p", "1080p")),
            {
                "duration_seconds_with_audio": "0.08",
                "duration_seconds_without_audio": "0.05",
                "duration_seconds_with_audio_720p": "0.05",
                "duration_seconds_without_audio_720p": "0.03",
            },
        ),
        Film("bytedance/seedance-2.5", _span(4, 30), ("480p", "720p"), _tokens("0.0000107"), ratios=WIDE),
        Film(
            *("bytedance/seedance-2.0", _span(4, 15), ("480p", "720p", "1080p", "4K")),
            _tokens("0.000007", **{"1080p": "0.0000077", "4k": "0.000004"}),
            ratios=WIDE,
        ),
        Film("bytedance/seedance-2.0-mini", _span(4, 15), ("480p", "720p"), _tokens("0.0000035"), ratios=WIDE),
        Film(
            *("kwaivgi/kling-v3.0-pro", _span(3, 15), ("720p",)),
            {"duration_seconds": "0.112", "duration_seconds_with_audio": "0.168"},
            ratios=("16:9", "9:16", "1:1"),
        ),
        Film(
            *("kwaivgi/kling-v3.0-std", _span(3, 15), ("720p",)),
            {"duration_seconds": "0.084", "duration_seconds_with_audio": "0.126"},
            ratios=("16:9", "9:16", "1:1"),
        ),
        Film(
            *("minimax/hailuo-3-max", _span(5, 15), ("480p", "768p")),
            _by_size(("480p", "0.05"), ("768p", "0.08")),
            audio=False,
        ),
        Film(
            *("x-ai/grok-imagine-video-1.5-lite", _span(1, 15), ("480p", "720p", "1080p")),
            {
                "cents_per_video_output_second_480p": "2",
                "cents_per_video_output_second_720p": "3",
                "cents_per_video_output_second_1080p": "14",
                "cents_per_image_input": "1",
            },
            frames=("first_frame",),
        ),
        Film(
            *("alibaba/wan-3.0", _span(2, 30), ("480p", "720p", "1080p")),
            _by_size(("480p", "0.05"), ("720p", "0.10"), ("1080p", "0.20")),
            frames=("first_frame",),
        ),
    )
}
SHORT_SIDES = {"360p": 360, "480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "1K": 1024, "2K": 1440, "4K": 2160}


def film_price(film: Film, seconds: int, resolution: str, ratio: str, *, sound: bool, stills: int) -> Decimal:
    """Dollars: the most specific key that fits, then a fee for each picture that goes in."""
    size, heard = resolution.lower(), "with_audio" if sound else "without_audio"
    fee = stills * Decimal(film.skus.get("cents_per_image_input", "0")) / 100
    if "video_tokens" in film.skus:
        width, height = pixels(resolution, ratio)
        rate = film.skus.get(f"video_tokens_{size}", film.skus["video_tokens"])
        return Decimal(rate) * width * height * 24 * seconds / 1024 + fee
    for key in (
        *(f"duration_seconds_{heard}_{size}", f"duration_seconds_{heard}", f"duration_seconds_{size}"),
        "duration_seconds",
    ):
        if key in film.skus:
            return Decimal(film.skus[key]) * seconds + fee
    return Decimal(film.skus[f"cents_per_video_output_second_{size}"]) * seconds / 100 + fee


def pixels(resolution: str, ratio: str) -> tuple[int, int]:
    """Even sides, the shorter one as the resolution says."""
    wide, high = map(int, ratio.split(":"))
    short = SHORT_SIDES[resolution]
    long = round(short * max(wide, high) / min(wide, high) / 2) * 2
    return (long, short) if wide >= high else (short, long)


@dataclass(frozen=True)
class Talker:
    """A model that speaks, hears, chats or embeds: dollars a token (or a character, or a second)."""

    id: str
    output: str
    prompt: str
    completion: str = "0"
    voices: tuple[str, ...] | None = None


TALKERS = {
    row.id: row
    for row in (
        Talker("hexgrad/kokoro-82m", "speech", "0.00000062", voices=("af_heart", "af_bella", "am_adam", "bf_emma")),
        Talker("mistralai/voxtral-mini-tts-2603", "speech", "0.000016", voices=("casual_male", "neutral_female")),
        Talker(
            *("openai/gpt-4o-mini-tts-2025-12-15", "speech", "0.0000006", "0.000012"),
            voices=("alloy", "marin", "cedar"),
        ),
        Talker("openai/whisper-1", "transcription", "0.0001"),
        Talker("openai/gpt-transcribe", "transcription", "0.000075"),
        Talker("openai/gpt-6-luna", "text", "0.0000001", "0.0000005"),
        Talker("google/gemini-3.1-flash", "text", "0.0000003", "0.0000025"),
        Talker("openai/text-embedding-3-small", "embeddings", "0.00000002"),
    )
}


def listed(id: str, inputs: list[str], outputs: list[str], prompt: str, completion: str, voices: Any) -> dict[str, Any]:
    """A row of `/models`."""
    return {
        **{"id": id, "canonical_slug": id, "name": id.partition("/")[2], "created": CREATED, "context_length": 128_000},
        "architecture": {
            **{"input_modalities": inputs, "output_modalities": outputs, "tokenizer": "Other"},
            "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
        },
        "pricing": {"prompt": prompt, "completion": completion},
        "top_provider": {"is_moderated": False, "context_length": 128_000, "max_completion_tokens": 16_384},
        **{"default_parameters": {}, "expiration_date": None},
        "per_request_limits": {"prompt_tokens": 128_000, "completion_tokens": 16_384},
        **{"supported_parameters": ["temperature", "max_tokens"], "supported_voices": voices},
        "links": {"details": f"/api/v1/models/{id}/endpoints"},
    }


def models() -> list[dict[str, Any]]:
    """Every model that any list has."""
    talk = [
        listed(
            *(row.id, ["audio"] if row.output == "transcription" else ["text", "image"], [row.output]),
            *(row.prompt, row.completion, list(row.voices) if row.voices else None),
        )
        for row in TALKERS.values()
    ]
    stills = [listed(id, ["text", "image"], ["image"], "0", "0", None) for id in STILLS]
    return [*talk, *stills, *(listed(id, ["text", "image"], ["video"], "0", "0", None) for id in FILMS)]
