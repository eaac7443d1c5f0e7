"""The MCP server: tools, resources and the protocol of waiting and paying, told once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.types import INVALID_PARAMS

from callsheet import __version__
from callsheet.catalogue.bounds import bounded
from callsheet.errors import RequestError, listed
from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.desk import Desk
from callsheet_server.mcp import prompts, resources
from callsheet_server.mcp.approval import remember
from callsheet_server.mcp.jobs import Jobs
from callsheet_server.mcp.showing import Showing
from callsheet_server.mcp.subscriptions import Newsroom
from callsheet_server.mcp.tasks import Source, Tasks
from callsheet_server.mcp.tools import tools
from callsheet_server.web import gallery

if TYPE_CHECKING:
    from callsheet.backends.providers import Transports

LISTS: tuple[CacheableMethod, ...] = (
    *("tools/list", "prompts/list", "resources/list", "resources/templates/list", "server/discover"),
)
"""What stays the same for as long as a server lives."""

INSTRUCTIONS = """\
Callsheet makes media through paid backends. Each tool checks price and credits, makes the job once, waits, and stores \
files.
Wait: a tool returns after at most wait_s (45 s) with a receipt. status "working" is no error: do as `next` says. A \
job goes on when you stop waiting. Never make a job again because you did not see its end: get_job or list_jobs finds \
it. The same call twice is one job; pass variation=2 for another.
Pay: quote says what a call costs; plan prices several that feed one another, and starts them under one yes. The user \
may be asked before a dear call. "refused" means nothing was sent: tell the user why and what it costs; unless they \
said no, only with their consent call again with max_credits. "unknown" may have been paid: never repeat it; ask the \
user, then resubmit_job.
Say: model="auto" picks a model; list_models and describe_model show what each takes. Inputs (image, video, …) are a \
URL, a path, media://…, or the job_id of a job, even one still working. options carries what only one model takes.
Without any key everything runs in a sandbox (`sandbox: true`): real files, no real model, no money."""


def build(
    settings: Settings,
    transports: "Transports | None" = None,
    toolsets: tuple[str, ...] | None = None,
    tasks: Sequence[Source] = (),
    *,
    remote: bool = False,
) -> tuple[MCPServer[Any], Desk]:
    """A server over these settings, and the desk behind it; `tasks` are others than its jobs. A `remote` one is for
    HTTP: whoever asks is elsewhere, and may have to say who they are.

    Raises:
        RequestError: there is no toolset of a name that was asked for, or callers' access is half set up.
    """
    wanted = toolsets or settings.toolsets
    own = [name for caller in settings.http_callers.values() for name in caller.toolsets or ()] if remote else []
    offered = tuple(dict.fromkeys((*wanted, *own)))
    if wrong := [name for name in offered if name not in TOOLSETS]:
        raise RequestError(f"There is no toolset {listed(wrong)}. There are {listed(TOOLSETS)}.")
    door: dict[str, Any] = {}
    desk = Desk(settings, transports, wanted)
    if remote:
        from callsheet_server.web import access  # noqa: PLC0415  (over stdio nobody needs what it imports)

        desk.links, door = access.links(settings), access.guards(settings, desk)
    kept = CacheHint(300_000, "private" if "auth" in door else "public")
    newsroom, showing = Newsroom(desk), Showing(desk, offered)

    async def behind(ctx: Any, call_next: Any) -> Any:
        """Open the studio once the first question has been answered."""
        try:
            return await call_next(ctx)
        finally:
            if ctx.method not in ("initialize", "server/discover"):
                desk.wanted.set()

    server: MCPServer[Any] = MCPServer(
        "callsheet",
        version=__version__,
        instructions=INSTRUCTIONS.replace("a path, ", "") if remote else INSTRUCTIONS,
        tools=tools(desk, offered),
        lifespan=desk.lifespan,
        middleware=[behind, newsroom, showing, *door.pop("middleware", ())],
        subscriptions=newsroom.bus,
        extensions=[gallery.apps(desk), Tasks(Jobs(desk), *tasks)],
        cache_hints=dict.fromkeys(LISTS, kept),
        **door,
    )

    server.middleware[:0] = [within, remember]

    showing.server = server
    newsroom.register(server)
    resources.register(server, desk)
    prompts.register(server, desk)
    return server, desk


async def within(ctx: Any, call_next: Any) -> Any:
    """Middleware, before any other: nothing is asked at greater length than anybody means. A tool bounds its arguments
    itself, in words that an agent reads."""
    said = ctx.params or {}
    try:
        bounded({name: value for name, value in said.items() if (ctx.method, name) != ("tools/call", "arguments")})
    except RequestError as error:
        raise MCPError(INVALID_PARAMS, error.message) from None
    return await call_next(ctx)
