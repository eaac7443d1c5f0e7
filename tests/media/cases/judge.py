"""What somebody who plays a file sees and hears of it, as numbers: for tests of edits.

Needs FFmpeg, Pillow and numpy; no ffprobe. `$FFMPEG`, else the one on PATH, else imageio_ffmpeg's. All times are
seconds from the file's start, as a player counts them; all pictures are as shown: turned, and in square pixels.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

RATE = 48000
"""Samples a second in which sound is looked at."""


@cache
def binary() -> str:
    """The FFmpeg that measures."""
    found = os.environ.get("FFMPEG") or shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def ffmpeg(*args: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
    """Run FFmpeg quietly; a fault of it is the caller's to see in `returncode`."""
    command = [binary(), "-nostdin", "-hide_banner", *map(str, args)]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False)


@dataclass(frozen=True)
class Stream:
    """A stream, as `ffmpeg -i` tells of it."""

    kind: str
    """`video`, `audio`, `subtitle`, `data` or `attachment`."""
    codec: str
    language: str
    line: str
    size: tuple[int, int] = (0, 0)
    """As stored."""
    pixels: str = ""
    """The pixel format."""
    deep: bool = False
    """More than 8 bits."""
    hdr: str = ""
    """`smpte2084` (PQ) or `arib-std-b67` (HLG) where it is marked so."""
    shape: float = 1.0
    """Of a pixel: width over height."""
    turned: int = 0
    """Degrees of the display matrix."""
    cover: bool = False
    fields: bool = False
    """Marked as interlaced."""


def streams(path: str | Path, kind: str = "") -> list[Stream]:
    """The streams of a file, all or of one kind; cover pictures are `video` with `cover` set."""
    told = ffmpeg("-i", path).stderr.decode("utf-8", "replace").split("\nOutput #")[0].splitlines()
    found: list[Stream] = []
    for n, line in enumerate(told):
        m = re.match(r" +Stream #0:\d+(?:\[\w+\])?(?:\((\w+)\))?: (\w+): (\w+)(.*)", line)
        if not m:
            continue
        rest, turned = m[4], 0
        for later in told[n + 1 :]:
            if re.match(r" +Stream #", later):
                break
            if r := re.search(r"rotation of (-?[\d.]+)", later):
                turned = round(float(r[1]))
        size = re.search(r", (\d+)x(\d+)", rest)
        pixels = re.search(r", ((?:yuv|gray|gbr|rgb|bgr|argb|abgr|pal|nv|p0|ya|mono)\w*)", rest)
        shape = re.search(r"SAR (\d+):(\d+)", rest)
        hdr = re.search(r"smpte2084|arib-std-b67", rest)
        name = pixels[1] if pixels else ""
        found.append(
            Stream(
                m[2].lower(), m[3], m[1] or "", line.strip(),
                (int(size[1]), int(size[2])) if size else (0, 0), name,
                bool(re.search(r"(9|10|12|14|16|48|64)[lb]e$|^p01", name)),
                hdr[0] if hdr else "",
                int(shape[1]) / int(shape[2]) if shape and int(shape[1]) and int(shape[2]) else 1.0,
                turned, "attached pic" in line,
                bool(re.search(r"(top|bottom) (first|coded first)", rest)),
            )
        )  # fmt: skip
    return [stream for stream in found if not kind or stream.kind == kind]


def chapters(path: str | Path) -> int:
    """How many chapters a file has."""
    return len(re.findall(rb"^ +Chapter #", ffmpeg("-i", path).stderr, re.MULTILINE))


def stamps(path: str | Path, what: str = "V:0") -> list[tuple[float, float, str]]:
    """Start, length and checksum of every decoded frame (`V:0` the picture, `a:0` the first sound)."""
    fine = ("-fps_mode", "passthrough", "-enc_time_base", "1/90000") if what[0] in "Vv" else ()
    told = ffmpeg("-loglevel", "error", "-i", path, "-map", f"0:{what}", *fine, "-f", "framecrc", "-")
    second, found = 1.0, []
    for line in told.stdout.decode("ascii", "replace").splitlines():
        if m := re.match(r"#tb 0: (\d+)/(\d+)", line):
            second = int(m[1]) / int(m[2])
        elif line and line[0] != "#":
            parts = [part.strip() for part in line.split(",")]
            found.append((int(parts[2]) * second, int(parts[3]) * second, parts[5]))
    return found


def span(path: str | Path, what: str = "V:0") -> tuple[float, float]:
    """When the picture (`V:0`) or a sound (`a:0`) starts and ends; (0, 0) where there is none."""
    frames = stamps(path, what)
    if not frames:
        return 0.0, 0.0
    start, last = min(f[0] for f in frames), max(frames, key=lambda f: f[0])
    usual = sorted(b[0] - a[0] for a, b in zip(frames, frames[1:]))[len(frames) // 2 - 1] if len(frames) > 1 else 0.0
    return start, last[0] + (last[1] or usual)


def seconds(path: str | Path, what: str = "V:0") -> float:
    """How long the picture or a sound is seen or heard, from its first moment to its last."""
    start, end = span(path, what)
    return end - start


def onsets(times: np.ndarray, loud: np.ndarray) -> list[float]:
    """Where something begins that was not there before."""
    return [round(float(t), 3) for t, now, old in zip(times, loud, np.r_[False, loud[:-1]]) if now and not old]


def flashes(path: str | Path, level: float = 120) -> list[float]:
    """When the picture turns bright."""
    told = ffmpeg("-loglevel", "error", "-i", path, "-map", "0:V:0", "-vf",
                  "scale=64:36,format=gray,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-",
                  "-f", "null", "-").stdout.decode()  # fmt: skip
    times = np.array([float(t) for t in re.findall(r"pts_time:([-\d.]+)", told)])
    bright = np.array([float(y) > level for y in re.findall(r"YAVG=([\d.]+)", told)])
    return onsets(times[: len(bright)], bright[: len(times)])


def samples(path: str | Path, track: int = 0) -> np.ndarray:
    """A sound as one channel of 48 kHz from the file's start, holes filled with silence as a player does."""
    told = ffmpeg("-loglevel", "error", "-i", path, "-map", f"0:a:{track}", "-af",
                  f"aresample={RATE}:async=1:min_hard_comp=0.02:first_pts=0", "-ac", "1", "-ar", RATE, "-f", "f32le", "-")  # fmt: skip
    return np.frombuffer(told.stdout[: len(told.stdout) // 4 * 4], np.float32)


def loudness(path: str | Path, track: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The sound's level (RMS) in steps of 5 ms, and their times."""
    heard, step = samples(path, track), RATE // 200
    blocks = heard[: len(heard) // step * step].reshape(-1, step).astype(np.float64)
    return np.arange(len(blocks)) / 200, np.sqrt((blocks**2).mean(axis=1)) if len(blocks) else np.zeros(0)


def beeps(path: str | Path, track: int = 0, level: float = 0.08) -> list[float]:
    """When the sound becomes loud; silences below 60 ms do not count as one."""
    found, last = [], -1.0
    for t, loud in zip(*loudness(path, track)):
        if loud > level:
            if t - last > 0.06:
                found.append(round(float(t), 3))
            last = t
    return found


def tone(path: str | Path, at: float, length: float = 0.2, track: int = 0) -> float:
    """The strongest frequency (Hz) heard there; 0 where it is silent."""
    part = samples(path, track)[int(at * RATE) : int((at + length) * RATE)]
    if len(part) < 64 or np.abs(part).max() < 0.003:
        return 0.0
    strength = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16))
    return float(np.argmax(strength) * RATE / (1 << 16))


def hears(path: str | Path, hz: float, at: float, length: float = 0.2, track: int = 0) -> bool:
    """Whether a tone is heard there, also beside others."""
    part = samples(path, track)[int(at * RATE) : int((at + length) * RATE)]
    if len(part) < 64 or np.abs(part).max() < 0.003:
        return False
    strength = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16)) ** 2
    bins = np.fft.rfftfreq(1 << 16, 1 / RATE)
    return bool(strength[np.abs(bins - hz) < max(12, hz * 0.02)].sum() > 0.05 * strength.sum())


def clipped(path: str | Path) -> int:
    """How many samples lie in flat tops of two and more at full scale."""
    told = ffmpeg("-loglevel", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-ac", "1", "-")
    flat = np.abs(np.frombuffer(told.stdout[: len(told.stdout) // 4 * 4], np.float32)) >= 0.9995
    return int((flat[1:] & flat[:-1]).sum())


def apart(path: str | Path) -> float:
    """The largest distance between a flash and the beep that belongs to it; infinite where one of them is missing.

    Each of the fewer is paired with the nearest of the others: a flash in a hole of the sound has no beep.
    """
    seen, heard = flashes(path), beeps(path)
    if not seen or not heard:
        return float("inf")
    few, many = (seen, heard) if len(seen) <= len(heard) else (heard, seen)
    return max(min(abs(a - b) for b in many) for a in few)


def picture(path: str | Path, at: float = 0.0) -> Image.Image:
    """The frame shown at a moment, upright and in square pixels."""
    told = ffmpeg("-loglevel", "error", "-i", path, "-map", "0:V:0", "-ss", f"{at:.3f}", "-frames:v", "1", "-vf",
                  "scale=w='if(gt(sar,0),iw*sar,iw)':h=ih,setsar=1", "-pix_fmt", "rgb24", "-c:v", "png", "-f", "image2pipe", "-")  # fmt: skip
    if not told.stdout:
        raise AssertionError(
            f"{Path(path).name} shows nothing at {at} s: {told.stderr.decode(errors='replace')[-200:]}"
        )
    return Image.open(io.BytesIO(told.stdout)).convert("RGB")


def still(path: str | Path) -> Image.Image:
    """A picture file as a viewer shows it: EXIF orientation applied, pixel shape ignored as most viewers do."""
    return ImageOps.exif_transpose(Image.open(path))


def colour(image: Image.Image, x: float, y: float, part: float = 0.06) -> tuple[int, int, int]:
    """The mean colour around a point; `x`, `y` and `part` are parts of the width and height."""
    a, (w, h) = np.asarray(image.convert("RGB"), np.float64), image.size
    x0, y0 = int(max(0, x - part / 2) * w), int(max(0, y - part / 2) * h)
    x1, y1 = max(x0 + 1, int((x + part / 2) * w)), max(y0 + 1, int((y + part / 2) * h))
    red, green, blue = a[y0:y1, x0:x1].reshape(-1, 3).mean(axis=0)
    return round(red), round(green), round(blue)


def near(one: tuple[int, ...], two: tuple[int, ...], by: int = 60) -> bool:
    """Whether two colours are about the same."""
    return max(abs(a - b) for a, b in zip(one, two)) <= by


def changed(one: Image.Image, two: Image.Image, by: int = 60) -> np.ndarray:
    """Which pixels differ clearly; pictures of another size are brought to the first one's."""
    if two.size != one.size:
        two = two.resize(one.size)
    a, b = (np.asarray(i.convert("RGB"), np.int16) for i in (one, two))
    return np.abs(a - b).max(axis=2) > by


def box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """The least rectangle around what is set: left, top, right, bottom; None where nothing is."""
    ys, xs = np.nonzero(mask)
    return (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1) if len(xs) else None


def written(film: str | Path, plain: str | Path, at: float, by: int = 60) -> float:
    """The part of the frame, in percent, that was drawn over: text in `film` that `plain` has not."""
    return float(changed(picture(plain, at), picture(film, at), by).mean() * 100)


def alike(one: str | Path, two: str | Path, at: float, by: int = 60) -> bool:
    """Whether two films show the same at a moment: the way to tell that the right words were drawn."""
    return float(changed(picture(one, at), picture(two, at), by).mean()) < 0.0005


def transparent(path: str | Path, at: float = 0.0) -> bool:
    """Whether something can be seen through, in a film or a picture."""
    for decoder in ((), ("-c:v", "libvpx-vp9"), ("-c:v", "libvpx")):
        told = ffmpeg("-loglevel", "error", *decoder, "-i", path, "-map", "0:v:0", "-ss", f"{at:.3f}", "-frames:v", "1", "-pix_fmt",
                      "rgba", "-c:v", "png", "-f", "image2pipe", "-")  # fmt: skip
        if told.stdout and np.asarray(Image.open(io.BytesIO(told.stdout)).convert("RGBA"))[..., 3].min() < 250:
            return True
    return False


def cues(path: str | Path, track: int = 0) -> list[tuple[float, float, str]]:
    """The cues of a track of subtitles: start, end, text without markup."""
    text = ffmpeg("-loglevel", "error", "-i", path, "-map", f"0:s:{track}", "-f", "srt", "-").stdout.decode(
        "utf-8", "replace"
    )
    found = []
    for m in re.finditer(
        r"(\d+):(\d+):(\d+),(\d+) --> (\d+):(\d+):(\d+),(\d+)\r?\n(.*?)(?=\n\n\d+\r?\n\d+:|\Z)", text, re.DOTALL
    ):
        t = [int(n) for n in m.groups()[:8]]
        spoken = re.sub(r"<[^>]*>|\{\\[^}]*\}", "", m[9]).strip()
        found.append(
            (t[0] * 3600 + t[1] * 60 + t[2] + t[3] / 1000, t[4] * 3600 + t[5] * 60 + t[6] + t[7] / 1000, spoken)
        )
    return found


def pictures(path: str | Path, start: float = 0.0, end: float = float("inf")) -> int:
    """How many different pictures are shown one after the other between two moments: smoothness."""
    small = ffmpeg("-i", path, "-map", "0:V:0", "-fps_mode", "passthrough", "-vf",
                   "scale=80:60:flags=area,format=gray,showinfo", "-f", "rawvideo", "-")  # fmt: skip
    times = [float(t) for t in re.findall(r"pts_time:([-\d.]+)", small.stderr.decode(errors="replace"))]
    frames = (
        np.frombuffer(small.stdout[: len(small.stdout) // 4800 * 4800], np.uint8).reshape(-1, 4800).astype(np.int16)
    )
    inside = [f for f, t in zip(frames, times) if start <= t < end]
    return sum(1 for a, b in zip(inside, inside[1:]) if np.abs(a - b).max() > 12) + bool(inside)


def combs(image: Image.Image) -> float:
    """How much neighbouring rows differ where those two apart agree: above 6 a moving upright edge is combed."""
    rows = np.asarray(image.convert("L"), np.int16)
    one, two = np.abs(rows[1:-1] - rows[:-2]), np.abs(rows[2:] - rows[:-2])
    return float(np.maximum(one - two, 0).mean())
