"""What a person is asked before something is spent or undone, and what a yes to it stands for."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal

LONGEST = 80
MARKS = frozenset(" .,;!?'-")


@dataclass(frozen=True)
class Question:
    """A question about what may cost `prices` credits, one for each job."""

    digest: str
    text: str
    prices: tuple[Decimal, ...] = (Decimal(0),)


@dataclass(frozen=True)
class Yes:
    """A person's yes to prices; `approval` shows that it was given, and counts once."""

    prices: tuple[Decimal, ...]
    approval: str | None = None


def harmless(text: str) -> str:
    """A caller's text inside a question: letters, digits and plain punctuation in one line, so that it can neither pass
    for a part of the question nor be drawn as anything but text."""
    known = (c if c.isalnum() or c in MARKS or unicodedata.category(c).startswith("M") else " " for c in text)
    short = " ".join("".join(known).split())
    return short if len(short) <= LONGEST else f"{short[: LONGEST - 1].rstrip()}…"
