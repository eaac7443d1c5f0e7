"""ph0ny's five video operations."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Literal, Self
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field, model_validator

from callsheet_sandbox import props
from callsheet_sandbox.backends.ph0ny.analysis import analysis
from callsheet_sandbox.backends.ph0ny.dubbing import dubbed
from callsheet_sandbox.backends.ph0ny.engines import (
    AvatarEngine,
    LipEngine,
    Tts,
    WatchEngine,
    by_second,
    voice_price,
)
from callsheet_sandbox.backends.ph0ny.order import BACKEND, Order, Refused, Tag, Url, kept, shown, speakable
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import problem
from callsheet_sandbox.hearing import heard
from callsheet_sandbox.jobs import Job

GENERATE_RATE = 20  # credits a second, as are the next two
FACE_RATE = 10
WATCH_RATE = 5
LARGEST_HEAD = 1280
HEAD_FPS = 25


class Generate(Order):
    """Text to video; the list of engines is open."""

    type: ClassVar[str] = "generate"
    auto: ClassVar[str] = "ltx-video"
    prompt: str = Field(min_length=1, max_length=2000)
    negative_prompt: str | None = None
    duration_seconds: float = Field(default=5, ge=1, le=30)
    width: int = Field(default=768, ge=256, le=1920)
    height: int = Field(default=512, ge=256, le=1080)
    fps: int = Field(default=24, ge=8, le=60)
    provider: str = Field(default="auto", min_length=1)

    def pin(self) -> str:
        """Any name will do."""
        return self.provider

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """Whole frames, even sides."""
        size = {"width": self.width // 2 * 2, "height": self.height // 2 * 2}
        return {"duration_seconds": round(round(self.duration_seconds * self.fps) / self.fps, 3), **size}

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """By the second asked for."""
        return Decimal(0) if self.key() else by_second(self.duration_seconds, GENERATE_RATE)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Drawn art in motion; a seed of its own for each job, so that two of one prompt differ."""
        seed = crc32(job.id.encode())
        clip = partial(props.clip, self.prompt, self.width, self.height, self.duration_seconds)
        return [await run_sync(partial(clip, fps=self.fps, seed=seed))]


class Avatar(Order):
    """A still that speaks a recording, or a text in some voice; a recording wins over a text."""

    type: ClassVar[str] = "avatar"
    auto: ClassVar[str] = "hallo3"
    image_url: Url
    audio_url: Url | None = None
    text: str | None = Field(default=None, min_length=1, max_length=10_000)
    voice_id: str | None = Field(default=None, min_length=1)
    tts_provider: Tts = "default"
    target_language: Tag | None = None
    provider: AvatarEngine = "auto"

    @model_validator(mode="after")
    def _something_to_say(self) -> Self:
        if self.audio_url is None and (self.text is None or self.voice_id is None):
            raise ValueError("audio_url is needed, or text and voice_id")
        return self

    def pin(self) -> str:
        """From the list."""
        return self.provider

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """The picture must be a JPEG or PNG; speech is made first, because its length is the price."""
        image, still = await kept(box, owner, self.image_url, "image")
        if still.mime not in ("image/jpeg", "image/png"):
            raise Refused(problem(["body", "image_url"], f"Image should be a JPG or PNG, not {still.mime}"))
        if self.audio_url is not None:
            sound, facts = await kept(box, owner, self.audio_url, "audio")
            seconds, said = facts.seconds, 0
        else:
            sound, seconds = await self._spoken(box, owner)
            said = len(self.text or "")
        shrink = min(1.0, LARGEST_HEAD / max(still.width, still.height))
        width, height = (max(32, round(side * shrink) // 2 * 2) for side in (still.width, still.height))
        length = max(1, round(seconds * HEAD_FPS)) / HEAD_FPS
        inputs = {"image": image, "sound": sound, "said": said}
        return {"duration_seconds": round(length, 3), "width": width, "height": height, **inputs}

    async def _spoken(self, box: Box, owner: str) -> tuple[str, float]:
        speech = partial(props.speech, self.text or "", voice=self.voice_id or "", language=self.target_language)
        try:
            spoken = await run_sync(speech)
        except ValueError as error:
            raise Refused(problem(["body", "text"], str(error))) from error
        return box.put(spoken.audio, ".wav", backend=BACKEND, owner=owner), spoken.seconds

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """By the second of the result, and the speech on top."""
        head = Decimal(0) if self.key() else by_second(facts["duration_seconds"], FACE_RATE)
        return head + voice_price(facts["said"], self.tts_provider, keys)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The picture with a mouth that moves."""
        image, sound = await box.read(job.facts["image"]), await box.read(job.facts["sound"])
        return [await run_sync(props.talking_head, image, sound)]


class Lipsync(Order):
    """A video that speaks another recording."""

    type: ClassVar[str] = "lipsync"
    auto: ClassVar[str] = "latentsync"
    video_url: Url
    audio_url: Url
    provider: LipEngine = "auto"

    def pin(self) -> str:
        """From the list."""
        return self.provider

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """As long and as large as the video."""
        video, facts = await kept(box, owner, self.video_url, "video")
        sound, _ = await kept(box, owner, self.audio_url, "audio")
        return {**shown(facts), "video": video, "sound": sound}

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """By the second of the result."""
        return Decimal(0) if self.key() else by_second(facts["duration_seconds"], FACE_RATE)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The video with a mouth that moves to the recording."""
        video, sound = await box.read(job.facts["video"]), await box.read(job.facts["sound"])
        return [await run_sync(props.relipped, video, sound)]


class Dub(Order):
    """A video in another language: its engine fields are `tts_provider` and `lipsync_provider` (or `provider`)."""

    type: ClassVar[str] = "dub"
    auto: ClassVar[str] = "latentsync"
    seconds: ClassVar[float] = 5.0
    video_url: Url
    target_language: Tag
    source_language: Tag | None = None
    voice_id: str | None = Field(default=None, min_length=1)
    tts_provider: Tts = "default"
    lipsync_provider: LipEngine | None = None
    provider: LipEngine = "auto"

    def pin(self) -> str:
        """The lips' engine under either name."""
        return self.lipsync_provider or self.provider

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """What is said in it is paid for by the letter."""
        await speakable(self.target_language, "target_language")
        video, facts = await kept(box, owner, self.video_url, "video")
        cues = await run_sync(heard, await box.read(video))
        return {**shown(facts), "video": video, "said": sum(len(cue.text) for cue in cues)}

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """By the second of the result, and the speech on top."""
        lips = Decimal(0) if self.key() else by_second(facts["duration_seconds"], FACE_RATE)
        return lips + voice_price(facts["said"], self.tts_provider, keys)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Each line at its time in the other language's voice."""
        video = await box.read(job.facts["video"])
        cues = await run_sync(heard, video)
        return [await run_sync(dubbed, video, cues, self.target_language, self.voice_id or "")]


Task = Literal["transcribe", "scenes", "embed", "qa"]


class Analyze(Order):
    """What is in a video; `qa` with a `question` is advertised without being documented."""

    type: ClassVar[str] = "analyze"
    auto: ClassVar[str] = "qwen3-vl"
    seconds: ClassVar[float] = 3.0
    file: ClassVar[str] = "analysis.json"
    video_url: Url
    tasks: list[Task] = Field(default=["transcribe", "scenes", "embed"], min_length=1)
    question: str | None = Field(default=None, min_length=1)
    provider: WatchEngine = "auto"

    @model_validator(mode="after")
    def _question_and_answer(self) -> Self:
        if ("qa" in self.tasks) != (self.question is not None):
            raise ValueError("the task qa and a question go together")
        return self

    def pin(self) -> str:
        """From the list."""
        return self.provider

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """The length is the price."""
        video, facts = await kept(box, owner, self.video_url, "video")
        return {"video": video, "seconds": round(facts.seconds, 3)}

    def price(self, facts: dict[str, Any], keys: frozenset[str]) -> Decimal:
        """By the second of the source."""
        return Decimal(0) if self.key() else by_second(facts["seconds"], WATCH_RATE)

    async def result(self, box: Box, job: Job, base: str) -> dict[str, Any]:
        """What was found."""
        return {"provider": job.facts["provider"], **json.loads(await box.read(job.files[0]))}

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Kept as JSON, so that every look says the same."""
        video = await box.read(job.facts["video"])
        return [json.dumps(await run_sync(analysis, video, self.tasks, self.question)).encode()]


ORDERS: dict[str, type[Order]] = {order.type: order for order in (Generate, Avatar, Lipsync, Dub, Analyze)}
