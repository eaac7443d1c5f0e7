"""Phaya's music and speech."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Literal

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.phaya.order import QUEUED, UPPER, Order, Words, seed_of
from callsheet_sandbox.box import Box
from callsheet_sandbox.jobs import Job

Share = Field(default=0.5, ge=0, le=1)
TRACK_SECONDS = 20.0
SPOKEN_CHARACTERS = 5000
"""The sandbox charges for all of a text, and speaks this much of it."""

Voice = Literal[
    "Zephyr",
    "Algenib",
    "Algieba",
    "Aoede",
    "Autonoe",
    "Callirrhoe",
    "Despina",
    "Erinome",
    "Fenrir",
    "Iapetus",
    "Kore",
    "Laomedeia",
    "Leda",
    "Orus",
    "Sadaltager",
    "Schedar",
    "Umbriel",
    "Vindemiatrix",
    "Zubenelgenubi",
]


class TextToMusic(Order):
    """Suno: two tracks of one prompt."""

    name: ClassVar[str] = "text-to-music"
    verb: ClassVar[Literal["create", "generate"]] = "generate"
    words: ClassVar[Words] = QUEUED
    seconds: ClassVar[float] = 2.0
    history: ClassVar[bool] = True
    prompt: str = Field(max_length=2000)
    style: str | None = Field(default=None, max_length=100)
    title: str | None = Field(default=None, max_length=200)
    negative_tags: str | None = Field(default=None, max_length=500)
    instrumental: bool = False
    model: Literal["V3", "V3_5", "V4", "V5"] = "V4"
    vocal_gender: Literal["m", "f"] | None = None
    style_weight: float = Share
    weirdness_constraint: float = Share
    audio_weight: float = Share

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Three for both tracks."""
        return Decimal("3.0")

    def files(self) -> Sequence[str]:
        """Two tracks."""
        return ["{id}-1.mp3", "{id}-2.mp3"]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The first by itself, and both."""
        return {"audio_url": link(job.files[0]), "audio_urls": [link(name) for name in job.files]}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Two real little tunes."""
        text = " ".join(part for part in (self.prompt, self.style) if part)
        tune = partial(props.tune, text, TRACK_SECONDS, instrumental=self.instrumental)
        return [await run_sync(partial(tune, seed=seed_of(job) + track)) for track in range(2)]


class TextToSpeech(Order):
    """Speech; the field is `prompt`, not `text`."""

    name: ClassVar[str] = "text-to-speech"
    verb: ClassVar[Literal["create", "generate"]] = "generate"
    words: ClassVar[Words] = UPPER
    seconds: ClassVar[float] = 1.0
    field: ClassVar[str] = "audio_url"
    suffix: ClassVar[str] = ".wav"
    history: ClassVar[bool] = True
    prompt: str = Field(max_length=500_000)
    voice: Voice = "Zephyr"
    slow: bool = False
    language: Literal["en", "th", "ja", "zh-CN", "ko"] | None = None

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Not published; ours is 0.05 per started 1,000 characters."""
        return Decimal("0.05") * max(1, -(-len(self.prompt) // 1000))

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Real speech."""
        said = self.prompt[:SPOKEN_CHARACTERS]
        speech = partial(props.speech, said, voice=self.voice, language=self.language, slow=self.slow, format="wav")
        return [(await run_sync(speech)).audio]
