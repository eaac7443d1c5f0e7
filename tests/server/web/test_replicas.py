"""Two servers with one database and one secret, behind a proxy that hands each request to the other of them."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from callsheet.ledger.ledger import LEASE_S
from tests.conftest import CALLSHEET, Box, free_port, surroundings, told, wait_for
from tests.server.mcp.test_approval import DEAR, LIMIT, Person
from tests.server.mcp.test_tasks import FILM, FOX, Patience, ask, begin, ended
from tests.wire import Port

pytestmark = pytest.mark.anyio

STILL, QUICK = 1e-6, 50.0
"""How fast the sandbox works."""
SOON = "from callsheet.ledger import ledger; ledger.LEASE_S = 3.0; from callsheet_server.cli import main; main()"
"""The same command, with a shorter lease: who has not been heard of for three seconds is taken for dead."""


class Balancer:
    """A proxy without sessions: each request goes to the next server, or past one that nobody answers at."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.turn = 0
        self.served: dict[str, int] = {}
        """Which server answered last, by the method of MCP or the path."""
        route = Route("/{path:path}", self.hand_on, methods=["GET", "POST", "DELETE"])
        self.port = Port(Starlette(routes=[route], lifespan=self.lifespan), lifespan="on")
        self.origin = f"http://127.0.0.1:{self.port.number}"

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as self.web:
            yield

    async def hand_on(self, request: Request) -> Response:
        """Pass one request on, and its answer back as it comes."""
        body, path = await request.body(), request.url.path
        for _ in self.ports:
            number = self.turn % len(self.ports)
            self.turn += 1
            url = f"http://127.0.0.1:{self.ports[number]}{path}?{request.url.query}"
            sent = self.web.build_request(request.method, url, headers=request.headers.raw, content=body)
            try:
                answer = await self.web.send(sent, stream=True)
            except httpx2.ConnectError:
                continue
            self.served[request.headers.get("mcp-method", path)] = number
            closing = BackgroundTask(answer.aclose)
            return StreamingResponse(answer.aiter_raw(), answer.status_code, dict(answer.headers), background=closing)
        return Response(status_code=502)

    def elsewhere(self, name: str = "tools/call") -> None:
        """Let the next request go to the server that did not answer the last one of this name."""
        self.turn = self.served[name] + 1


class Pair:
    """Two servers, as processes, and the proxy before them."""

    def __init__(self, box: Box, key: str, servers: list[subprocess.Popen[bytes]], ports: list[int]) -> None:
        self.box, self.key, self.servers = box, key, servers
        self.proxy = Balancer(ports)

    @asynccontextmanager
    async def client(self, **talk: Any) -> AsyncIterator[Client]:
        with anyio.fail_after(60):
            async with Client(f"{self.proxy.origin}/mcp", **talk) as client:
                yield client

    @property
    def creates(self) -> int:
        """How often the backend was asked for something, and took the money."""
        return self.box.creates(self.key, "/create") + self.box.creates(self.key, "/generate")


@contextmanager
def served(box: Box, key: str, folder: Path, command: list[str]) -> Iterator[Pair]:
    """Two servers that share what replicas have to: a database, a secret, and where files are."""
    shared = {
        "CALLSHEET_DATABASE_URL": f"sqlite:///{folder / 'ledger.sqlite'}",
        "CALLSHEET_SECRET": "not-a-real-secret-" * 3,
        "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
    }
    with ExitStack() as stack:
        servers, ports = [], [free_port(), free_port()]
        for number, port in enumerate(ports):
            environ = shared | LIMIT | box.environ(key) | {"CALLSHEET_HOME": str(folder / f"home-{number}")}
            args = [*command, "serve", "--http", "--port", str(port)]
            server = stack.enter_context(subprocess.Popen(args, env=surroundings(environ), stderr=subprocess.DEVNULL))
            stack.callback(server.kill)
            servers.append(server)
        for port, server in zip(ports, servers, strict=True):
            wait_for(port, server)
        pair = Pair(box, key, servers, ports)
        stack.callback(pair.proxy.port.close)
        yield pair
        box.pace(speed=QUICK)


@pytest.fixture(scope="module")
def pair(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with served(box, "pk_not_a_real_key_of_two", tmp_path_factory.mktemp("replicas"), [CALLSHEET]) as found:
        yield found


@pytest.fixture(autouse=True)
def quick(box: Box) -> Iterator[None]:
    """However a test ends, the sandbox is quick again."""
    yield
    box.pace(speed=QUICK)


async def test_a_question_of_one_server_is_answered_at_the_other_and_asked_once(pair: Pair) -> None:
    person, asked_by = Person(), -1

    async def note() -> None:
        nonlocal asked_by
        asked_by = pair.proxy.served["tools/call"]

    person.before = note
    before = pair.creates
    async with pair.client(elicitation_callback=person) as client:
        receipt = told(await client.call_tool("generate_image", DEAR))
    assert (receipt["status"], len(person.asked)) == ("completed", 1)
    assert pair.proxy.served["tools/call"] == 1 - asked_by
    assert pair.creates == before + 1


async def test_the_same_call_at_both_servers_at_once_is_one_job(pair: Pair) -> None:
    receipts: list[dict[str, Any]] = []
    before = pair.creates
    async with pair.client() as client, anyio.create_task_group() as tasks:

        async def make() -> None:
            receipts.append(told(await client.call_tool("generate_image", FOX | {"prompt": "twins"})))

        tasks.start_soon(make)
        tasks.start_soon(make)
    assert {receipt["status"] for receipt in receipts} == {"completed"}
    assert len({receipt["job_id"] for receipt in receipts}) == 1
    assert pair.creates == before + 1


async def test_a_task_of_one_server_is_followed_at_the_other(pair: Pair) -> None:
    pair.box.pace(speed=STILL)
    async with pair.client(extensions=[Patience()]) as client:
        begun = await begin(client, prompt="a patient fox")
        pair.proxy.elsewhere()
        task = await ask(client.session, "tasks/get", begun.task_id)
        assert pair.proxy.served["tasks/get"] == 1 - pair.proxy.served["tools/call"]
        assert task["status"] == "working"
        pair.box.pace(speed=QUICK)
        task = await ended(client.session, begun.task_id)
        assert task["result"]["structuredContent"]["status"] == "completed"


async def test_a_task_of_one_server_is_cancelled_at_the_other(pair: Pair) -> None:
    pair.box.pace(speed=STILL)
    before = pair.box.credits(pair.key)
    async with pair.client(extensions=[Patience()]) as client:
        begun = await begin(client, "generate_video", **FILM, max_credits=9)
        while pair.box.credits(pair.key) == before:
            assert (await ask(client.session, "tasks/get", begun.task_id))["status"] == "working"
        while (await ask(client.session, "tasks/get", begun.task_id))["status"] == "working":
            pair.proxy.elsewhere()
            await ask(client.session, "tasks/cancel", begun.task_id)
            assert pair.proxy.served["tasks/cancel"] == 1 - pair.proxy.served["tools/call"]
        assert (await ended(client.session, begun.task_id))["status"] == "cancelled"
    assert pair.box.credits(pair.key) == before


async def test_a_link_of_one_server_leads_to_the_file_at_the_other(pair: Pair) -> None:
    async with pair.client() as client:
        [medium] = told(await client.call_tool("generate_image", FOX | {"prompt": "a linked fox"}))["media"]
    assert medium["url"].startswith(pair.proxy.origin)
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as web:
        for _ in range(2):  # the proxy goes on to the next each time
            found = await web.get(medium["url"])
            assert (found.status_code, len(found.content)) == (200, medium["bytes"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_server_that_does_not_carry_a_job_tells_how_far_it_is_and_what_it_came_to(
    pair: Pair, mode: str
) -> None:
    heard: list[str] = []

    async def hear(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message or "")
        pair.box.pace(speed=QUICK)

    pair.box.pace(speed=STILL)
    async with pair.client(mode=mode) as client:
        said = FOX | {"prompt": f"watched from afar, {mode}", "wait_s": 0}
        job = told(await client.call_tool("generate_image", said))["job_id"]
        name = "/mcp" if mode == "legacy" else "tools/call"
        carrier = pair.proxy.served[name]
        pair.proxy.elsewhere(name)
        look = {"job_id": job, "wait_s": 30}
        receipt = told(await client.call_tool("get_job", look, progress_callback=hear))
        assert pair.proxy.served[name] == 1 - carrier
    assert receipt["status"] == "completed"
    assert heard and heard[0].startswith("phaya/z-image: ")


async def test_a_server_is_killed_under_its_client_and_the_other_carries_on_and_nothing_is_paid_twice(
    box: Box, tmp_path: Path
) -> None:
    said = FOX | {"prompt": "an heir", "wait_s": 30}
    carriers: list[int] = []

    async def hear(_progress: float, _total: float | None, _message: str | None) -> None:
        carriers.append(pair.proxy.served["tools/call"])

    async def wait_in_vain() -> None:
        with pytest.raises(MCPError):
            await client.call_tool("generate_image", said, progress_callback=hear)

    box.pace(speed=STILL)
    with served(box, "pk_not_a_real_key_of_the_dead", tmp_path, [sys.executable, "-c", SOON]) as pair:
        async with pair.client() as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait_in_vain)
                while not carriers:
                    await anyio.sleep(0.02)
                while not told(await client.call_tool("list_jobs", {}))["jobs"][0]["credits"].get("charged"):
                    await anyio.sleep(0.02)
                pair.servers[carriers[0]].kill()
            box.pace(speed=QUICK)
            receipt = told(await client.call_tool("generate_image", said))
        assert (receipt["status"], receipt["repeated"]) == ("completed", True)
        assert pair.creates == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
async def test_a_server_that_is_told_to_end_leaves_its_job_to_the_other_before_its_lease_is_over(
    box: Box, tmp_path: Path
) -> None:
    box.pace(speed=STILL)
    with served(box, "pk_not_a_real_key_of_the_old", tmp_path, [CALLSHEET]) as pair:
        async with pair.client() as client:
            job = {"job_id": told(await client.call_tool("generate_image", FOX | {"wait_s": 0}))["job_id"]}
            carrier = pair.servers[pair.proxy.served["tools/call"]]
            while not told(await client.call_tool("get_job", job))["credits"].get("charged"):
                await anyio.sleep(0.02)
            carrier.terminate()
            await anyio.to_thread.run_sync(carrier.wait)
            box.pace(speed=QUICK)
            receipt = told(await client.call_tool("get_job", job | {"wait_s": LEASE_S - 10}))
        assert receipt["status"] == "completed"
        assert pair.creates == 1
