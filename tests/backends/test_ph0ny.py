"""ph0ny, through the front door: what is sent for each operation and engine, what comes back, what it costs."""

import json
from collections.abc import AsyncIterator, Callable
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
from callsheet.catalogue.words import OPERATIONS
from callsheet.errors import RequestError
from callsheet.settings.settings import Settings
from callsheet.studio import Studio
from callsheet_sandbox import props
from callsheet_sandbox.jobs import Pace
from callsheet_server.mcp.server import build
from tests.conftest import TOOLSETS, Nowhere, told
from tests.ours import catalogue
from tests.wire import OverPort, shown

pytestmark = pytest.mark.anyio

ORIGIN = "http://ph0ny.sandbox"
SMALL = {"resolution": "256x256", "duration_seconds": 1}
OWN = "elevenlabs:el-not-a-real-key,runway:rw-not-a-real-key,sync-labs:sy-not-a-real-key,HeyGen:hg-not-a-real-key"
TONE = props.speech("One two three four.").audio


@dataclass
class Seen:
    """A request as it left us."""

    method: str
    path: str
    body: Any
    headers: httpx2.Headers


@dataclass
class Door(httpx2.AsyncBaseTransport):
    """The way to ph0ny: writes down what passes; `change` may alter a request before the sandbox sees it."""

    box: OverPort
    seen: list[Seen] = field(default_factory=list)
    change: Callable[[httpx2.Request], None] = lambda request: None
    answers: dict[str, httpx2.Response] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raw = await request.aread()
        body = json.loads(raw) if raw.startswith(b"{") else raw
        self.seen.append(Seen(request.method, request.url.path, body, request.headers))
        if (answer := self.answers.get(request.url.path)) is not None:
            return answer
        self.change(request)
        return await self.box.handle_async_request(request)

    async def aclose(self) -> None:
        await self.box.aclose()

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return self if account == "sandbox/ph0ny" else Nowhere()

    def creates(self) -> list[Seen]:
        return [one for one in self.seen if one.method == "POST"]

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the last create."""
        body: dict[str, Any] = self.creates()[-1].body
        return body

    @property
    def left(self) -> Decimal:
        """Credits left, as the sandbox has it."""
        [row] = self.box.app.box.accounts.all()
        self.box.app.box.jobs.settle("ph0ny", row["owner"])
        return Decimal(self.box.app.box.accounts.all()[0]["balance"])

    def put(self, data: bytes, suffix: str) -> str:
        """A file at a public address."""
        name = self.box.app.box.put(data, suffix, backend="ph0ny", owner="somebody")
        return f"{ORIGIN}/storage/v1/object/public/sandbox/{name}"


@dataclass
class Set:
    """One owner, whose only backend is the sandbox's ph0ny."""

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
    box = OverPort("ph0ny", tmp_path / "box", speed=50.0, rate=100_000, credits={"ph0ny": 2500.0})
    return Set(tmp_path, Door(box))


async def do(client: Client, tool: str, **said: Any) -> dict[str, Any]:
    return told(await client.call_tool(tool, {"model": "ph0ny/auto", "wait_s": 60} | said))


async def made(client: Client, tool: str, **said: Any) -> dict[str, Any]:
    receipt = await do(client, tool, **said)
    assert receipt["status"] == "completed", receipt
    return receipt


async def refused(client: Client, tool: str, **said: Any) -> str:
    """Why a call never became a job."""
    result = await client.call_tool(tool, {"model": "ph0ny/auto"} | said)
    assert result.is_error and result.structured_content is None, result
    return " ".join(part.text for part in result.content if part.type == "text")


# -- video ----------------------------------------------------------------------------------------------------------


async def test_shape_and_resolution_become_the_largest_frame_that_ph0ny_takes(stage: Set) -> None:
    async with stage.client() as client:
        words = {"prompt": "a fox", "aspect_ratio": "16:9", "resolution": "256p", "duration_seconds": 1}
        receipt = await made(client, "generate_video", **words, negative_prompt="rain", options={"fps": 8})
    body = {"prompt": "a fox", "negative_prompt": "rain", "duration_seconds": 1.0, "fps": 8, "provider": "auto"}
    assert stage.door.sent == body | {"width": 454, "height": 256}
    [clip] = receipt["media"]
    assert (clip["mime_type"], clip["width"], clip["height"], clip["seconds"]) == ("video/mp4", 454, 256, 1.0)


@pytest.mark.parametrize(
    ("said", "frame"),
    [
        ({}, (768, 512)),
        ({"aspect_ratio": "16:9"}, (1920, 1080)),
        ({"aspect_ratio": "1:1"}, (1080, 1080)),
        ({"aspect_ratio": "9:16", "resolution": "1080p"}, (606, 1080)),
        ({"aspect_ratio": "21:9"}, (1920, 822)),
        ({"resolution": "720p"}, (1080, 720)),
        ({"aspect_ratio": "16:9", "resolution": "720p"}, (1280, 720)),
        ({"resolution": "640x1080"}, (640, 1080)),
    ],
)
def test_every_shape_has_a_frame(said: dict[str, str], frame: tuple[int, int]) -> None:
    ask = catalogue.ask(OPERATIONS["generate_video"].of({"model": "ph0ny/auto", "prompt": "a fox", **said}))
    assert (ask.body()["width"], ask.body()["height"]) == frame


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"aspect_ratio": "1:8"}, "the frame would be 134x1080"),
        ({"resolution": "4000x900"}, "the frame would be 4000x900"),
        ({"resolution": "640x480", "aspect_ratio": "1:1"}, "say either `aspect_ratio`, or `resolution`"),
        ({"resolution": "4K"}, "`resolution`"),
        ({"duration_seconds": 31}, "less than or equal to 30"),
        ({"image": "https://example.com/fox.png"}, "it takes no `image`"),
        ({"options": {"width": 300}}, "there is no option `width`"),
        ({"model": "ph0ny/runway", "options": {"provider": "sora"}}, "there is no option `provider`"),
    ],
)
async def test_what_ph0ny_cannot_make_is_refused_before_anything_is_sent(
    stage: Set, said: dict[str, Any], reason: str
) -> None:
    async with stage.client() as client:
        assert reason in await refused(client, "generate_video", prompt="a fox", **said)
    assert not stage.door.seen


async def test_an_engine_is_a_model_and_ph0ny_s_list_of_them_is_open(stage: Set) -> None:
    async with stage.client(PH0NY_PROVIDER_KEYS=OWN) as client:
        await made(client, "generate_video", prompt="a fox", model="ltx-video", **SMALL)
        assert stage.door.sent["provider"] == "ltx-video"
        await made(client, "generate_video", prompt="a fox", options={"provider": "kling-next"}, **SMALL)
        assert stage.door.sent["provider"] == "kling-next"
        receipt = await made(client, "generate_video", prompt="a fox", model="ph0ny/runway", **SMALL)
    assert stage.door.sent["provider"] == "runway"
    assert receipt["credits"]["quoted"] == receipt["credits"]["charged"] == 0


async def test_nobody_publishes_what_a_clip_costs_so_a_person_is_asked_and_the_balance_tells_it(stage: Set) -> None:
    words = {"prompt": "a fox", **SMALL}
    async with stage.client(CALLSHEET_UNPRICED="ask") as client:
        receipt = await do(client, "generate_video", **words)
        assert receipt["status"] == "refused" and "max_credits=20" in receipt["error"]["message"]
        receipt = await made(client, "generate_video", **words, max_credits=20)
        money = (await settled(client, receipt))["credits"]
        [account] = told(await client.call_tool("get_credits", {"backend": "ph0ny", "detail": True}))["accounts"]
    assert (money["quoted"], money["charged"], money["basis"]) == (20.0, 20.0, "observed")
    assert stage.door.left == Decimal(2480)
    assert (account["balance"], account["usage"]["credits"]["remaining"]) == (2480.0, 2480.0)
    assert account["subscription"]["tier"] == "free"


async def test_a_job_that_fails_costs_nothing_and_says_why(stage: Set) -> None:
    async with stage.client() as client:
        receipt = await do(client, "generate_video", prompt="a fox [fail]", **SMALL)
    assert (receipt["status"], receipt["credits"]["charged"]) == ("failed", 0.0)
    assert "The sandbox was asked to fail this job" in receipt["error"]["message"]
    assert stage.door.left == Decimal(2500)


async def test_a_running_job_says_how_far_it_is_and_cannot_be_cancelled(stage: Set) -> None:
    jobs = stage.door.box.app.box.jobs
    jobs.set_pace(Pace("looks", 4, 1.0))
    async with stage.client() as client:
        receipt = await do(client, "generate_video", prompt="a fox", wait_s=0, **SMALL)
        with anyio.fail_after(20):
            while "%" not in receipt.get("progress", ""):
                await anyio.sleep(0.01)
                receipt = told(await client.call_tool("get_job", {"job_id": receipt["job_id"]}))
        assert receipt["progress"] in ("pending, 25%", "processing, 50%", "processing, 75%")
        said = told(await client.call_tool("cancel_job", {"job_id": receipt["job_id"]}))["progress"]
        done = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 60}))
    assert "ph0ny cannot cancel ph0ny/auto" in said and done["status"] == "completed"
    assert not [one for one in stage.door.seen if "cancel" in one.path]


# -- people ---------------------------------------------------------------------------------------------------------


def picture() -> bytes:
    return props.picture("a face", 128, 160, format="png")


async def test_a_picture_speaks_a_recording(stage: Set) -> None:
    face, voice = stage.door.put(picture(), ".png"), stage.door.put(TONE, ".wav")
    async with stage.client() as client:
        receipt = await made(client, "create_avatar", image=face, audio=voice)
        assert stage.door.sent == {"image_url": face, "audio_url": voice, "provider": "auto"}
        await made(client, "create_avatar", image=face, audio=voice, model="hallo3")
        assert stage.door.sent["provider"] == "hallo3"
    assert receipt["media"][0]["mime_type"] == "video/mp4"


async def test_a_picture_speaks_a_text_in_a_voice(stage: Set) -> None:
    face = stage.door.put(picture(), ".png")
    words = {"image": face, "text": "Good morning.", "voice": "kokoro-aria", "language": "es-ES"}
    async with stage.client(PH0NY_PROVIDER_KEYS=OWN) as client:
        receipt = await made(client, "create_avatar", **words, options={"tts_provider": "kokoro"})
        body = {"image_url": face, "text": "Good morning.", "voice_id": "kokoro-aria", "target_language": "es-ES"}
        assert stage.door.sent == body | {"tts_provider": "kokoro", "provider": "auto"}
        quoted = Decimal(str(receipt["credits"]["quoted"]))
        charged = Decimal(str((await settled(client, receipt))["credits"]["charged"]))
        assert charged == 2500 - stage.door.left and charged <= quoted
        own = await made(client, "create_avatar", **words, model="ph0ny/heygen", options={"tts_provider": "elevenlabs"})
    assert own["credits"]["quoted"] == 0.166 * 13
    sent = stage.door.creates()[-1].headers
    assert sent["x-provider-key-heygen"] == "hg-not-a-real-key"
    assert sent["x-provider-key-elevenlabs"] == "el-not-a-real-key"
    assert "x-provider-key-runway" not in sent


async def settled(client: Client, receipt: dict[str, Any]) -> dict[str, Any]:
    """The receipt once the balance has told what was charged."""
    with anyio.fail_after(20):
        while "charged" not in receipt["credits"]:
            await anyio.sleep(0.02)
            receipt = told(await client.call_tool("get_job", {"job_id": receipt["job_id"]}))
    return receipt


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "say either `audio`, or `text` and `voice`"),
        ({"text": "Hello"}, "`text` needs a `voice`"),
        ({"text": "Hello", "voice": "v", "audio": "https://example.com/a.wav"}, "say either `audio`"),
        ({"audio": "https://example.com/a.wav", "language": "de-DE"}, "go with `text`"),
    ],
)
async def test_an_avatar_says_either_a_recording_or_a_text(stage: Set, said: dict[str, Any], reason: str) -> None:
    async with stage.client() as client:
        assert reason in await refused(client, "create_avatar", image="https://example.com/face.png", **said)


async def test_lips_follow_a_recording_and_a_video_is_dubbed(stage: Set) -> None:
    async with stage.client(PH0NY_PROVIDER_KEYS=OWN) as client:
        clip = await made(client, "generate_video", prompt="a face", **SMALL)
        speech = await made(client, "generate_speech", text="One two.", model="ph0ny/kokoro")
        lips = await made(client, "lipsync_video", video=clip["job_id"], audio=speech["job_id"])
        link, sound = clip["media"][0]["url"], speech["media"][0]["url"]
        assert stage.door.sent == {"video_url": link, "audio_url": sound, "provider": "auto"}
        for engine in ("latentsync", "video-retalking", "musetalk", "sync-labs", "heygen-lipsync"):
            words = {"video": clip["job_id"], "audio": speech["job_id"], "model": f"ph0ny/{engine}"}
            await made(client, "lipsync_video", **words)
            assert stage.door.sent["provider"] == engine
        assert stage.door.creates()[-1].headers["x-provider-key-heygen"] == "hg-not-a-real-key"

        talk = lips["media"][0]["url"]
        await made(client, "dub_video", video=lips["job_id"], target_language="es-ES")
        assert stage.door.sent == {"video_url": talk, "target_language": "es-ES"}
        words = {"source_language": "en", "voice": "kokoro-aria", "options": {"tts_provider": "elevenlabs"}}
        await made(client, "dub_video", video=talk, target_language="de-DE", model="ph0ny/sync-labs", **words)
    body = {"video_url": talk, "target_language": "de-DE", "source_language": "en", "voice_id": "kokoro-aria"}
    assert stage.door.sent == body | {"tts_provider": "elevenlabs", "lipsync_provider": "sync-labs"}
    sent = stage.door.creates()[-1].headers
    assert {name for name in sent if name.startswith("x-provider-key")} == {
        "x-provider-key-synclabs",
        "x-provider-key-elevenlabs",
    }


async def test_an_engine_that_needs_a_key_of_your_own_says_which_variable_holds_it(stage: Set) -> None:
    async with stage.client() as client:
        receipt = await do(client, "generate_video", prompt="a fox", model="ph0ny/sora", **SMALL)
    assert receipt["status"] == "failed" and receipt["credits"]["charged"] == 0
    assert "PH0NY_PROVIDER_KEYS" in receipt["error"]["message"] and "sora needs a key" in receipt["error"]["message"]


async def test_a_file_on_this_machine_cannot_be_shown_to_ph0ny_s_video_engines(stage: Set) -> None:
    path = stage.folder / "out" / "face.png"
    path.parent.mkdir()
    path.write_bytes(picture())
    async with stage.client() as client:
        receipt = await do(client, "create_avatar", image=str(path), audio=stage.door.put(TONE, ".wav"))
    assert receipt["status"] == "failed" and "give a public URL" in receipt["error"]["message"]
    assert not stage.door.creates()


# -- what is in a video ---------------------------------------------------------------------------------------------


async def test_a_video_is_analyzed_into_text_subtitles_and_data(stage: Set) -> None:
    film = stage.door.put(props.talking_head(picture(), TONE), ".mp4")
    async with stage.client() as client:
        receipt = await made(client, "analyze_video", video=film)
        assert stage.door.sent == {"video_url": film, "provider": "auto"}
        assert receipt["text"].startswith("One two three four.") and "Shot 1 of 1" in receipt["text"]
        kinds = {item["mime_type"]: Path(item["path"]) for item in receipt["media"]}
        assert set(kinds) == {"application/json", "application/x-subrip"}
        assert "One two three four." in kinds["application/x-subrip"].read_text()
        assert set(json.loads(kinds["application/json"].read_text())) == {"transcript", "scenes", "embeddings"}

        answer = await made(client, "analyze_video", video=film, question="Who is it?", model="ph0ny/qwen2.5-vl")
        expected = {"video_url": film, "tasks": ["qa"], "question": "Who is it?", "provider": "qwen2.5-vl"}
        assert stage.door.sent == expected and "You asked: Who is it?" in answer["text"]
        await made(client, "analyze_video", video=film, question="Who?", tasks=["scenes"])
        assert stage.door.sent["tasks"] == ["scenes", "qa"]
        assert "needs a `question`" in await refused(client, "analyze_video", video=film, tasks=["qa"])
        assert "tasks" in await refused(client, "analyze_video", video=film, tasks=["smell"])


async def test_a_recording_is_transcribed_from_a_url_or_from_a_file(stage: Set) -> None:
    url, path = stage.door.put(TONE, ".wav"), stage.folder / "out" / "speech.wav"
    path.parent.mkdir()
    path.write_bytes(TONE)
    async with stage.client() as client:
        receipt = await made(client, "transcribe", audio=url)
        assert stage.door.sent == {"audioUrl": url}
        assert receipt["text"] == "One two three four."
        assert {Path(item["path"]).suffix for item in receipt["media"]} == {".srt", ".json"}
        before = stage.door.left
        options = {"diarize": True, "mode": "fast", "timestamps": "word"}
        receipt = await made(client, "transcribe", audio=str(path), language="en", options=options)
        money = (await settled(client, receipt))["credits"]
    form = stage.door.creates()[-1]
    assert form.headers["content-type"].startswith("multipart/form-data") and TONE in form.body
    for name, value in {"language": "en", "mode": "fast", "diarize": "true", "timestamps": "word"}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in form.body
    found = json.loads(next(Path(i["path"]) for i in receipt["media"] if i["path"].endswith(".json")).read_text())
    assert found["segments"][0]["speaker"] == "SPEAKER_00"
    assert Decimal(str(money["charged"])) == before - stage.door.left <= Decimal(str(money["quoted"]))


def test_a_file_that_is_too_large_for_ph0ny_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(25_000_001)
    ask = catalogue.ask(OPERATIONS["transcribe"].of({"model": "ph0ny/auto", "audio": str(path)}))
    with pytest.raises(RequestError, match="larger than the 25 MB"):
        ask.with_inputs({"audio": [str(path)]})


# -- speech and voices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine", "rate"), [("cartesia", 78), ("elevenlabs", 166), ("pocket-tts", 2), ("qwen-tts", 4)]
)
async def test_speech_costs_what_the_table_says(stage: Set, engine: str, rate: int) -> None:
    async with stage.client() as client:
        receipt = await made(client, "generate_speech", text="Good morning.", model=f"ph0ny/{engine}")
    money, expected = receipt["credits"], Decimal(rate) * 13 / 1000
    assert Decimal(str(money["quoted"])) == Decimal(str(money["charged"])) == expected == 2500 - stage.door.left
    assert money["basis"] == "documented" and receipt["media"][0]["mime_type"] == "audio/wav"
    assert stage.door.sent == {"text": "Good morning.", "provider": engine}


async def test_every_speaker_is_a_model(stage: Set) -> None:
    known = [m for m in catalogue.models("generate_speech", "ph0ny") if m.id != "ph0ny/auto"]
    assert len(known) == 12
    async with stage.client() as client:
        for model in known:
            await made(client, "generate_speech", text="Yes.", model=model.id)
            assert stage.door.sent["provider"] == model.id.partition("/")[2]


async def test_where_ph0ny_picks_the_engine_its_answer_tells_the_charge(stage: Set) -> None:
    words = {"text": "Good morning.", "voice": "kokoro-aria", "speed": 1.5, "options": {"format": "mp3", "pitch": 1.2}}
    async with stage.client() as client:
        receipt = await made(client, "generate_speech", **words)
        assert "takes no `language`" in await refused(client, "generate_speech", text="Yes.", language="en")
        assert "`speed`" in await refused(client, "generate_speech", text="Yes.", speed=3)
    body = {"text": "Good morning.", "voiceId": "kokoro-aria", "speed": 1.5, "pitch": 1.2, "format": "mp3"}
    assert stage.door.sent == body | {"provider": "default"}
    assert receipt["media"][0]["mime_type"] == "audio/mpeg"
    assert receipt["credits"]["charged"] == 0.052 and receipt["credits"]["basis"] == "documented"
    assert stage.door.left == Decimal("2499.948")


async def test_speech_on_a_key_of_your_own_costs_nothing(stage: Set) -> None:
    async with stage.client(PH0NY_PROVIDER_KEYS=OWN) as client:
        receipt = await made(client, "generate_speech", text="Good morning.", model="ph0ny/elevenlabs")
    assert receipt["credits"]["quoted"] == receipt["credits"]["charged"] == 0
    assert stage.door.left == Decimal(2500)
    assert stage.door.creates()[-1].headers["x-provider-key-elevenlabs"] == "el-not-a-real-key"


async def test_an_answer_that_is_the_sound_itself_is_stored(stage: Set) -> None:
    def older(request: httpx2.Request) -> None:
        request.headers["Accept"] = "audio/*"

    stage.door.change = older
    async with stage.client() as client:
        receipt = await made(client, "generate_speech", text="Good morning.", model="ph0ny/kokoro")
    [sound] = receipt["media"]
    assert sound["mime_type"] == "audio/wav" and "url" not in sound
    assert Path(sound["path"]).read_bytes()[:4] == b"RIFF"
    assert receipt["credits"]["charged"] == 0.052


async def test_voices_come_from_every_page_with_the_model_that_speaks_them(stage: Set) -> None:
    async with stage.client() as client:
        await client.call_tool("get_credits", {"backend": "ph0ny"})
        box = stage.door.box.app.box
        owner = box.accounts.all()[0]["owner"]
        for number in range(130):
            box.records.add("ph0ny", owner, "voice", {"name": f"Voice {number}", "description": ""})
        voices = told(await client.call_tool("list_voices", {"backend": "ph0ny"}))["voices"]
    assert len(voices) == 130 + 60 == len({voice["id"] for voice in voices})
    models = {voice["id"]: voice["model"] for voice in voices}
    assert models["cartesia-aria"] == "ph0ny/cartesia" and models["f5-tts-aria"] == "ph0ny/f5-tts"


async def test_the_older_list_of_voices_is_read_too(stage: Set) -> None:
    rows = {"voices": [{"id": "v1", "name": "Aria", "isCustom": False}]}
    stage.door.answers["/v1/voices"] = httpx2.Response(200, json=rows)
    async with stage.client() as client:
        [voice] = told(await client.call_tool("list_voices", {"backend": "ph0ny"}))["voices"]
    assert (voice["id"], voice["model"]) == ("v1", "ph0ny/auto")


async def test_an_agent_cannot_speak_a_person_s_consent(stage: Set) -> None:
    words = {"title": "Me", "audios": ["https://example.com/me.wav"], "model": "ph0ny/auto"}
    async with stage.client() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "consent" not in tools["clone_voice"].input_schema["properties"]
        for more in ({}, {"consent": "It is my voice."}):
            said = await refused(client, "clone_voice", **words, **more)
            assert "what only a person can say" in said and "callsheet clone-voice" in said
        quote = {"operation": "clone_voice", "arguments": words | {"consent": "It is my voice."}}
        assert (await client.call_tool("quote", quote)).is_error
    assert not stage.door.seen


async def test_a_person_s_own_words_clone_a_voice_that_then_speaks(stage: Set) -> None:
    words = {"title": "Me", "audios": [stage.door.put(TONE, ".wav")], "description": "My voice", "language": "en"}
    said = OPERATIONS["clone_voice"].of(
        {
            **words,
            "audios": ["https://example.com/me.wav"],
            "consent": "I am Ann, this is my voice.",
            "max_credits": 100,
        },
        by_person=True,
    )
    async with Studio.open(stage.settings(), stage.door.transports) as studio:
        job, _ = await studio.orders.place(said)
        await studio.carrier.wait(job.id, 20)
        receipt = await studio.receipts.of(job.id)
    assert receipt.status == "completed", receipt
    consent = {"subject": "self", "statement": "I am Ann, this is my voice."}
    body = {"name": "Me", "sampleUrls": ["https://example.com/me.wav"], "description": "My voice", "language": "en"}
    assert stage.door.sent == body | {"consent": consent}
    async with stage.client() as client:
        voices = told(await client.call_tool("list_voices", {"backend": "ph0ny"}))["voices"]
        assert receipt.text in {voice["id"] for voice in voices}
        await made(client, "generate_speech", text="Hello.", voice=receipt.text)
    assert stage.door.sent["voiceId"] == receipt.text


def test_the_command_line_asks_for_consent_only_where_somebody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415

    from callsheet.cli.commands import app  # noqa: PLC0415

    args = ["clone-voice", "--title", "Me", "--audios", "https://example.com/me.wav"]
    result = CliRunner().invoke(app, args, input="It is my voice.\n")
    assert isinstance(result.exception, RequestError) and "in a terminal" in result.exception.message
    assert "--consent" not in CliRunner().invoke(app, ["clone-voice", "--help"]).output


# -- errors and settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"code": "bad_prompt", "message": "Say more"}}, "Say more"),
        (400, {"error": "Say more"}, "Say more"),
        (400, {"error": {"code": "CONSENT_REQUIRED"}}, "CONSENT_REQUIRED"),
        (400, {"code": "BAD_PROMPT"}, "BAD_PROMPT"),
        (400, {"message": "Say more"}, "Say more"),
        (422, {"detail": "Say more"}, "Say more"),
        (402, {"error": {"code": "quota", "message": "Nothing left"}}, "too few credits left"),
        (401, "Unauthorized", "does not accept the key"),
    ],
)
async def test_errors_are_read_in_every_form(stage: Set, status: int, body: Any, expected: str) -> None:
    answer = httpx2.Response(status, text=body) if isinstance(body, str) else httpx2.Response(status, json=body)
    stage.door.answers["/v1/video/generate"] = answer
    async with stage.client() as client:
        receipt = await do(client, "generate_video", prompt="a fox", **SMALL)
    assert receipt["status"] == ("refused" if status == 402 else "failed")
    assert expected in receipt["error"]["message"]
    assert receipt["credits"].get("charged", 0) == 0


@pytest.mark.parametrize("base", ["https://api.ph0ny.test", "https://api.ph0ny.test/", "https://api.ph0ny.test/v1/"])
async def test_the_base_may_end_in_v1(stage: Set, base: str) -> None:
    key = "plabs_" + "not_a_real_key_".ljust(32, "0")
    settings = stage.settings(PH0NY_API_KEY=key, PH0NY_BASE=base)
    async with Studio.open(settings, lambda account: stage.door) as studio:
        assert (await studio.balances.told("ph0ny"))["balance"] == 2500.0
    [seen] = stage.door.seen
    assert (seen.path, seen.headers["host"]) == ("/v1/usage", "api.ph0ny.test")
    assert seen.headers["authorization"] == f"Bearer {key}"


def test_provider_keys_are_read_by_any_spelling_and_never_shown(tmp_path: Path) -> None:
    def load(text: str) -> Settings:
        return Settings.load(environ={"CALLSHEET_HOME": str(tmp_path), "PH0NY_PROVIDER_KEYS": text})

    keys = load("Fish-Audio: fa-not-a-real-key, heygen:a:b").of("PH0NY_PROVIDER_KEYS")
    found = {name: key.get_secret_value() for name in ("fish-audio", "FishAudio", "HeyGen") if (key := keys.of(name))}
    assert found == {"fish-audio": "fa-not-a-real-key", "FishAudio": "fa-not-a-real-key", "HeyGen": "a:b"}
    assert "real-key" not in repr(keys) and keys.of("groq") is None
    with pytest.raises(RequestError) as wrong:
        load("not-a-real-key")
    assert "PH0NY_PROVIDER_KEYS" in wrong.value.message and "not-a-real-key" not in wrong.value.message


def test_a_file_cannot_send_the_environment_s_provider_keys_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PH0NY_BASE=https://elsewhere.example\nPH0NY_API_KEY=plabs_from_a_file\n")
    found = Settings.load(environ={"CALLSHEET_HOME": str(tmp_path), "PH0NY_PROVIDER_KEYS": "heygen:hg-not-a-real-key"})
    assert found.base("ph0ny") == "https://api.ph0ny.com"


async def test_engines_on_a_key_of_your_own_never_win_by_themselves(stage: Set) -> None:
    own = {m.id for m in catalogue.models(backend="ph0ny") if not m.auto}
    assert own == {
        f"ph0ny/{name}" for name in ("sora", "runway", "heygen", "heygen-lipsync", "sync-labs", "twelve-labs")
    }
    words = OPERATIONS["lipsync_video"].of({"video": "https://example.com/a.mp4", "audio": "https://example.com/a.wav"})
    assert catalogue.ask(words, ["ph0ny"]).id == "ph0ny/auto"


# -- every route ----------------------------------------------------------------------------------------------------

ROUTES = {
    "POST /v1/video/generate": "generate_video",
    "POST /v1/video/avatar": "create_avatar",
    "POST /v1/video/lipsync": "lipsync_video",
    "POST /v1/video/dub": "dub_video",
    "POST /v1/video/analyze": "analyze_video",
    "GET /v1/video/{id}": "every look",
    "POST /v1/synthesize": "generate_speech",
    "POST /v1/transcribe": "transcribe",
    "GET /v1/voices": "list_voices",
    "GET /v1/voices/{id}": "callsheet api",
    "POST /v1/voices/clone": "callsheet clone-voice",
    "DELETE /v1/voices/{id}": "callsheet api",
    "POST /v1/keys": "callsheet api",
    "GET /v1/keys": "callsheet api",
    "POST /v1/keys/{id}/rotate": "callsheet api",
    "DELETE /v1/keys/{id}": "callsheet api",
    "GET /v1/usage": "get_credits",
    "GET /v1/billing/subscription": "get_credits",
    "POST /v1/billing/checkout": "callsheet api",
}
"""Every route that is described, and how it is reached."""


async def test_every_route_is_reached_and_answers(stage: Set) -> None:
    face = stage.door.put(picture(), ".png")
    async with stage.client() as client:
        spoken = await made(client, "generate_speech", text="One two.", model="ph0ny/kokoro")
        talk = await made(client, "create_avatar", image=face, audio=spoken["job_id"])
        await made(client, "generate_video", prompt="a fox", **SMALL)
        await made(client, "lipsync_video", video=talk["job_id"], audio=spoken["job_id"])
        await made(client, "dub_video", video=talk["job_id"], target_language="es-ES")
        await made(client, "analyze_video", video=talk["job_id"])
        await made(client, "transcribe", audio=spoken["media"][0]["url"])
        await client.call_tool("list_voices", {"backend": "ph0ny"})
        await client.call_tool("get_credits", {"backend": "ph0ny", "detail": True})
    words = {"title": "Me", "audios": ["https://example.com/me.wav"], "consent": "It is my voice.", "max_credits": 100}
    async with Studio.open(stage.settings(), stage.door.transports) as studio:
        asked = OPERATIONS["clone_voice"].of(words | {"model": "ph0ny/auto"}, by_person=True)
        job, _ = await studio.orders.place(asked)
        await studio.carrier.wait(job.id, 20)
        voice = (await studio.receipts.of(job.id)).text
        provider = studio.providers.at("ph0ny")

        async def by_hand(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
            return (await provider.once(Route(method, f"/v1/{path}", body))).body

        assert (await by_hand("GET", f"voices/{voice}"))["name"] == "Me"
        await by_hand("DELETE", f"voices/{voice}")
        key = await by_hand("POST", "keys", {"name": "spare", "expiresInDays": 1})
        new = await by_hand("POST", f"keys/{key['id']}/rotate")
        assert [row["id"] for row in (await by_hand("GET", "keys"))["keys"]] == [new["id"]]
        await by_hand("DELETE", f"keys/{new['id']}")
        assert (await by_hand("POST", "billing/checkout", {"tier": "pro"}))["url"]
    assert not shown(stage.door.box, "ph0ny", ROUTES)
