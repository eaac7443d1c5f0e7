"""The same server over stdio and HTTP, in both eras of the protocol, and how a process begins and ends."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.abc
import httpx2
import pytest
from anyio.streams.text import TextReceiveStream
from mcp import Client

from tests.conftest import CALLSHEET, Box, listening, serve, surroundings, told

pytestmark = pytest.mark.anyio

KEY = "pk_both_ways"
Mode = Literal["legacy", "auto"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("transports")


def environ(home: Path, box: Box) -> dict[str, str]:
    own = {"CALLSHEET_HOME": str(home / "home"), "CALLSHEET_OUTPUT_DIR": str(home / "out")}
    return surroundings(own | box.environ(KEY))


@pytest.fixture(scope="module")
def address(home: Path, box: Box) -> Iterator[str]:
    """A server over HTTP."""
    with listening(["serve", "--http"], environ(home, box)) as port:
        yield f"http://127.0.0.1:{port}/mcp"


async def flow(client: Client, prompt: str) -> None:
    """What every client does: list, quote, make, look, read, and be told what is wrong."""
    names = [tool.name for tool in (await client.list_tools()).tools]
    assert names[0] == "generate_image"
    assert len(names) == len(set(names))
    said = {"prompt": prompt, "model": "z-image"}
    quote = told(await client.call_tool("quote", {"operation": "image", "arguments": said}))
    assert quote["credits"] == 1.0
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    result = await client.call_tool("generate_image", said, progress_callback=hear)
    receipt = told(result)
    assert (receipt["status"], receipt["credits"]["charged"]) == ("completed", 1.0)
    assert heard
    assert [part.type for part in result.content] == ["text", "resource_link", "image"]
    again = told(await client.call_tool("get_job", {"job_id": receipt["job_id"]}))
    assert again["media"] == receipt["media"]
    content = (await client.read_resource(f"job://{receipt['job_id']}")).contents[0]
    assert json.loads(content.text)["status"] == "completed"  # type: ignore[union-attr]
    wrong = await client.call_tool("generate_image", {"promt": "x"})
    assert wrong.is_error
    assert "Callsheet makes media" in (client.instructions or "")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_over_stdio(box: Box, home: Path, mode: Mode) -> None:
    with anyio.fail_after(60):
        async with Client(serve(home, box.environ(KEY)), mode=mode) as client:
            assert (client.protocol_version == "2026-07-28") is (mode == "auto")
            await flow(client, f"stdio {mode}")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_over_http(address: str, mode: Mode) -> None:
    with anyio.fail_after(60):
        async with Client(address, mode=mode) as client:
            assert (client.protocol_version == "2026-07-28") is (mode == "auto")
            await flow(client, f"http {mode}")


async def test_only_this_machine_may_come_in_over_http(address: str, home: Path, box: Box) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(trust_env=False) as client:
        strange = await client.post(address, json=body, headers=accept | {"Host": "rebound.example"})
        assert strange.status_code in (403, 421)
        origin = await client.post(address, json=body, headers=accept | {"Origin": "http://rebound.example"})
        assert origin.status_code == 403
    done = await anyio.run_process(
        [CALLSHEET, "serve", "--http", "--host", "0.0.0.0"],  # noqa: S104
        env=environ(home, box),
        check=False,
    )
    assert done.returncode == 2
    assert b"127.0.0.1" in done.stderr


# -- lines on a pipe ------------------------------------------------------------------------------------------------


class Pipe:
    """A server on a pipe, spoken to in lines."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin
        assert process.stdout
        self.process, self.stdin, self.stdout = process, process.stdin, TextReceiveStream(process.stdout)
        self.heard, self.rest = [], ""
        self.number = 0

    heard: list[dict[str, Any]]

    async def say(self, method: str, number: int | None = None, **params: Any) -> None:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        await self.stdin.send(json.dumps(message | ({} if number is None else {"id": number})).encode() + b"\n")

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Say a request and wait for its answer; whatever else comes on the pipe must be JSON-RPC too."""
        self.number += 1
        await self.say(method, self.number, **params)
        while True:
            while "\n" not in self.rest:
                self.rest += await self.stdout.receive()
            line, _, self.rest = self.rest.partition("\n")
            message: dict[str, Any] = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            self.heard.append(message)
            if message.get("id") == self.number and "method" not in message:
                return message

    async def initialize(self) -> dict[str, Any]:
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        answer = await self.ask("initialize", **client)
        await self.say("notifications/initialized")
        return answer

    async def ended(self) -> int:
        """Everything that is still on the pipe is JSON-RPC; then the exit code."""
        async for text in self.stdout:
            self.rest += text
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in self.rest.splitlines() if line)
        return await self.process.wait()


MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    }
}


@asynccontextmanager
async def piped(home: Path, box: Box, *args: str) -> AsyncIterator[Pipe]:
    """A server on a pipe for a test that takes a minute at most."""
    command = [CALLSHEET, "serve", *args]
    with anyio.fail_after(60):
        async with await anyio.open_process(command, env=environ(home, box), stderr=subprocess.DEVNULL) as process:
            try:
                yield Pipe(process)
            finally:
                if process.returncode is None:
                    process.kill()


async def test_a_host_that_discovers_and_then_initializes_on_one_pipe_is_served(box: Box, home: Path) -> None:
    async with piped(home, box) as pipe:
        found = await pipe.ask("server/discover", **MODERN)
        assert found["result"]["instructions"].startswith("Callsheet")
        assert (await pipe.initialize())["result"]["serverInfo"]["name"] == "callsheet"
        assert (await pipe.ask("tools/list"))["result"]["tools"]
        call = {"name": "list_models", "arguments": {"operation": "image"}}
        assert (await pipe.ask("tools/call", **call))["result"]["structuredContent"]["models"]
        await pipe.stdin.aclose()
        assert await pipe.ended() == 0


async def test_a_host_that_only_speaks_the_new_protocol_is_served_on_the_same_pipe(box: Box, home: Path) -> None:
    async with piped(home, box) as pipe:
        await pipe.ask("server/discover", **MODERN)
        listed = (await pipe.ask("tools/list", **MODERN))["result"]
        assert (listed["ttlMs"], listed["cacheScope"]) == (300_000, "public")
        await pipe.stdin.aclose()
        assert await pipe.ended() == 0


@pytest.mark.parametrize("way", ["its input ends", "SIGTERM", "SIGINT"])
async def test_a_server_ends_within_two_seconds_and_leaves_its_job_to_the_next(box: Box, home: Path, way: str) -> None:
    if way != "its input ends" and sys.platform == "win32":
        pytest.skip("Windows has no such signal")
    async with piped(home, box) as pipe:
        await pipe.initialize()
        box.pace(speed=1e-6)
        said = {"prompt": f"until {way}", "model": "z-image", "wait_s": 0}
        made = await pipe.ask("tools/call", name="generate_image", arguments=said)
        job = {"job_id": made["result"]["structuredContent"]["job_id"]}
        while True:
            receipt = (await pipe.ask("tools/call", name="get_job", arguments=job))["result"]["structuredContent"]
            if "charged" in receipt["credits"]:
                break
        with anyio.fail_after(2):
            if way == "its input ends":
                await pipe.stdin.aclose()
            else:
                pipe.process.send_signal(signal.SIGTERM if way == "SIGTERM" else signal.SIGINT)
            assert await pipe.ended() == 0
    box.pace(speed=50)
    async with piped(home, box) as pipe:
        await pipe.initialize()
        receipt = (await pipe.ask("tools/call", name="get_job", arguments=job | {"wait_s": 30}))["result"]
        assert receipt["structuredContent"]["status"] == "completed"


async def test_a_host_that_only_asks_who_we_are_leaves_no_trace(box: Box, tmp_path: Path) -> None:
    async with piped(tmp_path, box) as pipe:
        await pipe.ask("server/discover", **MODERN)
        await pipe.stdin.aclose()
        assert await pipe.ended() == 0
    assert not (tmp_path / "home").exists()


async def test_a_toolset_that_does_not_exist_is_named_and_the_others_with_it(box: Box, home: Path) -> None:
    command = [CALLSHEET, "serve", "--toolsets", "core,edits"]
    done = await anyio.run_process(command, env=environ(home, box), check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"edits" in done.stderr
    assert b"edit," in done.stderr
