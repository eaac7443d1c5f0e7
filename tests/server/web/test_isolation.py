"""What one caller made, no other can see, use, change, or even know of; and each spends from a purse of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.types import CallToolResult, Tool

from callsheet.catalogue.model import input_of
from callsheet.catalogue.words import OPERATIONS
from callsheet.queries.queries import TOOLSETS
from callsheet_sandbox.in_process import Transport
from tests.conftest import told
from tests.ours import QUERIES, catalogue
from tests.team import ACCEPT, ANNA, BEN, BOSS, TOKENS, Team, bearer

pytestmark = pytest.mark.anyio

WORD = "zanzibar"
"""In every prompt of Anna's, and in nobody else's."""
CALLERS = f"""
[anna]
toolsets = "{",".join(TOOLSETS)}"
[ben]
toolsets = "{",".join(TOOLSETS)}"
requests_per_minute = 100000
[boss]
toolsets = "{",".join(TOOLSETS)}"
requests_per_minute = 100000
admin = true
"""
MEDIA = {name for model in catalogue.models() for name, said in model.model_fields.items() if input_of(said)} | {
    "media"
}
"""Words that refer to media."""
MAKES = (
    ("generate_image", {"prompt": f"a {WORD} street", "model": "z-image"}),
    ("generate_image", {"prompt": f"a {WORD} lamp", "model": "progressive-robot/flux"}),
    ("generate_speech", {"text": f"{WORD} speaks", "model": "progressive-robot/tts"}),
    ("chat", {"prompt": f"say {WORD}", "model": "phaya/phaya-gpt", "max_tokens": 16}),
)


class Watched(Transport):
    """A backend of the sandbox that remembers which addresses it was asked for."""

    def __init__(self, backend: str, folder: Path, **options: Any) -> None:
        super().__init__(backend, folder, **options)
        self.asked: list[httpx2.URL] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url)
        return await super().handle_async_request(request)


@dataclass
class Scene:
    """A server, and what Anna made there."""

    server: Team
    ph0ny: Watched
    receipts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def media(self) -> list[dict[str, Any]]:
        """Her files."""
        return [medium for receipt in self.receipts for medium in receipt.get("media", ())]

    @property
    def hers(self) -> set[str]:
        """What may occur in no answer to anybody else. (Her jobs' ids may: whoever asks for one says it first.)"""
        found = {WORD, "token-anna", "token/anna", str(self.server.folder)}
        for medium in self.media:
            found |= {medium["sha256"], medium["url"], Path(httpx2.URL(medium["url"]).path).name}
        return found

    @property
    def voices(self) -> set[str]:
        """Whether ph0ny was asked for the voices that the account has made, or for the others."""
        return {url.params["includeCustom"] for url in self.ph0ny.asked if url.path == "/v1/voices"}

    def check(self, answer: str, what: str) -> None:
        """Fails where something of hers occurs."""
        assert not [word for word in self.hers if word in answer], (what, answer)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("isolation")
    names = ("phaya", "ph0ny", "phantaisia", "progressive-robot")
    doors = {f"sandbox/{name}": Watched(name, folder / name, speed=100, rate=10**6, credits=10**6) for name in names}
    free = {"CALLSHEET_SANDBOX": "always", "CALLSHEET_ASK": "never", "CALLSHEET_UNPRICED": "allow"}
    caps = {"CALLSHEET_MAX_PER_DAY": "1000000"}
    server = Team(folder, doors.get, TOKENS | free | caps, CALLERS)
    server.open()
    found = Scene(server, doors["sandbox/ph0ny"])

    async def make() -> None:
        async with server.client(ANNA) as client:
            for tool, said in MAKES:
                found.receipts.append(told(await client.call_tool(tool, said)))

    anyio.run(make)
    assert {receipt["status"] for receipt in found.receipts} == {"completed"}
    yield found
    server.close()


def written(result: CallToolResult) -> str:
    """All that an answer says."""
    return json.dumps(result.structured_content, ensure_ascii=False) + str(result.content)


def filled(schema: dict[str, Any], name: str, hers: str) -> Any:
    """A value for a word: hers wherever it may be media or a job."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [filled(schema.get("items", {}), name, hers)] * max(schema.get("minItems", 1), 2)
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1)
    if kind == "boolean":
        return True
    if kind == "object":
        return {}
    return hers if name in MEDIA or name.endswith("job_id") else "a walrus"


def attempts(tool: Tool, hers: str) -> list[dict[str, Any]]:
    """Ways to call a tool: with what it needs, and with all the media of hers that it takes."""
    words = tool.input_schema.get("properties", {})
    needed = {name: filled(words[name], name, hers) for name in tool.input_schema.get("required", ())}
    takes = {name: filled(words[name], name, hers) for name in words if name in MEDIA}
    once = {"wait_s": 0} if "wait_s" in words else {}
    if tool.name == "plan":
        calls = [{"tool": "trim_video", "arguments": {"video": hers, "end_seconds": 1}}]
        return [{"calls": calls}]
    if tool.name == "quote":
        return [{"operation": "add_audio", "arguments": {"video": hers, "audio": hers}}]
    said = "text" if "text" in words else "prompt"
    about = {said: "a walrus"} if said in words else {}
    single = [needed | about | once | {name: value} for name, value in takes.items()]
    return [needed | once, needed | takes | about | once, *single]


async def call(client: Client, name: str, said: dict[str, Any]) -> str:
    """What a call says, also where it is refused."""
    try:
        return written(await client.call_tool(name, said))
    except MCPError as error:
        return str(error)


async def test_no_tool_shows_or_takes_what_another_caller_made(scene: Scene) -> None:
    async with scene.server.client(BOSS) as boss:
        every = (await boss.list_tools()).tools
    assert {*OPERATIONS, *QUERIES} <= {tool.name for tool in every}
    job = scene.receipts[0]["job_id"]
    with anyio.fail_after(500):
        async with scene.server.client(BEN) as ben:
            for tool in every:
                for hers in (job, f"media://{job}/0"):
                    for said in attempts(tool, hers):
                        scene.check(await call(ben, tool.name, said), f"{tool.name} {said}")
            jobs = told(await ben.call_tool("list_jobs", {"limit": 200}))["jobs"]
        async with scene.server.client(ANNA) as anna:
            mine = told(await anna.call_tool("list_jobs", {}))["jobs"]
    assert {row["job_id"] for row in mine} == {receipt["job_id"] for receipt in scene.receipts}
    assert not {row["job_id"] for row in jobs} & {row["job_id"] for row in mine}
    assert {row["status"] for row in mine} == {"completed"}


async def test_a_foreign_job_does_not_exist_whatever_names_it(scene: Scene) -> None:
    job, link = scene.receipts[1]["job_id"], scene.media[1]["url"]
    no = f"There is no job `{job}`"
    async with scene.server.client(BEN) as ben:
        for name in ("get_job", "cancel_job", "resubmit_job"):
            assert no in await call(ben, name, {"job_id": job})
        for hers in (job, f"media://{job}/0"):
            assert no in await call(ben, "upscale_video", {"video": hers})
            assert no in await call(ben, "quote", {"operation": "upscale_video", "arguments": {"video": hers}})
            taken = await call(ben, "generate_image", {"prompt": "x", "images": [hers], "model": "nano-banana-2"})
            assert no in taken
        invented = await call(ben, "get_job", {"job_id": "j_" + "0" * 26})
        assert invented.replace("j_" + "0" * 26, job) == await call(ben, "get_job", {"job_id": job})
        bare = str(httpx2.URL(link).copy_with(params={}))
        scene.check((await call(ben, "upscale_video", {"video": bare})).replace(bare, ""), "a link without signature")


def modern(method: str, name: str | None, **params: Any) -> dict[str, Any]:
    """A request of the newer era by a client that knows tasks."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    }
    headers = (
        ACCEPT | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method} | ({"Mcp-Name": name} if name else {})
    )
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
    return {"json": body, "headers": headers}


async def test_no_resource_task_or_stream_shows_it(scene: Scene) -> None:
    async with scene.server.client(BEN) as ben:
        templates = (await ben.list_resource_templates()).resource_templates
        scene.check(str((await ben.list_resources()).resources), "list_resources")
        for template in templates:
            for receipt in scene.receipts:
                uri = template.uri_template.replace("{job_id}", receipt["job_id"]).replace("{number}", "0")
                try:
                    answer = (await ben.read_resource(uri)).model_dump_json()
                except MCPError as error:
                    answer = str(error)
                scene.check(answer, uri)
                assert "completed" not in answer, uri
    for job in (receipt["job_id"] for receipt in scene.receipts):
        for method in ("tasks/get", "tasks/cancel"):
            asked = await scene.server.ask("POST", "/mcp", BEN, **modern(method, job, taskId=job))
            assert asked.json()["error"]["message"] == "Task not found"
        owned = await scene.server.ask("POST", "/mcp", ANNA, **modern("tasks/get", job, taskId=job))
        assert owned.json()["result"]["status"] == "completed"
        wanted = {"resourceSubscriptions": [f"job://{job}", f"media://{job}/0", "models://"]}
        request = modern("subscriptions/listen", None, notifications=wanted)
        web = httpx2.AsyncClient(trust_env=False, timeout=30, headers=bearer(BEN))
        async with web, web.stream("POST", f"{scene.server.origin}/mcp", **request) as stream:
            heard = await anext(stream.aiter_text())
        assert "models://" in heard and job not in heard


async def test_no_route_shows_it(scene: Scene) -> None:
    async with scene.server.client(BEN) as ben:
        own = told(await ben.call_tool("generate_image", {"prompt": "a walrus", "model": "z-image", "wait_s": 60}))
    signed = httpx2.URL(own["media"][0]["url"])
    assert (await scene.server.ask("GET", str(signed))).status_code == 200
    for medium in scene.media:
        url = httpx2.URL(medium["url"])
        for way in ({}, dict(signed.params)):
            for token in (None, BEN, BOSS):
                answer = await scene.server.ask("GET", str(url.copy_with(params=way)), token)
                assert answer.status_code == 404 and not answer.content
        for path in (url.path.rpartition("/")[0], f"/media/{url.path.split('/')[2]}", "/media", "/media/", "/"):
            assert (await scene.server.ask("GET", path, BEN)).status_code == 404
    for method, path in (("POST", "/mcp"), ("DELETE", "/mcp"), ("GET", "/readyz"), ("POST", "/hooks/ph0ny/x")):
        scene.check((await scene.server.ask(method, path, BEN)).text, f"{method} {path}")


async def test_a_session_is_its_caller_s_alone(tmp_path: Path) -> None:
    server = Team(tmp_path, {}.get, TOKENS | {"CALLSHEET_SANDBOX": "always"})
    server.open(sessions=True)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    then = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_jobs", "arguments": {}}}
    try:
        opened = await server.ask("POST", "/mcp", ANNA, json=first, headers=ACCEPT)
        own = ACCEPT | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await server.ask("POST", "/mcp", ANNA, json=ready, headers=own)).status_code == 202
        assert "structuredContent" in (await server.ask("POST", "/mcp", ANNA, json=then, headers=own)).text
        for token in (BEN, BOSS):
            answer = await server.ask("POST", "/mcp", token, json=then, headers=own)
            assert answer.status_code == 404 and "structuredContent" not in answer.text
    finally:
        server.close()


async def test_the_account_is_for_admins_and_the_owner(scene: Scene) -> None:
    wide = {name for kind in (OPERATIONS, QUERIES) for name, one in kind.items() if one.account_wide}
    assert {"list_generations", "complete_prompt", "get_credit_history", "export_project"} <= wide
    assert not wide & {"search_stock", "improve_prompt", "script_to_shots", "get_job", "generate_image"}
    history = {"model": "progressive-robot/flux"}
    async with scene.server.client(BEN) as ben:
        listed = await ben.list_tools()
        assert not wide & {tool.name for tool in listed.tools}
        for name in sorted(wide):
            with pytest.raises(MCPError, match="You have no tool"):
                await ben.call_tool(name, {})
        [row] = told(await ben.call_tool("get_credits", {"backend": "phaya"}))["accounts"]
        assert not {"balance", "available"} & row.keys()
        detail = await ben.call_tool("get_credits", {"backend": "phaya", "detail": True})
        assert detail.is_error and "admins" in written(detail)
        assert "characters" not in await call(ben, "describe_model", {"model": "sora-2-character"})
        await ben.call_tool("list_voices", {"backend": "ph0ny"})
        assert scene.voices == {"false"}
        shared = {"prompt": "x", "model": "progressive-robot/wan-t2v", "options": {"project_id": 1}}
        assert "only an admin" in await call(ben, "generate_video", shared)
    async with scene.server.client(BOSS) as boss:
        assert wide <= {tool.name for tool in (await boss.list_tools()).tools}
        [row] = told(await boss.call_tool("get_credits", {"backend": "progressive-robot"}))["accounts"]
        assert row["spent_today"] >= 6 and "balance" in row
        assert WORD in written(await boss.call_tool("list_generations", history))
        assert "characters" in await call(boss, "describe_model", {"model": "sora-2-character"})
        await boss.call_tool("list_voices", {"backend": "ph0ny"})
        assert scene.voices == {"false", "true"}
        assert "There is no job" in await call(boss, "get_job", {"job_id": scene.receipts[0]["job_id"]})


async def test_each_caller_has_the_tools_they_were_given(tmp_path: Path) -> None:
    callers = '[anna]\ntoolsets = "edit"\n[boss]\nadmin = true\n'
    server = Team(tmp_path, {}.get, TOKENS | {"CALLSHEET_SANDBOX": "always"}, callers)
    server.open()
    try:
        async with server.client(ANNA) as anna, server.client(BEN) as ben:
            listed = await anna.list_tools()
            hers = {tool.name for tool in listed.tools}
            his = {tool.name for tool in (await ben.list_tools()).tools}
            assert listed.cache_scope == "private"
            assert "You have no tool" in await call(anna, "list_jobs", {})
            assert "You have no tool" in await call(ben, "trim_video", {})
        server.close()
        (tmp_path / "home" / "callers.toml").write_text('[ben]\ntoolsets = "core"\n')
        server.close()
        server.open(CALLSHEET_TOOLSETS="core,edit")
        async with server.client(BEN) as ben:
            calls = [{"tool": "trim_video", "arguments": {"video": "https://example.com/a.mp4", "end_seconds": 1}}]
            assert "not among your tools" in await call(ben, "plan", {"calls": calls})
    finally:
        server.close()
    assert hers == {name for name, kind in OPERATIONS.items() if kind.toolset == "edit"}
    assert {"generate_image", "get_job"} <= his and not his & hers


async def test_files_of_callers_lie_in_folders_of_their_own(scene: Scene) -> None:
    out = scene.server.folder / "out"
    names = {Path(httpx2.URL(medium["url"]).path).name for medium in scene.media}
    assert names <= {path.name for path in (out / "token-anna").iterdir()}
    assert not [path for path in out.iterdir() if path.is_file()]


async def test_who_has_spent_their_day_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    door = Transport("phaya", tmp_path / "box", speed=100, rate=10**6, credits=100)
    callers = '[anna]\nadmin = true\n[ben]\nmax_per_day = "phaya=1.5"\nmax_per_job = "phaya=3"\n'
    server = Team(tmp_path, {"sandbox/phaya": door}.get, TOKENS | {"CALLSHEET_SANDBOX": "always"}, callers)
    server.open(CALLSHEET_MAX_PER_DAY="phaya=4.5", CALLSHEET_ASK="never")

    async def make(client: Client, prompt: str, **more: Any) -> dict[str, Any]:
        said = {"prompt": prompt, "model": "z-image", "wait_s": 60} | more
        return told(await client.call_tool("generate_image", said))

    try:
        async with server.client(ANNA) as anna, server.client(BEN) as ben, server.client(BOSS) as boss:
            first = await make(ben, "a walrus")
            assert first["credits"] == first["credits"] | {"charged": 1, "spent_today": 1, "left_today": 0.5}
            assert "balance" not in first["credits"]
            for _ in range(2):
                poor = await make(ben, "another walrus")
                assert poor["status"] == "refused"
                assert "1 of the 1.5 that you may spend today" in poor["error"]["message"]
            dear = await make(ben, "four walruses", count=4)
            assert "one job of yours is capped at 3" in dear["error"]["message"]
            [row] = told(await ben.call_tool("get_credits", {"backend": "phaya"}))["accounts"]
            assert (row["spent_today"], row["max_per_day"], row["left_today"]) == (1, 1.5, 0.5)

            rich = await make(anna, f"a {WORD} lamp")
            assert rich["status"] == "completed"
            assert rich["credits"] == rich["credits"] | {"charged": 1, "spent_today": 1, "balance": 98}
            assert (await make(boss, "a boss"))["status"] == "completed"

            full = await make(boss, "two bosses", count=2)
            text = full["error"]["message"]
            assert full["status"] == "refused" and "what all may spend together today" in text
            assert not {"3", "4.5", "97"} & set(text.replace(",", "").replace(". ", " ").split())
            shown = (await make(anna, "two lamps", count=2))["error"]["message"]
            assert "3 of today's 4.5" in shown
    finally:
        server.close()


async def test_a_balance_that_is_too_small_is_told_to_admins_only(tmp_path: Path) -> None:
    door = Transport("phaya", tmp_path / "box", speed=100, rate=10**6, credits=7.25)
    environ = TOKENS | {"CALLSHEET_SANDBOX": "always", "CALLSHEET_ASK": "never"}
    server = Team(tmp_path, {"sandbox/phaya": door}.get, environ, "[anna]\nadmin = true\n")
    server.open()
    said = {"prompt": "a walrus", "model": "veo-3.1-fast"}
    try:
        async with server.client(ANNA) as anna, server.client(BEN) as ben:
            poor = told(await ben.call_tool("generate_video", said))
            rich = told(await anna.call_tool("generate_video", said))
            quote = told(await ben.call_tool("quote", {"operation": "generate_video", "arguments": said}))
    finally:
        server.close()
    assert poor["status"] == rich["status"] == "refused"
    assert "7.25" not in json.dumps(poor) and "7.25" in rich["error"]["message"]
    assert "balance" not in quote
