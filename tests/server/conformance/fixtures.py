"""What the conformance suite's scenarios call by name: one of each thing that a server can answer with."""

import asyncio
import json
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.types import (
    AudioContent,
    CallToolResult,
    Completion,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import Field

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""One red pixel."""
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""Two samples of silence."""

PICTURE = ImageContent(type="image", data=PNG, mime_type="image/png")
SOUND = AudioContent(type="audio", data=WAV, mime_type="audio/wav")

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""A schema that must reach the client as it is."""


def choices(*names: str) -> list[dict[str, str]]:
    """Values with titles."""
    return [{"const": f"value{n}", "title": name} for n, name in enumerate(names, 1)]


PERSON = {"username": {"type": "string"}, "email": {"type": "string"}}
DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
OPTIONS = ["option1", "option2", "option3"]
TITLED = choices("First", "Second", "Third")
ENUMS = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}


def words(said: str) -> TextContent:
    """Text."""
    return TextContent(type="text", text=said)


def resource(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """A resource within something else."""
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


CONTENTS: dict[str, list[Any]] = {
    "test_simple_text": [words("This is a simple text response for testing.")],
    "test_image_content": [PICTURE],
    "test_audio_content": [SOUND],
    "test_embedded_resource": [resource("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        words("Multiple content types test:"),
        PICTURE,
        resource("test://mixed-content-resource", '{"test": "data", "value": 123}', "application/json"),
    ],
}
"""What each tool without arguments always answers."""


def furnish(server: MCPServer[Any]) -> None:
    """Give a server everything that the scenarios call, other than questions and tasks."""
    for name, content in CONTENTS.items():
        server.add_tool(always(content), name, description="Always answers the same.")
    for name, properties in {"sep1034_defaults": DEFAULTS, "sep1330_enums": ENUMS}.items():
        server.add_tool(asking(properties), f"test_elicitation_{name}", description="Asks the person on the way.")
    talk(server)
    describe(server)
    store(server)
    prompt(server)
    remember(server)


def always(content: list[Any]) -> Any:
    """A tool that answers this."""

    async def tool() -> CallToolResult:
        return CallToolResult(content=content)

    return tool


def asking(properties: dict[str, Any]) -> Any:
    """A tool that asks the person, in the way of the handshake's time."""

    async def tool(ctx: Context[Any, Any]) -> CallToolResult:
        return await asked(ctx, "Please fill in", properties)

    return tool


async def asked(ctx: Context[Any, Any], message: str, properties: dict[str, Any]) -> CallToolResult:
    """What the person answered."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    answer = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return CallToolResult(content=[words(f"Elicitation completed: action={answer.action}, content={answer.content}")])


def talk(server: MCPServer[Any]) -> None:
    """Tools that send something on the way to their answer."""

    @server.tool()
    async def test_tool_with_progress(ctx: Context[Any, Any]) -> str:
        """Reports progress."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
            await asyncio.sleep(0.05)
        return "done"

    @server.tool()
    async def test_tool_with_logging(ctx: Context[Any, Any]) -> str:
        """Logs to clients that still want logs."""
        for step in ("started", "goes on", "completed"):
            await ctx.info(f"Tool execution {step}")
            await asyncio.sleep(0.05)
        return "done"

    @server.tool()
    async def test_logging_tool(ctx: Context[Any, Any]) -> str:
        """Logs only where a request asks for it."""
        await ctx.info("for whoever asked")
        return "done"

    @server.tool()
    async def test_error_handling() -> str:
        """Always fails."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool()
    async def test_sampling(ctx: Context[Any, Any], prompt: str) -> str:
        """Asks the client's model."""
        question = SamplingMessage(role="user", content=words(prompt))
        reply = await ctx.session.create_message([question], max_tokens=100, related_request_id=ctx.request_id)
        return f"LLM response: {reply.content}"

    @server.tool()
    async def test_elicitation(ctx: Context[Any, Any], message: str) -> CallToolResult:
        """Asks the person."""
        return await asked(ctx, message, PERSON)

    @server.tool()
    async def test_reconnection(ctx: Context[Any, Any]) -> str:
        """Hangs up before it answers."""
        await ctx.close_sse_stream()
        await asyncio.sleep(0.2)
        return "done"

    @server.tool()
    async def test_trigger_tool_change(ctx: Context[Any, Any]) -> str:
        """Says that the list of tools has changed."""
        await ctx.notify_tools_changed()
        return "done"

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context[Any, Any]) -> str:
        """Says that the list of prompts has changed."""
        await ctx.notify_prompts_changed()
        return "done"


def describe(server: MCPServer[Any]) -> None:
    """Tools whose schemas matter."""

    @server.tool()
    async def test_header_argument(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",
    ) -> str:
        """Takes an argument that is repeated in a header."""
        return region

    async def exact(said: dict[str, Any]) -> str:
        return json.dumps(said)

    tool = Tool.from_function(exact, "json_schema_2020_12_tool", description="Tool with JSON Schema 2020-12 features")
    tool.parameters = SCHEMA
    server._tool_manager._tools[tool.name] = tool


def store(server: MCPServer[Any]) -> None:
    """Resources."""

    @server.resource("test://static-text", description="Text", mime_type="text/plain")
    async def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="A picture", mime_type="image/png")
    async def static_binary() -> bytes:
        return b"\x89PNG\r\n\x1a\n"

    @server.resource("test://watched-resource", description="Text to subscribe to", mime_type="text/plain")
    async def watched() -> str:
        return "Watched."

    @server.resource("test://template/{id}/data", description="Data by id", mime_type="application/json")
    async def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def prompt(server: MCPServer[Any]) -> None:
    """Prompts, and the completion of their arguments."""

    @server.prompt()
    async def test_simple_prompt() -> str:
        """A prompt without arguments."""
        return "This is a simple prompt for testing."

    @server.prompt()
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with two arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A prompt with a resource."""
        held = resource(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(held), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    async def test_prompt_with_image() -> list[UserMessage]:
        """A prompt with a picture."""
        return [UserMessage(PICTURE), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=[f"{argument.value}-{n}" for n in (1, 2)], total=2, has_more=False)


def remember(server: MCPServer[Any]) -> None:
    """What only the handshake's time knows: levels of logging, and subscriptions, which we serve over pipes alone."""

    async def accept(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)
