"""Subtitles burned into a picture by libass, with the fonts that ship with us."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .ears import Cue
from .engine import AAC, H264, bench, look

ANIMATIONS = ("none", "word_pop_fade")


class Style(NamedTuple):
    """How subtitles look; sizes are parts of the frame's shorter side, colours are ASS's &HAABBGGRR."""

    size: float
    bold: bool
    colour: str
    flash: str
    edge: str
    border: float
    shadow: float


STYLES = {
    "default": Style(0.062, True, "&H00FFFFFF", "&H0000D7FF", "&H00181010", 0.09, 0.03),
    "bold-yellow": Style(0.074, True, "&H0000E1FF", "&H00FFFFFF", "&H00000000", 0.12, 0.05),
    "minimal": Style(0.052, False, "&H00F4F4F4", "&H00FFFFFF", "&H60000000", 0.035, 0.0),
}


def subtitled(video: bytes, cues: Sequence[Cue], *, animation: str = "none", style: str = "default") -> bytes:
    """The video with its subtitles drawn in; an animation brings the words in one by one."""
    if style not in STYLES:
        raise ValueError(f"style is one of {', '.join(STYLES)}, not {style!r}")
    if animation not in ANIMATIONS:
        raise ValueError(f"animation is one of {', '.join(ANIMATIONS)}, not {animation!r}")
    from .letters import LATIN, THAI, font_file  # noqa: PLC0415 - Pillow only when there are words to draw

    with bench({"video": video}) as place:
        found, words, _ = look(place, "video")
        if found.kind != "video":
            raise ValueError(f"a video is needed here, not an {found.kind}")
        for family in (LATIN, THAI):
            for weight in ("Regular", "Bold"):
                path = font_file(family, weight)
                place.put(path.name, path.read_bytes())
        place.put("cues.ass", script(cues, found.width, found.height, animation, STYLES[style]).encode())
        sound = ["-map", "0:a:0", *(("-c:a", "copy") if found.audio_codec == "aac" else AAC)] if found.audio else []
        drawn = ["-map", "0:v:0", "-vf", "ass=cues.ass:fontsdir=.,format=yuv420p", *H264]
        place.run("-i", "video", *drawn, *sound, "out.mp4", words=words)
        return place.get("out.mp4")


def script(cues: Sequence[Cue], width: int, height: int, animation: str, style: Style) -> str:
    """The ASS file: lines are broken here, because libass breaks at spaces only and Thai has none."""
    from .letters import LATIN, THAI, pieces, runs  # noqa: PLC0415 - as above

    size = max(10, round(min(width, height) * style.size))
    margin = round(min(width, height) * 0.07)
    look_ = (
        f"Style: Words,{LATIN},{size},{style.colour},&H000000FF,{style.edge},&H90000000,{-int(style.bold)},0,0,0,"
        f"100,100,0,0,1,{size * style.border:.1f},{size * style.shadow:.1f},2,{margin},{margin},{margin},1"
    )
    lines = [
        "[Script Info]\nScriptType: v4.00+\nWrapStyle: 2\nScaledBorderAndShadow: yes\nYCbCr Matrix: None",
        f"PlayResX: {width}\nPlayResY: {height}\n",
        "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
        "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "
        f"Alignment, MarginL, MarginR, MarginV, Encoding\n{look_}\n",
        "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ]

    def plain(text: str) -> str:
        safe = text.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")
        return "".join(
            f"{{\\fn{family}\\fs{round(size * (1.15 if family == THAI else 1))}}}{piece}"
            for family, piece in runs(safe)
        )

    for cue in cues:
        if not cue.text.strip() or cue.end <= cue.start:
            continue
        rows = _rows(cue.text, round(size * 0.86), width - 2 * margin, "Bold" if style.bold else "Regular")
        if animation == "none":
            text = "\\N".join(plain(row) for row in rows)
        else:
            words = [_syllables(pieces(row)) for row in rows]
            count = sum(len(row) for row in words)
            step = min(0.28, (cue.end - cue.start) * 0.75 / max(1, count)) * 1000
            shown: list[str] = []
            number = 0
            for row in words:
                line = ""
                for word in row:
                    line += _pop(round(number * step), size, style) + plain(word)
                    number += 1
                shown.append(line)
            text = "{\\fad(0,220)}" + "\\N".join(shown)
        lines.append(f"Dialogue: 0,{_time(cue.start)},{_time(cue.end)},Words,,0,0,0,,{text}")
    return "\n".join(lines) + "\n"


def _rows(text: str, size: int, most: float, weight: Literal["Regular", "Bold"]) -> list[str]:
    """As few lines as there can be, and those about equally long."""
    from .letters import wrapped  # noqa: PLC0415 - as above

    rows = wrapped(text, size, most, weight=weight)
    for part in (0.55, 0.65, 0.75, 0.85):
        narrow = wrapped(text, size, most * part, weight=weight)
        if len(narrow) == len(rows):
            return narrow
    return rows


def _pop(at: int, size: int, style: Style) -> str:
    """A word that appears with a flash and a thick edge, then settles; its width never changes, so nothing jumps."""
    thick, thin = size * style.border * 2.2, size * style.border
    bright, calm = f"&H{style.flash[4:]}&", f"&H{style.colour[4:]}&"
    return (
        f"{{\\alpha&HFF&\\1c{bright}\\bord{thick:.1f}\\blur4\\t({at},{at + 70},\\alpha&H00&)"
        f"\\t({at + 40},{at + 240},\\bord{thin:.1f}\\blur0.4)\\t({at + 160},{at + 380},\\1c{calm})}}"
    )


def _syllables(row: list[str]) -> list[str]:
    """Words to bring in one by one; Thai letters, which come singly, in groups of about a syllable and a half."""
    groups: list[str] = []
    for piece in row:
        thai = groups and re.match(r"[\u0e00-\u0e7f]", piece) and re.match(r"[\u0e00-\u0e7f]", groups[-1])
        if (thai and len(groups[-1]) < 5) or (groups and not piece.strip()):
            groups[-1] += piece
        else:
            groups.append(piece)
    return groups


def _time(seconds: float) -> str:
    hundredths = max(0, round(seconds * 100))
    return f"{hundredths // 360000}:{hundredths // 6000 % 60:02}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"
