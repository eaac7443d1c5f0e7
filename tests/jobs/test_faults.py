"""What the machine does to us: full disks, locked databases, processes that stop in the middle of a word."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from sqlalchemy import update
from starlette.responses import JSONResponse

from callsheet.catalogue.words import GenerateImage
from callsheet.ledger.tables import jobs
from callsheet.studio import Studio
from tests.conftest import CALLSHEET, Box, House, Stranger, surroundings, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

CREATE = "POST /text-to-image/generate"


async def test_of_fifty_calls_at_once_a_cap_for_ten_lets_through_exactly_ten(house: MakeHouse) -> None:
    home, found = house(), []
    async with home.client(CALLSHEET_MAX_PER_DAY="10") as client:

        async def call(n: int) -> None:
            said = {"prompt": f"fox {n}", "model": "z-image", "wait_s": 60}
            found.append(told(await client.call_tool("generate_image", said))["status"])

        async with anyio.create_task_group() as tasks:
            for n in range(50):
                tasks.start_soon(call, n)
    assert sorted(found) == ["completed"] * 10 + ["refused"] * 40
    assert len(home.calls("POST", "/text-to-image/generate")) == 10


async def test_a_locked_database_only_costs_time(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        await client.call_tool("list_jobs", {})
        other = sqlite3.connect(
            home.folder / "home" / "ledger.sqlite", isolation_level=None, check_same_thread=False, timeout=30
        )
        other.execute("BEGIN EXCLUSIVE")
        async with anyio.create_task_group() as tasks:
            found: list[Any] = []

            async def call() -> None:
                found.append(told(await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image"})))

            tasks.start_soon(call)
            with anyio.move_on_after(1.5):
                await anyio.Event().wait()
            other.execute("COMMIT")
        other.close()
    assert found[0]["status"] == "completed"
    assert len(home.calls("POST", "/text-to-image/generate")) == 1


async def test_a_result_that_cannot_be_written_is_kept_and_stored_once_it_can(house: MakeHouse) -> None:
    home = house()
    (home.folder / "out").write_text("a file where the folder should be")
    async with home.client() as client:
        said = {"prompt": "a fox", "model": "z-image", "wait_s": 3}
        receipt = told(await client.call_tool("generate_image", said))
        assert receipt["status"] == "working"
        assert "cannot be written" in receipt["error"]["message"]
        assert receipt["credits"]["charged"] == 1
        (home.folder / "out").unlink()
        after = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 20}))
    assert after["status"] == "completed"
    assert Path(after["media"][0]["path"]).is_file()
    assert len(home.calls("POST", "/text-to-image/generate")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_says_so_and_loses_nothing(tmp_path: Path, box: Box) -> None:
    key = "pk_full_disk"
    own = box.environ(key) | {"CALLSHEET_HOME": str(tmp_path / "home"), "CALLSHEET_OUTPUT_DIR": str(tmp_path / "out")}
    own["PYTHONDONTWRITEBYTECODE"] = "1"  # half a module would outlive the test

    def run(*command: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(command, env=surroundings(own), capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    large = ("--model", "nano-banana-2", "--resolution", "4K", "--options", '{"output_format": "png"}')
    said = ("image", "a fox", *large, "--wait-s", "8")
    code, receipt = run("bash", "-c", 'ulimit -f 500; exec "$@"', "-", CALLSHEET, *said)
    assert code == 3
    assert "the disk is full" in receipt["error"]["message"]
    code, after = run(CALLSHEET, "job", receipt["job_id"], "--wait")
    assert (code, after["status"]) == (0, "completed")
    assert box.creates(key, "nano-banana") == 1


async def test_a_process_that_slept_through_its_lease_while_sending_still_pays_once(house: MakeHouse) -> None:
    answered, asked = anyio.Event(), anyio.Event()

    async def create(_request: httpx2.Request) -> Any:
        asked.set()
        await answered.wait()
        return JSONResponse({"job_id": "job-1", "credits_used": 1.0})

    phaya, home = Stranger({CREATE: create}), house()
    settings = home.settings(**phaya.environ)
    async with Studio.open(settings, phaya.transports) as sleeper:
        job, _ = await sleeper.orders.place(GenerateImage.of({"prompt": "a fox", "model": "z-image"}))
        await asked.wait()
        async with Studio.open(settings, phaya.transports) as other:
            async with other.ledger.writing.begin() as db:
                await db.execute(update(jobs).values(lease=0.0))
            other.carrier.take(job.id)
            with anyio.fail_after(20):
                while (await other.ledger.get(job.id)).stage != "unknown":
                    await anyio.sleep(0.02)
            answered.set()
            await other.carrier.wait(job.id, 20)
            receipt = await other.receipts.of(job.id)
    assert receipt.status == "completed"
    assert phaya.count(CREATE) == 1


async def test_an_id_that_another_job_has_makes_a_job_unknown_and_no_third(tmp_path: Path) -> None:
    phaya = Stranger()
    async with House(tmp_path).client(phaya) as client:
        first = told(await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image"}))
        twin = told(await client.call_tool("generate_image", {"prompt": "an owl", "model": "z-image"}))
    assert (first["status"], twin["status"]) == ("completed", "unknown")
    assert "the id of another job" in twin["error"]["message"]
    assert phaya.count("POST /text-to-image/generate") == 2
