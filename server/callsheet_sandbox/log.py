"""The request log, which is also the sliding window of the rate limit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from callsheet_sandbox.store import Store

WINDOW = 60.0


@dataclass(frozen=True)
class Entry:
    """One request: whether its body was as documented (None: it had none to check), and how it was answered."""

    at: float
    backend: str
    owner: str
    method: str
    route: str
    status: int | None
    valid: bool | None


class Log:
    """Every request that reached a backend of the sandbox, by route template."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def enter(self, backend: str, owner: str, method: str, route: str, *, scope: str = "") -> int:
        """Write a request down as it arrives; the number is for `leave`."""
        cursor = self._store.run(
            "INSERT INTO log (at, backend, owner, scope, method, route) VALUES (?,?,?,?,?,?)",
            *(self._clock(), backend, owner, scope, method, route),
        )
        return int(cursor.lastrowid or 0)

    def leave(self, entry: int, status: int, valid: bool | None) -> None:
        """Add how it was answered."""
        flag = None if valid is None else int(valid)
        self._store.run("UPDATE log SET status=?, valid=? WHERE id=?", status, flag, entry)

    def over(self, entry: int, rate: int, *, scope: str | None = None) -> int:
        """Seconds to wait because this request is beyond `rate` a minute; 0 when it may pass.

        Requests turned away with 429 do not count. With a `scope`, only requests that entered in that scope do.
        """
        rows = self._store.rows(
            "SELECT log.at FROM log, log AS mine WHERE mine.id=? AND log.backend=mine.backend "
            "AND log.owner=mine.owner AND log.id<mine.id AND log.at>mine.at-? "
            "AND (log.status IS NULL OR log.status!=429) AND (? IS NULL OR log.scope=?) ORDER BY log.at DESC LIMIT ?",
            *(entry, WINDOW, scope, scope, rate),
        )
        if len(rows) < rate:
            return 0
        return max(1, ceil(rows[-1]["at"] + WINDOW - self._clock())) if rows else int(WINDOW)

    def since(self, entry: int) -> int:
        """How many requests this one's sender has made in the window, this one among them."""
        (row,) = self._store.rows(
            "SELECT COUNT(*) AS made FROM log, log AS mine WHERE mine.id=? AND log.backend=mine.backend "
            "AND log.owner=mine.owner AND log.id<=mine.id AND log.at>mine.at-?",
            *(entry, WINDOW),
        )
        return int(row["made"])

    def entries(self, backend: str | None = None, limit: int = 1000) -> list[Entry]:
        """The newest entries, oldest first."""
        rows = self._store.rows(
            "SELECT * FROM (SELECT * FROM log WHERE ? IS NULL OR backend=? ORDER BY id DESC LIMIT ?) ORDER BY id",
            *(backend, backend, limit),
        )
        return [
            Entry(
                at=row["at"],
                backend=row["backend"],
                owner=row["owner"],
                method=row["method"],
                route=row["route"],
                status=row["status"],
                valid=None if row["valid"] is None else bool(row["valid"]),
            )
            for row in rows
        ]
