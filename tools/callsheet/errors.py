"""What can go wrong, sorted by who can put it right: the agent, a person, or time."""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class CallsheetError(Exception):
    """The root. `safe_to_retry` says whether the same call may be made again without paying twice."""

    kind: ClassVar[str] = "request"

    def __init__(self, message: str, *, safe_to_retry: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.safe_to_retry = safe_to_retry

    def as_dict(self) -> dict[str, object]:
        """The `error` of a receipt."""
        return {"kind": self.kind, "message": self.message, "safe_to_retry": self.safe_to_retry}


class RequestError(CallsheetError):
    """The request is wrong; the agent can mend it."""


class Orphaned(RequestError):
    """An input will never be made, because the job that should make it ended badly."""


class SpendError(CallsheetError):
    """Money is missing or not agreed to; a person can mend it."""

    kind = "spend"


class Unagreed(SpendError):
    """All that is missing is somebody's yes to the price."""


class Dearer(SpendError):
    """Now that its inputs are known, a job costs more than was reserved for it; it is approved anew."""


class ProviderError(CallsheetError):
    """The backend or the way to it failed; time may mend it."""

    kind = "provider"


class LedgerTrouble(ProviderError):
    """The ledger cannot be read or written: the disk is full, the database is locked or damaged."""


class Twin(CallsheetError):
    """A backend gave a job the ticket of another one. Never shown to a caller."""


class Overtaken(CallsheetError):
    """Somebody else has moved this job on; reload it and leave it to them. Never shown to a caller."""


def listed(words: object) -> str:
    """`a, b and c`, in the order given."""
    items = [str(word) for word in words] if isinstance(words, list | tuple | set | frozenset) else [str(words)]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


ECHO = 200
"""So many characters of what somebody said are shown to them again."""


def cut(said: object, most: int = ECHO) -> str:
    """The beginning of what was said, for showing it again: short, on one line, nothing that a terminal obeys."""
    text = said if isinstance(said, str) else repr(said)
    shown = "".join(letter if letter.isprintable() else "·" for letter in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def nearest(word: str, names: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The name that was probably meant: a longer or shorter one, or one spelt nearly so."""
    known = list(names)
    if len(word) > 2 * max(map(len, known), default=0):
        return None
    inside = [name for name in known if min(len(word), len(name)) > 2 and (word in name or name in word)]
    if inside:
        return min(inside, key=lambda name: abs(len(name) - len(word)))
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), None)
