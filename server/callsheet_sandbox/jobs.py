"""Jobs of the sandbox: nothing runs in the background, a job's state is worked out whenever somebody looks.

A job moves on by seconds or by looks (`Pace`). A job whose request holds the marker `[fail]` in any text ends failed,
and gives its credits back; so does one that holds `[blocked]`, which a backend with moderation words as its block.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from callsheet_sandbox.accounts import Accounts, Short
from callsheet_sandbox.store import Store

FAIL = "[fail]"
BLOCKED = "[blocked]"
State = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Pace:
    """How jobs move on: done after their seconds, divided by `speed`; or at the look whose number is `looks`."""

    pace: Literal["seconds", "looks"] = "seconds"
    looks: int = 1
    speed: float = 1.0


@dataclass(frozen=True)
class Job:
    """A job as it stands at one moment, in neutral words that each backend puts into its own."""

    id: str
    backend: str
    owner: str
    service: str
    body: dict[str, Any]
    price: Decimal
    state: State
    progress: float
    created: float
    finished: float | None
    files: tuple[str, ...]
    facts: dict[str, Any]

    @property
    def blocked(self) -> bool:
        """Whether moderation, where there is any, would have none of it."""
        return BLOCKED in json.dumps(self.body)

    @property
    def charged(self) -> Decimal:
        """What the account has paid for it and not been given back."""
        return Decimal(str(self.facts.get("charged", "0")))


class Jobs:
    """The job table: opening, looking, cancelling, each step taken by exactly one caller."""

    def __init__(self, store: Store, accounts: Accounts, pace: Pace, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self.pace = pace

    def open(
        self,
        backend: str,
        owner: str,
        service: str,
        body: Mapping[str, Any],
        *,
        price: Decimal = Decimal(0),
        seconds: float = 1.0,
        files: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        later: bool = False,
        id: str | None = None,
    ) -> Job:
        """Charge the price and start a job that takes so many seconds at speed 1.

        `files` names what it will make, with `{id}` for the job's id. `later` charges at completion instead. `facts`
        is whatever the backend wants to remember. Raises `Short` when the account cannot pay, in both cases.
        """
        id = id or str(uuid.uuid4())
        names = [name.replace("{id}", id) for name in files]
        now = self._clock()
        said = json.dumps(body)
        known = dict(facts or {})
        with self._store.write():
            balance = self._accounts.balance(backend, owner)
            if price > balance:
                raise Short(price, balance)
            if price and not later:
                self._accounts.move(backend, owner, -price, type="charge", service=service, job_id=id)
                known["charged"] = str(price)
            self._store.run(
                "INSERT INTO jobs VALUES (?,?,?,?,?,?,?,?,'running',?,NULL,?,?,?,?,0,?,?)",
                *(id, backend, owner, service, said, str(price), int(later), int(FAIL in said or BLOCKED in said), now),
                *(seconds, self.pace.pace, self.pace.looks, self.pace.speed, json.dumps(names), json.dumps(known)),
            )
            for name in names:
                self._store.run("INSERT INTO files VALUES (?,?,?,?,?)", name, backend, owner, id, now)
        return self.of(id)

    def of(self, id: str) -> Job:
        """The job as written down, without moving it on; `KeyError` when there is none."""
        row = self._store.row("SELECT * FROM jobs WHERE id=?", id)
        if row is None:
            raise KeyError(id)
        return self._job(row)

    def look(self, backend: str, owner: str, id: str, *, services: Sequence[str] | None = None) -> Job | None:
        """Look in on a job, which counts as one look; None when this owner has no such job (in these services)."""
        with self._store.write():
            row = self._owned(backend, owner, id)
            if row is None or (services is not None and row["service"] not in services):
                return None
            self._store.run("UPDATE jobs SET looks=looks+1 WHERE id=? AND state='running'", id)
            self._move_on(id)
            return self.of(id)

    def cancel(self, backend: str, owner: str, id: str, *, refund: bool = True) -> bool | None:
        """Stop a running job and give its credits back; False when it is over already, None when there is none."""
        with self._store.write():
            if self._owned(backend, owner, id) is None:
                return None
            self._move_on(id)
            job = self.of(id)
            if job.state != "running":
                return False
            self._end(job, "cancelled", refund=refund)
            return True

    def all(
        self, backend: str, owner: str, services: Sequence[str] | None = None, limit: int = 50, offset: int = 0
    ) -> list[Job]:
        """This owner's jobs, newest first."""
        self.settle(backend, owner)
        rows = self._store.rows(
            "SELECT * FROM jobs WHERE backend=? AND owner=? ORDER BY created DESC, rowid DESC", backend, owner
        )
        jobs = [self._job(row) for row in rows if services is None or row["service"] in services]
        return jobs[offset : offset + limit]

    def settle(self, backend: str, owner: str) -> None:
        """Move on whatever is due by the clock, so that a balance read afterwards is right."""
        with self._store.write():
            rows = self._store.rows(
                "SELECT id FROM jobs WHERE backend=? AND owner=? AND state='running'", backend, owner
            )
            for row in rows:
                self._move_on(row["id"])

    def note(self, id: str, **facts: object) -> Job:
        """Remember more facts about a job."""
        with self._store.write():
            known = self.of(id).facts | facts
            self._store.run("UPDATE jobs SET facts=? WHERE id=?", json.dumps(known), id)
        return self.of(id)

    def set_pace(self, pace: Pace) -> None:
        """Change the pace, of jobs still running too: a test may hold them all and let them go."""
        self.pace = pace
        self._store.run(
            "UPDATE jobs SET pace=?, looks_wanted=?, speed=? WHERE state='running'", pace.pace, pace.looks, pace.speed
        )

    def _owned(self, backend: str, owner: str, id: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM jobs WHERE id=? AND backend=? AND owner=?", id, backend, owner)

    def _progress(self, row: sqlite3.Row) -> float:
        if row["state"] == "done":
            return 1.0
        if row["pace"] == "looks":
            gone, needed = row["looks"], row["looks_wanted"]
        else:
            gone, needed = (self._clock() - row["created"]) * row["speed"], row["seconds"]
        return min(1.0, gone / needed) if needed > 0 else 1.0

    def _move_on(self, id: str) -> None:
        row = self._store.row("SELECT * FROM jobs WHERE id=? AND state='running'", id)
        if row is None or self._progress(row) < 1:
            return
        if row["fails"]:
            self._end(self._job(row), "failed", refund=True)
            return
        job = self._job(row)
        if row["later"] and job.price:
            self._accounts.move(
                job.backend, job.owner, -job.price, type="charge", service=job.service, job_id=id, owed=True
            )
            self.note(id, charged=str(job.price))
        self._end(job, "done", refund=False)

    def _end(self, job: Job, state: State, *, refund: bool) -> None:
        self._store.run("UPDATE jobs SET state=?, finished=? WHERE id=?", state, self._clock(), job.id)
        if refund and job.charged:
            self._accounts.move(job.backend, job.owner, job.charged, type="refund", service=job.service, job_id=job.id)
            self.note(job.id, charged="0")

    def _job(self, row: sqlite3.Row) -> Job:
        return Job(
            id=row["id"],
            backend=row["backend"],
            owner=row["owner"],
            service=row["service"],
            body=json.loads(row["body"]),
            price=Decimal(row["price"]),
            state=row["state"],
            progress=self._progress(row),
            created=row["created"],
            finished=row["finished"],
            files=tuple(json.loads(row["files"])),
            facts=json.loads(row["facts"]),
        )
