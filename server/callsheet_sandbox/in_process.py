"""The sandbox in process: an HTTP transport that needs no port."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import httpx2

if TYPE_CHECKING:
    from callsheet_sandbox.app import Sandbox


class Options(TypedDict, total=False):
    """The options of `callsheet_sandbox.app.sandbox`."""

    pace: Literal["seconds", "looks"]
    looks: int
    speed: float
    rate: int
    credits: float | Mapping[str, float]
    stale: bool
    clock: Callable[[], float]


class Transport(httpx2.AsyncBaseTransport):
    """Answers requests from the sandbox's app, which is built at the first of them because it is heavy to import."""

    def __init__(self, backend: str, folder: Path | None = None, **options: Unpack[Options]) -> None:
        """Nothing is opened yet."""
        self._backend = backend
        self._folder = folder
        self._options = options
        self._app: Sandbox | None = None

    @property
    def app(self) -> "Sandbox":
        """The app behind this transport; its `box` is for tests to read."""
        if self._app is None:
            from callsheet_sandbox.app import sandbox  # noqa: PLC0415 - heavy

            self._app = sandbox(self._folder, backends=[self._backend], **self._options)
        return self._app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request through the app."""
        return await httpx2.ASGITransport(self.app).handle_async_request(request)

    async def aclose(self) -> None:
        """Close the box, if one was opened."""
        if self._app is not None:
            self._app.box.close()
            self._app = None
