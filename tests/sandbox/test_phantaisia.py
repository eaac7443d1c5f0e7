"""The sandbox's Phantaisia, through the front door: the order of its checks, its codes, its money, its media."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from typing import Any

import httpx2
import pytest

from callsheet_sandbox import phantaisia, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.backends.phantaisia import TIER_B, desk
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace

pytestmark = pytest.mark.anyio

TOKEN = "not-a-real-token"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
BASE = "http://phantaisia.sandbox"
NOWHERE = "http://127.0.0.1:9/no-picture.png"  # nothing listens there: the sandbox takes a stand-in
SINGLE = {"prompt_image": NOWHERE, "prompt": "a boat", "model": "advanced", "duration": "4s"}
BOTH = {"first_frame": NOWHERE, "last_frame": NOWHERE, "prompt": "a boat", "model": "advanced", "duration": "4s"}


@dataclass
class House:
    """A client of one sandbox and its box."""

    client: httpx2.AsyncClient
    box: Box

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return await self.client.post(path, json=body, **options)

    async def ok(self, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.post(path, body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def single(self, **body: Any) -> dict[str, Any]:
        return await self.ok("/v1/run/single_frame_video", SINGLE | body)

    async def status(self, job: dict[str, Any]) -> dict[str, Any]:
        return await self.ok(f"/v1/status/single_frame_video/{job['id']}")

    def looks(self, looks: int) -> None:
        self.box.jobs.set_pace(Pace("looks", looks))

    @property
    def left(self) -> Decimal:
        return self.box.balance("phantaisia", owner_of(TOKEN))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    transport = Transport("phantaisia", None, pace="looks", looks=1, rate=1000, credits={"phantaisia": 1000.0})
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=HEADERS, timeout=30) as client:
        yield House(client, transport.app.box)


def uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


@pytest.fixture(scope="module")
def still() -> bytes:
    return props.picture("a boat", 320, 200)


async def test_a_token_is_given_for_a_name_and_opens_one_account(house: House) -> None:
    anonymous = {"Authorization": ""}
    form = {"username": "me@example.com", "password": "not-a-real-password"}
    said = (await house.client.post("/token", data=form, headers=anonymous)).json()
    assert said.keys() == {"access_token", "token_type"}
    assert said["token_type"] == "bearer"
    again = (await house.client.post("/token", data=form, headers=anonymous)).json()
    assert again == said
    mine = {"Authorization": f"Bearer {said['access_token']}"}
    assert (await house.client.get("/v1/credits", headers=mine)).json() == {"credits": 1000.0}
    lacking = await house.client.post("/token", data={"username": "me"}, headers=anonymous)
    assert (lacking.status_code, lacking.json()["detail"][0]["loc"]) == (422, ["body", "password"])
    for headers in (anonymous, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}):
        refused = await house.client.get("/v1/credits", headers=headers)
        assert (refused.status_code, refused.json()) == (401, {"detail": "Not authenticated"})


async def test_a_job_goes_from_queue_to_progress_to_completed_under_one_status_route(house: House) -> None:
    house.looks(3)
    for path, body in (("single_frame_video", SINGLE), ("first_last_frame_video", BOTH)):
        job = await house.ok(f"/v1/run/{path}", body)
        assert job["id"].startswith("job-")
        assert job == {"id": job["id"], "status": "IN_QUEUE"}
        assert await house.status(job) == {"id": job["id"], "status": "IN_QUEUE", "output": {}}
        assert await house.ok(f"/v1/status/single_frame_video/{job['id']}", {}) == {
            "id": job["id"],
            "status": "IN_PROGRESS",
            "output": {},
        }
        done = await house.status(job)
        url = f"{BASE}/storage/v1/object/public/sandbox/{job['id']}.mp4"
        assert done == {
            "id": job["id"],
            "status": "COMPLETED",
            "output": {"video_url": url, "video_status": "completed"},
        }


async def test_a_status_is_a_post_of_ones_own_job_without_a_body(house: House) -> None:
    job = await house.single()
    path = f"/v1/status/single_frame_video/{job['id']}"
    assert (await house.client.get(path)).status_code == 405
    assert (await house.post(path, {"id": job["id"]})).status_code == 422
    missing = await house.post("/v1/status/single_frame_video/job-nothing")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Job not found"})
    assert (await house.post(path, headers={"Authorization": "Bearer another"})).status_code == 404
    assert (await house.post(f"/v2/status/{job['id']}")).status_code == 404


PRICES = [
    ("simple", "4s", 5),
    ("advanced", "4s", 10),
    ("advanced", "6s", 15),
    ("advanced", "8s", 20),
    ("performance", "4s", 20),
    ("performance", "6s", 30),
    ("performance", "8s", 40),
]


async def test_a_job_is_paid_when_it_is_taken_on_by_model_and_length(house: House) -> None:
    for model, duration, price in PRICES:
        before = house.left
        job = await house.single(model=model, duration=duration)
        assert before - house.left == price
        await house.status(job)
    before = house.left
    await house.ok("/v1/run/first_last_frame_video", BOTH | {"duration": "8s", "aspect_ratio": "ignored"})
    assert before - house.left == 20
    assert (await house.client.get("/v1/credits")).json() == {"credits": float(house.left)}


async def test_a_failed_job_is_200_with_its_reason_and_its_credits_back(house: House) -> None:
    job = await house.single(prompt="a boat [fail]")
    assert house.left == 990
    assert await house.status(job) == {
        "id": job["id"],
        "status": "FAILED",
        "output": {"video_status": "failed", "video_error": "VEO generation failed"},
    }
    assert house.left == 1000


CODED: list[tuple[str, dict[str, Any], str]] = [
    ("single", {"model": "turbo"}, "INVALID_VIDEO_MODEL"),
    ("single", {"model": "turbo", "aspect_ratio": "16:9"}, "INVALID_VIDEO_MODEL"),
    ("both", {"model": "simple"}, "INVALID_VIDEO_MODEL"),
    ("both", {"model": "performance"}, "INVALID_VIDEO_MODEL"),
    ("single", {"aspect_ratio": "16:9"}, "INVALID_ASPECT_RATIO_FOR_MODEL"),
    ("single", {"model": "simple", "aspect_ratio": "1:1"}, "INVALID_ASPECT_RATIO_FOR_MODEL"),
    ("single", {"model": "simple", "duration": "6s"}, "INVALID_DURATION_FOR_MODEL"),
    ("single", {"model": "simple", "duration": "8s"}, "INVALID_DURATION_FOR_MODEL"),
]
LISTED: list[tuple[str, dict[str, Any], str]] = [
    ("single", {"prompt": ""}, "prompt"),
    ("single", {"prompt": "x" * 2001}, "prompt"),
    ("single", {"duration": 4}, "duration"),
    ("single", {"duration": "5s", "model": "turbo"}, "duration"),
    ("single", {"model": "performance", "aspect_ratio": "1:1"}, "aspect_ratio"),
    ("single", {"prompt_image": "boat.png"}, "prompt_image"),
    ("single", {"prompt_image": "data:image/png;base64,bm90IGFuIGltYWdl"}, "prompt_image"),
    ("single", {"seed": 1}, "seed"),
    ("both", {"prompt_image": NOWHERE}, "prompt_image"),
]
PATHS = {
    "single": ("/v1/run/single_frame_video", SINGLE),
    "both": ("/v1/run/first_last_frame_video", BOTH),
}


async def test_what_cannot_be_done_is_422_in_the_documented_order_even_without_credits(house: House) -> None:
    house.box.accounts.set("phantaisia", owner_of(TOKEN), Decimal(4))
    for kind, wrong, code in CODED:
        path, body = PATHS[kind]
        answer = await house.post(path, body | wrong)
        assert (answer.status_code, answer.json()["error_code"]) == (422, code), (kind, wrong)
        assert answer.json().keys() == {"error_code", "detail"}
    for kind, wrong, field in LISTED:
        path, body = PATHS[kind]
        answer = await house.post(path, body | wrong)
        assert answer.status_code == 422, (kind, wrong)
        assert [found["loc"] for found in answer.json()["detail"]] == [["body", field]], (kind, wrong)
    for lacking in SINGLE:
        body = {name: value for name, value in SINGLE.items() if name != lacking}
        assert (await house.post("/v1/run/single_frame_video", body)).status_code == 422
    assert all(entry.valid is False for entry in house.box.log.entries("phantaisia"))
    short = await house.post("/v1/run/single_frame_video", SINGLE)
    assert (short.status_code, short.json()) == (402, {"detail": "Insufficient credits"})
    assert house.left == 4


async def test_a_fourth_job_at_once_is_429_and_a_fifth_in_tier_b(house: House) -> None:
    house.looks(2)
    jobs = [await house.single() for _ in range(3)]
    busy = await house.post("/v1/run/single_frame_video", SINGLE)
    assert (busy.status_code, busy.json()) == (429, {"detail": "Too many simultaneous requests"})
    assert house.left == 970
    other = await house.post("/v1/run/single_frame_video", SINGLE, headers={"Authorization": "Bearer another"})
    assert other.status_code == 200
    for _ in range(2):
        await house.status(jobs[0])
    assert (await house.post("/v1/run/single_frame_video", SINGLE)).status_code == 200
    box = Box(None, pace=Pace("looks", 2))
    app = desk(box, simultaneous=TIER_B).app()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE, headers=HEADERS) as client:
        answers = [await client.post("/v1/run/single_frame_video", json=SINGLE) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    box.close()


async def test_the_61st_request_in_a_minute_is_429_with_the_seconds_to_wait() -> None:
    transport = Transport("phantaisia", None, clock=lambda: 1_790_000_000.0)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=HEADERS) as client:
        for _ in range(60):
            assert (await client.get("/v1/credits")).status_code == 200
        answer = await client.get("/v1/credits")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


async def seen(house: House, path: str, body: dict[str, Any]) -> props.Facts:
    """Run a video job; what is in the file."""
    done = await house.status(await house.ok(path, body))
    video = await house.client.get(done["output"]["video_url"], headers={"Authorization": ""})
    assert video.status_code == 200, video.text
    return props.facts(video.content)


async def test_videos_are_of_the_asked_length_and_shape(house: House, still: bytes) -> None:
    plain = await seen(house, "/v1/run/single_frame_video", SINGLE | {"prompt_image": uri(still), "model": "simple"})
    assert (plain.mime, plain.video_codec, plain.width, plain.height) == ("video/mp4", "h264", 768, 480)
    assert isclose(plain.seconds, 4, abs_tol=0.05)
    tall = {"prompt_image": uri(still), "model": "performance", "aspect_ratio": "2:3", "duration": "4s"}
    shaped = await seen(house, "/v1/run/single_frame_video", SINGLE | tall)
    assert (shaped.width, shaped.height) == (720, 1080)
    frames = {"first_frame": uri(still), "last_frame": NOWHERE, "duration": "6s"}
    fade = await seen(house, "/v1/run/first_last_frame_video", BOTH | frames)
    assert (fade.width, fade.height) == (1152, 720)
    assert isclose(fade.seconds, 6, abs_tol=0.05)


async def test_filters_and_styles_are_maps_of_names(house: House) -> None:
    for path in ("/v1/filters/", "/v1/workflows/", "/v4/multi_swap_styles/"):
        answer = await house.client.get(path)
        assert answer.status_code == 200
        assert all(id.isdigit() and name for id, name in answer.json().items())


async def test_image_routes_answer_with_images_drawn_from_what_came_in(house: House, still: bytes) -> None:
    bare = base64.b64encode(still).decode()
    face = {"base64": bare, "filter_id": 101, "gender": 1, "capture_mode": 1, "ratio": "2:3"}
    swap = {"input_image": uri(still), "style_id": 301, "overlay": False}
    routes = [
        ("/v1/run/face_swap", face, "/v2/status/", (683, 1024)),
        ("/v2/run/filter_id/", face | {"ratio": ""}, "/v2/status/", (1024, 640)),
        ("/v3/run/multi_swap", swap, "/v3/status_multi_swap/", (1024, 640)),
    ]
    house.looks(3)
    for path, body, status, size in routes:
        before = house.left
        job = await house.ok(path, body)
        assert job == {"id": job["id"], "status": "PENDING"}
        assert before - house.left == 1
        words = [(await house.ok(status + job["id"], {}))["status"] for _ in range(2)]
        assert words == ["PENDING", "PROCESSING"]
        done = await house.ok(status + job["id"])
        assert done.keys() == {"id", "status", "output"}
        [image] = done["output"]["images"]
        facts = props.facts(base64.b64decode(image, validate=True))
        assert (done["status"], facts.mime, (facts.width, facts.height)) == ("COMPLETED", "image/jpeg", size)
    house.looks(1)
    failing = await house.ok("/v1/run/face_swap", face | {"ratio": "[fail]"})
    before = house.left
    failed = await house.ok(f"/v2/status/{failing['id']}")
    assert (failed["status"], failed["output"], bool(failed["error"])) == ("FAILED", {}, True)
    assert house.left == before + 1
    for field in face:
        body = {name: value for name, value in face.items() if name != field}
        assert (await house.post("/v1/run/face_swap", body)).status_code == 422
    for wrong in ({"filter_id": 999}, {"filter_id": "101"}, {"base64": "not base64"}, {"base64": "bm90IGFuIGltYWdl"}):
        assert (await house.post("/v1/run/face_swap", face | wrong)).status_code == 422
    assert (await house.post("/v3/run/multi_swap", swap | {"style_id": 1})).status_code == 422


async def test_the_entry_point_gives_a_transport_with_a_full_account() -> None:
    async with httpx2.AsyncClient(transport=phantaisia(), base_url=BASE, headers=HEADERS) as client:
        assert (await client.get("/v1/credits")).json() == {"credits": 1000.0}
