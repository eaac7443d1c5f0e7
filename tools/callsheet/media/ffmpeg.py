"""FFmpeg as a program: what is in a file, and small pictures of it. Foreign media are decoded in that child only."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import anyio

from callsheet.errors import ProviderError

PIXELS = 200_000_000
LIMITS = ("-protocol_whitelist", "file", "-max_alloc", str(1 << 30))
PREVIEW_BYTES = 40_000
TELLING = re.compile(r" +(?:Stream #|Duration: |display ?matrix: )", re.IGNORECASE)
"""Lines about a file that do not repeat what is written in it."""


@dataclass(frozen=True)
class Form:
    """A file format: how it is known, named and read."""

    mime: str
    suffix: str
    demuxer: str | None = None

    @property
    def kind(self) -> str:
        """`image`, `video`, `audio`, `model` or `application`."""
        return self.mime.partition("/")[0]


PNG, JPEG = Form("image/png", ".png", "png_pipe"), Form("image/jpeg", ".jpg", "jpeg_pipe")
WEBP, GIF = Form("image/webp", ".webp", "webp_pipe"), Form("image/gif", ".gif", "gif")
MP4, MOV = Form("video/mp4", ".mp4", "mov"), Form("video/quicktime", ".mov", "mov")
WEBM, AVI = Form("video/webm", ".webm", "matroska"), Form("video/x-msvideo", ".avi", "avi")
WAV, MP3 = Form("audio/wav", ".wav", "wav"), Form("audio/mpeg", ".mp3", "mp3")
OGG, FLAC, M4A = Form("audio/ogg", ".ogg", "ogg"), Form("audio/flac", ".flac", "flac"), Form("audio/mp4", ".m4a", "mov")
GLB, PDF = Form("model/gltf-binary", ".glb"), Form("application/pdf", ".pdf")
JSON, SRT, VTT = Form("application/json", ".json"), Form("application/x-subrip", ".srt"), Form("text/vtt", ".vtt")
FORMS = {form.suffix: form for form in (JSON, SRT, VTT)}

SIGNATURES: tuple[tuple[int, bytes, Form], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (8, b"WEBP", WEBP),
    (0, b"GIF8", GIF),
    (4, b"ftypM4A", M4A),
    (4, b"ftypqt", MOV),
    (4, b"ftyp", MP4),
    (0, b"\x1aE\xdf\xa3", WEBM),
    (8, b"AVI ", AVI),
    (8, b"WAVE", WAV),
    (0, b"ID3", MP3),
    (0, b"OggS", OGG),
    (0, b"fLaC", FLAC),
    (0, b"glTF", GLB),
    (0, b"WEBVTT", VTT),
    (3, b"WEBVTT", VTT),
)
"""Where a format's mark stands, the mark, the format; the first that fits counts."""
SUBRIP = re.compile(rb"(\xef\xbb\xbf)?\s*\d+\s*\r?\n\d{1,3}:\d\d:\d\d[,.]\d{1,3} --> ")
"""The number and the times of the first cue."""


def form_of(head: bytes) -> Form | None:
    """The format of a file by its first bytes; None where it is none of ours."""
    for offset, mark, form in SIGNATURES:
        if head[offset : offset + len(mark)] == mark:
            return form
    if SUBRIP.match(head):
        return SRT
    mpeg_audio = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0
    return MP3 if mpeg_audio else None


def form_at(path: Path) -> Form | None:
    """The format of a file on disk."""
    with path.open("rb") as file:
        return form_of(file.read(64))


@dataclass(frozen=True)
class Facts:
    """What a file holds: pixels, seconds, and whether there is sound."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    video: str | None = None
    audio: str | None = None
    start: float = 0.0
    rate: Fraction | None = None
    """Frames a second."""
    square: Fraction = Fraction(1)
    """The shape of a pixel: width over height."""
    turned: bool = False
    """Shown on its side: width and height change places."""


@cache
def binary() -> str:
    """The ffmpeg to use: the system's, else the one that came with us."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg  # noqa: PLC0415  (heavy, and often not needed)

    return str(imageio_ffmpeg.get_ffmpeg_exe())


async def run(*args: str, timeout: float = 60.0) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg to its end.

    Raises:
        ProviderError: it did not come to an end in time.
    """
    command = [binary(), "-nostdin", "-hide_banner", *args]
    try:
        with anyio.fail_after(timeout):
            return await anyio.run_process(command, stdin=subprocess.DEVNULL, check=False)
    except TimeoutError:
        raise ProviderError(f"ffmpeg did not finish within {timeout:.0f} s.") from None


def reading(path: Path, form: Form) -> tuple[str, ...]:
    """The arguments that open a foreign file: one demuxer, local files only, and no picture beyond bounds."""
    return (*LIMITS, "-max_pixels", str(PIXELS), "-f", str(form.demuxer), "-i", f"file:{path}")


async def probe(path: Path, form: Form) -> Facts:
    """What a file holds; empty where nothing can be read."""
    if form.demuxer is None:
        return Facts()
    told = (await run(*reading(path, form))).stderr.decode("utf-8", "replace")
    told = "\n".join(line for line in told.splitlines() if TELLING.match(line) and "(attached pic)" not in line)
    size = re.search(r"Video: (\w+).*?, (\d{2,5})x(\d{2,5})", told)
    sound = re.search(r"Audio: (\w+)", told)
    length = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", told)
    start = re.search(r"start: (-?\d+\.\d+)", told)
    rate = re.search(r"Video: .*?, (\d+(?:\.\d+)?) fps", told)
    shape = re.search(r"Video: .*?SAR (\d+):(\d+)", told)
    turned = re.search(r"rotation of (-?\d+)", told)
    seconds = None
    if length and (form.kind != "image" or form is GIF):
        hours, minutes, rest = length.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return Facts(
        width=int(size[2]) if size else None,
        height=int(size[3]) if size else None,
        seconds=seconds,
        video=size[1] if size else None,
        audio=sound[1] if sound else None,
        start=float(start[1]) if start else 0.0,
        rate=exact_rate(rate[1]) if rate and float(rate[1]) else None,
        square=Fraction(int(shape[1]), int(shape[2])) if shape and int(shape[1]) * int(shape[2]) else Fraction(1),
        turned=bool(turned and int(turned[1]) % 180),
    )


def exact_rate(told: str) -> Fraction:
    """A rate as it is meant: 29.97 is 30000/1001."""
    whole = round(float(told))
    television = Fraction(whole * 1000, 1001)
    return television if "." in told and abs(float(television) - float(told)) < 0.006 else Fraction(told)


async def preview(path: Path, form: Form, facts: Facts, target: Path) -> bool:
    """A JPEG under 40 kB that shows what a file is: a thumbnail, a contact sheet of six frames, or a waveform."""
    if form.demuxer is None:
        return False
    for width, quality in ((384, 5), (320, 9), (240, 14)):
        if form.kind == "audio":
            filters = ("-filter_complex", f"[0:a]showwavespic=s={width * 2}x{width // 2}:colors=#4a90d9")
        elif form.kind == "video":
            step = max((facts.seconds or 1.0) / 6, 0.01)
            filters = ("-vf", f"fps=1/{step:.3f}:round=up,scale={width // 2}:-2,tile=3x2")
        else:
            filters = ("-vf", f"scale='min({width},iw)':-2")
        out = ("-frames:v", "1", "-q:v", str(quality), "-f", "mjpeg", "-y", f"file:{target}")
        done = await run("-loglevel", "error", *reading(path, form), *filters, *out)
        if done.returncode or not target.is_file() or not target.stat().st_size:
            return False
        if target.stat().st_size <= PREVIEW_BYTES:
            return True
    return False
