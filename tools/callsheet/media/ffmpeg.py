"""FFmpeg as a program: what is in a file, and small pictures of it. Foreign media are decoded in that child only."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anyio

from callsheet.errors import ProviderError

PIXELS = 200_000_000
LIMITS = ("-protocol_whitelist", "file", "-max_alloc", str(1 << 30))
PREVIEW_BYTES = 40_000
HEAD = 1024
"""So many first bytes tell every format."""


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
BMP, TIFF = Form("image/bmp", ".bmp", "bmp_pipe"), Form("image/tiff", ".tiff", "tiff_pipe")
AVIF, HEIC = Form("image/avif", ".avif", "mov"), Form("image/heic", ".heic", "mov")
MP4, MOV = Form("video/mp4", ".mp4", "mov"), Form("video/quicktime", ".mov", "mov")
WEBM, AVI = Form("video/webm", ".webm", "matroska"), Form("video/x-msvideo", ".avi", "avi")
WAV, MP3 = Form("audio/wav", ".wav", "wav"), Form("audio/mpeg", ".mp3", "mp3")
TS, FLV = Form("video/mp2t", ".ts", "mpegts"), Form("video/x-flv", ".flv", "flv")
ASF, MPEG = Form("video/x-ms-asf", ".wmv", "asf"), Form("video/mpeg", ".mpg", "mpeg")
MKV = Form("video/x-matroska", ".mkv", "matroska")
AAC, AIFF, CAF = (
    Form("audio/aac", ".aac", "aac"),
    Form("audio/aiff", ".aiff", "aiff"),
    Form("audio/x-caf", ".caf", "caf"),
)
AMR = Form("audio/amr", ".amr", "amr")
OGG, FLAC, M4A = Form("audio/ogg", ".ogg", "ogg"), Form("audio/flac", ".flac", "flac"), Form("audio/mp4", ".m4a", "mov")
GLB, PDF = Form("model/gltf-binary", ".glb"), Form("application/pdf", ".pdf")
JSON, SRT, VTT = Form("application/json", ".json"), Form("application/x-subrip", ".srt"), Form("text/vtt", ".vtt")
FORMS = {form.suffix: form for form in (JSON, SRT, VTT)}

SIGNATURES: tuple[tuple[int, bytes, Form], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (8, b"WEBP", WEBP),
    (0, b"GIF8", GIF),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    *((4, b"ftyp" + brand, AVIF) for brand in (b"avif", b"avis")),
    *((4, b"ftyp" + brand, HEIC) for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")),
    (4, b"ftypM4A", M4A),
    (4, b"ftypM4B", M4A),
    (4, b"ftypqt", MOV),
    (4, b"ftyp", MP4),
    *((4, atom, MOV) for atom in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")),
    (0, b"\x1aE\xdf\xa3", WEBM),
    (0, b"FLV\x01", FLV),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ASF),
    (0, b"\0\0\x01\xba", MPEG),
    (8, b"AIFF", AIFF),
    (8, b"AIFC", AIFF),
    (0, b"caff", CAF),
    (0, b"#!AMR", AMR),
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
    """The format of a file by its first bytes (`HEAD` of them, where there are so many); None where it is none."""
    for offset, mark, form in SIGNATURES:
        if head[offset : offset + len(mark)] == mark:
            return MKV if form is WEBM and b"webm" not in head[:64] and b"matroska" in head[:64] else form
    if SUBRIP.match(head):
        return SRT
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return BMP
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return TS
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return AAC
    mpeg_audio = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0
    return MP3 if mpeg_audio else None


def form_at(path: Path) -> Form | None:
    """The format of a file on disk."""
    with path.open("rb") as file:
        return form_of(file.read(HEAD))


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


async def preview(path: Path, form: Form, seconds: float | None, target: Path) -> bool:
    """A JPEG under 40 kB that shows what a file is: a thumbnail, a contact sheet of six frames, or a waveform."""
    if form.demuxer is None:
        return False
    for width, quality in ((384, 5), (320, 9), (240, 14)):
        if form.kind == "audio":
            filters = ("-filter_complex", f"[0:a]showwavespic=s={width * 2}x{width // 2}:colors=#4a90d9")
        elif form.kind == "video":
            step = max((seconds or 1.0) / 6, 0.01)
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
