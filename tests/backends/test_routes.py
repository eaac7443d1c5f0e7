"""Every documented route of every backend, called by a tool or by `callsheet api`; the sandbox's own log is the judge.

One client, one server, and the sandbox as a process of its own on a port. The routes are those of tests/routes.py,
which knows nothing of ours.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from callsheet.backends.progressive_robot.endpoints import ENDPOINTS
from callsheet_sandbox import props
from tests.conftest import boxed
from tests.crew import FRAMES, LOCAL, PH0NY, PHANTAISIA, PHAYA, ROBOT, Crew, Hand, Set, of
from tests.routes import ROUTES

PASSWORDS = ("not-a-real-pass-1", "not-a-real-pass-2")


# -- by tools ----------------------------------------------------------------------------------------------------------


async def phaya(crew: Crew, files: dict[str, str]) -> None:
    """Every model, by files of this machine, and the routes that only another way of asking reaches."""
    known: dict[str, Any] = files | {"prompt": "a fox", "text": "hello", "texts": ["one"], "resolution": "480p"}
    known |= {"videos": [files["video"]] * 2, "audios": [files["audio"]] * 2, "images": [files["image"]]}
    known["phaya/v1:<id>"] = "phaya/v1:google/gemini-2.5-flash"
    await crew.every_model(of(PHAYA), known)
    await crew("generate_image", model="phaya/gpt-image-2", prompt="a fox")
    await crew("generate_video", model="phaya/sora-2", prompt="a fox", image=files["image"], duration_seconds=5)
    for name in ("sora-2-character", "video-download", "phaya-gpt", "qwen3-embedding", "v1:<id>"):
        await crew("describe_model", model=f"phaya/{name}")
    for name in ("z-image", "suno", "gemini-tts"):
        await crew("list_generations", model=f"phaya/{name}")
    await crew("list_voices", backend=PHAYA)
    await crew("get_credits", backend=PHAYA, detail=True)


async def ph0ny(crew: Crew, files: dict[str, str]) -> None:
    """Every engine of every operation; what they take is at a public address."""
    speech = await crew("generate_speech", model="ph0ny/kokoro", text="One.")
    voice, face = speech["media"][0]["url"], files["url"]
    clip = await crew("create_avatar", model="ph0ny/auto", image=face, audio=voice)
    known = {"prompt": "a fox", "resolution": "256x256", "duration_seconds": 1, "text": "One.", "title": "Me"}
    known |= {"video": clip["media"][0]["url"], "image": face, "audio": voice, "target_language": "es-ES"}
    await crew.every_model(of(PH0NY), known | {"audios": ["https://example.com/me.wav"]})
    await crew("list_voices", backend=PH0NY)
    await crew("get_credits", backend=PH0NY, detail=True)


async def phantaisia(crew: Crew, files: dict[str, str]) -> None:
    """Every model, and the way from a first frame to a last."""
    known = {"prompt": "the lake ripples", "image": files["image"], "filter_id": 101, "gender": 1}
    known |= {"capture_mode": 2, "ratio": "1:1", "style_id": 301}
    await crew.every_model(of(PHANTAISIA), known)
    frames = {"image": files["image"], "last_image": files["image"]}
    await crew("generate_video", model="phantaisia/advanced", prompt="the lake ripples", **frames)
    for name in ("filter", "multi-swap"):
        await crew("describe_model", model=f"phantaisia/{name}")


async def robot(crew: Crew, files: dict[str, str]) -> None:
    """Every model, by the jobs of others, and every free route."""
    small = FRAMES | {"frames": 24}
    face = await crew.job("generate_image", prompt="a face", model=f"{ROBOT}/sd15")
    silent = await crew.job("generate_video", prompt="a fox at night", model=f"{ROBOT}/wan-t2v", options=small)
    voice = await crew.job("generate_speech", text="one two", model=f"{ROBOT}/tts")
    video = await crew.job("add_audio", video=silent, audio=voice, model=f"{ROBOT}/add-audio")
    lines = await crew.job("generate_subtitles", video=video, model=f"{ROBOT}/subtitles")
    stock = (await crew("search_stock", kind="videos", query="sea", per_page=1))["videos"][0]["url"]
    kit = (await crew("create_brand_kit", name="ours", primary_color="#ff0000"))["id"]
    project = (await crew("create_project", name="film"))["id"]
    shots = [(await crew("add_shot", project_id=project, prompt=one, duration=2))["id"] for one in ("a", "b")]
    await crew("update_shot", project_id=project, shot_id=shots[0], video=video, notes="good")
    known: dict[str, Any] = {
        "image": face,
        "last_image": face,
        "images": [face],
        "source": face,
        "target": face,
        "subtitles": lines,
    }
    known |= {
        "video": video,
        "videos": [video, video],
        "driving_video": video,
        "audio": voice,
        "prompt": "a fox",
        "text": "one",
    }
    known |= {"width": 32, "height": 32, "preset": "720p", "speed_factor": 2, "end_seconds": 0.5, "duration_seconds": 2}
    known |= {"target_language": "de", "url": stock, "type": "video", "brand_kit_id": kit, "project_id": project}
    await crew.every_model(of(ROBOT), known)
    await projects(crew, project, shots)
    await publishing(crew, video)
    await team(crew, kit, files)
    await account(crew, files["image"])
    await library(crew)


async def projects(crew: Crew, project: int, shots: list[int]) -> None:
    """Projects with their shots, elements and comments; help with prompts."""
    await crew("update_project", project_id=project, description="short")
    await crew("reorder_shots", project_id=project, order=shots[::-1])
    await crew("get_project", project_id=project)
    element = (await crew("add_element", project_id=project, type="prop", name="lamp"))["id"]
    await crew("update_element", project_id=project, element_id=element, name="a lamp")
    await crew("list_elements", project_id=project)
    await crew("delete_element", project_id=project, element_id=element)
    comment = (await crew("add_comment", project_id=project, text="nice", shot_id=shots[0]))["id"]
    await crew("list_comments", project_id=project)
    await crew("delete_comment", project_id=project, comment_id=comment)
    await crew("delete_shot", project_id=project, shot_id=shots[1])
    await crew("delete_project", project_id=(await crew("duplicate_project", project_id=project))["id"])
    await crew("list_projects")
    await crew("script_to_shots", script="A fox wakes. It runs.")
    await crew("improve_prompt", idea="a fox")
    await crew("complete_prompt", q="a fox")
    template = (await crew("save_template", name="fox", prompt="a fox"))["id"]
    await crew("list_templates")
    await crew("delete_template", template_id=template)


async def publishing(crew: Crew, video: str) -> None:
    """Hosted pages, shares, the gallery, and prompts for everybody."""
    page = (await crew("create_page", video=video, title="Fox"))["id"]
    await crew("update_page", page_id=page, title="The fox")
    await crew("get_page", page_id=page)
    await crew("get_page_views", page_id=page)
    await crew("list_pages")
    await crew("delete_page", page_id=page)
    made = await crew("list_generations", model=f"{ROBOT}/wan-t2v", operation="generate_video")
    number = made["generations"][0]["id"]
    await crew("get_shared", token=(await crew("share_generation", generation_id=number))["share_token"])
    await crew("publish_generation", generation_id=number)
    await crew("list_gallery")
    prompt = (await crew("share_prompt", prompt="a fox", title="Fox", tags=["animal"]))["id"]
    await crew("vote_prompt", prompt_id=prompt, vote=1)
    await crew("use_prompt", prompt_id=prompt)
    await crew("list_community_prompts", sort="popular", tag="animal", page=1)
    await crew("delete_prompt", prompt_id=prompt)


async def team(crew: Crew, kit: int, files: dict[str, str]) -> None:
    """Organisations, whose second member comes in by another key, and brand kits."""
    org = (await crew("create_org", name="us"))["id"]
    await crew("list_orgs")
    await crew("create_org_project", org_id=org, name="ours")
    await crew("list_org_projects", org_id=org)
    invitation = await crew("invite_member", org_id=org, email="you@example.com", role="reviewer")
    async with crew.stage.client("guest", PROGRESSIVE_ROBOT_API_KEY="pk_pro_somebody_else") as other:
        await Crew(crew.stage, other)("accept_invite", token=invitation["token"])
    members = (await crew("list_members", org_id=org))["members"]
    member = next(one["user_id"] for one in members if one["role"] == "reviewer")
    await crew("set_role", org_id=org, user_id=member, role="member")
    await crew("remove_member", org_id=org, user_id=member)
    await crew("update_brand_kit", brand_kit_id=kit, font="Roboto")
    await crew("upload_brand_logo", brand_kit_id=kit, image=files["image"])
    await crew("upload_brand_intro", brand_kit_id=kit, video=files["video"])
    await crew("list_brand_kits")
    await crew("delete_brand_kit", brand_kit_id=kit)


async def account(crew: Crew, picture: str) -> None:
    """What may be seen and set without a secret."""
    await crew("update_profile", display_name="Fox", profile_public=True)
    await crew("set_avatar", image=picture)
    await crew("set_theme", theme="light")
    await crew("upload_media", media=picture, backend=ROBOT)
    for tool in ("check_account", "get_profile", "get_credit_history", "get_subscription", "get_pricing"):
        await crew(tool)
    for tool in ("get_usage", "get_usage_summary", "get_queue", "check_gpu"):
        await crew(tool)


async def library(crew: Crew) -> None:
    """What was made, and how it is found."""
    for kind in ("images", "music"):
        await crew("search_stock", kind=kind, query="sea")
    for kind, tool, model in (
        ("video", "generate_video", "wan-t2v"),
        ("image", "generate_image", "sd15"),
        ("audio", "generate_music", "ace-step"),
    ):
        rows = (await crew("list_generations", model=f"{ROBOT}/{model}", operation=tool))["generations"]
        if kind == "video":
            await crew("favorite_generation", generation_id=rows[0]["id"])
        await crew("delete_generation", kind=kind, generation_id=rows[0]["id"])
        await crew("describe_model", model=f"{ROBOT}/{model}", operation=tool)
    await crew("list_voices", backend=ROBOT)


async def ours(crew: Crew, files: dict[str, str]) -> None:
    """What is made on this machine, and the tools that have no route of their own."""
    known: dict[str, Any] = {
        "width": 64,
        "height": 64,
        "preset": "720p",
        "speed_factor": 2,
        "end_seconds": 0.5,
        "text": "fox",
    }
    known |= {"script": "A fox.", "videos": [files["video"]] * 2, "audios": [files["audio"]] * 2}
    await crew.every_model(of(LOCAL), files | known)
    await crew("list_models")
    await crew("show_tools", toolsets=["edit"])
    await crew("list_jobs")
    await crew("quote", operation="generate_image", arguments={"prompt": "a fox", "model": "phaya/z-image"})
    call = {"tool": "generate_image", "arguments": {"prompt": "a planned fox", "model": "phaya/z-image"}}
    planned = (await crew("plan", calls=[call]))["jobs"][0]["job_id"]
    await crew("get_job", job_id=planned, wait_s=60)
    crew.stage.called.add("resubmit_job")
    again = await crew.client.call_tool("resubmit_job", {"job_id": planned, "max_credits": 1})
    assert again.is_error, "what is not unknown is not sent again"


async def cancelling(crew: Crew, files: dict[str, str]) -> None:
    """A job of every kind that can be cancelled, while time stands nearly still."""
    still, clip = files["image"], files["video"]
    for one in (
        {"tool": "generate_video", "model": "phaya/seedance-1.5-pro", "prompt": "stop"},
        {"tool": "generate_video", "model": "phaya/sora-2", "prompt": "stop"},
        {"tool": "generate_video", "model": "phaya/sora-2", "prompt": "stop", "image": still},
        {"tool": "create_character", "model": "phaya/sora-2-character", "video": clip},
        {"tool": "generate_video", "model": "phaya/veo-3.1-fast", "prompt": "stop"},
        {"tool": "generate_video", "model": "phaya/kling-2.6-motion-control", "image": still, "video": clip},
        {"tool": "generate_video", "model": f"{ROBOT}/wan-t2v", "prompt": "stop"},
    ):
        await crew.cancelled(**one)


async def with_tools(stage: Set, files: dict[str, str]) -> None:
    """All of it, four backends at once."""
    async with stage.client() as client:
        crew = Crew(stage, client)
        with anyio.fail_after(300):
            stage.box.pace(speed=1e-3)
            await cancelling(crew, files)
            stage.box.pace(speed=200)
            for name, address in (("image", "url"), ("video", "url of the clip")):
                files[address] = (await crew("upload_media", media=files[name], backend=PHAYA))["url"]
            known = files | {"url": files["url of the clip"]}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(phaya, crew, known)
                for section in (ph0ny, phantaisia, robot):
                    tasks.start_soon(section, crew, files)
            await ours(crew, files)
            missing = {tool.name for tool in (await client.list_tools()).tools} - stage.called
    assert not missing, f"tools that nobody called: {missing}"
    assert stage.called >= {endpoint.name for endpoint in ENDPOINTS}


# -- by hand --------------------------------------------------------------------------------------------------------


def data(**said: Any) -> tuple[str, str]:
    return "--data", json.dumps(said)


def by_hand(stage: Set, sound: str) -> None:
    """What has no tool: secrets, purchases, and what only the vendors' own partners call."""
    hand = Hand(stage)
    for service in ("seedream", "nano-banana", "sora2-video", "seedance-video", "kling-motion-control", "veo31-video"):
        hand(PHAYA, "POST", f"/{service}/callback", *data(job_id="x"))
    question = data(model="google/gemini-2.5-flash", messages=[{"role": "user", "content": "hello"}])
    hand(PHAYA, "POST", "//chat/completions", *question)
    hand(PHAYA, "POST", "//v1/responses", *data(model="google/gemini-2.5-flash", input="hello"))
    hand(PHAYA, "POST", "//v1/embeddings", *data(model="qwen/qwen3-embedding-8b", input="hello"))

    hand(PHANTAISIA, "POST", "/token", "--form", "username=fox", "--secret", "password", said=PASSWORDS[:1])
    hand(PHANTAISIA, "GET", "/v1/credits")

    form = ("--file", f"file={sound}", "--form", "name=Me")
    voice = hand(PH0NY, "POST", "/v1/voices/clone", *form)["id"]
    hand(PH0NY, "GET", f"/v1/voices/{voice}")
    hand(PH0NY, "DELETE", f"/v1/voices/{voice}")
    key = hand(PH0NY, "POST", "/v1/keys", *data(name="spare", expiresInDays=1))["id"]
    key = hand(PH0NY, "POST", f"/v1/keys/{key}/rotate")["id"]
    assert [row["id"] for row in hand(PH0NY, "GET", "/v1/keys")["keys"]] == [key]
    hand(PH0NY, "DELETE", f"/v1/keys/{key}")
    hand(PH0NY, "POST", "/v1/billing/checkout", *data(tier="pro"))

    old, new = PASSWORDS
    key = hand(ROBOT, "POST", "/api/keys", *data(name="spare"))["id"]
    assert key in [row["id"] for row in hand(ROBOT, "GET", "/api/keys")["keys"]]
    hand(ROBOT, "DELETE", f"/api/keys/{key}")
    fox = data(username="fox", email="fox@example.com")
    hand(ROBOT, "POST", "/api/signup", *fox, "--secret", "password", said=[old])
    hand(ROBOT, "POST", "/api/login", *data(username="fox"), "--secret", "password", said=[old])
    me = hand(ROBOT, "GET", "/api/profile")["username"]
    token = Path(hand(ROBOT, "POST", "/api/password-reset/request", *data(username=me))["token"]["file"])
    reset = ("--secret", "token", "--secret", "new_password")
    hand(ROBOT, "POST", "/api/password-reset/reset", *reset, said=[token.read_text(encoding="utf-8").strip(), old])
    change = ("--secret", "current_password", "--secret", "new_password")
    hand(ROBOT, "POST", "/api/settings/change-password", *change, said=[old, new])
    hand(ROBOT, "POST", "/api/settings/email", *data(email="me@example.com"))
    hand(ROBOT, "POST", "/api/credits/topup", *data(credits=100))
    hand(ROBOT, "POST", "/api/stripe/create-checkout", *data(tier="creator"))
    hand(ROBOT, "POST", "/api/stripe/create-portal")
    hand(ROBOT, "GET", "/api/stripe/config")
    hand(ROBOT, "POST", "/api/logout")


# -- the table ------------------------------------------------------------------------------------------------------


def inputs(folder: Path) -> dict[str, str]:
    """A still, a clip with sound, a sound, a GIF and subtitles, as files of this machine."""
    picture = props.picture("a still", 320, 320)
    made = {
        "image": ("still.png", picture),
        "video": ("clip.mp4", props.clip("a clip", 320, 240, 1.0, sound="tune")),
        "audio": ("sound.mp3", props.tune("a sound", 1.0)),
        "gif": ("small.gif", props.run_ffmpeg(["-i", "in.png", "-vf", "scale=64:-2"], {"in.png": picture}, "out.gif")),
        "subtitles": ("lines.srt", b"1\n00:00:00,000 --> 00:00:00,500\nfox\n"),
    }
    for name, file in made.values():
        (folder / name).write_bytes(file)
    return {word: str(folder / name) for word, (name, _) in made.items()}


def test_the_page_of_progressive_robot_has_129_routes() -> None:
    found = {backend: len(set(routes)) for backend, routes in ROUTES.items()}
    assert found == {PHAYA: 73, PH0NY: 19, PHANTAISIA: 13, ROBOT: 129}


def test_every_documented_route_is_called_and_answers_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with boxed("--speed", "200", "--credits", "100000") as box:
        stage, files = Set(box, tmp_path), inputs(tmp_path)
        anyio.run(with_tools, stage, files)
        by_hand(stage, files["audio"])
        with capsys.disabled():
            lacking = [line for backend in ROUTES for line in shown(stage, backend)]
    assert lacking == []


def shown(stage: Set, backend: str) -> list[str]:
    """Print each route of a backend, how it was answered and who called it, and below them what else was asked for,
    such as results by their links; those that nobody called, or that were ever answered badly."""
    print()
    lacking, log = [], stage.log(backend)
    for route in [*ROUTES[backend], *sorted(log.keys() - {*ROUTES[backend]})]:
        answers, who = log[route], [name for name, _ in stage.callers[backend][route].most_common()]
        said = " ".join(f"{status or 'wrong'}×{count}" for status, count in sorted(answers.items())) or "-"
        how = ", ".join(who[:3]) + (f" and {len(who) - 3} more" if len(who) > 3 else "")
        print(f"{backend:17} {route:55} {said:8} {how or '-'}")
        if (route in ROUTES[backend] and not who) or not answers or any(status // 100 != 2 for status in answers):
            lacking.append(f"{backend} {route}: {said}")
    print(f"{backend}: {len(ROUTES[backend])} routes, {sum(map(Counter.total, log.values()))} requests")
    return lacking
