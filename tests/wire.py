"""The sandbox over a real socket, for tests that should meet real HTTP."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

import anyio
import httpx2
import uvicorn

from callsheet_sandbox.in_process import Options, Transport


class Port:
    """An app that a thread of its own serves on a port of this machine."""

    def __init__(self, app: Any, number: int = 0, lifespan: Literal["on", "off"] = "off") -> None:
        self.door = socket.create_server(("127.0.0.1", number))
        self.number: int = self.door.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan=lifespan, ws="none"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.door]}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Serve nobody any more."""
        self.server.should_exit = True
        self.thread.join()
        self.door.close()


class OverPort(Transport):
    """The same sandbox, reached over a port that is opened at the first request. Requests keep their Host, and so the
    links in answers theirs; each event loop has connections of its own."""

    def __init__(self, backend: str, folder: Path | None = None, **options: Unpack[Options]) -> None:
        super().__init__(backend, folder, **options)
        self.port: Port | None = None
        self.ways: dict[asyncio.AbstractEventLoop, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request over the wire."""
        self.port = self.port or Port(self.app)
        loop = asyncio.get_running_loop()
        way = self.ways[loop] = self.ways.get(loop) or httpx2.AsyncHTTPTransport()
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port.number)
        sent = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await way.handle_async_request(sent)

    async def aclose(self) -> None:
        """Hang up; who is the last also closes the port and the box."""
        if way := self.ways.pop(asyncio.get_running_loop(), None):
            await way.aclose()
        if not self.ways:
            if port := self.port:
                self.port = None
                await anyio.to_thread.run_sync(port.close)
            await super().aclose()


def shown(box: Transport, backend: str, routes: Mapping[str, str], shape: Callable[[str], str] = str) -> set[str]:
    """Print each route, what the sandbox's log says of it, and how it is reached; those never answered as documented.

    A good answer is a 2xx to a request that the sandbox found valid.
    """
    entries = box.app.box.log.entries(backend, 100_000)
    lacking = set()
    for route, how in routes.items():
        found = [entry for entry in entries if shape(f"{entry.method} {entry.route}") == shape(route)]
        good = sorted({e.status for e in found if e.status and 200 <= e.status < 300 and e.valid is not False})
        print(f"{route:44} {', '.join(map(str, good)) or '-':9} {how}")
        lacking |= set() if good else {route}
    return lacking
