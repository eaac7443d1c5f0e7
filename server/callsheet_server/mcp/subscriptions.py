"""News of jobs for clients that subscribe: `subscriptions/listen`, or `resources/subscribe` in the older era."""

import contextlib
import logging
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    EmptyResult,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from callsheet.errors import CallsheetError, LedgerTrouble, RequestError, cut
from callsheet.ledger.stages import ENDED
from callsheet_server.desk import Desk

if TYPE_CHECKING:
    from callsheet.ledger.tables import Job

LOOK_S = 1.0
"""So often the ledger is looked at for jobs that another process may carry."""
MOST = 100
"""So many resources may one stream listen to."""

OURS = re.compile(r"(?:job://(?P<job>j_[0-9a-f]{26})|media://(?P<of>j_[0-9a-f]{26})/(?P<number>[0-9]{1,3}))")
"""What can change: a job, and a file that it may come to have."""
SCHEMES = ("job://", "media://")

log = logging.getLogger(__name__)

Asked = ServerRequestContext[Any, Any]


class Newsroom:
    """Watches each job that somebody subscribed to, once however many listen, and only while they do."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.bus = InMemorySubscriptionBus()
        self.streams: Counter[str] = Counter()
        self.pipes: dict[str, ServerSession] = {}
        self.watched: set[str] = set()

    def register(self, server: MCPServer[Any]) -> None:
        """Serve the older era's subscriptions; only a pipe, which has one client, can carry what they ask for."""
        low = server._lowlevel_server
        low.add_request_handler("resources/subscribe", SubscribeRequestParams, self.subscribe)
        low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self.unsubscribe)

    async def __call__(self, ctx: Asked, call_next: CallNext) -> HandlerResult:
        """Middleware: watch what a stream listens to for as long as it lasts, and promise over HTTP no older pushes."""
        if ctx.method == "subscriptions/listen":
            return await self.listen(ctx, call_next)
        result = await call_next(ctx)
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"]["tools"]["listChanged"] = ctx.request is None
            if ctx.request is not None:
                result["capabilities"]["resources"]["subscribe"] = False
        return result

    async def listen(self, ctx: Asked, call_next: CallNext) -> HandlerResult:
        """Serve a stream. Jobs that are not the caller's are left out, and so out of what is acknowledged."""
        params = dict(ctx.params or {})
        wanted = params.get("notifications")
        asked = wanted.get("resourceSubscriptions") if isinstance(wanted, dict) else None
        if not isinstance(wanted, dict) or not isinstance(asked, list):
            return await call_next(ctx)
        uris = [uri for uri in asked[:MOST] if isinstance(uri, str) and await self.may_hear(uri)]
        self.streams.update(uris)
        try:
            for uri in uris:
                await self.watch(uri)
            params["notifications"] = wanted | {"resourceSubscriptions": uris}
            return await call_next(replace(ctx, params=params))
        finally:
            self.streams -= Counter(uris)

    async def subscribe(self, ctx: Asked, params: SubscribeRequestParams) -> EmptyResult:
        """Push updates of a resource down the pipe."""
        if ctx.request is not None:
            raise MCPError(METHOD_NOT_FOUND, "Nothing can be pushed over this connection; read the resource again.")
        if not await self.may_hear(params.uri):
            raise MCPError(INVALID_PARAMS, f"There is no resource {cut(params.uri)}.", {"uri": cut(params.uri)})
        self.pipes[params.uri] = ctx.session
        await self.watch(params.uri)
        return EmptyResult()

    async def unsubscribe(self, ctx: Asked, params: UnsubscribeRequestParams) -> EmptyResult:
        """Push no more of them."""
        self.pipes.pop(params.uri, None)
        return EmptyResult()

    async def may_hear(self, uri: str) -> bool:
        """Whether the caller may know of a resource; what is nobody's never changes."""
        if not uri.startswith(SCHEMES):
            return True
        if not OURS.fullmatch(uri):
            return False
        studio = await self.desk.studio()
        try:
            await studio.ledger.get(job_of(uri), self.desk.caller())
        except RequestError:
            return False
        return True

    async def watch(self, uri: str) -> None:
        """Look out for changes of a resource from now on, unless somebody does."""
        if OURS.fullmatch(uri) and uri not in self.watched:
            self.watched.add(uri)
            (await self.desk.studio()).tasks.start_soon(self.look, uri)

    async def look(self, uri: str) -> None:
        """Tell of each change of a resource until nothing more can change, or nobody listens."""
        studio, seen = await self.desk.studio(), None
        try:
            while self.streams[uri] or uri in self.pipes:
                with contextlib.suppress(LedgerTrouble):
                    parts = await studio.ledger.parts(job_of(uri))
                    shown = face(uri, parts)
                    if seen not in (None, shown):
                        await self.tell(uri)
                    seen = shown
                    if all(part.stage in ENDED and part.stage != "unknown" for part in parts):
                        return
                with anyio.move_on_after(LOOK_S):
                    await studio.news.of(job_of(uri)).wait()
        except CallsheetError:
            return
        except Exception:
            log.exception("%s is not watched any more", cut(uri))
        finally:
            self.watched.discard(uri)

    async def tell(self, uri: str) -> None:
        """Say to everybody who listens that a resource has changed."""
        await self.bus.publish(ResourceUpdated(uri))
        if pipe := self.pipes.get(uri):
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await pipe.send_resource_updated(uri)


def job_of(uri: str) -> str:
    """The job that a resource belongs to."""
    return uri.partition("://")[2].partition("/")[0]


def face(uri: str, parts: "list[Job]") -> object:
    """What can be seen of a job at an address: how far it is, or whether a file is there."""
    if uri.startswith("job://"):
        return [(part.stage, part.progress) for part in parts]
    return sum(len(part.media) for part in parts) > int(uri.rpartition("/")[2])
