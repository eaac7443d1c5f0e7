"""Dollars: each backend bills in a unit of its own; only dollars are added up, compared and limited together."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from callsheet.errors import RequestError
from callsheet.settings.settings import Settings
from tests.conftest import text as text_of
from tests.conftest import told
from tests.market import Market
from tests.ours import BACKENDS

pytestmark = pytest.mark.anyio

FOX = {"prompt": "a fox", "model": "phaya/z-image"}
"""A baht."""
SPEECH = {"text": "good evening", "model": "progressive-robot/tts"}
PLAN = [{"tool": "generate_image", "arguments": FOX}, {"tool": "generate_speech", "arguments": SPEECH}]


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return Market(tmp_path)


async def call(client: Client, name: str, **said: Any) -> dict[str, Any]:
    return told(await client.call_tool(name, said))


def test_every_backend_that_costs_something_says_what_its_unit_is_worth_and_who_says_so() -> None:
    for backend in BACKENDS:
        if backend.key:
            assert backend.worth, backend.name
            assert 0 < backend.worth.usd < 1
            assert backend.worth.source
            assert backend.worth.on > "2026"


async def test_a_quote_and_a_receipt_say_the_unit_and_about_how_many_dollars(market: Market) -> None:
    async with market.client() as client:
        quote = await call(client, "quote", operation="generate_image", arguments=FOX)
        assert (quote["credits"], quote["unit"], quote["usd"]) == (1.0, "THB", 0.029)
        answer = await client.call_tool("generate_image", FOX)
        credits = told(answer)["credits"]
        assert (credits["charged"], credits["unit"], credits["usd"]) == (1.0, "THB", 0.029)
        assert "1 credit charged (about $0.029)" in text_of(answer)
        failed = await call(client, "generate_image", **FOX | {"prompt": "[fail] a fox"})
        back = failed["credits"].get("refunded", 0.0)
        assert failed["credits"]["usd"] == pytest.approx(0.029 * (1 - back)), "what came back was not spent"


async def test_who_bought_cheaper_says_so(market: Market) -> None:
    async with market.client(CALLSHEET_WORTH="phaya=0.01") as client:
        assert (await call(client, "quote", operation="image", arguments=FOX))["usd"] == 0.01
        assert (await call(client, "generate_image", **FOX))["credits"]["usd"] == 0.01


def test_one_number_is_not_the_worth_of_every_unit(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"CALLSHEET_WORTH.*for which backend"):
        Settings.load(environ={"CALLSHEET_HOME": str(tmp_path), "CALLSHEET_WORTH": "0.02"})


async def test_a_plan_over_two_backends_has_one_total_in_dollars(market: Market) -> None:
    async with market.client() as client:
        single = [await call(client, "quote", operation=one["tool"], arguments=one["arguments"]) for one in PLAN]
        whole = await call(client, "quote", operation="plan", arguments={"calls": PLAN})
        assert whole["usd"] == pytest.approx(sum(one["usd"] for one in single))
        assert "credits" not in whole
        done = await call(client, "plan", calls=PLAN)
        assert done["usd"] == pytest.approx(whole["usd"])
        accounts = (await call(client, "get_credits"))["accounts"]
        assert {row["backend"]: row.get("unit") for row in accounts}["phaya"] == "THB"
        assert all(row["usd"] > 0 for row in accounts if "balance" in row)


async def test_a_limit_in_dollars_binds_all_backends_together(market: Market) -> None:
    """A picture for 2.9 cents and a voice together pass three cents, though neither does alone."""
    async with market.client(CALLSHEET_MAX_PER_DAY="usd=0.03") as client:
        assert (await call(client, "generate_image", **FOX))["status"] == "completed"
        refused = await call(client, "generate_speech", **SPEECH)
        assert refused["status"] == "refused"
        assert "of today's $0.03" in refused["error"]["message"]
        assert "CALLSHEET_MAX_PER_DAY" in refused["error"]["message"]
        assert market.posts("progressive-robot") == []
        quote = await call(client, "quote", operation="speech", arguments=SPEECH)
        assert "of today's $0.03" in quote["refused"]
    async with Market(market.folder / "other").client(CALLSHEET_MAX_PER_DAY="usd=0.03") as client:
        whole = await client.call_tool("plan", {"calls": PLAN})
        assert whole.is_error
        assert "$0.03" in text_of(whole)
        assert (await call(client, "list_jobs"))["jobs"] == []


async def test_one_job_may_be_capped_and_asked_about_in_dollars(market: Market) -> None:
    async with market.client(CALLSHEET_MAX_PER_JOB="usd=0.02") as client:
        refused = await call(client, "generate_image", **FOX, max_credits=9)
        assert (refused["status"], refused["error"]["kind"]) == ("refused", "spend")
        assert "about $0.029; one job is capped at $0.02" in refused["error"]["message"]
    async with Market(market.folder / "other").client(CALLSHEET_ASK_ABOVE="usd=0.02") as client:
        asked = await call(client, "generate_image", **FOX)
        assert asked["status"] == "refused"
        assert "above the $0.02 that may be spent unasked" in asked["error"]["message"]
        assert (await call(client, "generate_image", **FOX, max_credits=1))["status"] == "completed"
