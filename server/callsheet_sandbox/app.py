"""The sandbox as one ASGI app: every backend at one origin, told apart by path."""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from time import time
from typing import Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from callsheet_sandbox.box import STORAGE, Box
from callsheet_sandbox.control import control
from callsheet_sandbox.jobs import Pace

ROOTED: dict[str, tuple[str, ...]] = {
    # At the root of the origin. The first whose prefix fits is asked: one that ends in "/" takes everything below it,
    # any other exactly itself.
    "phaya": ("/api/v1/", "/v1/chat/completions", "/chat/completions", "/v1/models", "/v1/embeddings", "/v1/responses"),
    "ph0ny": (
        *("/v1/video/", "/jobs/", "/v1/synthesize", "/v1/transcribe", "/v1/voices", "/v1/voices/", "/v1/usage"),
        *("/v1/keys", "/v1/keys/", "/v1/billing/", "/v1/agents", "/v1/agents/", "/v1/audience-groups"),
        *("/v1/audience-groups/", "/v1/sessions/", "/v1/outbound", "/v1/outbound/", "/v1/phone-numbers"),
        *("/v1/inkbox-lines/", "/v1/collections", "/v1/collections/"),
    ),
    "phantaisia": (
        *("/token", "/v1/run/", "/v1/status/", "/v1/credits", "/v1/filters/", "/v1/workflows/", "/v2/", "/v3/", "/v4/"),
    ),
    "progressive-robot": ("/api/", "/watch/", "/stock/", "/checkout/"),
}
BELOW = ("openai", "openrouter", "fal")
"""Each below a path of its own name, such as `/openai/v1/models`, because their paths are each other's."""

BACKENDS = (*ROOTED, *BELOW)
"""Each is the module of its name in callsheet_sandbox.backends, whose `desk(box)` returns its Desk."""


class Sandbox:
    """The ASGI app; `sandbox.box` is what it remembers, for tests to read."""

    def __init__(self, box: Box, backends: Collection[str]) -> None:
        self.box = box
        self._own = control(box)
        self._apps: dict[str, ASGIApp] = {}
        for name in backends:
            module = import_module(f"callsheet_sandbox.backends.{name.replace('-', '_')}")
            self._apps[name] = module.desk(box).app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the backend whose path it is."""
        if scope["type"] == "http":
            path = scope["path"]
            name = path.split("/")[1]
            if name in BELOW and name in self._apps:
                path = path.removeprefix(f"/{name}")
                scope = {**scope, "root_path": f"{scope.get('root_path', '')}/{name}"}
            else:
                name = ""
            await self._app(path, name)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def _app(self, path: str, name: str) -> ASGIApp:
        if path.startswith(("/_sandbox/", STORAGE)):
            return self._own
        if name:
            return self._apps[name]
        for rooted, prefixes in ROOTED.items():
            if rooted in self._apps and any(fits(path, prefix) for prefix in prefixes):
                return self._apps[rooted]
        if len(self._apps) == 1 and self._apps.keys() <= set(BELOW):  # alone, it has the origin to itself
            return next(iter(self._apps.values()))
        return JSONResponse({"detail": "Not Found"}, 404)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.box.close()
        await send({"type": "lifespan.shutdown.complete"})


def fits(path: str, prefix: str) -> bool:
    """Whether a path belongs to a prefix of the table."""
    return path.startswith(prefix) if prefix.endswith("/") else path == prefix


def sandbox(
    folder: Path | None = None,
    *,
    pace: Literal["seconds", "looks"] = "seconds",
    looks: int = 1,
    speed: float = 1.0,
    rate: int = 60,
    credits: float | Mapping[str, float] = 100.0,
    stale: bool = False,
    backends: Collection[str] | None = None,
    clock: Callable[[], float] = time,
) -> Sandbox:
    """The backends in a box, in a folder that other processes may share or, without one, for this process alone.

    Jobs take a few `seconds` divided by `speed`, or are done at the look whose number is `looks`. `rate` is requests a
    minute per key and backend, `credits` what a new account starts with (or a figure per backend). `stale` lets pending
    states lag as Phaya's cache does.
    """
    box = Box(folder, pace=Pace(pace, looks, speed), rate=rate, credits=credits, stale=stale, clock=clock)
    return Sandbox(box, backends if backends is not None else BACKENDS)
