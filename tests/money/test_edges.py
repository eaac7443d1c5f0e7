"""Money at its edges: figures that cannot be, balances that cannot be read, and caps that hold meanwhile."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.responses import JSONResponse

from tests.conftest import House, Stranger, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]
CREATE = "POST /text-to-image/generate"
STATUS = "GET /text-to-image/status/job-1"
ROUTES = ("POST /user/credits/invalidate-cache", "GET /user/credits")


async def image(client: Client, prompt: str, **said: Any) -> dict[str, Any]:
    words = {"prompt": prompt, "model": "phaya/z-image", **said}
    return told(await client.call_tool("generate_image", words))


async def test_a_charge_of_nothing_while_a_job_runs_keeps_its_reservation(house: MakeHouse) -> None:
    tickets = [{"job_id": f"job-{n}", "credits_used": 0} for n in range(1, 9)]
    looks = {f"GET /text-to-image/status/job-{n}": {"status": "PROCESSING", "credits_used": 0} for n in range(1, 9)}
    phaya = Stranger({CREATE: tickets, **looks})
    async with house().client(phaya, CALLSHEET_MAX_PER_DAY="phaya=3") as client:
        found = []
        for n in range(6):
            found.append(await image(client, f"fox {n}", wait_s=0))
            with anyio.fail_after(20):
                while phaya.count(CREATE) < min(n + 1, 3):
                    await anyio.sleep(0.01)
        last = await image(client, "one fox more", wait_s=5)
    assert last["status"] == "refused"
    assert phaya.count(CREATE) == 3
    assert found[0]["status"] == "working"


@pytest.mark.parametrize("figure", [-1000, 1e30])
async def test_a_charge_that_cannot_be_is_not_believed(house: MakeHouse, figure: float) -> None:
    done = {"status": "COMPLETED", "credits_used": figure, "image_url": f"{Stranger.origin}/files/1.png"}
    phaya = Stranger({CREATE: {"job_id": "job-1", "credits_used": figure}, STATUS: done})
    async with house().client(phaya) as client:
        receipt = await image(client, "a fox", wait_s=20)
    assert receipt["status"] == "completed"
    assert (receipt["credits"]["charged"], receipt["credits"]["basis"]) == (1.0, "documented")
    assert receipt["credits"]["spent_today"] == 1.0


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("route", ROUTES)
async def test_a_balance_that_cannot_be_read_stops_nothing(house: MakeHouse, route: str, status: int) -> None:
    phaya = Stranger({route: JSONResponse({"detail": "no"}, status)})
    async with house().client(phaya, CALLSHEET_MAX_PER_DAY="phaya=1") as client:
        receipt = await image(client, "a fox", wait_s=20)
        over = await image(client, "a hare", wait_s=20)
    assert receipt["status"] == "completed"
    assert "balance" not in receipt["credits"]
    assert over["status"] == "refused"


async def test_many_calls_at_once_share_one_read_of_the_balance(house: MakeHouse) -> None:
    phaya = Stranger()
    async with house().client(phaya) as client, anyio.create_task_group() as tasks:
        for n in range(20):
            tasks.start_soon(image, client, f"fox {n}")
    assert phaya.count("GET /user/credits") == 1
