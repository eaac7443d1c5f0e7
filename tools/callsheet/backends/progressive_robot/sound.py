"""Progressive Robot's music, speech and subtitles."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from callsheet.backends.progressive_robot.prices import NamedFilm, Prompt, RobotModel, by_length
from callsheet.catalogue.model import Model, Price, between, exactly
from callsheet.catalogue.words import GenerateMusic, GenerateSpeech, GenerateSubtitles

SLOWEST = 8
"""Characters a second that even a slow voice speaks."""


class AceStep(RobotModel):
    """ACE-Step: a tune or an effect, as long as asked; 8 credits for each 30 s."""

    words, id, path, makes = GenerateMusic, "progressive-robot/ace-step", "/api/generate-audio", "audio"
    at_once, cancels, typical_s = False, True, 45.0
    history, history_limited = "/api/audio-generations", False

    prompt: Prompt
    style: str | None = Field(default=None, serialization_alias="tags")
    duration_seconds: Annotated[float, Field(gt=0)] = 30

    def price(self) -> Price:
        cost = by_length(8, 30, self.duration_seconds)
        return Price(cost, cost, note=f"for {self.duration_seconds:g} s, 8 for each 30 s")


class Speech(RobotModel):
    """Four English voices; 6 credits for each minute. Needs the Creator plan."""

    words, id, path, makes = GenerateSpeech, "progressive-robot/tts", "/api/tts/generate", "audio"
    typical_s, voices = 15.0, "/api/tts/voices"
    rank = 450  # four voices of one language: what has more goes first

    text: Annotated[str, Field(min_length=1)]
    voice: Literal["en_gb_male", "en_gb_female", "en_us_male", "en_us_female"] | None = Field(
        default=None, serialization_alias="voice_id"
    )
    speed: Annotated[float, Field(gt=0)] | None = None

    def price(self) -> Price:
        longest = Decimal(len(self.text) + SLOWEST) / SLOWEST / Decimal(str(min(self.speed or 1.0, 1.0)))
        note = "6 for each minute; known once it is spoken, as long as a slow voice would need is set aside"
        return between("1", by_length(6, 60, longest), note)


class Hearing(RobotModel):
    """Whisper: subtitles (.srt) from what a video says."""

    words, id, path, makes = GenerateSubtitles, "progressive-robot/subtitles", "/api/subtitles/generate", "text"

    video: NamedFilm = Field(serialization_alias="video_filename")
    language: str = "en"
    burn: Literal[False] = False

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in super().body().items() if name != "burn"}

    def price(self) -> Price:
        return exactly(5)


MODELS: tuple[type[Model], ...] = (AceStep, Speech, Hearing)
