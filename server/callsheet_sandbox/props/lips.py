"""Mouths that move: a drawn mouth over a picture or a video, open as wide as the sound is loud."""

import io
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from .engine import AAC, H264, Bench, Word, bench, look, moved
from .people import MOUTH

FPS = 25
LEVELS = 12


def talking_head(image: bytes, audio: bytes) -> bytes:
    """The picture speaking the sound, as long as the sound."""
    from . import art  # noqa: PLC0415 - kept beside its one use

    picture = art.opened(image)
    shrink = min(1.0, 1280 / max(picture.size))
    width, height = (max(32, round(side * shrink) // 2 * 2) for side in picture.size)
    with bench({"face.png": art.encoded(art.covering(picture, width, height), "png"), "audio": audio}) as place:
        sound, words, _ = look(place, "audio")
        if not sound.audio:
            raise ValueError("there is no sound in this file")
        seconds = max(1, round(sound.seconds * FPS)) / FPS
        still = f"[0]loop=-1:size=1,setpts=N/{FPS}/TB,fps={FPS},format=yuv420p[face]"
        return _spoken(place, ["-i", "face.png"], still, size=(width, height), seconds=seconds, fps=FPS, words=words)


def relipped(video: bytes, audio: bytes) -> bytes:
    """The video speaking the sound instead of its own, as long as the video."""
    with bench({"video": video, "audio": audio}) as place:
        shown, _, rate = look(place, "video")
        if shown.kind != "video":
            raise ValueError(f"a video is needed here, not an {shown.kind}")
        sound, words, _ = look(place, "audio")
        if not sound.audio:
            raise ValueError("there is no sound in this file")
        size = (shown.width // 2 * 2, shown.height // 2 * 2)
        even = f"[0:v:0]crop={size[0]}:{size[1]}:0:0,format=yuv420p[face]"
        return _spoken(place, ["-i", "video"], even, size=size, seconds=shown.seconds, fps=rate, words=words)


def loudness(place: Bench, seconds: float, fps: float) -> list[int]:
    """How open the mouth is in each frame, 0 to LEVELS - 1."""
    place.call("-y", "-i", "audio", "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "level.raw", timeout=300)
    wave = np.frombuffer(place.get("level.raw"), dtype="<i2").astype(np.float32)
    frames = max(1, round(seconds * fps))
    edges = (np.arange(frames + 1) * 8000 / fps).astype(int)
    power = np.array(
        [np.sqrt(np.mean(np.square(wave[a:b]))) if b > a and a < len(wave) else 0 for a, b in pairwise(edges)]
    )
    loud = float(np.percentile(power[power > 0], 92)) if np.any(power > 0) else 1.0
    opened = np.clip(power / max(loud, 1.0), 0, 1) ** 0.7
    soft = np.convolve(np.pad(opened, 1, mode="edge"), (0.22, 0.56, 0.22), mode="valid")
    return [round(float(level) * (LEVELS - 1)) for level in soft]


def mouths(width: int) -> tuple[Image.Image, int]:
    """All openings of the mouth, one under the other, and the height of one."""
    scale = 3
    w, h = width * scale, width * scale * 3 // 4
    column = Image.new("RGBA", (width, h // scale * LEVELS))
    for level in range(LEVELS):
        openness = level / (LEVELS - 1)
        card = Image.new("RGBA", (w, h), (120, 30, 40, 0))
        half_w, middle = w * (0.43 - 0.07 * openness), h * 0.42
        gap = h * (0.012 + 0.3 * openness)
        lip = h * 0.085
        draw = ImageDraw.Draw(card)
        outer = _lips(w / 2, middle, half_w, lip * 1.15 + gap * 0.28, lip * 1.55 + gap)
        inner = _lips(w / 2, middle, half_w * 0.86, gap * 0.32 + 1, gap)
        draw.polygon(outer, fill="#b5485a")
        draw.polygon(inner, fill="#3b0d18")
        if openness > 0.12:
            inside = Image.new("L", card.size, 0)
            ImageDraw.Draw(inside).polygon(inner, fill=255)
            tongue, teeth = Image.new("L", card.size, 0), Image.new("L", card.size, 0)
            ImageDraw.Draw(tongue).ellipse((w * 0.32, middle + gap * 0.55, w * 0.68, middle + gap * 1.7), fill=255)
            ImageDraw.Draw(teeth).rectangle((w * 0.24, 0, w * 0.76, middle - gap * 0.28 + h * 0.085), fill=255)
            nothing = Image.new("L", card.size, 0)
            card.paste("#d9707c", mask=Image.composite(tongue, nothing, inside))
            card.paste("#f8f4ec", mask=Image.composite(teeth, nothing, inside))
        column.paste(card.resize((width, h // scale), Image.Resampling.BOX), (0, h // scale * level))
    return column, h // scale


def _lips(x: float, y: float, half: float, above: float, below: float) -> list[tuple[float, float]]:
    """The outline of a mouth: a bow above, a bowl below."""
    turn = np.linspace(-1, 1, 60)
    bow = np.cos(turn * np.pi / 2) ** 0.8 * (1 - 0.16 * np.exp(-((turn / 0.16) ** 2)))
    bowl = np.cos(turn * np.pi / 2) ** 0.7
    top = [(float(x + half * t), float(y - above * b)) for t, b in zip(turn, bow, strict=True)]
    bottom = [(float(x + half * t), float(y + below * b)) for t, b in zip(turn[::-1], bowl[::-1], strict=True)]
    return top + bottom


def _spoken(
    place: Bench, args: list[str], face: str, *, size: tuple[int, int], seconds: float, fps: float, words: list[Word]
) -> bytes:
    """Lay the moving mouth and the sound over the face."""
    wide = max(8, round(min(size) * 0.17) // 2 * 2)
    column, high = mouths(wide)
    out = io.BytesIO()
    column.save(out, "PNG")
    place.put("mouths.png", out.getvalue())
    levels = loudness(place, seconds, fps)
    told = [
        f"{(frame + 0.25) / fps:.4f} crop y {level * high};"
        for frame, level in enumerate(levels)
        if frame == 0 or level != levels[frame - 1]
    ]
    place.put("mouth.txt", "\n".join(told).encode())
    x, y = size[0] // 2 - wide // 2, round(size[1] * MOUTH) - round(high * 0.42)
    graph = (
        f"{face};[1]loop=-1:size=1,setpts=N/{fps:g}/TB,fps={fps:g},format=rgba,sendcmd=f=mouth.txt,"
        f"crop={wide}:{high}:0:0[mouth];[face][mouth]overlay={x}:{y}:shortest=1,format=yuv420p[v];"
        f"[2:a:0]apad,atrim=duration={seconds:.6f}[a]"
    )
    place.run(
        *(*args, "-i", "mouths.png", "-i", "audio", "-filter_complex", graph, "-map", "[v]", "-map", "[a]"),
        *("-t", f"{seconds:.4f}", *H264, *AAC, "out.mp4"),
        words=moved(words, 0, until=seconds),
    )
    return place.get("out.mp4")
