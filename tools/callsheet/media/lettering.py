"""Text on film: lines laid out in fonts that have their letters, as a subtitle script that FFmpeg draws.

The text goes to a file and never into a filter, so nothing in it can become one.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from callsheet.errors import RequestError
from callsheet.media.fonts import INVISIBLE, Fonts, faces, mark, named

Position = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]
ALIGNMENT: dict[str, int] = {
    **{"bottom-left": 1, "bottom": 2, "bottom-right": 3, "left": 4, "center": 5, "right": 6},
    **{"top-left": 7, "top": 8, "top-right": 9},
}
"""As on a keypad."""
FOREVER = 35999.0
HEAD = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
Style: Text,Noto Sans,{size},{color},{edge},{edge},{bold},1,{outline},0,{alignment},{margin},{margin},{margin},-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class Look:
    """How text is drawn: `size` is that of the letters in pixels, `opacity` goes from 0 to 1."""

    size: float
    color: str = "white"
    position: str = "bottom"
    bold: bool = False
    outline: float = 0.06
    """Of the black edge, in parts of the size."""
    opacity: float = 1.0
    margin: float = 0.04
    """Between the text and the frame, in parts of the frame's shorter side."""


@dataclass(frozen=True)
class Saying:
    """A text, from and to a time in seconds; letters of nobody's in it stand for the changes of style in `marks`."""

    text: str
    start: float = 0.0
    end: float = FOREVER
    position: str | None = None
    """Where it stands, if not where the others do."""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writing:
    """Texts that are drawn on a frame of a size."""

    frame: tuple[int, int]
    look: Look
    sayings: tuple[Saying, ...]

    def moved(self, start: float, end: float, speed: float) -> "Writing":
        """The same after a cut and a change of speed."""
        kept = [
            replace(s, start=max(0.0, s.start - start) / speed, end=(min(s.end, end) - start) / speed)
            for s in self.sayings
            if s.end > start and s.start < end
        ]
        return replace(self, sayings=tuple(kept))


def rgb(color: str) -> tuple[int, ...]:
    """A colour by its name on the web, or as `#rrggbb`.

    Raises:
        ValueError: it is none.
    """
    from PIL import ImageColor  # noqa: PLC0415  (slow to import, and often not needed)

    try:
        return ImageColor.getrgb(color.strip())[:3]
    except ValueError:
        raise ValueError("say a colour of the web, such as white, gold or #ffcc00") from None


def paint(color: str, opacity: float) -> str:
    """A colour as the script writes it: transparency, blue, green, red."""
    red, green, blue = rgb(color)
    return f"&H{round(255 * (1 - opacity)):02X}{blue:02X}{green:02X}{red:02X}"


def moment(seconds: float) -> str:
    """`0:01:02.34`."""
    total = round(max(0.0, seconds) * 100)
    return f"{total // 360000}:{total // 6000 % 60:02}:{total // 100 % 60:02}.{total % 100:02}"


def drawn(line: str, size: float, fonts: Fonts, marks: Sequence[str] = ()) -> str:
    """A line as the script writes it: each piece in its own font, and nothing in it a command but our own."""
    told = []
    for face, text in fonts.pieces(line):
        plain = text.replace("\\", f"\\{INVISIBLE}").replace("{", "\\{").replace("}", "\\}")
        for letter in set(filter(mark, text)):
            plain = plain.replace(letter, f"{{{marks[ord(letter) - 0xE000]}}}")
        told.append(f"{{\\fn{face.name}\\fs{size * face.height:.2f}}}{plain}")
    return "".join(told)


def script(folder: Path, writing: Writing, name: str, fonts: Fonts) -> tuple[str, list[str]]:
    """Write the script and its fonts into a folder; returns the filter that draws it, to be run from there, and what
    could not be written.

    Raises:
        RequestError: no font has anything of it, or a text does not fit into the frame.
    """
    (width, height), look, missing = writing.frame, writing.look, set[str]()
    margin = look.margin * min(writing.frame)
    told = [
        HEAD.format(
            width=width,
            height=height,
            size=f"{look.size * faces()[0].height:.2f}",
            color=paint(look.color, look.opacity),
            edge=paint("black", look.opacity),
            bold=-int(look.bold),
            outline=f"{look.size * look.outline:.2f}",
            alignment=ALIGNMENT[look.position],
            margin=round(margin),
        )
    ]
    used, seen, room = set[Path](), 0, (width - 2 * margin) / (1.06 if look.bold else 1.0)
    for saying in writing.sayings:
        written, lacking = fonts.writable(saying.text)
        missing.update(lacking)
        if not "".join(letter for letter in written if not mark(letter)).strip():
            continue
        seen += 1
        lines = fonts.wrap(written, look.size, room)
        own = [face for line in lines for face, _ in fonts.pieces(line)]
        used.update(face.path for face in own)
        if len(lines) * look.size * max(face.height for face in own) > height - 2 * margin:
            raise RequestError(
                f"`{saying.text[:40]}` takes {len(lines)} lines of {look.size:.0f} pixels and does not fit into "
                f"{width}x{height}; say a smaller font_size, or less."
            )
        text = "\\N".join(drawn(line, look.size, fonts, saying.marks) for line in lines)
        place = f"{{\\an{ALIGNMENT[saying.position]}}}" if saying.position else ""
        told.append(f"Dialogue: 0,{moment(saying.start)},{moment(saying.end)},Text,,0,0,0,,{place}{text}\n")
    if missing and not seen:
        raise RequestError(
            f"No font here has {named(sorted(missing))}. Put one that has into a folder of CALLSHEET_FONTS."
        )
    (folder / name).write_text("".join(told), encoding="utf-8")
    (folder / "fonts").mkdir(exist_ok=True)
    for path in used:
        if not (folder / "fonts" / path.name).exists():
            shutil.copyfile(path, folder / "fonts" / path.name)
    notes = [f"Left out, for no font here has them: {named(sorted(missing))}."] if missing else []
    return f"ass=filename={name}:fontsdir=fonts", notes


STYLES = {
    "default": Look(size=0.05, outline=0.08),
    "bold-yellow": Look(size=0.06, color="yellow", bold=True, outline=0.09),
    "minimal": Look(size=0.04, outline=0.03),
}
"""Subtitles; their size is in parts of the frame's height."""


def styled(style: str, frame: tuple[int, int], size: int | None = None) -> Look:
    """A style of subtitles for a frame; a tall one takes its measure from its width."""
    look = STYLES[style]
    return replace(look, size=size or max(10.0, look.size * min(frame[1], frame[0] * 0.8)))
