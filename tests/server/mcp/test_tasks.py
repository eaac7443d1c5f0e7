"""Jobs as tasks: begun by a tool call, looked in on by their id, over any transport and after a restart."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    Request,
    Result,
)
from pydantic import ConfigDict
from starlette.responses import JSONResponse, Response

from callsheet_server.mcp.server import build
from callsheet_server.mcp.tasks import TASKS
from callsheet_server.web import http
from tests.conftest import KEY, TOOLSETS, Box, House, Stranger, serve, told
from tests.jobs.test_plan import SPEAKS
from tests.robot import RobotHouse
from tests.server.mcp.test_approval import Person
from tests.wire import Port

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]
Flip = Callable[[], None]

LOOK = "GET /text-to-image/status/job-1"
DONE = {"status": "COMPLETED", "image_url": f"{Stranger.origin}/files/1.png"}
FOX = {"prompt": "a fox", "model": "z-image"}
FILM = {"prompt": "a fox", "model": "seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4}


class Begun(Result):
    """A tool call's answer that is a task."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    status_message: str
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int | None
    poll_interval_ms: int


class Shown(Result):
    """Whatever a request about a task is answered with."""

    model_config = ConfigDict(extra="allow")


class Ask(Request[dict[str, Any], str]):
    """A request about a task."""

    name_param = "taskId"


class Patience(ClientExtension):
    """A client that waits for a task's end when a tool answers with one."""

    identifier = TASKS

    def __init__(self, then: Flip | None = None) -> None:
        self.then = then

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Begun, resolve=self.finish)]

    async def finish(self, begun: Begun, ctx: ClaimContext) -> CallToolResult:
        if self.then:
            self.then()
        return CallToolResult.model_validate((await ended(ctx.session, begun.task_id))["result"])


async def ask(session: ClientSession, method: str, task_id: str, **more: Any) -> dict[str, Any]:
    answer = await session.send_request(Ask(method=method, params={"taskId": task_id} | more), Shown)
    return answer.model_dump(by_alias=True, mode="json", exclude_unset=True)


async def ended(session: ClientSession, task_id: str) -> dict[str, Any]:
    """A task once it has ended."""
    with anyio.fail_after(20):
        while (task := await ask(session, "tasks/get", task_id))["status"] == "working":
            await anyio.sleep(0.02)
    return task


async def begin(client: Client, tool: str = "generate_image", **said: Any) -> Begun:
    """The task that a call is answered with at once."""
    answer = await client.session.call_tool(tool, FOX | {"wait_s": 0} | said, allow_claimed=True)
    assert isinstance(answer, Begun), answer
    return answer


def busy() -> tuple[Stranger, Flip]:
    """A backend that works on its job until it is told to be done."""
    phaya = Stranger({LOOK: {"status": "PROCESSING"}})
    return phaya, lambda: phaya.answers.update({LOOK: DONE})


@asynccontextmanager
async def served(home: House, phaya: Stranger, **more: str) -> AsyncIterator[str]:
    """The address of a new server over HTTP."""
    settings = home.settings(**phaya.environ, **more)
    server, desk = build(settings, phaya.transports, TOOLSETS, remote=True)
    port = Port(http.app(server, desk), lifespan="on")
    try:
        yield f"http://127.0.0.1:{port.number}/mcp"
    finally:
        await anyio.to_thread.run_sync(port.close)


@asynccontextmanager
async def known(address: str, token: str) -> AsyncIterator[Client]:
    """A client with a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as wire,
        Client(streamable_http_client(address, http_client=wire), extensions=[Patience()]) as client,
    ):
        yield client


@pytest.fixture(params=["memory", "http"])
def door(request: pytest.FixtureRequest, house: MakeHouse) -> Any:
    """How a client comes in: to a new server of the same home each time."""

    @asynccontextmanager
    async def over_http(phaya: Stranger, extension: ClientExtension) -> AsyncIterator[Client]:
        async with served(house(), phaya) as address, Client(address, extensions=[extension]) as client:
            yield client

    def in_memory(phaya: Stranger, extension: ClientExtension) -> Any:
        return house().client(phaya, {"extensions": [extension]})

    return over_http if request.param == "http" else in_memory


async def test_a_job_that_takes_its_time_is_a_task_whose_result_is_its_receipt(door: Any) -> None:
    phaya, finish = busy()
    async with door(phaya, Patience()) as client:
        begun = await begin(client)
        assert (begun.status, begun.ttl_ms) == ("working", None)
        assert 2000 <= begun.poll_interval_ms <= 5000
        assert begun.last_updated_at >= begun.created_at
        assert not {"result", "error", "inputRequests", "requestState"} & (begun.model_extra or {}).keys()
        task = await ask(client.session, "tasks/get", begun.task_id)
        assert (task["status"], task["ttlMs"]) == ("working", None)
        assert task["statusMessage"].startswith("phaya/z-image: ")
        assert "result" not in task
        finish()
        task = await ended(client.session, begun.task_id)
        assert (task["status"], task["resultType"]) == ("completed", "complete")
        same = await client.call_tool("get_job", {"job_id": begun.task_id})
        assert told(same)["status"] == "completed"
        assert CallToolResult.model_validate(task["result"]).content == same.content
        assert task["result"]["structuredContent"] == told(same)
    assert phaya.count("POST /text-to-image/generate") == 1


async def test_a_client_that_knows_tasks_gets_the_result_of_a_call_as_if_it_had_waited(door: Any) -> None:
    phaya, finish = busy()
    async with door(phaya, Patience(finish)) as client:
        receipt = told(await client.call_tool("generate_image", FOX))
    assert receipt["status"] == "completed"


async def test_a_task_survives_its_server(door: Any) -> None:
    phaya, finish = busy()
    async with door(phaya, Patience()) as client:
        begun = await begin(client)
    async with door(phaya, Patience()) as client:
        assert (await ask(client.session, "tasks/get", begun.task_id))["status"] == "working"
        finish()
        task = await ended(client.session, begun.task_id)
        assert task["result"]["structuredContent"]["status"] == "completed"
        assert datetime.fromisoformat(task["createdAt"]) == begun.created_at
    assert phaya.count("POST /text-to-image/generate") == 1


async def test_a_task_over_a_pipe(box: Box, tmp_path: Path) -> None:
    box.pace(speed=1e-6)
    async with Client(serve(tmp_path, box.environ(KEY)), extensions=[Patience()]) as client:
        begun = await begin(client)
        box.pace(speed=50)
        assert (await ended(client.session, begun.task_id))["status"] == "completed"


async def test_the_same_call_again_is_the_same_task(house: MakeHouse) -> None:
    phaya, _ = busy()
    async with house().client(phaya, {"extensions": [Patience()]}) as client:
        assert (await begin(client)).task_id == (await begin(client)).task_id


async def test_a_job_that_is_done_at_once_is_answered_at_once(house: MakeHouse) -> None:
    async with house().client(Stranger(), {"extensions": [Patience()]}) as client:
        answer = await client.session.call_tool("generate_image", FOX, allow_claimed=True)
    assert isinstance(answer, CallToolResult)
    assert told(answer)["status"] == "completed"


async def test_a_job_that_fails_is_a_completed_task_with_an_error_for_a_result(house: MakeHouse) -> None:
    phaya, _ = busy()
    async with house().client(phaya, {"extensions": [Patience()]}) as client:
        begun = await begin(client)
        phaya.answers[LOOK] = {"status": "FAILED", "error": "no foxes today"}
        task = await ended(client.session, begun.task_id)
    assert (task["status"], task["result"]["isError"]) == ("completed", True)
    assert task["result"]["structuredContent"]["status"] == "failed"
    assert "no foxes today" in str(task["result"]["content"])


@pytest.mark.parametrize(
    ("status", "create", "more"),
    [
        ("refused", {"job_id": "job-1", "credits_used": 1.0}, {"CALLSHEET_MAX_PER_JOB": "0.5"}),
        ("unknown", Response(b""), {}),
    ],
)
async def test_a_job_that_was_refused_or_may_be_lost_is_a_completed_task_with_an_error_for_a_result(
    house: MakeHouse, status: str, create: Any, more: dict[str, str]
) -> None:
    phaya = Stranger({"POST /text-to-image/generate": create})
    async with house().client(phaya, {"extensions": [Patience()]}, **more) as client:
        receipt = told(await client.call_tool("generate_image", FOX))
        assert receipt["status"] == status
        task = await ask(client.session, "tasks/get", receipt["job_id"])
    assert (task["status"], task["result"]["isError"]) == ("completed", True)
    assert task["result"]["structuredContent"]["status"] == status


async def test_several_in_one_call_are_one_task(house: MakeHouse) -> None:
    async with house().client(talk={"extensions": [Patience()]}) as client:
        begun = await begin(client, count=3)
        task = await ended(client.session, begun.task_id)
    assert len(task["result"]["structuredContent"]["media"]) == 3


async def test_a_task_is_cancelled_at_the_backend_and_a_second_time_to_no_harm(house: MakeHouse) -> None:
    home = house(pace="looks", looks=1000)
    async with home.client(talk={"extensions": [Patience()]}) as client:
        begun = await begin(client, "generate_video", **FILM)
        assert 5000 <= begun.poll_interval_ms <= 10_000
        with anyio.fail_after(20):
            while not home.calls("GET", "seedance-video/status"):
                await anyio.sleep(0.01)
        for _ in range(2):
            assert (await ask(client.session, "tasks/cancel", begun.task_id))["resultType"] == "complete"
        task = await ended(client.session, begun.task_id)
        assert task["status"] == "cancelled"
        assert "result" not in task
    assert home.credits == 100
    assert len(home.calls(route="cancel")) == 1


async def test_a_task_that_cannot_be_cancelled_goes_on_to_its_end(house: MakeHouse) -> None:
    phaya, finish = busy()
    async with house().client(phaya, {"extensions": [Patience()]}) as client:
        begun = await begin(client)
        with anyio.fail_after(20):
            while not phaya.count(LOOK):
                await anyio.sleep(0.01)
        await ask(client.session, "tasks/cancel", begun.task_id)
        finish()
        assert (await ended(client.session, begun.task_id))["status"] == "completed"


async def test_a_cancel_that_does_not_reach_the_backend_says_so(house: MakeHouse) -> None:
    phaya = Stranger(
        {
            "POST /seedance-video/create": {"job_id": "job-1", "credits_used": 2.0},
            "GET /seedance-video/status/job-1": {"status": "PROCESSING"},
            "POST /seedance-video/cancel/job-1": JSONResponse({"detail": "oops"}, 500),
        }
    )
    async with house().client(phaya, {"extensions": [Patience()]}) as client:
        begun = await begin(client, "generate_video", **FILM)
        with anyio.fail_after(20):
            while not phaya.count("GET /seedance-video/status/job-1"):
                await anyio.sleep(0.01)
        with pytest.raises(MCPError, match="500"):
            await ask(client.session, "tasks/cancel", begun.task_id)
        assert (await ask(client.session, "tasks/get", begun.task_id))["status"] == "working"


async def test_answers_to_what_no_task_asked_are_ignored(house: MakeHouse) -> None:
    phaya, _ = busy()
    async with house().client(phaya, {"extensions": [Patience()]}) as client:
        begun = await begin(client)
        said = await ask(client.session, "tasks/update", begun.task_id, inputResponses={"x": {"action": "accept"}})
        assert said["resultType"] == "complete"
        assert (await ask(client.session, "tasks/get", begun.task_id))["status"] == "working"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_a_task_that_nobody_knows_is_not_found(house: MakeHouse, method: str) -> None:
    async with house().client(Stranger(), {"extensions": [Patience()]}) as client:
        with pytest.raises(MCPError, match="Task not found") as caught:
            await ask(client.session, method, "j_nobody", inputResponses={})
    assert caught.value.error.code == INVALID_PARAMS


async def test_a_task_is_found_only_by_whose_it_is(house: MakeHouse) -> None:
    phaya, _ = busy()
    tokens = {"anna": "anna-has-no-real-token", "ben": "ben-has-no-real-token"}
    said = ",".join(f"{name}:{token}" for name, token in tokens.items())
    async with (
        served(house(), phaya, CALLSHEET_HTTP_TOKENS=said) as address,
        known(address, tokens["anna"]) as anna,
        known(address, tokens["ben"]) as ben,
    ):
        begun = await begin(anna)
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            with pytest.raises(MCPError, match="Task not found"):
                await ask(ben.session, method, begun.task_id, inputResponses={})
        assert (await ask(anna.session, "tasks/get", begun.task_id))["status"] == "working"


async def test_a_client_that_does_not_declare_tasks_waits_for_its_result(house: MakeHouse) -> None:
    home = house(speed=4.0)
    async with home.client() as client:
        receipt = told(await client.call_tool("generate_image", FOX))
        assert receipt["status"] == "completed"
        with pytest.raises(MCPError) as caught:
            await ask(client.session, "tasks/get", receipt["job_id"])
    assert caught.value.error.code == MISSING_REQUIRED_CLIENT_CAPABILITY
    assert TASKS in caught.value.error.data["requiredCapabilities"]["extensions"]


async def test_a_client_of_the_handshake_s_time_never_sees_a_task(house: MakeHouse) -> None:
    home = house(speed=4.0)
    async with home.client(talk={"extensions": [Patience()], "mode": "legacy"}) as client:
        receipt = told(await client.call_tool("generate_image", FOX))
        assert receipt["status"] == "completed"
        with pytest.raises(MCPError) as caught:
            await ask(client.session, "tasks/get", receipt["job_id"])
    assert caught.value.error.code == METHOD_NOT_FOUND


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_task_asks_when_its_price_has_risen(tmp_path: Path, agrees: bool) -> None:
    home, person = RobotHouse(tmp_path), Person()
    talk = {"extensions": [Patience()], "elicitation_callback": person}
    async with home.client(talk=talk, CALLSHEET_ASK="above") as client:
        *_, last = told(await client.call_tool("plan", {"calls": SPEAKS}))["jobs"]
        task_id = last["job_id"]
        task = await ended(client.session, task_id)
        assert task["status"] == "input_required"
        request = task["inputRequests"]["spend"]
        assert (request["method"], request["params"]["mode"]) == ("elicitation/create", "form")
        assert "costs more than was agreed to" in request["params"]["message"]
        assert home.creates("/api/generate") == 0
        await ask(client.session, "tasks/update", task_id, inputResponses={"other": {"action": "accept"}})
        assert (await ask(client.session, "tasks/get", task_id))["status"] == "input_required"
        answer = {"action": "accept", "content": {"proceed": agrees}}
        await ask(client.session, "tasks/update", task_id, inputResponses={"spend": answer})
        task = await ended(client.session, task_id)
    assert task["result"]["structuredContent"]["status"] == ("completed" if agrees else "refused")
    assert task["result"]["isError"] is not agrees
    assert home.creates("/api/generate") == (1 if agrees else 0)
