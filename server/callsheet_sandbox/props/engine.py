"""ffmpeg as a child process: bytes in, bytes out, and the words of speech carried along in the file."""

import base64
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

H264 = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "22", "-pix_fmt", "yuv420p", "-threads", "2"),
    *("-movflags", "+faststart"),
)
AAC = ("-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k", "-ar", "44100", "-ac", "2")
MP3 = ("-c:a", "libmp3lame", "-compression_level", "7", "-b:a", "128k", "-ar", "44100", "-ac", "2")
BITEXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")

_MARK = "callsheet-sandbox:"


class MediaError(RuntimeError):
    """ffmpeg or the voice could not do what was asked."""


class Word(NamedTuple):
    """A stretch of speech: its text as written, spaces included, and when it is heard."""

    text: str
    start: float
    end: float


@functools.cache
def ffmpeg() -> str:
    """The ffmpeg that draws captions and encodes H.264: the system's own if it can, else the one in the wheel."""
    found = shutil.which("ffmpeg")
    if found:
        about = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
        if "--enable-libx264" in about and "--enable-libass" in about and "--enable-libmp3lame" in about:
            return found
    import imageio_ffmpeg  # noqa: PLC0415 - only looked for when the system has none

    return str(imageio_ffmpeg.get_ffmpeg_exe())


@dataclass(frozen=True)
class Bench:
    """A temporary folder in which ffmpeg runs, so that filters name files without a path to escape."""

    folder: Path

    def put(self, name: str, data: bytes) -> None:
        """Lay a file on the bench."""
        (self.folder / name).write_bytes(data)

    def get(self, name: str) -> bytes:
        """Take a finished file off the bench."""
        path = self.folder / name
        if not path.is_file() or not path.stat().st_size:
            raise MediaError(f"ffmpeg wrote no {path.suffix.lstrip('.')}; the input may be damaged or empty")
        return path.read_bytes()

    def run(self, *args: str, words: Sequence[Word] = (), stdin: bytes | None = None, timeout: float = 300) -> str:
        """Run ffmpeg here and return what it printed; `words` travel in the output's comment tag."""
        command = list(args)
        if words:
            self.put("words.ffmeta", f";FFMETADATA1\ncomment={written(words)}\n".encode())
            after = max(i for i, arg in enumerate(command) if arg == "-i") + 2
            count = command.count("-i")
            command[after:after] = ["-f", "ffmetadata", "-i", "words.ffmeta", "-map_metadata", str(count)]
        command[-1:-1] = BITEXACT
        return self.call("-y", *command, stdin=stdin, timeout=timeout)

    def call(self, *args: str, stdin: bytes | None = None, level: str = "error", timeout: float = 60) -> str:
        """Run ffmpeg with these arguments alone; local files only, whatever a hostile playlist says."""
        guarded: list[str] = []
        for arg in args:
            guarded += ["-protocol_whitelist", "file,pipe", "-i"] if arg == "-i" else [arg]
        quiet = ["-hide_banner", "-loglevel", level] + ([] if stdin is not None else ["-nostdin"])
        try:
            done = subprocess.run(  # noqa: S603 - no shell, our own arguments
                [ffmpeg(), *quiet, *guarded],
                cwd=self.folder,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout,
                check=False,
                env=os.environ | {"AV_LOG_FORCE_NOCOLOR": "1"},
            )
        except subprocess.TimeoutExpired:
            raise MediaError(f"ffmpeg took longer than {timeout:.0f} seconds") from None
        said = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode and level == "error":
            last = said.strip().splitlines()[-1:] or ["no reason given"]
            raise MediaError(f"ffmpeg failed: {last[0][:300]}")
        return said


@contextmanager
def bench(inputs: Mapping[str, bytes] | None = None) -> Iterator[Bench]:
    """A bench with these files laid out, cleared away at the end."""
    with tempfile.TemporaryDirectory(prefix="callsheet-", ignore_cleanup_errors=True) as folder:
        place = Bench(Path(folder))
        for name, data in (inputs or {}).items():
            place.put(name, data)
        yield place


def run_ffmpeg(args: Sequence[str], inputs: Mapping[str, bytes], output: str, *, words: Sequence[Word] = ()) -> bytes:
    """Run ffmpeg once over named files: `run_ffmpeg(["-i", "in.mp4", "-vf", "hflip"], {"in.mp4": video}, "out.mp4")`.

    The output name is appended; H264, AAC and MP3 are ready-made encoder arguments. Words told to the first input
    stay in the output, because ffmpeg copies its comment tag.
    """
    with bench(inputs) as place:
        place.run(*args, output, words=words)
        return place.get(output)


class Facts(NamedTuple):
    """What a media file is, as a player would see it."""

    kind: str
    mime: str
    suffix: str
    width: int
    height: int
    seconds: float
    audio: bool
    video_codec: str
    audio_codec: str


_FORMATS = {
    "mov": ("video/mp4", "mp4"),
    "matroska": ("video/webm", "webm"),
    "avi": ("video/x-msvideo", "avi"),
    "mp3": ("audio/mpeg", "mp3"),
    "wav": ("audio/wav", "wav"),
    "ogg": ("audio/ogg", "ogg"),
    "flac": ("audio/flac", "flac"),
    "aac": ("audio/aac", "aac"),
    "gif": ("image/gif", "gif"),
    "png_pipe": ("image/png", "png"),
    "jpeg_pipe": ("image/jpeg", "jpg"),
    "webp_pipe": ("image/webp", "webp"),
    "webp": ("image/webp", "webp"),
}
_STILLS = {"png", "jpg", "webp"}
_AUDIO_ONLY = {"mp4": ("audio/mp4", "m4a"), "webm": ("audio/webm", "weba")}


def look(place: Bench, name: str) -> tuple[Facts, list[Word], float]:
    """The facts of a file on the bench, the words it was told, and its frames a second."""
    said = place.call("-i", name, "-map", "0", "-c", "copy", "-t", "0", "-f", "ffmetadata", "-", level="info")
    container = re.search(r"^Input #0, (\w+)", said, re.M)
    if container is None or container[1] not in _FORMATS:
        raise ValueError("this is no image, video or sound that can be read")
    mime, suffix = _FORMATS[container[1]]
    video = re.search(r"Stream #0.*?: Video: (\w+)(?!.*attached pic).*?, (\d+)x(\d+)", said)
    audio = re.search(r"Stream #0.*?: Audio: (\w+)", said)
    length = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said)
    rate = re.search(r"([\d.]+) fps", said)
    if mime.startswith("image/"):
        kind = "image"
    elif video is None or mime.startswith("audio/"):
        if audio is None:
            raise ValueError("this file holds neither picture nor sound")
        kind, video = "audio", None
        mime, suffix = _AUDIO_ONLY.get(suffix, (mime, suffix))
    else:
        kind = "video"
    seconds = (
        int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length and suffix not in _STILLS else 0.0
    )
    found = Facts(
        kind=kind,
        mime=mime,
        suffix=suffix,
        width=int(video[2]) if video else 0,
        height=int(video[3]) if video else 0,
        seconds=seconds,
        audio=audio is not None,
        video_codec=video[1] if video and kind == "video" else "",
        audio_codec=audio[1] if audio else "",
    )
    comment = max(re.findall(rf"{_MARK}([\w-]+)", said), key=len, default="")  # the listing cuts it short, the tag not
    return found, read(comment), float(rate[1]) if rate else 24.0


def facts(data: bytes) -> Facts:
    """What these bytes are; ValueError when they are no media."""
    with bench({"data": data}) as place:
        return look(place, "data")[0]


def written(words: Sequence[Word]) -> str:
    """Words as one line for a comment tag."""
    packed = zlib.compress(json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    return _MARK + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read(line: str) -> list[Word]:
    """The words in a comment tag; none when it is not of our making."""
    try:
        packed = base64.urlsafe_b64decode(line + "=" * (-len(line) % 4))
        return [Word(str(text), float(start), float(end)) for text, start, end in json.loads(zlib.decompress(packed))]
    except (ValueError, TypeError, zlib.error):
        return []


def moved(words: Sequence[Word], by: float, *, until: float = float("inf")) -> list[Word]:
    """The same words later (or sooner); what falls outside is dropped."""
    shifted = [Word(text, start + by, min(end + by, until)) for text, start, end in words]
    return [word for word in shifted if word.end > 0 and word.start < until]
