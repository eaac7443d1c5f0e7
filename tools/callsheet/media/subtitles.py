"""Subtitles as text: cues, the files that hold them, and what a viewer would stumble over."""

import contextlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from callsheet.errors import RequestError

FASTEST = 20.0
"""Characters a second that most people can read."""
LONGEST_LINE = 42
MOST_LINES = 2
SHORTEST_S = 0.7
LONGEST_S = 7.0

MOST_CUES = 20_000
LATEST_S = 100 * 3600.0
BRIEFEST_S = 0.05
"""A cue that is seen for less is not seen."""

TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}(?:[,.]\d{1,9})?"
TIMES = re.compile(rf"^\s*({TIME})\s*-->\s*({TIME})(\s.*)?$")
MEANT = re.compile(r"^\s*[\d:.,]+\s*-->")
"""A line that begins as the times of a cue do."""
WORD_TIMES = re.compile(r"<\d\d:[\d:.]+>")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|</?\d[\d:.]*>|\{\\[^{}]*\}|\\[NnhH](?![a-z])")
TOP = re.compile(r"\bline:(-?\d+(?:\.\d+)?)(%?)")
PLACES = {1: "bottom-left", 2: "bottom", 3: "bottom-right", 4: "left", 5: "center"} | {
    **{6: "right", 7: "top-left", 8: "top", 9: "top-right"},
}
OPENED = {"i": "\\i1", "b": "\\b1", "u": "\\u1", "em": "\\i1", "strong": "\\b1"}
CLOSED = {"i": "\\i0", "b": "\\b0", "u": "\\u0", "em": "\\i0", "strong": "\\b0", "font": "\\c"}
KEPT = re.compile(r"\\(?:[ibu][01]|b\d00|(?:1?c)(?:&H[0-9A-Fa-f]+&?)?)(?=\\|$)")
"""Of the commands of ASS, those that change how letters look."""
HTML = {"\\i1": "<i>", "\\i0": "</i>", "\\b1": "<b>", "\\b0": "</b>", "\\u1": "<u>", "\\u0": "</u>", "\\c": "</font>"}


@dataclass(frozen=True)
class Cue:
    """A line on the screen, from and to a time in seconds."""

    start: float
    end: float
    text: str
    styled: str = field(default="", compare=False)
    """The same with letters of nobody's where the style changes."""
    marks: tuple[str, ...] = field(default=(), compare=False)
    """What each of those letters means, in the words of ASS."""
    position: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, row: Any) -> "Cue | None":
        """A cue out of a transcript's segment, `{start, end, text}` in seconds; None where that is not what it is."""
        if not isinstance(row, dict):
            return None
        start, end, text = row.get("start"), row.get("end"), row.get("text")
        if isinstance(start, int | float) and isinstance(end, int | float) and isinstance(text, str):
            return cls(float(start), float(end), text.strip())
        return None

    @property
    def letters(self) -> int:
        """How much there is to read."""
        return len(re.sub(r"\s+", " ", self.text))


def clock(seconds: float, separator: str = ",") -> str:
    """`00:01:02,345`."""
    total = round(max(0.0, seconds) * 1000)
    return f"{total // 3600000:02}:{total // 60000 % 60:02}:{total // 1000 % 60:02}{separator}{total % 1000:03}"


def seconds(clock: str) -> float:
    """The time on a clock, with or without hours and parts of a second."""
    whole, _, part = clock.replace(",", ".").partition(".")
    total = 0
    for number in whole.split(":"):
        total = total * 60 + int(number)
    return (total * 1000 + int(part[:3].ljust(3, "0"))) / 1000


def body(text: str) -> str:
    """A cue's text without the blank lines that would end it."""
    return re.sub(r"\n\s*\n+", "\n", text.strip())


def marked(cue: Cue) -> str:
    """A cue's text with its style in the tags of SubRip."""
    text = cue.styled or cue.text
    for number, command in enumerate(cue.marks):
        tag = HTML.get(command, "")
        if found := re.fullmatch(r"\\1?c&H(?:..)?(..)(..)(..)&?", command):
            tag = f'<font color="#{found[3]}{found[2]}{found[1]}">'
        text = text.replace(chr(FIRST + number), tag)
    place = next((number for number, name in PLACES.items() if name == cue.position), None)
    return f"{{\\an{place}}}{text}" if place else text


def srt(cues: Iterable[Cue]) -> str:
    """A SubRip file."""
    return "\n".join(f"{n}\n{clock(c.start)} --> {clock(c.end)}\n{body(marked(c))}\n" for n, c in enumerate(cues, 1))


def vtt(cues: Iterable[Cue]) -> str:
    """A WebVTT file."""

    def safe(text: str) -> str:
        return body(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    told = [f"{clock(c.start, '.')} --> {clock(c.end, '.')}\n{safe(c.text)}\n" for c in cues]
    return "\n".join(["WEBVTT\n", *told])


FIRST = 0xE000


def read_marks(start: float, end: float, raw: str, position: str | None = None) -> Cue:
    """A cue out of its raw text: markup becomes style and place, entities become letters."""
    marks: list[str] = []
    place = position

    def put(command: str) -> str:
        if command not in marks:
            marks.append(command)
        return chr(FIRST + marks.index(command))

    def meant(found: re.Match[str]) -> str:
        nonlocal place
        tag = found[0]
        if tag[0] == "\\":
            return "\n" if tag[1] in "Nn" else " "
        if tag[0] == "{":
            if there := re.search(r"\\an([1-9])", tag):
                place = PLACES[int(there[1])]
            return "".join(put("\\c" if c in ("\\c", "\\1c") else c) for c in KEPT.findall(tag[1:-1]))
        name = re.split(r"[\s.>/]", tag.lstrip("</"), maxsplit=1)[0].lower()
        if tag.startswith("</"):
            return put(CLOSED[name]) if name in CLOSED else ""
        if name == "font" and (hue := re.search(r"color\s*=\s*[\"']?#?([0-9a-fA-F]{6})\b", tag)):
            red, green, blue = hue[1][:2], hue[1][2:4], hue[1][4:]
            return put(f"\\c&H{blue}{green}{red}&".upper().replace("\\C", "\\c"))
        return put(OPENED[name]) if name in OPENED else ""

    raw = "".join(c for c in raw if not 0xE000 <= ord(c) <= 0xF8FF)
    styled = html.unescape(TAG.sub(meant, raw)).replace("\u200e", "").replace("\u200f", "")
    styled = "\n".join(line.strip() for line in styled.split("\n") if line.strip())
    text = "".join(c for c in styled if not 0xE000 <= ord(c) <= 0xF8FF)
    text = "\n".join(line.strip() for line in text.split("\n") if line.strip())
    return Cue(start, end, text, styled if marks else "", tuple(marks), place)


def placed(settings: str) -> str | None:
    """Where the settings of a WebVTT cue put it, if that is the upper half."""
    if not (found := TOP.search(settings)):
        return None
    line = float(found[1])
    return "top" if (0 <= line < 50 if found[2] else 0 <= line < 6) else None


def parse(text: str) -> list[Cue]:
    """The cues of a file of subtitles, as they stand.

    Raises:
        RequestError: it holds none that can be read.
    """
    return read(text)[0]


def read(text: str) -> tuple[list[Cue], list[str]]:
    """The cues of a file of subtitles (SubRip, WebVTT, ASS, SSA and what else pysubs2 knows), and what was left out.

    Raises:
        RequestError: it holds none that can be read.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    notes: list[str] = []
    if re.match(r"\s*\[Script Info\]|.*^\[Events\]", text, re.DOTALL | re.MULTILINE) and "Dialogue:" in text:
        cues = others(text)
    elif "-->" in text:
        cues = listed(text, notes)
    else:
        cues = others(text)
    cues = [cue for cue in cues if cue.text]
    if len(cues) > MOST_CUES:
        raise RequestError(f"The subtitles hold {len(cues)} cues; {MOST_CUES} can be shown.")
    if not cues:
        why = f" {notes[0]}" if notes else ""
        raise RequestError(f"The subtitles hold no cue with a time and a text; SRT, VTT and ASS can be read.{why}")
    if WORD_TIMES.search(text) or sum(cue.end - cue.start < BRIEFEST_S for cue in cues) * 3 > len(cues) > 3:
        rolled = unrolled(cues)
        notes += ["Captions that roll up were taken apart."] if len(rolled) < len(cues) else []
        cues = rolled
    return cues, notes


def others(text: str) -> list[Cue]:
    """The cues of a format that pysubs2 knows."""
    import pysubs2  # noqa: PLC0415  (often not needed)

    try:
        events = pysubs2.SSAFile.from_string(text).events
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError, AssertionError, AttributeError):
        return []
    styles = {}
    with contextlib.suppress(Exception):  # a style that is not there changes nothing
        styles = {name: style.alignment for name, style in pysubs2.SSAFile.from_string(text).styles.items()}
    cues = []
    for event in events:
        if event.is_comment or event.is_drawing:
            continue
        place = PLACES.get(int(styles.get(event.style, 2)))
        cues.append(read_marks(event.start / 1000, event.end / 1000, event.text, None if place == "bottom" else place))
    return cues


def listed(text: str, notes: list[str]) -> list[Cue]:
    """The cues of a SubRip or WebVTT file: the times begin one, and what stands before them is its number or name."""
    lines, web = text.split("\n"), text.lstrip().startswith("WEBVTT")
    cues: list[Cue] = []
    spoken: list[str] = []
    times: tuple[float, float, str] | None = None
    shut = False

    def close() -> None:
        if times:
            cues.append(read_marks(times[0], times[1], "\n".join(spoken), placed(times[2])))

    for number, line in enumerate(lines):
        if found := TIMES.match(line):
            if not web and spoken and spoken[-1].strip().isdigit():
                spoken.pop()
            close()
            times, spoken, shut = (seconds(found[1]), seconds(found[2]), found[3] or ""), [], False
        elif MEANT.match(line):
            if spoken and spoken[-1].strip().isdigit():
                spoken.pop()
            close()
            notes.append(f"Left out: line {number + 1} of the subtitles cannot be read: {line.strip()[:60]!r}.")
            times, spoken, shut = None, [], True
        elif web and not line and times:
            shut = True
        elif not shut:
            spoken.append(line)
    close()
    return cues


def unrolled(cues: Sequence[Cue]) -> list[Cue]:
    """Captions that repeat the line before them, each line once and for as long as it stands alone or first."""
    found: list[Cue] = []
    for cue in cues:
        lines = cue.text.split("\n")
        if found and cue.start <= found[-1].end + 0.1:
            before = found[-1].text.split("\n")
            for size in range(min(len(lines), len(before)), 0, -1):
                if lines[:size] == before[-size:]:
                    lines = lines[size:]
                    break
        if lines:
            found.append(Cue(cue.start, cue.end, "\n".join(lines)))
        elif found and cue.end - found[-1].end <= 1.0:
            found[-1] = replace(found[-1], end=max(found[-1].end, cue.end))
    return found


def decoded(data: bytes, charset: str | None = None) -> tuple[str, str | None]:
    """A subtitle file's text, and in which coding it was taken to be where that is a guess.

    Raises:
        RequestError: it is no text in the coding named, or in any.
    """
    if charset:
        try:
            return data.decode(charset), None
        except (LookupError, UnicodeDecodeError):
            raise RequestError(f"The subtitles are no text in {charset[:40]!r}.") from None
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig"), None
    except UnicodeDecodeError:
        import charset_normalizer  # noqa: PLC0415  (often not needed)

        best = charset_normalizer.from_bytes(data[:200_000]).best()
        if best is None:
            raise RequestError("The subtitles are in no coding of letters that can be told; say `charset`.") from None
        return data.decode(best.encoding, "replace"), best.encoding


def mended(cues: Sequence[Cue]) -> tuple[list[Cue], list[str]]:
    """Cues as they can be shown, in order, and what was left out."""
    kept, notes = [], []
    for number, cue in enumerate(cues, 1):
        if cue.end <= cue.start or cue.start >= LATEST_S:
            why = "which ends before it is seen" if cue.end <= cue.start else "which is later than any film"
            notes.append(f"Left out: cue {number} ({clock(cue.start)}, {cue.text[:30]!r}), {why}.")
        else:
            kept.append(replace(cue, end=min(cue.end, LATEST_S)))
    if not kept:
        raise RequestError(f"No cue of the subtitles can be shown. {notes[0]}")
    ordered = sorted(kept, key=lambda cue: cue.start)
    notes += ["The cues were put in order."] if ordered != kept else []
    return ordered, notes if len(notes) < 8 else [*notes[:7], f"And {len(notes) - 7} more."]


def shifted(path: Path, start: float, end: float, speed: float) -> bool:
    """Bring a SubRip file to another clock, in place; whether anything of it is left."""
    try:
        cues = parse(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, RequestError):
        return False
    inside = [cue for cue in cues if cue.end > start and cue.start < end]
    moved = [
        replace(cue, start=max(0.0, cue.start - start) / speed, end=(min(cue.end, end) - start) / speed)
        for cue in inside
    ]
    path.write_text(srt(moved), encoding="utf-8")
    return bool(moved)


def faults(cues: Sequence[Cue], length: float | None = None) -> list[str]:
    """What a viewer would stumble over, a sentence each: overlaps, haste, long lines, what comes after the end."""
    return list(stumbles(cues, length))


def stumbles(cues: Sequence[Cue], length: float | None) -> Iterator[str]:
    """See `faults`."""
    for number, cue in enumerate(cues, 1):
        lines = cue.text.split("\n")
        following = cues[number] if number < len(cues) else None
        if following and cue.end > following.start + 0.0005:
            yield f"Cues {number} and {number + 1} overlap by {cue.end - following.start:.2f} s"
        if (speed := cue.letters / (cue.end - cue.start)) > FASTEST:
            yield f"Cue {number} must be read at {speed:.0f} characters a second; {FASTEST:.0f} is fast"
        if cue.end - cue.start < SHORTEST_S:
            yield f"Cue {number} is seen for only {cue.end - cue.start:.2f} s"
        if (longest := max(map(len, lines))) > LONGEST_LINE:
            yield f"Cue {number} has a line of {longest} characters; {LONGEST_LINE} fit well"
        if len(lines) > MOST_LINES:
            yield f"Cue {number} has {len(lines)} lines; {MOST_LINES} fit well"
        if length is not None and cue.end > length + 0.05:
            yield f"Cue {number} ends at {cue.end:.2f} s, after the film ({length:.2f} s)"
