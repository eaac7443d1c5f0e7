"""MCP over streamable HTTP, on loopback."""

import ipaddress
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from callsheet.errors import RequestError

LARGEST_REQUEST = 1 << 20


def app(server: MCPServer[Any], host: str = "127.0.0.1") -> Any:
    """The ASGI app: stateless, so that any replica can answer; only for requests that name a loopback host."""
    names = {host, "127.0.0.1", "localhost", "[::1]"}
    return server.streamable_http_app(
        stateless_http=True,
        max_request_body_size=LARGEST_REQUEST,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[f"http://{name}:*" for name in names],
        ),
    )


async def serve(server: MCPServer[Any], host: str, port: int) -> None:
    """Serve until a signal comes.

    Raises:
        RequestError: the address is not this machine's alone.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RequestError(f"`--host {host}`: without tokens only this machine may connect; use 127.0.0.1.")
    config = uvicorn.Config(app(server, host), host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
    await uvicorn.Server(config).serve()
