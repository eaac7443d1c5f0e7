"""The box: everything the sandbox remembers and makes, shared by the four backends.

* `box.accounts`  balances in exact decimals, and the moves that explain them
* `box.jobs`      jobs that move on by seconds or by looks (`[fail]` in a request makes its job fail)
* `box.records`   small JSON documents by kind and owner
* `box.log`       every request, which is also the rate limit's window
* `box.put`, `box.read`, `box.fetch`   files: uploads, results made on first fetch, inputs by address
"""

import mimetypes
import shutil
import tempfile
import time
import uuid
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread

from callsheet_sandbox.accounts import Accounts
from callsheet_sandbox.inputs import Kind, fetched
from callsheet_sandbox.jobs import Job, Jobs, Pace
from callsheet_sandbox.log import Log
from callsheet_sandbox.records import Records
from callsheet_sandbox.store import Store

STORAGE = "/storage/v1/object/public/sandbox/"

Maker = Callable[["Box", Job], Awaitable[Sequence[bytes]]]
"""Makes the files of a finished job, in the order in which they were named when it was opened."""


class Box:
    """State and media of one sandbox, in a folder that other processes may share, or for this process alone."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        pace: Pace | None = None,
        rate: int = 60,
        credits: float | Mapping[str, float] = 100.0,
        stale: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the box.

        `rate` is requests a minute per key and backend; `credits` what a new account starts with (or a figure per
        backend); `stale` lets pending states lag behind as real caches do; `clock` tells the time in seconds.
        """
        if folder is None:
            self.files = Path(tempfile.mkdtemp(prefix="callsheet-sandbox-"))
            self._clean: Callable[[], object] = weakref.finalize(self, shutil.rmtree, self.files, ignore_errors=True)
        else:
            self.files = folder / "files"
            self.files.mkdir(parents=True, exist_ok=True)
            self._clean = lambda: None
        self._store = Store(folder / "sandbox.db" if folder else None)
        self.rate = rate
        self.stale = stale
        self.clock = clock
        self.accounts = Accounts(self._store, credits, clock)
        self.jobs = Jobs(self._store, self.accounts, pace or Pace(), clock)
        self.records = Records(self._store, clock)
        self.log = Log(self._store, clock)
        self.makers: dict[tuple[str, str], Maker] = {}
        self._making: dict[str, anyio.Lock] = {}

    def close(self) -> None:
        """Close the database; a box without a folder throws its files away."""
        self._store.close()
        self._clean()

    def balance(self, backend: str, owner: str) -> Decimal:
        """What the account holds once everything due has been charged or refunded."""
        self.jobs.settle(backend, owner)
        return self.accounts.balance(backend, owner)

    def put(self, data: bytes, suffix: str, *, backend: str, owner: str, name: str | None = None) -> str:
        """Store a ready-made file, such as an upload, and return the name it can be read and found by.

        A `name` of your own must be one nobody can guess or choose, as it is a path below `files` and opens the file.
        """
        name = name or f"{uuid.uuid4()}{suffix}"
        self._write(name, data)
        self._store.run("INSERT OR REPLACE INTO files VALUES (?,?,?,NULL,?)", name, backend, owner, self.clock())
        return name

    def drop(self, name: str) -> None:
        """Remove a file and its name."""
        self._store.run("DELETE FROM files WHERE name=?", name)
        self._place(name).unlink(missing_ok=True)

    def owner(self, name: str) -> tuple[str, str] | None:
        """The backend and owner of a stored name, or None when there is no such file."""
        row = self._store.row("SELECT backend, owner FROM files WHERE name=?", name)
        return (row["backend"], row["owner"]) if row else None

    def name_in(self, url: str) -> str | None:
        """The stored name an address of our own points to: its whole path, what follows STORAGE, or its last part."""
        path = unquote(urlsplit(url).path)
        for name in (path.removeprefix(STORAGE), path.removeprefix("/"), path.rpartition("/")[2]):
            if name and self.owner(name):
                return name
        return None

    async def path(self, name: str) -> Path | None:
        """Where a stored file is on disk, made now if its job is done and nobody has asked before; else None."""
        row = self._store.row("SELECT job_id FROM files WHERE name=?", name)
        if row is None:
            return None
        place = self._place(name)
        if row["job_id"] and not place.exists():
            job = self.jobs.of(row["job_id"])
            if job.state != "done":
                return None
            await self._make(job)
        return place if place.exists() else None

    async def read(self, name: str) -> bytes:
        """The bytes of a stored file, made now if need be; `KeyError` when there is none yet."""
        place = await self.path(name)
        if place is None:
            raise KeyError(name)
        return await anyio.to_thread.run_sync(place.read_bytes)

    async def fetch(self, address: str, kind: Kind) -> bytes:
        """An input given by address: a file of our own, a data URI, a URL, or else an honest stand-in."""
        return await self.fetch_if_any(address, kind) or await self._stand_in(address, kind)

    async def fetch_if_any(self, address: str, kind: Kind) -> bytes | None:
        """As `fetch`, but None where it cannot be had or is not media of this kind."""
        from callsheet_sandbox import props  # noqa: PLC0415 - heavy

        name = None if address.startswith("data:") else self.name_in(address)
        if name:
            place = await self.path(name)
            data = await anyio.to_thread.run_sync(place.read_bytes) if place else None
        else:
            data = await fetched(address)
        try:
            facts = await anyio.to_thread.run_sync(props.facts, data) if data else None
        except (ValueError, props.MediaError):
            return None
        return data if facts and facts.kind == kind else None

    async def _stand_in(self, address: str, kind: Kind) -> bytes:
        from callsheet_sandbox import props  # noqa: PLC0415 - heavy

        return await anyio.to_thread.run_sync(props.stand_in, kind, address[:80])

    async def _make(self, job: Job) -> None:
        lock = self._making.setdefault(job.id, anyio.Lock())
        try:
            async with lock:
                if all(self._place(name).exists() for name in job.files):
                    return
                made = await self.makers[job.backend, job.service](self, job)
                for name, data in zip(job.files, made, strict=True):
                    self._write(name, data)
        finally:
            self._making.pop(job.id, None)

    def _place(self, name: str) -> Path:
        return self.files.joinpath(*name.split("/"))

    def _write(self, name: str, data: bytes) -> None:
        place = self._place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
        draft.write_bytes(data)
        draft.replace(place)


def mime_of(name: str) -> str:
    """The content type a file's name stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
