"""Progressive Robot's 129 routes: each is reached by a tool, by the life of a job, or by `callsheet api` only."""

import importlib
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from callsheet.backends import registry
from callsheet.backends.dialect import Route
from callsheet.backends.progressive_robot.endpoints import ENDPOINTS
from callsheet.queries.queries import TOOLSETS
from callsheet.studio import Studio
from callsheet_server.desk import Desk
from callsheet_server.mcp.tools import tools
from tests.ours import BACKENDS, catalogue
from tests.robot import NAME, PNG, RobotHouse, make
from tests.wire import shown

pytestmark = pytest.mark.anyio

PAGE = """
POST generate = generate_video
GET status = every look
GET video/{filename} = every result
GET generations = list_generations
DELETE generations/{id} = delete_generation
POST generations/{id}/favorite = favorite_generation
POST generations/{id}/share = share_generation
POST generations/{id}/public = publish_generation
GET share/{token} = get_shared
GET gallery/community = list_gallery
POST cancel = cancel_job
GET queue = get_queue
GET comfyui/status = check_gpu
GET generation-cost = quote
POST extend-video = extend_video
POST generate-v2v = restyle_video
POST generate-image = generate_image
GET image-models = describe_model
GET image-generations = list_generations
DELETE image-generations/{id} = delete_generation
GET image/{filename} = every result
POST upload-image = every input
GET input-image/{filename} = every result
POST generate-audio = generate_music
GET audio-generations = list_generations
DELETE audio-generations/{id} = delete_generation
GET audio/{filename} = every result
POST video/add-audio = add_audio
POST subtitles/generate = generate_subtitles
GET subtitles/{name}.srt = every result
POST subtitles/burn = burn_subtitles
POST subtitles/translate = translate_subtitles
GET tts/voices = list_voices
POST tts/generate = generate_speech
POST tts/add-to-video = add_audio
POST edit/trim = trim_video
POST edit/speed = change_speed
POST edit/crop = crop_video
POST edit/resize = resize_video
POST edit/text-overlay = overlay_text
POST edit/merge = merge_videos
POST tools/remove-background = remove_background
POST tools/upscale-video = upscale_video
POST tools/face-swap = face_swap
POST tools/extract-frames = extract_frames
POST tools/trim-video = trim_video
POST tools/video-to-gif = video_to_gif
POST tools/add-watermark = add_watermark
POST studio/script-to-shots = script_to_shots
GET projects = list_projects
POST projects = create_project
GET projects/{id} = get_project
PUT projects/{id} = update_project
DELETE projects/{id} = delete_project
POST projects/{id}/duplicate = duplicate_project
POST projects/{id}/export = export_project
POST projects/{id}/shots = add_shot
PUT projects/{id}/shots/{shotId} = update_shot
DELETE projects/{id}/shots/{shotId} = delete_shot
POST projects/{id}/shots/reorder = reorder_shots
GET projects/{id}/elements = list_elements
POST projects/{id}/elements = add_element
PUT projects/{id}/elements/{eid} = update_element
DELETE projects/{id}/elements/{eid} = delete_element
GET projects/{id}/comments = list_comments
POST projects/{id}/comments = add_comment
DELETE projects/{id}/comments/{cid} = delete_comment
POST hosting/pages = create_page
GET hosting/pages = list_pages
GET hosting/pages/{id} = get_page
PUT hosting/pages/{id} = update_page
DELETE hosting/pages/{id} = delete_page
GET hosting/pages/{id}/analytics = get_page_views
GET community/prompts = list_community_prompts
POST community/prompts = share_prompt
POST community/prompts/{id}/vote = vote_prompt
POST community/prompts/{id}/use = use_prompt
DELETE community/prompts/{id} = delete_prompt
GET stock/videos = search_stock
GET stock/images = search_stock
GET stock/music = search_stock
POST stock/download = download_stock
POST orgs = create_org
GET orgs = list_orgs
POST orgs/{id}/invite = invite_member
POST orgs/accept-invite = accept_invite
GET orgs/{id}/members = list_members
PUT orgs/{id}/members/{uid}/role = set_role
DELETE orgs/{id}/members/{uid} = remove_member
GET orgs/{id}/projects = list_org_projects
POST orgs/{id}/projects = create_org_project
POST brand-kits = create_brand_kit
GET brand-kits = list_brand_kits
PUT brand-kits/{id} = update_brand_kit
DELETE brand-kits/{id} = delete_brand_kit
POST brand-kits/{id}/upload-logo = upload_brand_logo
POST brand-kits/{id}/upload-intro = upload_brand_intro
POST brand-kits/{id}/apply = apply_brand_kit
POST generate-prompt = improve_prompt
GET prompts/autocomplete = complete_prompt
GET templates = list_templates
POST templates = save_template
DELETE templates/{id} = delete_template
GET keys = callsheet api
POST keys = callsheet api
DELETE keys/{id} = callsheet api
GET auth/check = check_account
POST signup = callsheet api
POST login = callsheet api
POST logout = callsheet api
POST password-reset/request = callsheet api
POST password-reset/reset = callsheet api
GET profile = get_profile
POST profile = update_profile
POST profile/avatar = set_avatar
POST settings/change-password = callsheet api
POST settings/email = callsheet api
POST settings/theme = set_theme
GET credits = get_credits
GET credits/history = get_credit_history
POST credits/topup = callsheet api
GET subscription = get_subscription
POST stripe/create-checkout = callsheet api
POST stripe/create-portal = callsheet api
GET pricing = get_pricing
GET stripe/config = callsheet api
GET analytics/usage = get_usage
GET analytics/summary = get_usage_summary
GET models = describe_model
"""
"""Every route of the vendor's page, and how it is reached."""

ROUTES = dict(line.split(" = ") for line in PAGE.strip().splitlines())
HANDS = {route for route, how in ROUTES.items() if how == "callsheet api"}


def shape(route: str) -> str:
    """A route, whatever its places are called."""
    method, _, path = route.partition(" ")
    parts = ("{}" if part.startswith("{") else part for part in path.removeprefix("/api/").split("/"))
    return f"{method} {'/'.join(parts)}"


def named(how: str) -> set[str]:
    """The shapes of the routes that are reached so."""
    return {shape(route) for route, one in ROUTES.items() if one == how}


def test_the_page_has_129_routes() -> None:
    assert len(ROUTES) == 129


def test_every_tool_that_is_a_route_is_in_the_table() -> None:
    for endpoint in ENDPOINTS:
        kinds: dict[str, list[Any]] = {"search_stock": ["videos", "images", "music"]}
        paths = [endpoint.path.replace("{kind}", kind) for kind in kinds.get(endpoint.name, [""])]
        if endpoint.name == "delete_generation":
            paths = [f"/api/{kind}generations/{{id}}" for kind in ("", "image-", "audio-")]
        assert {shape(f"{endpoint.method} {path}") for path in paths} == named(endpoint.name), endpoint.name


def test_every_create_of_a_model_is_in_the_table() -> None:
    for model in catalogue.models(backend=NAME):
        route = shape(f"POST {model.path.replace('{}', '{id}')}")
        found = next(how for one, how in ROUTES.items() if shape(one) == route)
        shared = {"POST generate": {"generate_video", "extend_video", "generate_3d", "create_avatar"}}
        assert model.words.operation in shared.get(route, {found}), model.id


def test_every_other_route_is_a_tool_of_ours_or_in_the_life_of_a_job() -> None:
    names = {tool.name for tool in tools(Desk(RobotHouse(Path("/nowhere")).settings()), TOOLSETS)}
    assert set(ROUTES.values()) - names == {
        "every look",
        "every result",
        "every input",
        "callsheet api",
    }
    robot = registry.dialect(BACKENDS[NAME])
    routes = [robot.look("", "x"), robot.cancel("", "x"), *robot.balance(), robot.standing()]
    assert {shape(f"{r.method} {r.path}") for r in routes if r} <= {shape(route) for route in ROUTES}


def test_no_tool_handles_a_secret_or_buys_credits() -> None:
    words = ("key", "login", "logout", "signup", "password", "settings/email", "stripe", "topup")
    assert all(not any(word in endpoint.path for word in words) for endpoint in ENDPOINTS)
    assert all("password" not in endpoint.model_fields for endpoint in ENDPOINTS)


def test_what_is_hard_to_undo_is_called_destructive() -> None:
    found = tools(Desk(RobotHouse(Path("/nowhere")).settings()), TOOLSETS[5:])
    destructive = {tool.name for tool in found if tool.annotations and tool.annotations.destructive_hint}
    assert destructive == {tool.name for tool in found if tool.name.startswith(("delete_", "remove_", "set_role"))}
    reading = {tool.name for tool in found if tool.annotations and tool.annotations.read_only_hint}
    assert reading == {e.name for e in ENDPOINTS if e.toolset != "library" and e.method == "GET"} | {
        "script_to_shots",
        "improve_prompt",
    }


@pytest.mark.parametrize("toolset", TOOLSETS[1:])
def test_a_toolset_costs_at_most_4000_tokens(toolset: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package opens its own data in a way that Python deprecates
        encoding = importlib.import_module("bpe_openai").get_encoding("cl100k_base")
    shown = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
        for tool in tools(Desk(RobotHouse(Path("/nowhere")).settings()), (toolset,))
    ]
    assert sum(len(encoding.encode(json.dumps(tool))) for tool in shown) <= 4000


class Caller:
    """A client that keeps the names of the tools it called."""

    def __init__(self, client: Client, house: RobotHouse) -> None:
        self.client, self.house = client, house
        self.called: set[str] = set()

    async def __call__(self, tool: str, **said: Any) -> dict[str, Any]:
        """What the backend answered."""
        self.called.add(tool)
        told = await make(self.client, tool, **said)
        assert "error" not in told, told
        return told


async def test_every_free_route_answers_its_tool(tmp_path: Path) -> None:
    house = RobotHouse(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "logo.png").write_bytes(PNG)
    async with house.client() as client:
        call = Caller(client, house)
        small = {"options": {"width": 64, "height": 64}}
        made = {
            "video": await call("generate_video", prompt="a fox at night", model=f"{NAME}/wan-t2v", **small),
            "image": await call("generate_image", prompt="a fox", model=f"{NAME}/sd15", **small),
            "audio": await call("generate_music", prompt="a tune", model=f"{NAME}/ace-step", duration_seconds=2),
        }
        await studio(call, made["video"]["job_id"])
        await publishing(call, made["video"]["job_id"])
        await community(call)
        await team(call, made["video"], str(tmp_path / "out" / "logo.png"))
        await account(call, str(tmp_path / "out" / "logo.png"))
        await library(call)
        await call("describe_model", model="sd15")
        await call("describe_model", model="wan-t2v", operation="generate_video")
        await call("list_voices", backend=NAME)
    assert call.called >= {endpoint.name for endpoint in ENDPOINTS}
    free = {endpoint.name for endpoint in ENDPOINTS} | {"describe_model", "list_voices"}
    assert not shown(house.box, NAME, {route: how for route, how in ROUTES.items() if how in free}, shape)


async def studio(call: Caller, video: str) -> None:
    """Projects, shots, elements, comments, prompts."""
    project = (await call("create_project", name="film"))["id"]
    await call("update_project", project_id=project, name="a film", description="short")
    shots = [(await call("add_shot", project_id=project, prompt=text, duration=2))["id"] for text in ("a", "b")]
    linked = await call("update_shot", project_id=project, shot_id=shots[0], video=video, notes="good")
    assert linked["filename"].startswith("webgen_")
    await call("reorder_shots", project_id=project, order=shots[::-1])
    whole = await call("get_project", project_id=project)
    assert [shot["id"] for shot in whole["shots"]] == shots[::-1]
    await call("delete_shot", project_id=project, shot_id=shots[1])
    element = (await call("add_element", project_id=project, type="prop", name="lamp"))["id"]
    await call("update_element", project_id=project, element_id=element, name="a lamp")
    assert (await call("list_elements", project_id=project))["elements"][0]["name"] == "a lamp"
    await call("delete_element", project_id=project, element_id=element)
    comment = (await call("add_comment", project_id=project, text="nice", shot_id=shots[0]))["id"]
    assert (await call("list_comments", project_id=project))["comments"][0]["text"] == "nice"
    await call("delete_comment", project_id=project, comment_id=comment)
    twin = (await call("duplicate_project", project_id=project))["id"]
    await call("delete_project", project_id=twin)
    assert [row["id"] for row in (await call("list_projects"))["projects"]] == [project]
    assert len((await call("script_to_shots", script="A fox wakes. It runs."))["shots"]) == 2
    assert "fox" in (await call("improve_prompt", idea="a fox"))["prompt"]
    assert "a fox at night" in (await call("complete_prompt", q="a fox"))["suggestions"]
    template = (await call("save_template", name="fox", prompt="a fox"))["id"]
    assert (await call("list_templates"))["templates"][0]["name"] == "fox"
    await call("delete_template", template_id=template)


async def publishing(call: Caller, video: str) -> None:
    """Hosted pages, shares, the gallery."""
    page = await call("create_page", video=video, title="Fox", cta_text="More", cta_url="https://example.com")
    assert page["url"]
    await call("update_page", page_id=page["id"], title="The fox")
    assert (await call("get_page", page_id=page["id"]))["title"] == "The fox"
    assert (await call("get_page_views", page_id=page["id"]))["total_views"] == 0
    assert len((await call("list_pages"))["pages"]) == 1
    await call("delete_page", page_id=page["id"])
    rows = (await call("list_generations", model=f"{NAME}/wan-t2v", operation="generate_video"))["generations"]
    number = rows[0]["id"]
    token = (await call("share_generation", generation_id=number))["share_token"]
    assert (await call("get_shared", token=token))["prompt"] == "a fox at night"
    assert (await call("publish_generation", generation_id=number))["is_public"] is True
    assert len((await call("list_gallery"))["generations"]) == 1


async def community(call: Caller) -> None:
    """Prompts for everybody."""
    prompt = (await call("share_prompt", prompt="a fox", title="Fox", tags='["animal"]'))["id"]
    assert (await call("vote_prompt", prompt_id=prompt, vote=1))["votes"] == 1
    assert (await call("use_prompt", prompt_id=prompt))["prompt"] == "a fox"
    assert "prompts" in await call("list_community_prompts", sort="popular", tag="animal", page=1)
    await call("delete_prompt", prompt_id=prompt)


async def team(call: Caller, video: dict[str, Any], logo: str) -> None:
    """Organisations and brand kits; a member who leaves comes in by another key."""
    org = (await call("create_org", name="us"))["id"]
    assert len((await call("list_orgs"))["orgs"]) == 1
    await call("create_org_project", org_id=org, name="ours")
    assert len((await call("list_org_projects", org_id=org))["projects"]) == 1
    invite = await call("invite_member", org_id=org, email="you@example.com", role="reviewer")
    async with guest(call) as other:
        await other("accept_invite", token=invite["token"])
    member = next(m for m in (await call("list_members", org_id=org))["members"] if m["role"] == "reviewer")
    await call("set_role", org_id=org, user_id=member["user_id"], role="member")
    await call("remove_member", org_id=org, user_id=member["user_id"])
    kit = (await call("create_brand_kit", name="ours", primary_color="#ff0000"))["id"]
    await call("update_brand_kit", brand_kit_id=kit, font="Roboto")
    assert (await call("upload_brand_logo", brand_kit_id=kit, image=logo))["filename"]
    assert (await call("upload_brand_intro", brand_kit_id=kit, video=video["media"][0]["path"]))["filename"]
    assert (await call("list_brand_kits"))["brand_kits"][0]["font"] == "Roboto"
    await call("delete_brand_kit", brand_kit_id=kit)


@asynccontextmanager
async def guest(call: Caller) -> AsyncIterator[Caller]:
    """Somebody else, with a key of their own, before the same sandbox."""
    async with call.house.client(PROGRESSIVE_ROBOT_API_KEY="pk_somebody_else") as client:
        other = Caller(client, call.house)
        yield other
        call.called |= other.called


async def account(call: Caller, picture: str) -> None:
    """What may be seen and set without a secret."""
    assert (await call("check_account"))["tier"] == "pro"
    await call("update_profile", display_name="Fox", profile_public=True)
    await call("set_avatar", image=picture)
    await call("set_theme", theme="light")
    profile = await call("get_profile")
    assert (profile["display_name"], profile["theme"]) == ("Fox", "light")
    assert len((await call("get_credit_history"))["history"]) > 2
    assert (await call("get_subscription"))["tier"] == "pro"
    assert len((await call("get_pricing"))["tiers"]) == 6
    assert (await call("get_usage"))["usage"][0]["generations"] == 1
    assert (await call("get_usage_summary"))["images"] == 1
    assert (await call("get_queue"))["queue_length"] == 0
    assert (await call("check_gpu"))["online"] is True


async def library(call: Caller) -> None:
    """What was made, and stock."""
    for kind in ("videos", "images", "music"):
        assert (await call("search_stock", kind=kind, query="sea"))[kind]
    for kind, model in (("video", "wan-t2v"), ("image", "sd15"), ("audio", "ace-step")):
        operation = {"video": "generate_video", "image": "generate_image", "audio": "generate_music"}[kind]
        rows = (await call("list_generations", model=f"{NAME}/{model}", operation=operation))["generations"]
        if kind == "video":
            told = await call("favorite_generation", generation_id=rows[0]["id"])
            assert told["is_favorite"] is True
        await call("delete_generation", kind=kind, generation_id=rows[0]["id"])


async def test_routes_with_secrets_or_purchases_are_reached_by_hand(tmp_path: Path) -> None:
    house = RobotHouse(tmp_path)
    async with Studio.open(house.settings(), house.transports) as studio:
        provider = studio.providers.at(NAME)

        async def by_hand(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
            return (await provider.once(Route(method, f"/api/{path}", body))).body

        key = await by_hand("POST", "keys", {"name": "spare"})
        assert any(row["id"] == key["id"] for row in (await by_hand("GET", "keys"))["keys"])
        await by_hand("DELETE", f"keys/{key['id']}")
        await by_hand("POST", "signup", {"username": "fox", "password": "not-a-real-1", "email": "fox@example.com"})
        await by_hand("POST", "login", {"username": "fox", "password": "not-a-real-1"})
        me = (await by_hand("GET", "profile"))["username"]
        token = (await by_hand("POST", "password-reset/request", {"username": me}))["token"]
        await by_hand("POST", "password-reset/reset", {"token": token, "new_password": "not-a-real-2"})
        words = {"current_password": "not-a-real-2", "new_password": "not-a-real-3"}
        await by_hand("POST", "settings/change-password", words)
        await by_hand("POST", "settings/email", {"email": "me@example.com"})
        assert (await by_hand("POST", "credits/topup", {"credits": 100}))["credits"] == 100
        await by_hand("POST", "stripe/create-checkout", {"tier": "creator"})
        await by_hand("POST", "stripe/create-portal")
        await by_hand("GET", "stripe/config")
        await by_hand("POST", "logout")
    assert not shown(house.box, NAME, {route: how for route, how in ROUTES.items() if route in HANDS}, shape)
