"""Which tools a caller sees: those of their toolsets, and more as they ask; and what is said of the rest."""

from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INVALID_PARAMS, CallToolResult, TextContent

from callsheet.catalogue.words import OPERATIONS
from callsheet.errors import cut
from callsheet_server.desk import Desk
from callsheet_server.mcp.tools import tools


class Showing:
    """Middleware: tools are built when somebody is first shown them."""

    def __init__(self, desk: Desk, built: tuple[str, ...]) -> None:
        self.desk = desk
        self.built = set(built)
        self.server: MCPServer[Any] | None = None

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Show each caller their own, and say of any other tool how to come by it."""
        if ctx.method not in ("tools/list", "tools/call"):
            return await call_next(ctx)
        self.build()
        name = (ctx.params or {}).get("name")
        if ctx.method == "tools/call" and isinstance(name, str) and not self.desk.admits(name):
            if not self.desk.may(name):
                raise MCPError(INVALID_PARAMS, f"You have no tool `{cut(name)}`; tools/list shows those you have.")
            return CallToolResult(content=[TextContent(type="text", text=self.hidden(name))], is_error=True)
        result = await call_next(ctx)
        if ctx.method == "tools/list" and isinstance(result, dict):
            return result | {"tools": [tool for tool in result["tools"] if self.desk.admits(tool["name"])]}
        return result

    def build(self) -> None:
        """Have the tools that whoever asks is shown."""
        more = tuple(name for name in self.desk.shown() if name not in self.built)
        if more and self.server:
            self.built.update(more)
            self.server._tool_manager._tools.update({tool.name: tool for tool in tools(self.desk, more)})

    def hidden(self, name: str) -> str:
        """How to come by a tool that is not shown."""
        kind = self.desk.kind(name)
        way = f"show_tools(toolsets=['{kind.toolset if kind else ''}']) shows it, with its arguments"
        at_once = f"; plan(calls=[{{tool: '{name}', arguments: {{…}}}}]) runs it at once" if name in OPERATIONS else ""
        return f"`{name}` is there and not shown: {way}{at_once}. Nothing was done."
