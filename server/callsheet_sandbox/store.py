"""The sandbox's memory: one SQLite file, so that several processes and restarts see the same accounts and jobs."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    backend TEXT, owner TEXT, balance TEXT NOT NULL, opened REAL NOT NULL, PRIMARY KEY (backend, owner));
CREATE TABLE IF NOT EXISTS moves (
    id INTEGER PRIMARY KEY, backend TEXT NOT NULL, owner TEXT NOT NULL, amount TEXT NOT NULL, type TEXT NOT NULL,
    service TEXT NOT NULL, job_id TEXT, at REAL NOT NULL, balance TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, backend TEXT NOT NULL, owner TEXT NOT NULL, service TEXT NOT NULL, body TEXT NOT NULL,
    price TEXT NOT NULL, later INTEGER NOT NULL, fails INTEGER NOT NULL, state TEXT NOT NULL, created REAL NOT NULL,
    finished REAL, seconds REAL NOT NULL, pace TEXT NOT NULL, looks_wanted INTEGER NOT NULL, speed REAL NOT NULL,
    looks INTEGER NOT NULL, files TEXT NOT NULL, facts TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_of ON jobs (backend, owner, state);
CREATE TABLE IF NOT EXISTS files (
    name TEXT PRIMARY KEY, backend TEXT NOT NULL, owner TEXT NOT NULL, job_id TEXT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY, backend TEXT NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS records_of ON records (backend, kind, owner);
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, backend TEXT NOT NULL, owner TEXT NOT NULL, scope TEXT NOT NULL,
    method TEXT NOT NULL, route TEXT NOT NULL, status INTEGER, valid INTEGER);
CREATE INDEX IF NOT EXISTS log_of ON log (backend, owner, at);
"""

Value = str | int | float | None


class Store:
    """A SQLite connection that threads may share and that writes in whole transactions."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or a database in memory when there is no path."""
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self.close = weakref.finalize(self, self._db.close)
        self._prepare()

    def _prepare(self) -> None:
        # Turning WAL on does not wait for a busy file as other statements do, so two first starts at once try again.
        for attempt in range(100):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError:
                if attempt == 99:
                    raise
                time.sleep(0.02)
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self.write():
            for statement in SCHEMA.split(";"):
                self._db.execute(statement)

    @contextmanager
    def write(self) -> Iterator[None]:
        """All or nothing; inside another `write` it joins that one."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def run(self, sql: str, *values: Value) -> sqlite3.Cursor:
        """One statement that changes something; returns its cursor for `rowcount` and `lastrowid`."""
        with self._lock:
            return self._db.execute(sql, values)

    def rows(self, sql: str, *values: Value) -> list[sqlite3.Row]:
        """Every row of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        rows = self.rows(sql, *values)
        return rows[0] if rows else None
