"""Subtitles as text: cues, the files that hold them, and what a viewer would stumble over."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callsheet.errors import RequestError
from callsheet.media.fonts import CLUSTER

FASTEST = 20.0
"""Characters a second that most people can read."""
LONGEST_LINE = 42
MOST_LINES = 2
SHORTEST_S = 0.7
LONGEST_S = 7.0
BRIEFEST_S = 0.05
"""For so short nothing can be seen: about a frame."""

TIMES = re.compile(
    r"^\s*((?:\d{1,3}:)?\d{1,2}:\d{1,2}[,.]\d{1,3})\s*-->\s*((?:\d{1,3}:)?\d{1,2}:\d{1,2}[,.]\d{1,3})(?:\s.*)?$"
)
TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|</?\d[\d:.]*>|\{\\[^{}]*\}")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&nbsp;": "\u00a0", "&lrm;": "", "&rlm;": "", "&amp;": "&"}


@dataclass(frozen=True)
class Cue:
    """A line on the screen, from and to a time in seconds."""

    start: float
    end: float
    text: str

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
    """The time on a clock, with or without hours."""
    whole, _, part = clock.replace(",", ".").partition(".")
    total = 0
    for number in whole.split(":"):
        total = total * 60 + int(number)
    return (total * 1000 + int(part.ljust(3, "0"))) / 1000


def body(text: str) -> str:
    """A cue's text without the blank lines that would end it."""
    return re.sub(r"\n\s*\n+", "\n", text.strip())


def srt(cues: Iterable[Cue]) -> str:
    """A SubRip file."""
    return "\n".join(f"{n}\n{clock(c.start)} --> {clock(c.end)}\n{body(c.text)}\n" for n, c in enumerate(cues, 1))


def vtt(cues: Iterable[Cue]) -> str:
    """A WebVTT file."""

    def safe(text: str) -> str:
        return body(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    told = [f"{clock(c.start, '.')} --> {clock(c.end, '.')}\n{safe(c.text)}\n" for c in cues]
    return "\n".join(["WEBVTT\n", *told])


def plain(text: str) -> str:
    """A cue's text without its markup."""
    text = TAGS.sub("", text)
    for entity, letter in ENTITIES.items():
        text = text.replace(entity, letter)
    return text.strip()


def parse(text: str) -> list[Cue]:
    """The cues of a SubRip or WebVTT file, as they stand; markup is dropped, a cue without text left out.

    Raises:
        RequestError: it is neither, or holds nothing.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cues: list[Cue] = []
    spoken: list[str] = []
    marks: tuple[float, float] | None = None

    def close() -> None:
        if marks and (said := plain("\n".join(spoken))):
            cues.append(Cue(*marks, said))

    for number, line in enumerate(lines):
        if found := TIMES.match(line):
            close()
            marks, spoken = (seconds(found[1]), seconds(found[2])), []
        elif "-->" in line:
            raise RequestError(f"Line {number + 1} of the subtitles cannot be read: {line.strip()[:60]!r}.")
        elif not line.strip():
            close()
            marks = None
        elif marks:
            spoken.append(line.strip())
    close()
    if not cues:
        raise RequestError("The subtitles hold no cue with a time and a text; SRT and VTT can be read.")
    return cues


def decoded(data: bytes) -> str:
    """A subtitle file's text.

    Raises:
        RequestError: it is not in Unicode.
    """
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise RequestError("The subtitles are not in UTF-8; save them so first.") from None


def check(cues: Sequence[Cue]) -> None:
    """Whether cues can be shown at all.

    Raises:
        RequestError: a cue ends before it starts, or starts before the one before it.
    """
    for number, cue in enumerate(cues, 1):
        if cue.end <= cue.start:
            raise RequestError(f"Cue {number} of the subtitles ends at {clock(cue.end)}, no later than it starts.")
    for number, (one, two) in enumerate(itertools.pairwise(cues), 2):
        if two.start < one.start:
            raise RequestError(f"Cue {number} of the subtitles starts before the one before it; put them in order.")


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


def segments(script: str) -> list[str]:
    """A script in cues: a blank line ends one, `|` breaks a line; without blank lines each line is one.

    What is longer than a cue may be is divided between words, after a sentence where there is one.
    """
    text = script.replace("\r\n", "\n").strip()
    blocks = re.split(r"\n\s*\n", text) if re.search(r"\n\s*\n", text) else text.split("\n")
    found = []
    for block in blocks:
        lines = [" ".join(line.split()) for line in re.split(r"[|\n]", block) if line.strip()]
        if not lines:
            continue
        if len(lines) <= MOST_LINES and all(len(line) <= LONGEST_LINE for line in lines):
            found.append("\n".join(lines))
            continue
        for sentence in re.findall(r"\S.*?[.!?…](?=\s|$)|\S.*", " ".join(lines)):
            short = folded(sentence)
            found += ["\n".join(short[n : n + MOST_LINES]) for n in range(0, len(short), MOST_LINES)]
    return found


def folded(sentence: str) -> list[str]:
    """A sentence in lines of about the same length, none longer than fits well."""
    even = min(LONGEST_LINE, -(-len(sentence) // -(-len(sentence) // LONGEST_LINE)) + 6)
    found = [""]
    for word in sentence.split():
        parts = [word] if len(word) <= LONGEST_LINE else CLUSTER.findall(word)
        for number, part in enumerate(parts):
            gap = " " if number == 0 and found[-1] else ""
            if found[-1] and len(found[-1] + gap + part) > even:
                found.append("")
                gap = ""
            found[-1] += gap + part
    return found


def spread(script: str, length: float) -> list[Cue]:
    """A script over a length of time, each cue for as long as there is to read. Nobody listened: the times are guesses.

    Raises:
        RequestError: the script says nothing, or far more than there is time for.
    """
    texts = segments(script)
    if not texts:
        raise RequestError("The script says nothing.")
    if length / len(texts) < BRIEFEST_S:
        raise RequestError(
            f"The script has {len(texts):,} cues, and {length:g} s are time for {length / BRIEFEST_S:.0f}."
        )
    weights = [len(text) + 10 for text in texts]
    second, at, cues = length / sum(weights), 0.0, []
    for text, weight in zip(texts, weights, strict=True):
        end = at + second * weight
        cues.append(Cue(round(at, 3), round(min(end, at + max(LONGEST_S, len(text) / 8)), 3), text))
        at = end
    return cues
