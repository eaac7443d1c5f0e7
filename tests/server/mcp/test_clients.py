"""The official Python client against server processes: both eras, both transports, and a client that gives up."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters

from tests.conftest import Box, listening, serve, told

pytestmark = pytest.mark.anyio

FOX = {"prompt": "a fox", "model": "z-image", "wait_s": 30}
FILM = {"prompt": "a fox", "model": "seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4, "wait_s": 0}
STILL, QUICK = 1e-6, 50.0
"""How fast the sandbox works."""


@dataclass
class Place:
    """A server, and how a client reaches it."""

    box: Box
    key: str
    target: str | StdioServerParameters
    mode: Literal["legacy", "auto"]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client for a test that takes a minute at most."""
        with anyio.fail_after(60):
            async with Client(self.target, mode=self.mode) as client:
                assert (client.protocol_version == "2026-07-28") is (self.mode == "auto")
                yield client

    @property
    def pictures(self) -> int:
        """How many pictures were paid for."""
        return self.box.creates(self.key, "text-to-image")


@pytest.fixture(scope="module", params=["stdio-legacy", "stdio-auto", "http-legacy", "http-auto"])
def place(request: pytest.FixtureRequest, box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    way, _, mode = request.param.partition("-")
    folder, key = tmp_path_factory.mktemp(request.param), f"pk_not_a_real_key_of_{request.param}"
    own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
    environ = own | box.environ(key)
    if way == "stdio":
        yield Place(box, key, serve(folder, environ), mode)
    else:
        with listening(["serve", "--http"], environ) as port:
            yield Place(box, key, f"http://127.0.0.1:{port}/mcp", mode)


@pytest.fixture(autouse=True)
def quick(box: Box) -> Iterator[None]:
    """However a test ends, the sandbox is quick again."""
    yield
    box.pace(speed=QUICK)


async def cancelled(client: Client, tool: str, said: dict[str, Any]) -> None:
    """Call a tool, and stop waiting for it as soon as it tells how far it is."""
    heard = anyio.Event()

    async def hear(_progress: float, _total: float | None, _message: str | None) -> None:
        heard.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(client.call_tool, tool, said, progress_callback=hear))
        await heard.wait()
        tasks.cancel_scope.cancel()


async def test_a_client_that_gives_up_in_the_middle_finds_its_one_job_again(place: Place) -> None:
    before = place.pictures
    place.box.pace(speed=STILL)
    async with place.client() as client:
        while place.pictures == before:
            with pytest.raises(MCPError, match=r"(?i)timed out"):
                await client.call_tool("generate_image", FOX, read_timeout_seconds=0.3)
        await cancelled(client, "generate_image", FOX)
        [job] = told(await client.call_tool("list_jobs", {}))["jobs"]
        look = {"job_id": job["job_id"], "wait_s": 30}
        await cancelled(client, "get_job", look)
        place.box.pace(speed=QUICK)
        receipt = told(await client.call_tool("get_job", look))
        again = told(await client.call_tool("generate_image", FOX))
    assert (receipt["status"], receipt["credits"]["charged"]) == ("completed", 1.0)
    assert (again["repeated"], again["job_id"]) == (True, job["job_id"])
    assert place.pictures == before + 1


async def test_a_job_is_watched_and_then_cancelled_at_its_backend(place: Place) -> None:
    heard: list[str] = []

    async def hear(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message or "")

    place.box.pace(speed=STILL)
    async with place.client() as client:
        job = {"job_id": told(await client.call_tool("generate_video", FILM))["job_id"]}
        while "charged" not in told(await client.call_tool("get_job", job))["credits"]:
            await anyio.sleep(0.02)
        paid = place.box.credits(place.key)
        watched = told(await client.call_tool("get_job", job | {"wait_s": 1}, progress_callback=hear))
        assert watched["status"] == "working"
        assert told(await client.call_tool("cancel_job", job))["status"] == "cancelled"
    assert place.box.credits(place.key) > paid
    assert heard[0].startswith("phaya/seedance-1.5-pro: ")
