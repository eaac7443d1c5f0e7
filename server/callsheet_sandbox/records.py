"""Small documents a backend keeps beside its jobs: projects, voices, templates, whatever its pages list."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from callsheet_sandbox.store import Store


class Records:
    """JSON documents by backend and kind, each with a number of its own and an owner."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def add(self, backend: str, owner: str, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a document; it comes back with its `id` and the time it was made, `at`."""
        cursor = self._store.run(
            "INSERT INTO records (backend, owner, kind, data, at) VALUES (?,?,?,?,?)",
            *(backend, owner, kind, json.dumps(data), self._clock()),
        )
        return self._read("id=?", int(cursor.lastrowid or 0))[0]

    def get(self, backend: str, kind: str, id: int, owner: str | None = None) -> dict[str, Any] | None:
        """One document, or None; with an owner, only if it is theirs."""
        found = self._read("id=? AND backend=? AND kind=? AND (? IS NULL OR owner=?)", id, backend, kind, owner, owner)
        return found[0] if found else None

    def all(self, backend: str, kind: str, owner: str | None = None) -> list[dict[str, Any]]:
        """Every document of a kind, oldest first; without an owner, everybody's."""
        return self._read("backend=? AND kind=? AND (? IS NULL OR owner=?)", backend, kind, owner, owner)

    def change(self, id: int, **fields: object) -> dict[str, Any]:
        """Set some fields of a document."""
        with self._store.write():
            row = self._store.row("SELECT data FROM records WHERE id=?", id)
            if row is None:
                raise KeyError(id)
            data = json.loads(row["data"]) | fields
            self._store.run("UPDATE records SET data=? WHERE id=?", json.dumps(data), id)
        return self._read("id=?", id)[0]

    def drop(self, id: int) -> None:
        """Forget a document."""
        self._store.run("DELETE FROM records WHERE id=?", id)

    def _read(self, where: str, *values: str | int | None) -> list[dict[str, Any]]:
        rows = self._store.rows(f"SELECT * FROM records WHERE {where} ORDER BY id", *values)  # noqa: S608 - ours
        return [json.loads(row["data"]) | {"id": row["id"], "owner": row["owner"], "at": row["at"]} for row in rows]
