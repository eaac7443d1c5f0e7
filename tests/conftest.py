"""The front door: a real MCP client, the real server, and the sandbox as an ASGI transport."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from callsheet.settings import Settings
from callsheet_sandbox.in_process import Transport
from callsheet_server.server import build

TOOLSETS = ("core", "edit", "avatar", "understand", "library")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Nowhere(httpx2.AsyncBaseTransport):
    """Where every address leads that a test did not mean to be called."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(f"nothing in a test may call {request.url}")


class House:
    """One owner's home folder and the sandbox behind it; servers and clients come and go."""

    def __init__(self, folder: Path, **sandbox: Any) -> None:
        self.folder = folder
        self.box = Transport("phaya", folder / "box", **({"speed": 50.0, "rate": 100_000} | sandbox))
        self.environ = {
            "CALLSHEET_HOME": str(folder / "home"),
            "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
            "CALLSHEET_RATE": "100000",
        }

    def settings(self, **more: str) -> Settings:
        return Settings.load(environ=self.environ | more)

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return self.box if account == "sandbox/phaya" else Nowhere()

    @asynccontextmanager
    async def client(self, **more: str) -> AsyncIterator[Client]:
        server, _ = build(self.settings(**more), self.transports, TOOLSETS)
        async with Client(server) as client:
            yield client

    @property
    def credits(self) -> Decimal:
        """What the sandbox says is left."""
        return sum((Decimal(row["credits"]) for row in self.box.app.box.accounts.all()), Decimal(0))

    def calls(self, method: str = "POST", route: str = "", status: int | None = 200) -> list[Any]:
        """The requests that the sandbox answered so, by its own log."""
        entries = self.box.app.box.log.entries("phaya")
        return [e for e in entries if e.method == method and route in e.route and status in (None, e.status)]


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., House]:
    """A new owner, with a sandbox as the test wants it."""
    return lambda **sandbox: House(tmp_path, **sandbox)
