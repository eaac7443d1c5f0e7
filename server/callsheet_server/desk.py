"""Where requests come in: the studio, opened behind the first request; who is asking, and what they are shown."""

import contextlib
import importlib
import logging
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from pydantic import BaseModel

from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.errors import CallsheetError, ProviderError, RequestError, cut, listed
from callsheet.jobs.receipt import Medium, Receipt
from callsheet.queries.queries import OWN_QUERIES, TOOLSETS, Query, queries
from callsheet.settings.callers import OWNER, Allowance, Vouched
from callsheet.settings.settings import Settings
from callsheet_server.web.links import OURS, Links

if TYPE_CHECKING:
    from callsheet.backends.providers import Transports
    from callsheet.studio import Studio


log = logging.getLogger(__name__)

MOST_KNOWN = 10_000
"""Of so many callers it is remembered what they were shown."""

Told = TypeVar("Told", bound=BaseModel)


class Pass(AccessToken):
    """A bearer token that was found good, and whose it is."""

    caller: str
    admin: bool = False


class Desk:
    """The studio, for whoever asks. It is opened only when a client has asked for something: until then a process
    that a client starts to probe us has no side effects, and the first answer does not wait for heavy imports."""

    def __init__(
        self,
        settings: Settings,
        transports: "Transports | None" = None,
        toolsets: tuple[str, ...] = (),
    ) -> None:
        self.settings = settings
        self.transports = transports
        self.toolsets = toolsets
        self.more: dict[str, tuple[str, ...]] = {}
        """Toolsets that somebody has had shown to them since, by caller."""
        self.links: Links | None = None
        """Over HTTP; None where whoever asks is on this machine and can open a path."""
        self.wanted = anyio.Event()
        self.settled = anyio.Event()
        self.closing = anyio.Event()
        self.broken = anyio.Event()
        """The studio cannot go on; whoever serves ends, and who started us starts another."""
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
            async with module.Studio.open(self.settings, self.transports, self.links is not None) as studio:
                self.opened = studio
                self.settled.set()
                await self.closing.wait()
        except CallsheetError as error:
            self.failure = error
        except Exception:
            log.critical("Callsheet cannot go on; what it carries is carried on at the next start", exc_info=True)
            self.broken.set()
        finally:
            self.opened = None
            self.settled.set()

    async def studio(self) -> "Studio":
        """The studio.

        Raises:
            CallsheetError: it cannot be opened; says why.
        """
        self.wanted.set()
        await self.settled.wait()
        if self.opened is None:
            failure = self.failure or ProviderError(
                "Callsheet is shutting down; jobs are carried on at its next start."
            )
            raise type(failure)(self.discreet(failure.message))
        return self.opened

    # -- who is asking ------------------------------------------------------------------------------------------

    def caller(self) -> str:
        """Who is asking, by the name in the ledger: jobs belong to whom made them.

        Raises:
            RequestError: nobody knows, although callers have to say so.
        """
        token = get_access_token()
        if isinstance(token, Pass):
            return Vouched(token.caller) if token.admin else token.caller
        if self.links and self.settings.guarded:
            raise RequestError("It is not known who asks.")
        return OWNER

    def allowance(self) -> Allowance:
        """What whoever asks may."""
        return self.settings.http_callers.of(self.caller())

    @cached_property
    def queries(self) -> dict[str, type[Query]]:
        """Every query, the backends' own among them."""
        return queries(self.settings.backends)

    def kind(self, tool: str) -> type[Words] | type[Query] | None:
        """What a tool is; None where there is none of that name."""
        return OPERATIONS.get(tool) or OWN_QUERIES.get(tool) or self.queries.get(tool)

    def shown(self) -> tuple[str, ...]:
        """The toolsets that whoever asks is shown."""
        own = self.allowance().toolsets or self.toolsets
        return tuple(dict.fromkeys((*own, *self.more.get(self.caller(), ()))))

    def theirs(self) -> tuple[str, ...]:
        """The toolsets that whoever asks may be shown: their own, else the server's; the owner all there are."""
        return self.allowance().toolsets or (TOOLSETS if self.caller() == OWNER else self.toolsets)

    def may(self, tool: str) -> bool:
        """Whether whoever asks may be shown a tool: it is in a toolset of theirs, and no admin's alone."""
        kind = self.kind(tool)
        return kind is not None and kind.toolset in self.theirs() and (self.allowance().admin or not kind.account_wide)

    def admits(self, tool: str) -> bool:
        """Whether whoever asks may use a tool and is shown it; what is no tool of ours is for others to judge."""
        kind = self.kind(tool)
        return kind is None or (kind.toolset in self.shown() and self.may(tool))

    def show(self, toolsets: Sequence[str]) -> None:
        """Show more toolsets to whoever asks, for as long as this process lives.

        Raises:
            RequestError: one is none, or not for them.
        """
        caller = self.caller()
        if wrong := [name for name in toolsets if name not in self.theirs()]:
            raise RequestError(f"There is no toolset {cut(listed(wrong))}. There are {listed(self.theirs())}.")
        self.more[caller] = tuple(dict.fromkeys((*self.more.pop(caller, ()), *toolsets)))
        if len(self.more) > MOST_KNOWN:
            del self.more[next(iter(self.more))]  # whoever asked for none for longest

    async def meant(self, said: Any) -> Any:
        """Arguments as they are meant: a link of ours to one of the caller's own files is that file."""
        if isinstance(said, dict):
            return {name: await self.meant(value) for name, value in said.items()}
        if isinstance(said, list):
            return [await self.meant(value) for value in said]
        if not isinstance(said, str) or not (link := OURS.fullmatch(said)):
            return said
        with contextlib.suppress(CallsheetError):
            await (await self.studio()).ledger.get(link[1], self.caller())
            return f"media://{link[1]}/{link[2]}"
        return said

    # -- what they are shown ------------------------------------------------------------------------------------

    def outward(self, answer: Told) -> Told:
        """An answer as it leaves us. Over HTTP no path of this machine does and no address of a backend's: a file has a
        link of ours instead, good for an hour."""
        if self.links is None:
            return answer
        if isinstance(answer, Receipt):
            media = [self.linked(medium, self.links) for medium in answer.media or ()] or None
            error = answer.error and answer.error.model_copy(update={"message": self.discreet(answer.error.message)})
            return answer.model_copy(update={"media": media, "error": error})
        if isinstance(receipts := getattr(answer, "jobs", None), list):
            return answer.model_copy(update={"jobs": [self.outward(receipt) for receipt in receipts]})
        return answer

    def linked(self, medium: Medium, links: Links) -> Medium:
        """A file with a link instead of its path."""
        return medium.model_copy(update={"path": None, "url": links.to(medium.uri, Path(medium.path or "file").name)})

    def discreet(self, text: str) -> str:
        """A text without the paths of this machine, for whoever is not on it."""
        if self.links is None:
            return text
        ours = (self.settings.output_dir, self.settings.home, *self.settings.input_dirs, tempfile.gettempdir())
        for folder in ours:
            text = re.sub(rf"{re.escape(str(folder))}[^\s:;,`'\"()]*", "a folder of the server", text)
        return text
