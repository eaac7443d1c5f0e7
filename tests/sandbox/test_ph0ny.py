"""The sandbox's ph0ny, through the front door: documented shapes, money at completion, webhooks that really arrive."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import hypot, isclose
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest

from callsheet_sandbox import ph0ny, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import sandbox
from callsheet_sandbox.backends.ph0ny import desk
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace

pytestmark = pytest.mark.anyio

KEY = "plabs_" + "not_a_real_key_".ljust(32, "0")
HEADERS = {"Authorization": f"Bearer {KEY}"}
BASE = "http://ph0ny.sandbox"
NOWHERE = "http://127.0.0.1:9/nothing-listens-here"


class Clock:
    """A time of day that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A client of one sandbox, its box and its clock."""

    client: httpx2.AsyncClient
    box: Box
    clock: Clock

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return await self.client.post(path, json=body, **options)

    async def get(self, path: str, **options: Any) -> dict[str, Any]:
        answer = await self.client.get(path, **options)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def create(self, operation: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = await self.post(f"/v1/video/{operation}", body, **options)
        assert answer.status_code == 202, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def made(self, operation: str, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Run a job; its result and the video."""
        job = await self.create(operation, body)
        look = await self.get(f"/v1/video/{job['id']}")
        assert look["status"] == "completed", look
        video = await self.client.get(look["result"]["video_url"], headers={"Authorization": ""})
        assert video.status_code == 200, video.text
        return look["result"], video.content

    def put(self, data: bytes, suffix: str) -> str:
        name = self.box.put(data, suffix, backend="ph0ny", owner="somebody")
        return f"{BASE}/storage/v1/object/public/sandbox/{name}"

    def looks(self, looks: int) -> None:
        self.box.jobs.set_pace(Pace("looks", looks))

    @property
    def left(self) -> Decimal:
        return self.box.balance("ph0ny", owner_of(KEY))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = Clock()
    transport = Transport("ph0ny", None, pace="looks", looks=1, rate=1000, credits={"ph0ny": 2500.0}, clock=clock)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=HEADERS, timeout=30) as client:
        yield House(client, transport.app.box, clock)


@pytest.fixture(scope="module")
def speech() -> bytes:
    return props.speech("Hello from the sea.").audio


@pytest.fixture(scope="module")
def film(speech: bytes) -> bytes:
    """Two shots of two seconds, with speech the sandbox remembers."""
    shots = [props.clip(words, 320, 180, 2.0, fps=12) for words in ("a red desert at noon", "a dark forest at night")]
    return props.with_audio(props.joined(shots), speech)


def code(answer: httpx2.Response) -> str:
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message"}
    return str(body["error"]["code"])


async def test_a_key_of_the_documented_form_opens_an_account_and_anything_else_is_401(house: House) -> None:
    assert (await house.get("/v1/usage"))["credits"] == {"used": 0.0, "limit": 2500.0, "remaining": 2500.0}
    for key in ("", "Bearer pk_other", "Bearer plabs_short", f"Bearer {KEY}x", f"Basic {KEY}"):
        answer = await house.client.get("/v1/usage", headers={"Authorization": key})
        assert (answer.status_code, code(answer)) == (401, "unauthorized")


async def test_a_created_job_is_202_with_six_members_and_moves_on_to_the_full_object(house: House) -> None:
    house.looks(4)
    job = await house.create("generate", {"prompt": "a boat"})
    assert job.keys() == {"id", "type", "status", "provider", "created_at", "owner_id"}
    assert (job["type"], job["status"], job["provider"]) == ("generate", "pending", "ltx-video")
    assert job["id"].startswith("vj_")
    assert job["owner_id"].startswith("user_")
    assert job["created_at"].endswith("Z")
    looks = [await house.get(f"/v1/video/{job['id']}") for _ in range(4)]
    assert [look["status"] for look in looks] == ["pending", "processing", "processing", "completed"]
    assert [look["progress"] for look in looks] == [0.25, 0.5, 0.75, 1.0]
    assert looks[0].keys() == job.keys() | {"progress"}
    done = looks[-1]
    assert done.keys() == job.keys() | {"progress", "completed_at", "result"}
    assert done["result"] == {
        "video_url": f"{BASE}/jobs/{job['id']}/output.mp4",
        "duration_seconds": 5.0,
        "width": 768,
        "height": 512,
        "provider": "ltx-video",
    }


async def test_a_job_is_charged_when_it_completes_and_a_failed_one_never(house: House) -> None:
    house.looks(2)
    job = await house.create("generate", {"prompt": "a boat", "duration_seconds": 2.5})
    await house.get(f"/v1/video/{job['id']}")
    assert house.left == 2500
    await house.get(f"/v1/video/{job['id']}")
    assert house.left == 2450
    bad = await house.create("generate", {"prompt": "a boat [fail]"})
    await house.get(f"/v1/video/{bad['id']}")
    look = await house.get(f"/v1/video/{bad['id']}")
    assert (look["status"], look["error"]["code"]) == ("failed", "provider_timeout")
    assert "result" not in look
    assert house.left == 2450
    assert (await house.client.get(f"/jobs/{bad['id']}/output.mp4")).status_code == 404
    usage = await house.get("/v1/usage")
    assert usage["credits"] == {"used": 50.0, "limit": 2500.0, "remaining": 2450.0}
    assert usage["breakdown"] == {"tts": 0.0, "stt": 0.0, "llm": 0.0, "rag": 0.0, "video": 50.0}
    assert usage["requestCount"] > 6


async def test_the_free_tier_is_a_hard_cap_and_an_engine_on_your_own_key_costs_nothing(house: House) -> None:
    house.box.accounts.set("ph0ny", owner_of(KEY), Decimal(99))
    answer = await house.post("/v1/video/generate", {"prompt": "a boat"})
    assert (answer.status_code, code(answer)) == (402, "insufficient_credits")
    dear = await house.post("/v1/synthesize", {"text": "word " * 150, "provider": "elevenlabs"})
    assert (dear.status_code, code(dear)) == (402, "insufficient_credits")
    for body in ({"provider": "runway"}, {"provider": "sora"}):
        refused = await house.post("/v1/video/generate", {"prompt": "a boat", **body})
        assert (refused.status_code, code(refused)) == (400, "provider_key_required")
    own = {"X-Provider-Key-Runway": "not-a-real-key"}
    job = await house.create("generate", {"prompt": "a boat", "provider": "runway"}, headers=own)
    assert job["provider"] == "runway"
    await house.get(f"/v1/video/{job['id']}")
    assert house.left == 99
    new = await house.create("generate", {"prompt": "a boat", "provider": "some-new-engine", "duration_seconds": 1})
    assert new["provider"] == "some-new-engine"


FACE = {"image_url": NOWHERE, "audio_url": NOWHERE}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("generate", {}, "prompt"),
    ("generate", {"prompt": ""}, "prompt"),
    ("generate", {"prompt": "x" * 2001}, "prompt"),
    ("generate", {"prompt": "x", "duration": 5}, "duration"),
    ("generate", {"prompt": "x", "duration_seconds": 0.9}, "duration_seconds"),
    ("generate", {"prompt": "x", "duration_seconds": 31}, "duration_seconds"),
    ("generate", {"prompt": "x", "duration_seconds": "5"}, "duration_seconds"),
    ("generate", {"prompt": "x", "width": 1921}, "width"),
    ("generate", {"prompt": "x", "width": 255}, "width"),
    ("generate", {"prompt": "x", "height": 1081}, "height"),
    ("generate", {"prompt": "x", "fps": 7}, "fps"),
    ("generate", {"prompt": "x", "fps": 61}, "fps"),
    ("generate", {"prompt": "x", "webhook_url": "nowhere"}, "webhook_url"),
    ("avatar", {"audio_url": NOWHERE}, "image_url"),
    ("avatar", {"image_url": NOWHERE}, "text and voice_id"),
    ("avatar", {"image_url": NOWHERE, "text": "hi"}, "text and voice_id"),
    ("avatar", {**FACE, "text": "x" * 10_001}, "text"),
    ("avatar", {**FACE, "provider": "latentsync"}, "provider"),
    ("avatar", {**FACE, "tts_provider": "google"}, "tts_provider"),
    ("lipsync", {"video_url": NOWHERE}, "audio_url"),
    ("lipsync", {"video_url": NOWHERE, "audio_url": NOWHERE, "provider": "hallo3"}, "provider"),
    ("dub", {"video_url": NOWHERE}, "target_language"),
    ("dub", {"video_url": NOWHERE, "target_language": "Spanish!"}, "target_language"),
    ("dub", {"video_url": NOWHERE, "target_language": "xx"}, "target_language"),
    ("dub", {"video_url": NOWHERE, "target_language": "es-ES", "lipsync_provider": "heygen"}, "lipsync_provider"),
    ("analyze", {"video_url": NOWHERE, "tasks": ["read"]}, "tasks"),
    ("analyze", {"video_url": NOWHERE, "tasks": []}, "tasks"),
    ("analyze", {"video_url": NOWHERE, "tasks": ["qa"]}, "question"),
    ("analyze", {"video_url": NOWHERE, "question": "who?"}, "question"),
]


async def test_what_is_not_documented_is_400_and_costs_nothing(house: House) -> None:
    for operation, body, word in WRONG:
        answer = await house.post(f"/v1/video/{operation}", body)
        assert (answer.status_code, code(answer)) == (400, "invalid_request"), (operation, body, answer.text)
        assert word in answer.json()["error"]["message"], (operation, body, answer.text)
    assert house.left == 2500
    assert all(entry.valid is False for entry in house.box.log.entries("ph0ny"))
    keyed = {"lipsync": "sync-labs", "avatar": "heygen", "analyze": "twelve-labs"}
    for operation, engine in keyed.items():
        body = {"video_url": NOWHERE, "provider": engine}
        body |= {"audio_url": NOWHERE} if operation == "lipsync" else {}
        body = {**FACE, "provider": engine} if operation == "avatar" else body
        assert code(await house.post(f"/v1/video/{operation}", body)) == "provider_key_required"


async def test_unknown_jobs_cancelling_and_what_is_not_built(house: House) -> None:
    job = await house.create("generate", {"prompt": "a boat"})
    for method, path in (("GET", "/v1/video/vj_nothing"), ("POST", f"/v1/video/{job['id']}/cancel")):
        answer = await house.client.request(method, path)
        assert (answer.status_code, code(answer)) == (404, "not_found")
    other = {"Authorization": "Bearer plabs_" + "another_key_".ljust(32, "0")}
    assert (await house.client.get(f"/v1/video/{job['id']}", headers=other)).status_code == 404
    for method, path in (("POST", "/v1/agents"), ("GET", "/v1/outbound"), ("POST", "/v1/collections/c1/ingest")):
        answer = await house.client.request(method, path)
        assert (answer.status_code, code(answer)) == (501, "not_built")


async def test_the_61st_request_in_a_minute_is_429_for_this_key_alone() -> None:
    transport = Transport("ph0ny", None, clock=Clock())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=HEADERS) as client:
        made = (await client.post("/v1/keys", json={"name": "second"})).json()["key"]
        for _ in range(59):
            assert (await client.get("/v1/keys")).status_code == 200
        answer = await client.get("/v1/keys")
        assert (answer.status_code, code(answer), answer.headers["retry-after"]) == (429, "rate_limited", "60")
        again = await client.get("/v1/keys", headers={"Authorization": f"Bearer {made}"})
        assert again.status_code == 200


@dataclass
class Receiver:
    """A real server on loopback that takes webhooks and answers with what it is told."""

    statuses: list[int]
    url: str = ""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.calls.append(({"request": head[0], **headers}, body))
        status = self.statuses[len(self.calls) - 1]
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        if len(self.calls) == len(self.statuses):
            self.done.set()


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[Receiver]:
    heard = Receiver(list(statuses))
    server = await asyncio.start_server(heard.take, "127.0.0.1", 0)
    async with server:
        heard.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield heard


async def test_a_look_that_finds_a_job_over_sends_a_signed_webhook_once(house: House) -> None:
    async with receiver(204) as heard:
        job = await house.create("generate", {"prompt": "a boat", "webhook_url": heard.url})
        assert heard.calls == []
        look = await house.get(f"/v1/video/{job['id']}")
        with anyio.fail_after(5):
            await heard.done.wait()
        [(headers, body)] = heard.calls
        assert headers["request"] == "POST /hook HTTP/1.1"
        assert headers["content-type"] == "application/json"
        assert headers["x-signature"] == hmac.new(b"whsec_sandbox", body, "sha256").hexdigest()
        assert json.loads(body) == look
        with anyio.fail_after(5):
            while "called" not in house.box.jobs.of(job["id"]).facts:
                await anyio.lowlevel.checkpoint()
        await house.get(f"/v1/video/{job['id']}")
        assert len(heard.calls) == 1


async def test_a_webhook_comes_unasked_is_tried_again_and_tells_of_failure_too() -> None:
    box = Box(None, pace=Pace(speed=100), credits=2500)
    app = desk(box, webhook_secret="whsec_another", waits=(0.0, 0.0, 0.0)).app()
    async with (
        receiver(500, 302, 200) as heard,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE, headers=HEADERS) as client,
    ):
        body = {"prompt": "a boat [fail]", "webhook_url": heard.url}
        job = (await client.post("/v1/video/generate", json=body)).json()
        with anyio.fail_after(5):
            await heard.done.wait()
    assert len({raw for _, raw in heard.calls}) == 1
    headers, raw = heard.calls[0]
    assert headers["x-signature"] == hmac.new(b"whsec_another", raw, "sha256").hexdigest()
    told = json.loads(raw)
    assert (told["id"], told["status"], told["error"]["code"]) == (job["id"], "failed", "provider_timeout")
    box.close()


async def test_generated_video_is_of_the_asked_size_length_and_rate(house: House) -> None:
    asked = {"prompt": "a boat", "width": 301, "height": 258, "duration_seconds": 1.25, "fps": 8}
    result, video = await house.made("generate", asked)
    facts = props.facts(video)
    assert (facts.width, facts.height) == (result["width"], result["height"]) == (300, 258)
    assert isclose(facts.seconds, result["duration_seconds"], abs_tol=0.05)
    assert house.left == 2475


async def test_an_avatar_speaks_a_text_or_a_recording_and_the_recording_wins(house: House, speech: bytes) -> None:
    face = house.put(props.picture("a woman", 401, 300), ".png")
    text = {
        "image_url": face,
        "text": "Good morning to you all.",
        "voice_id": "kokoro-aria",
        "tts_provider": "elevenlabs",
    }
    result, video = await house.made("avatar", text)
    facts = props.facts(video)
    assert (facts.width, facts.height, facts.audio) == (result["width"], result["height"], True)
    assert isclose(facts.seconds, result["duration_seconds"], abs_tol=0.1)
    assert props.transcript(video)[0].text == text["text"]
    voice = Decimal(166) * len(text["text"]) / 1000
    assert house.left == 2500 - Decimal(str(result["duration_seconds"])) * 10 - voice
    before = house.left
    both, video = await house.made("avatar", {**text, "audio_url": house.put(speech, ".wav")})
    assert props.transcript(video)[0].text == "Hello from the sea."
    assert house.left == before - Decimal(str(both["duration_seconds"])) * 10
    webp = house.put(props.picture("a woman", 64, 64, format="webp"), ".webp")
    assert "JPG or PNG" in (await house.post("/v1/video/avatar", {**text, "image_url": webp})).text


async def test_lips_follow_a_recording_and_a_dub_keeps_each_line_at_its_time(
    house: House, film: bytes, speech: bytes
) -> None:
    video, sound = house.put(props.clip("a man", 320, 180, 2.0, fps=12), ".mp4"), house.put(speech, ".wav")
    result, lips = await house.made("lipsync", {"video_url": video, "audio_url": sound, "provider": "musetalk"})
    facts = props.facts(lips)
    assert result["provider"] == "musetalk"
    assert (facts.width, facts.height, round(facts.seconds), facts.audio) == (320, 180, 2, True)
    assert house.left == 2480
    cues = props.transcript(film)
    asked = {"video_url": house.put(film, ".mp4"), "target_language": "es-ES", "lipsync_provider": "video-retalking"}
    result, dub = await house.made("dub", asked)
    assert result["provider"] == "video-retalking"
    dubbed = props.transcript(dub)
    assert dubbed[0].text == cues[0].text
    assert isclose(dubbed[0].start, cues[0].start, abs_tol=0.1)
    voice = Decimal(4) * len(cues[0].text) / 1000
    assert house.left == 2480 - Decimal(str(result["duration_seconds"])) * 10 - voice
    silent, untouched = await house.made("dub", {"video_url": video, "target_language": "th"})
    assert not props.facts(untouched).audio
    assert silent["duration_seconds"] == 2.0


async def test_an_analysis_finds_the_words_and_the_cuts_and_only_what_was_asked(house: House, film: bytes) -> None:
    url = house.put(film, ".mp4")
    job = await house.create("analyze", {"video_url": url})
    assert job["provider"] == "qwen3-vl"
    found = (await house.get(f"/v1/video/{job['id']}"))["result"]
    assert found.keys() == {"provider", "transcript", "scenes", "embeddings"}
    assert (found["transcript"]["text"], found["transcript"]["language"]) == ("Hello from the sea.", "en")
    assert found["transcript"]["segments"][0].keys() == {"start", "end", "text"}
    assert [round(shot["start"]) for shot in found["scenes"]] == [0, 2]
    assert all(one["end"] == two["start"] for one, two in pairwise(found["scenes"]))
    vectors = [shot["vector"] for shot in found["embeddings"]]
    assert all(isclose(hypot(*vector), 1, abs_tol=1e-3) for vector in vectors)
    assert vectors[0] != vectors[1]
    seconds = Decimal(str(round(props.facts(film).seconds, 3)))
    assert house.left == 2500 - seconds * 5
    asked = {"video_url": url, "tasks": ["qa"], "question": "Who speaks?", "provider": "twelve-labs"}
    job = await house.create("analyze", asked, headers={"X-Provider-Key-TwelveLabs": "not-a-real-key"})
    found = (await house.get(f"/v1/video/{job['id']}"))["result"]
    assert found.keys() == {"provider", "answer"}
    assert "shots: 2" in found["answer"]
    assert found["answer"].endswith("You asked: Who speaks?")
    assert house.left == 2500 - seconds * 5


async def test_speech_is_a_link_for_an_hour_or_the_sound_itself(house: House) -> None:
    said = {"text": "Good morning.", "provider": "cartesia"}
    reply = (await house.post("/v1/synthesize", said)).json()
    assert reply.keys() == {"audioUrl", "audioFormat", "duration", "charactersUsed", "provider"}
    assert (reply["audioFormat"], reply["charactersUsed"], reply["provider"]) == ("wav", 13, "cartesia")
    assert house.left == 2500 - Decimal("1.014")
    sound = await house.client.get(reply["audioUrl"], headers={"Authorization": ""})
    assert isclose(props.facts(sound.content).seconds, reply["duration"], abs_tol=0.1)
    house.clock.now += 3602
    assert (await house.client.get(reply["audioUrl"])).status_code == 403
    own = {"Accept": "audio/*", "X-Provider-Key-Cartesia": "not-a-real-key"}
    for format, mime in (("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("ogg", "audio/ogg")):
        answer = await house.post("/v1/synthesize", {**said, "format": format, "pitch": 1.5}, headers=own)
        assert props.facts(answer.content).mime == mime
        assert answer.headers["content-type"] == mime
    assert house.left == 2500 - Decimal("1.014")
    for wrong in ({}, {"text": ""}, {"text": "x", "speed": 2.1}, {"text": "x", "voice_id": "aria"}, {"text": "…"}):
        assert code(await house.post("/v1/synthesize", wrong)) == "invalid_request"


async def test_a_recording_is_transcribed_from_an_address_or_a_file(house: House, speech: bytes) -> None:
    by_url = (await house.post("/v1/transcribe", {"audioUrl": house.put(speech, ".wav")})).json()
    assert (by_url["text"], by_url["language"], len(by_url["segments"])) == ("Hello from the sea.", "en", 1)
    minutes = Decimal(str(by_url["duration"])) / 60
    assert abs(2500 - house.left - 12 * minutes) < Decimal("0.002")
    form = {"timestamps": "word", "diarize": "true"}
    by_file = await house.client.post("/v1/transcribe", files={"file": ("a.wav", speech)}, data=form)
    segments = by_file.json()["segments"]
    assert [segment["text"] for segment in segments] == ["Hello", "from", "the", "sea."]
    assert segments[0].keys() == {"start", "end", "text", "speaker"}
    for wrong in ({}, {"audioUrl": NOWHERE, "mode": "slow"}, {"audio_url": NOWHERE}):
        assert code(await house.post("/v1/transcribe", wrong)) == "invalid_request"
    huge = await house.client.post("/v1/transcribe", files={"file": ("a.wav", b"0" * 25_000_001)})
    assert code(huge) == "invalid_request"


async def test_voices_are_paged_filtered_cloned_with_consent_and_deleted(house: House) -> None:
    first = await house.get("/v1/voices")
    assert (len(first["data"]), first["hasMore"]) == (50, True)
    second = await house.get("/v1/voices", params={"cursor": first["nextCursor"]})
    assert (len(second["data"]), second["nextCursor"], second["hasMore"]) == (10, None, False)
    found = await house.get("/v1/voices", params={"provider": "cartesia", "q": "ARIA", "limit": 200})
    assert [voice["id"] for voice in found["data"]] == ["cartesia-aria"]
    assert code(await house.client.get("/v1/voices", params={"limit": 201})) == "invalid_request"
    samples = {"name": "Me", "sampleUrls": ["https://example.com/me.wav"]}
    refused = await house.post("/v1/voices/clone", samples)
    assert (refused.status_code, code(refused)) == (400, "CONSENT_REQUIRED")
    consent = {"subject": "self", "statement": "This is my own voice."}
    for wrong in ({"consent": {**consent, "subject": "other"}}, {"consent": consent, "sampleUrls": [NOWHERE]}):
        assert code(await house.post("/v1/voices/clone", samples | wrong)) == "invalid_request"
    cloned = await house.post("/v1/voices/clone", samples | {"consent": consent})
    assert cloned.status_code == 201
    voice = cloned.json()["voice"]
    assert voice["isCustom"] is True
    older = await house.client.post("/v1/voices/clone", files={"file": ("me.wav", b"x")}, data={"name": "Me again"})
    assert (older.status_code, older.json()["name"]) == (201, "Me again")
    mine = await house.get("/v1/voices", params={"includeCustom": "true", "limit": 2})
    assert [one["name"] for one in mine["data"]] == ["Me", "Me again"]
    assert (await house.get(f"/v1/voices/{voice['id']}")) == voice
    gone = await house.client.delete(f"/v1/voices/{voice['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await house.client.delete(f"/v1/voices/{voice['id']}")).status_code == 404
    assert (await house.client.get(f"/v1/voices/{voice['id']}")).status_code == 404


async def test_a_key_made_here_opens_the_same_account_until_it_is_rotated_revoked_or_expired(house: House) -> None:
    made = (await house.post("/v1/keys", {"name": "second", "expiresInDays": 1})).json()
    second = {"Authorization": f"Bearer {made['key']}"}
    house.box.accounts.set("ph0ny", owner_of(KEY), Decimal(7))
    assert (await house.get("/v1/usage", headers=second))["credits"]["remaining"] == 7.0
    [listed] = (await house.get("/v1/keys"))["keys"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    rotated = (await house.post(f"/v1/keys/{made['id']}/rotate")).json()
    assert (await house.client.get("/v1/usage", headers=second)).status_code == 401
    third = {"Authorization": f"Bearer {rotated['key']}"}
    await house.get("/v1/usage", headers=third)
    house.clock.now += 86_401
    assert (await house.client.get("/v1/usage", headers=third)).status_code == 401
    lasting = (await house.post("/v1/keys", {"name": "third"})).json()
    assert (await house.client.delete(f"/v1/keys/{lasting['id']}")).status_code == 204
    fourth = {"Authorization": f"Bearer {lasting['key']}"}
    assert (await house.client.get("/v1/usage", headers=fourth)).status_code == 401


async def test_billing_is_there_and_sells_nothing(house: House) -> None:
    assert (await house.get("/v1/billing/subscription"))["tier"] == "free"
    assert (await house.post("/v1/billing/checkout", {"tier": "pro"})).json()["url"].endswith(".invalid/pro")
    assert code(await house.post("/v1/billing/checkout", {"tier": "platinum"})) == "invalid_request"


async def test_the_entry_point_gives_a_transport_and_all_backends_share_one_origin() -> None:
    async with httpx2.AsyncClient(transport=ph0ny(), base_url=BASE, headers=HEADERS) as client:
        assert (await client.get("/v1/usage")).json()["credits"]["remaining"] == 2500.0
    whole = sandbox(pace="looks")
    origin = "http://127.0.0.1:8123"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(whole), base_url=origin, headers=HEADERS) as client:
        job = (await client.post("/v1/video/generate", json={"prompt": "a boat", "duration_seconds": 1})).json()
        look = (await client.get(f"/v1/video/{job['id']}")).json()
        assert look["result"]["video_url"] == f"{origin}/jobs/{job['id']}/output.mp4"
        assert (await client.get("/v1/models", headers={"Authorization": "Bearer pk_x"})).status_code == 200
    whole.box.close()
