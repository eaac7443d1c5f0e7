"""What the conformance suite's scenarios of several rounds call: tools and a prompt that ask before they answer."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)


def form(message: str, **fields: str) -> ElicitRequest:
    """A question to the person, with fields and their types."""
    properties = {name: {"type": kind} for name, kind in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(fields)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(words: str, tokens: int = 100) -> CreateMessageRequest:
    """A question to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=words))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=tokens))


NAME = {"user_name": form("What is your name?", name="string")}
CONFIRM = {"confirm": form("Please confirm", ok="boolean")}
INTERVIEWS: dict[str, tuple[dict[str, Any], ...]] = {
    "elicitation": (NAME,),
    "sampling": ({"capital_question": sample("What is the capital of France?")},),
    "list_roots": ({"client_roots": ListRootsRequest()},),
    "request_state": (CONFIRM,),
    "tampered_state": (CONFIRM,),
    "multiple_inputs": (NAME | {"greeting": sample("Generate a greeting", 50), "client_roots": ListRootsRequest()},),
    "multi_round": (
        {"step1": form("Step 1: What is your name?", name="string")},
        {"step2": form("Step 2: What is your favorite color?", color="string")},
    ),
}
"""What each tool asks, round by round."""


def interviewed(ctx: Context[Any, Any], *rounds: dict[str, Any]) -> InputRequiredResult | None:
    """The next round of questions; None once all have been answered. The state says which round was asked."""
    at = int(ctx.request_state or 0)
    if rounds[at].keys() <= (ctx.input_responses or {}).keys():
        at += 1
    return InputRequiredResult(input_requests=rounds[at], request_state=str(at)) if at < len(rounds) else None


def done(words: str = "state-ok") -> CallToolResult:
    """The last answer."""
    return CallToolResult(content=[TextContent(type="text", text=words)])


def asking(*rounds: dict[str, Any]) -> Callable[[Context[Any, Any]], Awaitable[CallToolResult | InputRequiredResult]]:
    """A tool that asks these rounds of questions."""

    async def tool(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        return interviewed(ctx, *rounds) or done()

    return tool


def furnish(server: MCPServer[Any]) -> None:
    """Give a server the tools and the prompt that ask."""
    for name, rounds in INTERVIEWS.items():
        server.add_tool(asking(*rounds), f"test_input_required_result_{name}", description="Asks before it answers.")
    server.add_tool(asking(NAME), "test_streaming_elicitation", description="Asks within the stream of its answer.")

    @server.tool()
    async def test_input_required_result_capabilities(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        """Asks only what the client declared that it can be asked."""
        able = ctx.client_capabilities or ClientCapabilities()
        questions = {"greeting": sample("Generate a greeting")} if able.sampling else {}
        questions |= NAME if able.elicitation else {}
        return (interviewed(ctx, questions) if questions else None) or done()

    @server.tool()
    async def test_missing_capability(ctx: Context[Any, Any]) -> CallToolResult:
        """Needs sampling."""
        if ctx.client_capabilities and ctx.client_capabilities.sampling:
            return done()
        need = MissingRequiredClientCapabilityErrorData(
            required_capabilities=ClientCapabilities(sampling=SamplingCapability())
        )
        data = need.model_dump(by_alias=True, mode="json", exclude_none=True)
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling", data)

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Context[Any, Any]) -> Any:
        """Asks for context first."""
        question = interviewed(ctx, {"user_context": form("What context should the prompt use?", context="string")})
        return question or [UserMessage("Use the context.")]
