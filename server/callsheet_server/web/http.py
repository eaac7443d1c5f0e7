"""MCP over streamable HTTP: the app, what it answers besides MCP, and who is let in how often.

Without tokens and OAuth only this machine may connect, and whoever connects is the owner.
"""

import ipaddress
import math
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from callsheet.backends import registry
from callsheet.errors import CallsheetError, RequestError
from callsheet.settings.settings import Settings
from callsheet_server.desk import Desk, Pass
from callsheet_server.web.links import here

LARGEST_REQUEST = 1 << 20
STRANGERS = 60
"""So many requests a minute may one address make without a good token."""
MOST_KNOWN = 10_000
GRACE_S = 5
"""When we are told to end, what is still being answered may take so long; a stream that only listens is cut off."""


def app(server: MCPServer[Any], desk: Desk, host: str = "127.0.0.1", *, sessions: bool = False) -> Any:
    """The ASGI app: MCP only for requests that name a host of ours. It is stateless, so that any replica can answer;
    with `sessions` a client of the older era is bound to this process, and can be asked in the middle of a call."""
    if desk.links is None:
        raise ValueError("over HTTP whoever asks is elsewhere: build(…, remote=True)")
    health(server, desk)
    files(server, desk)
    if desk.settings.public_url:
        hooks(server, desk)
    built = server.streamable_http_app(
        stateless_http=not sessions,
        max_request_body_size=LARGEST_REQUEST,
        transport_security=names(desk.settings, host),
    )
    built.user_middleware.append(Middleware(Turnstile, desk=desk))  # the innermost: it sees who was recognised
    return built


def names(settings: Settings, host: str) -> TransportSecuritySettings:
    """The names under which we may be called, and the pages that may call us: our own, whatever the port."""
    ours = {"127.0.0.1", "localhost", "[::1]", *settings.http_hosts}
    if not (found := address(host)) or not found.is_unspecified:
        ours.add(f"[{host}]" if ":" in host else host)
    if settings.public_url:
        ours.add(urlsplit(settings.public_url).netloc)
    return TransportSecuritySettings(
        allowed_hosts=[pattern for name in sorted(ours) for pattern in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{pattern}"
            for name in sorted(ours)
            for scheme in ("http", "https")
            for pattern in (name, f"{name}:*")
        ],
    )


class Turnstile:
    """Lets each caller through so often a minute, and strangers more seldom; and notes at which address we were
    called. Each replica counts for itself."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self.app = app
        self.desk = desk
        self.seen: dict[str, tuple[float, float]] = {}
        """How many requests somebody had left, and when that was so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/mcp":
            wait = self.wait(scope)
            if wait > 0:
                headers = {"Retry-After": str(math.ceil(wait))}
                await JSONResponse({"error": "too many requests"}, 429, headers)(scope, receive, send)
                return
            connection = HTTPConnection(scope)
            here.set(f"{scope['scheme']}://{connection.headers.get('host', '')}")
        await self.app(scope, receive, send)

    def wait(self, scope: Scope) -> float:
        """Seconds until whoever asks may come through; 0 for now."""
        if not self.desk.settings.guarded:
            return 0.0
        user = scope.get("user")
        found = user.access_token if isinstance(user, AuthenticatedUser) else None
        if isinstance(found, Pass):
            return self.count(found.caller, self.desk.settings.http_callers.of(found.caller).requests_per_minute)
        return self.count(f"address/{(scope.get('client') or ('',))[0]}", STRANGERS)

    def count(self, who: str, most: int) -> float:
        """Take one of somebody's requests, which grow back at so many a minute; else seconds until there is one."""
        now = time.monotonic()
        left, since = self.seen.pop(who, (float(most), now))
        left = min(most, left + (now - since) * most / 60)
        self.seen[who] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self.seen) > MOST_KNOWN:
            del self.seen[next(iter(self.seen))]  # whoever was not seen for longest
        return 0.0 if left >= 1 else (1 - left) * 60 / most


def health(server: MCPServer[Any], desk: Desk) -> None:
    """Say whether the process lives, and whether it can do its work; and nothing else, for anybody may ask."""

    def told(good: bool, else_: str) -> Response:
        return JSONResponse({"status": "ok" if good else else_}, 200 if good else 503)

    async def healthz(_: Request) -> Response:
        return told(not desk.broken.is_set(), "broken")

    async def readyz(_: Request) -> Response:
        try:
            return told((await desk.studio()).ledger.writable, "unready")
        except CallsheetError:
            return told(False, "broken" if desk.broken.is_set() else "unready")

    server.custom_route("/healthz", methods=["GET"])(healthz)
    server.custom_route("/readyz", methods=["GET"])(readyz)


def files(server: MCPServer[Any], desk: Desk) -> None:
    """Give stored files to whoever has a link of ours. Any other is no link at all."""

    async def file(request: Request) -> Response:
        job_id, number, name = (request.path_params[part] for part in ("job_id", "number", "name"))
        said = request.query_params
        genuine = desk.links and desk.links.good(job_id, number, said.get("expires", ""), said.get("signature", ""))
        if not genuine:
            return Response(status_code=404)
        try:
            found = await (await desk.studio()).ledger.results(job_id)
        except RequestError:
            return Response(status_code=404)
        except CallsheetError:
            return Response(status_code=503)
        item = found[int(number)] if int(number) < len(found) else None
        path = Path(item["path"]) if item else None
        if item is None or path is None or path.name != name or not path.is_file():
            return Response(status_code=404)
        safe = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "private, max-age=600",
        }
        return FileResponse(path, 200, safe, item["mime_type"], filename=name, content_disposition_type="inline")

    server.custom_route("/media/{job_id}/{number}/{name}", methods=["GET"])(file)


def hooks(server: MCPServer[Any], desk: Desk) -> None:
    """Let backends call about their jobs. Such a call is only a hint to look: whoever forges or repeats one gains
    nothing, and what it says is not read."""

    async def hook(request: Request) -> Response:
        backend, token = request.path_params["backend"], request.path_params["token"]
        raw = bytearray()
        try:
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > LARGEST_REQUEST:
                    return Response(status_code=413)
        except ClientDisconnect:
            return Response(status_code=400)
        if backend not in desk.settings.backends:
            return Response(status_code=404)
        if not registry.dialect(desk.settings.backends[backend]).signed(bytes(raw), request.headers, desk.settings):
            return Response(status_code=401)
        try:
            known = await (await desk.studio()).carrier.called(backend, token)
        except CallsheetError:
            return Response(status_code=503)
        return Response(status_code=204 if known else 404)

    server.custom_route("/hooks/{backend}/{token}", methods=["POST"])(hook)


async def serve(server: MCPServer[Any], desk: Desk, host: str, port: int, *, sessions: bool = False) -> None:
    """Serve until a signal comes, or the studio cannot go on.

    Raises:
        RequestError: the address is not this machine's alone, and nobody would have to show who they are.
        SystemExit: the studio could not go on.
    """
    alone = host == "localhost" or (address(host) or ipaddress.IPv4Address(0)).is_loopback
    if not alone and not desk.settings.guarded:
        raise RequestError(
            f"`--host {host}`: without CALLSHEET_HTTP_TOKENS or CALLSHEET_OAUTH_ISSUER only this machine may connect; "
            "set one of them, or use 127.0.0.1."
        )
    config = uvicorn.Config(
        app(server, desk, host, sessions=sessions),
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_S,
    )
    listening = uvicorn.Server(config)

    async def watch() -> None:
        await desk.broken.wait()
        listening.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await listening.serve()
        tasks.cancel_scope.cancel()
    if desk.broken.is_set():
        raise SystemExit(1)


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A host as an IP address; None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
