"""Edits of real video by ffmpeg; words that were spoken move with what is left of them."""

import io
from collections.abc import Sequence
from typing import Literal

from callsheet_sandbox import props
from callsheet_sandbox.props.cutting import a_video
from callsheet_sandbox.props.engine import moved

POSITIONS = {
    "top-left": ("{m}", "{m}"),
    "top": ("(W-w)/2", "{m}"),
    "top-right": ("W-w-{m}", "{m}"),
    "left": ("{m}", "(H-h)/2"),
    "center": ("(W-w)/2", "(H-h)/2"),
    "right": ("W-w-{m}", "(H-h)/2"),
    "bottom-left": ("{m}", "H-h-{m}"),
    "bottom": ("(W-w)/2", "H-h-{m}"),
    "bottom-right": ("W-w-{m}", "H-h-{m}"),
}
FRAMES = 300


def keeping(place: props.Bench, args: Sequence[str], words: Sequence[props.Word], output: str = "out.mp4") -> bytes:
    """Run ffmpeg with exactly these words in the output, not the input's."""
    bare = () if words else ("-map_metadata", "-1")
    place.run(*args, *bare, output, words=words)
    return place.get(output)


def trimmed(video: bytes, start: float, end: float | None) -> bytes:
    """The part from start to end."""
    with props.bench({"video": video}) as place:
        found, words, _ = a_video(place, "video")
        end = found.seconds if end is None else min(end, found.seconds)
        if start >= end:
            raise ValueError(f"nothing is left from {start:g} to {end:g} of {found.seconds:g} seconds")
        length = ["-ss", f"{start:.4f}", "-i", "video", "-t", f"{end - start:.4f}"]
        maps = ["-map", "0:v:0", *props.H264, *(["-map", "0:a:0", *props.AAC] if found.audio else [])]
        return keeping(place, [*length, *maps], moved(words, -start, until=end - start))


def hurried(video: bytes, factor: float) -> bytes:
    """The video faster or slower, its sound at its own pitch."""
    with props.bench({"video": video}) as place:
        found, words, rate = a_video(place, "video")
        graph = f"[0:v:0]setpts=PTS/{factor:.5f},fps={rate:g},format=yuv420p[v]"
        maps = ["-map", "[v]", *props.H264]
        if found.audio:
            graph += f";[0:a:0]{tempo(factor)}[a]"
            maps += ["-map", "[a]", *props.AAC]
        told = [props.Word(word.text, word.start / factor, word.end / factor) for word in words]
        return keeping(place, ["-i", "video", "-filter_complex", graph, *maps], told)


def tempo(factor: float) -> str:
    """The sound filters for a speed: one takes a half to double."""
    steps: list[float] = []
    while not 0.5 <= factor <= 2:
        step = 2.0 if factor > 1 else 0.5
        steps.append(step)
        factor /= step
    return ",".join(f"atempo={step:.5f}" for step in [*steps, factor])


def cropped(video: bytes, x: int, y: int, width: int, height: int) -> bytes:
    """A part of the frame."""
    found = props.facts(video)
    if x + width > found.width or y + height > found.height:
        raise ValueError(f"{width}x{height} at {x},{y} is not inside {found.width}x{found.height}")
    return filtered(video, f"crop={max(2, width // 2 * 2)}:{max(2, height // 2 * 2)}:{x}:{y}:exact=1")


def resized(video: bytes, width: int, height: int) -> bytes:
    """The whole frame in another size, with bars where the shape differs."""
    width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease:flags=lanczos"
    return filtered(video, f"{fit},pad={width}:{height}:-1:-1,setsar=1")


def upscaled(video: bytes, factor: float) -> bytes:
    """Every side so many times as long."""
    size = f"trunc(iw*{factor:.4f}/2)*2:trunc(ih*{factor:.4f}/2)*2"
    return filtered(video, f"scale={size}:flags=lanczos,unsharp=5:5:0.6")


def filtered(video: bytes, filters: str) -> bytes:
    """The picture through filters, the sound as it is."""
    with props.bench({"video": video}) as place:
        found, words, _ = a_video(place, "video")
        sound = ["-map", "0:a:0", *props.AAC] if found.audio else []
        args = ["-i", "video", "-map", "0:v:0", "-vf", f"{filters},format=yuv420p", *props.H264, *sound]
        return keeping(place, args, words)


def stamped(
    video: bytes, card: bytes, position: str, *, start: float = 0.0, end: float | None = None, width: str = ""
) -> bytes:
    """A picture over the video, for a while or all the time."""
    with props.bench({"video": video, "card.png": card}) as place:
        found, words, _ = a_video(place, "video")
        margin = max(2, round(min(found.width, found.height) * 0.04))
        x, y = (side.format(m=margin) for side in POSITIONS[position])
        until = found.seconds + 1 if end is None else end
        shown = f"overlay=x='{x}':y='{y}':enable='between(t,{start:.3f},{until:.3f})'"
        small = f"scale={width},format=rgba" if width else "format=rgba"
        graph = f"[1:v]{small}[card];[0:v:0][card]{shown},crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,format=yuv420p[v]"
        sound = ["-map", "0:a:0", *props.AAC] if found.audio else []
        args = ["-i", "video", "-i", "card.png", "-filter_complex", graph, "-map", "[v]", *props.H264, *sound]
        return keeping(place, args, words)


def lettered(
    video: bytes, text: str, position: str, size: int, colour: str, start: float = 0.0, end: float | None = None
) -> bytes:
    """Words over the video."""
    found = props.facts(video)
    return stamped(video, card(text, size, colour, round(found.width * 0.92)), position, start=start, end=end)


def marked(video: bytes, text: str) -> bytes:
    """A quiet mark in the corner, in words."""
    size = max(10, props.facts(video).height // 22)
    return stamped(video, card(text, size, "#ffffffb0", 4096), "bottom-right")


def branded(video: bytes, logo: bytes, position: str) -> bytes:
    """A mark in the corner, as a picture a fifth as wide as the frame."""
    wide = max(8, props.facts(video).width // 5)
    return stamped(video, logo, position, width=f"{wide}:-1")


def card(text: str, size: int, colour: str, most: int) -> bytes:
    """Words on nothing, with a dark edge so that they can be read on anything."""
    from PIL import Image, ImageChops, ImageColor, ImageFilter  # noqa: PLC0415 - heavy

    from callsheet_sandbox.props import letters  # noqa: PLC0415 - heavy

    red, green, blue, alpha = (*ImageColor.getrgb(colour), 255)[:4]
    rows = letters.wrapped(text, size, max(size, most - size), lines=20)
    wide = max(1, round(max(letters.width(row, size) for row in rows)))
    step, edge = round(size * 1.3), max(2, size // 4)
    words = Image.new("RGBA", (wide + 2 * edge, step * len(rows) + 2 * edge), (255, 255, 255, 0))
    for number, row in enumerate(rows):
        letters.write(words, (edge, edge + step * number + round(size * 0.95)), row, size, weight="Bold")
    ink = words.getchannel("A")
    halo = ink.filter(ImageFilter.GaussianBlur(max(1, size / 14))).point(lambda level: min(255, level * 2))
    made = Image.new("RGBA", words.size, (8, 8, 16, 0))
    made.putalpha(halo)
    made.paste((red, green, blue, 255), mask=ink)
    made.putalpha(ImageChops.lighter(halo, ink).point(lambda level: level * alpha // 255))
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def as_gif(video: bytes, width: int, fps: int) -> bytes:
    """A looping GIF in the video's own colours."""
    graph = f"fps={fps},scale={width}:-1:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse"
    args = ["-i", "video", "-filter_complex", f"[0:v:0]{graph}", "-an", "-map_metadata", "-1"]
    return props.run_ffmpeg(args, {"video": video}, "out.gif")


def frames(video: bytes, mode: Literal["first", "last", "middle", "all_1fps"]) -> list[bytes]:
    """One frame, or one a second."""
    if mode != "all_1fps":
        return [props.frame(video, mode)]
    with props.bench({"video": video}) as place:
        a_video(place, "video")
        place.run("-i", "video", "-map", "0:v:0", "-vf", "fps=1:round=up", "-frames:v", str(FRAMES), "frame%04d.png")
        made = sorted(place.folder.glob("frame*.png"))
        return [place.get(path.name) for path in made] or [props.frame(video, "first")]
