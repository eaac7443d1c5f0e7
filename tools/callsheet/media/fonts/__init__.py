"""Fonts: those that travel with us, those of a folder the owner names, and those of the system for what ours lack.

FFmpeg draws nothing, and says nothing, where it finds no font; so what is to be drawn is looked up here first: which
font has each letter, how wide it becomes, and which letters none has.
"""

import contextlib
import os
import re
import shutil
import struct
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = "Latin, Greek, Cyrillic and Thai"
INVISIBLE = "\u2060"
"""Takes no room and joins what stands beside it."""
JOINERS = "\u200c\u200d"
MARKS = ("\ue000", "\uf8ff")
"""Letters of nobody's between which changes of style are kept inside a text; they take no room."""
SEARCHED = 600
"""So many font files are looked into where there is no fontconfig."""
SYSTEM = {
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
}.get(sys.platform, ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"))
PLAIN = re.compile(
    r"(?i)bold|italic|oblique|mono|serif|condensed|light|thin|black|medium|heavy|narrow|extra|kufi|nastaliq"
)

CLUSTER = re.compile(
    r"[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e30-\u0e3a\u0e45-\u0e4e\u0e2f]*"
    r"|.(?:[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u1ab0-\u1aff\u20d0-\u20ff\ufe0f]"
    r"|\u200d.)*",
    re.DOTALL,
)
"""What must not be torn apart: a letter with its marks; in Thai also with the vowels before and after it."""


@dataclass(frozen=True, eq=False)
class Face:
    """A font: its family, its file, its letters with their widths, and the height of a line, in parts of its size."""

    name: str
    path: Path
    widths: dict[str, float]
    height: float

    @classmethod
    def read(cls, path: Path) -> "Face":
        """A TrueType or OpenType file, or the first of a collection.

        Raises:
            ValueError: it is none, or has no outlines to draw.
        """
        try:
            return cls.parsed(path, path.read_bytes())
        except (OSError, struct.error, IndexError, KeyError, StopIteration, UnicodeDecodeError) as error:
            raise ValueError(f"{path.name} is no font that can be read") from error

    @classmethod
    def parsed(cls, path: Path, data: bytes) -> "Face":
        """See `read`."""
        base = struct.unpack_from(">L", data, 12)[0] if data[:4] == b"ttcf" else 0
        count = struct.unpack_from(">H", data, base + 4)[0]
        rows = (struct.unpack_from(">4sLLL", data, base + 12 + 16 * n) for n in range(count))
        at = {row[0].decode("latin-1"): row[2] for row in rows}
        if not {"glyf", "CFF ", "CFF2"} & set(at):
            raise ValueError(f"{path.name} holds pictures of letters, which cannot be drawn")
        em = struct.unpack_from(">H", data, at["head"] + 18)[0]
        ascent, descent = struct.unpack_from(">HH", data, at["OS/2"] + 74)
        measured = struct.unpack_from(">H", data, at["hhea"] + 34)[0]

        def width(glyph: int) -> float:
            found: int = struct.unpack_from(">H", data, at["hmtx"] + 4 * min(glyph, measured - 1))[0]
            return float(found / em)

        letters = {chr(code): width(glyph) for code, glyph in glyphs(data, at["cmap"])}
        return cls(family(data, at["name"]), path, letters, (ascent + descent) / em)


def family(data: bytes, table: int) -> str:
    """The name under which a font is asked for."""
    count, texts = struct.unpack_from(">HH", data, table + 2)
    names: dict[int, str] = {}
    for n in range(count):
        platform, _, language, kind, size, offset = struct.unpack_from(">6H", data, table + 6 + 12 * n)
        if kind == 1 and platform == 3 and (language == 0x409 or not names):
            names[language] = data[table + texts + offset : table + texts + offset + size].decode("utf-16-be")
    return str(names.get(0x409) or next(iter(names.values())))


def glyphs(data: bytes, table: int) -> Iterator[tuple[int, int]]:
    """Every character code of a font and its glyph, from its Unicode table (format 12, else 4)."""
    count = struct.unpack_from(">H", data, table + 2)[0]
    parts = [struct.unpack_from(">HHL", data, table + 4 + 8 * n) for n in range(count)]
    tables = {(platform, coding): table + offset for platform, coding, offset in parts}
    for key in ((3, 10), (0, 4), (0, 6)):
        if key in tables and struct.unpack_from(">H", data, tables[key])[0] == 12:
            for n in range(struct.unpack_from(">L", data, tables[key] + 12)[0]):
                first, last, glyph = struct.unpack_from(">LLL", data, tables[key] + 16 + 12 * n)
                yield from ((code, glyph + code - first) for code in range(first, min(last, 0x10FFFF) + 1))
            return
    start = tables.get((3, 1)) or tables[0, 3]
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
    """Our own fonts, the one for most scripts first."""
    return (Face.read(FOLDER / "NotoSans-Regular.ttf"), Face.read(FOLDER / "NotoSansThai-Regular.ttf"))


@cache
def face_at(path: Path) -> Face | None:
    """A font of a file, if it can be used."""
    with contextlib.suppress(ValueError):
        return Face.read(path)
    return None


def likely(path: Path) -> tuple[bool, bool, str]:
    """In which order fonts are tried: plain faces first, Noto's before others."""
    return bool(PLAIN.search(path.stem)), "noto" not in path.stem.casefold(), path.name


def files(folder: Path) -> list[Path]:
    """The font files below a folder, the likeliest first."""
    if folder.is_file():
        return [folder]
    found = (path for path in folder.rglob("*") if path.suffix.casefold() in (".ttf", ".otf", ".ttc"))
    return sorted(found, key=likely)[:SEARCHED]


@cache
def of_the_system(letter: str) -> tuple[Path, ...]:
    """The system's fonts that may have a letter: as fontconfig says, else all there are."""
    if command := shutil.which("fc-list"):
        said = [command, f":charset={ord(letter):x}:outline=true", "file"]
        done = subprocess.run(said, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
        return tuple(sorted((Path(line.rstrip(": ")) for line in done.stdout.splitlines() if line.strip()), key=likely))
    return tuple(path for folder in SYSTEM for path in files(Path(folder).expanduser()))


class Fonts:
    """Where letters are looked for: our own fonts, then the owner's folders, then the system."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = tuple(folders)
        self.known: dict[str, Face | None] = {}

    @classmethod
    def around(cls, said: str = "") -> "Fonts":
        """With the folders or files of a path list."""
        return cls([Path(part).expanduser() for part in said.split(os.pathsep) if part.strip()])

    def face(self, letter: str) -> Face | None:
        """A font that has a letter."""
        if letter not in self.known:
            self.known[letter] = next((face for face in self.places(letter) if letter in face.widths), None)
        return self.known[letter]

    def places(self, letter: str) -> Iterator[Face]:
        """The fonts in which a letter is looked for."""
        yield from faces()
        yield from (face for face in self.known.values() if face)
        own = (path for folder in self.folders for path in files(folder))
        for path in (*own, *of_the_system(letter)):
            if face := face_at(path):
                yield face

    def lacking(self, text: str) -> list[str]:
        """The letters that no font has."""
        silent = (INVISIBLE, *JOINERS, "\ufe0f", "\n", " ")
        return sorted({c for c in text if c not in silent and not mark(c) and self.face(c) is None})

    def writable(self, text: str) -> tuple[str, list[str]]:
        """A text without the letters that no font has, and those."""
        missing = self.lacking(text)
        for letter in missing:
            text = text.replace(letter, "")
        return (re.sub(r"[ \t]+(?=\n|$)|(?<=\n)[ \t]+|^[ \t]+", "", text), missing) if missing else (text, missing)

    def pieces(self, line: str) -> list[tuple[Face, str]]:
        """A line in pieces, each with the font that has its letters; a font goes on for as long as it can."""
        found: list[tuple[Face, str]] = []
        for letter in line:
            silent = letter in (INVISIBLE, *JOINERS, "\ufe0f") or mark(letter)
            if found and (silent or letter in found[-1][0].widths):
                face, text = found.pop()
                found.append((face, text + letter))
            else:
                found.append((faces()[0] if silent else self.face(letter) or faces()[0], letter))
        return found

    def width(self, line: str, size: float) -> float:
        """How many pixels a line takes."""
        return size * sum(face.widths.get(c, 0.0) for face, text in self.pieces(line) for c in text)

    def wrap(self, text: str, size: float, room: float) -> list[str]:
        """A text in lines that fit: broken between words, and inside one only where it is wider than a line."""
        lines = []
        for paragraph in text.split("\n"):
            line = ""
            for word in re.findall(r"\S+\s*|\s+", paragraph):
                if self.width((line + word).rstrip(), size) <= room:
                    line += word
                    continue
                if line.strip():
                    lines.append(line.rstrip())
                    line = ""
                for cluster in CLUSTER.findall(word):
                    if line and self.width((line + cluster).rstrip(), size) > room:
                        lines.append(line.rstrip())
                        line = ""
                    line += cluster
            lines.append(line.rstrip())
        return lines


def mark(letter: str) -> bool:
    """Whether it stands for a change of style."""
    return MARKS[0] <= letter <= MARKS[1]


def clean(text: str) -> str:
    """A text as it can be written: composed, with plain line ends, without control characters.

    Raises:
        ValueError: nothing is left to write.
    """
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    kept = ["".join(c for c in line if c in JOINERS or unicodedata.category(c) not in UNSEEN) for line in lines]
    if not any(line.strip() for line in kept):
        raise ValueError("there is nothing in it to write")
    return "\n".join(kept).strip("\n")


UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn")


def named(letters: Sequence[str]) -> str:
    """Letters for a sentence: `你 好 (cjk)`."""
    scripts = sorted({unicodedata.name(c, "unnamed").split()[0].split("-")[0].lower() for c in letters})
    return f"{' '.join(letters[:8])}{' …' if len(letters) > 8 else ''} ({', '.join(scripts[:4])})"
