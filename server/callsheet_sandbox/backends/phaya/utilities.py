"""Phaya's subtitles, downloads and FFmpeg media utilities; the utilities' request fields are ours but for one."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from math import ceil
from typing import Any, ClassVar, Literal

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.phaya.order import UPPER, Order, Url, Words
from callsheet_sandbox.box import Box
from callsheet_sandbox.jobs import Job

MEGABYTE = 1_000_000
HEIGHTS = {"720p": 720, "480p": 480, "360p": 360}


async def kept(box: Box, url: str, owner: str) -> tuple[str, props.Facts, int]:
    """Fetch a video whose length or size is the price, and keep it for the job; its name, facts and bytes."""
    data = await box.fetch(url, "video")
    facts = await run_sync(props.facts, data)
    return box.put(data, ".mp4", backend="phaya", owner=owner), facts, len(data)


class ThaiSubtitle(Order):
    """Captions burned into a video."""

    name: ClassVar[str] = "thai-subtitle"
    verb: ClassVar[Literal["create", "generate"]] = "generate"
    words: ClassVar[Words] = UPPER
    seconds: ClassVar[float] = 2.0
    media_url: Url
    script: str | None = Field(default=None, max_length=10_000)
    animation: Literal["none", "word_pop_fade"] = "none"
    timing_offset_ms: int = Field(default=0, ge=-300, le=300)

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """The length is the price."""
        source, facts, _ = await kept(box, self.media_url, owner)
        return {"source": source, "seconds": round(facts.seconds, 3)}

    def price(self, facts: dict[str, Any]) -> Decimal:
        """0.17 a minute, at least 0.07."""
        minutes = Decimal(str(facts["seconds"])) / 60
        return max(Decimal("0.07"), (Decimal("0.17") * minutes).quantize(Decimal("0.000001")))

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """Burn in the script, or what is heard."""
        video = await box.read(job.facts["source"])
        cues = await run_sync(heard, video) if self.script is None else cues_of(self.script, job.facts["seconds"])
        offset = self.timing_offset_ms / 1000
        moved = [props.Cue(max(0.0, cue.start + offset), max(0.0, cue.end + offset), cue.text) for cue in cues]
        return [await run_sync(partial(props.subtitled, video, moved, animation=self.animation))]


def heard(media: bytes) -> list[props.Cue]:
    """The words in a recording; none where there is no sound."""
    return props.transcript(media) if props.facts(media).audio else []


def cues_of(script: str, seconds: float) -> list[props.Cue]:
    """A script as cues: a blank line begins a new segment, `|` a new line; segments share the time by their length."""
    paragraphs = [part.strip() for part in "\n".join(line.strip() for line in script.splitlines()).split("\n\n")]
    texts = ["\n".join(bit.strip() for bit in part.split("|")) for part in paragraphs if part]
    total = sum(len(text) for text in texts)
    cues, start = [], 0.0
    for text in texts:
        end = start + seconds * len(text) / total
        cues.append(props.Cue(start, end, text))
        start = end
    return cues


class VideoDownload(Order):
    """A video from some page; the sandbox has what is at the address, or an honest placeholder."""

    name: ClassVar[str] = "video-download"
    seconds: ClassVar[float] = 2.0
    field: ClassVar[str] = "download_url"
    url: Url
    format: Literal["mp4", "mp3", "best"] = "mp4"
    quality: Literal["best", "720p", "480p", "360p", "audio"] = "best"

    async def weigh(self, box: Box, owner: str) -> dict[str, Any]:
        """The size is the price."""
        source, facts, size = await kept(box, self.url, owner)
        return {"source": source, "bytes": size, "height": facts.height, "audio": facts.audio}

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Half a credit per started 10 MB."""
        size: int = facts["bytes"]
        return Decimal("0.5") * max(1, ceil(size / MEGABYTE / 10))

    def files(self) -> Sequence[str]:
        """Sound alone when that is asked for."""
        return ["{id}.mp3" if self.format == "mp3" or self.quality == "audio" else "{id}.mp4"]

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The video, smaller if asked, or its sound."""
        video = await box.read(job.facts["source"])
        if job.files[0].endswith(".mp3"):
            sound = ["-i", "in.mp4"] if job.facts["audio"] else ["-f", "lavfi", "-i", "anullsrc", "-t", "1"]
            args = [*sound, "-vn", *props.MP3]
            return [await run_sync(props.run_ffmpeg, args, {"in.mp4": video}, "out.mp3")]
        height = HEIGHTS.get(self.quality, job.facts["height"])
        if height >= job.facts["height"]:
            return [video]
        args = ["-i", "in.mp4", "-vf", f"scale=-2:{height}", *props.H264, "-c:a", "copy"]
        return [await run_sync(props.run_ffmpeg, args, {"in.mp4": video}, "out.mp4")]


class Utility(Order):
    """What the media utilities share: one status route, and no published price."""

    seconds: ClassVar[float] = 1.0

    def price(self, facts: dict[str, Any]) -> Decimal:
        """Nothing."""
        return Decimal(0)


class MergeAudioVideo(Utility):
    """Lay sound under a video."""

    name: ClassVar[str] = "media/merge-audio-video"
    video_url: Url
    audio_url: Url

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        video, audio = await box.fetch(self.video_url, "video"), await box.fetch(self.audio_url, "audio")
        return [await run_sync(props.with_audio, video, audio)]


class MergeVideo(Utility):
    """Videos one after another."""

    name: ClassVar[str] = "media/merge-video"
    video_urls: list[Url] = Field(min_length=1)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        return [await run_sync(props.joined, [await box.fetch(url, "video") for url in self.video_urls])]


class MergeAudio(Utility):
    """Sounds one after another."""

    name: ClassVar[str] = "media/merge-audio"
    field: ClassVar[str] = "audio_url"
    suffix: ClassVar[str] = ".mp3"
    audio_urls: list[Url] = Field(min_length=1)

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        return [await run_sync(props.joined_audio, [await box.fetch(url, "audio") for url in self.audio_urls])]


class OverlayGif(Utility):
    """A GIF over a video."""

    name: ClassVar[str] = "media/overlay-gif"
    video_url: Url
    gif_url: Url

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        video, gif = await box.fetch(self.video_url, "video"), await box.fetch(self.gif_url, "image")
        return [await run_sync(props.overlaid, video, gif)]


class Transcribe(Utility):
    """What is said; the sandbox knows the words of speech it made itself, and says so of any other."""

    name: ClassVar[str] = "media/transcribe"
    suffix: ClassVar[str] = ".json"
    media_url: Url

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The words with their times, as JSON."""
        media = await box.fetch_if_any(self.media_url, "video") or await box.fetch(self.media_url, "audio")
        cues = await run_sync(heard, media)
        segments = [{"start": cue.start, "end": cue.end, "text": cue.text} for cue in cues]
        return [json.dumps({"text": " ".join(cue.text for cue in cues), "segments": segments}).encode()]

    async def result(self, box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
        """The words themselves."""
        words: dict[str, Any] = json.loads(await box.read(job.files[0]))
        return words


class ExtractLastFrame(Utility):
    """The last frame of a video."""

    name: ClassVar[str] = "media/extract-last-frame"
    field: ClassVar[str] = "image_url"
    suffix: ClassVar[str] = ".png"
    video_url: Url

    async def make(self, box: Box, job: Job) -> Sequence[bytes]:
        """The real thing."""
        return [await run_sync(props.frame, await box.fetch(self.video_url, "video"))]
