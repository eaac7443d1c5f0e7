"""Lost and found: what the backend's lists prove, what a person may still decide, and the statement at the end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPDeprecationWarning
from sqlalchemy import update
from starlette.responses import JSONResponse

from callsheet.jobs.statement import statement
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import jobs
from callsheet.studio import Studio
from tests.conftest import House, Stranger, text, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

CREATE = "POST /text-to-image/generate"
HISTORY = "GET /text-to-image/history"
MOVES = "GET /user/credits/history"


def now(offset: float = 0.0) -> str:
    return datetime.fromtimestamp(time.time() + offset, UTC).isoformat()


def row(ticket: str = "job-1", **more: Any) -> dict[str, Any]:
    return {"job_id": ticket, "status": "PROCESSING", "created_at": now(), **more}


async def image(client: Client, prompt: str = "a fox", **said: Any) -> dict[str, Any]:
    said = {"prompt": prompt, "model": "z-image", "wait_s": 20, **said}
    return told(await client.call_tool("generate_image", said))


async def test_a_lost_answer_is_found_in_the_history_and_never_sent_again(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: httpx2.ReadError("lost"), HISTORY: {"jobs": [row(prompt="a fox")]}})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == "completed"
    assert phaya.count(CREATE) == 1


async def test_a_job_of_another_prompt_is_not_taken_for_ours(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: httpx2.ReadError("lost"), HISTORY: {"jobs": [row(prompt="a wolf")]}})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == "unknown"
    assert "may have accepted" in receipt["error"]["message"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"amount": -1.0, "type": "charge", "service": "text-to-image"}], True),
        ([{"amount": -1.0, "type": "charge", "service": "seedream"}], False),
        ([{"amount": -8.0, "type": "charge", "service": "text-to-image"}], False),
        ([{"amount": -1.0, "service": "text-to-image"}, {"job_id": "job-2", "amount": -1.0}], False),
        ([{"amount": -1.0, "service": "text-to-image", "created_at": "2020-01-01T00:00:00Z"}], False),
        ([{"amount": -1.0, "service": "text-to-image", "created_at": None}], False),
    ],
)
async def test_without_a_prompt_only_the_one_charge_that_can_be_ours_is_adopted(
    house: MakeHouse, rows: list[dict[str, Any]], found: bool
) -> None:
    phaya = Stranger({CREATE: httpx2.ReadError("lost"), MOVES: {"transactions": [row(**{**r}) for r in rows]}})
    async with house().client(phaya) as client:
        receipt = await image(client)
    assert receipt["status"] == ("completed" if found else "unknown")


async def test_a_job_that_the_ledger_holds_is_never_adopted_by_another(house: MakeHouse) -> None:
    phaya = Stranger({HISTORY: {"jobs": [row(prompt="a fox")]}})
    async with house().client(phaya) as client:
        assert (await image(client))["status"] == "completed"
        phaya.answers[CREATE] = httpx2.ReadError("lost")
        assert (await image(client, variation=2))["status"] == "unknown"


async def test_a_list_that_cannot_be_read_proves_nothing(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: httpx2.ReadError("lost"), HISTORY: JSONResponse([1, "x"]), MOVES: JSONResponse("what?")})
    async with house().client(phaya) as client:
        assert (await image(client))["status"] == "unknown"
    assert phaya.count(CREATE) == 1


async def test_sending_again_needs_a_fresh_consent_and_is_another_job(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: [httpx2.ReadError("lost"), {"job_id": "job-1", "credits_used": 1.0}]})
    async with house().client(phaya) as client:
        lost = await image(client)
        assert lost["status"] == "unknown"
        refused = await client.call_tool("resubmit_job", {"job_id": lost["job_id"]})
        assert refused.is_error
        assert "paid already (1 credit)" in text(refused)
        assert "max_credits=1" in text(refused)
        assert phaya.count(CREATE) == 1
        again = told(await client.call_tool("resubmit_job", {"job_id": lost["job_id"], "max_credits": 1}))
        assert again["status"] == "completed"
        assert again["job_id"] != lost["job_id"]
        twice = await client.call_tool("resubmit_job", {"job_id": lost["job_id"], "max_credits": 1})
        assert "only an unknown job" in text(twice)
        old = told(await client.call_tool("get_job", {"job_id": lost["job_id"]}))
        assert old["status"] == "failed"
        assert again["job_id"] in old["error"]["message"]
    assert phaya.count(CREATE) == 2


async def test_sending_again_looks_first_whether_it_has_turned_up(house: MakeHouse) -> None:
    phaya = Stranger({CREATE: httpx2.ReadError("lost")})
    async with house().client(phaya) as client:
        lost = await image(client)
        phaya.answers[HISTORY] = {"jobs": [row(prompt="a fox")]}
        found = told(await client.call_tool("resubmit_job", {"job_id": lost["job_id"], "max_credits": 1}))
    assert found["job_id"] == lost["job_id"]
    assert found["status"] == "completed"
    assert phaya.count(CREATE) == 1


async def test_the_statement_explains_every_credit_and_says_what_none_explains(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        await image(client)
        failed = await image(client, "a fox [fail]")
        assert failed["status"] == "failed"
    async with Studio.open(home.settings(), home.transports) as studio:
        await studio.balances.read("sandbox/phaya")
        told_ = await statement(studio.books, "sandbox/phaya", datetime.now(UTC).date())
        assert (told_.moved, told_.explained, told_.unexplained) == (-1.0, -1.0, 0.0)
        assert len(told_.receipts) == 2
        owner = home.box.app.box.accounts.all()[0]["owner"]
        home.box.app.box.accounts.set("phaya", owner, home.credits - 7)
        await studio.balances.read("sandbox/phaya")
        after = await statement(studio.books, "sandbox/phaya", datetime.now(UTC).date())
    assert after.unexplained == -7.0


async def test_a_promised_refund_that_the_balance_shows_is_booked_as_observed(house: MakeHouse) -> None:
    phaya = Stranger({"GET /text-to-image/status/job-1": {"status": "FAILED", "error": "no luck"}})
    home = house()
    async with home.client(phaya) as client:
        receipt = await image(client)
        assert receipt["credits"]["refund_expected"] == 1.0
    async with Studio.open(home.settings(**phaya.environ), phaya.transports) as studio:
        await studio.balances.read("phaya")
        await statement(studio.books, "phaya", datetime.now(UTC).date())
        job = await studio.ledger.get(receipt["job_id"])
    assert (job.refunded, job.refund_expected, job.basis) == (1, 0, "observed")


async def test_a_price_that_nobody_reports_is_observed_in_the_balance(house: MakeHouse) -> None:
    balance = {"credits_balance": 100.0}
    phaya = Stranger(
        {
            "POST /text-to-speech/generate": {"job_id": "job-1"},
            "GET /text-to-speech/status/job-1": {"status": "COMPLETED", "audio_url": "http://phaya.test/files/1.png"},
            "GET /user/credits": [balance, {"credits_balance": 99.7}],
        }
    )
    async with house().client(phaya) as client:
        said = {"text": "hello", "max_credits": 1, "wait_s": 20}
        first = told(await client.call_tool("generate_speech", said))
        receipt = told(await client.call_tool("get_job", {"job_id": first["job_id"], "wait_s": 5}))
    assert receipt["credits"]["charged"] == pytest.approx(0.3)
    assert receipt["credits"]["basis"] == "observed"


async def test_the_same_call_after_a_restart_is_the_same_job(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        first = await image(client)
    async with home.client() as client:
        again = await image(client)
    assert again["job_id"] == first["job_id"]
    assert again["repeated"] is True
    assert len(home.calls("POST", "/text-to-image/generate")) == 1


async def test_a_ping_is_answered_while_a_tool_waits(house: MakeHouse) -> None:
    home = house(speed=0.2)
    async with home.client(talk={"mode": "legacy"}) as client:
        slowest = 0.0

        async def ping() -> None:
            nonlocal slowest
            while True:
                sent = time.monotonic()
                with pytest.warns(MCPDeprecationWarning):
                    await client.send_ping()
                slowest = max(slowest, time.monotonic() - sent)
                await anyio.sleep(0.05)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ping)
            assert (await image(client, wait_s=3))["status"] == "working"
            tasks.cancel_scope.cancel()
    assert 0 < slowest < 1.0


async def test_a_refusal_names_what_else_could_do_it_and_for_how_much(house: MakeHouse) -> None:
    async with house().client() as client:
        said = {"prompt": "a fox", "model": "phaya/seedance-1.5-pro"}
        receipt = told(await client.call_tool("generate_video", said))
    assert receipt["status"] == "refused"
    assert "generate_video(…, model='" in receipt["next"]
    assert "credit" in receipt["next"]


async def test_a_job_without_an_end_is_stalled_but_never_given_up(house: MakeHouse) -> None:
    phaya, home = Stranger({"GET /text-to-image/status/job-1": {"status": "DREAMING"}}), house()
    async with home.client(phaya) as client:
        receipt = await image(client, wait_s=1)
        assert receipt["progress"] == "dreaming"
        async with Ledger.open(home.settings().database, "other") as ledger, ledger.writing.begin() as db:
            await db.execute(update(jobs).values(sent_at=time.time() - 7200))
        after = told(await client.call_tool("get_job", {"job_id": receipt["job_id"]}))
    assert after["status"] == "working"
    assert after["progress"].startswith("stalled: no end after 120 min")
