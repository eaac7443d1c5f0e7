"""Phantaisia, through the front door: which model takes what, what is sent, and pictures that come as base64."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from callsheet.backends.dialect import Route
from callsheet.catalogue.catalogue import can
from callsheet.catalogue.words import OPERATIONS
from callsheet.settings.settings import Settings
from callsheet.studio import Studio
from callsheet_sandbox import props
from callsheet_sandbox.jobs import Pace
from callsheet_server.mcp.server import build
from tests.conftest import TOOLSETS, Nowhere, told
from tests.ours import catalogue
from tests.wire import OverPort, shown

pytestmark = pytest.mark.anyio

STILL = props.picture("a lake", 96, 64, format="jpeg")
URI = f"data:image/jpeg;base64,{base64.b64encode(STILL).decode()}"
SINGLE, FIRST_LAST = "/v1/run/single_frame_video", "/v1/run/first_last_frame_video"
FACE = {"filter_id": 101, "gender": 1, "capture_mode": 2, "ratio": "1:1"}


@dataclass
class Door(httpx2.AsyncBaseTransport):
    """The way to Phantaisia: writes down what passes."""

    box: OverPort
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, httpx2.Response] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raw = await request.aread()
        self.seen.append((request.method, request.url.path, json.loads(raw) if raw.startswith(b"{") else None))
        if (answer := self.answers.get(request.url.path)) is not None:
            return answer
        return await self.box.handle_async_request(request)

    async def aclose(self) -> None:
        await self.box.aclose()

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return self if account == "sandbox/phantaisia" else Nowhere()

    @property
    def creates(self) -> list[tuple[str, Any]]:
        """Every create: its path and its body."""
        return [(path, body) for method, path, body in self.seen if method == "POST" and "/run/" in path]

    @property
    def left(self) -> Decimal:
        """Credits left, as the sandbox has it."""
        return Decimal(self.box.app.box.accounts.all()[0]["balance"])


@dataclass
class Set:
    """One owner, whose only backend is the sandbox's Phantaisia."""

    folder: Path
    door: Door

    def settings(self, **more: str) -> Settings:
        own = {"CALLSHEET_HOME": str(self.folder / "home"), "CALLSHEET_OUTPUT_DIR": str(self.folder / "out")}
        free = {"CALLSHEET_RATE": "100000", "CALLSHEET_UNPRICED": "allow", "CALLSHEET_ASK": "never"}
        return Settings.load(environ=own | free | more)

    @asynccontextmanager
    async def client(self, **more: str) -> AsyncIterator[Client]:
        server, _ = build(self.settings(**more), self.door.transports, TOOLSETS)
        async with Client(server) as client:
            yield client


@pytest.fixture
def stage(tmp_path: Path) -> Set:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lake.jpg").write_bytes(STILL)
    box = OverPort("phantaisia", tmp_path / "box", speed=50.0, rate=100_000, credits={"phantaisia": 1000.0})
    return Set(tmp_path, Door(box))


async def video(client: Client, **said: Any) -> dict[str, Any]:
    words = {"prompt": "the lake ripples", "image": URI, "wait_s": 60}
    return told(await client.call_tool("generate_video", words | said))


async def filtered(client: Client, **said: Any) -> dict[str, Any]:
    return told(await client.call_tool("apply_filter", {"image": URI, "wait_s": 60} | said))


# -- video ----------------------------------------------------------------------------------------------------------


async def test_a_file_of_this_machine_goes_inline_and_is_set_in_motion(stage: Set) -> None:
    async with stage.client() as client:
        receipt = await video(client, model="phantaisia/simple", image=str(stage.folder / "out" / "lake.jpg"))
    body = {"prompt": "the lake ripples", "prompt_image": URI, "duration": "4s", "aspect_ratio": "auto"}
    assert stage.door.creates == [(SINGLE, body | {"model": "simple"})]
    assert receipt["status"] == "completed", receipt
    assert receipt["media"][0]["mime_type"] == "video/mp4" and receipt["media"][0]["seconds"] == 4.0
    looks = {(method, path.rpartition("/")[0], body) for method, path, body in stage.door.seen if "/status/" in path}
    assert looks == {("POST", "/v1/status/single_frame_video", None)}


async def test_first_and_last_frame_go_where_only_advanced_is(stage: Set) -> None:
    url = "https://example.com/last.jpg"
    async with stage.client() as client:
        receipt = await video(client, model="phantaisia/advanced", last_image=url, duration_seconds=6)
    body = {"prompt": "the lake ripples", "first_frame": URI, "last_frame": url, "duration": "6s", "model": "advanced"}
    assert stage.door.creates == [(FIRST_LAST, body)]
    assert (receipt["status"], receipt["media"][0]["seconds"]) == ("completed", 6.0)
    assert "/v1/status/single_frame_video/" in stage.door.seen[-2][1]


async def test_performance_takes_a_shape_and_8_seconds(stage: Set) -> None:
    async with stage.client() as client:
        receipt = await video(client, model="phantaisia/performance", aspect_ratio="2:3", duration_seconds=8)
    [(path, body)] = stage.door.creates
    assert (path, body["model"], body["duration"], body["aspect_ratio"]) == (SINGLE, "performance", "8s", "2:3")
    assert receipt["status"] == "completed" and receipt["media"][0]["height"] > receipt["media"][0]["width"]


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ({}, "simple"),
        ({"duration_seconds": 6}, "advanced"),
        ({"last_image": "https://example.com/last.jpg"}, "advanced"),
        ({"aspect_ratio": "9:16"}, "performance"),
        ({"aspect_ratio": "3:2", "duration_seconds": 8}, "performance"),
    ],
)
def test_the_words_choose_the_model(said: dict[str, Any], model: str) -> None:
    words = OPERATIONS["generate_video"].of({"prompt": "the lake ripples", "image": URI, **said})
    assert catalogue.ask(words, ["phantaisia"]).id == f"phantaisia/{model}"


@pytest.mark.parametrize(
    ("model", "said", "reason", "other"),
    [
        ("simple", {"duration_seconds": 6}, "`duration_seconds`", "phantaisia/advanced"),
        ("simple", {"last_image": URI}, "it takes no `last_image`", "phantaisia/advanced"),
        ("advanced", {"aspect_ratio": "16:9"}, "`aspect_ratio`", "phantaisia/performance"),
        ("performance", {"last_image": URI}, "it takes no `last_image`", "phantaisia/advanced"),
        ("performance", {"aspect_ratio": "21:9"}, "`aspect_ratio`", None),
        ("advanced", {"duration_seconds": 5}, "`duration_seconds`", None),
        ("advanced", {"image": None}, "`image` is required", None),
        ("advanced", {"seed": 1}, "it takes no `seed`", None),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    stage: Set, model: str, said: dict[str, Any], reason: str, other: str | None
) -> None:
    words = {"prompt": "the lake ripples", "image": URI, "model": f"phantaisia/{model}"} | said
    async with stage.client() as client:
        result = await client.call_tool("generate_video", {k: v for k, v in words.items() if v is not None})
    text = " ".join(part.text for part in result.content if part.type == "text")
    assert result.is_error and reason in text
    ask = OPERATIONS["generate_video"].of({k: v for k, v in words.items() if v is not None})
    able = [m.id for m in catalogue.models("generate_video", "phantaisia") if can(m, ask)]
    assert other is None or other in able
    assert not stage.door.seen


async def test_a_video_has_no_published_price_and_there_is_no_balance_to_read(stage: Set) -> None:
    async with stage.client(CALLSHEET_UNPRICED="ask") as client:
        receipt = await video(client, model="phantaisia/simple")
        assert receipt["status"] == "refused" and "max_credits=5" in receipt["error"]["message"]
        receipt = await video(client, model="phantaisia/simple", max_credits=5)
        [account] = told(await client.call_tool("get_credits", {"backend": "phantaisia"}))["accounts"]
    assert receipt["status"] == "completed"
    assert receipt["credits"]["quoted"] == receipt["credits"]["spent_today"] == 5.0
    assert "charged" not in receipt["credits"] and "balance" not in receipt["credits"]
    assert "balance" not in account and account["spent_today"] == 5.0


async def test_a_failed_video_answers_200_and_says_why(stage: Set) -> None:
    async with stage.client() as client:
        receipt = await video(client, model="phantaisia/simple", prompt="a storm [fail]")
    assert (receipt["status"], receipt["credits"]["spent_today"]) == ("failed", 0.0)
    assert "VEO generation failed" in receipt["error"]["message"]
    assert stage.door.left == 1000


async def test_no_more_than_three_jobs_are_under_way_at_once(stage: Set) -> None:
    jobs = stage.door.box.app.box.jobs
    jobs.set_pace(Pace("looks", 1_000_000, 1.0))
    async with stage.client() as client:
        ids = [(await video(client, model="phantaisia/simple", variation=n, wait_s=0))["job_id"] for n in range(5)]
        with anyio.fail_after(20):
            while len(stage.door.creates) < 3:
                await anyio.sleep(0.02)
        jobs.set_pace(Pace("looks", 1, 1.0))
        for job_id in ids:
            done = told(await client.call_tool("get_job", {"job_id": job_id, "wait_s": 60}))
            assert done["status"] == "completed", done
    entries = stage.door.box.app.box.log.entries("phantaisia")
    assert [e.status for e in entries if e.route == SINGLE] == [200] * 5


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (422, {"error_code": "INVALID_VIDEO_MODEL", "detail": "No such model"}, "No such model"),
        (422, {"error_code": "INVALID_VIDEO_MODEL"}, "INVALID_VIDEO_MODEL"),
        (422, {"detail": {"error_code": "INVALID_VIDEO_MODEL"}}, "INVALID_VIDEO_MODEL"),
        (422, {"error": {"error_code": "INVALID_ASPECT_RATIO_FOR_MODEL"}}, "INVALID_ASPECT_RATIO_FOR_MODEL"),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]}, "prompt: Field required"),
        (402, {"detail": "Insufficient credits"}, "too few credits left"),
        (401, {"detail": "Not authenticated"}, "Check PHANTAISIA_TOKEN"),
        (400, "<html>no</html>", "refused the request (400)."),
    ],
)
async def test_error_codes_are_read_wherever_they_are(stage: Set, status: int, body: Any, expected: str) -> None:
    answer = httpx2.Response(status, text=body) if isinstance(body, str) else httpx2.Response(status, json=body)
    stage.door.answers[SINGLE] = answer
    async with stage.client() as client:
        receipt = await video(client, model="phantaisia/simple")
    assert receipt["status"] == ("refused" if status == 402 else "failed")
    assert expected in receipt["error"]["message"]


# -- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "path", "look"),
    [("filter", "/v2/run/filter_id/", "/v2/status"), ("face-swap", "/v1/run/face_swap", "/v2/status")],
)
async def test_a_filter_s_numbers_go_raw_and_its_picture_is_stored(
    stage: Set, model: str, path: str, look: str
) -> None:
    async with stage.client() as client:
        receipt = await filtered(client, model=f"phantaisia/{model}", options=FACE)
    assert stage.door.creates == [(path, FACE | {"base64": URI})]
    assert receipt["status"] == "completed", receipt
    assert receipt["credits"]["quoted"] == receipt["credits"]["charged"] == 1 == 1000 - stage.door.left
    [item] = receipt["media"]
    assert item["mime_type"] == "image/jpeg" and item["width"] == item["height"] and "url" not in item
    assert Path(item["path"]).read_bytes()[:3] == b"\xff\xd8\xff"
    assert {p.rpartition("/")[0] for m, p, _ in stage.door.seen if "status" in p} == {look}


async def test_a_whole_group_changes_into_a_style(stage: Set) -> None:
    async with stage.client() as client:
        first = await filtered(client, model="phantaisia/face-swap", options=FACE)
        options = {"style_id": 303, "overlay": True}
        receipt = await filtered(client, model="phantaisia/multi-swap", image=first["job_id"], options=options)
    path, body = stage.door.creates[-1]
    assert (path, body["style_id"], body["overlay"]) == ("/v3/run/multi_swap", 303, True)
    stored = Path(first["media"][0]["path"]).read_bytes()
    assert body["input_image"] == f"data:image/jpeg;base64,{base64.b64encode(stored).decode()}"
    assert receipt["status"] == "completed" and receipt["media"][0]["mime_type"] == "image/jpeg"
    assert any(path.startswith("/v3/status_multi_swap/") for _, path, _ in stage.door.seen)


async def test_a_filter_needs_its_numbers_and_one_that_fails_gives_its_credit_back(stage: Set) -> None:
    async with stage.client() as client:
        result = await client.call_tool("apply_filter", {"image": URI, "model": "phantaisia/filter"})
        text = " ".join(part.text for part in result.content if part.type == "text")
        assert result.is_error and "`filter_id` is required" in text and "`gender` is required" in text
        wrong = await filtered(client, model="phantaisia/filter", options=FACE | {"filter_id": 999})
        assert wrong["status"] == "failed" and "filter_id: Input should be one of 101" in wrong["error"]["message"]
        receipt = await filtered(client, model="phantaisia/filter", options=FACE | {"ratio": "[fail]"})
    assert (receipt["status"], receipt["credits"]["refund_expected"]) == ("failed", 1.0)
    assert receipt["credits"]["spent_today"] == 0 and stage.door.left == 1000
    assert "The sandbox was asked to fail this job" in receipt["error"]["message"]


async def test_filters_and_styles_are_told_live(stage: Set) -> None:
    async with stage.client() as client:
        one = told(await client.call_tool("describe_model", {"model": "phantaisia/filter"}))
        group = told(await client.call_tool("describe_model", {"model": "phantaisia/multi-swap"}))
    assert one["live"]["filters"]["101"] == "Watercolour" and one["live"]["workflows"]["201"] == "Photo booth"
    assert group["live"]["styles"]["303"] == "Space crew"
    assert one["options"]["filter_id"]["required"] and one["credits"] == "1"


async def test_the_token_and_the_base_are_settings(stage: Set) -> None:
    settings = stage.settings(PHANTAISIA_TOKEN="not-a-real-token", PHANTAISIA_BASE="https://api.phantaisia.test/")
    async with Studio.open(settings, lambda account: stage.door) as studio:
        told_live = await studio.providers.at("phantaisia").tell("/v1/filters/")
    assert studio.settings.base("phantaisia") == "https://api.phantaisia.test" and told_live["104"] == "Film noir"
    assert studio.providers.account("phantaisia") == "phantaisia"


# -- every route ----------------------------------------------------------------------------------------------------

ROUTES = {
    "POST /v1/run/single_frame_video": "generate_video",
    "POST /v1/run/first_last_frame_video": "generate_video",
    "POST /v1/status/single_frame_video/{id}": "every look",
    "GET /v1/filters/": "describe_model",
    "GET /v1/workflows/": "describe_model",
    "GET /v4/multi_swap_styles/": "describe_model",
    "POST /v1/run/face_swap": "apply_filter",
    "POST /v2/run/filter_id/": "apply_filter",
    "POST /v2/status/{id}": "every look",
    "POST /v3/run/multi_swap": "apply_filter",
    "POST /v3/status_multi_swap/{id}": "every look",
    "POST /token": "by hand",
    "GET /v1/credits": "callsheet api",
}
"""Every route that is described, and the two that are likely; and how each is reached."""


async def test_every_route_is_reached_and_answers(stage: Set) -> None:
    async with stage.client() as client:
        jobs = [
            await video(client, model="phantaisia/simple"),
            await video(client, model="phantaisia/advanced", last_image=URI),
            await filtered(client, model="phantaisia/filter", options=FACE),
            await filtered(client, model="phantaisia/face-swap", options=FACE),
            await filtered(client, model="phantaisia/multi-swap", options={"style_id": 301, "overlay": False}),
        ]
        for model in ("filter", "multi-swap"):
            await client.call_tool("describe_model", {"model": f"phantaisia/{model}"})
    assert {job["status"] for job in jobs} == {"completed"}, jobs
    async with Studio.open(stage.settings(), stage.door.transports) as studio:
        provider = studio.providers.at("phantaisia")
        form = {"username": "fox", "password": "not-a-real-1"}
        assert (await provider.once(Route("POST", "/token", form, files={}))).object["token_type"] == "bearer"
        assert (await provider.once(Route("GET", "/v1/credits"))).object["credits"] < 1000
    assert not shown(stage.door.box, "phantaisia", ROUTES)
