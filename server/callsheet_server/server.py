"""The MCP server: tools, resources and the protocol of waiting and paying, told once."""

from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from callsheet import __version__
from callsheet.errors import CallsheetError, RequestError, listed
from callsheet.queries import TOOLSETS
from callsheet.settings import Settings
from callsheet_server.desk import Desk
from callsheet_server.tools import tools

if TYPE_CHECKING:
    from callsheet.studio import Transports

INSTRUCTIONS = """\
Callsheet makes media through paid backends. Each tool checks price and credits, makes the job once, waits, and stores \
files.
Wait: a tool returns after at most wait_s (45 s) with a receipt. status "working" is no error: do as `next` says. A \
job goes on when you stop waiting. Never make a job again because you did not see its end: get_job or list_jobs finds \
it. The same call twice is one job; pass variation=2 for another.
Pay: quote says what a call costs. "refused" means nothing was sent: tell the user why and what it costs; only with \
their consent call again with max_credits. "unknown" may have been paid: never repeat it; ask the user, then \
resubmit_job.
Say: model="auto" picks a model; list_models and describe_model show what each takes. Inputs (image, video, …) are a \
URL, a path, media://…, or the job_id of a job, even one still working. options carries what only one model takes.
Without any key everything runs in a sandbox (`sandbox: true`): real files, no real model, no money."""


def build(
    settings: Settings, transports: "Transports | None" = None, toolsets: tuple[str, ...] | None = None
) -> tuple[MCPServer[Any], Desk]:
    """A server over these settings, and the desk behind it.

    Raises:
        RequestError: there is no toolset of a name that was asked for.
    """
    wanted = toolsets or settings.toolsets
    if wrong := [name for name in wanted if name not in TOOLSETS]:
        raise RequestError(f"There is no toolset {listed(wrong)}. There are {listed(TOOLSETS)}.")
    desk = Desk(settings, transports)

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
        instructions=INSTRUCTIONS,
        tools=tools(desk, wanted),
        lifespan=desk.lifespan,
        middleware=[behind],
        cache_hints={"tools/list": CacheHint(300_000, "public")},
    )

    @server.resource("job://{job_id}", mime_type="application/json", description="A job's receipt")
    async def job_resource(job_id: str) -> str:
        studio = await desk.studio()
        try:
            return (await studio.receipt(job_id, desk.caller())).model_dump_json(exclude_none=True)
        except CallsheetError as error:
            raise ResourceNotFoundError(error.message) from None

    @server.resource("media://{job_id}/{number}", description="A stored file's bytes")
    async def media_resource(job_id: str, number: str) -> bytes:
        studio = await desk.studio()
        try:
            return await studio.content(job_id, number, desk.caller())
        except CallsheetError as error:
            raise ResourceNotFoundError(error.message) from None

    return server, desk
