"""FFmpeg on this machine, with the face of a backend: what is sent to it runs as a child process.

It has no key and no prices, and a job that a crash interrupted is simply begun again.
"""

import errno
import logging
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from callsheet.backends.dialect import Answer, Dialect, Route, Step, tidy
from callsheet.backends.local.models import Local
from callsheet.backends.provider import Provider
from callsheet.backends.providers import Providers
from callsheet.catalogue.model import Harvest, Model, Price
from callsheet.errors import CallsheetError, ProviderError, RequestError
from callsheet.ledger.stages import LIVE
from callsheet.ledger.tables import Job, jobs
from callsheet.media import ffmpeg
from callsheet.media.edits import Edit
from callsheet.media.shelf import LARGEST

WORK = ".callsheet-work"
"""Where edits are made, in the output folder: on the disk where the results will lie."""
NEWS_S = 1.0
CLOSE_S = 5.0
ATTEMPTS = 5
STALE_S = 3600.0
PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that a child sees of our environment: it holds no key, and nothing that changes how FFmpeg works."""

log = logging.getLogger(__name__)

TROUBLE: tuple[tuple[str, type[CallsheetError], str], ...] = (
    ("No space left on device|Disk quota exceeded|File too large", ProviderError, "The disk is full; make room there"),
    ("Permission denied|Read-only file system", ProviderError, "FFmpeg may not write to the output folder"),
    ("Unknown encoder|No such filter", ProviderError, "This FFmpeg lacks what is needed; install a full one"),
    ("Picture size|Image dimensions|max_pixels|Cannot allocate", RequestError, "A picture in it is too large"),
    ("matches no streams", RequestError, "It lacks the picture or the sound that this needs"),
    ("Invalid data|moov atom|Error opening input|codec parameters|Truncat", RequestError, "The input is broken"),
)
"""What FFmpeg says, and what it means."""

Say = Callable[[str], Awaitable[None]]


class FFmpeg(Dialect):
    """The programme that edits here; the machine decides how many at once."""

    refunds, floor_s = False, 0.0
    concurrent = max(2, (os.cpu_count() or 2) // 2)


class Work:
    """One edit under way: a child process, and the folder in which it works."""

    def __init__(self, ask: Local, folder: Path, say: Say | None) -> None:
        self.ask, self.folder, self.say = ask, folder, say
        self.percent = 0
        self.reached = 0.0
        self.step: Step | None = None
        self.ended = anyio.Event()
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        """Do it; whatever comes of it is the step."""
        try:
            with self.scope:
                self.step = await self.made()
            if self.scope.cancelled_caught:
                self.step = Step(stage="cancelled")
        except CallsheetError as error:
            self.step = Step(stage="failed", error=error.as_dict())
        except OSError as error:
            self.step = Step(stage="failed", error=unwritten(error).as_dict())
        except Exception as error:
            log.exception("%s: the edit has failed", self.ask.words.operation)
            why = f"This edit cannot be made here ({type(error).__name__}); please report it. Nothing was charged."
            self.step = Step(stage="failed", error=ProviderError(why, safe_to_retry=False).as_dict())
        finally:
            if self.step is None or self.step.get("stage") != "made":
                shutil.rmtree(self.folder, ignore_errors=True)
            self.ended.set()

    async def made(self) -> Step:
        """The edit, from its inputs to its results.

        Raises:
            CallsheetError: it cannot be done.
        """
        self.folder.mkdir(parents=True)
        edit = await self.ask.edit(self.folder)
        if edit.args:
            await self.child(edit)
        found = [path for name in edit.outputs for path in sorted(self.folder.glob(name)) if path.stat().st_size]
        if edit.outputs and not found:
            raise RequestError("FFmpeg found nothing in the input to make this of; it may be broken.")
        urls = [f"{self.folder.name}/{path.name}" for path in found]
        return Step(
            stage="made",
            harvest=Harvest(
                urls=urls, text=" ".join([*([edit.text] if edit.text else []), *edit.notes]) or None, files=edit.files
            ),
        )

    async def child(self, edit: Edit) -> None:
        """Run FFmpeg to its end, or kill it.

        Raises:
            CallsheetError: it failed, took too long, or its result is too large or too short.
        """
        told = ("-loglevel", "error", "-nostats", "-stats_period", "0.2", "-progress", "pipe:1", "-y")
        command = [ffmpeg.binary(), "-nostdin", "-hide_banner", *told, *edit.args]
        errors = bytearray()
        async with AsyncExitStack() as stack:
            process = await anyio.open_process(
                command,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )
            stack.push_async_callback(ended, process)
            try:
                with anyio.fail_after(self.ask.timeout_seconds):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(hear, process, errors)
                        large = await self.follow(process, edit.seconds)
                    code = await process.wait()
            except TimeoutError:
                limit = self.ask.timeout_seconds
                raise ProviderError(
                    f"FFmpeg was stopped after {limit} s. Say more in options={{'timeout_seconds': …}}, or do less."
                ) from None
        if large:
            raise RequestError(f"The result would be larger than {LARGEST >> 30} GB.")
        if code or not self.folder.is_dir():
            raise meaning(errors.decode("utf-8", "replace"), self.folder)
        if edit.seconds and self.reached < 0.95 * edit.seconds - 0.5:
            raise RequestError(
                f"The input is broken: only {self.reached:.1f} of {edit.seconds:.1f} s could be made of it."
            )

    async def follow(self, process: anyio.abc.Process, seconds: float | None) -> bool:
        """Hear how far the child is, until it says no more; kills it where its work is in vain.

        Returns whether its result grew too large.
        """
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        text, large = "", False
        async for chunk in process.stdout:
            *lines, text = (text + chunk.decode("ascii", "replace")).split("\n")
            news = dict(line.split("=", 1) for line in lines if "=" in line)
            large = large or number(news.get("total_size")) > LARGEST
            if large or not self.folder.is_dir():
                process.kill()
            self.reached = max(self.reached, number(news.get("out_time_us")) / 1e6)
            percent = min(99, int(100 * self.reached / seconds)) if seconds else 0
            if percent > self.percent:
                self.percent = percent
                if self.say:
                    await self.say(f"{self.ask.id}: {percent} %")
        return large


async def hear(process: anyio.abc.Process, errors: bytearray) -> None:
    """Keep the last that a child complains of."""
    assert process.stderr is not None  # noqa: S101  (it is a pipe)
    async for chunk in process.stderr:
        errors += chunk
        del errors[:-8000]


async def ended(process: anyio.abc.Process) -> None:
    """No child is left behind, whatever happened."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            process.kill()
        await process.aclose()


def number(text: str | None) -> int:
    """A figure of FFmpeg's report; 0 where it has none yet."""
    return int(text) if text and re.fullmatch(r"\d{1,18}", text.strip()) else 0


def meaning(said: str, folder: Path) -> CallsheetError:
    """What FFmpeg's complaint means for whoever asked."""
    lines = [line for line in said.replace(str(folder), "").splitlines() if line.strip()]
    last = tidy(re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\] ?", "", " ".join(lines[-2:])))
    for pattern, kind, text in TROUBLE:
        if re.search(pattern, said):
            return kind(f'{text}. FFmpeg says: "{last}".')
    return ProviderError(f'FFmpeg failed: "{last}".' if last else "FFmpeg was killed.")


def unwritten(error: OSError) -> ProviderError:
    """A folder or a file that could not be made."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ProviderError("The disk is full; make room there, then call again.")
    return ProviderError(f"The output folder cannot be used: {error.strerror or type(error).__name__}.")


class LocalProvider(Provider):
    """FFmpeg in the place of a backend's address; one for a studio."""

    def __init__(self, dialect: Dialect, providers: Providers) -> None:
        self.dialect, self.account, self.pace = dialect, dialect.name, providers.pace
        self.settings, self.ledger, self.tasks = providers.settings, providers.ledger, providers.tasks
        self.base = self.origin = ""
        self.folder = self.settings.output_dir / WORK
        self.works: dict[str, Work] = {}
        self.swept = False

    async def aclose(self) -> None:
        """Stop what is under way; it begins again at the next start."""
        for work in self.works.values():
            work.scope.cancel()
        with anyio.move_on_after(CLOSE_S):
            for work in list(self.works.values()):
                await work.ended.wait()

    async def place(self) -> None:
        """Nobody counts requests here."""

    @property
    def home(self) -> dict[str, Any]:
        """Results are files, in folders below this one."""
        return {"folder": self.folder}

    async def submit(self, ask: Model, say: Any = None, hook: str | None = None) -> Step:
        """Start the edit. Whether it can be done is found out while it runs."""
        assert isinstance(ask, Local)  # noqa: S101  (the catalogue has no other models for this account)
        if not self.swept:
            self.swept = True
            await self.sweep()
        ticket = secrets.token_hex(8)
        work = self.works[ticket] = Work(ask, self.folder / ticket, say)
        self.tasks.start_soon(work.run)
        return Step(stage="sent", ticket=ticket)

    async def turn(self, job: Job, typical_s: float, looked_at: float) -> None:
        """Wait until an edit has ended, or for a moment."""
        if work := self.works.get(str(job.ticket)):
            with anyio.move_on_after(NEWS_S):
                await work.ended.wait()

    async def look(self, job: Job, ask: Model) -> Step:
        """How far an edit is; one that nobody works at any more begins again."""
        work = self.works.get(str(job.ticket))
        if work is None:
            shutil.rmtree(self.folder / str(job.ticket), ignore_errors=True)
            return self.fell()
        if work.step and work.step.get("stage") != "made":
            del self.works[str(job.ticket)]
        return work.step or Step(progress=f"{work.percent} %")

    def fell(self) -> Step:
        """An edit that was interrupted is begun again: it costs nothing."""
        error = ProviderError(f"Callsheet stopped {ATTEMPTS} times in the middle of this edit; it is not tried again.")
        return Step(stage="approved", error=error.as_dict(), patience=ATTEMPTS)

    async def cancel(self, job: Job) -> bool | None:
        """Kill the child; one of another process ends by itself when its folder is gone."""
        if work := self.works.get(str(job.ticket)):
            if work.step:
                return work.step.get("stage") == "cancelled"
            work.scope.cancel()
            await work.ended.wait()
        shutil.rmtree(self.folder / str(job.ticket), ignore_errors=True)
        return True

    async def forget(self, job: Job) -> None:
        """The results are on the shelf."""
        self.works.pop(str(job.ticket), None)
        await anyio.to_thread.run_sync(shutil.rmtree, self.folder / str(job.ticket), True)

    async def sweep(self) -> None:
        """Remove what crashes have left, of jobs that are over."""
        alive = {job.ticket for job in await self.ledger.find(jobs.c.account == self.account, jobs.c.stage.in_(LIVE))}
        for folder in self.folder.glob("*"):
            if folder.name not in alive and folder.stat().st_mtime < time.time() - STALE_S:
                shutil.rmtree(folder, ignore_errors=True)

    async def balance(self) -> tuple[Decimal, float] | None:
        """There is none to read."""
        return None

    async def price(self, ask: Model) -> Price:
        """Nothing, always."""
        return ask.price()

    async def upload(self, path: Path, kind: str) -> str:
        """There is nowhere to upload to.

        Raises:
            RequestError: always.
        """
        raise RequestError(f"{path.name} is on this machine already; give its path.")

    async def send(self, route: Route, **more: Any) -> Answer:
        """There is no address to call.

        Raises:
            RequestError: always.
        """
        raise RequestError("FFmpeg runs on this machine; there is no route to call.")
