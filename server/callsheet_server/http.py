"""MCP over streamable HTTP, on loopback; and where backends call back."""

import ipaddress
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response

from callsheet.backends import BACKENDS
from callsheet.errors import CallsheetError, RequestError
from callsheet_server.desk import Desk

LARGEST_REQUEST = 1 << 20


def app(server: MCPServer[Any], desk: Desk, host: str = "127.0.0.1") -> Any:
    """The ASGI app: stateless, so that any replica can answer; MCP only for requests that name a loopback host."""
    if desk.settings.public_url:
        hooks(server, desk)
    names = {host, "127.0.0.1", "localhost", "[::1]"}
    return server.streamable_http_app(
        stateless_http=True,
        max_request_body_size=LARGEST_REQUEST,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[f"http://{name}:*" for name in names],
        ),
    )


def hooks(server: MCPServer[Any], desk: Desk) -> None:
    """Let backends call about their jobs. Such a call is only a hint to look: whoever forges or repeats one gains
    nothing, and what it says is not read."""

    async def hook(request: Request) -> Response:
        backend, token = request.path_params["backend"], request.path_params["token"]
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST_REQUEST:
                return Response(status_code=413)
        if backend not in BACKENDS:
            return Response(status_code=404)
        if not BACKENDS[backend].signed(bytes(raw), request.headers, desk.settings):
            return Response(status_code=401)
        try:
            known = await (await desk.studio()).called(backend, token)
        except CallsheetError:
            return Response(status_code=503)
        return Response(status_code=204 if known else 404)

    server.custom_route("/hooks/{backend}/{token}", methods=["POST"])(hook)


async def serve(server: MCPServer[Any], desk: Desk, host: str, port: int) -> None:
    """Serve until a signal comes.

    Raises:
        RequestError: the address is not this machine's alone.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RequestError(f"`--host {host}`: without tokens only this machine may connect; use 127.0.0.1.")
    built = app(server, desk, host)
    config = uvicorn.Config(built, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
    await uvicorn.Server(config).serve()
