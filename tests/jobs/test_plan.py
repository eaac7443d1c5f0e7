"""Plans: several calls that feed one another, one price, one yes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitResult

from tests.conftest import House, told
from tests.conftest import text as text_of
from tests.robot import RobotHouse
from tests.server.mcp.test_approval import Person

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

FILM: list[dict[str, Any]] = [
    {"tool": "generate_image", "arguments": {"prompt": "a fox in snow"}},
    {"tool": "generate_video", "arguments": {"prompt": "it looks up", "image": "$1", "duration_seconds": 4}},
    {"tool": "generate_music", "arguments": {"prompt": "cold and hopeful", "instrumental": True}},
    {"tool": "trim_video", "arguments": {"video": "$2", "start_seconds": 0, "end_seconds": 2}},
    {"tool": "add_audio", "arguments": {"video": "$4", "audio": "media://$3/0"}},
]


async def ended(client: Client, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The receipts of jobs once they have ended."""
    return [told(await client.call_tool("get_job", {"job_id": job["job_id"], "wait_s": 60})) for job in jobs]


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_a_film_is_priced_agreed_to_and_started_as_one(house: MakeHouse, era: str) -> None:
    home, person = house(), Person()
    limit = {"CALLSHEET_ASK_ABOVE": "phaya=3"}  # no single call is dearer
    async with home.client(talk={"elicitation_callback": person, "mode": era}, **limit) as client:
        planned = told(await client.call_tool("plan", {"calls": FILM}))
        assert planned["reserved"] == {"phaya": 7.0}
        assert [job["status"] for job in planned["jobs"]] == ["working"] * 5
        assert planned["next"].startswith(f"get_job(job_id='{planned['jobs'][-1]['job_id']}'")
        again = told(await client.call_tool("plan", {"calls": FILM}))
        assert again["repeated"] is True
        assert [job["job_id"] for job in again["jobs"]] == [job["job_id"] for job in planned["jobs"]]
        done = await ended(client, planned["jobs"])
    assert [job["status"] for job in done] == ["completed"] * 5, done
    assert [job["credits"]["charged"] for job in done] == [1.0, 3.0, 3.0, 0.0, 0.0]
    assert all(job["sandbox"] for job in done), "nor is a cut of what the sandbox made the work of a real model"
    assert 1.9 < done[-1]["media"][0]["seconds"] < 2.2
    assert len(person.asked) == 1
    for fact in (
        *("5 calls under one yes", "1. generate_image with phaya/z-image “a fox in snow”: 1 credit."),
        *("3. generate_music with phaya/suno", "Together at phaya: 7 credits (sandbox, no real money)."),
        "93 of 100 credits would be left",
    ):
        assert fact in person.asked[0]
    assert home.credits == 93


async def test_a_plan_has_a_quote(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_ASK_ABOVE="phaya=3") as client:
        quote = told(await client.call_tool("quote", {"operation": "plan", "arguments": {"calls": FILM}}))
    assert (quote["credits"], quote["published"]) == (7.0, True)
    assert quote["note"].startswith("1. phaya/z-image: 1 credit; 2. phaya/seedance-1.5-pro: 3 credits; ")
    assert "above the 3 credits" in quote["needs_consent"]
    assert not home.calls(route="create")


async def test_a_no_starts_none_of_it(house: MakeHouse) -> None:
    home, person = house(), Person("decline", None)
    limit = {"CALLSHEET_ASK_ABOVE": "phaya=3"}
    async with home.client(talk={"elicitation_callback": person}, **limit) as client:
        result = await client.call_tool("plan", {"calls": FILM})
        assert result.is_error
        assert "Nothing was spent" in text_of(result)
        assert told(await client.call_tool("list_jobs", {})) == {"jobs": []}
    async with home.client(**limit) as client:
        result = await client.call_tool("plan", {"calls": FILM})
        assert "max_credits in the arguments: 1 in call 1, 3 in call 2, 3 in call 3" in text_of(result)
        agreed = [{**call, "arguments": call["arguments"] | {"max_credits": 3}} for call in FILM]
        jobs = told(await client.call_tool("plan", {"calls": agreed}))["jobs"]
        assert [job["status"] for job in await ended(client, jobs)] == ["completed"] * 5
    assert len(person.asked) == 1


async def test_a_plan_fits_the_day_as_a_whole_or_not_at_all(house: MakeHouse) -> None:
    home = house()
    async with home.client(CALLSHEET_ASK="never", CALLSHEET_MAX_PER_DAY="phaya=6") as client:
        result = await client.call_tool("plan", {"calls": FILM})
        assert "this may cost 7 credits" in text_of(result) and "CALLSHEET_MAX_PER_DAY" in text_of(result)
        assert told(await client.call_tool("list_jobs", {})) == {"jobs": []}
    async with home.client(CALLSHEET_ASK="never", CALLSHEET_MAX_PER_JOB="phaya=3") as client:
        jobs = told(await client.call_tool("plan", {"calls": FILM}))["jobs"]
        assert [job["status"] for job in await ended(client, jobs)] == ["completed"] * 5


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([{"tool": "generate_image", "arguments": {"prompt": "a", "images": ["$1"]}}], "`$1` is no call before it"),
        ([{"tool": "generate_video", "arguments": {"image": "$2"}}, FILM[0]], "`$2` is no call before it"),
        ([FILM[0], {"tool": "chat", "arguments": {"prompt": "$1"}}], "`prompt` takes no result of another call"),
        ([FILM[0], {"tool": "generate_image", "arguments": {"promt": "b"}}], "did you mean `prompt`"),
        ([{"tool": "make_coffee", "arguments": {}}], "make_coffee"),
        ([], "calls"),
    ],
)
async def test_what_cannot_be_done_is_said_with_its_number(
    house: MakeHouse, calls: list[dict[str, Any]], why: str
) -> None:
    home = house()
    async with home.client() as client:
        result = await client.call_tool("plan", {"calls": calls})
        assert result.is_error
        assert why in text_of(result)
        if calls:
            assert "Call " in text_of(result)
    assert not home.calls(route="create")


async def test_what_fails_takes_only_those_with_it_that_needed_it(house: MakeHouse) -> None:
    home = house()
    calls = [
        {"tool": "generate_image", "arguments": {"prompt": "[fail] a fox"}},
        {"tool": "generate_video", "arguments": {"image": "$1", "prompt": "it looks up"}},
        {"tool": "generate_image", "arguments": {"prompt": "an owl", "count": 2}},
        {"tool": "trim_video", "arguments": {"video": "$2", "start_seconds": 0, "end_seconds": 1}},
    ]
    async with home.client(CALLSHEET_ASK="never") as client:
        done = await ended(client, told(await client.call_tool("plan", {"calls": calls}))["jobs"])
    assert [job["status"] for job in done] == ["failed", "cancelled", "completed", "cancelled"]
    assert len(done[2]["media"]) == 2
    assert done[2]["credits"]["charged"] == 2.0


SPEAKS: list[dict[str, Any]] = [
    {"tool": "generate_image", "arguments": {"prompt": "a face", "model": "progressive-robot/flux"}},
    {"tool": "generate_music", "arguments": {"prompt": "a song", "model": "ace-step", "duration_seconds": 12}},
    {"tool": "generate_video", "arguments": {"prompt": "it sings", "model": "wan-s2v", "image": "$1", "audio": "$2"}},
]
"""The last is priced for ten seconds until the song is there, which is longer."""


@pytest.mark.parametrize("era", ["legacy", "auto"])
@pytest.mark.parametrize("agrees", [True, False])
async def test_what_becomes_dearer_than_agreed_is_asked_again(tmp_path: Path, era: str, agrees: bool) -> None:
    home, person = RobotHouse(tmp_path), Person()
    talk = {"elicitation_callback": person, "mode": era}
    async with home.client(talk=talk, CALLSHEET_ASK="above") as client:
        *_, last = told(await client.call_tool("plan", {"calls": SPEAKS}))["jobs"]
        promised = last["credits"]["quoted"]
        person.reply = ElicitResult(
            action="accept" if agrees else "decline", content={"proceed": True} if agrees else None
        )
        with anyio.fail_after(60):
            while seen := told(await client.call_tool("get_job", {"job_id": last["job_id"], "wait_s": 1})):
                if seen["status"] != "working":
                    break
    assert len(person.asked) == 2, seen["error"]
    assert person.asked[1].startswith("generate_video with progressive-robot/wan-s2v costs more than was agreed to")
    if agrees:
        assert seen["status"] == "completed", seen
        assert seen["credits"]["charged"] > promised
    else:
        assert seen["status"] == "refused"
        assert "charged" not in seen["credits"]
    assert home.creates("/api/generate") == (1 if agrees else 0)


async def test_what_becomes_dearer_goes_on_where_nobody_need_be_asked(tmp_path: Path) -> None:
    home = RobotHouse(tmp_path)
    async with home.client(CALLSHEET_ASK="never") as client:
        *_, last = told(await client.call_tool("plan", {"calls": SPEAKS}))["jobs"]
        (done,) = await ended(client, [last])
    assert (done["status"], done["credits"]["charged"] > last["credits"]["quoted"]) == ("completed", True)
