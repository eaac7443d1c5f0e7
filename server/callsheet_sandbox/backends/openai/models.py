"""OpenAI's models: what each is for, when it ends, and what it costs in dollars.

From LiteLLM's price table 1.110.2, whose source is the vendor's pricing page, and the `shutdown_date` of `/v1/models`;
read on the day the sandbox stands still at.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Literal

READ = date(2026, 11, 27)
MILLION = Decimal(1_000_000)

Kind = Literal["image", "speech", "hearing", "chat", "embedding", "moderation"]


@dataclass(frozen=True)
class Model:
    """One model; prices are by the million of tokens that go in and come out, or by whatever its kind counts."""

    id: str
    kind: Kind
    price: tuple[str, ...] = ()
    ends: date | None = None


JANUARY, FEBRUARY = date(2027, 1, 6), date(2027, 2, 26)
ROWS = [
    Model("gpt-image-2", "image"),
    Model("gpt-image-2.5-flare", "image"),
    Model("gpt-image-2.5-sunburst", "image"),
    Model("gpt-image-2.6-flare", "image"),
    Model("gpt-image-2.6-sunburst", "image"),
    Model("gpt-image-1.5", "image", ends=date(2026, 12, 1)),
    Model("gpt-image-1-mini", "image", ends=date(2026, 12, 1)),
    Model("chatgpt-image-latest", "image", ends=date(2026, 12, 1)),
    Model("gpt-image-1", "image", ends=date(2026, 10, 23)),
    Model("dall-e-2", "image", ends=date(2026, 5, 12)),
    Model("dall-e-3", "image", ends=date(2026, 5, 12)),
    Model("gpt-4o-mini-tts", "speech", ("0.60", "12"), JANUARY),
    Model("gpt-4o-mini-tts-2025-12-15", "speech", ("0.60", "12"), JANUARY),
    Model("tts-1", "speech", ("15",), JANUARY),
    Model("tts-1-hd", "speech", ("30",), JANUARY),
    Model("gpt-transcribe", "hearing", ("0.000075",)),
    Model("whisper-1", "hearing", ("0.0001",), FEBRUARY),
    Model("gpt-4o-transcribe", "hearing", ("0.0001",), FEBRUARY),
    Model("gpt-4o-transcribe-diarize", "hearing", ("0.0001",), FEBRUARY),
    Model("gpt-4o-mini-transcribe", "hearing", ("0.00005",), FEBRUARY),
    Model("gpt-6-luna", "chat", ("0.10", "0.50")),
    Model("gpt-6.1-terra", "chat", ("1", "5")),
    Model("gpt-6.1-sol", "chat", ("2", "10")),
    Model("gpt-6-astra", "chat", ("10", "50")),
    Model("gpt-5.6-luna", "chat", ("0.20", "1.20")),
    Model("gpt-5.6-terra", "chat", ("2", "12")),
    Model("gpt-5.6-sol", "chat", ("4", "20")),
    Model("text-embedding-3-small", "embedding", ("0.02",)),
    Model("text-embedding-3-large", "embedding", ("0.13",)),
    Model("omni-moderation-latest", "moderation"),
]
MODELS = {row.id: row for row in ROWS if row.ends is None or row.ends > READ}

TEXT_IN, IMAGE_IN, IMAGE_OUT = Decimal(5) / MILLION, Decimal(8) / MILLION, Decimal(30) / MILLION
PARTIAL = 100
INPUT_TOKENS = 1_600  # of each picture that goes in: not published, at most 1,700 are believed
AREAS = (1024 * 768, 1024 * 1024, 1024 * 1536, 1920 * 1080, 2560 * 1440, 3840 * 2160)
TOKENS = {
    "low": (134, 196, 158, 147, 205, 371),
    "medium": (301, 439, 343, 343, 478, 865),
    "high": (1_204, 1_756, 1_372, 1_320, 1_843, 3_336),
    "xhigh": (2_140, 3_122, 2_459, 2_347, 3_276, 5_930),
    "max": (4_815, 7_024, 5_488, 5_280, 7_370, 13_342),
}
TWO = {"low": "low", "medium": "high", "high": "max"}
"""How gpt-image-2, and what is older, reads the table."""


def output_tokens(model: str, quality: str, width: int, height: int) -> int:
    """Of one picture, in the smallest column with at least its area; only the six sizes are published."""
    row = quality if model.startswith(("gpt-image-2.5", "gpt-image-2.6")) else TWO[quality]
    exact = (width, height) in ((1024, 768), (768, 1024))
    area = width * height
    place = next((i for i, size in enumerate(AREAS) if size >= area and (i or exact)), len(AREAS) - 1)
    tokens = TOKENS[row][place]
    if model.startswith("gpt-image-2.6") and quality in ("low", "medium"):
        return ceil(tokens * 3.5)  # three to four times, by third parties
    return tokens
