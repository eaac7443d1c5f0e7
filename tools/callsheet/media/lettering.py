"""Text on film: lines laid out in our own fonts, as a subtitle script that FFmpeg draws.

The text goes to a file and never into a filter, so nothing in it can become one.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from callsheet.errors import RequestError
from callsheet.media import fonts

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
Style: Text,Noto Sans,{size},{color},{edge},{edge},{bold},1,{outline},0,{alignment},{margin},{margin},{margin},1

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
    """A text, from and to a time in seconds."""

    text: str
    start: float = 0.0
    end: float = FOREVER


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


def drawn(line: str, size: float) -> str:
    """A line as the script writes it: each piece in its own font, and nothing in it a command."""
    told = []
    for face, text in fonts.pieces(line):
        plain = text.replace("\\", f"\\{fonts.INVISIBLE}").replace("{", "\\{").replace("}", "\\}")
        told.append(f"{{\\fn{face.name}\\fs{size * face.height:.2f}}}{plain}")
    return "".join(told)


def script(folder: Path, frame: tuple[int, int], look: Look, sayings: Iterable[Saying]) -> str:
    """Write the script and the fonts into a folder; returns the filter that draws them, to be run from there.

    Raises:
        RequestError: a text does not fit into the frame.
    """
    width, height = frame
    margin = look.margin * min(frame)
    told = [
        HEAD.format(
            width=width,
            height=height,
            size=f"{look.size * fonts.faces()[0].height:.2f}",
            color=paint(look.color, look.opacity),
            edge=paint("black", look.opacity),
            bold=-int(look.bold),
            outline=f"{look.size * look.outline:.2f}",
            alignment=ALIGNMENT[look.position],
            margin=round(margin),
        )
    ]
    for saying in sayings:
        lines = fonts.wrap(saying.text, look.size, (width - 2 * margin) / (1.06 if look.bold else 1.0))
        tallest = max(face.height for face in fonts.faces())
        if len(lines) * look.size * tallest > height - 2 * margin:
            raise RequestError(
                f"`{saying.text[:40]}` takes {len(lines)} lines of {look.size:.0f} pixels and does not fit into "
                f"{width}x{height}; say a smaller font_size, or less."
            )
        text = "\\N".join(drawn(line, look.size) for line in lines)
        told.append(f"Dialogue: 0,{moment(saying.start)},{moment(saying.end)},Text,,0,0,0,,{text}\n")
    (folder / "text.ass").write_text("".join(told), encoding="utf-8")
    (folder / "fonts").mkdir(exist_ok=True)
    for font in fonts.FOLDER.glob("*.ttf"):
        shutil.copyfile(font, folder / "fonts" / font.name)
    return "ass=filename=text.ass:fontsdir=fonts"


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
