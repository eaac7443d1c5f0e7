"""Text on pictures: the fonts that ship with us, and lines broken where a reader would break them."""

import functools
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import font_roboto
from PIL import Image, ImageDraw, ImageFont

Weight = Literal["Regular", "Bold"]

FONTS = Path(str(files("callsheet_sandbox"))) / "fonts"
LATIN, THAI = "Roboto", "Noto Sans Thai"
_THAI_RUN = re.compile(r"[\u0e00-\u0e7f]+(?:[ .,!?0-9]+[\u0e00-\u0e7f]+)*")
# a Thai line may break before a leading vowel or a consonant, never before a mark or a vowel that follows one
_THAI_CLUSTER = re.compile(r"[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]*|.", re.DOTALL)
_WIDE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uff00-\uffef]")


def font_file(family: str, weight: Weight = "Bold") -> Path:
    """Where a family's file lies on this disk."""
    if family == THAI:
        return FONTS / f"NotoSansThai-{weight}.ttf"
    return Path(font_roboto.font_directory) / f"Roboto-{weight}.ttf"


@functools.lru_cache(64)
def font(family: str, size: int, weight: Weight = "Bold") -> ImageFont.FreeTypeFont:
    """A font ready to draw with."""
    return ImageFont.truetype(str(font_file(family, weight)), size)


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of a line with the family that has their letters."""
    at = 0
    for thai in _THAI_RUN.finditer(text):
        if thai.start() > at:
            yield LATIN, text[at : thai.start()]
        yield THAI, thai[0]
        at = thai.end()
    if at < len(text):
        yield LATIN, text[at:]


@functools.lru_cache(4096)
def _known(letter: str) -> bool:
    """Whether one of our fonts has this letter."""
    if letter <= "\u024f" or "\u0e00" <= letter <= "\u0e7f":
        return True
    drawn = font(LATIN, 24)
    return bytes(drawn.getmask(letter)) != bytes(drawn.getmask("\U0010fffd"))


def drawable(text: str) -> str:
    """The text in one line; letters that no font of ours has become an ellipsis."""
    shown = "".join(letter if _known(letter) else "\ufffc" for letter in " ".join(text.split()))
    return re.sub(r"(?:\ufffc\s*)+", "… ", shown).strip()


def width(text: str, size: int, weight: Weight = "Bold") -> float:
    """How many pixels a line takes."""
    return sum(font(family, size, weight).getlength(piece) for family, piece in runs(text))


LONGEST = 1000
"""Characters; nothing that we draw on holds more."""


def pieces(text: str) -> list[str]:
    """What may stand on a line of its own: words with the space after them, Thai clusters, single wide letters."""
    found: list[str] = []
    for word in re.findall(r"\s*\S+\s*|\s+", text):
        if re.search(r"[\u0e00-\u0e7f]", word):
            found += _THAI_CLUSTER.findall(word)
        elif _WIDE.search(word):
            found += list(word)
        else:
            found.append(word)
    return found


def wrapped(text: str, size: int, most: float, *, lines: int = 99, weight: Weight = "Bold") -> list[str]:
    """The text in lines no wider than `most` pixels; what does not fit in so many lines ends in an ellipsis."""
    done: list[str] = []
    text = text[:LONGEST]
    for paragraph in text.splitlines() or [""]:
        line = ""
        for piece in pieces(" ".join(paragraph.split())):
            if line and width((line + piece).rstrip(), size, weight) > most:
                done.append(line.strip())
                line = ""
            line += piece
            while len(line) > 1 and width(line.rstrip(), size, weight) > most:
                cut = next((n for n in range(len(line) - 1, 1, -1) if width(line[:n], size, weight) <= most), 1)
                done.append(line[:cut])
                line = line[cut:]
        done.append(line.strip())
    if len(done) <= lines:
        return done
    last = done[lines - 1]
    while last and width(last + "…", size, weight) > most:
        last = last[:-1]
    return [*done[: lines - 1], last.rstrip() + "…"]


def write(image: Image.Image, at: tuple[float, float], text: str, size: int, weight: Weight) -> None:
    """Draw one line in white, its baseline starting at a point."""
    draw = ImageDraw.Draw(image)
    x, y = at
    for family, piece in runs(text):
        drawn = font(family, size, weight)
        draw.text((x, y), piece, font=drawn, fill="#ffffff", anchor="ls")
        x += drawn.getlength(piece)


def placard(text: str, size: int, most: int, *, lines: int = 4, weight: Weight = "Bold") -> Image.Image:
    """Lines of white text on a translucent dark panel with round corners."""
    rows = wrapped(text, size, most, lines=lines, weight=weight)
    inner = max(width(row, size, weight) for row in rows)
    edge, step = round(size * 0.75), round(size * 1.4)
    panel = (round(inner) + 2 * edge, step * len(rows) + edge)
    image = Image.new("RGBA", panel, "#0a0c18")
    large = Image.new("L", (panel[0] * 2, panel[1] * 2), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, panel[0] * 2 - 1, panel[1] * 2 - 1), radius=size, fill=150)
    image.putalpha(large.resize(panel, Image.Resampling.BILINEAR))
    text_layer = Image.new("RGBA", panel, (255, 255, 255, 0))
    for index, row in enumerate(rows):
        write(text_layer, (edge, round(edge / 2 + step * (index + 0.76))), row, size, weight)
    return Image.alpha_composite(image, text_layer)
