"""A house whose Progressive Robot is the sandbox, and one that answers whatever a test tells it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from starlette.responses import JSONResponse, Response

from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from tests.wire import OverPort

NAME = "progressive-robot"
KEY = "pk_not_a_real_key"
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xff\xff?\0"
    b"\x05\xfe\x02\xfe\r\xefF\xb8\0\0\0\0IEND\xaeB`\x82"
)
"""One white pixel."""


class Nowhere(httpx2.AsyncBaseTransport):
    """Where every other backend leads."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(f"nothing in a test may call {request.url}")


class Odd(httpx2.AsyncBaseTransport):
    """A Progressive Robot that answers by method and path as a test tells it, and keeps what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {
            "GET /api/credits": {"balance": 100},
            "GET /api/auth/check": {"authenticated": True, "tier": "pro"},
            "GET /api/generation-cost": JSONResponse({"error": "Not found"}, 404),
            "GET /api/image/a.png": Response(PNG, media_type="image/png"),
            "GET /api/video/a.png": Response(PNG, media_type="image/png"),
        } | answers
        self.asked: list[tuple[str, bytes]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """An answer; of a list the next one, its last again and again."""
        name = f"{request.method} {request.url.path}"
        self.asked.append((name, await request.aread()))
        answer = self.answers.get(name, JSONResponse({"error": "Not found"}, 404))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        door = httpx2.ASGITransport(answer if isinstance(answer, Response) else JSONResponse(answer))
        return await door.handle_async_request(request)

    def count(self, name: str) -> int:
        """How often this was asked."""
        return sum(asked == name for asked, _ in self.asked)


class RobotHouse:
    """One owner's home folder, with Progressive Robot behind it; whoever has no key is on the sandbox's Pro plan."""

    def __init__(self, folder: Path, odd: Odd | None = None, **sandbox: Any) -> None:
        self.folder, self.odd = folder, odd
        options: dict[str, Any] = {"speed": 50.0, "rate": 100_000, "credits": {NAME: 5000.0}} | sandbox
        self.box = OverPort(NAME, folder / "box", **options)
        self.environ = {
            "CALLSHEET_HOME": str(folder / "home"),
            "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
            "CALLSHEET_RATE": "100000",
            "CALLSHEET_ASK": "never",
            "CALLSHEET_MAX_PER_DAY": "100000",
        } | ({"PROGRESSIVE_ROBOT_API_KEY": KEY} if odd else {})

    def settings(self, **more: str) -> Settings:
        return Settings.load(environ=self.environ | more)

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return (self.odd or self.box) if account.endswith(NAME) else Nowhere()

    @asynccontextmanager
    async def client(self, talk: dict[str, Any] | None = None, **more: str) -> AsyncIterator[Client]:
        server, _ = build(self.settings(**more), self.transports, TOOLSETS)
        async with Client(server, **(talk or {})) as client:
            yield client

    def reached(self) -> set[str]:
        """Every route that the sandbox answered with success, by its own log."""
        entries = self.box.app.box.log.entries(NAME, 100_000)
        return {f"{e.method} {e.route}" for e in entries if e.status is not None and 200 <= e.status < 300}

    def creates(self, route: str) -> int:
        """How many creates the sandbox took on this route."""
        entries = self.box.app.box.log.entries(NAME, 100_000)
        return sum(e.method == "POST" and e.route == route and e.status == 200 for e in entries)


async def make(client: Client, tool: str, **said: Any) -> dict[str, Any]:
    """Call a tool; its structured content, or the text of the error under `error`."""
    result = await client.call_tool(tool, said)
    content: dict[str, Any] = result.structured_content or {}
    return content or {"error": " ".join(part.text for part in result.content if part.type == "text")}
