"""The sandbox's OpenAI, through the front door: what it makes, refuses and charges, as its page has it."""

import base64
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from anyio.to_thread import run_sync

from callsheet_sandbox import openai, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.app import sandbox
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from tests.contract import Contract

pytestmark = pytest.mark.anyio

KEY = "sk-not-a-real-key"
HEADERS = {"Authorization": f"Bearer {KEY}"}
BASE = "http://openai.sandbox"
FLARE, SMALL = "gpt-image-2.5-flare", "1024x640"
ERRORS = frozenset({400, 401, 403, 404, 413, 429, 500})


@dataclass
class House:
    """A client of one sandbox, its box, and the contract between them."""

    client: httpx2.AsyncClient
    box: Box
    contract: Contract

    async def ok(self, path: str, **options: Any) -> Any:
        answer = await self.client.post(f"/v1{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def no(self, path: str, **options: Any) -> tuple[int, str | None]:
        """The status and code of a refusal, whose body has the one shape."""
        answer = await self.client.post(f"/v1{path}", **options)
        error = answer.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return answer.status_code, error["code"]

    async def image(self, **body: Any) -> dict[str, Any]:
        said = {"model": FLARE, "prompt": "a fox", "size": SMALL, "quality": "low"} | body
        answer: dict[str, Any] = await self.ok("/images/generations", json=said)
        return answer

    @property
    def left(self) -> Decimal:
        return self.box.balance("openai", owner_of(KEY))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    inner = Transport("openai", None, rate=1000, credits={"openai": 20.0})
    contract = Contract(inner, {"openai": "/v1"}, also=ERRORS)
    async with httpx2.AsyncClient(transport=contract, base_url=BASE, headers=HEADERS, timeout=30) as client:
        yield House(client, inner.app.box, contract)


async def seen(data: str | bytes) -> props.Facts:
    raw = base64.b64decode(data) if isinstance(data, str) else data
    return await run_sync(props.facts, raw)


async def test_a_key_begins_with_sk_and_every_answer_has_an_id_and_what_is_left(house: House) -> None:
    for header in ("", "Bearer ", "Bearer pk_x", "Bearer sk-admin-x", f"Basic {KEY}"):
        answer = await house.client.get("/v1/models", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert answer.headers["x-request-id"].startswith("req_")
    answer = await house.client.get("/v1/models")
    assert (answer.headers["x-ratelimit-limit-requests"], answer.headers["x-ratelimit-remaining-requests"]) == (
        "1000",
        "999",
    )


async def test_the_models_list_tells_what_ends_when_and_lacks_what_has_ended(house: House) -> None:
    rows = {row["id"]: row["shutdown_date"] for row in (await house.client.get("/v1/models")).json()["data"]}
    assert rows[FLARE] is None
    assert (rows["gpt-4o-mini-tts"], rows["whisper-1"], rows["gpt-image-1.5"]) == (
        "2027-01-06",
        "2027-02-26",
        "2026-12-01",
    )
    for gone in ("gpt-image-1", "dall-e-3", "sora-2"):
        assert gone not in rows
        assert await house.no("/images/generations", json={"model": gone, "prompt": "a"}) == (404, "model_not_found")
    assert (await house.client.get("/v1/models/whisper-1")).json()["object"] == "model"


async def test_a_picture_comes_as_base64_in_the_size_kind_and_number_asked_for(house: House) -> None:
    said = await house.image(n=2, output_format="webp", background="opaque")
    assert (said["size"], said["quality"], said["output_format"], said["background"]) == (
        SMALL,
        "low",
        "webp",
        "opaque",
    )
    found = [await seen(row["b64_json"]) for row in said["data"]]
    assert [(one.mime, one.width, one.height) for one in found] == [("image/webp", 1024, 640)] * 2
    usage = said["usage"]
    assert usage["output_tokens"] == 2 * 196
    assert 20 - house.left == Decimal(usage["input_tokens"] * 5 + 392 * 30) / 1_000_000
    cut = await house.image(background="transparent")
    assert (await seen(cut["data"][0]["b64_json"])).mime == "image/png"
    assert b"\x08\x06" in base64.b64decode(cut["data"][0]["b64_json"])[:32], "a PNG with alpha"


async def test_the_newest_model_makes_loops_and_drawings(house: House) -> None:
    newest = {"model": "gpt-image-2.6-flare", "size": SMALL, "quality": "high"}
    gif = await house.image(**newest, output_format="gif", frame_count=3, frame_duration_ms=104)
    assert (await seen(gif["data"][0]["b64_json"])).mime == "image/gif"
    assert gif["usage"]["output_tokens"] == 3 * 1756
    svg = await house.image(**newest, output_format="svg", svg={"model": "gpt-6.1-sol"})
    assert base64.b64decode(svg["data"][0]["b64_json"]).startswith(b"<svg")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"response_format": "b64_json"}, "unknown_parameter", "response_format"),
        ({"style": "vivid"}, "unknown_parameter", "style"),
        ({"n": "2"}, "invalid_value", "n"),
        ({"n": 11}, "invalid_value", "n"),
        ({"size": "1000x640"}, "invalid_value", "size"),
        ({"size": "512x512"}, "invalid_value", "size"),
        ({"size": "3840x1024"}, "invalid_value", "size"),
        ({"model": "gpt-image-2", "quality": "max"}, "invalid_value", "quality"),
        ({"model": "gpt-image-1.5", "size": "1024x640"}, "invalid_value", "size"),
        ({"complexity": "low"}, "invalid_value", "complexity"),
        ({"output_format": "gif"}, "invalid_value", "output_format"),
        ({"output_format": "jpeg", "background": "transparent"}, "invalid_value", "background"),
        ({"output_compression": 50}, "invalid_value", "output_compression"),
        ({"partial_images": 1}, "invalid_value", "partial_images"),
        ({"frame_count": 3}, "invalid_value", "frame_count"),
        ({"prompt": ""}, "invalid_value", "prompt"),
    ],
)
async def test_what_does_not_go_together_is_refused_before_it_costs(
    house: House, body: dict[str, Any], code: str, param: str
) -> None:
    answer = await house.client.post("/v1/images/generations", json={"model": FLARE, "prompt": "a fox"} | body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert house.left == 20


async def test_the_safety_filter_money_and_an_unverified_organisation_each_say_no_in_their_way(house: House) -> None:
    body = {"model": FLARE, "prompt": "a fox [blocked]"}
    assert await house.no("/images/generations", json=body) == (400, "moderation_blocked")
    assert await house.no("/images/generations", json=body | {"prompt": "[fail]"}) == (500, None)
    stranger = {"Authorization": "Bearer sk-unverified-key"}
    assert await house.no("/images/generations", json=body, headers=stranger) == (403, None)
    house.box.accounts.set("openai", owner_of(KEY), Decimal("0.0001"))
    poor = await house.client.post("/v1/images/generations", json=body | {"prompt": "a fox"})
    assert (poor.status_code, poor.json()["error"]["code"]) == (429, "insufficient_quota")
    assert poor.json()["error"]["type"] == "insufficient_quota"
    assert "Retry-After" not in poor.headers
    assert house.left == Decimal("0.0001")


async def test_too_many_requests_are_told_when_to_come_back() -> None:
    async with httpx2.AsyncClient(transport=Transport("openai", rate=1), base_url=BASE, headers=HEADERS) as client:
        assert (await client.get("/v1/models")).status_code == 200
        answer = await client.get("/v1/models")
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_stream_brings_partial_pictures_and_the_end_with_its_usage(house: House) -> None:
    body = {
        "model": FLARE,
        "prompt": "a fox",
        "size": "1536x1024",
        "quality": "low",
        "stream": True,
        "partial_images": 2,
    }
    answer = await house.client.post("/v1/images/generations", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [row["type"].rpartition(".")[2] for row in events] == ["partial_image", "partial_image", "completed"]
    assert events[-1]["usage"]["output_tokens"] == 158 + 200


@pytest.fixture(scope="module")
def still() -> bytes:
    return props.picture("a boat", 1024, 640)


async def test_pictures_are_edited_as_parts_or_by_reference_within_a_mask(house: House, still: bytes) -> None:
    said = {"model": "gpt-image-2.5-sunburst", "prompt": "a red boat", "size": SMALL, "quality": "low"}
    one = await house.ok("/images/edits", data=said, files={"image": ("boat.png", still, "image/png")})
    assert one["usage"]["input_tokens_details"]["image_tokens"] == 1600
    two = [("image[]", ("a.png", still, "image/png")), ("image[]", ("b.png", still, "image/png"))]
    assert (await house.ok("/images/edits", data=said | {"n": "1"}, files=two))["usage"]["input_tokens"] > 3200
    file = (await house.ok("/files", data={"purpose": "vision"}, files={"file": ("boat.png", still, "image/png")}))[
        "id"
    ]
    uri = f"data:image/png;base64,{base64.b64encode(still).decode()}"
    refs = {"images": [{"file_id": file}, {"image_url": uri}], "size": "1024x1024"}
    assert len((await house.ok("/images/edits", json=said | refs))["data"]) == 1
    opaque = props.run_ffmpeg(["-i", "in.png", "-pix_fmt", "rgba"], {"in.png": still}, "mask.png")
    mask = {"image": ("boat.png", still, "image/png"), "mask": ("mask.png", opaque, "image/png")}
    kept = base64.b64decode((await house.ok("/images/edits", data=said, files=mask))["data"][0]["b64_json"])
    assert raw(kept) == raw(still), "an opaque mask keeps everything"
    small = props.picture("m", 128, 96)
    wrong = {"image": ("boat.png", still, "image/png"), "mask": ("mask.png", small, "image/png")}
    assert await house.no("/images/edits", data=said, files=wrong) == (400, "invalid_value")
    assert await house.no("/images/edits", data=said) == (400, "invalid_value")
    assert await house.no("/images/edits", data=said | {"input_fidelity": "high"}, files=mask) == (
        400,
        "unknown_parameter",
    )
    broken = {"image": ("boat.png", b"no picture", "image/png")}
    assert await house.no("/images/edits", data=said, files=broken) == (400, "invalid_image_file")


def raw(picture: bytes) -> bytes:
    return props.run_ffmpeg(["-i", "in.png", "-pix_fmt", "rgb24", "-f", "rawvideo"], {"in.png": picture}, "out.raw")


async def test_speech_comes_in_every_format_and_costs_by_its_model(house: House) -> None:
    text = {"input": "A boat is here.", "voice": "alloy"}
    for format, mime, kind in (
        ("mp3", "audio/mpeg", "audio/mpeg"),
        ("opus", "audio/ogg", "audio/ogg"),
        ("aac", "audio/aac", "audio/aac"),
        ("flac", "audio/flac", "audio/flac"),
        ("wav", "audio/wav", "audio/wav"),
    ):
        body = text | {"model": "tts-1", "response_format": format}
        answer = await house.client.post("/v1/audio/speech", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (200, mime), answer.text
        assert (await seen(answer.content)).mime == kind
    assert 20 - house.left == 5 * 15 * Decimal("0.000015")
    pcm = await house.client.post("/v1/audio/speech", json=text | {"model": "tts-1", "response_format": "pcm"})
    wav = await house.client.post("/v1/audio/speech", json=text | {"model": "tts-1", "response_format": "wav"})
    assert abs(len(pcm.content) / 48_000 - (await seen(wav.content)).seconds) < 0.05


async def test_only_a_stream_of_speech_tells_its_tokens(house: House) -> None:
    body = {"model": "gpt-4o-mini-tts", "input": "A boat is here.", "voice": "marin", "stream_format": "sse"}
    answer = await house.client.post("/v1/audio/speech", json=body | {"instructions": "softly"})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    sound = b"".join(base64.b64decode(row["audio"]) for row in events if row["type"] == "speech.audio.delta")
    assert (await seen(sound)).mime == "audio/mpeg"
    usage = events[-1]["usage"]
    assert 20 - house.left == (usage["input_tokens"] * Decimal("0.6") + usage["output_tokens"] * 12) / 1_000_000
    for wrong in ({"voice": "marin"}, {"instructions": "softly"}, {"stream_format": "sse"}):
        said = {"model": "tts-1", "input": "A boat.", "voice": "alloy"} | wrong
        assert await house.no("/audio/speech", json=said) == (400, "invalid_value")
    assert await house.no("/audio/speech", json=body | {"input": "a" * 4097}) == (400, "invalid_value")
    assert await house.no("/audio/speech", json=body | {"voice": "nobody"}) == (400, "invalid_value")


@pytest.fixture(scope="module")
def sound() -> bytes:
    return props.speech("A boat is here. It is red.").audio


async def test_what_is_heard_comes_in_the_formats_of_its_model(house: House, sound: bytes) -> None:
    file = {"file": ("boat.wav", sound, "audio/wav")}
    seconds = Decimal(str(round(props.facts(sound).seconds, 3)))
    plain = await house.ok(
        "/audio/transcriptions", data={"model": "gpt-transcribe", "languages[]": ["en", "th"]}, files=file
    )
    assert (plain["text"], plain["languages"]) == ("A boat is here. It is red.", [{"code": "en"}, {"code": "th"}])
    assert 20 - house.left == seconds * Decimal("0.000075")
    asked = {"model": "whisper-1", "response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    whole = await house.ok("/audio/transcriptions", data=asked, files=file)
    assert [row["word"] for row in whole["words"]][:2] == ["A", "boat"]
    assert [row["text"] for row in whole["segments"]] == ["A boat is here.", "It is red."]
    for format, begin in (("srt", "1\n00:00:00,"), ("vtt", "WEBVTT\n\n00:00:00."), ("text", "A boat")):
        said = {"model": "whisper-1", "response_format": format}
        answer = await house.client.post("/v1/audio/transcriptions", data=said, files=file)
        assert answer.text.startswith(begin), answer.text
    who = {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json", "known_speaker_names[]": ["Ann"]}
    spoken = await house.ok("/audio/transcriptions", data=who, files=file)
    assert {row["speaker"] for row in spoken["segments"]} == {"Ann"}
    streamed = {"model": "gpt-4o-transcribe", "stream": "true"}
    answer = await house.client.post("/v1/audio/transcriptions", data=streamed, files=file)
    assert json.loads(answer.text.splitlines()[-2][6:])["type"] == "transcript.text.done"
    assert (await house.ok("/audio/translations", data={"model": "whisper-1"}, files=file)) == {"text": plain["text"]}


async def test_what_a_model_cannot_write_or_read_is_refused(house: House, sound: bytes) -> None:
    file = {"file": ("boat.wav", sound, "audio/wav")}
    for said in (
        {"model": "gpt-4o-transcribe", "response_format": "srt"},
        {"model": "whisper-1", "timestamp_granularities[]": "word"},
        {"model": "whisper-1", "keywords[]": "boat"},
        {"model": "whisper-1", "chunking_strategy": '{"type": "other"}'},
    ):
        assert await house.no("/audio/transcriptions", data=said, files=file) == (400, "invalid_value")
    nameless = {"file": ("boat", sound, "audio/wav")}
    assert await house.no("/audio/transcriptions", data={"model": "whisper-1"}, files=nameless) == (
        400,
        "invalid_value",
    )
    assert await house.no("/audio/transcriptions", data={"model": "whisper-1"}) == (400, "missing_required_parameter")
    assert await house.no("/audio/transcriptions", data={"model": "gpt-6-luna"}, files=file) == (404, "model_not_found")


async def test_a_chat_sees_pictures_calls_tools_and_is_found_again_when_stored(house: House, still: bytes) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(still).decode()}"
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": uri, "detail": "low"}},
    ]
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": parts}], "max_completion_tokens": 200}
    said = await house.ok("/chat/completions", json=body | {"store": True, "metadata": {"callsheet": "j_1"}})
    assert "1024 x 640" in said["choices"][0]["message"]["content"]
    usage = said["usage"]
    assert (
        20 - house.left
        == (usage["prompt_tokens"] * Decimal("0.1") + usage["completion_tokens"] * Decimal("0.5")) / 1_000_000
    )
    query = {"metadata[callsheet]": "j_1"}
    found = (await house.client.get("/v1/chat/completions", params=query)).json()
    assert [row["id"] for row in found["data"]] == [said["id"]]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    called = await house.ok("/chat/completions", json=body | {"tools": [tool], "tool_choice": "required"})
    assert called["choices"][0]["finish_reason"] == "tool_calls"
    stream = body | {"stream": True, "stream_options": {"include_usage": True}}
    lines = (await house.client.post("/v1/chat/completions", json=stream)).text.split("\n\n")
    assert json.loads(lines[-3][6:])["usage"]["total_tokens"] > 0
    assert lines[-2] == "data: [DONE]"
    for wrong in ({"max_tokens": 5}, {"temperature": 0.5}, {"tools": [tool], "reasoning_effort": "low"}):
        status, code = await house.no("/chat/completions", json=body | wrong)
        assert (status, code) in ((400, "unsupported_parameter"), (400, "unsupported_value"))


async def test_texts_become_vectors_as_numbers_or_packed(house: House) -> None:
    body = {"model": "text-embedding-3-small", "input": ["a fox", "a boat"], "dimensions": 64}
    plain = (await house.ok("/embeddings", json=body))["data"][0]["embedding"]
    packing = house.client.build_request("POST", "/v1/embeddings", json=body | {"encoding_format": "base64"})
    answer = await house.contract.inner.handle_async_request(packing)  # described as numbers only
    await answer.aread()
    packed = base64.b64decode(answer.json()["data"][0]["embedding"])
    assert [round(value, 5) for value in struct.unpack("<64f", packed)] == [round(value, 5) for value in plain]


async def test_files_are_kept_listed_read_and_dropped(house: House, still: bytes) -> None:
    said = {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    file = await house.ok("/files", data=said, files={"file": ("boat.png", still, "image/png")})
    assert (file["bytes"], file["status"], file["expires_at"] - file["created_at"]) == (len(still), "processed", 3600)
    assert [row["id"] for row in (await house.client.get("/v1/files")).json()["data"]] == [file["id"]]
    assert (await house.client.get(f"/v1/files/{file['id']}")).json()["filename"] == "boat.png"
    assert (await house.client.get(f"/v1/files/{file['id']}/content")).content == still
    assert (await house.client.delete(f"/v1/files/{file['id']}")).json()["deleted"]
    assert (await house.client.get(f"/v1/files/{file['id']}")).status_code == 404
    flags = [
        row["flagged"] for row in (await house.ok("/moderations", json={"input": ["a fox", "[blocked]"]}))["results"]
    ]
    assert flags == [False, True]


async def test_a_tour_of_every_route_but_responses_is_as_the_description_has_it(house: House, sound: bytes) -> None:
    chat = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "hello"}]}
    picture = (await house.image())["data"][0]["b64_json"]
    png = {"image": ("boat.png", base64.b64decode(picture), "image/png")}
    await house.ok("/images/edits", data={"model": FLARE, "prompt": "red", "quality": "low", "size": SMALL}, files=png)
    await house.client.post("/v1/audio/speech", json={"model": "tts-1", "input": "A boat.", "voice": "alloy"})
    for verb in ("transcriptions", "translations"):
        file = {"file": ("boat.wav", sound, "audio/wav")}
        await house.ok(f"/audio/{verb}", data={"model": "whisper-1"}, files=file)
    await house.ok("/chat/completions", json=chat)
    await house.ok("/embeddings", json={"model": "text-embedding-3-small", "input": "a fox"})
    await house.ok("/moderations", json={"input": "a fox"})
    await house.client.get("/v1/models")
    await house.client.get(f"/v1/models/{FLARE}")
    await test_files_are_kept_listed_read_and_dropped(house, b"a file")
    lacking = house.contract.lacking()
    assert {route for route in lacking if "/responses" not in route} == set(), "all but a road not taken"
    print(f"openai: {house.contract.requests} requests and {house.contract.answers} answers validated")


async def test_on_one_port_and_in_process_the_same_paths_are_served() -> None:
    app = sandbox(rate=1000)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://box", headers=HEADERS
    ) as client:
        assert (await client.get("/openai/v1/models")).json()["data"][0]["owned_by"] == "system"
        assert (await client.get("/v1/models")).status_code == 401, "that one is Phaya's"
    app.box.close()
    async with httpx2.AsyncClient(transport=openai(), base_url=BASE, headers=HEADERS) as client:
        assert (await client.get("/v1/models")).status_code == 200
