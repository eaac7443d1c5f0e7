"""What the conformance suite's tasks scenarios call: jobs in memory, that do as a scenario wants."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.server import require_client_extension
from mcp.types import INTERNAL_ERROR, CallToolResult, InputRequiredResult, TextContent

from callsheet_server.mcp.tasks import TASKS, Status, Task, as_task, wants_task
from tests.server.conformance.questions import form, interviewed


def text(words: str, *, bad: bool = False) -> CallToolResult:
    """A result of words."""
    return CallToolResult(content=[TextContent(type="text", text=words)], is_error=bad)


@dataclass
class Chore:
    """A job in memory."""

    task: Task
    asked: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    runner: asyncio.Task[None] | None = None

    def turn(self, status: Status, **news: Any) -> None:
        """Be in another state from now on."""
        self.task = self.task.model_copy(update={"status": status, "last_updated_at": datetime.now(UTC), **news})

    async def run(self, body: Callable[["Chore"], Awaitable[CallToolResult]]) -> None:
        """Do it, and remember how it ended."""
        try:
            self.turn("completed", result=await body(self))
        except asyncio.CancelledError:
            self.turn("cancelled", input_requests=None)
        except MCPError as error:
            self.turn("failed", error=error.error)

    async def ask(self, key: str, request: Any) -> Any:
        """Ask something and wait for the answer."""
        self.asked[key] = asyncio.get_running_loop().create_future()
        self.turn("input_required", input_requests=(self.task.input_requests or {}) | {key: request})
        return await self.asked[key]


class Chores:
    """A source of tasks that forgets everything when its process ends."""

    def __init__(self) -> None:
        self.known: dict[str, Chore] = {}

    def begin(self, body: Callable[[Chore], Awaitable[CallToolResult]]) -> Chore:
        """Begin a job; it goes on by itself."""
        now = datetime.now(UTC)
        chore = Chore(
            Task(
                task_id=secrets.token_urlsafe(24),
                status="working",
                created_at=now,
                last_updated_at=now,
                ttl_ms=3_600_000,
                poll_interval_ms=200,
            )
        )
        self.known[chore.task.task_id] = chore
        chore.runner = asyncio.create_task(chore.run(body))
        return chore

    async def find(self, task_id: str) -> Task | None:
        chore = self.known.get(task_id)
        return chore.task if chore else None

    async def cancel(self, task_id: str) -> None:
        if runner := self.known[task_id].runner:
            runner.cancel()

    async def answer(self, task_id: str, answers: dict[str, Any]) -> None:
        chore = self.known[task_id]
        for key in answers.keys() & chore.asked.keys():
            chore.asked.pop(key).set_result(answers[key])
        left = {key: request for key, request in (chore.task.input_requests or {}).items() if key in chore.asked}
        if not chore.task.ended:
            chore.turn("input_required" if left else "working", input_requests=left or None)


def furnish(server: MCPServer[Any], chores: Chores) -> None:
    """Give a server the tools that the tasks scenarios call."""

    async def deliver(ctx: Context[Any, Any], body: Callable[[Chore], Awaitable[CallToolResult]]) -> CallToolResult:
        """A task for who wants one, else the result when it is there."""
        chore = chores.begin(body)
        if wants_task(ctx.request_context):
            return as_task(text("It has begun."), chore.task.task_id)
        assert chore.runner
        await chore.runner
        return chore.task.result or text(f"It is {chore.task.status}.", bad=True)

    @server.tool()
    async def greet(name: str) -> CallToolResult:
        """Greets at once, never as a task."""
        return text(f"Hello, {name}!")

    @server.tool()
    async def slow_compute(ctx: Context[Any, Any], seconds: float = 1, label: str = "") -> CallToolResult:
        """Takes so many seconds."""

        async def body(_: Chore) -> CallToolResult:
            await asyncio.sleep(seconds)
            return text(f"{label} took {seconds:g} s")

        return await deliver(ctx, body)

    @server.tool()
    async def failing_job(ctx: Context[Any, Any]) -> CallToolResult:
        """Fails after a second, and only ever as a task."""
        require_client_extension(ctx.request_context, TASKS)

        async def body(_: Chore) -> CallToolResult:
            await asyncio.sleep(1)
            return text("It did not work out.", bad=True)

        return await deliver(ctx, body)

    @server.tool()
    async def protocol_error_job(ctx: Context[Any, Any]) -> CallToolResult:
        """Ends in an error of the protocol."""

        async def body(_: Chore) -> CallToolResult:
            await asyncio.sleep(0.3)
            raise MCPError(INTERNAL_ERROR, "Something broke")

        return await deliver(ctx, body)

    @server.tool()
    async def confirm_delete(ctx: Context[Any, Any], filename: str) -> CallToolResult:
        """Asks before it goes on."""

        async def body(chore: Chore) -> CallToolResult:
            answer = await chore.ask("confirm", form(f"Delete {filename}?", confirm="boolean"))
            return text(f"{filename}: {answer['action']}")

        return await deliver(ctx, body)

    @server.tool()
    async def multi_input(ctx: Context[Any, Any]) -> CallToolResult:
        """Asks two things at once."""

        async def body(chore: Chore) -> CallToolResult:
            asked = [chore.ask(key, form(f"Your {key} name?", name="string")) for key in ("first", "last")]
            answers = await asyncio.gather(*asked)
            return text(f"{len(answers)} answers")

        return await deliver(ctx, body)

    @server.tool()
    async def test_tool_with_task(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks for a name first, then greets as a task."""
        if question := interviewed(ctx, {"user_name": form("What is your name?", name="string")}):
            return question
        answer: Any = (ctx.input_responses or {})["user_name"]

        async def body(_: Chore) -> CallToolResult:
            await asyncio.sleep(0.3)
            return text(f"Hello, {answer.content['name']}!")

        return await deliver(ctx, body)
