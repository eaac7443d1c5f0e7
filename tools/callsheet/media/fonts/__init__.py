"""The fonts that travel with us, read just far enough to know what they can write and how wide it becomes.

FFmpeg draws nothing, and says nothing, where it finds no font; so ours are always given to it, and what they cannot
write is refused before anything runs.
"""

import re
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = "Latin, Greek, Cyrillic and Thai"
INVISIBLE = "\u2060"
"""Takes no room and joins what stands beside it."""

CLUSTER = re.compile(
    r"[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e30-\u0e3a\u0e45-\u0e4e\u0e2f]*|.[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]*",
    re.DOTALL,
)
"""What must not be torn apart: a letter with its marks; in Thai also with the vowels before and after it."""


@dataclass(frozen=True, eq=False)
class Face:
    """A font: its name, its letters with their widths, and the height of a line, in parts of its size."""

    name: str
    widths: dict[str, float]
    height: float

    @classmethod
    def read(cls, name: str, path: Path) -> "Face":
        """A TrueType file with a Unicode table for the basic plane."""
        data = path.read_bytes()
        count = struct.unpack_from(">H", data, 4)[0]
        rows = (struct.unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(count))
        at = {row[0].decode(): row[2] for row in rows}
        em = struct.unpack_from(">H", data, at["head"] + 18)[0]
        ascent, descent = struct.unpack_from(">HH", data, at["OS/2"] + 74)
        measured = struct.unpack_from(">H", data, at["hhea"] + 34)[0]

        def width(glyph: int) -> float:
            found: int = struct.unpack_from(">H", data, at["hmtx"] + 4 * min(glyph, measured - 1))[0]
            return float(found / em)

        letters = {chr(code): width(glyph) for code, glyph in glyphs(data, at["cmap"])}
        return cls(name, letters, (ascent + descent) / em)


def glyphs(data: bytes, table: int) -> Iterator[tuple[int, int]]:
    """Every character code of a font and its glyph, from the segments of its Unicode table (format 4)."""
    count = struct.unpack_from(">H", data, table + 2)[0]
    parts = (struct.unpack_from(">HHL", data, table + 4 + 8 * n) for n in range(count))
    start = table + next(offset for platform, coding, offset in parts if (platform, coding) == (3, 1))
    double = struct.unpack_from(">H", data, start + 6)[0]
    columns = [start + 14, start + 16 + double, start + 16 + 2 * double, start + 16 + 3 * double]
    for n in range(0, double, 2):
        last, first, delta, place = (struct.unpack_from(">H", data, column + n)[0] for column in columns)
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if place:
                glyph = struct.unpack_from(">H", data, columns[3] + n + place + 2 * (code - first))[0]
            if glyph and (glyph := (glyph + delta) % 0x10000):
                yield code, glyph


@cache
def faces() -> tuple[Face, ...]:
    """The fonts, the one for most scripts first."""
    return (
        Face.read("Noto Sans", FOLDER / "NotoSans-Regular.ttf"),
        Face.read("Noto Sans Thai", FOLDER / "NotoSansThai-Regular.ttf"),
    )


def clean(text: str) -> str:
    """A text as it can be written: composed, with plain line ends, without control characters.

    Raises:
        ValueError: no font of ours has its letters, or nothing is left to write.
    """
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    kept = ["".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cf")) for line in lines]
    strange = sorted({c for line in kept for c in line if not any(c in face.widths for face in faces())})
    if strange:
        scripts = sorted({unicodedata.name(c, "unnamed").split()[0].split("-")[0].lower() for c in strange})
        raise ValueError(
            f"none of Callsheet's fonts has {' '.join(strange[:8])}{' …' if len(strange) > 8 else ''} "
            f"({', '.join(scripts[:4])}); they write {SCRIPTS}"
        )
    if not any(line.strip() for line in kept):
        raise ValueError("there is nothing in it to write")
    return "\n".join(kept).strip("\n")


def pieces(line: str) -> list[tuple[Face, str]]:
    """A line in pieces, each with the font that has its letters; a font goes on for as long as it can."""
    found: list[tuple[Face, str]] = []
    for letter in line:
        if found and letter in found[-1][0].widths:
            face, text = found.pop()
            found.append((face, text + letter))
        else:
            found.append((next(face for face in faces() if letter in face.widths), letter))
    return found


def width(line: str, size: float) -> float:
    """How many pixels a line takes."""
    return size * sum(next(face.widths[c] for face in faces() if c in face.widths) for c in line)


def wrap(text: str, size: float, room: float) -> list[str]:
    """A text in lines that fit: broken between words, and inside one only where it is wider than a line."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in re.findall(r"\S+\s*|\s+", paragraph):
            if width((line + word).rstrip(), size) <= room:
                line += word
                continue
            if line.strip():
                lines.append(line.rstrip())
                line = ""
            for cluster in CLUSTER.findall(word):
                if line and width((line + cluster).rstrip(), size) > room:
                    lines.append(line.rstrip())
                    line = ""
                line += cluster
        lines.append(line.rstrip())
    return lines
