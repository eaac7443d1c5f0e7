"""The front door: a real MCP client, the real server, and the sandbox as an ASGI transport or on a port."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult
from starlette.responses import JSONResponse, Response

from callsheet.settings.settings import Settings
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.in_process import Transport
from callsheet_server.mcp.server import build

TOOLSETS = ("core", "edit", "avatar", "understand", "library")
CALLSHEET = str(shutil.which("callsheet", path=str(Path(sys.executable).parent)))
KEY = "pk_not_a_real_key"


@pytest.fixture(scope="session")
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
    async def client(
        self, stranger: "Stranger | Wire | None" = None, talk: dict[str, Any] | None = None, **more: str
    ) -> AsyncIterator[Client]:
        """A client (told `talk`) of a new server, whose Phaya is the sandbox, or a stranger in process or on a port."""
        more = (stranger.environ if stranger else {}) | more
        doors = stranger.transports if isinstance(stranger, Stranger) else None if stranger else self.transports
        server, _ = build(self.settings(**more), doors, TOOLSETS)
        async with Client(server, **(talk or {})) as client:
            yield client

    @property
    def credits(self) -> Decimal:
        """What the sandbox says is left."""
        return sum((Decimal(row["balance"]) for row in self.box.app.box.accounts.all()), Decimal(0))

    def calls(self, method: str = "POST", route: str = "", status: int | None = 200) -> list[Any]:
        """The requests that the sandbox answered so, by its own log."""
        entries = self.box.app.box.log.entries("phaya")
        return [e for e in entries if e.method == method and route in e.route and status in (None, e.status)]


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., House]:
    """A new owner, with a sandbox as the test wants it."""
    return lambda **sandbox: House(tmp_path, **sandbox)


PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xff\xff?\0"
    b"\x05\xfe\x02\xfe\r\xefF\xb8\0\0\0\0IEND\xaeB`\x82"
)
"""One white pixel."""


class Stranger(httpx2.AsyncBaseTransport):
    """A Phaya that answers as a test tells it, by method and the end of the path, and writes down what it was asked.

    What nobody told it, it does properly: 100 credits, one z-image job that is done at once, one picture. A list is
    answered from in order, its last answer again and again; an error breaks the connection; a callable is asked.
    """

    origin = "http://phaya.test"

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = {
            "POST /text-to-image/generate": {"job_id": "job-1", "credits_used": 1.0},
            "GET /text-to-image/status/job-1": {"status": "COMPLETED", "image_url": f"{self.origin}/files/1.png"},
            "GET /files/1.png": Response(PNG, media_type="image/png"),
            "GET /user/credits": {"credits_balance": 100.0},
            "POST /user/credits/invalidate-cache": {"success": True},
        } | (answers or {})
        self.asked: list[str] = []
        self.headers: dict[str, list[str | None]] = {}
        self.environ = {"PHAYA_API_KEY": KEY, "PHAYA_BASE": f"{self.origin}/api/v1"}

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return self if account == "phaya" else Nowhere()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Break the connection where the answer is an error, else give it."""
        name = self.named(request.method, request.url.path)
        self.asked.append(name)
        self.headers.setdefault(name, []).append(request.headers.get("authorization"))
        reply = self.say(name)
        if callable(reply) and not isinstance(reply, Response):
            reply = await reply(request)
        if isinstance(reply, Exception):
            raise reply
        door = httpx2.ASGITransport(reply if isinstance(reply, Response) else JSONResponse(reply))
        return await door.handle_async_request(request)

    def named(self, method: str, path: str) -> str:
        return f"{method} {path.removeprefix('/api/v1')}"

    def say(self, name: str) -> Any:
        answer = self.answers.get(name, JSONResponse({"detail": "Not Found"}, 404))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def count(self, name: str) -> int:
        return self.asked.count(name)


class Wire:
    """The same stranger on a real port, who can also break off in the middle of an answer (`cut` bytes short)."""

    def __init__(self, phaya: Stranger, port: int) -> None:
        self.phaya = phaya
        self.cut: dict[str, int] = {}
        self.origin = f"http://127.0.0.1:{port}"
        self.environ = {"PHAYA_API_KEY": KEY, "PHAYA_BASE": f"{self.origin}/api/v1"}

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            raw = b""
            while b"\r\n\r\n" not in raw:
                raw += await stream.receive()
            head, _, body = raw.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            method, path, _ = first.split(" ")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            while len(body) < int(headers.get("content-length", 0)):
                body += await stream.receive()
            request = httpx2.Request(method, f"{self.origin}{path}", headers=headers, content=body)
            answer = await self.phaya.handle_async_request(request)
            said = await answer.aread()
            status = f"HTTP/1.1 {answer.status_code} \r\nContent-Length: {len(said)}\r\nConnection: close\r\n"
            kept = ("content-type", "location", "retry-after")
            status += "".join(f"{name}: {answer.headers[name]}\r\n" for name in kept if name in answer.headers)
            short = self.cut.get(self.phaya.named(method, httpx2.URL(path).path), 0)
            await stream.send(status.encode() + b"\r\n" + said[: len(said) - short])


@asynccontextmanager
async def wired(phaya: Stranger) -> AsyncIterator[Wire]:
    """A stranger on a port."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    wire = Wire(phaya, listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, wire.serve)
        yield wire
        tasks.cancel_scope.cancel()


class Box:
    """The sandbox as a process of its own, on a port."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.http = httpx2.Client(base_url=origin, trust_env=False, timeout=30)

    def environ(self, key: str) -> dict[str, str]:
        return {"PHAYA_API_KEY": key, "PHAYA_BASE": f"{self.origin}/api/v1", "CALLSHEET_RATE": "100000"}

    def pace(self, **pace: Any) -> None:
        assert self.http.post("/_sandbox/pace", json=pace).status_code == 200

    def log(self, key: str) -> list[dict[str, Any]]:
        rows = self.http.get("/_sandbox/log", params={"backend": "phaya"}).json()["requests"]
        return [row for row in rows if row["owner"] == owner_of(key)]

    def creates(self, key: str, route: str) -> int:
        """How often a create was accepted."""
        return sum(r["method"] == "POST" and r["status"] == 200 and route in r["route"] for r in self.log(key))

    def credits(self, key: str) -> Decimal:
        rows = self.http.get("/_sandbox/accounts").json()["accounts"]
        return next(Decimal(row["balance"]) for row in rows if row["owner"] == owner_of(key))

    def moves(self, key: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {key}"}
        found = self.http.get("/api/v1/user/credits/history?limit=1000", headers=headers)
        return list(found.json()["transactions"])


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[Any], seconds: float = 30.0) -> None:
    """Until somebody listens on a port; fails when its process has ended or the time is over."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as door:
            door.settimeout(1.0)
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on port {port}")


@contextmanager
def listening(args: list[str], environ: dict[str, str]) -> Iterator[int]:
    """A `callsheet` command that listens on a port, for as long as it is needed."""
    port = free_port()
    command = [CALLSHEET, *args, "--port", str(port)]
    with subprocess.Popen(command, env=surroundings(environ), stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()


def surroundings(environ: dict[str, str]) -> dict[str, str]:
    """An environment for a child without any setting of whoever runs the tests."""
    kept = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "LANG", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | environ


@contextmanager
def boxed(*args: str) -> Iterator[Box]:
    """`callsheet sandbox` with these flags."""
    with listening(["sandbox", "--rate", "1000000", "--credits", "1000", *args], {}) as port:
        box = Box(f"http://127.0.0.1:{port}")
        yield box
        box.http.close()


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    """One quick sandbox for all tests that need a port; each test brings a key of its own."""
    with boxed("--speed", "50") as found:
        yield found


def serve(folder: Path, environ: dict[str, str], *args: str) -> StdioServerParameters:
    """`callsheet serve` over stdio, for a client to start."""
    own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
    return StdioServerParameters(command=CALLSHEET, args=["serve", *args], env=surroundings(own | environ), cwd=folder)


def told(result: CallToolResult) -> dict[str, Any]:
    """The structured content of an answer."""
    assert isinstance(result.structured_content, dict), result.content
    return dict(result.structured_content)


def text(result: CallToolResult) -> str:
    """The text of an answer."""
    return " ".join(part.text for part in result.content if part.type == "text")
