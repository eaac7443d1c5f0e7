"""Phaya, all of it: a real client, the real server over stdio, the sandbox over real HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult

from callsheet.catalogue import about
from callsheet.catalogue.model import Model
from callsheet_sandbox import props
from tests.conftest import CALLSHEET, Box, House, serve, surroundings, told
from tests.ours import catalogue

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

KEY = "pk_tries_everything"
LIMITS = {"CALLSHEET_MAX_PER_DAY": "1000", "CALLSHEET_ASK": "never", "CALLSHEET_UNPRICED": "allow"}


class Try(NamedTuple):
    """A call, and what must come of it: files of these kinds, sizes, lengths and codecs."""

    tool: str
    said: dict[str, Any]
    files: tuple[tuple[Any, ...], ...] = ()
    credits: str | None = None


def picture(width: int, height: int, mime: str = "image/png") -> tuple[Any, ...]:
    return mime, width, height, None, None, None


def film(width: int, height: int, seconds: float, sound: str | None = "aac") -> tuple[Any, ...]:
    return "video/mp4", width, height, seconds, "h264", sound


def audio(mime: str, seconds: float | None) -> tuple[Any, ...]:
    return mime, None, None, seconds, None, "mp3" if mime == "audio/mpeg" else "pcm_s16le"


MP3 = audio("audio/mpeg", None)
SILENT = {"model": "seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4}
VEO = {"model": "veo-3.1-fast"}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": {}}}
SEE = [
    {"type": "text", "text": "what is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]

# `{still}` and its like are the files of the fixture; `{z-image}` is the job of that name in this table.
TRIES: dict[str, Try] = {
    "z-image": Try(
        "generate_image", {"prompt": "a fox", "model": "z-image", "aspect_ratio": "16:9"}, (picture(1344, 768),), "1"
    ),
    "seedream": Try("generate_image", {"prompt": "a fox", "model": "seedream-5.0"}, (picture(1024, 1024),), "1.5"),
    "seedream from a picture": Try(
        "generate_image",
        {"prompt": "a fox", "images": ["{z-image}"], "model": "seedream-5.0", "options": {"quality": "high"}},
        (picture(2048, 2048),),
        "1.5",
    ),
    "nano-banana": Try(
        "generate_image",
        {"prompt": "a fox", "model": "nano-banana-2", "options": {"google_search": True}},
        (picture(1024, 1024, "image/jpeg"),),
        "2",
    ),
    "nano-banana from pictures": Try(
        "generate_image",
        {
            "prompt": "both",
            "images": ["{still}", "{z-image}"],
            "model": "nano-banana-2",
            "resolution": "2K",
            "options": {"output_format": "png"},
        },
        (picture(2048, 2048),),
        "3",
    ),
    "gpt-image": Try(
        "generate_image",
        {"prompt": "a sign", "model": "gpt-image-2", "aspect_ratio": "3:2"},
        (picture(1280, 832),),
        "2",
    ),
    "gpt-image from a picture": Try(
        "generate_image",
        {"prompt": "a sign", "images": ["{still}"], "model": "gpt-image-2", "resolution": "2K", "aspect_ratio": "4:5"},
        (picture(1856, 2304),),
        "2",
    ),
    "seedance silent": Try("generate_video", {"prompt": "a fox", **SILENT}, (film(854, 480, 4, None),), "2"),
    "seedance with sound": Try(
        "generate_video",
        {"prompt": "a fox", **SILENT, "options": {"generate_audio": True, "fixed_lens": True}},
        (film(854, 480, 4), audio("audio/mpeg", 4)),
        "3",
    ),
    "seedance from frames": Try(
        "generate_video",
        {"prompt": "a fox", **SILENT, "image": "{z-image}", "last_image": "{still}", "aspect_ratio": "1:1"},
        (film(480, 480, 4, None),),
        "2",
    ),
    "sora": Try(
        "generate_video",
        {"prompt": "a fox", "model": "sora-2", "aspect_ratio": "9:16"},
        (film(720, 1280, 10),),
        "8",
    ),
    "sora from a picture": Try(
        "generate_video",
        {
            "prompt": "a fox",
            "model": "sora-2",
            "image": "{still}",
            "aspect_ratio": "1:1",
            "duration_seconds": 5,
            "options": {"character_id_list": ["char_1"]},
        },
        (film(720, 720, 5),),
        "8",
    ),
    "sora character": Try("create_character", {"video": "{clip}", "prompt": "friendly"}, (), "0.5"),
    "kling": Try(
        "generate_video",
        {"model": "kling-2.6-motion-control", "image": "{still}", "video": "{clip}"},
        (film(960, 720, 2, None),),
        "2.42",
    ),
    "veo": Try("generate_video", {"prompt": "a fox", **VEO, "seed": 12345}, (film(1280, 720, 8),), "15"),
    "veo from frames": Try(
        "generate_video",
        {"prompt": "a fox", **VEO, "image": "{z-image}", "last_image": "{still}", "aspect_ratio": "9:16"},
        (film(720, 1280, 8),),
        "15",
    ),
    "veo from references": Try(
        "generate_video", {"prompt": "a fox", **VEO, "images": ["{still}"]}, (film(1280, 720, 8),), "15"
    ),
    "veo quality": Try("generate_video", {"prompt": "a fox", "model": "veo-3.1"}, (film(1280, 720, 8),), "50"),
    "veo quality from frames": Try(
        "generate_video",
        {"prompt": "a fox", "model": "veo-3.1", "image": "{still}", "aspect_ratio": "auto"},
        (film(1280, 720, 8),),
        "50",
    ),
    "veo quality from references": Try(
        "generate_video",
        {"prompt": "a fox", "model": "veo-3.1", "images": ["{still}", "{z-image}"], "options": {"watermark": "me"}},
        (film(1280, 720, 8),),
        "50",
    ),
    "ken-burns": Try(
        "generate_video",
        {
            "model": "ken-burns",
            "image": "{still}",
            "audio": "{sound}",
            "duration_seconds": 3,
            "options": {"zoom": {"mode": "pan_left", "speed": 0.002}},
        },
        (film(640, 480, 3),),
        "0.5",
    ),
    "suno": Try(
        "generate_music",
        {"prompt": "slow jazz", "style": "jazz", "title": "Night", "instrumental": True, "options": {"model": "V5"}},
        (audio("audio/mpeg", 20), audio("audio/mpeg", 20)),
        "3",
    ),
    "speech": Try(
        "generate_speech",
        {"text": "good evening", "voice": "Kore", "language": "en", "options": {"slow": True}},
        (audio("audio/wav", None),),
        "0.05",
    ),
    "thai subtitles": Try(
        "generate_subtitles",
        {"video": "{clip}", "script": "สวัสดี|โลก\n\nลาก่อน", "options": {"animation": "word_pop_fade"}},
        (film(640, 480, 2),),
        "0.07",
    ),
    "chat": Try("chat", {"prompt": "hello", "system": "be brief", "model": "phaya-gpt", "temperature": 0.2}),
    "chat that streams": Try(
        "chat",
        {"messages": [{"role": "user", "content": "count"}], "model": "phaya-gpt", "options": {"stream": True}},
    ),
    "chat with the web": Try("chat", {"prompt": "the news", "model": "phaya-gpt", "web_search": True}),
    "upstream": Try("chat", {"prompt": "hello", "model": "phaya/v1:google/gemini-2.5-flash", "max_tokens": 50}),
    "upstream with tools": Try(
        "chat",
        {
            "prompt": "will it rain?",
            "model": "v1:google/gemini-2.5-flash",
            "options": {"tools": [WEATHER], "tool_choice": "required"},
        },
    ),
    "upstream with eyes": Try(
        "chat", {"messages": [{"role": "user", "content": SEE}], "model": "v1:google/gemini-2.5-flash"}
    ),
    "upstream that streams": Try(
        "chat", {"prompt": "count", "model": "v1:google/gemini-2.5-flash", "options": {"stream": True}}
    ),
    "embeddings": Try("embed", {"texts": ["one", "two"], "model": "qwen3-embedding"}),
    "download": Try("download_video", {"url": "{url}", "model": "phaya/video-download"}, (film(640, 480, 2),), "0.5"),
    "download of the sound": Try(
        "download_video", {"url": "{url}", "options": {"format": "mp3", "quality": "audio"}}, (MP3,), "0.5"
    ),
    "merged videos": Try(
        "merge_videos", {"videos": ["{clip}", "{clip}"], "model": "phaya/merge-video"}, (film(640, 480, 4),), "0"
    ),
    "added audio": Try(
        "add_audio",
        {"video": "{clip}", "audio": "{sound}", "model": "phaya/merge-audio-video"},
        (film(640, 480, 2),),
        "0",
    ),
    "merged audio": Try(
        "merge_audio",
        {"audios": ["{sound}", "{sound}"], "model": "phaya/merge-audio"},
        (audio("audio/mpeg", 6),),
        "0",
    ),
    "overlaid gif": Try(
        "overlay_gif", {"video": "{clip}", "gif": "{gif}", "model": "phaya/overlay-gif"}, (film(640, 480, 2),), "0"
    ),
    "transcript": Try("transcribe", {"audio": "{speech}", "model": "phaya/transcribe"}, (), "0"),
    "last frame": Try(
        "extract_frames", {"video": "{clip}", "model": "phaya/extract-last-frame"}, (picture(640, 480),), "0"
    ),
}
CANCELLED: dict[str, Try] = {
    "seedance": Try("generate_video", {"prompt": "stop", **SILENT}),
    "sora": Try("generate_video", {"prompt": "stop", "model": "sora-2"}),
    "sora from a picture": Try("generate_video", {"prompt": "stop", "model": "sora-2", "image": "{still}"}),
    "sora character": Try("create_character", {"video": "{clip}", "prompt": "stop"}),
    "veo": Try("generate_video", {"prompt": "stop", **VEO}),
    "kling": Try(
        "generate_video",
        {"prompt": "stop", "model": "kling-2.6-motion-control", "image": "{still}", "video": "{clip}"},
    ),
}


@dataclass
class Made:
    """What came of every call, and what it cost."""

    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, CallToolResult] = field(default_factory=dict)
    cancelled: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    spoken: dict[str, list[str]] = field(default_factory=dict)
    before: Decimal = Decimal(0)
    between: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    log: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
async def made(box: Box, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Made]:
    """Every call of the tables above, many at once, through one client of one server."""
    folder, found = tmp_path_factory.mktemp("phaya"), Made()
    (folder / "in").mkdir()
    files = await anyio.to_thread.run_sync(inputs, folder / "in")
    environ = box.environ(KEY) | LIMITS | {"CALLSHEET_INPUT_DIRS": str(folder / "in"), "CALLSHEET_WAIT": "300"}
    params = serve(folder, environ, "--toolsets", "core,edit,avatar,understand,library")
    async with Client(params) as client:
        with anyio.fail_after(240):
            known = dict(files)
            await client.call_tool("get_credits", {})
            found.before = box.credits(KEY)

            box.pace(speed=0.001)
            await together(lambda name, one: start_and_cancel(client, found, name, one, known), CANCELLED)
            found.between = box.credits(KEY)
            box.pace(speed=50)

            await made_of(client, found, "z-image", TRIES["z-image"], known)
            await made_of(client, found, "speech", TRIES["speech"], known)
            known |= {name: found.receipts[name]["job_id"] for name in ("z-image", "speech")}
            upload = told(await client.call_tool("upload_media", {"media": files["clip"], "backend": "phaya"}))
            known["url"] = upload["url"]
            rest = {name: one for name, one in TRIES.items() if name not in found.receipts}
            await together(lambda name, one: made_of(client, found, name, one, known), rest)
            await ask_around(client, found)
    found.after, found.log, found.moves = box.credits(KEY), box.log(KEY), box.moves(KEY)
    yield found


def inputs(folder: Path) -> dict[str, str]:
    """A still, a clip with sound, a sound and a GIF."""
    picture = props.picture("a still", 640, 480)
    gif = props.run_ffmpeg(["-i", "in.png", "-vf", "scale=64:-2"], {"in.png": picture}, "out.gif")
    made = {
        "still": (".png", picture),
        "clip": (".mp4", props.clip("a clip", 640, 480, 2.0, sound="tune")),
        "sound": (".mp3", props.tune("a sound", 3.0)),
        "gif": (".gif", gif),
    }
    for name, (suffix, data) in made.items():
        (folder / f"{name}{suffix}").write_bytes(data)
    return {name: str(folder / f"{name}{suffix}") for name, (suffix, _) in made.items()}


async def together(one: Callable[[str, Try], Any], table: dict[str, Try]) -> None:
    async with anyio.create_task_group() as tasks:
        for name, what in table.items():
            tasks.start_soon(one, name, what)


def meant(said: Any, known: dict[str, str]) -> Any:
    """Arguments with the files and jobs they name."""
    if isinstance(said, str) and said.startswith("{") and said.endswith("}"):
        return known[said[1:-1]]
    if isinstance(said, list):
        return [meant(item, known) for item in said]
    return {name: meant(value, known) for name, value in said.items()} if isinstance(said, dict) else said


async def made_of(client: Client, found: Made, name: str, one: Try, known: dict[str, str]) -> None:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        found.spoken.setdefault(name, []).append(message or "")

    said = meant(one.said, known)
    result = await client.call_tool(one.tool, said, progress_callback=hear)
    found.results[name] = result
    found.receipts[name] = result.structured_content or {"status": str(result.content)}


async def start_and_cancel(client: Client, found: Made, name: str, one: Try, known: dict[str, str]) -> None:
    receipt = told(await client.call_tool(one.tool, meant(one.said, known) | {"wait_s": 0}))
    job = {"job_id": receipt["job_id"]}
    while "charged" not in receipt["credits"]:  # it is still on its way to the backend
        receipt = told(await client.call_tool("get_job", job | {"wait_s": 0.1}))
    found.cancelled[name] = told(await client.call_tool("cancel_job", job))


async def ask_around(client: Client, found: Made) -> None:
    """Every query that has an answer at Phaya."""
    for tool, said in (
        ("list_voices", {"backend": "phaya"}),
        ("describe_model", {"model": "phaya/sora-2-character"}),
        ("describe_model", {"model": "phaya/video-download"}),
        ("describe_model", {"model": "phaya/phaya-gpt"}),
        ("describe_model", {"model": "phaya/qwen3-embedding"}),
        ("describe_model", {"model": "phaya/v1:<id>"}),
        ("list_generations", {"model": "phaya/z-image", "limit": 5}),
        ("list_generations", {"model": "phaya/suno", "limit": 5}),
        ("list_generations", {"model": "phaya/gemini-tts", "limit": 5}),
        ("get_credits", {"backend": "phaya", "detail": True}),
    ):
        found.told[f"{tool} {said.get('model', '')}".strip()] = told(await client.call_tool(tool, said))


@pytest.mark.parametrize("name", TRIES)
async def test_every_model_completes_with_the_media_that_were_asked_for(made: Made, name: str) -> None:
    receipt, expected = made.receipts[name], TRIES[name]
    assert receipt["status"] == "completed", receipt
    if expected.credits is not None:
        assert Decimal(str(receipt["credits"]["charged"])) == Decimal(expected.credits)
    media = [item for item in receipt.get("media", ()) if not item["path"].endswith((".json", ".srt"))]
    assert len(media) == len(expected.files)
    for item, (mime, width, height, seconds, picture_codec, sound_codec) in zip(media, expected.files, strict=True):
        facts = props.facts(Path(item["path"]).read_bytes())
        assert (item["mime_type"], facts.mime) == (mime, mime)
        assert item["bytes"] == Path(item["path"]).stat().st_size
        if width:
            assert (facts.width, facts.height) == (item["width"], item["height"]) == (width, height)
        if picture_codec or sound_codec:
            assert ((facts.video_codec or None), (facts.audio_codec or None)) == (picture_codec, sound_codec)
            assert item["seconds"] == pytest.approx(facts.seconds, abs=0.15)
        if seconds:
            assert facts.seconds == pytest.approx(seconds, abs=0.2)


async def test_the_balance_falls_by_exactly_what_the_receipts_say(made: Made) -> None:
    priced = {name: r["credits"] for name, r in made.receipts.items() if not name.startswith("upstream")}
    assert all("charged" in money for money in priced.values())
    charged = sum((Decimal(str(money["charged"])) for money in priced.values()), Decimal(0))
    upstream = -sum((Decimal(str(m["amount"])) for m in made.moves if m["service"] == "openai-proxy"), Decimal(0))
    assert made.between - made.after == charged + upstream
    assert upstream > 0
    assert all(money["basis"] == "reported" for money in priced.values())


async def test_a_cancelled_job_of_every_kind_gives_its_credits_back(made: Made) -> None:
    assert {receipt["status"] for receipt in made.cancelled.values()} == {"cancelled"}
    assert made.before == made.between
    for receipt in made.cancelled.values():
        money = receipt["credits"]
        assert money["charged"] == money.get("refunded", 0) + money.get("refund_expected", 0) > 0


async def test_the_words_of_a_chat_a_transcript_and_a_character_are_in_the_receipt(made: Made) -> None:
    assert "hello" in made.receipts["chat"]["text"]
    assert "weather" in made.receipts["upstream with tools"]["text"]
    assert "good evening" in made.receipts["transcript"]["text"].lower()
    assert made.receipts["transcript"]["media"][0]["mime_type"] == "application/x-subrip"
    assert made.receipts["sora character"]["text"]
    vectors = json.loads(Path(made.receipts["embeddings"]["media"][0]["path"]).read_text())
    assert [len(vector) for vector in vectors] == [4096, 4096]


@pytest.mark.parametrize("name", ["chat that streams", "upstream that streams"])
async def test_a_stream_is_heard_as_it_comes(made: Made, name: str) -> None:
    heard = made.spoken[name]
    assert made.receipts[name]["text"].endswith(heard[-1].split()[-1])


async def test_results_come_with_links_and_a_small_preview(made: Made) -> None:
    kinds = [part.type for part in made.results["suno"].content]
    assert kinds == ["text", "resource_link", "resource_link", "image", "image"]


async def test_phaya_tells_of_its_voices_models_prices_characters_and_account(made: Made) -> None:
    assert len(made.told["list_voices"]["voices"]) == 19
    live = {name.partition(" ")[2]: said["live"] for name, said in made.told.items() if "live" in said}
    assert live["phaya/sora-2-character"]["characters"]["characters"]
    assert live["phaya/phaya-gpt"].keys() == {"models", "pricing"}
    assert len(made.told["list_generations phaya/suno"]["generations"]) == 1
    assert made.told["get_credits"]["accounts"][0]["profile"]["success"] is True


SERVICES = {
    "text-to-image": ("generate", "history"),
    "seedream": ("create",),
    "nano-banana": ("create",),
    "gpt-image-2-text-to-image": ("create",),
    "gpt-image-2-image-to-image": ("create",),
    "image-to-video": ("create",),
    "sora2-video": ("create", "cancel"),
    "sora2-text-to-video": ("create", "cancel"),
    "sora2-character": ("create", "cancel", "list"),
    "seedance-video": ("create", "cancel"),
    "kling-motion-control": ("create", "cancel"),
    "veo31-video": ("create", "cancel"),
    "text-to-music": ("generate", "history"),
    "text-to-speech": ("generate", "history", "voices"),
    "thai-subtitle": ("generate",),
    "video-download": ("create", "supported-platforms"),
}
UTILITIES = ("merge-audio-video", "merge-video", "merge-audio", "overlay-gif", "transcribe", "extract-last-frame")
OTHERS = (
    *("POST /api/v1/phaya-gpt/chat/completions", "GET /api/v1/phaya-gpt/models", "GET /api/v1/phaya-gpt/pricing"),
    *("POST /api/v1/embedding/create", "GET /api/v1/embedding/pricing"),
    *("POST /v1/chat/completions", "GET /v1/models"),
    *("POST /api/v1/media/upload", "GET /api/v1/media/status/{job_id}", "GET /api/v1/media/queue/stats"),
    *("GET /api/v1/user/profile", "GET /api/v1/user/credits", "GET /api/v1/user/credits/history"),
    "POST /api/v1/user/credits/invalidate-cache",
)
"""Every route of Phaya that our tools reach; the rest is reached by `callsheet api`, below."""


def routes() -> set[str]:
    found = {f"POST /api/v1/media/{name}" for name in UTILITIES} | set(OTHERS)
    for name, verbs in SERVICES.items():
        found.add(f"GET /api/v1/{name}/status/{{job_id}}")
        for verb in verbs:
            method = "POST" if verb in ("create", "generate", "cancel") else "GET"
            found.add(f"{method} /api/v1/{name}/{verb}{'/{job_id}' if verb == 'cancel' else ''}")
    return found


async def test_every_route_is_called_and_no_body_is_ever_wrong(made: Made) -> None:
    accepted = {f"{row['method']} {row['route']}" for row in made.log if row["status"] == 200}
    assert routes() <= accepted
    assert [row for row in made.log if row["valid"] is False] == []
    assert {row["status"] for row in made.log} == {200}


async def test_the_routes_that_no_tool_has_are_reached_by_hand(box: Box, tmp_path: Path) -> None:
    environ = surroundings(box.environ("pk_by_hand") | {"CALLSHEET_HOME": str(tmp_path)})

    async def call(path: str, body: dict[str, str]) -> None:
        args = [CALLSHEET, "api", "phaya", "post", path, "--data", json.dumps(body)]
        done = await anyio.run_process(args, env=environ, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, "//v1/embeddings", {"model": "qwen/qwen3-embedding-8b", "input": "hello"})
        tasks.start_soon(call, "//v1/responses", {"model": "google/gemini-2.5-flash", "input": "hello"})


# -- prices ---------------------------------------------------------------------------------------------------------


def exact() -> list[type[Model]]:
    """The models of Phaya that have one price for a request, known before it is made."""
    found = []
    for model in catalogue.models(backend="phaya"):
        rows = about.prices(model)
        if rows and all(price.published and price.low == price.high for _, price in rows):
            found.append(model)
    return found


@pytest.mark.parametrize("model", exact(), ids=lambda model: model.id)
async def test_what_is_quoted_is_what_is_charged_at_every_price_of_a_model(
    house: MakeHouse, model: type[Model]
) -> None:
    """All rows of its price table, sent to the sandbox, which has its own; what is charged at once need not be made."""
    speed = 1e9 if model.charged == "finish" or model.at_once else 1e-9
    home, rows = house(credits=2000, speed=speed), about.prices(model)
    options = {name: option for option, name in model.options().items()}
    limits: dict[str, Any] = {"CALLSHEET_ASK": "never", "CALLSHEET_MAX_PER_DAY": "5000", "CALLSHEET_WAIT": "0"}
    async with home.client(**limits) as client, anyio.create_task_group() as tasks:

        async def one(said: dict[str, Any], price: Decimal) -> None:
            least = {name: value for name, value in needed(model).items() if name not in said}
            if shape := getattr(about.example(model, **said), "aspect_ratio", None):
                least["aspect_ratio"] = shape
            words = {name: value for name, value in said.items() if name not in options}
            more = {options[name]: value for name, value in said.items() if name in options}
            call = {"model": model.id, **least, **words} | ({"options": more} if more else {})
            quote = told(await client.call_tool("quote", {"operation": model.words.operation, "arguments": call}))
            assert Decimal(str(quote["credits"])) == price
            receipt = told(await client.call_tool(model.words.operation, call))
            with anyio.fail_after(60):
                while "charged" not in receipt["credits"]:
                    assert receipt["status"] == "working", receipt
                    receipt = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 1}))
            assert Decimal(str(receipt["credits"]["charged"])) == price

        for said, price in rows:
            tasks.start_soon(one, said, price.high)
    charges = [Decimal(str(-row["amount"])) for row in moves(home) if Decimal(str(row["amount"])) < 0]
    assert sorted(charges) == sorted(price.high for _, price in rows if price.high)


def moves(home: House) -> list[dict[str, Any]]:
    rows = home.box.app.box.accounts._store.rows("SELECT amount FROM moves WHERE type = 'charge'")
    return [{"amount": Decimal(row["amount"])} for row in rows]


def needed(model: type[Model]) -> dict[str, Any]:
    """The least that a model must be told, with addresses that lead nowhere: the sandbox takes a stand-in."""
    clip, still = "http://clips.example/clip.mp4", "http://pictures.example/still.png"
    known = {"prompt": "a fox", "image": still, "video": clip, "videos": [clip, clip], "gif": still, "texts": ["one"]}
    known |= {"audio": "http://sounds.example/a.mp3", "audios": ["http://sounds.example/a.mp3"] * 2, "url": clip}
    found = {name: known[name] for name in about.needs(model)}
    return found | ({"audio": known["audio"]} if model.words.operation == "transcribe" else {})
