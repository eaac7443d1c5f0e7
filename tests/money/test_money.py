"""Money: a price before every job, caps that hold, reservations that cannot be overdrawn."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from mcp import Client

from tests.conftest import House, Stranger, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

TWO = {"prompt": "a fox", "model": "nano-banana-2"}
"""Costs two credits, and three in 2K."""
SPEECH = {"text": "good evening"}


async def call(client: Client, name: str, **said: Any) -> dict[str, Any]:
    return told(await client.call_tool(name, said))


def refused(receipt: dict[str, Any], *words: str) -> None:
    """A refusal says why, and that nothing was spent."""
    assert receipt["status"] == "refused", receipt
    assert receipt["error"]["kind"] == "spend"
    assert receipt["credits"]["spent_today"] == 0.0
    for word in words:
        assert word in receipt["error"]["message"]


async def test_nobody_is_asked_below_the_limit_and_a_person_above_it(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_ASK_ABOVE="phaya=2") as client:
        assert (await call(client, "generate_image", **TWO))["status"] == "completed"
        dear = await call(client, "generate_image", **TWO, resolution="2K")
        assert (dear["status"], dear["credits"]["quoted"]) == ("refused", 3.0)
        assert "max_credits=3" in dear["error"]["message"]
        assert len(home.calls(route="nano-banana/create")) == 1
        agreed = await call(client, "generate_image", **TWO, resolution="2K", max_credits=3)
        assert (agreed["status"], agreed["credits"]["charged"]) == ("completed", 3.0)


async def test_max_credits_is_an_upper_bound_and_never_more(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        refused(await call(client, "generate_image", **TWO, max_credits=1.5), "2 credits", "max_credits=1.5")
    assert home.calls(route="create") == []


async def test_a_job_above_the_cap_is_refused_whatever_the_agent_says(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_MAX_PER_JOB="phaya=1.5") as client:
        refused(await call(client, "generate_image", **TWO, max_credits=100), "CALLSHEET_MAX_PER_JOB", "1.5")
        refused(await call(client, "generate_image", prompt="a fox", count=2, max_credits=9), "CALLSHEET_MAX_PER_JOB")
        assert (await call(client, "generate_image", prompt="a fox"))["status"] == "completed"
    assert len(home.calls(route="generate")) == 1


async def test_a_day_above_its_cap_is_refused(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_MAX_PER_DAY="phaya=3") as client:
        assert (await call(client, "generate_image", **TWO))["status"] == "completed"
        too_much = await call(client, "generate_image", **TWO, variation=2, max_credits=100)
        assert too_much["status"] == "refused"
        assert "CALLSHEET_MAX_PER_DAY" in too_much["error"]["message"]
        assert too_much["credits"]["spent_today"] == 2.0
        assert (await call(client, "generate_image", prompt="a fox"))["status"] == "completed"
    assert len(home.calls(route="nano-banana/create")) == 1


async def test_a_refund_gives_the_day_its_credits_back(house: MakeHouse) -> None:
    async with house().client(CALLSHEET_MAX_PER_DAY="phaya=2") as client:
        assert (await call(client, "generate_image", **TWO | {"prompt": "a fox [fail]"}))["status"] == "failed"
        assert (await call(client, "generate_image", **TWO))["status"] == "completed"


async def test_what_nobody_prices_needs_consent_unless_the_owner_says_otherwise(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        refused(await call(client, "generate_speech", **SPEECH), "nobody publishes", "max_credits=0.5")
        refused(await call(client, "generate_speech", **SPEECH, max_credits=0), "no published price", "max_credits=0.")
        assert home.calls(route="generate") == []
        agreed = await call(client, "generate_speech", **SPEECH, max_credits=0.5)
        assert (agreed["status"], agreed["credits"]["charged"], agreed["credits"]["basis"]) == (
            "completed",
            0.05,
            "reported",
        )
    async with home.client(CALLSHEET_UNPRICED="allow") as client:
        assert (await call(client, "generate_speech", **SPEECH, variation=2))["status"] == "completed"
    async with home.client(CALLSHEET_UNPRICED="refuse") as client:
        no = await call(client, "generate_speech", **SPEECH, variation=3, max_credits=5)
        assert no["status"] == "refused"
        assert "CALLSHEET_UNPRICED" in no["error"]["message"]


async def test_ask_always_asks_for_a_penny_and_max_credits_is_no_answer(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_ASK="always") as client:
        refused(await call(client, "generate_image", prompt="a fox"), "CALLSHEET_ASK")
        insisted = await call(client, "generate_image", prompt="a fox", max_credits=5)
        refused(insisted, "CALLSHEET_ASK")
        assert "call again with max_credits" not in insisted["error"]["message"]
    assert home.calls(route="generate") == []


async def test_ask_never_asks_nobody_while_the_caps_still_hold(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_ASK="never", CALLSHEET_MAX_PER_JOB="phaya=6") as client:
        assert (await call(client, "generate_image", **TWO, count=3))["status"] == "completed"
        refused_ = await call(client, "generate_video", prompt="a fox", model="veo-3.1")
        assert refused_["status"] == "refused"
        assert "CALLSHEET_MAX_PER_JOB" in refused_["error"]["message"]


async def test_too_few_credits_are_noticed_before_anything_is_sent(house: MakeHouse) -> None:
    home = house(credits=1.5)
    async with home.client() as client:
        refused(await call(client, "generate_image", **TWO), "2 credits", "1.5")
        assert (await call(client, "generate_image", prompt="a fox"))["status"] == "completed"
    assert home.calls(route="create", status=None) == []


async def test_a_balance_that_grew_is_seen_at_the_next_call(house: MakeHouse) -> None:
    home = house(credits=0.5)
    async with home.client() as client:
        assert (await call(client, "generate_image", prompt="a fox"))["status"] == "refused"
        accounts = home.box.app.box.accounts
        accounts.set("phaya", accounts.all()[0]["owner"], Decimal(10))
        assert (await call(client, "generate_image", prompt="a fox"))["status"] == "completed"


async def test_twenty_calls_at_once_against_credits_for_five_send_exactly_five(house: MakeHouse) -> None:
    home, receipts = house(credits=5), []
    async with home.client() as client, anyio.create_task_group() as tasks:

        async def one(number: int) -> None:
            receipts.append(await call(client, "generate_image", prompt=f"fox {number}", model="z-image"))

        for number in range(20):
            tasks.start_soon(one, number)
    assert sorted(receipt["status"] for receipt in receipts) == ["completed"] * 5 + ["refused"] * 15
    assert len(home.calls(route="generate", status=None)) == 5
    assert home.credits == 0


async def test_several_are_reserved_together_or_not_at_all(house: MakeHouse) -> None:
    home = house(credits=2)
    async with home.client() as client:
        receipt = await call(client, "generate_image", prompt="a fox", count=3)
        refused(receipt, "3 credits")
    assert home.calls(route="generate") == []


async def test_a_quote_says_the_price_what_is_left_and_whether_to_ask_and_spends_nothing(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        cheap = await call(client, "quote", operation="generate_image", arguments=TWO)
        assert (cheap["credits"], cheap["published"], cheap["balance"]) == (2.0, True, 100.0)
        assert "needs_consent" not in cheap
        dear = await call(client, "quote", operation="video", arguments={"prompt": "a fox", "model": "veo-3.1"})
        assert (dear["credits"], "max_credits=50" in dear["next"]) == (50.0, True)
        assert "50" in dear["needs_consent"]
        open_ended = await call(client, "quote", operation="generate_speech", arguments=SPEECH)
        assert (open_ended["published"], open_ended["high"]) == (False, 0.5)
        several = await call(client, "quote", operation="generate_image", arguments={"prompt": "a", "count": 4})
        assert several["credits"] == 4.0
    assert home.calls(route="generate") == home.calls(route="create") == []


async def test_a_charge_that_differs_from_the_quote_is_what_the_receipt_says(house: MakeHouse) -> None:
    phaya = Stranger({"POST /text-to-image/generate": {"job_id": "job-1", "credits_used": 1.25}})
    async with house().client(phaya) as client:
        receipt = await call(client, "generate_image", prompt="a fox", model="z-image")
    assert receipt["credits"]["quoted"] == 1.0
    assert (receipt["credits"]["charged"], receipt["credits"]["spent_today"]) == (1.25, 1.25)
    assert receipt["credits"]["basis"] == "reported"


async def test_credits_of_the_day_are_told_with_the_limits(house: MakeHouse) -> None:
    async with house().client() as client:
        await call(client, "generate_image", prompt="a fox")
        accounts = (await call(client, "get_credits", backend="phaya", detail=True))["accounts"]
    assert accounts[0] | {"balance": 99.0, "available": 99.0, "spent_today": 1.0, "max_per_day": 100.0} == accounts[0]
    assert accounts[0].keys() >= {"profile", "credits", "history", "queue"}


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"CALLSHEET_MAX_PER_JOB": "phaya=1.5"}, "CALLSHEET_MAX_PER_JOB"),
        ({"CALLSHEET_MAX_PER_DAY": "phaya=1"}, "CALLSHEET_MAX_PER_DAY"),
    ],
)
async def test_a_quote_says_what_no_consent_could_change(house: MakeHouse, limit: dict[str, str], why: str) -> None:
    async with house().client(**limit) as client:
        quote = await call(client, "quote", operation="generate_image", arguments=TWO)
        calls = {"calls": [{"tool": "generate_image", "arguments": TWO}]}
        whole = await call(client, "quote", operation="plan", arguments=calls)
    for one in (quote, whole):
        assert one["credits"] == 2.0
        assert why in one["refused"]
        assert not one.keys() & {"next", "needs_consent"}
