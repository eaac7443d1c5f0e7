"""Puts the parts together: everything that one owner's jobs need, built from Settings, for as long as it is open."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import anyio
import anyio.abc
import stamina.instrumentation

from callsheet.backends.providers import Providers, Transports
from callsheet.errors import CallsheetError, LedgerTrouble
from callsheet.jobs.carrier import Carrier
from callsheet.jobs.crew import Crew
from callsheet.jobs.inputs import Inputs
from callsheet.jobs.news import News
from callsheet.jobs.orders import Orders
from callsheet.jobs.pace import Pace
from callsheet.jobs.plans import Plans
from callsheet.jobs.receipts import Receipts
from callsheet.ledger.books import Books
from callsheet.ledger.ledger import Ledger
from callsheet.media.guard import Fetcher
from callsheet.media.previews import Previews
from callsheet.media.shelf import Shelf
from callsheet.money.balances import Balances
from callsheet.money.purse import Purse
from callsheet.settings.settings import Settings

CLOSE_S = 4.0
"""What is being sent when we close may take so long to be answered; hosts kill who takes longer."""


class Studio:
    """One owner's keys, ledger, limits and files, for one process.

    `remote`: whoever asks here is elsewhere, even the owner, and names no file of this machine.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        tasks: anyio.abc.TaskGroup,
        transports: Transports | None = None,
        remote: bool = False,
    ) -> None:
        self.settings, self.ledger, self.tasks = settings, ledger, tasks
        self.books = Books(ledger)
        self.fetcher = Fetcher(settings.media_hosts)
        self.pace = Pace(ledger, settings, tasks)
        self.providers = Providers(settings, self.pace, ledger, tasks, transports)
        self.purse = Purse(ledger, settings)
        self.balances = Balances(self.books, self.purse, self.providers)
        self.inputs = Inputs(settings, ledger, self.providers, self.fetcher, remote=remote)
        self.news = News()
        shelf = Shelf(settings.output_dir, self.fetcher)
        self.crew = Crew(ledger, self.purse, self.balances, self.providers, self.inputs, shelf, self.news)
        self.carrier = Carrier(self.crew, self.books, self.pace, tasks)
        self.orders = Orders(ledger, self.purse, self.balances, self.providers, self.inputs, self.carrier)
        self.plans = Plans(self.orders)
        self.receipts = Receipts(ledger, self.purse, self.providers)
        self.previews = Previews(settings.home / "previews")

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, transports: Transports | None = None, remote: bool = False
    ) -> AsyncIterator[Self]:
        """A studio that carries its jobs until it is closed; what is under way then goes on at the next start."""
        stamina.instrumentation.set_on_retry_hooks([])
        failure: CallsheetError | None = None
        async with Ledger.open(settings.database) as ledger, anyio.create_task_group() as closing:
            idle = anyio.Event()
            try:
                async with anyio.create_task_group() as tasks:
                    studio = cls(settings, ledger, tasks, transports, remote)
                    tasks.start_soon(studio.carrier.keep)
                    try:
                        yield studio
                    except CallsheetError as error:
                        failure = error  # raised below, where no task group wraps it
                    finally:
                        tasks.cancel_scope.cancel()
                        closing.start_soon(studio.close, idle)
            finally:
                idle.set()
        if failure is not None:
            raise failure

    async def close(self, idle: anyio.Event) -> None:
        """Let creates that are under way hear their answer, though not for long; then hang up."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(CLOSE_S):
                await idle.wait()
            self.ledger.closing = True
            with contextlib.suppress(LedgerTrouble):
                await self.ledger.release()
            await self.providers.aclose()
            await self.fetcher.aclose()
