"""Subtitles."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from callsheet.catalogue.model import Film, Model, Price, between, exactly
from callsheet.catalogue.words import GenerateSubtitles


class ThaiSubtitle(Model):
    """Thai subtitles burned into the clip, from its sound or a script (`|` breaks a line, a blank line a segment)."""

    words, id, path = GenerateSubtitles, "phaya/thai-subtitle", "/thai-subtitle/generate"
    makes, results, measures, typical_s = "video", ("video_url",), ("video",), 30.0

    video: Film = Field(serialization_alias="media_url")
    script: Annotated[str, Field(max_length=10_000)] | None = None
    language: Literal["th"] = "th"
    burn: Literal[True] = True
    animation: Literal["none", "word_pop_fade"] = "none"
    timing_offset_ms: Annotated[int, Field(ge=-300, le=300)] = 0

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in super().body().items() if name not in ("language", "burn")}

    def price(self) -> Price:
        least, seconds = Decimal("0.07"), self.length("video")
        if seconds is None:
            return between(
                least, "1.70", "0.17 a minute; the video's length is not known yet, ten minutes are set aside"
            )
        return exactly(max(least, (Decimal("0.17") * seconds / 60).quantize(Decimal("0.000001"))))


MODELS: tuple[type[Model], ...] = (ThaiSubtitle,)
