"""Operations and queries as MCP tools. Their arguments, descriptions and checks are the words' own."""

import base64
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.types import (
    Annotations,
    CallToolResult,
    ContentBlock,
    ImageContent,
    ResourceLink,
    TextContent,
    ToolAnnotations,
)
from pydantic import BaseModel

from callsheet.errors import CallsheetError
from callsheet.queries import QUERIES, GetJob, Query
from callsheet.receipt import Receipt
from callsheet.words import OPERATIONS, Words
from callsheet_server.desk import Desk
from callsheet_server.schema import lean

BEAT_S = 5.0
PREVIEWS = 4

SPENDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)


class Unchecked(FuncMetadata):
    """Arguments as they came: the words check them, and say in our own words what is wrong."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        return {"said": arguments_to_validate}


def tools(desk: Desk, toolsets: tuple[str, ...]) -> list[Tool]:
    """The tools of some toolsets, operations first, always in the same order.

    Raises:
        RequestError: there is no toolset of that name.
    """
    jobs = [job_tool(kind, desk) for kind in OPERATIONS.values() if kind.toolset in toolsets]
    return jobs + [query_tool(query, desk) for query in QUERIES.values() if query.toolset in toolsets]


def job_tool(kind: type[Words], desk: Desk) -> Tool:
    """A tool that makes something, and may spend."""

    async def call(said: dict[str, Any], ctx: Context[Any, Any]) -> CallToolResult:
        words = kind.of(said)
        studio = await desk.studio()
        with anyio.CancelScope(shield=True):  # a client that gives up now must not leave half an order
            job, repeated = await studio.order(words, desk.caller())
        wait = studio.settings.wait if words.wait_s is None else words.wait_s
        return await follow(desk, job.id, wait, ctx, repeated=repeated)

    return tool(call, kind.operation, kind, Receipt, SPENDS)


def query_tool(query: type[Query], desk: Desk) -> Tool:
    """A tool that costs nothing."""

    async def call(said: dict[str, Any], ctx: Context[Any, Any]) -> CallToolResult:
        asked = query.of(said)
        studio = await desk.studio()
        if isinstance(asked, GetJob):
            await studio.carrier.fetch_again(asked.job_id, desk.caller())
            return await follow(desk, asked.job_id, asked.wait_s, ctx)
        answer = await asked.answer(studio, desk.caller())
        if isinstance(answer, Receipt):
            return await shown(desk, answer)
        content: list[ContentBlock] = [TextContent(type="text", text=answer.model_dump_json(exclude_none=True))]
        return CallToolResult(content=content, structured_content=answer.model_dump(mode="json", exclude_none=True))

    annotations = ToolAnnotations(
        read_only_hint=not query.changes,
        destructive_hint=query.destroys if query.changes else None,
        open_world_hint=True,
    )
    return tool(call, query.name, query, query.answers, annotations)


def tool(
    call: Callable[[dict[str, Any], Context[Any, Any]], Awaitable[CallToolResult]],
    name: str,
    words: type[BaseModel],
    answers: type[BaseModel],
    annotations: ToolAnnotations,
) -> Tool:
    """A tool whose arguments are these words; our errors become text that the agent can act on."""

    async def guarded(said: dict[str, Any], ctx: Context[Any, Any]) -> CallToolResult:
        try:
            return await call(said, ctx)
        except CallsheetError as error:
            raise ToolError(error.message) from None

    doc = " ".join((words.__doc__ or "").split())
    made = Tool.from_function(guarded, name=name, description=doc, annotations=annotations, structured_output=False)
    made.parameters = lean(words, described=True)
    made.fn_metadata = Unchecked(
        arg_model=made.fn_metadata.arg_model, output_schema=lean_output(answers), output_model=answers
    )
    return made


@cache
def lean_output(answers: type[BaseModel]) -> dict[str, Any]:
    """The schema of an answer; an answer may carry more than is promised."""
    schema = lean(answers)
    schema.pop("additionalProperties")
    return schema


async def follow(
    desk: Desk, job_id: str, wait: float, ctx: Context[Any, Any], *, repeated: bool = False
) -> CallToolResult:
    """Wait for a job with a heartbeat every 5 s, then give its receipt. Being cancelled here never touches the job."""
    studio, started, beaten = await desk.studio(), time.monotonic(), -BEAT_S

    async def beat(job: Any) -> None:
        nonlocal beaten
        elapsed = time.monotonic() - started
        spoken = studio.carrier.spoken.get(job.id)
        if elapsed - beaten >= BEAT_S or spoken:
            beaten = elapsed
            state = spoken[-200:] if spoken else f"{job.model}: {job.progress or job.stage}, {elapsed:.0f} s"
            await ctx.report_progress(round(elapsed, 3), None, state)

    await studio.carrier.wait(job_id, wait, desk.caller(), beat)
    return await shown(desk, await studio.receipt(job_id, desk.caller(), repeated))


async def shown(desk: Desk, receipt: Receipt) -> CallToolResult:
    """A receipt as text, links and small previews, and whole as structured content."""
    content: list[ContentBlock] = [TextContent(type="text", text=receipt.lines())]
    for medium in receipt.media or ():
        content.append(
            ResourceLink(
                type="resource_link",
                name=(medium.path or medium.uri).replace("\\", "/").rpartition("/")[2],
                uri=medium.uri,
                mime_type=medium.mime_type,
                size=medium.bytes,
                annotations=Annotations(audience=["user"]),
            )
        )
    studio = await desk.studio()
    for medium in (receipt.media or [])[:PREVIEWS]:
        if picture := await studio.preview(medium):
            data = base64.b64encode(picture).decode()
            content.append(ImageContent(type="image", data=data, mime_type="image/jpeg"))
    return CallToolResult(content=content, structured_content=receipt.as_dict(), is_error=receipt.bad)
