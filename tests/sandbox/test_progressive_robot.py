"""The sandbox's Progressive Robot, through the front door: all 129 routes, exact prices, tiers, and real media."""

import io
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import anyio.to_thread
import httpx2
import pytest
from PIL import Image

from callsheet_sandbox import progressive_robot, props
from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.backends.progressive_robot import desk
from callsheet_sandbox.backends.progressive_robot.prices import VIDEO_MODELS, by_clips, by_length, video_price
from callsheet_sandbox.backends.progressive_robot.subtitles import read, written
from callsheet_sandbox.box import Box
from callsheet_sandbox.in_process import Transport
from callsheet_sandbox.jobs import Pace

pytestmark = pytest.mark.anyio

NAME = "progressive-robot"
BASE = "http://progressive-robot.sandbox"
KEY = "pk_not_a_real_key"
SMALL = {"width": 160, "height": 96, "frames": 12}

PAGE = {
    "keys": "GET keys · POST keys · DELETE keys/{id}",
    "video": (
        "POST generate · GET status · GET video/{filename} · GET generations · DELETE generations/{id} · "
        "POST generations/{id}/favorite · POST generations/{id}/share · POST generations/{id}/public · "
        "GET share/{token} · GET gallery/community · POST cancel · GET queue · GET comfyui/status · "
        "GET generation-cost · POST extend-video · POST generate-v2v"
    ),
    "image": (
        "POST generate-image · GET image-models · GET image-generations · DELETE image-generations/{id} · "
        "GET image/{filename} · POST upload-image · GET input-image/{filename}"
    ),
    "audio": (
        "POST generate-audio · GET audio-generations · DELETE audio-generations/{id} · GET audio/{filename} · "
        "POST video/add-audio · POST subtitles/generate · GET subtitles/{name}.srt · POST subtitles/burn · "
        "POST subtitles/translate · GET tts/voices · POST tts/generate · POST tts/add-to-video"
    ),
    "edit": (
        "POST edit/trim · POST edit/speed · POST edit/crop · POST edit/resize · POST edit/text-overlay · "
        "POST edit/merge"
    ),
    "tools": (
        "POST tools/remove-background · POST tools/upscale-video · POST tools/face-swap · "
        "POST tools/extract-frames · POST tools/trim-video · POST tools/video-to-gif · "
        "POST tools/add-watermark"
    ),
    "studio": (
        "POST studio/script-to-shots · GET projects · POST projects · GET projects/{id} · PUT projects/{id} · "
        "DELETE projects/{id} · POST projects/{id}/duplicate · POST projects/{id}/export · "
        "POST projects/{id}/shots · PUT projects/{id}/shots/{shot_id} · "
        "DELETE projects/{id}/shots/{shot_id} · POST projects/{id}/shots/reorder · "
        "GET projects/{id}/elements · POST projects/{id}/elements · PUT projects/{id}/elements/{eid} · "
        "DELETE projects/{id}/elements/{eid} · GET projects/{id}/comments · POST projects/{id}/comments · "
        "DELETE projects/{id}/comments/{cid}"
    ),
    "hosting": (
        "POST hosting/pages · GET hosting/pages · GET hosting/pages/{id} · PUT hosting/pages/{id} · "
        "DELETE hosting/pages/{id} · GET hosting/pages/{id}/analytics"
    ),
    "community": (
        "GET community/prompts · POST community/prompts · POST community/prompts/{id}/vote · "
        "POST community/prompts/{id}/use · DELETE community/prompts/{id}"
    ),
    "stock": "GET stock/videos · GET stock/images · GET stock/music · POST stock/download",
    "orgs": (
        "POST orgs · GET orgs · POST orgs/{id}/invite · POST orgs/accept-invite · GET orgs/{id}/members · "
        "PUT orgs/{id}/members/{uid}/role · DELETE orgs/{id}/members/{uid} · GET orgs/{id}/projects · "
        "POST orgs/{id}/projects"
    ),
    "brand kits": (
        "POST brand-kits · GET brand-kits · PUT brand-kits/{id} · DELETE brand-kits/{id} · "
        "POST brand-kits/{id}/upload-logo · POST brand-kits/{id}/upload-intro · POST brand-kits/{id}/apply"
    ),
    "prompts": (
        "POST generate-prompt · GET prompts/autocomplete · GET templates · POST templates · DELETE templates/{id}"
    ),
    "account": (
        "GET auth/check · POST signup · POST login · POST logout · POST password-reset/request · "
        "POST password-reset/reset · GET profile · POST profile · POST profile/avatar · "
        "POST settings/change-password · POST settings/email · POST settings/theme · GET credits · "
        "GET credits/history · POST credits/topup · GET subscription · POST stripe/create-checkout · "
        "POST stripe/create-portal · GET pricing · GET stripe/config · GET analytics/usage · "
        "GET analytics/summary"
    ),
    "models": "GET models",
}
ROUTES = {section: [route.replace(" ", " /api/") for route in routes.split(" · ")] for section, routes in PAGE.items()}
TALLY = {
    **{"keys": 3, "video": 16, "image": 7, "audio": 12, "edit": 6, "tools": 7, "studio": 19, "hosting": 6},
    **{"community": 5, "stock": 4, "orgs": 9, "brand kits": 7, "prompts": 5, "account": 22, "models": 1},
}


def png(width: int = 200, height: int = 160, colour: str = "#a06040") -> bytes:
    """A small picture: a bright square on one colour."""
    image = Image.new("RGB", (width, height), colour)
    image.paste("#f0f0ff", (width // 3, height // 3, 2 * width // 3, 2 * height // 3))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class Clock:
    """A time of day that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A sandbox, its clock, and a client for each of those who use it."""

    transport: Transport
    clock: Clock
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)

    def client(self, key: str = KEY) -> httpx2.AsyncClient:
        """A client with this key; one that begins with a dash has none, only its cookies."""
        if key not in self.clients:
            headers = {} if key.startswith("-") else {"Authorization": f"Bearer {key}"}
            self.clients[key] = httpx2.AsyncClient(transport=self.transport, base_url=BASE, headers=headers, timeout=60)
        return self.clients[key]

    async def get(self, path: str, *, key: str = KEY, **query: Any) -> Any:
        answer = await self.client(key).get(path, params=query)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def post(self, path: str, body: Any = None, *, key: str = KEY) -> Any:
        answer = await self.client(key).post(path, json=body)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def refused(self, status: int, path: str, body: Any = None, *, key: str = KEY) -> dict[str, Any]:
        answer = await self.client(key).post(path, json=body)
        assert answer.status_code == status, (path, answer.text)
        said: dict[str, Any] = answer.json()
        assert isinstance(said["error"], str)
        return said

    async def upload(self, data: bytes, *, key: str = KEY) -> str:
        answer = await self.client(key).post("/api/upload-image", files={"image": ("a.png", data, "image/png")})
        return str(answer.json()["filename"])

    async def video(self, *, key: str = KEY, **said: Any) -> str:
        """The file name of a new small video."""
        made = await self.post("/api/generate", {"prompt": "a boat", **SMALL, **said}, key=key)
        done = await self.get("/api/status", job_id=made["job_id"], key=key)
        assert done["status"] == "completed", done
        return str(done["filename"])

    async def spoken(self) -> str:
        """The file name of a video in which something is said."""
        speech = await self.post("/api/tts/generate", {"text": "The boat leaves at nine."})
        body = {"video_filename": await self.video(frames=72), "tts_filename": speech["filename"]}
        return str((await self.post("/api/tts/add-to-video", body))["filename"])

    async def file(self, name: str, kind: str = "video") -> bytes:
        answer = await self.client().get(f"/api/{kind}/{name}")
        assert answer.status_code == 200, answer.text
        return answer.content

    async def facts(self, name: str, kind: str = "video") -> props.Facts:
        return await anyio.to_thread.run_sync(props.facts, await self.file(name, kind))

    def looks(self, looks: int) -> None:
        self.transport.app.box.jobs.set_pace(Pace("looks", looks))

    def left(self, key: str = KEY) -> Decimal:
        return self.transport.app.box.balance(NAME, owner_of(key))

    def give(self, credits: int, key: str = KEY) -> None:
        self.transport.app.box.accounts.set(NAME, owner_of(key), Decimal(credits))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = Clock()
    transport = Transport(NAME, None, pace="looks", looks=1, rate=6000, credits={NAME: 5000}, clock=clock)
    house = House(transport, clock)
    yield house
    for client in house.clients.values():
        await client.aclose()


async def test_there_are_129_routes_and_they_are_those_of_the_page() -> None:
    assert {section: len(routes) for section, routes in ROUTES.items()} == TALLY
    assert sum(TALLY.values()) == 129
    box = Box()
    built = [f"{method} {route.path}" for route in desk(box).routes for method in (route.methods or set()) - {"HEAD"}]
    box.close()
    ours = [route for route in built if " /api/" in route]
    assert len(ours) == len(set(ours)) == 129
    assert set(ours) == {route for routes in ROUTES.values() for route in routes}


class Step(NamedTuple):
    """One call of the walk: `{name}` stands for what an earlier step found, `finds` says where to look."""

    call: str
    body: Any = None
    finds: dict[str, str] = {}  # noqa: RUF012 - never changed
    who: str = KEY
    files: tuple[str, ...] = ()
    query: dict[str, str] = {}  # noqa: RUF012 - never changed


VIDEO = {"video_filename": "{video}"}
GUEST, FRIEND, NOBODY = "-guest", "pk_not_a_friends_key", "-nobody"
PERSON = {"username": "mina", "password": "not a real one"}

WALK = [
    # making
    Step("POST /api/generate", {"prompt": "a boat at dusk", **SMALL}, {"job": "job_id"}),
    Step("GET /api/status", query={"job_id": "{job}"}, finds={"video": "filename"}),
    Step("GET /api/video/{video}"),
    Step("GET /api/generations", finds={"generation": "generations.0.id"}),
    Step("POST /api/generations/{generation}/favorite"),
    Step("POST /api/generations/{generation}/share", finds={"share": "share_token"}),
    Step("POST /api/generations/{generation}/public"),
    Step("GET /api/share/{share}", who=NOBODY),
    Step("GET /api/gallery/community", who=NOBODY),
    Step("GET /api/queue"),
    Step("GET /api/comfyui/status"),
    Step("GET /api/generation-cost", query={"model": "wan-t2v", "frames": "41", "steps": "4"}),
    Step("POST /api/extend-video", VIDEO | {"generation_id": "{generation#}"}, {"frame": "filename"}),
    Step("GET /api/input-image/{frame}"),
    Step("POST /api/generate-v2v", VIDEO | {"prompt": "in oils", "strength": 0.6}, {"second": "job_id"}),
    Step("POST /api/cancel", {"job_id": "{second}"}),
    Step("GET /api/models"),
    Step("POST /api/generate-image", {"prompt": "a boat", "width": 128, "height": 96}, {"job": "job_ids.0"}),
    Step("GET /api/status", query={"job_id": "{job}"}, finds={"image": "filename"}),
    Step("GET /api/image/{image}"),
    Step("GET /api/image-models"),
    Step("GET /api/image-generations", finds={"id": "generations.0.id"}),
    Step("DELETE /api/image-generations/{id}"),
    Step("POST /api/upload-image", files=("image",)),
    Step("POST /api/generate-audio", {"prompt": "sea song", "duration_seconds": 2, "tags": "folk"}, {"job": "job_id"}),
    Step("GET /api/status", query={"job_id": "{job}"}, finds={"audio": "filename"}),
    Step("GET /api/audio/{audio}"),
    Step("POST /api/video/add-audio", VIDEO | {"audio_filename": "{audio}"}),
    Step("GET /api/audio-generations", finds={"id": "generations.0.id"}),
    Step("DELETE /api/audio-generations/{id}"),
    Step("GET /api/tts/voices", finds={"voice": "voices.0.id"}),
    Step(
        "POST /api/tts/generate", {"text": "All aboard.", "voice_id": "{voice}", "speed": 1.0}, {"speech": "filename"}
    ),
    Step("POST /api/tts/add-to-video", VIDEO | {"tts_filename": "{speech}", "volume": 0.8}, {"spoken": "filename"}),
    Step("POST /api/subtitles/generate", {"video_filename": "{spoken}", "language": "en"}, {"srt": "srt_filename"}),
    Step("GET /api/subtitles/{srt}"),
    Step("POST /api/subtitles/burn", VIDEO | {"srt_filename": "{srt}", "style": "bold-yellow"}),
    Step("POST /api/subtitles/translate", {"srt_filename": "{srt}", "target_language": "th"}),
    # edits and tools
    Step("POST /api/edit/trim", VIDEO | {"start_seconds": 0.1, "end_seconds": 0.4}),
    Step("POST /api/edit/speed", VIDEO | {"speed_factor": 2.0}),
    Step("POST /api/edit/crop", VIDEO | {"x": 10, "y": 10, "width": 100, "height": 60}),
    Step("POST /api/edit/resize", VIDEO | {"width": 200, "height": 200}),
    Step("POST /api/edit/text-overlay", VIDEO | {"text": "Hello", "position": "top", "color": "yellow"}),
    Step("POST /api/edit/merge", {"video_filenames": ["{video}", "{spoken}"]}),
    Step("POST /api/tools/remove-background", files=("image",)),
    Step("POST /api/tools/upscale-video", VIDEO | {"scale_factor": 2}),
    Step("POST /api/tools/face-swap", files=("source", "target")),
    Step("POST /api/tools/extract-frames", VIDEO | {"mode": "middle"}),
    Step("POST /api/tools/trim-video", VIDEO | {"start_time": 0, "end_time": 0.3}),
    Step("POST /api/tools/video-to-gif", VIDEO | {"width": 80, "fps": 5}),
    Step("POST /api/tools/add-watermark", VIDEO | {"type": "image"}, files=("image",)),
    # studio
    Step("POST /api/studio/script-to-shots", {"script": "A boat. It leaves.", "model": "wan-t2v"}),
    Step("POST /api/projects", {"name": "The boat"}, {"project": "id"}),
    Step("PUT /api/projects/{project}", {"description": "A short film", "model": "wan-t2v"}),
    Step("POST /api/projects/{project}/shots", {"prompt": "a boat", "duration": 2}, {"shot": "id"}),
    Step("POST /api/projects/{project}/shots", {"prompt": "the sea", "shot_type": "wide"}, {"last": "id"}),
    Step("PUT /api/projects/{project}/shots/{shot}", {"notes": "at dusk", "filename": "{video}"}),
    Step("POST /api/projects/{project}/shots/reorder", {"order": ["{last#}", "{shot#}"]}),
    Step("POST /api/projects/{project}/elements", {"type": "prop", "name": "Boat"}, {"element": "id"}),
    Step("GET /api/projects/{project}/elements"),
    Step("PUT /api/projects/{project}/elements/{element}", {"description": "red"}),
    Step("POST /api/projects/{project}/comments", {"text": "Lovely", "shot_id": "{shot#}"}, {"comment": "id"}),
    Step("GET /api/projects/{project}/comments"),
    Step("POST /api/projects/{project}/export", {"resolution": "480p"}),
    Step("POST /api/projects/{project}/duplicate", finds={"twin": "id"}),
    Step("GET /api/projects/{project}"),
    Step("DELETE /api/projects/{project}/comments/{comment}"),
    Step("DELETE /api/projects/{project}/elements/{element}"),
    Step("DELETE /api/projects/{project}/shots/{last}"),
    Step("GET /api/projects"),
    Step("DELETE /api/projects/{twin}"),
    # pages, prompts, stock
    Step("POST /api/hosting/pages", VIDEO | {"title": "Boat", "visibility": "unlisted"}, {"page": "id"}),
    Step("GET /api/hosting/pages"),
    Step("PUT /api/hosting/pages/{page}", {"title": "The boat", "password": "open"}),
    Step("GET /api/hosting/pages/{page}"),
    Step("GET /api/hosting/pages/{page}/analytics"),
    Step("DELETE /api/hosting/pages/{page}"),
    Step("POST /api/community/prompts", {"prompt": "a red boat", "title": "Boat", "tags": ["sea"]}, {"shared": "id"}),
    Step("GET /api/community/prompts", query={"sort": "popular", "page": "1"}, who=NOBODY),
    Step("POST /api/community/prompts/{shared}/vote", {"vote": 1}),
    Step("POST /api/community/prompts/{shared}/use"),
    Step("DELETE /api/community/prompts/{shared}"),
    Step("GET /api/stock/videos", query={"query": "sea", "page": "1", "per_page": "3"}),
    Step("GET /api/stock/images", query={"query": "sea"}, finds={"stock": "images.0.url"}),
    Step("GET /api/stock/music", query={"query": "calm"}),
    Step("POST /api/stock/download", {"url": "{stock}", "type": "image"}),
    # people
    Step("POST /api/orgs", {"name": "Crew"}, {"org": "id"}),
    Step("GET /api/orgs"),
    Step("POST /api/orgs/{org}/invite", {"email": "friend@example.com", "role": "reviewer"}, {"invite": "token"}),
    Step("POST /api/orgs/accept-invite", {"token": "{invite}"}, who=FRIEND),
    Step("GET /api/orgs/{org}/members", finds={"friend": "members.1.user_id"}),
    Step("PUT /api/orgs/{org}/members/{friend}/role", {"role": "member"}),
    Step("POST /api/orgs/{org}/projects", {"name": "Ours"}, who=FRIEND),
    Step("GET /api/orgs/{org}/projects"),
    Step("DELETE /api/orgs/{org}/members/{friend}"),
    Step("POST /api/brand-kits", {"name": "Blue", "primary_color": "#0044ff"}, {"kit": "id"}),
    Step("GET /api/brand-kits"),
    Step("PUT /api/brand-kits/{kit}", {"logo_position": "top-left"}),
    Step("POST /api/brand-kits/{kit}/upload-logo", files=("logo",)),
    Step("POST /api/brand-kits/{kit}/upload-intro", files=("intro",)),
    Step("POST /api/brand-kits/{kit}/apply", VIDEO),
    Step("DELETE /api/brand-kits/{kit}"),
    Step("POST /api/generate-prompt", {"idea": "a boat", "model": "flux"}),
    Step("GET /api/prompts/autocomplete", query={"q": "boat"}),
    Step("POST /api/templates", {"name": "Boat", "prompt": "a boat"}, {"template": "id"}),
    Step("GET /api/templates"),
    Step("DELETE /api/templates/{template}"),
    # account
    Step("POST /api/signup", PERSON | {"email": "mina@example.com"}, who=NOBODY),
    Step("POST /api/login", PERSON, who=GUEST),
    Step(
        "POST /api/settings/change-password",
        {"current_password": PERSON["password"], "new_password": "still not real"},
        who=GUEST,
    ),
    Step("GET /api/auth/check", who=GUEST),
    Step("POST /api/logout", who=GUEST),
    Step("POST /api/password-reset/request", {"username": "mina"}, {"reset": "token"}, who=NOBODY),
    Step("POST /api/password-reset/reset", {"token": "{reset}", "new_password": "nor is this"}, who=NOBODY),
    Step("GET /api/profile"),
    Step("POST /api/profile", {"display_name": "Crew of one", "bio": "At sea", "profile_public": True}),
    Step("POST /api/profile/avatar", files=("avatar",)),
    Step("POST /api/settings/email", {"email": "me@example.com"}),
    Step("POST /api/settings/theme", {"theme": "light"}),
    Step("POST /api/keys", {"name": "laptop"}, {"key": "id"}),
    Step("GET /api/keys"),
    Step("DELETE /api/keys/{key}"),
    Step("GET /api/credits"),
    Step("GET /api/credits/history"),
    Step("POST /api/credits/topup", {"credits": 100}),
    Step("GET /api/subscription"),
    Step("POST /api/stripe/create-checkout", {"tier": "creator"}),
    Step("POST /api/stripe/create-portal"),
    Step("GET /api/pricing", who=NOBODY),
    Step("GET /api/stripe/config", who=NOBODY),
    Step("GET /api/analytics/usage"),
    Step("GET /api/analytics/summary"),
    Step("DELETE /api/generations/{generation}"),
]


def filled(said: Any, known: dict[str, Any]) -> Any:
    """The value with what earlier steps found; `{name#}` is a number and stays one."""
    if isinstance(said, dict):
        return {name: filled(value, known) for name, value in said.items()}
    if isinstance(said, list):
        return [filled(value, known) for value in said]
    if isinstance(said, str) and said.endswith("#}"):
        return known[said[1:-2]]
    return said.format_map(known) if isinstance(said, str) else said


def found(answer: Any, where: str) -> Any:
    for part in where.split("."):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return answer


async def test_a_walk_along_every_route_is_200_all_the_way(house: House) -> None:
    known: dict[str, Any] = {}
    intro = b""
    for step in WALK:
        if step.call.endswith("/upload-intro"):
            intro = intro or await house.file(known["video"])
        method, path = filled(step.call, known).split(" ", 1)
        options: dict[str, Any] = {"params": filled(step.query, known)}
        if step.files:
            kinds = {"intro": ("intro.mp4", intro, "video/mp4")}
            options["files"] = {name: kinds.get(name, ("a.png", png(), "image/png")) for name in step.files}
            options["data"] = filled(step.body, known) or {}
        elif step.body is not None:
            options["json"] = filled(step.body, known)
        answer = await house.client(step.who).request(method, path, **options)
        assert answer.status_code == 200, (step.call, answer.text)
        known |= {name: found(answer.json(), where) for name, where in step.finds.items()}
    entries = house.transport.app.box.log.entries(NAME)
    walked = {f"{one.method} {one.route}" for one in entries if one.status == 200}
    assert {route for routes in ROUTES.values() for route in routes} - walked == set()
    assert {one.status for one in entries} == {200}


# money

PAGE_PRICES = {
    **{"wan-t2v": 21, "ltx-t2v": 16, "ltx-quality": 27, "hunyuan-t2v": 22, "hunyuan15-t2v": 22, "cogvideo-t2v": 22},
    **{"animatediff": 12, "ltx-camera": 18, "ltx-control": 20, "wan-vace": 28, "wan-animate": 33, "hunyuan15-i2v": 28},
    **{"ltx-i2v": 22, "svd-i2v": 18, "wan-i2v": 23, "ltx-flf": 20, "wan-flf": 23, "wan-s2v": 28, "liveportrait": 13},
    **{"dreamidv": 25, "echomimic": 20, "hunyuan3d": 24},
}


async def test_every_video_model_costs_what_its_quote_and_the_page_say(house: House) -> None:
    speech = (await house.post("/api/tts/generate", {"text": "Hello."}))["filename"]
    media = {
        "input_image": await house.upload(png()),
        "end_image": await house.upload(png(colour="#204060")),
        "audio_filename": speech,
        "driving_video": await house.video(),
    }
    assert PAGE_PRICES.keys() == VIDEO_MODELS.keys() == {row["id"] for row in await house.get("/api/models")}
    for model, price in PAGE_PRICES.items():
        quote = await house.get("/api/generation-cost", model=model, frames=41, steps=4)
        assert quote == {"model": model, "cost": price}
        before = house.left()
        needed = {name: media[name] for name in VIDEO_MODELS[model].needs}
        made = await house.post("/api/generate", {"prompt": "a boat", "model": model, **needed})
        assert (made["credits_used"], made["credit_balance"]) == (price, before - price), model
        for name in needed:
            body = {"prompt": "a boat", "model": model, **{one: media[one] for one in needed if one != name}}
            assert name in (await house.refused(400, "/api/generate", body))["error"]
    assert (await house.get("/api/generation-cost"))["cost"] == 21


def test_prices_are_rounded_up_in_decimals() -> None:
    assert video_price("wan-t2v", 40, 4) == 20  # 10 + 8.00 + 2.00, which floats make 20.000000000000004 or so
    assert video_price("ltx-quality", 301, 4) == 92  # 91.85
    assert video_price("hunyuan3d", 999, 0) == 20
    assert [by_length((8, 30), seconds) for seconds in (0.5, 30, 30.001, 60)] == [1, 8, 9, 16]
    assert [by_length((3, 10), seconds, 3) for seconds in (2, 10, 10.1, 20)] == [3, 3, 4, 6]
    assert [by_length((2, 10), seconds, 2) for seconds in (1, 10, 11)] == [2, 2, 3]
    assert [by_clips(clips) for clips in (1, 2, 20)] == [3, 4, 40]


async def test_images_sound_and_edits_cost_what_the_page_says(house: House) -> None:
    picture, video = await house.upload(png()), await house.spoken()
    for model, each in (("sd15", 2), ("flux", 5), ("flux-dev", 8), ("flux-edit", 6)):
        source = {"input_image": picture} if model == "flux-edit" else {}
        made = await house.post("/api/generate-image", {"prompt": "a boat", "model": model, "count": 3, **source})
        assert (made["credits_used"], len(set(made["job_ids"]))) == (3 * each, 3)
    costs = {row["id"]: row["credit_cost"] for row in await house.get("/api/image-models")}
    assert costs == {"sd15": 2, "flux": 5, "flux-dev": 8, "flux-edit": 6}
    srt = (await house.post("/api/subtitles/generate", {"video_filename": video}))["srt_filename"]
    one, burned = {"video_filename": video}, {"video_filename": video, "srt_filename": srt}
    for path, body, price in (
        ("generate-audio", {"prompt": "sea", "duration_seconds": 45}, 12),
        ("generate-audio", {"prompt": "sea", "duration_seconds": 31}, 9),
        ("subtitles/generate", one, 5),
        ("subtitles/translate", {"srt_filename": srt, "target_language": "fr"}, 5),
        ("subtitles/burn", burned, 0),
        ("edit/trim", {**one, "end_seconds": 1}, 3),
        ("edit/merge", {"video_filenames": [video] * 3}, 6),
        ("tools/trim-video", {**one, "end_time": 1}, 1),
        ("tools/upscale-video", one, 2),
        ("generate-v2v", {**one, "prompt": "in oils"}, 3),
    ):
        before = house.left()
        made = await house.post(f"/api/{path}", body)
        assert (made["credits_used"], made["credit_balance"]) == (price, before - price)
        assert house.left() == before - price


async def test_speech_is_charged_by_what_was_really_said(house: House) -> None:
    short = await house.post("/api/tts/generate", {"text": "Hello."})
    assert short["credits_used"] == 1
    long = await house.post("/api/tts/generate", {"text": "The boat leaves at nine o'clock sharp. " * 12})
    assert long["duration_seconds"] > 20
    assert long["credits_used"] == by_length((6, 60), long["duration_seconds"]) > 1
    heard = await house.facts(long["filename"], "audio")
    assert heard.seconds == pytest.approx(long["duration_seconds"], abs=0.2)


async def test_what_cannot_be_paid_is_403_with_both_figures_and_costs_nothing(house: House) -> None:
    video = await house.video()
    house.give(5)
    figures = {"credits_required": 21, "credit_balance": 5}
    assert (await house.refused(403, "/api/generate", {"prompt": "a boat"})) == {
        "error": "Insufficient credits",
        **figures,
    }
    images = await house.refused(403, "/api/generate-image", {"prompt": "a boat", "count": 2})
    assert images["credits_required"] == 10
    house.give(2)
    edit = await house.refused(403, "/api/edit/speed", {"video_filename": video, "speed_factor": 2.0})
    assert (edit["credits_required"], edit["credit_balance"]) == (3, 2)
    assert house.left() == 2


async def test_a_failed_job_is_200_with_status_error_and_its_credits_come_back(house: House) -> None:
    made = await house.post("/api/generate", {"prompt": "a boat [fail]", **SMALL})
    assert house.left() == 5000 - made["credits_used"]
    status = await house.get("/api/status", job_id=made["job_id"])
    assert (status["status"], status["media_type"]) == ("error", "video")
    assert status["error"]
    assert "filename" not in status
    assert house.left() == 5000
    types = [row["type"] for row in (await house.get("/api/credits/history"))["history"]]
    assert types == ["refund", "charge"]


async def test_an_edit_that_fails_gives_its_credits_back(house: House) -> None:
    video = await house.video()
    before = house.left()
    said = {"video_filename": video}
    await house.refused(400, "/api/edit/trim", said | {"start_seconds": 60})
    await house.refused(400, "/api/edit/crop", said | {"x": 100, "width": 100, "height": 50})
    await house.refused(400, "/api/edit/text-overlay", said | {"text": "x", "color": "no colour"})
    await house.refused(500, "/api/edit/text-overlay", said | {"text": "x [fail]"})
    await house.refused(400, "/api/subtitles/generate", said)
    assert house.left() == before


async def test_cancelling_refunds_only_what_is_still_queued(house: House) -> None:
    house.looks(3)
    for looks, word, refunded in ((1, "queued", True), (2, "processing", False)):
        before = house.left()
        job = (await house.post("/api/generate", {"prompt": "a boat"}))["job_id"]
        for _ in range(looks):
            status = await house.get("/api/status", job_id=job)
        assert status["status"] == word
        assert await house.post("/api/cancel", {"job_id": job}) == {"success": True}
        assert house.left() == (before if refunded else before - 21)
        assert (await house.get("/api/status", job_id=job))["status"] == "cancelled"
        await house.refused(400, "/api/cancel", {"job_id": job})
    await house.refused(404, "/api/cancel", {"job_id": "no-such-job"})


# jobs


async def test_jobs_go_from_queued_over_processing_to_completed(house: House) -> None:
    house.looks(4)
    jobs = [(await house.post("/api/generate", {"prompt": "a boat", **SMALL})) for _ in range(2)]
    assert {"job_id", "prompt_id", "credits_used", "credit_balance"} == jobs[0].keys()
    queue = await house.get("/api/queue")
    assert (queue["queue_length"], queue["position"], len(queue["my_jobs"])) == (2, 1, 2)
    second = await house.get("/api/status", job_id=jobs[1]["job_id"])
    assert (second["status"], second["queue_position"], second["progress"]) == ("queued", 2, 0)
    seen = [await house.get("/api/status", job_id=jobs[0]["job_id"]) for _ in range(4)]
    assert [one["status"] for one in seen] == ["queued", "processing", "processing", "completed"]
    assert [one["progress"] for one in seen] == [0, 50, 75, 100]
    assert seen[-1]["filename"] == f"webgen_{jobs[0]['job_id']}_00001.mp4"


async def test_jobs_move_by_seconds_too(house: House) -> None:
    house.transport.app.box.jobs.set_pace(Pace("seconds", speed=2.0))
    job = (await house.post("/api/generate", {"prompt": "a boat"}))["job_id"]
    words = []
    for seconds in (0.2, 0.6, 1.0):
        house.clock.now += seconds
        words.append((await house.get("/api/status", job_id=job))["status"])
    assert words == ["queued", "processing", "completed"]


async def test_deleting_removes_row_and_file(house: House) -> None:
    video = await house.video()
    row = (await house.get("/api/generations"))["generations"][0]
    assert (row["filename"], row["status"], row["model"], row["prompt"]) == (video, "completed", "wan-t2v", "a boat")
    assert (await house.client().get(f"/api/video/{video}")).status_code == 200
    assert (await house.client().delete(f"/api/generations/{row['id']}")).status_code == 200
    assert (await house.client().get(f"/api/video/{video}")).status_code == 404
    assert await house.get("/api/generations") == {"generations": [], "total": 0}
    assert (await house.client().delete(f"/api/generations/{row['id']}")).status_code == 404


# who may


async def test_only_public_routes_answer_without_a_key(house: House) -> None:
    public = {
        *("GET /api/share/{token}", "GET /api/gallery/community", "GET /api/community/prompts", "POST /api/signup"),
        *("POST /api/login", "POST /api/password-reset/request", "POST /api/password-reset/reset"),
        *("GET /api/pricing", "GET /api/stripe/config"),
    }
    for headers in ({}, {"Authorization": "Bearer sk_other"}, {"Cookie": "session=made-up"}):
        for route in (route for routes in ROUTES.values() for route in routes):
            method, path = route.split(" ")
            url = path.replace("{", "").replace("}", "")
            status = (await house.client(NOBODY).request(method, url, headers=headers)).status_code
            assert (status == 401) == (route not in public), (route, status)


async def test_a_login_opens_what_the_key_opens(house: House) -> None:
    await house.post("/api/signup", PERSON | {"email": "mina@example.com"}, key=NOBODY)
    await house.refused(400, "/api/signup", PERSON | {"email": "other@example.com"}, key=NOBODY)
    await house.refused(401, "/api/login", PERSON | {"password": "wrong"}, key=GUEST)
    await house.post("/api/login", PERSON, key=GUEST)
    made = await house.post("/api/keys", {"name": "laptop"}, key=GUEST)
    assert made["key"].startswith("pk_")
    assert made["key"].startswith(made["prefix"])
    video = await house.video(key=made["key"])
    history = await house.get("/api/generations", key=GUEST)
    assert history["generations"][0]["filename"] == video
    listed = (await house.get("/api/keys", key=GUEST))["keys"]
    assert [(row["name"], row["is_active"], row["last_used"] is not None) for row in listed] == [("laptop", True, True)]
    assert "key" not in listed[0]
    assert (await house.client(GUEST).delete(f"/api/keys/{made['id']}")).status_code == 200
    assert (await house.client(made["key"]).get("/api/credits")).status_code == 401
    reset = await house.post("/api/password-reset/request", {"username": "mina"}, key=NOBODY)
    said = {"token": reset["token"], "new_password": "neither is this"}
    await house.post("/api/password-reset/reset", said, key=NOBODY)
    await house.refused(400, "/api/password-reset/reset", said, key=NOBODY)
    assert (await house.client(GUEST).get("/api/credits")).status_code == 401
    await house.refused(401, "/api/login", PERSON, key=GUEST)
    await house.post("/api/login", PERSON | {"password": "neither is this"}, key=GUEST)
    assert (await house.get("/api/auth/check", key=GUEST))["username"] == "mina"


async def test_the_free_tier_is_480p_81_frames_and_a_watermark(house: House) -> None:
    free = "pk_free_not_a_real_key"
    check = await house.get("/api/auth/check", key=free)
    assert (check["tier"], check["limits"]["max_frames"], check["limits"]["max_resolution"]) == ("free", 81, "480p")
    over = await house.refused(403, "/api/generate", {"prompt": "a boat", "frames": 82}, key=free)
    assert over["max_frames"] == 81
    large = await house.refused(403, "/api/generate", {"prompt": "a boat", "width": 1280, "height": 720}, key=free)
    assert (large["max_frames"], large["max_resolution"]) == (81, "480p")
    assert (await house.refused(403, "/api/generate", {"prompt": "a boat", "frames": 302}))["max_frames"] == 301
    assert house.left(free) == 5000
    plain, marked = await house.video(seed=7, height=160), await house.video(seed=7, height=160, key=free)
    there = (await house.client(free).get(f"/api/video/{marked}")).content
    assert there != await house.file(plain)
    assert (await house.client(free).get(f"/api/video/{plain}")).status_code == 404


async def test_features_need_their_tiers_and_a_checkout_moves_the_account(house: House) -> None:
    starter, creator = "pk_starter_not_real", "pk_creator_not_real"
    video = await house.video(key=creator)
    speech = {"text": "Hello."}
    no = await house.refused(403, "/api/tts/generate", speech, key=starter)
    assert (no["required_tier"], no["current_tier"]) == ("creator", "starter")
    await house.post("/api/tts/generate", speech, key=creator)
    for path, body in (
        ("orgs", {"name": "Crew"}),
        ("brand-kits", {"name": "Blue"}),
        ("hosting/pages", {"video_filename": video, "title": "Boat"}),
        ("subtitles/translate", {"srt_filename": "a.srt", "target_language": "th"}),
    ):
        assert (await house.refused(403, f"/api/{path}", body, key=creator))["required_tier"] == "pro"
    for path in ("stock/videos?query=sea", "stock/images?query=sea", "stock/music?query=sea"):
        assert (await house.client(starter).get(f"/api/{path}")).status_code == 403
    till = await house.post("/api/stripe/create-checkout", {"tier": "pro"}, key=creator)
    assert (await house.client(NOBODY).get(till["url"])).status_code == 200
    credits = await house.get("/api/credits", key=creator)
    assert (credits["tier"], credits["monthly_allowance"]) == ("pro", 5000)
    await house.post("/api/orgs", {"name": "Crew"}, key=creator)
    before = house.left(creator)
    bill = await house.post("/api/credits/topup", {"credits": 250}, key=creator)
    assert (bill["amount"], bill["currency"]) == ("2.50", "GBP")
    for _ in range(2):
        await house.client(NOBODY).get(bill["url"])
    assert house.left(creator) == before + 250


async def test_a_share_token_lets_strangers_see_one_video(house: House) -> None:
    video, other = await house.video(), await house.video()
    id = (await house.get("/api/generations"))["generations"][1]["id"]
    token = (await house.post(f"/api/generations/{id}/share"))["share_token"]
    assert (await house.post(f"/api/generations/{id}/share"))["share_token"] == token
    stranger = house.client(NOBODY)
    assert (await stranger.get(f"/api/video/{video}")).status_code == 401
    assert (await stranger.get(f"/api/video/{video}", params={"token": token})).headers["content-type"] == "video/mp4"
    assert (await stranger.get(f"/api/video/{other}", params={"token": token})).status_code == 401
    assert (await house.get(f"/api/share/{token}", key=NOBODY))["prompt"] == "a boat"
    assert (await stranger.get("/api/share/made-up")).status_code == 404
    for shown in (True, False):
        assert (await house.post(f"/api/generations/{id}/public"))["is_public"] is shown
        assert len((await house.get("/api/gallery/community", key=NOBODY))["generations"]) == shown
    assert [(await house.post(f"/api/generations/{id}/favorite"))["is_favorite"] for _ in range(2)] == [True, False]


async def test_too_many_requests_are_429_and_generations_sooner(house: House) -> None:
    clock = Clock()
    transport = Transport(NAME, None, pace="looks", clock=clock, credits={NAME: 5000})
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        said = {"prompt": "a boat", "model": "sd15"}
        for _ in range(10):
            assert (await client.post("/api/generate-image", json=said)).status_code == 200
        answer = await client.post("/api/generate-image", json=said)
        assert answer.status_code == 429
        assert answer.json() == {"error": "Rate limit exceeded", "retry_after": 60}
        assert answer.headers["retry-after"] == "60"
        for _ in range(50):
            assert (await client.get("/api/credits")).status_code == 200
        assert (await client.get("/api/credits")).status_code == 429


# strictness

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("generate", {}, "prompt"),
    ("generate", {"prompt": "x", "promt": "y"}, "promt"),
    ("generate", {"prompt": "x" * 2001}, "prompt"),
    ("generate", {"prompt": "x", "model": "wan-9"}, "model"),
    ("generate", {"prompt": "x", "frames": "41"}, "frames"),
    ("generate", {"prompt": "x", "frames": 0}, "frames"),
    ("generate", {"prompt": "x", "seed": -2}, "seed"),
    ("generate", {"prompt": "x", "control_type": "depth"}, "control_type"),
    ("generate", {"prompt": "x", "input_image": "a.png", "image": "b.png"}, "image"),
    ("generate-image", {"prompt": "x", "count": 5}, "count"),
    ("generate-image", {"prompt": "x", "model": "flux-edit"}, "input_image"),
    ("generate-audio", {"prompt": "x", "seconds": 3}, "seconds"),
    ("tts/generate", {"text": "x", "voice_id": "someone"}, "voice_id"),
    ("edit/speed", {"video_filename": "a.mp4", "speed_factor": 5}, "speed_factor"),
    ("edit/resize", {"video_filename": "a.mp4", "width": 100}, "preset"),
    ("edit/merge", {"video_filenames": ["a.mp4"]}, "video_filenames"),
    ("edit/trim", {"video_filename": "a.mp4", "start_time": 1}, "start_time"),
    ("tools/trim-video", {"video_filename": "a.mp4", "start_seconds": 1}, "start_seconds"),
    ("tools/upscale-video", {"video_filename": "a.mp4", "scale_factor": 5}, "scale_factor"),
    ("credits/topup", {"credits": 99}, "credits"),
    ("community/prompts/1/vote", {"vote": 2}, "vote"),
    ("settings/theme", {"theme": "pink"}, "theme"),
]


async def test_bodies_that_are_not_as_documented_are_400_and_name_the_field(house: House) -> None:
    for path, body, name in WRONG:
        assert name in (await house.refused(400, f"/api/{path}", body))["error"], path
    assert {entry.valid for entry in house.transport.app.box.log.entries(NAME)} == {False}
    for query in ("/api/generations?limit=201", "/api/generations?page=1", "/api/status", "/api/stock/music?query="):
        assert (await house.client().get(query)).status_code == 400, query
    answer = await house.client().post("/api/upload-image", files={"image": ("a.txt", b"no picture", "text/plain")})
    assert answer.status_code == 400
    assert (await house.client().post("/api/upload-image", json={})).status_code == 400
    huge = {"prompt": "x", "negative_prompt": "y" * 1_000_001}
    await house.refused(400, "/api/generate", huge)
    await house.refused(404, "/api/edit/speed", {"video_filename": "nobodys.mp4", "speed_factor": 2.0})
    await house.refused(400, "/api/edit/speed", {"video_filename": await house.upload(png()), "speed_factor": 2.0})
    assert house.left() == 5000


async def test_source_media_go_by_several_names_and_control_models_take_control(house: House) -> None:
    picture = await house.upload(png())
    for name in ("input_image", "image", "image_filename", "start_image"):
        await house.video(model="wan-i2v", **{name: picture})
    for end in ("end_image", "last_image"):
        await house.video(model="wan-flf", image=picture, **{end: picture})
    await house.video(model="ltx-camera", camera_motion="dolly_in", lora_strength=0.8)
    await house.video(model="ltx-control", control_type="depth")
    row = (await house.get("/api/generations"))["generations"][0]
    assert row["controls"] == {"control_type": "depth"}


# media


async def test_a_video_has_the_size_and_length_that_were_asked_for(house: House) -> None:
    picture = await house.upload(png())
    speech = (await house.post("/api/tts/generate", {"text": "The boat leaves at nine."}))["filename"]
    driving = await house.spoken()
    said: dict[str, Any] = {"width": 192, "height": 128, "frames": 36, "frame_rate": 12}
    wanted: tuple[tuple[str, dict[str, Any]], ...] = (
        ("wan-t2v", {}),
        ("wan-i2v", {"input_image": picture}),
        ("ltx-flf", {"input_image": picture, "end_image": picture}),
        ("wan-s2v", {"input_image": picture, "audio_filename": speech}),
        ("liveportrait", {"input_image": picture, "driving_video": driving}),
        ("wan-vace", {"driving_video": driving}),
    )
    for model, media in wanted:
        found = await house.facts(await house.video(model=model, **media, **said))
        assert (found.width, found.height) == (192, 128), model
        assert found.seconds == pytest.approx(3, abs=0.06), model
        assert found.audio == (model in ("wan-s2v", "liveportrait", "wan-vace")), model


async def test_a_solid_is_real_binary_gltf(house: House) -> None:
    name = await house.video(model="hunyuan3d")
    data = await house.file(name)
    magic, version, size = struct.unpack("<4sII", data[:12])
    assert (magic, version, size) == (b"glTF", 2, len(data))
    length, kind = struct.unpack("<I4s", data[12:20])
    told = json.loads(data[20 : 20 + length])
    rest, binary = struct.unpack("<I4s", data[20 + length : 28 + length])
    assert (kind, binary, rest) == (b"JSON", b"BIN\0", told["buffers"][0]["byteLength"])
    assert all(view["byteOffset"] + view["byteLength"] <= rest for view in told["bufferViews"])
    skin = told["bufferViews"][told["images"][0]["bufferView"]]
    start = 28 + length + skin["byteOffset"]
    assert props.facts(data[start : start + skin["byteLength"]]).mime == "image/jpeg"


async def test_edits_do_what_they_say(house: House) -> None:
    video = await house.spoken()
    whole = await house.facts(video)
    said = {"video_filename": video}

    async def edited(path: str, **more: Any) -> props.Facts:
        return await house.facts((await house.post(f"/api/{path}", said | more))["filename"])

    assert (await edited("edit/trim", start_seconds=0.5, end_seconds=2.0)).seconds == pytest.approx(1.5, abs=0.1)
    assert (await edited("tools/trim-video", end_time=1.0)).seconds == pytest.approx(1, abs=0.1)
    for factor in (0.25, 4.0):
        fast = await edited("edit/speed", speed_factor=factor)
        assert fast.seconds == pytest.approx(whole.seconds / factor, abs=0.15)
        assert fast.audio
    cropped = await edited("edit/crop", x=20, y=10, width=80, height=60)
    assert (cropped.width, cropped.height) == (80, 60)
    resized = await edited("edit/resize", preset="720p")
    assert (resized.width, resized.height) == (1280, 720)
    large = await edited("tools/upscale-video", scale_factor=3)
    assert (large.width, large.height) == (480, 288)
    gif = await edited("tools/video-to-gif", width=80, fps=5)
    assert (gif.mime, gif.width) == ("image/gif", 80)
    frames = (await house.post("/api/tools/extract-frames", said | {"mode": "all_1fps"}))["filenames"]
    assert len(frames) == 3
    assert (await house.facts(frames[0], "image")).mime == "image/png"
    small = await house.video(width=96, height=96)
    body = {"video_filenames": [video, small]}
    merged = await house.facts((await house.post("/api/edit/merge", body))["filename"])
    assert (merged.width, merged.height) == (160, 96)
    assert merged.seconds == pytest.approx(whole.seconds + 0.5, abs=0.15)


async def test_words_stay_with_the_video_through_speech_edits_and_subtitles(house: House) -> None:
    video = await house.spoken()
    fast = (await house.post("/api/edit/speed", {"video_filename": video, "speed_factor": 2.0}))["filename"]
    cues = []
    for name in (video, fast):
        srt = (await house.post("/api/subtitles/generate", {"video_filename": name}))["srt_filename"]
        cues.append(read((await house.file(srt, "subtitles")).decode()))
    assert [cue.text for cue in cues[0]] == ["The boat leaves at nine."]
    assert cues[1][0].end == pytest.approx(cues[0][0].end / 2, abs=0.05)
    turned = await house.post("/api/subtitles/translate", {"srt_filename": srt, "target_language": "th"})
    thai = read((await house.file(turned["srt_filename"], "subtitles")).decode())
    assert thai == [cue._replace(text=f"[th] {cue.text}") for cue in cues[1]]
    assert read(written(thai)) == thai
    said = {"video_filename": video, "srt_filename": turned["srt_filename"], "style": "minimal"}
    burned = (await house.post("/api/subtitles/burn", said))["filename"]
    assert await house.file(burned) != await house.file(video)


async def test_a_cut_out_is_clear_at_its_edges_and_a_swap_shows_both(house: House) -> None:
    client = house.client()
    answer = await client.post("/api/tools/remove-background", files={"image": ("a.png", png(), "image/png")})
    made = Image.open(io.BytesIO(await house.file(answer.json()["filename"], "image")))
    assert made.mode == "RGBA"
    alpha = made.getchannel("A")
    assert [alpha.getpixel(at) for at in ((3, 3), (100, 80))] == [0, 255]
    files = {
        "source": ("a.png", png(colour="#ff0000"), "image/png"),
        "target": ("b.png", blue := png(300, 200, "#0000ff"), "image/png"),
    }
    answer = await client.post("/api/tools/face-swap", files=files)
    both = Image.open(io.BytesIO(await house.file(answer.json()["filename"], "image")))
    assert both.size == Image.open(io.BytesIO(blue)).size
    red = both.getchannel("R")
    assert [red.getpixel(at) for at in ((2, 2), (150, 140))] == [0, 254]


# state


async def test_an_export_joins_the_shots_videos_in_their_order(house: House) -> None:
    project = (await house.post("/api/projects", {"name": "The boat"}))["id"]
    await house.refused(400, f"/api/projects/{project}/export", {})
    videos = [await house.video(frames=frames, project_id=project) for frames in (24, 48)]
    shots = [(await house.post(f"/api/projects/{project}/shots", {"prompt": "a boat"}))["id"] for _ in range(3)]
    for shot, video in zip(shots, videos, strict=False):
        answer = await house.client().put(f"/api/projects/{project}/shots/{shot}", json={"filename": video})
        assert answer.json()["filename"] == video
    await house.refused(400, f"/api/projects/{project}/shots/reorder", {"order": shots[:2]})
    await house.post(f"/api/projects/{project}/shots/reorder", {"order": [shots[1], shots[2], shots[0]]})
    told = await house.get(f"/api/projects/{project}")
    assert [shot["id"] for shot in told["shots"]] == [shots[1], shots[2], shots[0]]
    assert (told["shot_count"], told["cover"], len(told["generations"])) == (3, videos[1], 2)
    film = await house.post(f"/api/projects/{project}/export", {"resolution": "720p"})
    assert film["credits_used"] == 4
    found = await house.facts(film["filename"])
    assert (found.width, found.height) == (1280, 720)
    assert found.seconds == pytest.approx(3, abs=0.15)
    await house.post(f"/api/projects/{project}/elements", {"type": "prop", "name": "Boat"})
    twin = (await house.post(f"/api/projects/{project}/duplicate"))["id"]
    copy = await house.get(f"/api/projects/{twin}")
    assert [shot["filename"] for shot in copy["shots"]] == [videos[1], None, videos[0]]
    assert [element["name"] for element in copy["elements"]] == ["Boat"]
    await house.client().delete(f"/api/projects/{project}")
    assert [row["id"] for row in (await house.get("/api/projects"))["projects"]] == [twin]
    assert (await house.client("pk_somebody_else").get(f"/api/projects/{twin}")).status_code == 404


async def test_a_hosted_page_counts_its_views_and_keeps_its_password(house: House) -> None:
    said = {
        "video_filename": await house.video(),
        "title": "<Boat>",
        "cta_text": "Sail",
        "cta_url": "https://example.com",
    }
    page = await house.post("/api/hosting/pages", said)
    assert page["url"] in page["embed_code"]
    for headers in ({"Referer": "https://example.com"}, {}, {"User-Agent": "another"}):
        shown = await house.client(NOBODY).get(page["url"], headers=headers)
        assert "&lt;Boat&gt;" in shown.text
        assert "https://example.com" in shown.text
    told = await house.get(f"/api/hosting/pages/{page['id']}/analytics")
    assert (told["total_views"], told["unique_views"]) == (3, 2)
    assert told["referrers"][0] == {"referrer": "direct", "views": 2}
    assert [day["views"] for day in told["per_day"]] == [3]
    changed = (await house.client().put(f"/api/hosting/pages/{page['id']}", json={"password": "open"})).json()
    assert changed["has_password"]
    assert "password" not in changed
    stranger = house.client(NOBODY)
    assert "<video" not in (await stranger.get(page["url"])).text
    assert (await stranger.get(page["url"], params={"password": "no"})).status_code == 401
    assert "<video" in (await stranger.get(page["url"], params={"password": "open"})).text
    film = page["url"] + "/video"
    assert (await stranger.get(film)).status_code == 401
    assert (await stranger.get(film, params={"password": "open"})).headers["content-type"] == "video/mp4"
    await house.client().put(f"/api/hosting/pages/{page['id']}", json={"visibility": "private"})
    assert (await stranger.get(page["url"])).status_code == 404


async def test_community_prompts_are_looked_over_voted_on_and_used(house: House) -> None:
    body = {"prompt": "a red boat", "title": "Boat", "tags": ["sea"], "model": "flux"}
    first = await house.post("/api/community/prompts", body)
    assert first["status"] == "pending"
    assert (await house.get("/api/community/prompts", key=NOBODY))["total"] == 0
    house.clock.now += 10
    second = await house.post("/api/community/prompts", body | {"tags": []})
    house.clock.now += 10
    for vote, votes in ((1, 1), (1, 1), (-1, -1)):
        assert (await house.post(f"/api/community/prompts/{second['id']}/vote", {"vote": vote}))["votes"] == votes
    listed = (await house.get("/api/community/prompts", key=NOBODY))["prompts"]
    assert [row["id"] for row in listed] == [first["id"], second["id"]]
    assert (await house.get("/api/community/prompts", tag="sea"))["total"] == 1
    used = await house.post(f"/api/community/prompts/{first['id']}/use", key=FRIEND)
    assert (used["prompt"], used["uses"]) == ("a red boat", 1)
    assert (await house.client(FRIEND).delete(f"/api/community/prompts/{first['id']}")).status_code == 403
    assert (await house.client().delete(f"/api/community/prompts/{first['id']}")).status_code == 200


async def test_an_organisation_shares_projects_and_only_admins_change_members(house: House) -> None:
    org = (await house.post("/api/orgs", {"name": "Crew"}))["id"]
    invite = await house.post(f"/api/orgs/{org}/invite", {"email": "friend@example.com"})
    await house.refused(404, f"/api/orgs/{org}/invite", {"email": "x@example.com"}, key=FRIEND)
    await house.post("/api/orgs/accept-invite", {"token": invite["token"]}, key=FRIEND)
    await house.refused(404, "/api/orgs/accept-invite", {"token": invite["token"]}, key=FRIEND)
    await house.refused(403, f"/api/orgs/{org}/invite", {"email": "x@example.com"}, key=FRIEND)
    project = (await house.post(f"/api/orgs/{org}/projects", {"name": "Ours"}))["id"]
    assert (await house.get(f"/api/projects/{project}", key=FRIEND))["name"] == "Ours"
    members = (await house.get(f"/api/orgs/{org}/members"))["members"]
    assert [row["role"] for row in members] == ["admin", "member"]
    own, friend = (f"/api/orgs/{org}/members/{row['user_id']}" for row in members)
    assert (await house.client().delete(own)).status_code == 400
    assert (await house.client().put(friend + "/role", json={"role": "admin"})).json()["role"] == "admin"
    assert (await house.client(FRIEND).delete(own)).status_code == 200
    assert (await house.client().get(f"/api/projects/{project}")).status_code == 200  # it was made by this account
    assert (await house.get("/api/orgs"))["orgs"] == []


async def test_a_brand_kit_puts_intro_and_logo_on_a_video(house: House) -> None:
    kit = (await house.post("/api/brand-kits", {"name": "Blue", "primary_color": "#0044ff"}))["id"]
    video, client = await house.video(), house.client()
    plain = await house.facts((await house.post(f"/api/brand-kits/{kit}/apply", {"video_filename": video}))["filename"])
    assert plain.seconds == pytest.approx(0.5, abs=0.1)
    intro = {"intro": ("intro.mp4", await house.file(await house.video(frames=24, width=96)), "video/mp4")}
    assert (await client.post(f"/api/brand-kits/{kit}/upload-intro", files=intro)).status_code == 200
    logo = {"logo": ("logo.png", png(), "image/png")}
    assert (await client.post(f"/api/brand-kits/{kit}/upload-logo", files=logo)).status_code == 200
    dressed = await house.facts(
        (await house.post(f"/api/brand-kits/{kit}/apply", {"video_filename": video}))["filename"]
    )
    assert dressed.width == 160
    assert dressed.seconds == pytest.approx(1.5, abs=0.15)


async def test_stock_is_real_and_can_be_copied(house: House) -> None:
    listed = await house.get("/api/stock/videos", query="Calm sea", page=2, per_page=2)
    assert [row["id"] for row in listed["videos"]] == [3, 4]
    url = listed["videos"][0]["url"]
    assert (await house.client(NOBODY).get(url)).headers["content-type"] == "video/mp4"
    name = (await house.post("/api/stock/download", {"url": url, "type": "video"}))["filename"]
    assert (await house.facts(name)).seconds == pytest.approx(5, abs=0.1)
    await house.refused(400, "/api/stock/download", {"url": url, "type": "music"})
    assert (await house.client().get("/api/stock/videos?query=sea&per_page=31")).status_code == 400


async def test_figures_are_those_of_what_was_made(house: House) -> None:
    for _ in range(2):
        await house.video(frames=120)
    await house.post("/api/generate-image", {"prompt": "a lighthouse", "count": 2})
    house.clock.now += 86_400
    await house.post("/api/generate", {"prompt": "a boat [fail]"})
    house.clock.now += 60
    summary = await house.get("/api/analytics/summary")
    assert (summary["generations"], summary["images"], summary["video_minutes"]) == (3, 2, 0.17)
    assert summary["favourite_model"] == "wan-t2v"
    assert summary["credits_spent"] == 5000 - house.left() == 2 * 36 + 2 * 5 + 21
    usage = (await house.get("/api/analytics/usage"))["usage"]
    assert [(day["generations"], day["images"], day["credits_spent"]) for day in usage] == [(2, 2, 82), (1, 0, 21)]
    suggestions = (await house.get("/api/prompts/autocomplete", q="LIGHT"))["suggestions"]
    assert suggestions == ["a lighthouse"]


async def test_profile_theme_and_templates_are_kept(house: House) -> None:
    await house.post("/api/profile", {"display_name": "Crew", "bio": "At sea"})
    await house.post("/api/settings/theme", {"theme": "light"})
    await house.post("/api/settings/email", {"email": "me@example.com"})
    files = {"avatar": ("a.png", png(), "image/png")}
    avatar = (await house.client().post("/api/profile/avatar", files=files)).json()["avatar"]
    profile = await house.get("/api/profile")
    assert (profile["display_name"], profile["theme"], profile["email"]) == ("Crew", "light", "me@example.com")
    assert profile["avatar"] == avatar
    assert (await house.facts(avatar, "image")).width == 200
    said = {"name": "Boat", "prompt": "a boat", "negative_prompt": "blur", "model": "flux"}
    id = (await house.post("/api/templates", said))["id"]
    templates = (await house.get("/api/templates"))["templates"]
    assert templates == [{**said, "id": id, "created_at": templates[0]["created_at"]}]
    assert (await house.client(FRIEND).delete(f"/api/templates/{id}")).status_code == 404
    improved = (await house.post("/api/generate-prompt", {"idea": "a boat"}))["prompt"]
    assert improved.startswith("a boat, ")
    await house.refused(400, "/api/settings/change-password", {"current_password": "x", "new_password": "12345678"})


async def test_the_factory_gives_a_transport_with_a_months_credits() -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=progressive_robot(), base_url=BASE, headers=headers) as client:
        answer = await client.get("/api/credits")
    assert answer.json() == {"balance": 5000, "tier": "pro", "monthly_allowance": 5000}
