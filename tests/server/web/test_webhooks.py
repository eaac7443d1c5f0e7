"""A backend that calls when a job is over: the wait is shorter, and nobody else gains anything by calling."""

import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
import sqlalchemy
from mcp import Client

from callsheet.ledger.ledger import Ledger
from callsheet.settings.settings import Settings
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import Sandbox, sandbox
from callsheet_sandbox.jobs import Job, Pace
from callsheet_server.mcp.server import build
from callsheet_server.web import http
from tests.conftest import free_port, told
from tests.wire import Port

pytestmark = pytest.mark.anyio

SECRET = "whsec_sandbox"
KEY = "plabs_" + "not_a_real_key_".ljust(32, "0")
CLIP = {"prompt": "a fox", "model": "ph0ny/auto", "resolution": "256x256", "duration_seconds": 1}


class Stage:
    """A server over HTTP, and ph0ny on another port, which can call it. Looks are few: 6 requests a minute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box: Sandbox = sandbox(folder / "box", backends=["ph0ny"], rate=100_000, credits=2500)
        self.ph0ny = Port(self.box)
        self.server: Port | None = None
        self.number = free_port()
        self.origin = f"http://127.0.0.1:{self.number}"

    def serve(self, **more: str) -> None:
        environ = {
            "CALLSHEET_HOME": str(self.folder / "home"),
            "CALLSHEET_OUTPUT_DIR": str(self.folder / "out"),
            "CALLSHEET_PUBLIC_URL": f"{self.origin}/",
            "CALLSHEET_RATE": "6",
            "CALLSHEET_UNPRICED": "allow",
            "CALLSHEET_ASK": "never",
            "PH0NY_API_KEY": KEY,
            "PH0NY_BASE": f"http://127.0.0.1:{self.ph0ny.number}",
            "PH0NY_WEBHOOK_SECRET": SECRET,
        }
        self.server = Port(http.app(*build(Settings.load(environ=environ | more), remote=True)), self.number, "on")

    def close(self) -> None:
        if self.server:
            self.server.close()
        self.ph0ny.close()
        self.box.box.close()

    @property
    def looks(self) -> int:
        return sum(e.route == "/v1/video/{id}" for e in self.box.box.log.entries("ph0ny"))

    @property
    def job(self) -> Job:
        """The one job, as ph0ny has it."""
        [job] = self.box.box.jobs.all("ph0ny", owner_of(KEY))
        return job

    async def post(self, url: str, body: bytes = b"{}", **said: str) -> int:
        headers = {name.encode(): value.encode() for name, value in said.items()}
        async with httpx2.AsyncClient(trust_env=False) as client:
            return (await client.post(url, content=body, headers=headers)).status_code


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path)
    yield found
    found.close()


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


async def test_a_call_from_ph0ny_ends_the_wait_and_a_replay_does_nothing(stage: Stage) -> None:
    stage.serve()
    began = time.monotonic()
    async with Client(f"{stage.origin}/mcp") as client:
        receipt = told(await client.call_tool("generate_video", CLIP | {"wait_s": 40}))
        assert receipt["status"] == "completed", receipt
        assert time.monotonic() - began < 15 and stage.looks == 2
        url = stage.job.body["webhook_url"]
        base, _, token = url.rpartition("/")
        assert base == f"{stage.origin}/hooks/ph0ny" and len(token) >= 22
        body = json.dumps({"id": stage.job.id, "status": "failed"}).encode()
        for _ in range(3):
            assert await stage.post(url, body, **{"X-Signature": sign(body)}) == 204
        again = told(await client.call_tool("get_job", {"job_id": receipt["job_id"]}))
    assert again["status"] == "completed" and stage.looks == 2


async def test_a_call_that_is_not_ph0ny_s_changes_nothing(stage: Stage) -> None:
    stage.serve(PH0NY_WEBHOOK_SECRET="whsec_another")
    async with Client(f"{stage.origin}/mcp") as client:
        receipt = told(await client.call_tool("generate_video", CLIP | {"wait_s": 0}))
        with anyio.fail_after(20):
            while stage.looks == 0:
                await anyio.sleep(0.05)
        url, body = stage.job.body["webhook_url"], json.dumps({"id": stage.job.id, "status": "completed"}).encode()
        good = {"X-Signature": sign(body, "whsec_another")}
        assert await stage.post(url, body) == 401
        for forged in (sign(body), sign(body + b" ", "whsec_another"), "", "é", "sha256="):
            assert await stage.post(url, body, **{"X-Signature": forged}) == 401
        assert await stage.post(url, body, **{"X-Signature": sign(body), "X-Ph0ny-Signature": sign(body)}) == 401
        assert await stage.post(f"{url}x", body, **good) == 404
        for backend in ("phaya", "nobody"):
            assert await stage.post(url.replace("/ph0ny/", f"/{backend}/"), body, **good) in (401, 404)
        large = bytes(http.LARGEST_REQUEST + 1)
        assert await stage.post(url, large, **{"X-Signature": sign(large, "whsec_another")}) == 413
        still = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 3}))
        assert still["status"] == "working" and stage.looks == 1

        late = {"X-Webhook-Signature": f"sha256={sign(body, 'whsec_another').upper()}"}
        assert await stage.post(url, body, **late) == 204
        done = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 10}))
    assert done["status"] == "completed" and stage.looks == 2


async def test_a_call_that_says_a_running_job_is_over_is_not_believed(stage: Stage) -> None:
    stage.box.box.jobs.set_pace(Pace("looks", 1000, 1.0))
    stage.serve(PH0NY_WEBHOOK_SECRET="")
    async with Client(f"{stage.origin}/mcp") as client:
        receipt = told(await client.call_tool("generate_video", CLIP | {"wait_s": 0}))
        with anyio.fail_after(20):
            while stage.looks == 0:
                await anyio.sleep(0.05)
        body = json.dumps({"status": "completed", "result": {"video_url": "http://127.0.0.1:1/x.mp4"}}).encode()
        for _ in range(5):
            assert await stage.post(stage.job.body["webhook_url"], body) == 204
        still = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 3}))
    assert still["status"] == "working" and "media" not in still
    assert stage.looks <= 3


async def test_only_videos_ask_for_a_call_and_only_where_there_is_an_address(stage: Stage) -> None:
    stage.box.box.jobs.set_pace(Pace("looks", 1, 1.0))
    stage.serve(CALLSHEET_PUBLIC_URL="", CALLSHEET_RATE="100000")
    async with Client(f"{stage.origin}/mcp") as client:
        await client.call_tool("generate_video", CLIP | {"wait_s": 40})
        assert await stage.post(f"{stage.origin}/hooks/ph0ny/x") == 404
    assert "webhook_url" not in stage.job.body and stage.job.state == "done"


async def test_an_older_ledger_gets_the_column_it_lacks(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite'}"
    async with Ledger.open(url):
        pass
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with engine.begin() as db:
        db.execute(sqlalchemy.text("DROP INDEX jobs_hook"))
        db.execute(sqlalchemy.text("ALTER TABLE jobs DROP COLUMN hook"))
    engine.dispose()
    async with Ledger.open(url) as ledger:
        assert await ledger.called("ph0ny", "nobody's") is None
