"""Progressive Robot through the front door: every model once, prices to the credit, plans, inputs by name, oddities."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.responses import JSONResponse

from callsheet.catalogue.words import OPERATIONS
from tests.ours import catalogue
from tests.robot import NAME, PNG, Odd, RobotHouse, make

pytestmark = pytest.mark.anyio


@dataclass
class Floor:
    """A client, and the jobs whose results others take: a face, a clip with speech, that speech, and subtitles."""

    house: RobotHouse
    client: Client
    face: str = ""
    clip: str = ""
    voice: str = ""
    lines: str = ""

    async def job(self, tool: str, **said: Any) -> dict[str, Any]:
        """A receipt of something completed."""
        for name, value in said.items():
            if isinstance(value, str) and value.startswith("@"):
                said[name] = getattr(self, value[1:])
            elif isinstance(value, list):
                said[name] = [getattr(self, v[1:]) if str(v).startswith("@") else v for v in value]
        told = await make(self.client, tool, **said)
        assert told.get("status") == "completed", told
        return told


@pytest.fixture(scope="module")
async def floor(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    house = RobotHouse(tmp_path_factory.mktemp("robot"))
    async with house.client() as client:
        floor = Floor(house, client)
        floor.face = (await floor.job("generate_image", prompt="a face", model=f"{NAME}/sd15"))["job_id"]
        silent = await floor.job("generate_video", prompt="a fox", model="wan-t2v", duration_seconds=2)
        text = "one two three"
        floor.voice = (await floor.job("generate_speech", text=text, model=f"{NAME}/tts"))["job_id"]
        said = {"video": silent["job_id"], "audio": floor.voice, "model": f"{NAME}/add-audio"}
        floor.clip = (await floor.job("add_audio", **said))["job_id"]
        made = await floor.job("generate_subtitles", video=floor.clip, model=f"{NAME}/subtitles")
        floor.lines = made["job_id"]
        yield floor


VIDEOS: dict[str, tuple[int, dict[str, str]]] = {
    "wan-t2v": (21, {}),
    "ltx-t2v": (16, {}),
    "ltx-quality": (27, {}),
    "hunyuan-t2v": (22, {}),
    "hunyuan15-t2v": (22, {}),
    "cogvideo-t2v": (22, {}),
    "animatediff": (12, {}),
    "ltx-camera": (18, {}),
    "ltx-control": (20, {}),
    "wan-vace": (28, {}),
    "wan-animate": (33, {"image": "@face"}),
    "hunyuan15-i2v": (28, {"image": "@face"}),
    "ltx-i2v": (22, {"image": "@face"}),
    "svd-i2v": (18, {"image": "@face"}),
    "wan-i2v": (23, {"image": "@face"}),
    "ltx-flf": (20, {"image": "@face", "last_image": "@face"}),
    "wan-flf": (23, {"image": "@face", "last_image": "@face"}),
    "wan-s2v": (28, {"image": "@face", "audio": "@voice"}),
    "liveportrait": (13, {"image": "@face", "video": "@clip"}),
    "dreamidv": (25, {"image": "@face"}),
    "echomimic": (20, {"image": "@face", "audio": "@voice"}),
}
"""Credits for 41 frames in 4 steps by the formula, and what the model needs besides words."""
OTHERWISE = {"animatediff": "8.8 → 9", "ltx-control": "18.55 → 19", "ltx-flf": "18.55 → 19", "echomimic": "18.55 → 19"}
"""What the vendor's page gives as an example of that where it disagrees with its own formula."""


async def test_a_video_model_charges_what_was_quoted(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"\n{'41 frames, 4 steps':<20}{'quoted':>8}{'charged':>9}"]
    for model, (credits, inputs) in VIDEOS.items():
        small = {"frames": 41, "width": 160, "height": 96} | ({} if model == "liveportrait" else {"steps": 4})
        said: dict[str, Any] = {"prompt": "a fox", "model": f"{NAME}/{model}", "options": small, **inputs}
        arguments = {n: getattr(floor, v[1:]) if str(v).startswith("@") else v for n, v in said.items()}
        quote = await make(floor.client, "quote", operation="generate_video", arguments=arguments)
        told = await floor.job("generate_video", **said)
        charged = told["credits"]["charged"]
        assert quote["credits"] == told["credits"]["quoted"] == charged == credits, model
        assert told["media"][0]["mime_type"] == "video/mp4"
        assert told["media"][0]["seconds"] == pytest.approx(41 / 24, abs=0.1)
        example = f"  the formula; the page's example says {OTHERWISE[model]}" if model in OTHERWISE else ""
        lines.append(f"{model:<20}{quote['credits']:>8g}{charged:>9g}{example}")
    with capsys.disabled():
        print("\n".join(lines))


PRICED: list[tuple[str, str, int, str, dict[str, Any]]] = [
    ("generate_image", "sd15", 2, "image/png", {"prompt": "a fox"}),
    ("generate_image", "flux", 5, "image/png", {"prompt": "a fox", "aspect_ratio": "16:9", "seed": 7}),
    ("generate_image", "flux-dev", 8, "image/png", {"prompt": "a fox", "options": {"width": 64, "height": 64}}),
    ("generate_image", "flux-edit", 6, "image/png", {"prompt": "older", "images": ["@face"]}),
    ("generate_music", "ace-step", 2, "audio/mpeg", {"prompt": "calm", "style": "piano", "duration_seconds": 5}),
    ("generate_subtitles", "subtitles", 5, "application/x-subrip", {"video": "@clip", "burn": False}),
    ("generate_3d", "hunyuan3d", 24, "model/gltf-binary", {"prompt": "a chair", "image": "@face"}),
    ("create_avatar", "echomimic", 0, "video/mp4", {"image": "@face", "audio": "@voice"}),
    ("create_avatar", "wan-s2v", 0, "video/mp4", {"image": "@face", "audio": "@voice", "options": {"cfg": 2}}),
    ("extend_video", "extend-video", 0, "image/png", {"video": "@clip"}),
    ("extend_video", "wan-i2v", 19, "video/mp4", {"video": "@clip", "prompt": "on", "duration_seconds": 1}),
    ("extend_video", "ltx-i2v", 19, "video/mp4", {"video": "@clip", "prompt": "on", "duration_seconds": 1}),
    ("extend_video", "hunyuan15-i2v", 23, "video/mp4", {"video": "@clip", "prompt": "on", "duration_seconds": 1}),
    ("extend_video", "svd-i2v", 16, "video/mp4", {"video": "@clip", "prompt": "on", "duration_seconds": 1}),
    ("restyle_video", "v2v", 3, "video/mp4", {"video": "@clip", "prompt": "as a woodcut", "strength": 0.6}),
    ("trim_video", "trim", 3, "video/mp4", {"video": "@clip", "start_seconds": 0.5, "end_seconds": 1}),
    ("trim_video", "tools-trim", 1, "video/mp4", {"video": "@clip", "start_seconds": 0.5, "end_seconds": 1}),
    ("change_speed", "speed", 3, "video/mp4", {"video": "@clip", "speed_factor": 2}),
    ("crop_video", "crop", 3, "video/mp4", {"video": "@clip", "x": 8, "y": 8, "width": 64, "height": 64}),
    ("resize_video", "resize", 3, "video/mp4", {"video": "@clip", "preset": "720p"}),
    ("overlay_text", "text-overlay", 3, "video/mp4", {"video": "@clip", "text": "hello", "font_size": 20}),
    ("merge_videos", "merge", 4, "video/mp4", {"videos": ["@clip", "@clip"]}),
    ("add_audio", "tts-add-to-video", 0, "video/mp4", {"video": "@clip", "audio": "@voice", "volume": 0.5}),
    ("extract_frames", "extract-frames", 1, "image/png", {"video": "@clip", "mode": "all_1fps"}),
    ("video_to_gif", "video-to-gif", 1, "image/gif", {"video": "@clip", "width": 64, "fps": 5}),
    ("add_watermark", "add-watermark", 1, "video/mp4", {"video": "@clip", "text": "mine"}),
    ("add_watermark", "add-watermark", 1, "video/mp4", {"video": "@clip", "image": "@face"}),
    ("upscale_video", "upscale-video", 2, "video/mp4", {"video": "@clip", "scale_factor": 2}),
    ("remove_background", "remove-background", 1, "image/png", {"image": "@face"}),
    ("face_swap", "face-swap", 1, "image/png", {"source": "@face", "target": "@face"}),
    ("burn_subtitles", "subtitles-burn", 0, "video/mp4", {"video": "@clip", "subtitles": "@lines"}),
    ("translate_subtitles", "subtitles-translate", 5, "application/x-subrip", {"subtitles": "@lines"}),
]
"""Operation, model, credits (0 for an avatar: by the length of its sound), what comes of it, and what is said."""


@pytest.mark.parametrize(("tool", "model", "credits", "mime", "said"), PRICED, ids=lambda value: str(value)[:24])
async def test_every_other_model_charges_what_was_quoted(
    floor: Floor, tool: str, model: str, credits: int, mime: str, said: dict[str, Any]
) -> None:
    more = {"target_language": "de"} if tool == "translate_subtitles" else {}
    told = await floor.job(tool, model=f"{NAME}/{model}", **said, **more)
    assert told["credits"]["quoted"] == told["credits"]["charged"]
    assert told["credits"]["charged"] == credits or tool == "create_avatar"
    assert {medium["mime_type"] for medium in told["media"]} == {mime}


async def test_speech_costs_no_more_than_was_set_aside(floor: Floor) -> None:
    said = {"text": "It was a bright cold day, and the clocks were striking. " * 6, "voice": "en_gb_male"}
    told = await floor.job("generate_speech", model=f"{NAME}/tts", **said)
    assert 1 < told["credits"]["charged"] <= told["credits"]["quoted"]


async def test_a_portrait_speaks_for_as_long_as_its_sound(floor: Floor) -> None:
    voice = (await make(floor.client, "get_job", job_id=floor.voice))["media"][0]["seconds"]
    told = await floor.job("create_avatar", model=f"{NAME}/echomimic", image="@face", audio="@voice")
    assert told["media"][0]["seconds"] == pytest.approx(voice, abs=0.1)


async def test_a_portrait_moves_as_the_option_driving_video_does(floor: Floor) -> None:
    options = {"driving_video": floor.clip, "frames": 12}
    told = await floor.job("create_avatar", model=f"{NAME}/liveportrait", image="@face", options=options)
    assert told["credits"]["charged"] == 10


async def test_stock_is_brought_in_by_a_job_and_then_edited_by_name(floor: Floor) -> None:
    found = await make(floor.client, "search_stock", kind="videos", query="sea", per_page=2)
    told = await floor.job("download_stock", url=found["videos"][0]["url"], type="video")
    cut = await floor.job("trim_video", video=told["job_id"], end_seconds=1, model=f"{NAME}/trim")
    assert told["credits"]["charged"] == 0
    assert cut["media"][0]["seconds"] == pytest.approx(1, abs=0.1)


async def test_an_export_is_quoted_by_the_clips_of_its_project(floor: Floor) -> None:
    project = (await make(floor.client, "create_project", name="film"))["id"]
    for _ in range(2):
        shot = await make(floor.client, "add_shot", project_id=project, prompt="a fox")
        await make(floor.client, "update_shot", project_id=project, shot_id=shot["id"], video=floor.clip)
    quote = await make(floor.client, "quote", operation="export_project", arguments={"project_id": project})
    told = await floor.job("export_project", project_id=project, resolution="480p")
    assert quote["credits"] == told["credits"]["charged"] == 4


async def test_a_brand_kit_dresses_a_video(floor: Floor) -> None:
    kit = (await make(floor.client, "create_brand_kit", name="ours", primary_color="#ff0000"))["id"]
    await make(floor.client, "upload_brand_logo", brand_kit_id=kit, image=floor.face)
    told = await floor.job("apply_brand_kit", video="@clip", brand_kit_id=kit)
    assert told["media"][0]["mime_type"] == "video/mp4"


async def test_every_model_of_the_catalogue_is_in_these_tests(floor: Floor) -> None:
    there = {(m.words.operation, m.id.partition("/")[2]) for m in catalogue.models(backend=NAME)}
    tried = {("generate_video", model) for model in VIDEOS} | {(tool, model) for tool, model, *_ in PRICED}
    tried |= {("generate_speech", "tts"), ("add_audio", "add-audio"), ("create_avatar", "liveportrait")}
    assert there - tried == {
        ("download_stock", "stock"),
        ("export_project", "export"),
        ("apply_brand_kit", "brand-kit"),
    }


async def test_seconds_become_frames_and_the_quote_says_so(floor: Floor) -> None:
    said = {"prompt": "a fox", "model": f"{NAME}/wan-t2v", "duration_seconds": 2.5}
    quote = await make(floor.client, "quote", operation="generate_video", arguments=said)
    assert quote["credits"] == 24
    assert "60 frames = 2.5 s" in quote["note"]


@pytest.mark.parametrize(
    ("shape", "resolution", "size"),
    [("16:9", "480p", (848, 480)), ("9:16", "720p", (720, 1280)), ("1:1", "1080p", (1080, 1080)), ("21:9", None, None)],
)
async def test_shape_and_resolution_become_width_and_height(
    shape: str, resolution: str | None, size: tuple[int, int] | None
) -> None:
    words = OPERATIONS["generate_video"].of(
        {"prompt": "a", "model": f"{NAME}/wan-t2v", "aspect_ratio": shape, "resolution": resolution}
    )
    body = catalogue.ask(words).body()
    assert (body["width"], body["height"]) == (size or (848, 360))
    assert not {"aspect_ratio", "resolution", "duration_seconds"} & body.keys()


async def test_frames_and_seconds_together_are_refused(floor: Floor) -> None:
    said = {"prompt": "a", "model": f"{NAME}/wan-t2v", "duration_seconds": 2, "options": {"frames": 41}}
    assert "either `duration_seconds`" in (await make(floor.client, "generate_video", **said))["error"]


async def test_several_pictures_are_several_creates_under_one_receipt(floor: Floor) -> None:
    before = floor.house.creates("/api/generate-image")
    told = await floor.job("generate_image", prompt="cats", model=f"{NAME}/sd15", count=3)
    assert len(told["media"]) == 3
    assert told["credits"]["charged"] == 6
    assert floor.house.creates("/api/generate-image") == before + 3


async def test_a_job_that_fails_gives_its_credits_back(floor: Floor) -> None:
    before = (await make(floor.client, "get_credits", backend=NAME))["accounts"][0]["balance"]
    told = await make(floor.client, "generate_video", prompt="a fox [fail]", model=f"{NAME}/wan-t2v")
    after = (await make(floor.client, "get_credits", backend=NAME))["accounts"][0]["balance"]
    assert told["status"] == "failed"
    assert told["credits"]["refund_expected"] == told["credits"]["charged"] == 21
    assert after == before


async def test_a_local_video_is_refused_before_a_job_is_made(floor: Floor) -> None:
    clip = next(Path(floor.house.environ["CALLSHEET_OUTPUT_DIR"]).glob("*.mp4"))
    for reference in (str(clip), "https://example.com/a.mp4"):
        told = await make(floor.client, "trim_video", video=reference, end_seconds=1, model=f"{NAME}/trim")
        assert "takes no video uploads" in told["error"]
        assert "local/ffmpeg" in told["error"]
        assert "download_stock" in told["error"]


async def test_the_url_of_an_own_file_is_known_by_its_name(floor: Floor) -> None:
    url = (await make(floor.client, "get_job", job_id=floor.clip))["media"][0]["url"]
    told = await floor.job("trim_video", video=url, end_seconds=1, model=f"{NAME}/trim")
    assert told["credits"]["charged"] == 3


async def test_a_picture_is_uploaded_and_one_that_was_is_not_uploaded_again(floor: Floor, tmp_path: Path) -> None:
    uploaded = await make(floor.client, "upload_media", media=floor.face, backend=NAME)
    before = floor.house.creates("/api/upload-image")
    said = {"prompt": "older", "model": f"{NAME}/flux-edit", "images": [uploaded["url"]]}
    await floor.job("generate_image", **said)
    assert "/api/input-image/" in uploaded["url"]
    assert floor.house.creates("/api/upload-image") == before


async def test_a_picture_over_ten_megabytes_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    house = RobotHouse(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "big.png").write_bytes(PNG + bytes(10_000_001))
    async with house.client() as client:
        said = {"prompt": "a", "model": f"{NAME}/wan-i2v", "image": str(tmp_path / "out" / "big.png")}
        told = await make(client, "generate_video", **said)
        assert told["status"] == "failed"
        assert "larger than the 10 MB" in told["error"]["message"]


LIMITED = [
    ({"duration_seconds": 4}, "allows 81"),
    ({"resolution": "720p"}, "up to 854x480"),
    ({"options": {"frames": 82}}, "allows 81"),
]


@pytest.mark.parametrize(("said", "why"), LIMITED, ids=["seconds", "resolution", "frames"])
async def test_what_the_plan_does_not_allow_is_refused_before_it_is_sent(
    tmp_path: Path, said: dict[str, Any], why: str
) -> None:
    house = RobotHouse(tmp_path)
    async with house.client(PROGRESSIVE_ROBOT_API_KEY="pk_free_not_a_real_key") as client:
        told = await make(client, "generate_video", prompt="a fox", model=f"{NAME}/wan-t2v", **said)
        assert why in json.dumps(told)
        assert house.creates("/api/generate") == 0


async def test_a_feature_above_the_plan_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    house = RobotHouse(tmp_path)
    async with house.client(PROGRESSIVE_ROBOT_API_KEY="pk_starter_not_a_real_key") as client:
        told = await make(client, "generate_speech", text="hello", model=f"{NAME}/tts")
        assert "needs the creator plan" in json.dumps(told)
        pages = await make(client, "list_pages")
        assert "does not allow this account" in pages["error"]
        assert "KEY" not in pages["error"]


async def test_control_fields_reach_the_wire_unchecked_for_two_models_only(tmp_path: Path) -> None:
    odd = Odd({"POST /api/generate": {"filename": "a.png"}})
    options = {"camera_motion": "dolly-in", "lora": {"scale": 1}}
    async with RobotHouse(tmp_path, odd).client() as client:
        said = {"prompt": "a fox", "options": options}
        told = await make(client, "generate_video", model=f"{NAME}/ltx-camera", **said)
        assert told["status"] == "completed"
        sent = json.loads(next(body for name, body in odd.asked if name == "POST /api/generate"))
        assert sent == {"prompt": "a fox", "model": "ltx-camera", "frames": 41, "frame_rate": 24, "steps": 4, **options}
        refused = await make(client, "generate_video", model=f"{NAME}/wan-t2v", **said)
        assert "there is no option `camera_motion`" in refused["error"]


SHORT = [
    JSONResponse({"error": "Payment required"}, 402),
    JSONResponse({"error": "Insufficient credits", "credits_required": 21, "credit_balance": 5}, 403),
    JSONResponse({"error": "Not enough", "credits_required": 21}, 400),
    JSONResponse({"error": "You have no credits left"}, 400),
]


@pytest.mark.parametrize("answer", SHORT, ids=["402", "403", "400 with a member", "400 in words"])
async def test_too_few_credits_are_a_matter_for_a_person_however_it_is_said(
    tmp_path: Path, answer: JSONResponse
) -> None:
    async with RobotHouse(tmp_path, Odd({"POST /api/generate": answer})).client() as client:
        told = await make(client, "generate_video", prompt="a fox", model="wan-t2v")
        assert told["status"] == "refused"
        assert told["error"]["kind"] == "spend"
        assert told["credits"].get("charged", 0) == 0


async def test_the_quote_of_the_backend_beats_the_formula(tmp_path: Path) -> None:
    odd = Odd(
        {
            "GET /api/generation-cost": {"model": "animatediff", "cost": 9},
            "POST /api/generate": {"job_id": "x", "credits_used": 9, "credit_balance": 91},
            "GET /api/status": {"status": "completed", "filename": "a.png"},
        }
    )
    async with RobotHouse(tmp_path, odd).client() as client:
        told = await make(client, "generate_video", prompt="a fox", model="animatediff")
        assert told["status"] == "completed"
        assert told["credits"]["quoted"] == told["credits"]["charged"] == 9


CREATED = [{"job_ids": ["x"]}, ["x"], {"jobs": [{"job_id": "x"}]}, {"job_id": "x"}, {"filename": "a.png"}]


@pytest.mark.parametrize("created", CREATED, ids=["array", "bare array", "objects", "single", "at once"])
async def test_an_image_create_may_answer_in_any_of_these_forms(tmp_path: Path, created: Any) -> None:
    odd = Odd(
        {
            "POST /api/generate-image": JSONResponse(created),
            "GET /api/status": [{"status": "baking"}, {"status": "completed", "filename": "a.png"}],
        }
    )
    async with RobotHouse(tmp_path, odd).client() as client:
        told = await make(client, "generate_image", prompt="a fox", model=f"{NAME}/flux")
        assert told["status"] == "completed"
        assert told["media"][0]["mime_type"] == "image/png"


async def test_an_edit_may_answer_a_job_that_is_then_polled(tmp_path: Path) -> None:
    odd = Odd(
        {
            "POST /api/tools/remove-background": {"job_id": "x"},
            "GET /api/status": {"status": "completed", "filename": "a.png"},
        }
    )
    async with RobotHouse(tmp_path, odd).client() as client:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "me.png").write_bytes(PNG)
        told = await make(client, "remove_background", image=str(tmp_path / "out" / "me.png"))
        assert told["status"] == "completed"
        assert odd.count("POST /api/tools/remove-background") == 1


@pytest.mark.parametrize(("word", "expected"), [("queued", 21), ("processing", None)])
async def test_a_cancelled_job_expects_its_credits_back_only_from_the_queue(
    tmp_path: Path, word: str, expected: int | None
) -> None:
    odd = Odd(
        {
            "POST /api/generate": {"job_id": "x", "credits_used": 21, "credit_balance": 79},
            "GET /api/status": {"status": word, "queue_position": 3 if word == "queued" else 0, "progress": 40},
            "POST /api/cancel": {"success": True},
        }
    )
    async with RobotHouse(tmp_path, odd).client() as client:
        told = await make(client, "generate_video", prompt="a fox", model="wan-t2v", wait_s=0)
        with anyio.fail_after(20):
            while word not in (told.get("progress") or ""):
                told = await make(client, "get_job", job_id=told["job_id"], wait_s=0.1)
        assert told["progress"] == ("queued, number 3 in the queue" if word == "queued" else "processing, 40 %")
        cancelled = await make(client, "cancel_job", job_id=told["job_id"])
        assert cancelled["status"] == "cancelled"
        assert cancelled["credits"].get("refund_expected") == expected


async def test_a_base_that_ends_with_api_is_tolerated(tmp_path: Path) -> None:
    odd = Odd({})
    base = "https://robot.test/api/"
    async with RobotHouse(tmp_path, odd).client(PROGRESSIVE_ROBOT_BASE=base) as client:
        assert (await make(client, "get_credits", backend=NAME))["accounts"][0]["balance"] == 100
        assert odd.count("GET /api/credits") == 1


async def test_a_create_that_was_never_answered_is_found_in_the_history(tmp_path: Path) -> None:
    now = datetime.now(UTC).isoformat()
    odd = Odd(
        {
            "POST /api/generate": JSONResponse({"error": "Bad gateway"}, 502),
            "GET /api/generations": {
                "generations": [
                    {"id": 8, "prompt": "a fox", "created_at": now},
                    {"id": 7, "job_id": "x", "prompt_id": "y", "prompt": "a fox", "created_at": now},
                ]
            },
            "GET /api/status": {"status": "completed", "filename": "a.png"},
        }
    )
    async with RobotHouse(tmp_path, odd).client() as client:
        told = await make(client, "generate_video", prompt="a fox", model="wan-t2v", wait_s=0)
        with anyio.fail_after(30):
            while told["status"] != "completed":
                told = await make(client, "get_job", job_id=told["job_id"], wait_s=0.2)
        assert odd.count("POST /api/generate") == 1
