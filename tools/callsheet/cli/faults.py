"""The way to a backend, on which one thing goes wrong: for `callsheet backend check`."""

import re
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

Reply = Callable[[httpx2.Request], Awaitable[httpx2.Response | None]]
"""What is answered instead; None: whatever the backend answers."""


class Way(httpx2.AsyncBaseTransport):
    """The way to a backend: who is called, and what is answered instead."""

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, create: str, look: tuple[str, str], asked: dict[tuple[str, str], str]
    ) -> None:
        self.inner, self.create, self.look, self.asked = inner, create, look, asked
        self.instead: dict[str, Reply] = {}
        self.sent: list[str] = []
        self.arrived = 0

    def kind(self, request: httpx2.Request) -> str:
        """What a request is for."""
        path = request.url.raw_path.decode("ascii")
        if request.method == "POST" and path.partition("?")[0] == self.create:
            return "create"
        method, pattern = self.look
        if request.method == method and re.fullmatch(pattern, path):
            return "look"
        return self.asked.get((request.method, path.partition("?")[0]), "other")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as told, or pass it on."""
        self.sent.append(kind := self.kind(request))
        if (reply := self.instead.get(kind)) and (answer := await reply(request)) is not None:
            return answer
        self.arrived += kind == "create"
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Nothing is kept here; whoever made the inner way closes it."""


def answer(status: int, text: str = "{}", kind: str = "application/json", times: int = 10**6, **headers: str) -> Reply:
    """The same answer so many times, and then the backend's own."""
    left = [times]

    async def reply(request: httpx2.Request) -> httpx2.Response | None:
        left[0] -= 1
        told = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return httpx2.Response(status, headers=told, text=text, request=request) if left[0] >= 0 else None

    return reply


async def lost(request: httpx2.Request) -> httpx2.Response | None:
    """The connection breaks before the answer is there."""
    raise httpx2.ReadError("the connection broke", request=request)


def picture(path: Path) -> Path:
    """A small picture, for models that need one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((40, 120, 160)) * 256 for _ in range(256))
    head = struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path
