"""Tasks (SEP-2663): what a tool has begun and not finished, for clients that would rather look in on it than wait.

Nothing is kept here. A task is a view of what is written down elsewhere, so it outlives the connection and the process.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, Protocol

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    EmptyResult,
    ErrorData,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from callsheet.errors import CallsheetError

TASKS = "io.modelcontextprotocol/tasks"
MODERN = frozenset(MODERN_PROTOCOL_VERSIONS)
MARK = "callsheet/task"
"""Where a tool's result says of which task it is; see `as_task`."""

Request = ServerRequestContext[Any, Any]
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]


class Task(BaseModel):
    """How far something is, in the extension's words."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    task_id: str
    status: Status
    status_message: str | None = None
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int | None = None
    """None: for as long as its source keeps it."""
    poll_interval_ms: int
    result: CallToolResult | None = None
    error: ErrorData | None = None
    input_requests: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in ("working", "input_required")

    def wire(self, *but: str) -> dict[str, Any]:
        """As JSON. What is absent is left out, except the time to live, whose absence means something."""
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(but))
        return shown | {"ttlMs": self.ttl_ms}

    def begun(self) -> dict[str, Any]:
        """As the answer to the call that began it: what it comes to, or asks, is left to later looks."""
        return {"resultType": "task"} | self.wire("result", "error", "input_requests")


class Source(Protocol):
    """Where tasks come from."""

    async def find(self, task_id: str) -> Task | None:
        """A task as it stands; None where there is none of that id that the caller may see."""

    async def cancel(self, task_id: str) -> None:
        """Stop a task, if it can be stopped; as often as somebody likes."""

    async def answer(self, task_id: str, answers: dict[str, Any]) -> None:
        """Take answers to what a task asks; those to questions that it does not ask are ignored."""


class TaskParams(RequestParams):
    """What names a task."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    task_id: str


class UpdateParams(TaskParams):
    """Answers to what a task asks."""

    input_responses: dict[str, Any]


class Tasks(Extension):
    """The extension, over several sources; the first that knows an id has the task."""

    identifier = TASKS

    def __init__(self, *sources: Source) -> None:
        self.sources = sources

    def methods(self) -> Sequence[MethodBinding]:
        return [
            MethodBinding("tasks/get", TaskParams, self.get, MODERN),
            MethodBinding("tasks/update", UpdateParams, self.update, MODERN),
            MethodBinding("tasks/cancel", TaskParams, self.cancel, MODERN),
        ]

    async def get(self, ctx: Request, params: TaskParams) -> HandlerResult:
        """`tasks/get`."""
        with in_protocol_words():
            _, task = await self.named(ctx, params)
            return task.wire()

    async def update(self, ctx: Request, params: UpdateParams) -> HandlerResult:
        """`tasks/update`."""
        with in_protocol_words():
            source, task = await self.named(ctx, params)
            await source.answer(task.task_id, params.input_responses)
            return EmptyResult()

    async def cancel(self, ctx: Request, params: TaskParams) -> HandlerResult:
        """`tasks/cancel`."""
        with in_protocol_words():
            source, task = await self.named(ctx, params)
            await source.cancel(task.task_id)
            return EmptyResult()

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Request, call_next: CallNext
    ) -> HandlerResult:
        """Let the tool run, with all that it asks first; what it began and did not finish is answered with a task."""
        result = await call_next(ctx)
        task_id = (result.meta or {}).get(MARK) if isinstance(result, CallToolResult) else None
        if task_id is None or not wants_task(ctx):
            return result
        with in_protocol_words():
            _, task = await self.find(task_id)
        return result if task.ended else task.begun()

    async def named(self, ctx: Request, params: TaskParams) -> tuple[Source, Task]:
        """The task that a request names, and its source.

        Raises:
            MCPError: the client does not know tasks, its headers name another, or there is none that it may see.
        """
        require_client_extension(ctx, TASKS)
        name = (getattr(ctx.request, "headers", None) or {}).get(MCP_NAME_HEADER)
        if name is not None and decode_header_value(name) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "The Mcp-Name header does not match params.taskId")
        return await self.find(params.task_id)

    async def find(self, task_id: str) -> tuple[Source, Task]:
        """A task and its source.

        Raises:
            MCPError: no source knows it.
        """
        for source in self.sources:
            if task := await source.find(task_id):
                return source, task
        raise MCPError(INVALID_PARAMS, "Task not found")


@contextmanager
def in_protocol_words() -> Iterator[None]:
    """Our errors as the protocol's."""
    try:
        yield
    except CallsheetError as error:
        raise MCPError(INTERNAL_ERROR, error.message) from None


def wants_task(ctx: Request) -> bool:
    """Whether whoever calls a tool would take a task for an answer."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version in MODERN and TASKS in (declared or {})


def as_task(result: CallToolResult, task_id: str) -> CallToolResult:
    """A result that, if it is not final, is answered with this task."""
    return result.model_copy(update={"meta": (result.meta or {}) | {MARK: task_id}})
