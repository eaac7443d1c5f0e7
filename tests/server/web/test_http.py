"""HTTP for a team: who is let in and how often, what is served besides MCP, and how it ends."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from callsheet.errors import RequestError
from callsheet.settings.settings import Settings
from callsheet_server import secret
from callsheet_server.mcp.server import build
from callsheet_server.web import http
from tests.conftest import CALLSHEET, PNG, Stranger, free_port, surroundings, told, wait_for
from tests.team import ACCEPT, ANNA, BEN, TOKENS, Team, bearer
from tests.wire import Port

pytestmark = pytest.mark.anyio
Opener = Callable[..., Team]

FOX = {"prompt": "a fox", "model": "z-image"}


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Opener]:
    """A server for a team, on a backend that a test tells what to say."""
    made: list[Team] = []

    def open_one(phaya: Stranger | None = None, callers: str = "", *toolsets: str, **environ: str) -> Team:
        phaya = phaya or Stranger()
        found = Team(tmp_path, phaya.transports, phaya.environ | TOKENS | environ, callers)
        found.open(*toolsets)
        made.append(found)
        return found

    yield open_one
    for one in made:
        one.close()


# -- coming in ------------------------------------------------------------------------------------------------------


async def test_health_is_told_to_anybody_and_nothing_else_is(team: Opener) -> None:
    server = team()
    for path in ("/healthz", "/readyz"):
        answer = await server.ask("GET", path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_server_whose_ledger_cannot_be_opened_lives_and_is_not_ready(team: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    server = team(CALLSHEET_DATABASE_URL=f"sqlite:///{tmp_path}/file/ledger.sqlite")
    assert (await server.ask("GET", "/healthz")).status_code == 200
    ready = await server.ask("GET", "/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "unready"})
    async with server.client(ANNA) as client:
        result = await client.call_tool("list_jobs", {})
    assert result.is_error and str(tmp_path) not in str(result)


@pytest.mark.parametrize("token", [None, "anna", ANNA + "x", ANNA[:-1], "ben:" + BEN, "é" * 20])
async def test_nobody_comes_in_without_a_token_of_the_list(team: Opener, token: str | None) -> None:
    server = team()
    answer = await server.ask("POST", "/mcp", headers={"Authorization": f"Bearer {token}".encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "resource_metadata" not in answer.headers["www-authenticate"]
    for path in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"):
        assert (await server.ask("GET", path)).status_code == 404


async def test_who_has_a_token_is_served_in_both_eras_and_stays_themselves(team: Opener) -> None:
    server = team()
    for mode in ("legacy", "auto"):
        async with server.client(ANNA, mode=mode) as client:
            mine = told(await client.call_tool("generate_image", FOX))
            assert mine["status"] == "completed", mine
        async with server.client(BEN, mode=mode) as client:
            assert told(await client.call_tool("list_jobs", {}))["jobs"] == []


async def test_a_request_that_is_too_large_is_refused_before_it_is_read(team: Opener) -> None:
    server = team()
    large = await server.ask("POST", "/mcp", ANNA, content=bytes(http.LARGEST_REQUEST + 1))
    assert large.status_code == 413


async def test_only_names_of_ours_are_answered_and_only_pages_of_ours_may_call(team: Opener) -> None:
    server = team(CALLSHEET_HTTP_HOSTS="studio.example")
    for host in ("rebound.example", "127.0.0.1.rebound.example", "studio.example.evil.test"):
        assert (await server.ping(ANNA, Host=host)).status_code == 421
    for host in ("studio.example", "studio.example:8443", "localhost:1", f"127.0.0.1:{server.number}"):
        assert (await server.ping(ANNA, Host=host)).status_code == 200
    for origin in ("http://rebound.example", "null", "https://studio.example.evil.test"):
        assert (await server.ping(ANNA, Origin=origin)).status_code == 403
    assert (await server.ping(ANNA, Origin="https://studio.example")).status_code == 200


async def test_a_caller_who_asks_too_often_is_told_when_to_come_back_and_others_are_not(team: Opener) -> None:
    server = team(callers="[anna]\nrequests_per_minute = 3\n")
    answers = [await server.ping(ANNA) for _ in range(5)]
    assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["retry-after"]) <= 20
    assert (await server.ping(BEN)).status_code == 200
    assert (await server.ask("GET", "/healthz")).status_code == 200


async def test_above_what_a_caller_is_asked_can_be_their_own_matter(team: Opener) -> None:
    server = team(callers='[anna]\nask_above = "0.5"\n[ben]\nask_above = 50\n', CALLSHEET_ASK_ABOVE="0.7")
    async with server.client(ANNA) as anna, server.client(BEN) as ben:
        asked = told(await anna.call_tool("generate_image", FOX))
        assert asked["status"] == "refused" and "above the 0.5 credits" in asked["error"]["message"]
        assert told(await ben.call_tool("generate_image", FOX))["status"] == "completed"


async def test_who_guesses_tokens_is_slowed_down_and_callers_at_that_address_are_not(team: Opener) -> None:
    server = team()
    async with httpx2.AsyncClient(trust_env=False, base_url=server.origin) as web:
        said = [
            (await web.post("/mcp", headers=bearer(f"guess-number-{n:010}"))).status_code
            for n in range(http.STRANGERS + 5)
        ]
    assert said[0] == 401 and said[-1] == 429
    assert (await server.ping(ANNA)).status_code == 200


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ("anna:short", "shorter than 16"),
        ("Anna:not-a-real-token-0", "names are a-z"),
        ("not-a-real-token-0", "name:token"),
        ("anna:not-a-real-token-0,ben:not-a-real-token-0", "only once"),
        ("anna:not-a-real-token-0,anna:not-a-real-token-1", "only once"),
    ],
)
def test_tokens_that_are_no_good_are_refused_without_being_shown(tmp_path: Path, tokens: str, why: str) -> None:
    with pytest.raises(RequestError, match=why) as caught:
        Settings.load(environ={"CALLSHEET_HOME": str(tmp_path), "CALLSHEET_HTTP_TOKENS": tokens})
    assert "not-a-real" not in str(caught.value) and "short," not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[anna]\nmax_per_dya = 5", "max_per_dya"),
        ("[anna]\nmax_per_day = 'lots'", "not a number"),
        ("[Anna]\nadmin = true", "no caller"),
        ("[anna]\nrequests_per_minute = 0", "requests_per_minute"),
        ("[anna", "cannot be read"),
    ],
)
def test_a_callers_file_that_cannot_be_read_is_named_and_nothing_starts(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "callers.toml").write_text(text)
    with pytest.raises(RequestError, match=why):
        Settings.load(environ={"CALLSHEET_HOME": str(tmp_path)})


def test_a_toolset_that_a_caller_cannot_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "callers.toml").write_text('[anna]\ntoolsets = "core,edits"')
    with pytest.raises(RequestError, match="edits"):
        build(Settings.load(environ={"CALLSHEET_HOME": str(tmp_path)} | TOKENS), remote=True)


# -- OAuth ----------------------------------------------------------------------------------------------------------


class Issuer:
    """An OAuth issuer on a port of its own, and tokens that it signs."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"first": rsa.generate_private_key(65537, 2048)}
        self.asked = 0
        routes = [Route("/.well-known/openid-configuration", self.about), Route("/keys", self.jwks)]
        self.port = Port(Starlette(routes=routes))
        self.url = f"http://127.0.0.1:{self.port.number}"

    async def about(self, _: Any) -> JSONResponse:
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, _: Any) -> JSONResponse:
        self.asked += 1
        kinds: dict[type, Any] = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
        found = []
        for kid, key in self.keys.items():
            kind = next(made for known, made in kinds.items() if isinstance(key, known))
            found.append(kind.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"})
        return JSONResponse({"keys": found})

    def token(self, audience: str, kid: str = "first", algorithm: str = "RS256", key: Any = None, **more: Any) -> str:
        claims = {"iss": self.url, "aud": audience, "sub": "auth0|carol", "exp": int(time.time()) + 300} | more
        kept = {name: value for name, value in claims.items() if value is not None}
        signed_with = None if algorithm == "none" else key or self.keys[kid]
        return jwt.encode(kept, signed_with, algorithm, {"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.port.close()


async def test_whom_the_issuer_vouches_for_comes_in_as_themselves(team: Opener, issuer: Issuer) -> None:
    server = team(CALLSHEET_OAUTH_ISSUER=issuer.url, callers='["oauth/auth0|carol"]\nmax_per_job = "0.5"\n')
    audience = f"{server.origin}/mcp"
    refused = await server.ping()
    assert refused.status_code == 401
    where = f"{server.origin}/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
    metadata = (await server.ask("GET", where)).json()
    assert metadata["resource"] == audience and metadata["authorization_servers"] == [issuer.url]

    async with server.client(issuer.token(audience)) as client:
        poor = told(await client.call_tool("generate_image", FOX))
        assert poor["status"] == "refused" and "capped at 0.5" in poor["error"]["message"]
        assert len(told(await client.call_tool("list_jobs", {}))["jobs"]) == 1
    async with server.client(issuer.token(audience, sub="dave")) as client:
        assert told(await client.call_tool("list_jobs", {}))["jobs"] == []
        made = told(await client.call_tool("generate_image", FOX))
        assert made["status"] == "completed" and "balance" not in made["credits"]
    async with server.client(ANNA) as client:
        assert told(await client.call_tool("list_jobs", {}))["jobs"] == []


async def test_a_scope_makes_an_admin(team: Opener, issuer: Issuer) -> None:
    server = team(None, "", "core", "library", CALLSHEET_OAUTH_ISSUER=issuer.url)
    audience = f"{server.origin}/mcp"
    seen = {}
    for scope in ("openid", "openid callsheet:admin"):
        async with server.client(issuer.token(audience, scope=scope)) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            [row] = told(await client.call_tool("get_credits", {"backend": "phaya"}))["accounts"]
            made = told(await client.call_tool("generate_image", FOX))
            seen[scope] = ("list_generations" in names, "balance" in row, "balance" in made["credits"])
            assert (made["status"], made.get("repeated", False)) == ("completed", scope != "openid")
    assert seen == {"openid": (False,) * 3, "openid callsheet:admin": (True,) * 3}


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": int(time.time()) + 3600},
        {"aud": "https://another.example/mcp"},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"sub": None},
        {"kid": "unknown"},
        {"algorithm": "HS256", "key": "0123456789abcdef0123456789abcdef"},
        {"algorithm": "none"},
        {"key": "another"},
        {"algorithm": "ES256", "key": "curve"},
    ],
)
async def test_a_token_that_is_not_the_issuer_s_for_us_and_now_is_refused(
    team: Opener, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    server = team(CALLSHEET_OAUTH_ISSUER=issuer.url)
    keys = {"another": rsa.generate_private_key(65537, 2048), "curve": ec.generate_private_key(ec.SECP256R1())}
    if wrong.get("kid") == "unknown":
        wrong = wrong | {"key": issuer.keys["first"]}
    if wrong.get("key") in keys:
        wrong = wrong | {"key": keys[wrong["key"]]}
    token = issuer.token(**({"audience": f"{server.origin}/mcp"} | wrong))
    assert (await server.ping(token)).status_code == 401
    assert (await server.ping(issuer.token(f"{server.origin}/mcp"))).status_code == 200


async def test_a_new_key_of_the_issuer_is_asked_for_and_not_more_often_than_once_a_minute(
    team: Opener, issuer: Issuer
) -> None:
    server = team(CALLSHEET_OAUTH_ISSUER=issuer.url, CALLSHEET_OAUTH_AUDIENCE="callsheet")
    issuer.keys["curve"] = ec.generate_private_key(ec.SECP256R1())
    assert (await server.ping(issuer.token("callsheet", "curve", "ES256"))).status_code == 200
    assert (await server.ping(issuer.token("callsheet"))).status_code == 200
    for n in range(5):
        assert (await server.ping(issuer.token("callsheet", f"new-{n}", key=issuer.keys["first"]))).status_code == 401
    assert issuer.asked == 1


def test_oauth_needs_our_own_address_and_an_issuer_over_tls(tmp_path: Path) -> None:
    environ = {"CALLSHEET_HOME": str(tmp_path), "CALLSHEET_OAUTH_ISSUER": "https://issuer.example"}
    with pytest.raises(RequestError, match="CALLSHEET_PUBLIC_URL"):
        build(Settings.load(environ=environ), remote=True)
    with pytest.raises(RequestError, match="CALLSHEET_OAUTH_ISSUER"):
        Settings.load(environ=environ | {"CALLSHEET_OAUTH_ISSUER": "http://issuer.example"})


# -- links ----------------------------------------------------------------------------------------------------------


async def made(server: Team, token: str | None = ANNA, **talk: Any) -> dict[str, Any]:
    """The file of a new picture, as its receipt has it."""
    async with server.client(token, **talk) as client:
        receipt = told(await client.call_tool("generate_image", FOX))
    assert receipt["status"] == "completed", receipt
    found: dict[str, Any] = receipt["media"][0]
    return found


async def test_a_link_shows_the_file_to_whoever_has_it_and_parts_of_it_too(team: Opener) -> None:
    server = team()
    medium = await made(server)
    assert "path" not in medium and medium["url"].startswith(f"{server.origin}/media/j_")
    whole = await server.ask("GET", medium["url"], headers={"Origin": "null"})
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, PNG, "image/png")
    assert whole.headers["content-disposition"].startswith("inline")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-security-policy"] == "sandbox"
    assert whole.headers["access-control-allow-origin"] == "*"
    part = await server.ask("GET", medium["url"], headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    assert part.headers["content-range"] == f"bytes 1-3/{len(PNG)}"
    head = await server.ask("HEAD", medium["url"])
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(PNG)))


async def test_a_link_that_is_forged_or_over_is_no_link(team: Opener) -> None:
    server = team()
    url = httpx2.URL((await made(server))["url"])
    said = dict(url.params)
    later = str(int(said["expires"]) + 600)
    forged = [
        url.copy_with(params={}),
        url.copy_with(params=said | {"expires": later}),
        url.copy_with(params=said | {"expires": "soon"}),
        url.copy_with(params=said | {"signature": said["signature"][:-1]}),
        url.copy_with(params=said | {"signature": "é"}),
        url.copy_with(path=url.path.replace("/0/", "/1/")),
        url.copy_with(path=url.path.replace(".png", ".png.json")),
        url.copy_with(path=f"{url.path.rpartition('/')[0]}/..%2F..%2Fhome%2Fsecret"),
        url.copy_with(path=url.path.replace("/media/j_", "/media/j_0")),
    ]
    for one in forged:
        assert (await server.ask("GET", str(one))).status_code == 404, one
    assert (await server.ask("GET", str(url))).status_code == 200
    links = http_links(server)
    over = str(int(time.time()) - 1)
    job_id, number = url.path.split("/")[2:4]
    stale = said | {"expires": over, "signature": links.signature(job_id, number, over)}
    assert (await server.ask("GET", str(url.copy_with(params=stale)))).status_code == 404


def http_links(server: Team) -> Any:
    """The server's own signer, as a replica with the same secret has it."""
    from callsheet_server.web.access import links  # noqa: PLC0415

    return links(Settings.load(environ=server.environ))


async def test_replicas_that_share_a_secret_take_each_other_s_links(team: Opener, tmp_path: Path) -> None:
    shared = {"CALLSHEET_SECRET": "not-a-real-secret-" * 3, "CALLSHEET_DATABASE_URL": f"sqlite:///{tmp_path}/ledger"}
    first = team(**shared)
    url = httpx2.URL((await made(first))["url"])
    other = Team(tmp_path, Stranger().transports, first.environ | {"CALLSHEET_HOME": str(tmp_path / "other")})
    other.open()
    try:
        assert (await other.ask("GET", str(url.copy_with(port=other.number)))).content == PNG
    finally:
        other.close()


async def test_a_question_that_one_replica_asked_is_answered_at_another_and_only_by_who_was_asked(
    team: Opener, tmp_path: Path
) -> None:
    shared = {"CALLSHEET_SECRET": "not-a-real-secret-" * 3, "CALLSHEET_DATABASE_URL": f"sqlite:///{tmp_path}/ledger"}
    first = team(CALLSHEET_ASK_ABOVE="phaya=0.5", **shared)
    second = Team(tmp_path, first.transports, first.environ | {"CALLSHEET_HOME": str(tmp_path / "other")})
    second.open()
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    headers = ACCEPT | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "generate_image"}

    async def say(where: Team, token: str, **more: Any) -> dict[str, Any]:
        params = {"name": "generate_image", "arguments": FOX, "_meta": meta} | more
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        text = (await where.ask("POST", "/mcp", token, json=body, headers=headers)).text
        found: dict[str, Any] = json.loads(text.rpartition("data: ")[2])
        return found

    try:
        asked = (await say(first, ANNA))["result"]
        assert asked["resultType"] == "input_required"
        assert "left" not in json.dumps(asked["inputRequests"]), "the account's balance is not hers to know"
        yes = {"action": "accept", "content": {"proceed": True}}
        answer = {"inputResponses": dict.fromkeys(asked["inputRequests"], yes), "requestState": asked["requestState"]}
        assert "error" in await say(second, BEN, **answer)
        made = (await say(second, ANNA, **answer))["result"]
        assert made["structuredContent"]["status"] == "completed", made
        for token, jobs in ((ANNA, 1), (BEN, 0)):
            async with first.client(token) as client:
                assert len(told(await client.call_tool("list_jobs", {}))["jobs"]) == jobs
    finally:
        second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings.load(environ={"CALLSHEET_HOME": str(tmp_path / "home")})
    keys = {purpose: secret.key(settings, purpose) for purpose in ("links", "questions", "links")}
    assert len(set(keys.values())) == 2 and secret.key(settings, "links") == keys["links"]
    file = tmp_path / "home" / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_tokens_the_owner_gets_links_and_no_paths_and_gives_none(
    tmp_path: Path, team: Opener, mode: str
) -> None:
    server = team(CALLSHEET_HTTP_TOKENS="", CALLSHEET_PUBLIC_URL="")
    medium = await made(server, None, mode=mode)
    assert "path" not in medium and medium["url"].startswith(server.origin)
    assert (await server.ask("GET", medium["url"])).content == PNG
    (tmp_path / "out" / "mine.png").write_bytes(PNG)
    async with server.client(None) as client:
        said = FOX | {"images": [str(tmp_path / "out" / "mine.png")], "model": "nano-banana-2"}
        refused = await client.call_tool("generate_image", said)
        quoted = await client.call_tool("quote", {"operation": "image", "arguments": said})
        balance = told(await client.call_tool("get_credits", {"backend": "phaya"}))["accounts"][0]["balance"]
        assert "a path" not in (client.instructions or "a path")
        mine = {"operation": "image", "arguments": said | {"images": [medium["url"]]}}
        other = medium["url"].replace("/media/j_", "/media/j_0").replace("/0/", "/1/")
        strange = {"operation": "image", "arguments": said | {"images": [other]}}
        assert told(await client.call_tool("quote", mine))["model"].endswith("nano-banana-2")
        assert "not a public address" in str((await client.call_tool("quote", strange)).content)
    for result in (refused, quoted):
        assert result.is_error and "over HTTP no local path is read" in str(result.content)
    assert balance == 100


# -- the process ----------------------------------------------------------------------------------------------------


@contextmanager
def serving(command: list[str], environ: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process of its own, once it listens."""
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.kill()


async def test_another_host_than_this_machine_needs_tokens(tmp_path: Path) -> None:
    environ = surroundings({"CALLSHEET_HOME": str(tmp_path)})
    port = free_port()
    command = [CALLSHEET, "serve", "--http", "--host", "0.0.0.0", "--port", str(port)]  # noqa: S104
    done = await anyio.run_process(command, env=environ, check=False)
    assert done.returncode == 2 and b"CALLSHEET_HTTP_TOKENS" in done.stderr
    with serving(command, environ | TOKENS, port):
        async with httpx2.AsyncClient(trust_env=False) as web:
            assert (await web.post(f"http://127.0.0.1:{port}/mcp")).status_code == 401


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
async def test_a_stream_that_only_listens_does_not_hold_the_process(tmp_path: Path) -> None:
    port = free_port()
    command = [CALLSHEET, "serve", "--http", "--port", str(port)]
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"_meta": meta, "notifications": {"toolsListChanged": True}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "subscriptions/listen",
    }
    environ = surroundings({"CALLSHEET_HOME": str(tmp_path)})
    web = httpx2.AsyncClient(trust_env=False, timeout=30)
    with serving(command, environ, port) as process:
        async with web, web.stream("POST", f"http://127.0.0.1:{port}/mcp", json=body, headers=headers) as stream:
            assert stream.status_code == 200, await stream.aread()
            assert "acknowledged" in await anext(stream.aiter_text())
            process.send_signal(signal.SIGTERM)
            with anyio.fail_after(http.GRACE_S + 3):
                await anyio.to_thread.run_sync(process.wait)
    assert process.returncode in (0, -signal.SIGTERM)
