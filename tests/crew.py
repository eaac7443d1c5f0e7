"""A crew that calls every tool of a server, and a person who calls routes by hand, before the sandbox on a port.

The sandbox's own log says what arrived; which tool a request was made for is noted on its way there.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.types import ElicitResult
from typer.testing import CliRunner

from callsheet.catalogue import about
from callsheet.catalogue.model import Model
from callsheet.cli.commands import app
from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from tests.conftest import Box, surroundings, text
from tests.ours import catalogue
from tests.routes import ROUTES

ROBOT, PH0NY, PHANTAISIA, PHAYA, LOCAL = "progressive-robot", "ph0ny", "phantaisia", "phaya", "local"
KEYS = {
    "PHAYA_API_KEY": "pk_every_route",
    "PH0NY_API_KEY": "plabs_" + "every_route".ljust(32, "0"),
    "PHANTAISIA_TOKEN": "every-route-not-a-real-token",
    "PROGRESSIVE_ROBOT_API_KEY": "pk_pro_every_route",
}
OWN = ",".join(f"{name}:not-a-real-key" for name in ("heygen", "sync-labs", "twelve-labs", "runway", "sora"))
BY_HAND = "callsheet api"

tool_of: ContextVar[str] = ContextVar("tool_of", default="at start")


def shape(route: str) -> re.Pattern[str]:
    """What the paths of a route look like."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route)))


SHAPES = {backend: {route: shape(route) for route in routes} for backend, routes in ROUTES.items()}


def route_of(backend: str, call: str) -> str | None:
    """The documented route of a call such as `GET /api/projects/5`, or of another spelling of it."""
    plain = re.sub(r"\{\w+\}", "x", call)
    return next((route for route, shape in SHAPES[backend].items() if route == call or shape.fullmatch(plain)), None)


class Door(httpx2.AsyncHTTPTransport):
    """The way to the sandbox's port; notes for which tool each request is."""

    def __init__(self, backend: str, callers: dict[str, Counter[str]]) -> None:
        super().__init__()
        self.backend, self.callers = backend, callers

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if route := route_of(self.backend, f"{request.method} {request.url.path}"):
            self.callers[route][tool_of.get()] += 1
        return await super().handle_async_request(request)


@dataclass
class Set:
    """The sandbox, a home with a key for every backend, and who called what."""

    box: Box
    folder: Path
    callers: dict[str, dict[str, Counter[str]]] = field(
        default_factory=lambda: {backend: defaultdict(Counter) for backend in ROUTES}
    )
    called: set[str] = field(default_factory=set)

    def environ(self, home: str = "home", **more: str) -> dict[str, str]:
        bases = dict.fromkeys(("PH0NY_BASE", "PHANTAISIA_BASE", "PROGRESSIVE_ROBOT_BASE"), self.box.origin)
        own = {
            "PHAYA_BASE": f"{self.box.origin}/api/v1",
            "PH0NY_PROVIDER_KEYS": OWN,
            "CALLSHEET_HOME": str(self.folder / home),
            "CALLSHEET_OUTPUT_DIR": str(self.folder / "out"),
            "CALLSHEET_INPUT_DIRS": str(self.folder),
            "CALLSHEET_RATE": "3000",
            "CALLSHEET_WAIT": "120",
            "CALLSHEET_UNPRICED": "allow",
            "CALLSHEET_ASK_ABOVE": "100000",
            "CALLSHEET_MAX_PER_DAY": "100000",
        }
        return KEYS | bases | own | more

    def client(self, home: str = "home", **more: str) -> Client:
        """A client of a new server, of somebody who says yes to whatever they are asked."""
        server, _ = build(
            Settings.load(environ=self.environ(home, **more)),
            lambda account: Door(account, self.callers[account]),
            TOOLSETS,
        )

        async def named(ctx: Any, call_next: Any) -> Any:
            if ctx.method == "tools/call":
                tool_of.set(ctx.params["name"])
            return await call_next(ctx)

        server.middleware.append(named)
        return Client(server, elicitation_callback=agree)

    def log(self, backend: str) -> dict[str, Counter[int]]:
        """How often each route was answered with which status; a request that the sandbox found wrong has status 0."""
        query = {"backend": backend, "limit": "1000000"}
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for row in self.box.http.get("/_sandbox/log", params=query).json()["requests"]:
            asked = f"{row['method']} {row['route']}"
            found[route_of(backend, asked) or asked][0 if row["valid"] is False else row["status"]] += 1
        return found


async def agree(context: Any, params: Any) -> ElicitResult:
    """A person who goes ahead, and says what only a person can say."""
    words = dict.fromkeys(params.requested_schema["properties"], "It is my own voice.")
    return ElicitResult(action="accept", content={**words, "proceed": True})


class Crew:
    """Calls tools, all of which must go well."""

    def __init__(self, stage: Set, client: Client) -> None:
        self.stage, self.client = stage, client

    async def __call__(self, tool: str, **said: Any) -> dict[str, Any]:
        """What came of a call; of a job, its end."""
        self.stage.called.add(tool)
        result = await self.client.call_tool(tool, said)
        told: dict[str, Any] = result.structured_content or {}
        ended = "job_id" not in told or told["status"] == "completed"
        assert ended and not result.is_error, (tool, said, text(result))
        return told

    async def job(self, tool: str, **said: Any) -> str:
        """The id of a job that was made."""
        return str((await self(tool, **said))["job_id"])

    async def cancelled(self, tool: str, **said: Any) -> None:
        """Start a job, and cancel it at the backend once it is there."""
        self.stage.called |= {tool, "get_job", "cancel_job"}
        started = await self.client.call_tool(tool, said | {"wait_s": 0})
        told: dict[str, Any] = started.structured_content or {}
        with anyio.fail_after(30):
            while "charged" not in told["credits"]:
                seen = await self.client.call_tool("get_job", {"job_id": told["job_id"], "wait_s": 0.1})
                told = seen.structured_content or told
        result = await self.client.call_tool("cancel_job", {"job_id": told["job_id"]})
        assert (result.structured_content or {})["status"] == "cancelled", text(result)

    async def every_model(self, models: Iterable[type[Model]], known: dict[str, Any]) -> None:
        """Each model of the catalogue once, in each of its operations, told the least that it needs."""

        async def one(model: type[Model]) -> None:
            async with limit:
                await self(model.words.operation, **least(model, known))

        limit = anyio.CapacityLimiter(3)
        async with anyio.create_task_group() as tasks:
            for model in models:
                tasks.start_soon(one, model)


BESIDES = {
    "add_watermark": ("text",),
    "chat": ("prompt",),
    "generate_3d": ("prompt",),
    "generate_subtitles": ("video",),
    "resize_video": ("preset",),
    "transcribe": ("audio",),
    "trim_video": ("end_seconds",),
    "phaya/gpt-image-2": ("images",),
    "phaya/seedance-1.5-pro": ("resolution",),
    "ph0ny create_avatar": ("audio",),
    "ph0ny generate_video": ("resolution", "duration_seconds"),
    "progressive-robot/ace-step": ("duration_seconds",),
}
"""What is said besides what is required, by operation, model, or backend and operation: without it there is no sense in
the call, or it takes longer."""
FRAMES = {"frames": 9, "width": 64, "height": 64}
"""The options of a short, small clip, where a model has them."""


def least(model: type[Model], known: dict[str, Any]) -> dict[str, Any]:
    """The least that a model must be told, as its tool takes it."""
    operation, options = model.words.operation, model.options()
    keys = (operation, model.id, f"{model.id.partition('/')[0]} {operation}")
    words = {*about.needs(model), *(word for key in keys for word in BESIDES.get(key, ()))} - {*model.words.personal}
    more = FRAMES if "frames" in options else {}
    more = more | {option: known[name] for option, name in options.items() if name in words}
    said = {name: known[name] for name in words - {*options.values()}}
    return {"model": known.get(model.id, model.id), **said} | ({"options": more} if more else {})


def of(backend: str) -> list[type[Model]]:
    """A backend's models, each in each of its operations."""
    return list(catalogue.models(backend=backend))


class Hand:
    """A person at `callsheet api`, in this process, with a home of their own."""

    def __init__(self, stage: Set) -> None:
        self.stage = stage
        self.runner = CliRunner(env=surroundings(stage.environ("by hand")))

    def __call__(self, backend: str, method: str, path: str, *flags: str, said: Iterable[str] = ()) -> Any:
        """The JSON that is printed; `said` are the secrets."""
        typed = "".join(f"{line}\n" for line in said)
        done = self.runner.invoke(app, ["api", backend, method, path, *flags], input=typed)
        assert done.exit_code == 0, (path, done.output, done.exception)
        whole = path[1:] if path.startswith("//") else f"/api/v1{path}" if backend == PHAYA else path
        self.stage.callers[backend][str(route_of(backend, f"{method} {whole}"))][BY_HAND] += 1
        return json.loads(done.stdout)
