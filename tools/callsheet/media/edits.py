"""What edits have in common: a file that is read, one run of FFmpeg, and what of the file may be copied."""

import itertools
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from callsheet.errors import RequestError
from callsheet.media import ffmpeg
from callsheet.media.probe import PQ, Facts, Picture, Stream, drawn, probe

MOST_FRAMES = 600
SIDES = (2, 8192)
RATE = Fraction(25)
"""Frames a second where the source does not say."""
IN_MP4 = frozenset({"h264", "hevc", "av1", "mpeg4", "vp9"})
SOUND_IN_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
IN_WEBM = frozenset({"vp8", "vp9", "av1"})
SOUND_IN_WEBM = frozenset({"vorbis", "opus"})
TEXTS = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"})
COVERS = frozenset({"mjpeg", "png"})
UNSPOKEN = ("timecode", "tmcd", "bin_data")

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "24", "-deadline", "good", "-cpu-used", "5", "-row-mt", "1")
SEE_THROUGH = (*VP9, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")
AAC = ("-c:a", "aac", "-b:a", "192k")
OPUS = ("-c:a", "libopus", "-b:a", "160k")
STREAMED = ("-movflags", "+faststart")
ON_THE_CLOCK = "aresample=async=1:min_hard_comp=0.02:first_pts=0"
"""Sound as a player hears it: silence where it begins late or has a hole."""
STEREO = "aresample=48000:async=1:min_hard_comp=0.02:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"


@dataclass(frozen=True)
class Source:
    """A file that is read, and what is in it."""

    path: Path
    facts: Facts
    still: Path | None = None
    """A picture of it that any FFmpeg reads."""

    @property
    def reading(self) -> tuple[str, ...]:
        """The arguments that open it."""
        if self.still:
            return (*ffmpeg.LIMITS, "-max_pixels", str(ffmpeg.PIXELS), "-i", self.still.name)
        decoder = {"vp9": ("-c:v", "libvpx-vp9"), "vp8": ("-c:v", "libvpx")} if self.see_through else {}
        pixels = ("-max_pixels", str(ffmpeg.PIXELS))
        return (
            *ffmpeg.LIMITS,
            *pixels,
            *decoder.get(self.codec, ()),
            "-f",
            str(self.facts.format),
            "-i",
            f"file:{self.path}",
        )

    @cached_property
    def film(self) -> Stream:
        """Its picture."""
        if self.facts.film is None:
            raise RequestError(f"{self.path.name!r} has no picture that can be read.")
        return self.facts.film

    @property
    def codec(self) -> str:
        """The coding of its picture."""
        return str(self.facts.video)

    @property
    def see_through(self) -> bool:
        """Whether its picture can be seen through."""
        return bool(self.facts.film and self.facts.film.alpha)

    @property
    def sounds(self) -> tuple[Stream, ...]:
        """What can be heard of it."""
        return self.facts.sounds

    @property
    def texts(self) -> tuple[Stream, ...]:
        """Its tracks of subtitles that are text."""
        return tuple(stream for stream in self.facts.of("subtitle") if stream.codec in TEXTS)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as it is shown, even."""
        if self.facts.film:
            return self.facts.film.size
        picture = self.facts.picture or Picture("", 0, 0)
        return picture.width, picture.height

    @property
    def seconds(self) -> float:
        """When its picture ends, from the file's start."""
        if self.facts.film:
            return max(0.0, round(self.film.end - self.facts.start, 6))
        return self.facts.seconds or 0.0

    @property
    def heard(self) -> float:
        """How long its first sound is, from the file's start; 0 where it has none."""
        return max(0.0, round(self.sounds[0].end - self.facts.start, 6)) if self.sounds else 0.0

    @property
    def rate(self) -> Fraction:
        """Frames a second; where they vary, the highest that is usual."""
        rate = self.film.rate or RATE
        return rate if self.film.steady and rate <= 240 else min(rate, Fraction(60))

    @property
    def container(self) -> str | None:
        """The suffix under which its picture can be stored as it is; None where it cannot."""
        if self.see_through and self.codec in IN_WEBM:
            return ".webm"
        only = [sound.codec for sound in self.sounds]
        if self.codec in ("vp8", "vp9") and all(codec in SOUND_IN_WEBM for codec in only):
            return ".webm"
        return ".mp4" if self.codec in IN_MP4 else ".webm" if self.codec in IN_WEBM else None

    def inside(self, name: str, seconds: float) -> None:
        """Whether a moment lies within its picture.

        Raises:
            RequestError: it does not.
        """
        if self.seconds and seconds >= self.seconds:
            longer = " (its sound is longer)" if self.heard > self.seconds + 0.5 else ""
            raise RequestError(f"`{name}` is {seconds:g} s, but the video is only {self.seconds:g} s long{longer}.")


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
    notes: Sequence[str] = ()
    """What was dropped, changed or assumed."""


async def opened(reference: str, *kinds: str, folder: Path | None = None) -> Source:
    """A file as a source, if it holds what is needed (`video`, `audio`, `image`); a picture is written anew.

    Raises:
        RequestError: it does not, or cannot be read.
    """
    path = Path(reference)
    facts = await probe(path)
    form = ffmpeg.form_at(path)
    has = {"audio": bool(facts.sounds), "video": facts.film is not None, "image": facts.picture is not None}
    if not has["image"] and "image" in kinds and form and form.kind == "image" and facts.film:
        has = {"audio": False, "video": False, "image": True}
    if not any(has[kind] for kind in kinds):
        raise RequestError(unfit(path, form, facts, [kind for kind, there in has.items() if there], kinds))
    if "image" in kinds and not has["video"] and facts.picture and folder:
        still = folder / f"{path.name.encode().hex()[:16]}-{len(list(folder.iterdir()))}.png"
        return Source(path, Facts("png", picture=await drawn(path, still)), still)
    return Source(path, facts)


def unfit(path: Path, form: ffmpeg.Form | None, facts: Facts, held: Sequence[str], kinds: Sequence[str]) -> str:
    """Why a file cannot be used: what it is, and what could be done."""
    wanted = " or ".join(kinds)
    if held:
        return f"{path.name!r} holds only {' and '.join(held)}; {wanted} is needed."
    if form and form.kind == "image" and not facts.picture:
        return f"{path.name!r} ({form.mime}) is broken, or too large to be decoded; {wanted} is needed."
    unread = [stream for stream in facts.streams if stream.kind in kinds and not stream.readable and not stream.cover]
    if unread:
        coding = next((stream.codec for stream in unread if stream.codec), None)
        return f"{path.name!r} has a {unread[0].kind} track" + (
            f" ({coding}) without anything in it."
            if coding
            else " in a coding that FFmpeg does not know; convert it first."
        )
    if facts.streams:
        return f"{path.name!r} holds no {wanted}."
    if form is None:
        return f"{path.name!r} is no {wanted} file."
    if form.kind in ("video", "audio", "image"):
        return f"{path.name!r} ({form.mime}) is broken, or too large to be decoded; {wanted} is needed."
    return f"{path.name!r} is {form.mime}; {wanted} is needed."


def lost(source: Source, container: str, *, texts: bool = True) -> list[str]:
    """What of a file a result in this container does not hold, a sentence each."""
    notes = []
    for number, sound in enumerate(source.facts.of("audio"), 1):
        if not sound.readable:
            why = "has nothing in it" if sound.codec else "is in a coding that cannot be read"
            notes.append(f"Left out: sound {number} ({sound.codec or 'unknown'}) {why}.")
    for number, text in enumerate(source.facts.of("subtitle"), 1):
        if text.codec not in TEXTS:
            notes.append(f"Left out: subtitle track {number} ({text.codec or 'unknown'}), which is no text.")
        elif not texts:
            notes.append(f"Left out: subtitle track {number}{f' ({text.language})' if text.language else ''}.")
    films = source.facts.of("video")
    notes += [f"Left out: picture track {n} ({film.codec})." for n, film in enumerate(films[1:], 2)]
    covers = [stream for stream in source.facts.streams if stream.cover]
    if covers and (container != ".mp4" or covers[0].codec not in COVERS):
        notes.append("Left out: its cover picture.")
    others = [s for s in source.facts.streams if s.kind in ("data", "attachment") and s.codec not in UNSPOKEN]
    notes += [f"Left out: {len(others)} track{'s' * (len(others) > 1)} of data."] if others else []
    return notes


def sound_coding(source: Source, container: str, *, copied: bool, first: int = 0) -> tuple[str, ...]:
    """How each sound is stored: as it is where the container holds it, else coded anew."""
    holds = SOUND_IN_MP4 if container == ".mp4" else SOUND_IN_WEBM
    coding = AAC if container == ".mp4" else OPUS
    args: list[str] = []
    for number, sound in enumerate(source.sounds, first):
        if copied and sound.codec in holds:
            args += (f"-c:a:{number}", "copy")
        else:
            args += (f"-c:a:{number}", coding[1], f"-b:a:{number}", coding[3])
    return tuple(args)


def sound_maps(source: Source, number: int = 0) -> tuple[str, ...]:
    """The sounds that can be read."""
    return tuple(arg for sound in source.sounds for arg in ("-map", f"{number}:{sound.index}"))


def cover_maps(source: Source, container: str) -> tuple[str, ...]:
    """The cover picture, kept where the container has a place for one."""
    covers = [s for s in source.facts.streams if s.cover and s.codec in COVERS]
    if container != ".mp4" or not covers:
        return ()
    return ("-map", f"0:{covers[0].index}", "-c:v:1", "copy", "-disposition:v:1", "attached_pic")


def text_maps(source: Source, container: str) -> tuple[str, ...]:
    """Its subtitles that are text, as the container writes them."""
    coding = ("-c:s", "mov_text" if container == ".mp4" else "webvtt")
    maps = tuple(arg for text in source.texts for arg in ("-map", f"0:{text.index}"))
    return (*maps, *coding) if maps else ()


def finished(container: str) -> tuple[str, ...]:
    """The last arguments: the name of the result."""
    return (*(STREAMED if container == ".mp4" else ()), f"out{container}")


def bright(film: Stream) -> str:
    """The filters that bring HDR to the light of an ordinary screen."""
    light = "smpte2084" if film.transfer == PQ else "arib-std-b67"
    wide = "" if film.primaries != 2 else ":pin=bt2020"
    mixed = "" if film.matrix not in (0, 2) else ":min=2020_ncl"
    linear = f"zscale=tin={light}{wide}{mixed}:t=linear:npl=203,format=gbrpf32le,zscale=p=bt709"
    return f"{linear},tonemap=tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv"


def shown(source: Source) -> list[str]:
    """The filters after which a picture is as it is seen: whole frames, ordinary light, square pixels, even sides.

    FFmpeg turns it upright by itself.
    """
    film, (width, height) = source.film, source.size
    filters = []
    if film.fields:
        filters.append("bwdif=mode=send_frame:deint=all")
    if film.hdr:
        filters.append(bright(film))
    if film.square != 1:
        filters.append(f"scale={width}:{height}:flags=bicubic,setsar=1")
    elif (width, height) != tuple(int(side) for side in film.shown):
        filters.append(f"crop={width}:{height}:0:0,setsar=1")
    filters.append("format=yuva420p" if film.alpha else "format=yuv420p")
    return filters


def changed(source: Source) -> list[str]:
    """What is done to every picture that is drawn anew, a sentence each."""
    film, notes = source.film, []
    if film.hdr:
        notes.append(f"HDR ({'PQ' if film.transfer == PQ else 'HLG'}) was brought to the light of an ordinary screen.")
    if film.fields:
        notes.append("Interlaced fields became whole frames.")
    return notes


def fitted(width: int, height: int, fit: str = "pad") -> str:
    """The filters that bring a picture of square pixels to a size: with bars, cut to fill it, or out of shape."""
    if fit == "stretch":
        return f"scale={width}:{height},setsar=1"
    if fit == "crop":
        return f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
    inner = f"scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
    return f"{inner},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1"


def placed(position: str, margin: str) -> str:
    """Where an overlay lies, as an overlay filter's `x` and `y`."""
    x = margin if "left" in position else f"W-w-{margin}" if "right" in position else "(W-w)/2"
    y = margin if "top" in position else f"H-h-{margin}" if "bottom" in position else "(H-h)/2"
    return f"x={x}:y={y}"


def tempo(factor: float, pitch: bool = True) -> str:
    """Filters that play sound faster or slower, at the same pitch or at another."""
    if not pitch:
        return f"aresample=48000,asetrate={round(48000 * factor)},aresample=48000"
    steps = max(1, math.ceil(abs(math.log2(factor)) - 1e-9))  # one alone would skip samples beyond twice
    return ",".join([f"atempo={factor ** (1 / steps):.9f}"] * steps)


async def moments(source: Source, *where: str, frames: int | None = None) -> list[float]:
    """When the film's frames are shown, in seconds from its start, by its packets alone; `where` seeks first."""
    wanted = ("-frames:v", str(frames)) if frames else ()
    told = await ffmpeg.run(
        *("-loglevel", "error", *where, "-copyts", *source.reading),
        *("-map", f"0:{source.film.index}", "-c", "copy", *wanted, "-f", "framecrc", "-"),
    )
    second, found = Fraction(1), []
    for line in told.stdout.decode("ascii", "replace").splitlines():
        if line.startswith("#tb 0:"):
            second = Fraction(line.partition(":")[2].strip())
        elif line and not line.startswith("#"):
            found.append(float(int(line.split(",")[2]) * second) - source.facts.start)
    return found


async def frame_at(source: Source, seconds: float) -> float:
    """When the frame that is seen at a moment was first shown; the first one before there is any."""
    if seconds <= 0:
        return 0.0
    around = await moments(source, "-ss", f"{seconds:.6f}", "-t", "1.0")
    before = [moment for moment in around if moment <= seconds + 1e-4]
    return max(before) if before else min(around, default=0.0)


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
    maps = [f"0:{stream.index}" for stream in (source.facts.film, *source.sounds) if stream]
    told = await ffmpeg.run(
        *("-loglevel", "error", *source.reading, *(arg for name in maps for arg in ("-map", name))),
        *("-c", "copy", "-t", "0.001", "-f", "framehash", "-"),
    )
    lines = told.stdout.decode("ascii", "replace").splitlines()
    heads = ("#extradata", "#tb", "#media_type", "#codec_id", "#dimensions", "#sar", "#sample_rate", "#channel_layout")
    film = source.facts.film
    whole = (str(film.rate), str(film.turned), str(film.mirrored), str(film.steady)) if film else ()
    aligned = str(all(abs(s.start - source.facts.start) < 0.1 for s in source.sounds))
    return (str(source.facts.format), aligned, *whole, *(li for li in lines if li.startswith(heads)))


def listed(folder: Path, sources: Sequence[Source]) -> tuple[str, ...]:
    """The arguments that read several like files as one: by a list of plain names, whatever theirs are."""
    names = []
    for number, source in enumerate(sources):
        name = f"in{number}.{source.facts.format}"
        try:
            (folder / name).symlink_to(source.path)
        except OSError:
            try:
                os.link(source.path, folder / name)
            except OSError:
                shutil.copyfile(source.path, folder / name)
        names.append(f"file {name}\n")
    (folder / "list.txt").write_text("ffconcat version 1.0\n" + "".join(names), encoding="ascii")
    formats = ("-format_whitelist", f"concat,{sources[0].facts.format}")
    return (*ffmpeg.LIMITS, *formats, "-f", "concat", "-safe", "1", "-i", "list.txt")
