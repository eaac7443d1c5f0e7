"""Who carries the jobs: a loop for each that lives as long as the process, never as long as a request."""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.abc

from callsheet.backends.dialect import Step
from callsheet.errors import CallsheetError, LedgerTrouble, Orphaned, Overtaken, RequestError, SpendError
from callsheet.jobs import telemetry
from callsheet.jobs.crew import Crew
from callsheet.jobs.evidence import match, merged, traces
from callsheet.jobs.pace import Pace
from callsheet.jobs.request import request
from callsheet.jobs.run import run
from callsheet.jobs.settle import settle
from callsheet.jobs.statement import close_days
from callsheet.ledger.books import Books
from callsheet.ledger.ledger import LEASE_S, SEARCH_S
from callsheet.ledger.stages import ENDED, LIVE, UNSENT
from callsheet.ledger.tables import Job

NEVER_SENT_S = 600.0
"""What was never sent, and had nobody to carry it for so long before the start, is cancelled: a restart never spends
by surprise."""

TROUBLE_S = 10.0
"""So long a job rests that cannot be carried on for a reason of ours."""

log = logging.getLogger(__name__)

Listener = Callable[[Job], Awaitable[None]]


class Carrier:
    """The jobs that this process carries, and those who wait for news of them."""

    def __init__(self, crew: Crew, books: Books, pace: Pace, tasks: anyio.abc.TaskGroup) -> None:
        self.crew = crew
        self.books = books
        self.pace = pace
        self.tasks = tasks
        self.ledger = crew.ledger
        self.news = crew.news
        self.carried: set[str] = set()
        self.searching: set[str] = set()
        self.stirred = anyio.Event()

    def take(self, job_id: str) -> None:
        """Carry a job from now on, if nobody else does."""
        self.tasks.start_soon(self.carry, job_id)

    async def keep(self) -> None:
        """Carry on what was left, take over from the dead, and renew our leases, for as long as we live."""
        started, closed = time.time(), None
        while True:
            try:
                if closed != (today := datetime.now(UTC).date()):
                    await close_days(self.books)
                    closed = today
                for job in await self.ledger.lost():
                    self.search_for(job)
                for job in await self.ledger.orphans():
                    never_sent = job.stage in UNSENT
                    if never_sent and job.left_at < started - NEVER_SENT_S:
                        if taken := await self.ledger.claim(job.id):
                            await self.give_up(taken, RequestError("Never sent before Callsheet stopped; cancelled."))
                    elif job.id not in self.carried:
                        self.take(job.id)
            except (LedgerTrouble, Overtaken):
                pass
            await anyio.sleep(LEASE_S / 4)
            with contextlib.suppress(LedgerTrouble):
                await self.ledger.renew()

    async def carry(self, job_id: str) -> None:
        """Carry one job to its end, or until somebody else has it."""
        if job_id in self.carried:
            return
        self.carried.add(job_id)
        try:
            while job := await self.claimed(job_id):
                stirred = self.stirred
                try:
                    after = await run(job, self.crew)
                except Overtaken:
                    continue
                except LedgerTrouble:
                    await anyio.sleep(1.0)
                    continue
                except CallsheetError as error:
                    after = await self.give_up(job, error)
                except Exception:
                    log.exception("%s cannot be carried on; it is tried again", job_id)
                    after = job
                    await anyio.sleep(TROUBLE_S)
                self.news.tell(job_id)
                if after.stage == "unknown":
                    self.search_for(after)
                if after.stage == "stored" and after.charged is None:
                    with contextlib.suppress(CallsheetError):
                        await self.observe(after)
                        after = await self.ledger.get(job_id)
                if after.stage in ENDED:
                    telemetry.ended(after)
                    return
                if after.stage in ("approved", "asking", "made"):
                    pause = 0.0 if after.stage == "asking" else after.due - time.time()
                    with anyio.move_on_after(min(pause, 30.0) if pause > 0 else 2.0):
                        await stirred.wait()
        finally:
            self.carried.discard(job_id)
            self.crew.forget(job_id)
            self.news.tell(job_id)
            self.stir()

    def stir(self) -> None:
        """Let every job that waits, for its inputs or its next try, see whether it can go on."""
        self.stirred.set()
        self.stirred = anyio.Event()

    async def claimed(self, job_id: str) -> Job | None:
        """The job, if it is ours to carry; waits out a database that is busy."""
        while True:
            try:
                return await self.ledger.claim(job_id)
            except LedgerTrouble:
                await anyio.sleep(1.0)

    def search_for(self, job: Job) -> None:
        """Search for a job whose create was never answered, when it is due; one search at a time."""
        if job.id not in self.searching:
            self.searching.add(job.id)
            self.tasks.start_soon(self.search, job)

    async def search(self, job: Job) -> None:
        """Look for a lost job in the backend's lists until it is found or put off for long."""
        try:
            while job.stage == "unknown" and job.due < time.time() + SEARCH_S[1] + 1:
                await anyio.sleep(max(0.0, job.due - time.time()))
                if await self.found(job):
                    self.take(job.id)
                else:
                    await self.ledger.search_again(job)
                job = await self.ledger.get(job.id)
                self.news.tell(job.id)
        except CallsheetError:
            return
        finally:
            self.searching.discard(job.id)

    async def found(self, job: Job) -> bool:
        """Whether the backend's lists show a job that can only be this one, and it is adopted now."""
        provider, ask = self.crew.provider(job), request(job, self.crew.providers.catalogue)
        lists = []
        for route in provider.dialect.lists(ask):
            with contextlib.suppress(CallsheetError):
                lists.append(traces((await provider.call(route)).body, provider.dialect.listed))
        known = merged(lists)
        held = await self.ledger.tickets(job.account, known)
        strays = [trace for ticket, trace in known.items() if ticket not in held]
        if (hit := match(job, await self.ledger.rivals(job), strays)) is None:
            return False
        return await self.ledger.adopt(job, stage="sent", ticket=hit.ticket, charged_at=time.time())

    async def called(self, backend: str, token: str) -> bool:
        """A backend called about a job, which is looked at soon; nothing else is believed. False for a token that is
        nobody's."""
        job = await self.ledger.called(backend, token)
        if job and job.stage in ("sending", "sent"):
            self.pace.hint(job)
        return job is not None

    async def observe(self, job: Job) -> None:
        """Learn from the balance what a job cost that nobody priced, where nothing else can have moved it."""
        before = await self.books.balance(job.account, before=job.sent_at)
        if before is None:
            return
        after = await self.crew.balances.read(job.account)
        others = await self.books.movers(job.account, before[1], time.time(), but=job.id)
        if after is None or any(other.charged is None for other in others):
            return
        moved = before[0] - after[0] - sum((other.net for other in others), Decimal(0))
        if moved >= 0:
            await self.books.settle(job.id, charged=moved, basis="observed")

    async def give_up(self, job: Job, error: CallsheetError) -> Job:
        """End a job that was never sent, for a reason; one that was sent is never given up."""
        ends = ((SpendError, "refused"), (Orphaned, "cancelled"))
        stage = next((stage for kind, stage in ends if isinstance(error, kind)), "failed")
        with contextlib.suppress(LedgerTrouble, Overtaken):
            job = await self.ledger.get(job.id)
            if job.stage in UNSENT:
                return await self.ledger.note(job, stage=stage, error=error.as_dict())
        log.warning("%s: %s", job.id, error.message)
        await anyio.sleep(TROUBLE_S)
        return job

    async def wait(
        self, job_id: str, seconds: float, caller: str | None = None, listen: Listener | None = None
    ) -> None:
        """Wait until a job has ended, at most so long; `listen` hears of it every now and then.

        Being cancelled here never touches the job.
        """
        until = time.monotonic() + seconds
        while True:
            parts = await self.ledger.parts(job_id, caller)
            left = until - time.monotonic()
            if all(part.ended for part in parts) or left <= 0:
                return
            for part in parts:
                self.revive(part)
            if listen:
                await listen(next(part for part in parts if not part.ended))
            event = self.news.of(next(part.id for part in parts if not part.ended))
            with anyio.move_on_after(min(left, 1.0)):
                await event.wait()

    def revive(self, job: Job) -> None:
        """Carry on at once, for whoever waits, what another process has let go of; but send nothing that is old."""
        forgotten = job.stage in LIVE and job.owner is None and job.id not in self.carried
        if forgotten and (job.stage not in UNSENT or job.left_at > time.time() - NEVER_SENT_S):
            self.take(job.id)

    async def until_sent(self, job_id: str) -> None:
        """Wait until a job is at the backend, or will never be; a process that ends sooner would leave it unsent."""
        while any(part.stage in (*UNSENT, "sending") for part in await self.ledger.parts(job_id)):
            with anyio.move_on_after(0.5):
                await self.news.of(job_id).wait()

    async def fetch_again(self, job_id: str, caller: str | None = None) -> None:
        """Try at once to store what is paid but not on disk: made and not stored, or stored and gone since."""
        for part in await self.ledger.parts(job_id, caller):
            if part.stage == "stored" and not all(Path(item["path"]).is_file() for item in part.media):
                await self.ledger.reopen(part)
                self.take(part.id)
            elif part.stage == "made":
                await self.ledger.hurry(part.id)
                self.take(part.id)
                self.stir()

    async def cancel(self, job_id: str, caller: str | None = None) -> str:
        """Cancel a job; says what came of it.

        Raises:
            RequestError: there is no such job.
        """
        return " ".join([await self.cancel_one(part) for part in await self.ledger.parts(job_id, caller)])

    async def cancel_one(self, job: Job) -> str:
        """Cancel one job, here if it was never sent, else at the backend."""
        if job.ended:
            return f"Too late: {job.id} is {job.stage} already."
        if job.stage in UNSENT:
            if await self.ledger.drop(job):
                self.news.tell(job.id)
                return f"{job.id} was cancelled before it was sent; nothing was spent."
            return await self.cancel_one(await self.ledger.get(job.id))
        if job.ticket is None or job.stage != "sent":
            return f"{job.id} is {job.stage}; it cannot be cancelled now."
        provider, ask = self.crew.provider(job), request(job, self.crew.providers.catalogue)
        done = await provider.cancel(job) if ask.cancels else None
        if done is None:
            return f"{provider.dialect.title} cannot cancel {ask.name}; it goes on, and its result will be stored."
        if not done:
            return f"Too late: {provider.dialect.title} says that {job.id} can no longer be cancelled."
        await provider.place()
        seen = await provider.look(job, ask)
        step = seen if seen.get("stage") in ("cancelled", "failed") else Step(stage="cancelled")
        await self.ledger.overrule(job, **settle(job, ask, provider.dialect, step))
        telemetry.ended(await self.ledger.get(job.id))
        self.news.tell(job.id)
        return f"{job.id} was cancelled at {provider.dialect.title}."
