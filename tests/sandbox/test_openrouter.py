"""The sandbox's OpenRouter, through the front door: lists, prices, jobs, costs, webhooks, as its page has them."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import anyio
import httpx2
import pytest
from anyio.to_thread import run_sync

from callsheet_sandbox import props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import sandbox
from callsheet_sandbox.backends.openrouter.videos import SECRET
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace
from tests.contract import Contract
from tests.wire import Port

pytestmark = pytest.mark.anyio

KEY = "sk-or-v1-not-a-real-key"
HEADERS = {"Authorization": f"Bearer {KEY}"}
MANAGER = {"Authorization": "Bearer sk-or-v1-management-not-a-real-key"}
ANONYMOUS = {"Authorization": ""}
BASE = "http://openrouter.sandbox/api/v1"
FLASH = "bytedance-seed/seedream-5-0-flash"
LITE = "google/veo-3.1-lite"


@dataclass
class House:
    """A client of one sandbox, its box, and the contract between them."""

    client: httpx2.AsyncClient
    box: Box
    contract: Contract

    async def ok(self, path: str, **options: Any) -> Any:
        answer = await self.client.post(path, **options)
        assert answer.is_success, answer.text
        return answer.json()

    async def no(self, path: str, body: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post(path, json=body, **options)
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        return answer.status_code, error.get("metadata", {})

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def left(self) -> Decimal:
        return self.box.balance("openrouter", owner_of(KEY))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    inner = Transport("openrouter", None, pace="looks", looks=1, rate=1000, credits={"openrouter": 20.0})
    contract = Contract(inner, {"openrouter": "/api/v1"}, also=frozenset({401, 402, 403, 404, 413, 429, 503}))
    async with httpx2.AsyncClient(transport=contract, base_url=BASE, headers=HEADERS, timeout=30) as client:
        yield House(client, inner.app.box, contract)


async def test_lists_and_prices_can_be_read_without_a_key_and_nothing_else(house: House) -> None:
    for path in ("/models", "/images/models", f"/images/models/{FLASH}/endpoints", "/videos/models", "/providers"):
        await house.get(path, headers=ANONYMOUS)
    for path in ("/key", "/models/user", "/generation?id=gen-1"):
        answer = await house.client.get(path, headers=ANONYMOUS)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
    assert (await house.no("/images", {"model": FLASH, "prompt": "a"}, headers=MANAGER))[0] == 401, "not for models"
    speakers = (await house.get("/models", params={"output_modalities": "speech"}))["data"]
    assert "af_heart" in next(row["supported_voices"] for row in speakers if row["id"] == "hexgrad/kokoro-82m")
    assert {row["id"] for row in (await house.get("/models"))["data"]} == {
        "openai/gpt-6-luna",
        "google/gemini-3.1-flash",
    }


async def test_a_picture_costs_what_its_endpoint_says_and_the_generation_agrees(house: House) -> None:
    png = base64.b64encode(await run_sync(props.picture, "a boat", 96, 64)).decode()
    refs = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}]
    small = {"prompt": "a fox", "size": "256x128"}
    for body, dollars in (
        ({"model": FLASH, "n": 2}, "0.036"),
        ({"model": "bytedance-seed/seedream-5-0-pro", "input_references": refs}, "0.048"),
        ({"model": "black-forest-labs/flux.2-pro"}, "0.00098304"),
        ({"model": "x-ai/grok-imagine-image-2.0"}, "0.02"),
        ({"model": "openai/gpt-image-2.5-flare", "quality": "low"}, "0.00589"),
    ):
        before = house.left
        said = await house.ok("/images", json=small | body)
        assert before - house.left == Decimal(dollars)
        assert said["usage"]["cost"] == float(dollars)
        assert len(said["data"]) == body.get("n", 1)
    found = await run_sync(props.facts, base64.b64decode(said["data"][0]["b64_json"]))
    assert (found.mime, found.width, found.height) == ("image/png", 256, 128)
    rows = house.box.records.all("openrouter", "generation", owner_of(KEY))
    told = await house.get("/generation", params={"id": rows[-1]["generation"]})
    assert (told["data"]["total_cost"], told["data"]["api_type"]) == (0.00589, "image")
    assert (await house.get("/key"))["data"]["usage"] == float(20 - house.left)


async def test_what_a_model_does_not_take_is_refused_and_moderation_and_money_say_why(house: House) -> None:
    for wrong in (
        {"prompt": ""},
        {"n": 11},
        {"n": 5},
        {"mask": "x"},
        {"aspect_ratio": "7:3"},
        {"stream": True},
        {"size": "256x128", "resolution": "1K"},
        {"output_format": "jpeg", "background": "transparent"},
    ):
        assert (await house.no("/images", {"model": FLASH, "prompt": "a fox"} | wrong))[0] == 400
    assert (await house.no("/images", {"model": "openai/gpt-image-1", "prompt": "a"}))[0] == 404
    pinned = {"model": FLASH, "prompt": "a", "provider": {"only": ["somebody"], "allow_fallbacks": False}}
    assert (await house.no("/images", pinned))[0] == 503
    status, why = await house.no("/images", {"model": FLASH, "prompt": "[blocked]"})
    assert (status, why["flagged_input"], why["provider_name"]) == (403, "[blocked]", "bytedance-seed")
    assert (await house.no("/images", {"model": FLASH, "prompt": "[fail]"}))[0] == 502
    assert house.left == 20
    house.box.accounts.set("openrouter", owner_of(KEY), Decimal("0.001"))
    status, why = await house.no("/images", {"model": FLASH, "prompt": "a fox"})
    assert (status, why["limit_source"]) == (402, "openrouter_credits")


FILMS = [
    ({"model": LITE, "duration": 4, "resolution": "720p", "generate_audio": False}, "0.12"),
    ({"model": LITE, "duration": 4, "resolution": "1080p"}, "0.32"),
    ({"model": "google/veo-3.1", "duration": 8, "resolution": "4K"}, "4.80"),
    ({"model": "kwaivgi/kling-v3.0-pro", "duration": 5}, "0.84"),
    ({"model": "kwaivgi/kling-v3.0-pro", "duration": 5, "generate_audio": False}, "0.56"),
    ({"model": "bytedance/seedance-2.5", "duration": 5, "resolution": "720p"}, "1.1556"),
    ({"model": "minimax/hailuo-3-max", "duration": 5, "resolution": "480p"}, "0.25"),
    ({"model": "x-ai/grok-imagine-video-1.5-lite", "duration": 2, "resolution": "480p"}, "0.04"),
]


async def test_a_film_is_charged_when_it_is_over_by_the_prices_of_its_list(house: House) -> None:
    for body, dollars in FILMS:
        house.box.accounts.set("openrouter", owner_of(KEY), Decimal(20))
        answer = await house.client.post("/videos", json={"prompt": "a fox"} | body)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending"), answer.text
        job = answer.json()["id"]
        assert job.startswith("gen-vid-")
        assert house.box.accounts.balance("openrouter", owner_of(KEY)) == 20
        done = await house.get(f"/videos/{job}")
        assert (done["status"], done["usage"]["cost"]) == ("completed", float(dollars)), body
        assert 20 - house.left == Decimal(dollars)
        print(f"{body['model']:36} {dollars:>8} USD")
    told = await house.get("/generation", params={"id": done["generation_id"]})
    assert (told["data"]["api_type"], told["data"]["total_cost"]) == ("video", 0.04)
    film = await house.client.get(done["unsigned_urls"][0])
    facts = await run_sync(props.facts, film.content)
    assert (film.headers["content-type"], facts.width, facts.height) == ("video/mp4", 854, 480)
    assert (await house.client.get(done["unsigned_urls"][0], headers=ANONYMOUS)).status_code == 401


async def test_a_film_that_fails_or_is_asked_for_wrongly_costs_nothing(house: House) -> None:
    house.box.jobs.set_pace(Pace("looks", 3))
    job = (await house.ok("/videos", json={"model": LITE, "prompt": "[blocked]", "duration": 4}))["id"]
    states = [(await house.get(f"/videos/{job}"))["status"] for _ in range(3)]
    assert states == ["pending", "in_progress", "failed"]
    assert (await house.client.get(f"/videos/{job}/content")).status_code == 400
    last = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.png"}, "frame_type": "last_frame"}]
    for wrong in (
        {"duration": 5},
        {"resolution": "480p"},
        {"aspect_ratio": "1:1"},
        {"seconds": 4},
        {"model": "alibaba/wan-3.0", "duration": 4, "frame_images": last},
        {"model": "minimax/hailuo-3-max", "duration": 5, "generate_audio": True},
    ):
        assert (await house.no("/videos", {"model": LITE, "prompt": "a fox"} | wrong))[0] == 400
    assert (await house.client.get("/videos/gen-vid-1")).status_code == 404
    assert house.left == 20


async def test_speech_is_pcm_unless_told_and_its_cost_is_behind_the_header(house: House) -> None:
    body = {"model": "hexgrad/kokoro-82m", "input": "A boat is here.", "voice": "af_heart"}
    plain = await house.client.post("/audio/speech", json=body)
    assert plain.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    mp3 = await house.client.post("/audio/speech", json=body | {"response_format": "mp3", "session_id": "j_1"})
    assert (await run_sync(props.facts, mp3.content)).mime == "audio/mpeg"
    told = (await house.get("/generation", params={"id": mp3.headers["X-Generation-Id"]}))["data"]
    assert (told["api_type"], told["total_cost"], told["session_id"]) == ("tts", 0.0000093, "j_1")
    assert (await house.no("/audio/speech", body | {"voice": "nobody"}))[0] == 400
    assert (await house.no("/audio/speech", body | {"response_format": "wav"}))[0] == 400


async def test_a_tour_of_every_route_is_as_the_description_has_it(house: House) -> None:
    sound = (await run_sync(props.speech, "A boat is here.")).audio
    sent = {"data": base64.b64encode(sound).decode(), "format": "wav"}
    asked = {
        "model": "openai/whisper-1",
        "response_format": "verbose_json",
        "timestamp_granularities": ["word", "segment"],
    }
    heard = await house.ok("/audio/transcriptions", json=asked | {"input_audio": sent})
    assert ([word["word"] for word in heard["words"]], heard["text"]) == (
        ["A", "boat", "is", "here."],
        "A boat is here.",
    )
    file = {"file": ("boat.wav", sound, "audio/wav")}
    assert (await house.ok("/audio/transcriptions", data={"model": "openai/gpt-transcribe"}, files=file))[
        "text"
    ] == heard["text"]
    chat = {"model": "openai/gpt-6-luna", "messages": [{"role": "user", "content": "a fox"}]}
    said = await house.ok("/chat/completions", json=chat | {"modalities": ["image", "text"]})
    assert said["choices"][0]["message"]["images"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert said["usage"]["cost"] > 0
    stream = (await house.client.post("/chat/completions", json=chat | {"stream": True})).text
    assert json.loads(stream.split("\n\n")[-3][6:])["usage"]["cost"] > 0
    await house.ok("/embeddings", json={"model": "openai/text-embedding-3-small", "input": "a fox", "dimensions": 8})
    await house.client.post("/audio/speech", json={"model": "hexgrad/kokoro-82m", "input": "A boat."})
    await house.ok("/images", json={"model": FLASH, "prompt": "a fox", "size": "128x64"})
    job = (await house.ok("/videos", json={"model": LITE, "prompt": "a fox", "duration": 4}))["id"]
    await house.get(f"/videos/{job}")
    kept = await house.ok("/files", files={"file": ("boat.wav", sound, "audio/wav")})
    for path in (
        *("/models", "/models/user", "/embeddings/models", "/providers", "/key", "/images/models", "/videos/models"),
        *("/model/openai/gpt-6-luna", "/models/openai/gpt-6-luna/endpoints", f"/images/models/{FLASH}/endpoints"),
        *("/files", f"/files/{kept['id']}", f"/generation?id={said['id']}"),
    ):
        await house.get(path)
    assert (await house.client.get(f"/files/{kept['id']}/content")).content == sound
    assert (await house.client.delete(f"/files/{kept['id']}")).json()["type"] == "file_deleted"
    house.box.jobs.cancel("openrouter", owner_of(KEY), job)
    assert (await house.client.get(f"/videos/{job}/content")).status_code in (200, 400)
    for path in ("/credits", "/activity"):
        assert (await house.client.get(path)).status_code == 403
        await house.get(path, headers=MANAGER)
    credits = (await house.get("/credits", headers=MANAGER))["data"]
    assert round(credits["total_credits"] - credits["total_usage"], 9) == round(float(house.left), 9)
    assert house.contract.lacking() == {"GET /api/v1/generation/content"}, "nothing is stored"
    print(f"openrouter: {house.contract.requests} requests and {house.contract.answers} answers validated")


async def test_a_webhook_is_signed_over_its_time_and_body(house: House) -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        got.append(({k.decode(): v.decode() for k, v in scope["headers"]}, (await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = Port(receiver)
    try:
        hook = f"http://127.0.0.1:{port.number}/hook"
        job = (await house.ok("/videos", json={"model": LITE, "prompt": "a", "duration": 4, "callback_url": hook}))[
            "id"
        ]
        await house.get(f"/videos/{job}")
        with anyio.fail_after(10):
            while not got:
                await anyio.sleep(0.01)
    finally:
        port.close()
    headers, body = got[0]
    at, mark = (part.partition("=")[2] for part in headers["x-openrouter-signature"].split(","))
    assert hmac.new(SECRET.encode(), f"{at},".encode() + body, "sha256").hexdigest() == mark
    assert headers["x-openrouter-idempotency-key"] == f"{job}-completed"
    assert json.loads(body)["type"] == "video.generation.completed"


async def test_on_one_port_it_lies_below_its_own_name() -> None:
    app = sandbox(rate=1000)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://box", headers=HEADERS
    ) as client:
        assert (await client.get("/openrouter/api/v1/key")).json()["data"]["usage"] == 0
    app.box.close()
