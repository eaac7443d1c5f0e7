"""A server that several people reach over HTTP, each with a token of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from callsheet_server.web import http
from tests.conftest import free_port
from tests.wire import Port

ANNA, BEN, BOSS = (f"{name}-not-a-real-token" for name in ("anna", "ben", "boss"))
TOKENS = {"CALLSHEET_HTTP_TOKENS": f"anna:{ANNA},ben:{BEN},boss:{BOSS}"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def bearer(token: str | None) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class Team:
    """A home whose server listens on a port of this machine; `transports` leads to its backends."""

    def __init__(self, folder: Path, transports: Any, environ: dict[str, str], callers: str = "") -> None:
        self.folder = folder
        self.transports = transports
        self.number = free_port()
        self.origin = f"http://127.0.0.1:{self.number}"
        own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
        self.environ = own | {"CALLSHEET_RATE": "100000", "CALLSHEET_PUBLIC_URL": self.origin} | environ
        (folder / "home").mkdir(exist_ok=True)
        if callers:
            (folder / "home" / "callers.toml").write_text(callers)
        self.port: Port | None = None

    def open(self, *toolsets: str, sessions: bool = False, **more: str) -> None:
        """Serve these toolsets."""
        settings = Settings.load(environ={name: value for name, value in (self.environ | more).items() if value})
        built = build(settings, self.transports, toolsets or None, remote=True)
        self.port = Port(http.app(*built, sessions=sessions), self.number, "on")

    def close(self) -> None:
        """Serve no more."""
        if self.port:
            self.port.close()
            self.port = None

    @asynccontextmanager
    async def client(self, token: str | None, **talk: Any) -> AsyncIterator[Client]:
        """An MCP client with this token."""
        web = httpx2.AsyncClient(trust_env=False, headers=bearer(token), timeout=60)
        way = streamable_http_client(f"{self.origin}/mcp", http_client=web)
        async with web, Client(way, **talk) as client:
            yield client

    async def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        """A plain HTTP request; a path may be a whole address."""
        headers = bearer(token) | more.pop("headers", {})
        async with httpx2.AsyncClient(trust_env=False, base_url=self.origin, timeout=60) as web:
            return await web.request(method, path, headers=headers, **more)

    async def ping(self, token: str | None = None, **headers: str) -> httpx2.Response:
        """The smallest MCP request."""
        return await self.ask("POST", "/mcp", token, json=PING, headers=ACCEPT | headers)
