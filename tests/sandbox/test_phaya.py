"""The sandbox's Phaya, through the front door: documented shapes, exact prices, refusal of what is not documented."""

import base64
import json
import math
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from callsheet_sandbox import phaya, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import sandbox
from callsheet_sandbox.backends.phaya.utilities import ThaiSubtitle, VideoDownload, cues_of
from callsheet_sandbox.backends.phaya.videos import Kling
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace

pytestmark = pytest.mark.anyio

KEY = "pk_not_a_real_key"
BASE = "http://phaya.sandbox/api/v1"
PICTURE = "http://127.0.0.1:9/no-picture.png"  # nothing listens there: the sandbox takes a stand-in


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """A time of day that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A client of one sandbox, its transport and its clock."""

    client: httpx2.AsyncClient
    transport: Transport
    clock: Clock

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return await self.client.post(path, json=body, **options)

    async def get(self, path: str, **options: Any) -> dict[str, Any]:
        answer = await self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.post(path, body)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def set(self, **pace: Any) -> None:
        self.transport.app.box.jobs.set_pace(Pace(**pace))

    def looks(self, looks: int) -> None:
        self.set(pace="looks", looks=looks)

    @property
    def left(self) -> Decimal:
        return self.transport.app.box.balance("phaya", owner_of(KEY))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = Clock()
    transport = Transport("phaya", None, pace="looks", looks=1, rate=1000, clock=clock)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers, timeout=30) as client:
        yield House(client, transport, clock)


async def test_a_key_opens_an_account_of_100_credits_and_anything_else_is_401(house: House) -> None:
    for key in (KEY, "phaya_legacy", "sk_tolerated"):
        credits = await house.get("/user/credits", headers={"Authorization": f"Bearer {key}"})
        assert credits["credits_balance"] == 100.0
    for headers in ({"Authorization": "Bearer other_key"}, {"Authorization": ""}, {"Authorization": "Basic pk_x"}):
        answer = await house.client.get("/user/credits", headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {"detail": "Invalid API key", "error": "invalid_api_key"}
    voices = await house.client.get("/text-to-speech/voices", headers={"Authorization": ""})
    assert len(voices.json()["voices"]) == 19


async def test_the_balance_is_the_documented_body_and_cached_until_it_is_invalidated(house: House) -> None:
    fresh = await house.get("/user/credits")
    assert fresh["credits_balance_formatted"] == "100.00 เครดิต"
    assert fresh["currency"] == "THB"
    assert not fresh["cached"]
    await house.create("/text-to-image/generate", {"prompt": "a boat"})
    old = await house.get("/user/credits")
    assert (old["credits_balance"], old["cached"]) == (100.0, True)
    assert (await house.post("/user/credits/invalidate-cache")).json() == {"success": True}
    new = await house.get("/user/credits")
    assert (new["credits_balance"], new["cached"]) == (99.0, False)
    await house.create("/text-to-image/generate", {"prompt": "a boat"})
    house.clock.now += 31
    assert (await house.get("/user/credits"))["credits_balance"] == 98.0
    profile = await house.get("/user/profile")
    assert {"success", "user_id", "email", "credits_balance"} <= profile.keys()


async def test_the_61st_request_in_a_minute_is_429_with_the_seconds_to_wait() -> None:
    clock = Clock()
    transport = Transport("phaya", None, clock=clock)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        for _ in range(60):
            assert (await client.get("/user/profile")).status_code == 200
            clock.now += 0.5
        answer = await client.get("/user/profile")
        assert answer.status_code == 429
        assert answer.json() == {"detail": "Rate limit exceeded"}
        wait = int(answer.headers["retry-after"])
        assert wait == 30
        other = await client.get("/user/profile", headers={"Authorization": "Bearer pk_other"})
        assert other.status_code == 200
        clock.now += wait
        assert (await client.get("/user/profile")).status_code == 200


async def test_jobs_move_on_by_looks_through_the_words_of_their_family(house: House) -> None:
    house.looks(4)
    families = {
        "text-to-image/generate": ["PENDING", "QUEUED", "PROCESSING", "COMPLETED"],
        "text-to-music/generate": ["PENDING", "QUEUED", "PROCESSING", "COMPLETED"],
        "text-to-speech/generate": ["PENDING", "PROCESSING", "PROCESSING", "COMPLETED"],
        "seedream/create": ["processing", "processing", "processing", "completed"],
        "sora2-text-to-video/create": ["processing", "processing", "processing", "completed"],
    }
    for path, words in families.items():
        made = await house.create(f"/{path}", {"prompt": "a boat"})
        assert made["success"] is True
        assert made["status"] == words[0]
        service = path.partition("/")[0]
        looks = [(await house.get(f"/{service}/status/{made['job_id']}"))["status"] for _ in words]
        assert looks == words


async def test_jobs_move_on_by_seconds_scaled_by_speed(house: House) -> None:
    house.set(speed=2.0)
    video = await house.create("/veo31-video/create", {"prompt": "a boat"})
    for seconds, word in ((0, "processing"), (1.4, "processing"), (0.2, "completed")):
        house.clock.now += seconds
        assert (await house.get(f"/veo31-video/status/{video['job_id']}"))["status"] == word


async def test_a_pending_state_lags_five_seconds_only_when_asked() -> None:
    clock = Clock()
    transport = Transport("phaya", None, clock=clock, stale=True)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        job = (await client.post("/seedream/create", json={"prompt": "a boat"})).json()["job_id"]
        words = []
        for seconds in (0, 4, 2):
            clock.now += seconds
            words.append((await client.get(f"/seedream/status/{job}")).json()["status"])
        assert words == ["processing", "processing", "completed"]


async def test_a_job_is_charged_at_creation_and_seedream_at_completion(house: House) -> None:
    house.looks(2)
    await house.create("/nano-banana/create", {"prompt": "a boat", "resolution": "4K"})
    assert house.left == 96
    job = await house.create("/seedream/create", {"prompt": "a boat"})
    await house.get(f"/seedream/status/{job['job_id']}")
    assert house.left == 96
    done = await house.get(f"/seedream/status/{job['job_id']}")
    assert done["credits_used"] == 1.5
    assert house.left == Decimal("94.5")
    history = (await house.get("/user/credits/history", params={"limit": 2}))["transactions"]
    assert [(row["amount"], row["type"], row["service"]) for row in history] == [
        (-1.5, "charge", "seedream"),
        (-4.0, "charge", "nano-banana"),
    ]
    assert history[0]["job_id"] == job["job_id"]


async def test_a_failed_job_says_why_and_gives_its_credits_back(house: House) -> None:
    for path in ("text-to-image/generate", "seedream/create"):
        made = await house.create(f"/{path}", {"prompt": "a boat [fail]"})
        look = await house.get(f"/{path.partition('/')[0]}/status/{made['job_id']}")
        assert look["status"].lower() == "failed"
        assert look["error"]
        assert house.left == 100


async def test_cancelling_works_once_and_gives_everything_back(house: House) -> None:
    house.looks(3)
    job = (await house.create("/veo31-video/create", {"prompt": "a boat"}))["job_id"]
    assert house.left == 85
    first = await house.post(f"/veo31-video/cancel/{job}")
    assert (first.status_code, first.json()) == (200, {"success": True, "message": "Job cancelled successfully"})
    again = await house.post(f"/veo31-video/cancel/{job}")
    assert (again.status_code, again.json()) == (200, {"success": False, "message": "Job already completed"})
    assert (await house.get(f"/veo31-video/status/{job}"))["status"] == "cancelled"
    assert house.left == 100
    assert (await house.post("/image-to-video/cancel/whatever")).status_code == 404


async def test_what_the_account_cannot_pay_is_402_and_costs_nothing(house: House) -> None:
    body = {"backend": "phaya", "key": KEY, "credits": 1.5}
    assert (await house.post("http://phaya.sandbox/_sandbox/credits", body)).status_code == 200
    answer = await house.post("/sora2-text-to-video/create", {"prompt": "a boat"})
    assert answer.status_code == 402
    assert answer.json() == {
        "detail": "Insufficient credits",
        "error": "insufficient_credits",
        "required": 8.0,
        "credits_balance": 1.5,
    }
    assert house.left == Decimal("1.5")


async def test_a_job_of_another_key_or_another_service_is_404(house: House) -> None:
    job = (await house.create("/text-to-image/generate", {"prompt": "a boat"}))["job_id"]
    stranger = {"Authorization": "Bearer pk_stranger"}
    for path, headers in ((f"/text-to-image/status/{job}", stranger), (f"/seedream/status/{job}", {})):
        answer = await house.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Job not found"})


PRICES: list[tuple[str, dict[str, Any], str]] = [
    ("text-to-image/generate", {"prompt": "x"}, "1"),
    ("seedream/create", {"prompt": "x", "quality": "high"}, "1.5"),
    *[("nano-banana/create", {"prompt": "x", "resolution": f"{n}K"}, p) for n, p in ((1, "2"), (2, "3"), (4, "4"))],
    ("gpt-image-2-text-to-image/create", {"prompt": "x", "resolution": "2K", "aspect_ratio": "1:1"}, "2"),
    ("gpt-image-2-image-to-image/create", {"prompt": "x", "input_urls": [PICTURE], "resolution": "4K"}, "4"),
    ("image-to-video/create", {"image_url": PICTURE}, "0.5"),
    ("sora2-video/create", {"prompt": "x", "image_urls": [PICTURE], "n_frames": "20"}, "8"),
    ("sora2-text-to-video/create", {"prompt": "x", "n_frames": "15"}, "8"),
    ("sora2-character/create", {"character_file_url": PICTURE}, "0.5"),
    ("veo31-video/create", {"prompt": "x"}, "15"),
    ("veo31-video/create", {"prompt": "x", "model": "veo3"}, "50"),
    ("text-to-music/generate", {"prompt": "x"}, "3"),
    ("text-to-speech/generate", {"prompt": "x" * 1000}, "0.05"),
    ("text-to-speech/generate", {"prompt": "x" * 1001}, "0.10"),
    *[
        ("seedance-video/create", {"prompt": "a boat", "resolution": r, "duration": d, "generate_audio": a}, p)
        for r, rows in {
            "480p": (("4", "2", "3"), ("8", "3", "6"), ("12", "4", "8")),
            "720p": (("4", "3", "6"), ("8", "6", "12"), ("12", "9", "18")),
            "1080p": (("4", "6", "12"), ("8", "12", "23"), ("12", "18", "35")),
        }.items()
        for d, *both in rows
        for a, p in zip((False, True), both, strict=True)
    ],
]


async def test_every_price_is_the_documented_one(house: House) -> None:
    for path, body, price in PRICES:
        await house.post("http://phaya.sandbox/_sandbox/credits", {"backend": "phaya", "key": KEY, "credits": 100})
        made = await house.create(f"/{path}", body)
        service = path.partition("/")[0]
        look = await house.get(f"/{service}/status/{made['job_id']}")
        assert look["credits_used"] == made["credits_used"] == float(price), (path, body)
        assert house.left == 100 - Decimal(price), (path, body)


WRONG: list[tuple[str, dict[str, Any], list[str | int]]] = [
    ("text-to-image/generate", {"prompt": "x", "aspect_ration": "1:1"}, ["aspect_ration"]),
    ("text-to-image/generate", {"aspect_ratio": "1:1"}, ["prompt"]),
    ("text-to-image/generate", {"prompt": "x" * 1001}, ["prompt"]),
    ("text-to-image/generate", {"prompt": "x", "aspect_ratio": "21:9"}, ["aspect_ratio"]),
    ("seedream/create", {"prompt": "x", "image_urls": [PICTURE, PICTURE]}, ["image_urls"]),
    ("seedream/create", {"prompt": "x", "image_urls": ["picture.png"]}, ["image_urls", 0]),
    ("nano-banana/create", {"prompt": "x", "image_urls": [PICTURE]}, ["image_urls"]),
    ("gpt-image-2-text-to-image/create", {"prompt": "x", "aspect_ratio": "auto", "resolution": "2K"}, []),
    ("gpt-image-2-text-to-image/create", {"prompt": "x", "aspect_ratio": "1:1", "resolution": "4K"}, []),
    ("gpt-image-2-image-to-image/create", {"prompt": "x", "input_urls": [PICTURE] * 6}, ["input_urls"]),
    ("image-to-video/create", {"image_url": PICTURE, "zoom": True}, ["zoom"]),
    ("image-to-video/create", {"image_url": PICTURE, "duration": "5"}, ["duration"]),
    ("image-to-video/create", {"image_url": PICTURE, "audio_url": PICTURE}, ["audio_url"]),
    ("sora2-video/create", {"prompt": "x", "image_urls": []}, ["image_urls"]),
    ("sora2-text-to-video/create", {"prompt": "x", "n_frames": 10}, ["n_frames"]),
    ("sora2-text-to-video/create", {"prompt": "x", "aspect_ratio": "16:9"}, ["aspect_ratio"]),
    ("sora2-text-to-video/create", {"prompt": "x", "aspect_ratio": "square"}, ["aspect_ratio"]),
    ("seedance-video/create", {"prompt": "ab"}, ["prompt"]),
    ("seedance-video/create", {"prompt": "abc", "duration": 8}, ["duration"]),
    ("seedance-video/create", {"prompt": "abc", "generate_audio": 1}, ["generate_audio"]),
    (
        "kling-motion-control/create",
        {"input_urls": [PICTURE], "video_urls": [PICTURE], "resolution": "720p"},
        ["resolution"],
    ),
    ("veo31-video/create", {"prompt": "x", "seeds": 9999}, ["seeds"]),
    ("veo31-video/create", {"prompt": "x", "quality": "fast"}, ["quality"]),
    ("text-to-music/generate", {"prompt": "x", "duration": 30}, ["duration"]),
    ("text-to-music/generate", {"prompt": "x", "style_weight": 1.5}, ["style_weight"]),
    ("text-to-speech/generate", {"text": "x"}, ["prompt"]),
    ("text-to-speech/generate", {"prompt": "x", "voice": "zephyr"}, ["voice"]),
    ("thai-subtitle/generate", {"video_url": PICTURE}, ["media_url"]),
    ("thai-subtitle/generate", {"media_url": PICTURE, "timing_offset_ms": 301}, ["timing_offset_ms"]),
    ("video-download/create", {"url": PICTURE, "quality": "1080p"}, ["quality"]),
    ("media/merge-audio-video", {"video_url": PICTURE}, ["audio_url"]),
    ("phaya-gpt/chat/completions", {"messages": []}, ["messages"]),
    ("phaya-gpt/chat/completions", {"messages": [{"role": "tool", "content": "x"}]}, ["messages", 0, "role"]),
    ("embedding/create", {"input": "x", "dimensions": 8}, ["dimensions"]),
]


async def test_what_is_not_documented_is_422_and_costs_nothing(house: House) -> None:
    for path, body, where in WRONG:
        answer = await house.post(f"/{path}", body)
        assert answer.status_code == 422, (path, body, answer.text)
        problems = answer.json()["detail"]
        assert ["body", *where] in [found["loc"] for found in problems], (path, problems)
        assert all(found.keys() == {"loc", "msg", "type"} for found in problems)
    nonsense = await house.client.post("/seedream/create", content=b"{", headers={"Content-Type": "application/json"})
    assert nonsense.status_code == 422
    assert (await house.client.get("/user/credits", params={"fresh": "1"})).status_code == 422
    assert house.left == 100
    log = (await house.get("http://phaya.sandbox/_sandbox/log"))["requests"]
    assert all(entry["valid"] is False for entry in log)
    assert log[0]["route"] == "/api/v1/text-to-image/generate"


async def test_two_processes_with_one_folder_see_the_same_job_and_the_same_money(tmp_path: Path) -> None:
    opener = (
        "import anyio, httpx2, pathlib, sys\n"
        "from callsheet_sandbox import phaya\n"
        "async def main():\n"
        f"    headers = {{'Authorization': 'Bearer {KEY}'}}\n"
        "    async with httpx2.AsyncClient(transport=phaya(pathlib.Path(sys.argv[1])), headers=headers) as client:\n"
        f"        answer = await client.post('{BASE}/seedream/create', json={{'prompt': 'a boat'}})\n"
        "        print(answer.json()['job_id'])\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", opener, str(tmp_path)]
    jobs: list[str] = []

    async def child() -> None:
        jobs.append((await anyio.run_process(command)).stdout.decode().strip())

    async with anyio.create_task_group() as both:
        both.start_soon(child)
        both.start_soon(child)
    headers = {"Authorization": f"Bearer {KEY}"}
    here = sandbox(tmp_path)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(here), base_url=BASE, headers=headers) as client:
        here.box.jobs.set_pace(Pace("looks", 1))
        for job in jobs:
            assert (await client.get(f"/seedream/status/{job}")).json()["status"] == "completed"
        assert (await client.get("/user/credits")).json()["credits_balance"] == 97.0
    here.box.close()


async def test_the_entry_point_gives_a_transport_and_answers_on_the_host_it_was_asked_by() -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    base = "http://127.0.0.1:8123/api/v1"
    async with httpx2.AsyncClient(transport=phaya(), base_url=base, headers=headers) as client:
        answer = await client.post("/media/upload", files={"file": ("a.txt", b"hello")})
        url = answer.json()["url"]
        assert url.startswith("http://127.0.0.1:8123/storage/v1/object/public/sandbox/")
        stored = await client.get(url, headers={"Authorization": ""})
        assert stored.content == b"hello"
        assert (await client.post("/media/upload", files={"video": ("a.txt", b"hello")})).status_code == 422


async def test_chat_is_flat_honest_and_paid_by_the_token(house: House) -> None:
    body = {"messages": [{"role": "user", "content": "how deep is the sea?"}], "web_search": True}
    reply = await house.create("/phaya-gpt/chat/completions", body)
    assert reply.keys() == {"success", "id", "model", "message", "usage", "credits_used", "finish_reason"}
    assert reply["model"] == "Phaya-GPT"
    assert "sandbox" in reply["message"]["content"]
    assert "how deep is the sea?" in reply["message"]["content"]
    assert "no web to search" in reply["message"]["content"]
    usage = reply["usage"]
    assert usage["prompt_tokens"] == 5
    price = Decimal("0.0000105") * 5 + Decimal("0.0000875") * usage["completion_tokens"]
    assert reply["credits_used"] == float(price)
    assert house.left == 100 - price
    short = await house.create("/phaya-gpt/chat/completions", body | {"max_tokens": 3})
    assert (short["finish_reason"], short["usage"]["completion_tokens"]) == ("length", 3)


async def test_a_chat_stream_ends_with_its_usage_and_done(house: House) -> None:
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": True}
    answer = await house.post("/phaya-gpt/chat/completions", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, done = [line[6:] for line in answer.text.splitlines() if line]
    assert done == "[DONE]"
    parsed = [json.loads(chunk) for chunk in chunks]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in parsed)
    assert text.endswith("You asked: hello")
    assert parsed[-1]["usage"]["total_tokens"] > 0
    assert house.left == 100 - Decimal(str(parsed[-1]["credits_used"]))


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def test_the_proxy_speaks_openai_with_tools_vision_and_streams(house: House) -> None:
    root = "http://phaya.sandbox"
    pixel = base64.b64encode(props.picture("x", 64, 64)).decode()
    seen = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    body: dict[str, Any] = {"model": "google/gemini-2.5-flash", "messages": [{"role": "user", "content": seen}]}
    for path in ("/v1/chat/completions", "/chat/completions"):
        reply = await house.create(root + path, body)
        assert reply["object"] == "chat.completion"
        assert "image/png, 64 x 64" in reply["choices"][0]["message"]["content"]
    asked = {"role": "user", "content": "Bangkok"}
    tools = {"model": "m", "messages": [asked], "tools": [WEATHER], "tool_choice": "required"}
    called = (await house.create(f"{root}/v1/chat/completions", tools))["choices"][0]
    assert called["finish_reason"] == "tool_calls"
    [call] = called["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Bangkok"}
    told = [asked, called["message"], {"role": "tool", "tool_call_id": call["id"], "content": "rain"}]
    after = await house.create(f"{root}/v1/chat/completions", tools | {"messages": told})
    assert "The tool answered: rain" in after["choices"][0]["message"]["content"]
    stream = await house.post(
        f"{root}/v1/chat/completions", body | {"stream": True, "stream_options": {"include_usage": True}}
    )
    *_, usage, done = [line[6:] for line in stream.text.splitlines() if line]
    assert done == "[DONE]"
    assert json.loads(usage)["choices"] == []
    response = await house.create(f"{root}/v1/responses", {"model": "m", "input": "hello"})
    assert response["output"][0]["content"][0]["text"].endswith("You asked: hello")
    events = await house.post(f"{root}/v1/responses", {"model": "m", "input": "hello", "stream": True})
    assert "event: response.output_text.delta" in events.text
    assert (await house.get(f"{root}/v1/models"))["object"] == "list"
    assert (await house.post(f"{root}/v1/chat/completions", body | {"temprature": 1})).status_code == 422


async def test_embeddings_are_4096_numbers_of_unit_length_and_the_same_every_time(house: House) -> None:
    one = await house.create("/embedding/create", {"input": "hello there, sea of stars"})
    assert one["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert one["credits_used"] == 0.0000196
    vector = one["data"][0]["embedding"]
    assert len(vector) == 4096
    assert math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-9)
    both = await house.create("/embedding/create", {"input": ["hello there, sea of stars", "x"]})
    assert both["data"][0]["embedding"] == vector
    proxied = await house.create("http://phaya.sandbox/v1/embeddings", {"input": "x", "model": "m"})
    assert proxied["data"][0]["embedding"] == both["data"][1]["embedding"]


async def test_histories_and_lists_hold_what_was_made(house: House) -> None:
    job = (await house.create("/text-to-image/generate", {"prompt": "a boat"}))["job_id"]
    await house.get(f"/text-to-image/status/{job}")
    [row] = (await house.get("/text-to-image/history", params={"limit": 5}))["jobs"]
    assert (row["job_id"], row["status"], row["prompt"]) == (job, "COMPLETED", "a boat")
    made = (await house.create("/sora2-character/create", {"character_file_url": PICTURE}))["job_id"]
    character = (await house.get(f"/sora2-character/status/{made}"))["character_id"]
    [listed] = (await house.get("/sora2-character/list"))["characters"]
    assert (listed["character_id"], listed["job_id"]) == (character, made)
    assert (await house.post("/seedance-video/callback", {"anything": 1})).json() == {"success": True}
    for path in ("phaya-gpt/models", "phaya-gpt/pricing", "embedding/pricing", "video-download/supported-platforms"):
        assert await house.get(f"/{path}")


async def made(house: House, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, props.Facts]]:
    """Run a job and fetch every file it made; what is in each."""
    job = (await house.create(f"/{path}", body))["job_id"]
    service = "media" if path.startswith("media/") else path.partition("/")[0]
    look = await house.get(f"/{service}/status/{job}")
    assert look["status"].lower() == "completed", look
    facts = {}
    for name, url in look.items():
        if isinstance(url, str) and url.startswith("http"):
            answer = await house.client.get(url, headers={"Authorization": ""})
            assert answer.status_code == 200, answer.text
            facts[name] = props.facts(answer.content)
    return look, facts


async def upload(house: House, data: bytes, name: str) -> str:
    answer = await house.client.post("/media/upload", files={"file": (name, data)})
    return str(answer.json()["url"])


@pytest.fixture(scope="module")
def clip() -> bytes:
    """Two seconds of video with speech the sandbox remembers."""
    return props.with_audio(props.clip("a boat", 320, 180, 2.0, fps=12), props.speech("Hello from the sea.").audio)


async def test_pictures_come_in_the_asked_shape_size_and_format(house: House) -> None:
    _, wide = await made(house, "text-to-image/generate", {"prompt": "a boat", "aspect_ratio": "16:9"})
    assert wide["image_url"][1:5] == ("image/png", "png", 1344, 768)
    start = await upload(house, props.picture("start", 640, 320), "start.png")
    auto = {"prompt": "a boat", "image_input": [start], "aspect_ratio": "auto"}
    look, banana = await made(house, "nano-banana/create", auto)
    assert look["image_urls"] == [look["image_url"]]
    facts = banana["image_url"]
    assert (facts.mime, facts.width, facts.height) == ("image/jpeg", 1472, 704)


async def test_seedance_has_sound_only_when_asked(house: House) -> None:
    body = {"prompt": "a boat", "duration": "4", "resolution": "480p", "aspect_ratio": "1:1"}
    look, silent = await made(house, "seedance-video/create", body)
    assert look["audio_url"] is None
    assert not silent["video_url"].audio
    _, loud = await made(house, "seedance-video/create", body | {"generate_audio": True})
    assert loud["audio_url"].kind == "audio"
    video = loud["video_url"]
    assert (video.width, video.height, round(video.seconds), video.audio_codec) == (480, 480, 4, "aac")


async def test_music_is_two_mp3_tracks_and_speech_is_wav(house: House) -> None:
    look, music = await made(house, "text-to-music/generate", {"prompt": "a calm tune", "instrumental": True})
    first, second = look["audio_urls"]
    assert first == look["audio_url"] != second
    assert music["audio_url"].mime == "audio/mpeg"
    _, speech = await made(house, "text-to-speech/generate", {"prompt": "hello", "language": "en"})
    assert speech["audio_url"].mime == "audio/wav"


async def test_kling_is_billed_by_the_seconds_of_its_reference(house: House, clip: bytes) -> None:
    seconds = Decimal(str(round(props.facts(clip).seconds, 3)))
    body = {
        "input_urls": [await upload(house, props.picture("me", 320, 400), "me.png")],
        "video_urls": [await upload(house, clip, "clip.mp4")],
    }
    low = await house.create("/kling-motion-control/create", body)
    assert low["credits_used"] == float(seconds * Decimal("1.21"))
    high = await house.create("/kling-motion-control/create", body | {"mode": "1080p"})
    assert high["credits_used"] == float(seconds * Decimal("1.82"))
    small = body | {"input_urls": [await upload(house, props.picture("me", 256, 400), "me.png")]}
    assert (await house.post("/kling-motion-control/create", small)).status_code == 422


async def test_kling_never_bills_more_seconds_than_it_makes() -> None:
    still = Kling(input_urls=[PICTURE], video_urls=[PICTURE], character_orientation="image")
    assert still.price({"seconds": 30.05}) == 10 * Decimal("1.21")
    moving = Kling(input_urls=[PICTURE], video_urls=[PICTURE], mode="1080p")
    assert moving.price({"seconds": 30.05}) == 30 * Decimal("1.82")


async def test_subtitles_downloads_and_utilities_do_the_real_thing(house: House, clip: bytes) -> None:
    video = await upload(house, clip, "clip.mp4")
    look, burned = await made(house, "thai-subtitle/generate", {"media_url": video, "script": "สวัสดี|ชาวโลก"})
    assert look["credits_used"] == 0.07
    assert burned["video_url"].kind == "video"
    assert ThaiSubtitle(media_url=video).price({"seconds": 90.0}) == Decimal("0.255")
    look, sound = await made(house, "video-download/create", {"url": video, "format": "mp3"})
    assert look["credits_used"] == 0.5
    assert sound["download_url"].mime == "audio/mpeg"
    assert VideoDownload(url=video).price({"bytes": 10_000_001}) == Decimal("1.0")
    _, film = await made(house, "media/merge-video", {"video_urls": [video, video]})
    assert round(film["video_url"].seconds) == 4
    _, frame = await made(house, "media/extract-last-frame", {"video_url": video})
    assert frame["image_url"][3:5] == (320, 180)
    words, _ = await made(house, "media/transcribe", {"media_url": video})
    assert words["text"] == "Hello from the sea."
    assert words["segments"][0].keys() == {"start", "end", "text"}
    assert (await house.get("/media/queue/stats"))["completed"] == 3


async def test_inputs_come_from_data_uris_loopback_and_own_storage_and_else_a_stand_in(house: House) -> None:
    picture = props.picture("x", 64, 64)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/old" else 200)
            self.send_header("Location", "/new")
            self.end_headers()
            self.wfile.write(picture if self.path == "/new" else b"no picture")

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    box = house.transport.app.box
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        assert await box.fetch(f"{origin}/old", "image") == picture
        assert await box.fetch_if_any(f"{origin}/text", "image") is None
        server.shutdown()
    assert await box.fetch(f"data:image/png;base64,{base64.b64encode(picture).decode()}", "image") == picture
    stored = await upload(house, picture, "x.png")
    assert await box.fetch(stored, "image") == picture
    for nowhere in (PICTURE, "http://169.254.169.254/latest", "ftp://example.com/a.png", "data:image/png;base64,%%"):
        assert await box.fetch_if_any(nowhere, "image") is None
    assert props.facts(await box.fetch(PICTURE, "video")).kind == "video"


async def test_the_sandboxs_own_routes_hold_jobs_and_let_them_go(house: House) -> None:
    own = "http://phaya.sandbox/_sandbox"
    assert (await house.post(f"{own}/pace", {"pace": "looks", "looks": 1000})).status_code == 200
    job = (await house.create("/text-to-image/generate", {"prompt": "a boat"}))["job_id"]
    path = f"/text-to-image/status/{job}"
    assert (await house.get(path))["status"] == "PENDING"
    await house.post(f"{own}/pace", {"pace": "looks", "looks": 0})
    assert (await house.get(path))["status"] == "COMPLETED"
    [account] = (await house.get(f"{own}/accounts"))["accounts"]
    assert (account["backend"], account["balance"]) == ("phaya", "99.0")
    assert (await house.post(f"{own}/pace", {"pace": "slow"})).status_code == 422
    assert (await house.client.get("/no-such-route")).status_code == 404
    assert (await house.client.get("/seedream/create")).status_code == 405
    assert KEY not in json.dumps(await house.get(f"{own}/log"))


def test_a_script_becomes_cues_at_blank_lines_and_bars() -> None:
    cues = cues_of("สวัสดี|ชาวโลก\n\n  second part \n", 6.0)
    assert [cue.text for cue in cues] == ["สวัสดี\nชาวโลก", "second part"]
    assert (cues[0].start, cues[-1].end) == (0.0, 6.0)
