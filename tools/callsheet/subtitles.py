"""Subtitles as text: cues, and the files that hold them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


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


def clock(seconds: float, separator: str = ",") -> str:
    """`00:01:02,345`."""
    total = round(max(0.0, seconds) * 1000)
    return f"{total // 3600000:02}:{total // 60000 % 60:02}:{total // 1000 % 60:02}{separator}{total % 1000:03}"


def srt(cues: Iterable[Cue]) -> str:
    """A SubRip file."""
    return "\n".join(f"{n}\n{clock(c.start)} --> {clock(c.end)}\n{c.text}\n" for n, c in enumerate(cues, 1))
