"""The life of a paid job: never lost, never paid twice, whatever the backend, the client or the machine does."""

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from callsheet_server.mcp.server import build
from tests.conftest import CALLSHEET, KEY, PNG, House, Stranger, boxed, free_port, serve, surroundings, told, wired

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

CREATE = "POST /text-to-image/generate"
LOOK = "GET /text-to-image/status/job-1"
SEEDANCE = {"prompt": "a fox", "model": "seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4}


async def image(client: Client, **said: Any) -> dict[str, Any]:
    return told(await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image", **said}))


async def settled(client: Client, job_id: str) -> dict[str, Any]:
    """A job's receipt as soon as its outcome is known, or known to be unknown."""
    with anyio.fail_after(20):
        while (receipt := await job(client, job_id, wait_s=0))["status"] == "working":
            await anyio.sleep(0.02)
    return receipt


async def job(client: Client, job_id: str, wait_s: float = 20) -> dict[str, Any]:
    return told(await client.call_tool("get_job", {"job_id": job_id, "wait_s": wait_s}))


# -- killed ---------------------------------------------------------------------------------------------------------


@dataclass
class Killed:
    """A job whose server was killed while it was under way, and who carries it on."""

    folder: Path
    environ: dict[str, str]
    job_id: str
    creates: Callable[[], int]
    charges: Callable[[], int]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """A server that got SIGKILL with a job at the backend, and at once the next one, which may have the job once the
    dead one's lease is over; the other tests of this file run meanwhile."""
    folder, key = tmp_path_factory.mktemp("killed"), "pk_killed"
    with boxed("--speed", "0.2") as box:
        environ = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
        environ = surroundings(environ | box.environ(key))

        async def start() -> str:
            params = serve(folder, box.environ(key))
            command = [params.command, *params.args]
            async with await anyio.open_process(command, env=environ, cwd=folder, stderr=subprocess.DEVNULL) as server:
                assert server.stdin
                assert server.stdout
                call = {"name": "generate_image", "arguments": {"prompt": "a fox", "wait_s": 0}}
                for line in (initialize(1), INITIALIZED, request(2, "tools/call", call)):
                    await server.stdin.send(line)
                with anyio.fail_after(60):
                    while not box.creates(key, "text-to-image"):
                        await anyio.sleep(0.05)
                    while not sent(folder):
                        await anyio.sleep(0.05)
                server.kill()
            return sent(folder)[0]

        job_id = anyio.run(start)
        keeper = [CALLSHEET, "serve"]
        with subprocess.Popen(
            keeper, env=environ, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            assert server.stdin
            for line in (initialize(1), INITIALIZED, request(2, "tools/list", {})):
                server.stdin.write(line)
                server.stdin.flush()
            yield Killed(
                folder,
                box.environ(key),
                job_id,
                lambda: box.creates(key, "text-to-image"),
                lambda: len([move for move in box.moves(key) if move["amount"] < 0]),
            )
            server.stdin.close()


def sent(folder: Path) -> list[str]:
    """Ids of the jobs that the ledger knows to be at the backend."""
    place = folder / "home" / "ledger.sqlite"
    if not place.is_file():
        return []
    with sqlite3.connect(f"file:{place}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT id FROM jobs WHERE stage = 'sent'").fetchall()
    db.close()
    return [row[0] for row in rows]


def request(number: int, method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def initialize(number: int) -> bytes:
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    return request(number, "initialize", client)


INITIALIZED = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'


@pytest.mark.usefixtures("killed")
def test_the_server_is_killed_first() -> None:
    """So that its lease runs out while the rest of this file is tried; see the last test."""


# -- the client -----------------------------------------------------------------------------------------------------


async def test_a_client_that_gives_up_waiting_finds_its_job_again(house: MakeHouse) -> None:
    home = house(pace="looks", looks=3)
    async with home.client() as client:
        await client.call_tool("list_jobs", {})
        with pytest.raises(MCPError, match=r"(?i)timed out"):
            await client.call_tool("generate_image", {"prompt": "a fox"}, read_timeout_seconds=0.15)
        with anyio.fail_after(20):
            while not (jobs := told(await client.call_tool("list_jobs", {}))["jobs"]):
                await anyio.lowlevel.checkpoint()
        receipt = await job(client, jobs[0]["job_id"])
        assert receipt["status"] == "completed"
    assert len(home.calls(route="generate")) == 1


async def test_a_job_goes_on_when_nobody_waits_and_its_receipt_says_what_to_do_next(house: MakeHouse) -> None:
    async with house(pace="looks", looks=2).client() as client:
        result = await client.call_tool("generate_image", {"prompt": "a fox", "wait_s": 0})
        receipt = told(result)
        assert (receipt["status"], result.is_error) == ("working", False)
        assert receipt["next"] == f"get_job(job_id='{receipt['job_id']}', wait_s=45)"
        assert (await job(client, receipt["job_id"]))["status"] == "completed"


async def test_the_same_call_twice_is_one_job_and_a_variation_another(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        first = await image(client)
        again = await image(client)
        other = await image(client, variation=2)
    assert again["job_id"] == first["job_id"] != other["job_id"]
    assert (first.get("repeated"), again["repeated"], other.get("repeated")) == (None, True, None)
    assert len(home.calls(route="generate")) == 2
    assert home.credits == 98


async def test_ten_equal_calls_at_once_are_one_job(house: MakeHouse) -> None:
    home = house()
    ids = set()
    async with home.client() as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            ids.add((await image(client))["job_id"])

        for _ in range(10):
            tasks.start_soon(call)
    assert len(ids) == len(home.calls(route="generate")) == 1


async def test_three_of_a_kind_are_three_jobs_under_one_receipt(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        receipt = await image(client, count=3)
        again = await image(client, count=3)
    assert (receipt["status"], receipt["credits"]["charged"]) == ("completed", 3.0)
    assert [medium["uri"] for medium in receipt["media"]] == [f"media://{receipt['job_id']}/{n}" for n in range(3)]
    assert len({medium["sha256"] for medium in receipt["media"]}) == 3
    assert again["job_id"] == receipt["job_id"]
    assert home.credits == 97


async def test_one_of_three_that_fails_gives_its_share_back(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: [{"job_id": f"job-{n}", "credits_used": 1.0} for n in (1, 2, 3)]})
    done = {"status": "COMPLETED", "image_url": f"{phaya.origin}/files/1.png"}
    phaya.answers |= {"GET /text-to-image/status/job-3": done}
    phaya.answers |= {
        "GET /text-to-image/status/job-2": {"status": "FAILED", "error": "out of paint", "credits_used": 0}
    }
    async with house().client(phaya) as client:
        receipt = await image(client, count=3)
    assert receipt["status"] == "completed"
    assert len(receipt["media"]) == 2
    assert (receipt["credits"]["charged"], receipt["credits"]["refunded"]) == (3.0, 1.0)
    assert "out of paint" in receipt["error"]["message"]
    assert phaya.count(CREATE) == 3


# -- what the backend does to a job -----------------------------------------------------------------------------------


async def test_a_failed_job_gives_its_credits_back(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        result = await client.call_tool("generate_image", {"prompt": "a fox [fail]", "model": "z-image"})
    receipt = told(result)
    assert (receipt["status"], result.is_error) == ("failed", True)
    assert receipt["credits"]["refunded"] == receipt["credits"]["charged"] == 1.0
    assert receipt["credits"]["spent_today"] == 0.0
    assert receipt["error"]["kind"] == "provider"
    assert "asked to fail" in receipt["error"]["message"]
    assert home.credits == 100


async def test_a_cancelled_job_gives_its_credits_back(house: MakeHouse) -> None:
    home = house(pace="looks", looks=1000)
    async with home.client() as client:
        receipt = told(await client.call_tool("generate_video", SEEDANCE | {"wait_s": 0}))
        with anyio.fail_after(20):
            while not home.calls("GET", "seedance-video/status"):
                await anyio.sleep(0.01)
        cancelled = told(await client.call_tool("cancel_job", {"job_id": receipt["job_id"]}))
        money = cancelled["credits"]
        assert cancelled["status"] == "cancelled"
        assert money["charged"] == money.get("refunded", 0) + money.get("refund_expected", 0) == 2.0
        assert money["spent_today"] == 0.0
        late = await client.call_tool("cancel_job", {"job_id": receipt["job_id"]})
        assert told(late)["status"] == "cancelled"
    assert home.credits == 100
    assert len(home.calls(route="cancel")) == 1


async def test_what_cannot_be_cancelled_goes_on_and_says_so(house: MakeHouse) -> None:
    home = house(pace="looks", looks=3)
    async with home.client() as client:
        receipt = await image(client, wait_s=0)
        with anyio.fail_after(20):
            while not home.calls("GET", "text-to-image/status"):
                await anyio.sleep(0.01)
        result = await client.call_tool("cancel_job", {"job_id": receipt["job_id"]})
        assert "cannot cancel" in str(result.content) + str(told(result))
        assert (await job(client, receipt["job_id"]))["status"] == "completed"
    assert home.credits == 99


LOST: dict[str, Any] = {
    "a web page": Response("<html>welcome</html>", media_type="text/html"),
    "nothing": Response(b""),
    "500": JSONResponse({"detail": "oops"}, 500),
    "502": PlainTextResponse("bad gateway", 502),
    "409": JSONResponse({"detail": "conflict"}, 409),
    "a redirect": RedirectResponse("/api/v1/elsewhere", 307),
    "no id": JSONResponse({"ok": True}),
    "no success and no reason": JSONResponse({"success": False}),
    "a list": JSONResponse([1]),
    "a broken connection": httpx2.ReadError("reset"),
    "a timeout": httpx2.ReadTimeout("slow"),
}


async def test_a_create_nobody_can_read_is_unknown_kept_in_reserve_and_never_sent_again(house: MakeHouse) -> None:
    phaya, home, ids = Stranger({CREATE: list(LOST.values())}), house(), {}
    async with home.client(phaya) as client:
        for name in LOST:
            first = await image(client, prompt=name, wait_s=0)
            receipt = await settled(client, first["job_id"])
            assert receipt["status"] == "unknown", name
            assert receipt["error"]["safe_to_retry"] is False
            assert "may have accepted" in receipt["error"]["message"]
            again = await image(client, prompt=name, wait_s=0)
            assert again["job_id"] == receipt["job_id"]
            ids[name] = receipt["job_id"]
        assert (await client.call_tool("get_job", {"job_id": ids["500"]})).is_error
        assert again["credits"]["spent_today"] == len(LOST)
    async with home.client(phaya) as client:
        for name, job_id in ids.items():
            after = await job(client, job_id, wait_s=0)
            assert after["status"] == "unknown", name
        assert after["credits"]["balance"] == 100 - len(LOST)
    assert phaya.count(CREATE) == len(LOST)


async def test_a_422_fails_with_the_words_of_the_backend_and_nothing_spent(house: MakeHouse) -> None:
    fault = {"loc": ["body", "prompt"], "msg": "too rude", "type": "value_error"}
    phaya = Stranger({CREATE: JSONResponse({"detail": [fault]}, 422)})
    async with house().client(phaya) as client:
        receipt = await image(client)
        assert receipt["status"] == "failed"
        assert 'too rude"' in receipt["error"]["message"]
        assert receipt["error"]["safe_to_retry"] is True
        assert receipt["credits"]["spent_today"] == 0.0
        assert (await image(client))["job_id"] != receipt["job_id"]


async def test_a_402_at_the_create_is_refused_and_nothing_spent(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: JSONResponse({"detail": "Insufficient credits"}, 402)})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert (receipt["status"], receipt["error"]["kind"]) == ("refused", "spend")
    assert receipt["credits"]["spent_today"] == 0.0


async def test_a_no_with_a_reason_is_a_failure_and_not_a_riddle(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: {"success": False, "message": "model is resting"}})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == "failed"
    assert "model is resting" in receipt["error"]["message"]


async def test_a_429_is_obeyed_and_the_job_is_made_once(house: MakeHouse) -> None:
    busy = JSONResponse({"detail": "Rate limit exceeded"}, 429, headers={"Retry-After": "1"})
    phaya = Stranger({CREATE: [busy, {"job_id": "job-1", "credits_used": 1.0}]})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == "completed"
    assert 1.0 <= receipt["elapsed_s"] < 15
    assert phaya.count(CREATE) == 2
    assert "error" not in receipt


async def test_a_refused_connection_spends_nothing_and_may_be_tried_again(house: MakeHouse) -> None:
    home = house()
    base = f"http://127.0.0.1:{free_port()}/api/v1"
    settings = home.settings(PHAYA_API_KEY=KEY, PHAYA_BASE=base)
    server, _ = build(settings)
    async with Client(server) as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "a fox"}))
    assert receipt["status"] == "failed"
    assert receipt["error"] == receipt["error"] | {"kind": "provider", "safe_to_retry": True}
    assert "PHAYA_BASE" in receipt["error"]["message"]
    assert receipt["credits"].get("charged", 0) == receipt["credits"]["spent_today"] == 0


async def test_a_create_that_never_arrives_is_tried_again_and_then_given_up(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: [httpx2.ConnectError("refused"), {"job_id": "job-1", "credits_used": 1.0}]})
    gone = Stranger({CREATE: httpx2.ConnectError("refused")})
    receipts: list[dict[str, Any]] = []
    async with house().client(phaya) as client, house().client(gone, CALLSHEET_HOME=str(house().folder / "2")) as other:

        async def call(who: Client) -> None:
            receipts.append(await image(who))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, client)
            tasks.start_soon(call, other)
    statuses = {receipt["status"]: receipt for receipt in receipts}
    assert statuses.keys() == {"completed", "failed"}
    assert (phaya.count(CREATE), gone.count(CREATE)) == (2, 3)
    assert statuses["failed"]["error"]["safe_to_retry"] is True
    assert statuses["failed"]["credits"]["spent_today"] == 0.0


async def test_nothing_that_goes_wrong_with_a_look_fails_a_paid_job(house: MakeHouse) -> None:
    done = {"status": "COMPLETED", "image_url": f"{Stranger.origin}/files/1.png"}
    looks = [
        JSONResponse({"detail": "Job not found"}, 404),
        JSONResponse({"detail": "Invalid API key"}, 401),
        JSONResponse({"detail": "oops"}, 500),
        httpx2.ReadError("reset"),
        Response("<html>", media_type="text/html"),
        {"status": "PONDERING"},
        done,
    ]
    phaya = Stranger({LOOK: looks})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == "completed"
    assert "error" not in receipt
    assert phaya.count(CREATE) == 1


# -- the process ----------------------------------------------------------------------------------------------------


async def test_a_job_under_way_when_the_server_ends_in_order_is_carried_on_at_once_by_the_next(
    house: MakeHouse,
) -> None:
    home = house(pace="looks", looks=4)
    async with home.client() as client:
        receipt = await image(client, wait_s=0)
        with anyio.fail_after(20):
            while not home.calls("GET", "text-to-image/status"):
                await anyio.sleep(0.01)
    async with home.client() as client:
        assert (await job(client, receipt["job_id"]))["status"] == "completed"
    assert len(home.calls(route="generate")) == 1


async def test_a_server_that_ends_in_the_middle_of_a_create_hears_its_answer_first(house: MakeHouse) -> None:
    arrived, answer = anyio.Event(), anyio.Event()

    async def slow(_: httpx2.Request) -> Any:
        arrived.set()
        await answer.wait()
        return {"job_id": "job-1", "credits_used": 1.0}

    home = house()

    async def sooner_or_later(client_is_gone: anyio.Event) -> None:
        await client_is_gone.wait()
        await anyio.sleep(0.3)  # let the server begin to close
        answer.set()

    async with wired(Stranger({CREATE: slow})) as wire, anyio.create_task_group() as tasks:
        leaving = anyio.Event()
        tasks.start_soon(sooner_or_later, leaving)
        async with home.client(wire) as client:
            receipt = await image(client, wait_s=0)
            await arrived.wait()
            leaving.set()
        wire.phaya.answers["GET /files/1.png"] = Response(PNG, media_type="image/png")
        wire.phaya.answers[LOOK] = {"status": "COMPLETED", "image_url": f"{wire.origin}/files/1.png"}
        async with home.client(wire) as client:
            assert (await job(client, receipt["job_id"]))["status"] == "completed"
        assert wire.phaya.count(CREATE) == 1


async def test_two_servers_over_one_home_make_a_job_once(house: MakeHouse) -> None:
    home = house(pace="looks", looks=3)
    results: list[dict[str, Any]] = []
    async with home.client() as one, home.client() as two:

        async def call(client: Client) -> None:
            results.append(await image(client))

        async with anyio.create_task_group() as tasks:
            for client in (one, two, one, two):
                tasks.start_soon(call, client)
    assert {(receipt["job_id"], receipt["status"]) for receipt in results} == {(results[0]["job_id"], "completed")}
    assert len(home.calls(route="generate")) == 1


async def test_a_killed_server_loses_no_job_and_the_next_one_never_sends_it_again(killed: Killed) -> None:
    with anyio.fail_after(90):
        async with Client(serve(killed.folder, killed.environ)) as client:
            receipt = await job(client, killed.job_id, wait_s=60)
    assert receipt["status"] == "completed"
    assert Path(receipt["media"][0]["path"]).is_file()
    assert Decimal(str(receipt["credits"]["charged"])) == 1
    assert (killed.creates(), killed.charges()) == (1, 1)
