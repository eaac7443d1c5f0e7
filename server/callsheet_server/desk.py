"""Where requests come in: the studio, opened behind the first request, and who is asking."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from callsheet.errors import CallsheetError, ProviderError
from callsheet.settings import Settings

if TYPE_CHECKING:
    from callsheet.studio import Studio, Transports


class Desk:
    """The studio, for whoever asks. It is opened only when a client has asked for something: until then a process
    that a client starts to probe us has no side effects, and the first answer does not wait for heavy imports."""

    def __init__(self, settings: Settings, transports: "Transports | None" = None) -> None:
        self.settings = settings
        self.transports = transports
        self.wanted = anyio.Event()
        self.settled = anyio.Event()
        self.closing = anyio.Event()
        self.opened: Studio | None = None
        self.failure: CallsheetError | None = None

    @asynccontextmanager
    async def lifespan(self, _server: Any) -> AsyncIterator["Desk"]:
        """Open for as long as the server lives."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.keep)
            try:
                yield self
            finally:
                self.closing.set()
                self.wanted.set()
                with anyio.CancelScope(shield=True), anyio.move_on_after(10):
                    await self.settled.wait()
                tasks.cancel_scope.cancel()

    async def keep(self) -> None:
        """Hold the studio open from the first request to the end."""
        await self.wanted.wait()
        try:
            if self.closing.is_set():
                return
            module = await anyio.to_thread.run_sync(importlib.import_module, "callsheet.studio")
            async with module.Studio.open(self.settings, self.transports) as studio:
                self.opened = studio
                self.settled.set()
                await self.closing.wait()
        except CallsheetError as error:
            self.failure = error
        finally:
            self.settled.set()

    async def studio(self) -> "Studio":
        """The studio.

        Raises:
            CallsheetError: it cannot be opened; says why.
        """
        self.wanted.set()
        await self.settled.wait()
        if self.opened is None:
            raise self.failure or ProviderError("Callsheet is shutting down.")
        return self.opened

    def caller(self) -> str:
        """Who is asking: jobs belong to whom made them."""
        return "local"
