"""The sandbox's fal, through the front door: queue, files, catalogue, money, webhooks, as its pages have them."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import anyio
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from callsheet_sandbox import fal, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import sandbox
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace
from tests.contract import Contract
from tests.wire import Port

pytestmark = pytest.mark.anyio

KEY = "not-a-real-id:not-a-real-secret"
HEADERS = {"Authorization": f"Key {KEY}"}
ADMIN = {"Authorization": f"Key admin-{KEY}"}
BASE = "http://fal.sandbox"
FLUX = "fal-ai/flux/schnell"
SMALL = {"width": 128, "height": 96}
NOWHERE = "http://127.0.0.1:9/nothing.png"


@dataclass
class House:
    """A client of one sandbox, its box, and the contract between them."""

    client: httpx2.AsyncClient
    box: Box
    contract: Contract

    async def submit(self, id: str, **body: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/{id}", json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def done(self, id: str, **body: Any) -> httpx2.Response:
        """The result of a request, once it is over."""
        job = await self.submit(id, **body)
        assert (await self.client.get(job["status_url"])).json()["status"] == "COMPLETED"
        return await self.client.get(job["response_url"])

    async def file(self, url: str) -> props.Facts:
        """What is behind a link, which needs no key."""
        answer = await self.client.get(url, headers={"Authorization": ""})
        assert answer.status_code == 200, answer.text
        return await anyio.to_thread.run_sync(props.facts, answer.content)

    def looks(self, looks: int) -> None:
        self.box.jobs.set_pace(Pace("looks", looks))

    @property
    def left(self) -> Decimal:
        return self.box.balance("fal", owner_of(KEY))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    inner = Transport("fal", None, pace="looks", looks=1, rate=1000, credits={"fal": 20.0})
    contract = Contract(inner, {"fal-platform": "/v1", "fal-queue": ""}, outside=("/storage/auth/", "/files/"))
    async with httpx2.AsyncClient(transport=contract, base_url=BASE, headers=HEADERS, timeout=30) as client:
        yield House(client, inner.app.box, contract)


async def test_a_key_is_an_id_and_a_secret_after_the_word_key(house: House) -> None:
    for header in ("", "Key ", "Key only-an-id", f"Bearer {KEY}", f"Basic {KEY}"):
        refused = await house.client.post(f"/{FLUX}", json={"prompt": "a fox"}, headers={"Authorization": header})
        assert (refused.status_code, list(refused.json())) == (401, ["detail"])
        refused = await house.client.get(
            "/v1/models/pricing", params={"endpoint_id": FLUX}, headers={"Authorization": header}
        )
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authorization_error")


async def test_a_request_waits_then_runs_then_is_over_under_owner_and_app_alone(house: House) -> None:
    house.looks(3)
    job = await house.submit(FLUX, prompt="a fox", image_size=SMALL, seed=7)
    base = f"{BASE}/fal-ai/flux/requests/{job['request_id']}"
    assert job == {
        **{"request_id": job["request_id"], "response_url": base, "queue_position": 0},
        **{"status_url": f"{base}/status", "cancel_url": f"{base}/cancel"},
    }
    waiting = await house.client.get(f"{base}/status")
    assert (waiting.status_code, waiting.json()["status"], waiting.json()["queue_position"]) == (202, "IN_QUEUE", 0)
    early = await house.client.get(base)
    assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
    running = await house.client.get(f"{base}/status", params={"logs": "1"})
    assert (running.status_code, running.json()["status"]) == (202, "IN_PROGRESS")
    assert running.json()["logs"][0]["message"]
    over = await house.client.get(f"{base}/status")
    assert (over.status_code, over.json()["status"]) == (200, "COMPLETED")
    assert over.json()["metrics"]["inference_time"] >= 0
    result = await house.client.get(base)
    assert result.headers["x-fal-request-id"] == job["request_id"]
    assert result.headers["x-fal-billable-units"] == "1"
    (image,) = result.json()["images"]
    assert (image["width"], image["height"], result.json()["seed"]) == (128, 96, 7)
    found = await house.file(image["url"])
    assert (found.mime, found.width, found.height) == ("image/jpeg", 128, 96)
    assert house.left == Decimal("19.997")
    other = await house.client.get(f"/fal-ai/veo3.1/requests/{job['request_id']}/status")
    assert (other.status_code, other.json()) == (404, {"status": "NOT_FOUND"})
    stranger = await house.client.get(f"{base}/status", headers={"Authorization": "Key some:body"})
    assert stranger.status_code == 404


async def test_an_input_that_is_not_as_the_page_has_it_is_refused_and_says_where(house: House) -> None:
    for id, body, loc in (
        (FLUX, {}, ["body", "prompt"]),
        (FLUX, {"prompt": "a fox", "aspect_ratio": "1:1"}, ["body", "aspect_ratio"]),
        (FLUX, {"prompt": "a fox", "num_images": "2"}, ["body", "num_images"]),
        (FLUX, {"prompt": "a fox", "num_images": 5}, ["body", "num_images"]),
        ("fal-ai/veo3.1/lite", {"prompt": "a fox", "duration": 8}, ["body", "duration"]),
        (
            "fal-ai/kling-video/v3/standard/image-to-video",
            {"prompt": "a fox", "image_url": NOWHERE},
            ["body", "start_image_url"],
        ),
        ("fal-ai/elevenlabs/sound-effects/v2", {"prompt": "thunder"}, ["body", "text"]),
        ("fal-ai/elevenlabs/music", {"prompt": "a waltz", "music_length_ms": 2000}, ["body", "music_length_ms"]),
    ):
        refused = await house.client.post(f"/{id}", json=body)
        assert refused.status_code == 422, id
        assert refused.json()["detail"][0]["loc"] == loc
        assert refused.headers["X-Fal-Retryable"] == "false"
    missing = await house.client.post("/fal-ai/sora", json={"prompt": "a fox"})
    assert missing.status_code == 404
    unknown = await house.client.post(f"/{FLUX}", json={"prompt": "a fox"}, headers={"X-Fal-Idempotency-Key": "1"})
    assert unknown.status_code == 422
    assert house.left == 20


async def test_what_fails_is_completed_too_and_costs_nothing(house: House) -> None:
    for marker, kind, status in (
        ("[fail]", "internal_server_error", 500),
        ("[blocked]", "content_policy_violation", 422),
    ):
        job = await house.submit(FLUX, prompt=f"a fox {marker}")
        over = (await house.client.get(job["status_url"])).json()
        assert (over["status"], over["error_type"]) == ("COMPLETED", kind)
        result = await house.client.get(job["response_url"])
        assert (result.status_code, result.headers["X-Fal-Error-Type"]) == (status, kind)
    assert result.json()["detail"][0]["type"] == "content_policy_violation"
    broken = await house.done("fal-ai/seedvr/upscale/image", image_url="data:image/png;base64,AAAA")
    assert (broken.status_code, broken.json()["detail"][0]["type"]) == (422, "image_load_error")
    assert house.left == 20


async def test_two_requests_run_at_once_and_what_waits_can_be_cancelled_for_nothing(house: House) -> None:
    house.looks(10**6)
    jobs = [await house.submit(FLUX, prompt=f"fox {n}") for n in range(4)]
    assert [job["queue_position"] for job in jobs] == [0, 0, 0, 1]
    full = await house.client.post(f"/{FLUX}", json={"prompt": "a fox"}, params={"fal_max_queue_length": 1})
    assert full.status_code == 429
    assert (await house.client.put(jobs[3]["cancel_url"])).json() == {"status": "OK"}
    assert (await house.client.get(jobs[3]["status_url"])).status_code == 404
    house.box.jobs.set_pace(Pace("looks", 2))
    await house.client.get(jobs[0]["status_url"])
    asked = await house.client.put(jobs[0]["cancel_url"])
    assert (asked.status_code, asked.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    over = (await house.client.get(jobs[0]["status_url"])).json()
    assert (over["status"], over["error_type"]) == ("COMPLETED", "client_cancelled")
    assert (await house.client.get(jobs[0]["response_url"])).status_code == 499
    late = await house.client.put(jobs[0]["cancel_url"])
    assert (late.status_code, late.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert (await house.client.put(f"/fal-ai/flux/requests/{'0' * 8}/cancel")).status_code == 404
    assert house.left == 20


async def test_an_account_with_nothing_left_is_locked(house: House) -> None:
    house.box.accounts.set("fal", owner_of(KEY), Decimal("0.001"))
    locked = await house.client.post(f"/{FLUX}", json={"prompt": "a fox"})
    assert locked.status_code == 403
    assert locked.json()["detail"].startswith("User is locked. Reason: Exhausted balance")


BILLS = [
    (FLUX, {"prompt": "p", "image_size": "landscape_4_3", "num_images": 3}, "0.009"),
    (FLUX, {"prompt": "p", "image_size": "square_hd"}, "0.006"),  # 1.05 megapixels are two
    ("fal-ai/nano-banana-2", {"prompt": "p", "resolution": "0.5K"}, "0.06"),
    ("fal-ai/nano-banana-2", {"prompt": "p", "resolution": "2K"}, "0.12"),
    ("fal-ai/nano-banana-pro", {"prompt": "p", "resolution": "4K", "num_images": 2}, "0.60"),
    ("openai/gpt-image-2.5/flare/text-to-image", {"prompt": "p"}, "0.03612"),
    (
        "openai/gpt-image-2.5/flare/text-to-image",
        {"prompt": "p", "quality": "low", "image_size": "square_hd"},
        "0.00588",
    ),
    (
        "openai/gpt-image-2",
        {"prompt": "p", "quality": "medium", "image_size": {"width": 1024, "height": 1024}},
        "0.053",
    ),
    ("fal-ai/bytedance/seedream/v4.5/text-to-image", {"prompt": "p"}, "0.04"),
    ("fal-ai/ideogram/v3", {"prompt": "p", "rendering_speed": "QUALITY"}, "0.09"),
    ("fal-ai/recraft/v4/text-to-vector", {"prompt": "p"}, "0.08"),
    ("fal-ai/veo3.1/lite", {"prompt": "p", "duration": "4s", "resolution": "1080p"}, "0.32"),
    ("fal-ai/veo3.1/fast", {"prompt": "p", "generate_audio": False}, "0.80"),
    ("fal-ai/veo3.1/fast", {"prompt": "p"}, "1.20"),
    ("fal-ai/kling-video/v3/standard/text-to-video", {"prompt": "p"}, "0.63"),
    ("fal-ai/kling-video/v3/pro/text-to-video", {"prompt": "p", "generate_audio": False, "duration": "3"}, "0.336"),
    ("bytedance/seedance-2.0/text-to-video", {"prompt": "p", "duration": "4", "resolution": "480p"}, "0.5384"),
    ("bytedance/seedance-2.0/mini/text-to-video", {"prompt": "p", "duration": "4"}, "0.6188"),
    ("bytedance/seedance-2.5/text-to-video", {"prompt": "p", "duration": "10"}, "4.73"),
    ("minimax/h3-max/text-to-video", {"prompt": "p", "resolution": "480p"}, "0.25"),
    ("google/gemini-omni-flash", {"prompt": "p", "duration": 4}, "0.5"),
    ("fal-ai/elevenlabs/tts/eleven-v3", {"text": "p" * 500}, "0.05"),
    ("fal-ai/minimax/speech-2.8-hd", {"prompt": "p" * 100, "output_format": "url"}, "0.01"),
    ("fal-ai/kokoro/american-english", {"prompt": "p" * 50}, "0.001"),
    ("fal-ai/elevenlabs/music", {"prompt": "p", "music_length_ms": 61_000}, "1.20"),
    ("fal-ai/minimax-music/v2", {"prompt": "p" * 10, "lyrics_prompt": "l" * 10}, "0.03"),
    ("fal-ai/stable-audio-25/text-to-audio", {"prompt": "p"}, "0.20"),
    ("fal-ai/elevenlabs/sound-effects/v2", {"text": "p", "duration_seconds": 2.5}, "0.005"),
]


async def test_what_is_charged_is_units_times_the_price_of_the_pricing_route(house: House) -> None:
    ids = sorted({id for id, *_ in BILLS})
    told = (await house.client.get("/v1/models/pricing", params={"endpoint_id": ids})).json()["prices"]
    prices = {row["endpoint_id"]: Decimal(str(row["unit_price"])) for row in told}
    for id, body, dollars in BILLS:
        house.box.accounts.set("fal", owner_of(KEY), Decimal(20))
        job = await house.submit(id, **body)
        await house.client.get(job["status_url"])
        owed = Decimal(house.box.jobs.of(job["request_id"]).facts["units"]) * prices[id]
        assert (20 - house.left, abs(owed - Decimal(dollars)) < Decimal("0.000001")) == (owed, True), id
        print(f"{id:48} {dollars:>8} USD")


@pytest.fixture(scope="module")
def media() -> dict[str, str]:
    """A still, a film and a sound, as data URIs."""
    made = {
        "image/png": props.picture("a boat", 96, 64),
        "video/mp4": props.clip("a boat", 96, 64, 1),
        "audio/wav": props.speech("A boat is here.").audio,
    }
    return {
        mime.partition("/")[0]: f"data:{mime};base64,{base64.b64encode(data).decode()}" for mime, data in made.items()
    }


async def test_each_kind_of_endpoint_makes_what_it_says(house: House, media: dict[str, str]) -> None:
    still, film, sound = media["image"], media["video"], media["audio"]
    for id, body, field, mime, size in (
        (
            "fal-ai/flux-2-pro/edit",
            {"prompt": "p", "image_urls": [still], "image_size": SMALL},
            "images",
            "image/jpeg",
            (128, 96),
        ),
        ("fal-ai/seedvr/upscale/image", {"image_url": still}, "image", "image/jpeg", (192, 128)),
        ("fal-ai/bria/background/remove", {"image_url": still}, "image", "image/png", (96, 64)),
        ("fal-ai/birefnet/v2", {"image_url": still, "output_mask": True}, "mask_image", "image/png", (96, 64)),
        ("fal-ai/topaz/upscale/video", {"video_url": film}, "video", "video/mp4", (192, 128)),
        ("fal-ai/sync-lipsync/v3", {"video_url": film, "audio_url": sound}, "video", "video/mp4", (96, 64)),
        ("fal-ai/elevenlabs/tts/eleven-v3", {"text": "A boat."}, "audio", "audio/mpeg", (0, 0)),
        (
            "fal-ai/elevenlabs/sound-effects/v2",
            {"text": "rain", "duration_seconds": 0.5},
            "audio",
            "audio/mpeg",
            (0, 0),
        ),
    ):
        result = await house.done(id, **body)
        assert result.status_code == 200, result.text
        found = result.json()[field]
        facts = await house.file((found[0] if isinstance(found, list) else found)["url"])
        assert (facts.mime, (facts.width, facts.height)) == (mime, size), id
    vector = (await house.done("fal-ai/recraft/v4/text-to-vector", prompt="a <boat>")).json()["images"][0]
    assert (await house.client.get(vector["url"])).content.startswith(b"<svg")
    assert vector["content_type"] == "image/svg+xml"


async def test_a_film_starts_at_its_still_and_has_sound_unless_told_not_to(house: House, media: dict[str, str]) -> None:
    result = await house.done(
        "minimax/h3-max/image-to-video", prompt="a boat", image_url=media["image"], resolution="480p"
    )
    found = await house.file(result.json()["video"]["url"])
    assert (found.width, found.height, round(found.seconds), found.audio) == (720, 480, 5, False)


async def test_what_is_heard_is_told_with_its_times(house: House, media: dict[str, str]) -> None:
    words = (await house.done("fal-ai/elevenlabs/speech-to-text/scribe-v2", audio_url=media["audio"])).json()
    assert words["text"] == "A boat is here."
    spoken = [word for word in words["words"] if word["type"] == "word"]
    assert [word["text"] for word in spoken] == ["A", "boat", "is", "here."]
    assert spoken[0]["start"] < spoken[-1]["end"]
    segments = (await house.done("fal-ai/wizper", audio_url=media["audio"])).json()
    assert [chunk["text"] for chunk in segments["chunks"]] == ["A boat is here."]


async def test_a_file_is_put_without_the_key_and_found_by_its_link(house: House) -> None:
    picture = props.picture("a boat", 96, 64)
    asked = {"file_name": "boat.png", "content_type": "image/png"}
    said = (await house.client.post("/storage/upload/initiate?storage_type=fal-cdn-v3", json=asked)).json()
    anonymous = {"Authorization": ""}
    forged = await house.client.put(said["upload_url"] + "x", content=picture, headers=anonymous)
    assert forged.status_code == 403
    assert (await house.client.put(said["upload_url"], content=picture, headers=anonymous)).status_code == 200
    assert (await house.file(said["file_url"])).mime == "image/png"
    result = await house.done("fal-ai/bria/background/remove", image_url=said["file_url"])
    assert (await house.file(result.json()["image"]["url"])).width == 96
    token = (await house.client.post("/storage/auth/token?storage_type=fal-cdn-v3", json={})).json()
    headers = {"Authorization": f"{token['token_type']} {token['token']}", "X-Fal-File-Name": "boat.png"}
    put = await house.client.post(f"{token['base_url']}/files/upload", content=picture, headers=headers)
    assert (await house.file(put.json()["access_url"])).mime == "image/png"
    assert (await house.client.post("/files/upload", content=picture)).status_code == 401


async def test_any_endpoint_tells_its_own_schema_and_the_catalogue_can_be_searched(house: House) -> None:
    anonymous = {"Authorization": ""}
    said = (await house.client.get("/v1/models", params={"q": "kling", "limit": 3}, headers=anonymous)).json()
    assert (len(said["models"]), said["has_more"]) == (3, True)
    rest = (await house.client.get("/v1/models", params={"q": "kling", "cursor": said["next_cursor"]})).json()
    assert {row["endpoint_id"] for row in rest["models"]} == {"fal-ai/kling-video/v3/pro/image-to-video"}
    one = await house.client.get("/v1/models", params={"endpoint_id": FLUX, "expand": "openapi-3.0"})
    document = one.json()["models"][0]["openapi"]
    (path,) = [path for path, methods in document["paths"].items() if "post" in methods]
    schema = document["components"]["schemas"]["Input"]
    assert path == f"/{FLUX}"
    assert schema["x-fal-order-properties"][:2] == ["prompt", "image_size"]
    assert schema["required"] == ["prompt"]
    direct = await house.client.get("/api/openapi/queue/openapi.json", params={"endpoint_id": FLUX}, headers=anonymous)
    assert direct.json() == document
    assert (await house.client.get("/v1/models", params={"endpoint_id": "fal-ai/sora"})).status_code == 404


async def test_a_lost_create_is_found_by_what_was_sent_unless_nothing_is_stored(house: House) -> None:
    sent = {"prompt": "a fox", "image_size": SMALL, "seed": 3}
    job = await house.submit(FLUX, **sent)
    await house.client.post(f"/{FLUX}", json={"prompt": "hidden"}, headers={"X-Fal-Store-IO": "0"})
    query = {"endpoint_id": FLUX, "expand": "payloads"}
    (row,) = (await house.client.get("/v1/models/requests/by-endpoint", params=query)).json()["items"]
    assert (row["request_id"], row["json_input"], row["ended_at"]) == (job["request_id"], sent, None)
    await house.client.get(job["status_url"])
    (row,) = (await house.client.get("/v1/models/requests/by-endpoint", params=query | {"status": "success"})).json()[
        "items"
    ]
    assert (row["status_code"], len(row["json_output"]["images"])) == (200, 1)
    assert (await house.client.get("/v1/models/requests/by-endpoint")).status_code == 400
    dropped = await house.client.delete(f"/v1/models/requests/{job['request_id']}/payloads")
    assert [result["exception"] for result in dropped.json()["cdn_delete_results"]] == [None]
    (row,) = (await house.client.get("/v1/models/requests/by-endpoint", params=query)).json()["items"]
    assert "json_output" not in row


async def test_an_admins_key_sees_what_a_plain_one_may_not(house: House) -> None:
    job = await house.submit(FLUX, prompt="a fox", image_size=SMALL)
    await house.client.get(job["status_url"])
    for path in ("/v1/account/billing?expand=credits", "/v1/models/billing-events", "/v1/models/usage"):
        assert (await house.client.get(path)).status_code == 403
    said = (await house.client.get("/v1/account/billing?expand=credits", headers=ADMIN)).json()
    assert said["credits"] == {"current_balance": 19.997, "currency": "USD"}
    (event,) = (await house.client.get("/v1/models/billing-events", headers=ADMIN)).json()["billing_events"]
    assert (event["request_id"], event["output_units"], event["cost_total"]) == (job["request_id"], 1.0, 0.003)
    (day,) = (await house.client.get("/v1/models/usage", headers=ADMIN)).json()["time_series"]
    assert (day["results"][0]["quantity"], day["results"][0]["cost"]) == (1.0, 0.003)
    body = {"estimate_type": "unit_price", "endpoints": {FLUX: {"unit_quantity": 10}}}
    assert (await house.client.post("/v1/models/pricing/estimate", json=body)).json()["total_cost"] == 0.03
    history = {"estimate_type": "historical_api_price", "endpoints": {FLUX: {"call_quantity": 2}}}
    assert (await house.client.post("/v1/models/pricing/estimate", json=history)).json()["total_cost"] == 0.006
    assert (await house.client.get("/v1/storage/settings")).json()["expiration_duration_seconds"] is None
    put = await house.client.put("/v1/storage/settings", json={"expiration_duration_seconds": 3600})
    assert put.json() == (await house.client.get("/v1/storage/settings")).json()
    assert (await house.client.get("/v1/meta", headers={"Authorization": ""})).json()["webhook_ip_ranges"]
    print(f"fal: {house.contract.requests} requests and {house.contract.answers} answers validated")


async def test_a_webhook_carries_the_result_and_a_signature_that_the_public_keys_confirm(house: House) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    came = anyio.Event()

    async def receiver(scope: Any, receive: Any, send: Any) -> None:
        got.append(({k.decode(): v.decode() for k, v in scope["headers"]}, (await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        came.set()

    port = Port(receiver)
    try:
        hook = f"http://127.0.0.1:{port.number}/hook"
        body = {"prompt": "a fox", "image_size": SMALL}
        job = (await house.client.post(f"/{FLUX}", json=body, params={"fal_webhook": hook})).json()
        await house.client.get(job["status_url"])
        with anyio.fail_after(10):
            while not got:
                await anyio.sleep(0.01)
    finally:
        port.close()
    headers, raw = got[0]
    said = json.loads(raw)
    assert (said["request_id"], said["status"], len(said["payload"]["images"])) == (job["request_id"], "OK", 1)
    keys = (await house.client.get("/.well-known/jwks.json", headers={"Authorization": ""})).json()["keys"]
    x = keys[0]["x"]
    told = [headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")]
    message = "\n".join([*told, hashlib.sha256(raw).hexdigest()]).encode()
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
    public.verify(bytes.fromhex(headers["x-fal-webhook-signature"]), message)


async def test_on_one_port_it_lies_below_its_own_name_and_its_links_do_too() -> None:
    app = sandbox(pace="looks", rate=1000)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://box", headers=HEADERS
    ) as client:
        job = (await client.post(f"/fal/{FLUX}", json={"prompt": "a fox", "image_size": SMALL})).json()
        assert job["status_url"].startswith("http://box/fal/fal-ai/flux/requests/")
        await client.get(job["status_url"])
        image = (await client.get(job["response_url"])).json()["images"][0]
        assert (await client.get(image["url"])).headers["content-type"] == "image/jpeg"
        assert (await client.get("/v1/models", headers={"Authorization": "Bearer pk_sandbox"})).status_code == 200
        assert (await client.post(f"/{FLUX}", json={})).status_code == 404
    app.box.close()


async def test_it_is_installed_as_a_transport() -> None:
    async with httpx2.AsyncClient(transport=fal(), base_url=BASE, headers=HEADERS) as client:
        assert (await client.get("/v1/meta")).status_code == 200
