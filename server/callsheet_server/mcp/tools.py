"""Operations and queries as MCP tools. Their arguments, descriptions and checks are the words' own."""

import base64
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from mcp.server.mcpserver import Context, ElicitationResult, Resolve
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

from callsheet.catalogue.consent import Question, Yes
from callsheet.catalogue.schema import MEDIUM, lean, promised
from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.errors import CallsheetError, SpendError
from callsheet.jobs.receipt import Receipt
from callsheet.queries.jobs import GetJob, Jobs
from callsheet.queries.queries import OWN_QUERIES, Planned, Query, ShowTools
from callsheet_server.desk import Desk
from callsheet_server.mcp import approval
from callsheet_server.mcp.approval import Answer, Find, Inquiry, read, resolver, spoken
from callsheet_server.mcp.tasks import as_task, wants_task
from callsheet_server.web.gallery import SHOWN

if TYPE_CHECKING:
    from callsheet.ledger.tables import Job
    from callsheet.studio import Studio

BEAT_S = 5.0
PREVIEWS = 4
SOON_S = 1.0
"""What is done so soon is answered at once even where a task would do."""

SPENDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)


class Unchecked(FuncMetadata):
    """Arguments as they came: the words check them, and say in our own words what is wrong."""

    def validate_arguments(self, arguments_to_validate: dict[str, Any]) -> dict[str, Any]:
        return {"said": arguments_to_validate}


class Plain(Tool):
    """A tool whose errors are told in our words alone."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if type(error.__cause__) is ToolError:
                raise error.__cause__ from None
            raise


def tools(desk: Desk, toolsets: tuple[str, ...]) -> list[Tool]:
    """The tools of some toolsets, operations first, always in the same order.

    Raises:
        RequestError: there is no toolset of that name.
    """
    jobs = [job_tool(kind, desk) for kind in OPERATIONS.values() if kind.toolset in toolsets]
    known = OWN_QUERIES if set(toolsets) <= {"core"} else desk.queries
    return jobs + [query_tool(query, desk) for query in known.values() if query.toolset in toolsets]


def job_tool(kind: type[Words], desk: Desk) -> Tool:
    """A tool that makes something, and may spend."""

    unsaid = dict.fromkeys(kind.personal, "…")

    async def inquiry(said: dict[str, Any]) -> Inquiry | None:
        words = kind.of(said | unsaid, by_person=True)
        studio = await desk.studio()
        question = await studio.orders.question(words, desk.caller())
        if kind.personal:
            text = question.text if question else f"{kind.operation}: only you can say this."
            return Inquiry(text, studio.settings.wait, spoken(kind.personal))
        return Inquiry(question.text, studio.settings.wait) if question else None

    async def call(said: dict[str, Any], ctx: Context[Any, Any], answer: Answer) -> CallToolResult:
        words = kind.of(said | (answer.words if answer.yes else unsaid), by_person=answer.yes is not None)
        studio, caller = await desk.studio(), desk.caller()
        with anyio.CancelScope(shield=True):  # a client that gives up now must not leave half an order
            if answer.yes is False:
                refused = await studio.orders.decline(words, caller, answer.why)
                return await shown(desk, await studio.receipts.of(refused.id, caller))
            yes = await agreed(studio.orders.question(words, caller)) if answer.yes else None
            job, repeated = await studio.orders.place(words, caller, yes, approval.can_ask(ctx))
        wait = studio.settings.wait if words.wait_s is None else words.wait_s
        if not wants_task(ctx.request_context):
            return await follow(desk, job.id, wait, ctx, repeated=repeated)
        return as_task(await follow(desk, job.id, min(wait, SOON_S), ctx, repeated=repeated), job.id)

    return tool(call, kind.operation, kind, Receipt, SPENDS, inquiry, far=desk.links is not None)


def query_tool(query: type[Query], desk: Desk) -> Tool:
    """A tool that costs nothing."""

    async def inquiry(said: dict[str, Any]) -> Inquiry | None:
        studio = await desk.studio()
        question = await query.of(said).question(studio, desk.caller())
        return Inquiry(question.text, studio.settings.wait) if question else None

    async def call(said: dict[str, Any], ctx: Context[Any, Any], answer: Answer) -> CallToolResult:
        asked = query.of(said)
        studio = await desk.studio()
        if isinstance(asked, GetJob):
            if answer.yes is not None:
                await studio.orders.answer(asked.job_id, desk.caller(), answer.yes, answer.why)
            await studio.carrier.fetch_again(asked.job_id, desk.caller())
            return await follow(desk, asked.job_id, asked.wait_s, ctx)
        if answer.yes is False:
            raise SpendError(f"{query.name}: not done. {answer.why} Nothing was spent or changed.")
        yes = await agreed(asked.question(studio, desk.caller())) if answer.yes else None
        if isinstance(asked, ShowTools):
            desk.show(asked.toolsets)
            await ctx.notify_tools_changed()
            if ctx.request_context.request is None and (ctx.protocol_version or "") < approval.MODERN:
                await ctx.session.send_tool_list_changed()
        found = await asked.approved(yes, approval.can_ask(ctx)).answer(studio, desk.caller())
        if isinstance(found, Receipt):
            return await shown(desk, found)
        found = desk.outward(found)
        content: list[ContentBlock] = [TextContent(type="text", text=found.model_dump_json(exclude_none=True))]
        return CallToolResult(content=content, structured_content=found.model_dump(mode="json", exclude_none=True))

    annotations = ToolAnnotations(
        read_only_hint=not query.changes,
        destructive_hint=query.destroys if query.changes else None,
        open_world_hint=True,
    )
    asks = query.question is not Query.question
    find = inquiry if asks else unneeded
    return tool(call, query.name, query, query.answers, annotations, find, far=desk.links is not None)


def tool(
    call: Callable[[dict[str, Any], Context[Any, Any], Answer], Awaitable[CallToolResult]],
    name: str,
    words: type[BaseModel],
    answers: type[BaseModel],
    annotations: ToolAnnotations,
    inquiry: Find,
    *,
    far: bool,
) -> Tool:
    """A tool whose arguments are these words; a person is asked what `inquiry` finds, and our errors become text that
    the agent can act on. Who is `far` names no path of this machine."""
    consent = Resolve(resolver(inquiry))

    async def guarded(
        said: dict[str, Any], ctx: Context[Any, Any], outcome: Annotated[ElicitationResult[Any], consent]
    ) -> CallToolResult:
        try:
            return await call(said, ctx, read(outcome))
        except CallsheetError as error:
            raise ToolError(error.message) from None

    doc = " ".join((words.__doc__ or "").split())
    made = Plain.from_function(guarded, name=name, description=doc, annotations=annotations, structured_output=False)
    made.meta = SHOWN if issubclass(answers, (Receipt, Jobs, Planned)) else None
    made.parameters = lean(words, described=True, medium=MEDIUM.replace("path ", "") if far else MEDIUM)
    made.fn_metadata = Unchecked(
        arg_model=made.fn_metadata.arg_model, output_schema=promised(answers), output_model=answers
    )
    return made


async def unneeded(said: dict[str, Any]) -> Inquiry | None:
    """Nothing that a person need be asked."""


async def agreed(question: Awaitable[Question | None]) -> Yes | None:
    """What a yes to this question stands for; None where the question has been answered already."""
    found = await question
    return Yes(found.prices, approval.shown.get()) if found else None


async def follow(
    desk: Desk, job_id: str, wait: float, ctx: Context[Any, Any], *, repeated: bool = False
) -> CallToolResult:
    """Wait for a job with a heartbeat every 5 s, then give its receipt. Being cancelled here never touches the job."""
    studio, started, beaten = await desk.studio(), time.monotonic(), -BEAT_S

    async def beat(job: Any) -> None:
        nonlocal beaten
        elapsed = time.monotonic() - started
        if elapsed - beaten >= BEAT_S or job.id in studio.news.spoken:
            beaten = elapsed
            await ctx.report_progress(round(elapsed, 3), None, doing(studio, job, elapsed))

    await studio.carrier.wait(job_id, wait, desk.caller(), beat)
    return await shown(desk, await studio.receipts.of(job_id, desk.caller(), repeated))


def doing(studio: "Studio", job: "Job", elapsed: float) -> str:
    """What a job is at, in a line: the end of what is being said, else how far it is."""
    spoken = studio.news.spoken.get(job.id)
    return spoken[-200:] if spoken else f"{job.model}: {job.progress or job.stage}, {elapsed:.0f} s"


async def shown(desk: Desk, receipt: Receipt) -> CallToolResult:
    """A receipt as text, links and small previews, and whole as structured content."""
    told = desk.outward(receipt)
    content: list[ContentBlock] = [TextContent(type="text", text=told.lines())]
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
        if picture := await studio.previews.of(medium):
            data = base64.b64encode(picture).decode()
            content.append(ImageContent(type="image", data=data, mime_type="image/jpeg"))
    return CallToolResult(content=content, structured_content=told.as_dict(), is_error=receipt.bad)
