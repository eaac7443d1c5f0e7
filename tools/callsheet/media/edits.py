"""Edits as arguments of one FFmpeg: what is opened, what may be copied as it is, and how the rest is encoded once."""

import itertools
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from callsheet.errors import RequestError
from callsheet.media import ffmpeg
from callsheet.media.ffmpeg import Form
from callsheet.media.probe import Facts, probe

MOST_FRAMES = 600
SIDES = (2, 8192)
RATE = Fraction(25)
"""Frames a second where the source does not say."""
IN_MP4 = frozenset({"h264", "hevc", "av1", "mpeg4", "vp9"})
SOUND_IN_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
IN_WEBM = frozenset({"vp8", "vp9", "av1"})
SOUND_IN_WEBM = frozenset({"vorbis", "opus"})

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "192k")
STREAMED = ("-movflags", "+faststart")
PICTURE, SOUND = ("-map", "0:V:0"), ("-map", "0:a?")


@dataclass(frozen=True)
class Source:
    """A file that is read, and what is in it."""

    path: Path
    form: Form
    facts: Facts

    @property
    def reading(self) -> tuple[str, ...]:
        """The arguments that open it."""
        return ffmpeg.reading(self.path, self.form)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is shown."""
        return self.facts.shown or (0, 0)

    @property
    def square(self) -> Fraction:
        """The shape of a pixel."""
        return self.facts.film.square if self.facts.film else Fraction(1)

    @property
    def seconds(self) -> float:
        """How long it is; 0 where nobody knows."""
        return self.facts.seconds or 0.0

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return self.facts.rate or RATE

    @property
    def container(self) -> str | None:
        """The suffix under which its streams can be stored as they are; None where they cannot."""
        if self.facts.video in IN_MP4 and self.facts.audio in (*SOUND_IN_MP4, None):
            return ".mp4"
        webm = self.facts.video in IN_WEBM and self.facts.audio in (*SOUND_IN_WEBM, None)
        return ".webm" if webm else None

    def inside(self, name: str, seconds: float) -> None:
        """Whether a moment lies within it.

        Raises:
            RequestError: it does not.
        """
        if self.seconds and seconds >= self.seconds:
            raise RequestError(f"`{name}` is {seconds:g} s, but the video is only {self.seconds:g} s long.")


@dataclass(frozen=True)
class Edit:
    """What is to be run in a folder of its own, and what it will leave there."""

    args: Sequence[str] = ()
    """Of one FFmpeg; none where text is all there is to make."""
    outputs: Sequence[str] = ()
    """Names or patterns of the results, in the folder."""
    seconds: float | None = None
    """How long the result will be, where that is known: progress is measured by it, and a broken input known."""
    text: str | None = None
    files: dict[str, str] = field(default_factory=dict)


async def opened(reference: str, *kinds: str) -> Source:
    """A file as a source, if it holds what is needed: `video`, `audio` or `image`.

    Raises:
        RequestError: it does not, or cannot be read.
    """
    path = Path(reference)
    form = ffmpeg.form_at(path)
    if form is None or form.demuxer is None:
        raise RequestError(f"{path.name!r} is no {' or '.join(kinds)} file.")
    facts = await probe(path)
    has = {"audio": facts.audio is not None, "video": facts.film is not None, "image": facts.picture is not None}
    if not any(has[kind] for kind in kinds):
        held = [kind for kind, there in has.items() if there]
        why = f"holds only {' and '.join(held)}" if held else "is broken, or too large to be decoded"
        raise RequestError(f"{path.name!r} {why}; {' or '.join(kinds)} is needed.")
    return Source(path, form, facts)


def keep_sound(source: Source) -> tuple[str, ...]:
    """The sound as it is, where an MP4 can hold it."""
    return ("-c:a", "copy") if source.facts.audio in SOUND_IN_MP4 else AAC


def texts(source: Source) -> tuple[str, ...]:
    """Subtitles that an MP4 carries, kept."""
    return ("-map", "0:s?", "-c:s", "copy") if source.form.demuxer == "mov" else ()


def redrawn(source: Source, filters: str, text: str | None = None) -> Edit:
    """A film whose picture goes through filters; everything else stays."""
    picture = ("-vf", filters, *PICTURE, *SOUND, *texts(source))
    args = (*source.reading, *picture, *H264, *keep_sound(source), *STREAMED, "out.mp4")
    return Edit(args, ("out.mp4",), source.facts.seconds, text)


def overlaid(source: Source, layer: Sequence[str], graph: str) -> Edit:
    """A film with something laid over it: `graph` joins `[0:V:0]` and `[1:v]`."""
    maps = ("-filter_complex", f"{graph}[film]", "-map", "[film]", *SOUND, *texts(source))
    args = (*source.reading, *layer, *maps, *H264, *keep_sound(source), *STREAMED, "out.mp4")
    return Edit(args, ("out.mp4",), source.facts.seconds)


def fitted(width: int, height: int, fit: str = "pad", square: Fraction = Fraction(1)) -> str:
    """The filters that bring a picture to a size: with bars, cut to fill it, or pulled out of shape."""
    shape = "" if square == 1 else f"scale=w=trunc(iw*{square}/2)*2:h=ih,setsar=1,"
    if fit == "stretch":
        return f"scale={width}:{height},setsar=1"
    if fit == "crop":
        return f"{shape}scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
    inner = f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    return f"{shape}{inner},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1"


def placed(position: str, margin: str) -> str:
    """Where an overlay lies, as an overlay filter's `x` and `y`."""
    x = margin if "left" in position else f"W-w-{margin}" if "right" in position else "(W-w)/2"
    y = margin if "top" in position else f"H-h-{margin}" if "bottom" in position else "(H-h)/2"
    return f"x={x}:y={y}"


def tempo(factor: float) -> str:
    """Filters that play sound faster or slower at the same pitch; one alone would skip samples beyond twice."""
    steps = max(1, math.ceil(abs(math.log2(factor)) - 1e-9))
    return ",".join([f"atempo={factor ** (1 / steps):.9f}"] * steps)


async def moments(source: Source, *where: str, frames: int | None = None) -> list[float]:
    """When the film's frames are shown, in seconds from its start, by its packets alone; `where` seeks first."""
    wanted = ("-frames:v", str(frames)) if frames else ()
    told = await ffmpeg.run(
        *("-loglevel", "error", *where, "-copyts", *source.reading),
        *(*PICTURE, "-c", "copy", *wanted, "-f", "framecrc", "-"),
    )
    second, found = Fraction(1), []
    for line in told.stdout.decode("ascii", "replace").splitlines():
        if line.startswith("#tb 0:"):
            second = Fraction(line.partition(":")[2].strip())
        elif line and not line.startswith("#"):
            found.append(float(int(line.split(",")[2]) * second) - source.facts.start)
    return found


async def copyable(source: Source, start: float, end: float) -> tuple[float, float, int | None]:
    """The least that holds the part asked for and whose packets are whole without their neighbours.

    Returns the keyframe at or before the start, where the part ends, and how many packets it has (None: all the rest).
    """
    key = 0.0
    if start:
        key = max(0.0, min(await moments(source, "-ss", f"{start:.6f}", frames=1), default=0.0))
    if source.seconds and end >= source.seconds:
        return key, end, None
    shown = await moments(source, "-ss", f"{math.ceil(key * 1e6 - 1e-3) / 1e6:.6f}", "-t", f"{end - key + 2:.6f}")
    latest = list(itertools.accumulate(shown, max))
    last, count, after = source.seconds or end, None, math.inf
    for number in range(len(shown) - 1, 0, -1):
        after = min(after, shown[number])
        if latest[number - 1] < after and after > end - 0.01:
            last, count = after, number
    return key, last, count


async def likeness(source: Source) -> tuple[str, ...]:
    """What must be the same in two files for their streams to be joined as they are."""
    told = await ffmpeg.run(
        *("-loglevel", "error", *source.reading, "-map", "0:V:0?", "-map", "0:a?"),
        *("-c", "copy", "-t", "0.001", "-f", "framehash", "-"),
    )
    lines = told.stdout.decode("ascii", "replace").splitlines()
    heads = ("#extradata", "#tb", "#media_type", "#codec_id", "#dimensions", "#sar", "#sample_rate", "#channel_layout")
    facts = source.facts
    return (source.form.mime, str(facts.rate), str(facts.turned), *(li for li in lines if li.startswith(heads)))


def listed(folder: Path, sources: Sequence[Source]) -> tuple[str, ...]:
    """The arguments that read several like files as one: by a list of plain names, whatever theirs are."""
    names = []
    for number, source in enumerate(sources):
        name = f"in{number}{source.form.suffix}"
        try:
            (folder / name).symlink_to(source.path)
        except OSError:
            try:
                os.link(source.path, folder / name)
            except OSError:
                shutil.copyfile(source.path, folder / name)
        names.append(f"file {name}\n")
    (folder / "list.txt").write_text("ffconcat version 1.0\n" + "".join(names), encoding="ascii")
    formats = ("-format_whitelist", f"concat,{sources[0].form.demuxer}")
    return (*ffmpeg.LIMITS, *formats, "-f", "concat", "-safe", "1", "-i", "list.txt")
