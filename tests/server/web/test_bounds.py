"""One caller's bad call ends for that caller: whatever one says, others are served at once."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import imageio_ffmpeg
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from callsheet_server.web import http
from tests.conftest import CALLSHEET, Stranger, Wire, free_port, surroundings, text, told, wait_for, wired
from tests.jobs.test_reconcile import CREATE, HISTORY, row
from tests.team import ANNA, BEN, TOKENS, bearer
from tests.wire import Port

pytestmark = pytest.mark.anyio

MODEL = {"model": "z-image", "wait_s": 30}


class Served:
    """`callsheet serve --http` as a process, in a locale that knows only ASCII."""

    def __init__(self, process: subprocess.Popen[bytes], origin: str) -> None:
        self.process, self.origin = process, origin

    @asynccontextmanager
    async def client(self, token: str) -> AsyncIterator[Client]:
        web = httpx2.AsyncClient(trust_env=False, headers=bearer(token), timeout=60)
        async with web, Client(streamable_http_client(f"{self.origin}/mcp", http_client=web)) as client:
            yield client


@asynccontextmanager
async def served(folder: Path, wire: Wire, **more: str) -> AsyncIterator[Served]:
    """A server for Anna and Ben at a stranger's backend."""
    number = free_port()
    own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
    said = own | TOKENS | wire.environ | {"CALLSHEET_TOOLSETS": "core,edit", "CALLSHEET_RATE": "100000"} | more
    with (folder / "logged").open("wb") as log:
        command = [CALLSHEET, "serve", "--http", "--port", str(number)]
        process = subprocess.Popen(command, env=surroundings(said), stderr=log)  # noqa: ASYNC220
    try:
        await anyio.to_thread.run_sync(wait_for, number, process)
        yield Served(process, f"http://127.0.0.1:{number}")
    finally:
        process.kill()
        process.wait()


class Busy(Stranger):
    """A stranger who gives each picture a number of its own."""

    made = 0

    def say(self, name: str) -> Any:
        if name == CREATE and isinstance(self.answers[CREATE], dict):
            self.made += 1
            return self.answers[CREATE] | {"job_id": f"job-{self.made}"}
        done = "GET /text-to-image/status/"
        return super().say(f"{done}job-1" if name.startswith(done) else name)


def film(folder: Path) -> str:
    """Two seconds of film, as a data URI."""
    path = folder / "film.mp4"
    made = ("-f", "lavfi", "-i", "testsrc=d=2:s=160x120:r=10", "-pix_fmt", "yuv420p", str(path))
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *made], check=True)
    return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()


async def test_no_call_of_one_caller_ends_the_server_for_another(tmp_path: Path) -> None:
    """A subscription to a number that is none, an end beyond all time, more cues than a film has frames, a list of the
    backend's that no clock can hold, a title that the file system cannot spell; then a picture of somebody else's."""
    phaya, reel, number = Busy(), film(tmp_path), iter(range(100))
    lost = {CREATE: JSONResponse({}, 502), HISTORY: {"jobs": [row(prompt="a wolf", created_at=int("9" * 400))]}}
    own = dict(phaya.answers)

    async def subscribe(anna: Client) -> None:
        with pytest.raises(MCPError, match="at most 4,000"):
            async with anna.listen(resource_subscriptions=[f"media://{mine}/{'9' * 5000}"]):
                pass
        async with anna.listen(resource_subscriptions=[f"media://{mine}/{'9' * 3000}"]) as stream:
            assert not stream.honored.resource_subscriptions

    async def call(anna: Client, tool: str, **said: Any) -> str:
        return json.dumps((await anna.call_tool(tool, said)).model_dump(mode="json"))

    async with wired(phaya) as wire, served(tmp_path, wire, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0") as web:
        done = {"status": "COMPLETED", "image_url": f"{wire.origin}/files/1.png"}
        own |= {"GET /text-to-image/status/job-1": done}
        phaya.answers |= own
        async with web.client(ANNA) as anna, web.client(BEN) as ben:
            mine = told(await anna.call_tool("generate_image", {"prompt": "a fox", **MODEL}))["job_id"]

            async def picture() -> None:
                receipt = told(await ben.call_tool("generate_image", {"prompt": f"a cat {next(number)}", **MODEL}))
                assert receipt["status"] == "completed", receipt
                assert web.process.poll() is None

            await subscribe(anna)
            await picture()
            said = await call(anna, "overlay_text", video=reel, text="hi", end_time=1e308)
            await picture()
            assert "end_time" in said
            script = "\n".join(f"line {n}" for n in range(9000))
            said = await call(anna, "generate_subtitles", video=reel, script=script, model="local/ffmpeg", wait_s=30)
            await picture()
            assert "cue" in said.lower() or "completed" in said
            phaya.answers |= lost
            said = await call(anna, "generate_image", prompt="a wolf", **MODEL)
            phaya.answers |= own
            await picture()
            assert '"unknown"' in said
            said = await call(anna, "generate_image", prompt="ลูกแมว 🐈", **MODEL)
            await picture()
            assert '"completed"' in said or '"error"' in said
            assert (await anna.call_tool("get_job", {"job_id": mine})).is_error is False


async def test_too_much_said_costs_nobody_any_time_and_is_not_said_back(tmp_path: Path) -> None:
    """A model's name of 900 kB, 30,000 arguments, an option for each letter; while each is read, others are served."""
    long, many = "sora-" * 180_000, {f"argument_{n}": n for n in range(30_000)}
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("describe_model", {"model": long}),
        ("list_models", {"operation": long}),
        ("list_models", {"backend": long}),
        ("generate_image", {"prompt": "a fox", "model": long}),
        ("generate_image", {"prompt": "a fox"} | many),
        ("generate_image", {"prompt": "a fox", "model": "z-image", "options": many}),
        ("generate_image", {"prompt": "a fox", "model": "z-image", "options": {long: 1}}),
        ("generate_image", {"prompt": "a fox", "seed": int("9" * 4000)}),
        ("generate_speech", {"text": "a fox", "speed": 1e308}),
        ("generate_video", {"prompt": "a fox", "duration_seconds": 1e11}),
        ("chat", {"messages": deep}),
        ("plan", {"calls": [{"tool": long, "arguments": {}}]}),
        ("quote", {"operation": "generate_image", "arguments": many}),
        ("get_job", {"job_id": long}),
        (long[:1000], {}),  # as a header; a longer one the HTTP server cuts off before it is ours
    )
    async with wired(Stranger()) as wire, served(tmp_path, wire) as web:  # noqa: SIM117
        async with web.client(ANNA) as anna, web.client(BEN) as ben:
            slowest, done = 0.0, anyio.Event()

            async def ask() -> None:
                nonlocal slowest
                while not done.is_set():
                    began = time.monotonic()
                    await ben.list_prompts()
                    slowest = max(slowest, time.monotonic() - began)

            await anna.list_tools()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                for tool, said in calls:
                    try:
                        answer = text(await anna.call_tool(tool, said))
                    except MCPError as error:
                        answer = str(error)
                    assert answer and len(answer) < 1000, (tool, len(answer))
                    assert "sora-" * 41 not in answer, tool
                done.set()
    assert slowest < 3, f"somebody else waited {slowest:.1f} s"


FALLS = """
import sys, anyio
from callsheet.settings.settings import Settings
from callsheet_server.mcp import server, stdio
from callsheet_server.web import http

built, desk = server.build(Settings.load(), remote=len(sys.argv) > 1)

async def fall():
    raise RuntimeError("what nobody foresaw")

async def main():
    async with anyio.create_task_group() as tasks:
        way = (http.serve, "127.0.0.1", int(sys.argv[1])) if desk.links else (stdio.serve,)
        tasks.start_soon(way[0], built, desk, *way[1:])
        (await desk.studio()).tasks.start_soon(fall)

try:
    anyio.run(main)
except* SystemExit as ended:
    sys.exit(ended.exceptions[0].code)
"""


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_server_that_cannot_go_on_ends_so_that_another_is_started(tmp_path: Path, way: str) -> None:
    own = {"CALLSHEET_HOME": str(tmp_path / "home"), "CALLSHEET_OUTPUT_DIR": str(tmp_path / "out")}
    command = [sys.executable, "-c", FALLS, *([str(free_port())] if way == "http" else [])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=surroundings(own), **pipes) as process:
        try:
            assert process.wait(60) == 1
        finally:
            process.kill()


async def test_a_server_that_cannot_go_on_says_so_at_once(tmp_path: Path) -> None:
    own = {"CALLSHEET_HOME": str(tmp_path / "home"), "CALLSHEET_OUTPUT_DIR": str(tmp_path / "out")}
    server, desk = build(Settings.load(environ=own), Stranger().transports, remote=True)

    async def fall() -> None:
        raise RuntimeError("what nobody foresaw")

    async def told_to(_: Request) -> Response:
        (await desk.studio()).tasks.start_soon(fall)
        await desk.broken.wait()
        return Response()

    server.custom_route("/fall", methods=["POST"])(told_to)
    port = Port(http.app(server, desk), 0, "on")
    try:
        async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port.number}") as web:
            assert [(await web.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]
            assert (await web.post("/fall")).status_code == 200
            for path in ("/healthz", "/readyz"):
                answer = await web.get(path)
                assert (answer.status_code, answer.json()) == (503, {"status": "broken"})
    finally:
        port.close()
