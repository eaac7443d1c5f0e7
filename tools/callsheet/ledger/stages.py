"""How far a job is, in the ledger's words and in the receipt's."""

from collections.abc import Iterable
from typing import Literal, Protocol

Status = Literal["working", "completed", "failed", "cancelled", "refused", "unknown"]

UNSENT = ("new", "quoted", "asking", "approved")
LIVE = (*UNSENT, "sending", "sent", "made")
ENDED = ("stored", "refused", "failed", "cancelled", "unknown")
HOLDING = ("approved", "sending", "sent", "made", "unknown")
"""Stages in which a job's reservation counts."""

STATUS: dict[str, Status] = {
    **dict.fromkeys(LIVE, "working"),
    "stored": "completed",
    "refused": "refused",
    "failed": "failed",
    "cancelled": "cancelled",
    "unknown": "unknown",
}


class Staged(Protocol):
    """Whatever is in a stage."""

    @property
    def stage(self) -> str:
        """How far it is."""
        ...


def whole(parts: Iterable[Staged]) -> str:
    """The stage of several jobs under one receipt: the work first, then the best that came of it."""
    stages = {part.stage for part in parts}
    return next(
        (stage for stage in (*LIVE, "unknown", "stored", "failed", "refused", "cancelled") if stage in stages), "new"
    )
