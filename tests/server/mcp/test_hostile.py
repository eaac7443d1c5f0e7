"""Hostile input by the front door: whatever is said, the server lives, answers in time and in our words, and keeps the
keys to itself."""

import itertools
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response

from callsheet.catalogue.consent import harmless
from callsheet.catalogue.words import OPERATIONS
from tests import hostile
from tests.conftest import Box, House, Stranger, told
from tests.hostile import FILM, PICTURE, SOUND, Pipe, Port
from tests.ours import QUERIES
from tests.server.mcp.test_approval import Person
from tests.team import ANNA, TOKENS, Team

TOOLS = (*OPERATIONS, *QUERIES)
GOOD = ("prompts/list", {})
"""A request that any server answers."""


def fuzzed(examples: int) -> settings:
    """The same examples each time, and no more of them than there is time for."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=slow)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all servers of these tests live."""
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def older(folder: Path, box: Box) -> Iterator[Pipe]:
    """A server on a pipe, in the era that shakes hands, that may spend nothing."""
    with hostile.piped(folder / "older", box, CALLSHEET_MAX_PER_DAY="0") as pipe:
        pipe.begin()
        yield pipe


@pytest.fixture(scope="module")
def newer(folder: Path, box: Box) -> Iterator[Pipe]:
    """The same in the era that does not, for a client that can ask and knows tasks; it may spend nothing either."""
    can = {"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}
    with hostile.piped(folder / "newer", box, can, CALLSHEET_MAX_PER_DAY="0") as pipe:
        yield pipe


@pytest.fixture(scope="module")
def port(folder: Path, box: Box) -> Iterator[Port]:
    """A server over HTTP, that may spend nothing."""
    more = {"CALLSHEET_MAX_PER_DAY": "0", "CALLSHEET_PUBLIC_URL": "https://studio.example"}
    with hostile.ported(folder / "port", box, **more) as port:
        yield port


def answered(said: Any, answer: dict[str, Any]) -> None:
    """A call was answered as it should: with a result, and if that is an error in words that help."""
    if "error" in answer:
        garbled = answer["error"]["code"] == -32700
        assert garbled or not isinstance(said, dict), (said, answer)
        assert answer["error"]["code"] in (-32602, -32700), (said, answer)
        return
    result = answer["result"]
    if result.get("resultType", "complete") == "complete":
        words = " ".join(part.get("text", "") for part in result["content"])
        assert words and not words.startswith(("Error executing tool", "Internal")), (said, words)


# -- tools ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
@fuzzed(3)
@given(data=st.data())
def test_no_arguments_break_a_tool(older: Pipe, newer: Pipe, tool: str, data: st.DataObject) -> None:
    calls = [*data.draw(st.lists(hostile.arguments(tool), min_size=3, max_size=3)), data.draw(hostile.junk)]
    for pipe in (older, newer):
        for said, answer in zip(calls, pipe.call(tool, *calls), strict=True):
            answered(said, answer)
        assert not pipe.complaints()


@pytest.fixture(scope="module")
def spender(folder: Path, box: Box) -> Iterator[Pipe]:
    """A server that may spend as it likes, and has made a picture, a film and a sound."""
    more = {"CALLSHEET_ASK": "never", "CALLSHEET_MAX_PER_DAY": "100000", "CALLSHEET_UNPRICED": "allow"}
    with hostile.piped(folder / "spender", box, **more) as pipe:
        pipe.begin()
        said = {"prompt": "a fox", "text": "a fox", "duration_seconds": 5, "wait_s": 20}
        for name, tool in ((PICTURE, "generate_image"), (FILM, "generate_video"), (SOUND, "generate_speech")):
            fits = {word: value for word, value in said.items() if word in OPERATIONS[tool].model_fields}
            [made] = pipe.call(tool, fits)
            assert made["result"]["structuredContent"]["status"] == "completed", made
            pipe.stands_for[name.encode()] = made["result"]["structuredContent"]["job_id"].encode()
        yield pipe


@pytest.mark.parametrize("tool", OPERATIONS)
@fuzzed(1)
@given(data=st.data())
def test_no_arguments_break_a_job_that_is_paid(spender: Pipe, tool: str, data: st.DataObject) -> None:
    calls = data.draw(st.lists(hostile.arguments(tool, sane=True), min_size=4, max_size=4))
    for said, answer in zip(calls, spender.call(tool, *calls), strict=True):
        answered(said, answer)
    assert not spender.complaints()


# -- messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ["older", "newer"])
@fuzzed(60)
@given(noise=st.lists(hostile.lines, max_size=8))
def test_no_message_breaks_a_pipe(request: pytest.FixtureRequest, era: str, noise: list[bytes]) -> None:
    pipe: Pipe = request.getfixturevalue(era)
    [answer] = pipe.ask(GOOD, noise=noise)
    assert answer["result"]["prompts"]
    assert not pipe.complaints()


@fuzzed(3)
@given(noise=st.lists(st.sampled_from(hostile.LINES) | st.binary(max_size=99), min_size=20, max_size=20))
def test_noise_before_the_first_word_does_not_matter(folder: Path, box: Box, noise: list[bytes]) -> None:
    said = [line for line in noise if b"method" not in line]
    with hostile.piped(folder / "noise", box) as pipe:
        pipe.send(*said)
        pipe.begin()
        assert pipe.ask(GOOD)[0]["result"]["prompts"]


def test_whoever_sends_half_of_an_emoji_is_told_so(older: Pipe) -> None:
    [answer] = older.call("generate_image", {"prompt": "a fox \ud83e"})
    assert answer["error"]["code"] == -32700


# -- everything else there is to ask ------------------------------------------------------------------------------

SCHEMES = ("job://", "media://", "models://", "ui://", "file://", "http://", "", "job:", "MEDIA://", "media:///")
uris = st.builds(
    "{}{}{}".format,
    st.sampled_from(SCHEMES),
    st.sampled_from(("..", "%2e%2e%2f", "j_" + "0" * 26, hostile.PICTURE, "*", "phaya", "a@b", "[", "\0", "x" * 9999)),
    st.sampled_from(
        ("", "/0", "/../../etc/passwd", "/%2e%2e/%2e%2e", "/" + "9" * 5000, "/-1", "/٣", "/z?operation=;", "#")
    ),
)
others = st.one_of(
    st.tuples(st.just("resources/read"), st.fixed_dictionaries({"uri": uris | hostile.texts})),
    st.tuples(st.just("resources/subscribe"), st.fixed_dictionaries({"uri": uris | hostile.texts})),
    st.tuples(st.just("resources/unsubscribe"), st.fixed_dictionaries({"uri": uris})),
    st.tuples(
        st.just("prompts/get"),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(("storyboard_film", "make_ad", "narrate_article")) | hostile.texts,
                "arguments": st.dictionaries(
                    st.sampled_from(("idea", "seconds", "product", "text_or_url")) | hostile.texts, hostile.texts
                ),
            }
        ),
    ),
    st.tuples(
        st.just("completion/complete"),
        st.fixed_dictionaries(
            {
                "ref": st.fixed_dictionaries({"type": st.just("ref/resource"), "uri": uris})
                | st.fixed_dictionaries({"type": st.just("ref/prompt"), "name": hostile.texts}),
                "argument": st.fixed_dictionaries({"name": hostile.texts, "value": hostile.texts}),
            }
        ),
    ),
    st.tuples(st.sampled_from(("tasks/get", "tasks/cancel")), st.fixed_dictionaries({"taskId": hostile.texts})),
    st.tuples(
        st.just("tasks/update"),
        st.fixed_dictionaries(
            {"taskId": hostile.texts, "inputResponses": st.dictionaries(hostile.texts, hostile.junk)}
        ),
    ),
    st.tuples(st.sampled_from(("tools/list", "resources/list")), st.fixed_dictionaries({"cursor": hostile.texts})),
    st.tuples(
        st.just("tools/call"),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(TOOLS) | hostile.texts,
                "arguments": st.just({"prompt": "x"}),
                "requestState": hostile.texts,
                "inputResponses": st.dictionaries(hostile.texts, hostile.junk, max_size=2),
            }
        ),
    ),
)


@pytest.mark.parametrize("era", ["older", "newer"])
@fuzzed(40)
@given(requests=st.lists(others, min_size=1, max_size=8))
def test_nothing_asked_for_is_found_that_is_not_there(
    request: pytest.FixtureRequest, era: str, requests: list[tuple[str, Any]]
) -> None:
    pipe: Pipe = request.getfixturevalue(era)
    for asked, answer in zip(requests, pipe.ask(*requests), strict=True):
        if "error" in answer:
            assert answer["error"]["code"] in (-32602, -32601, -32002, -32700, -32600), (asked, answer)
        assert "root:" not in str(answer), (asked, answer)
    assert not pipe.complaints()


# -- HTTP -----------------------------------------------------------------------------------------------------------

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
LARGEST = 1 << 20


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test that spoke to it over HTTP the process lives, serves, and has not logged that it is broken."""
    yield
    if "port" in request.fixturenames:
        found: Port = request.getfixturevalue("port")
        found.lives()
        assert found.post(PING)[0] == 200
        assert not found.complaints()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 421),
        ({"Host": "127.0.0.1.evil.test"}, 421),
        ({"Host": ""}, 400),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
        ({"Content-Type": ""}, 400),
        ({"Accept": "text/html"}, 406),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic AAAA"}, 401),
        ({"Authorization": "Bearer \xff\xfe"}, 401),
        ({"Content-Length": "-5"}, 400),
        ({"Content-Length": "5x"}, 400),
        ({"Content-Length": "5\r\nContent-Length: 40"}, 400),
        ({"Content-Length": "9" * 20}, 413),
        ({"X-Large": "y" * 200_000}, 400),
        ({"X-Nul": "\0"}, 400),
        ({"X Space": "y"}, 400),
        ({"X-Many": "\r\n".join(["y", *(f"X-{n}: y" for n in range(1000))])}, 200),
    ],
    ids=lambda said: str(said)[:40],
)
def test_what_is_wrong_with_a_request_is_its_status(port: Port, headers: dict[str, str], status: int) -> None:
    assert port.post(PING, **headers)[0] == status


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(port: Port) -> None:
    assert port.post(b" " * LARGEST + PING)[0] == 413
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    chunked = {"Content_Length": "", "Transfer_Encoding": "chunked"}
    assert port.post(chunk * 20, **chunked)[0] == 413
    assert port.post(b"%x\r\n%s\r\n0\r\n\r\n" % (len(PING), PING), **chunked)[0] == 200
    hook = {"path": "/hooks/phaya/x", "Authorization": ""}
    assert port.post(b" " * (LARGEST + 1), **hook)[0] == 413
    assert port.post(chunk * 20, **hook, **chunked)[0] == 413


def test_two_lengths_are_one_request_at_most(port: Port) -> None:
    smuggled = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PING), PING) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    _, answer = port.post(smuggled, Content_Length="5", Transfer_Encoding="chunked")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", ["/mcp", "/hooks/phaya/x"])
def test_whoever_never_finishes_holds_up_nobody(port: Port, path: str) -> None:
    slow = [port.begun(path, head) for head in (True, False) for _ in range(20)]
    port.lives()
    assert port.post(PING)[0] == 200
    for door in slow:
        door.close()


@fuzzed(60)
@given(body=hostile.lines, headers=st.dictionaries(st.sampled_from(hostile.HEADERS), hostile.values, max_size=3))
def test_no_message_breaks_a_server_over_http(port: Port, body: bytes, headers: dict[str, str]) -> None:
    status, answer = port.post(body, **headers)
    assert status in (200, 202, 400, 401, 403, 404, 405, 406, 413, 415, 421), (status, answer[:999])


@fuzzed(60)
@given(start=hostile.starts, body=st.binary(max_size=99))
def test_no_bytes_break_a_server_over_http(port: Port, start: bytes, body: bytes) -> None:
    answer = port.say(start + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer[9:10] in (b"2", b"3", b"4", b""), (start, answer[:999])


# -- backends -------------------------------------------------------------------------------------------------------

HALVES = [
    b'{"choices": [{"delta": {"content": "a fox \\ud83e"}}]}',
    b'{"choices": [{"delta": {"content": "\\udd8a \\ud83e"}}]}',
]


Opener = Callable[[dict[str, Any]], Team]


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Opener]:
    """A server over HTTP whose backend answers as a test tells it."""
    made: list[Team] = []

    def open_one(answers: dict[str, Any]) -> Team:
        phaya = Stranger(answers)
        made.append(Team(tmp_path, phaya.transports, phaya.environ | TOKENS))
        made[0].open()
        return made[0]

    yield open_one
    for one in made:
        one.close()


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_half_an_emoji_from_a_backend_is_mended(odd: Opener, stream: bool) -> None:
    whole = b'{"choices": [{"message": {"role": "assistant", "content": "a fox \\ud83e\\udd8a \\ud83e"}}]}'
    events = b"".join(b"data: " + half + b"\n\n" for half in HALVES) + b"data: [DONE]\n\n"
    answer = (
        Response(events, media_type="text/event-stream") if stream else Response(whole, media_type="application/json")
    )
    server = odd({"POST /phaya-gpt/chat/completions": answer})
    async with server.client(ANNA) as client:
        said = {"prompt": "hello", "model": "phaya-gpt", "options": {"stream": True} if stream else None}
        made = told(await client.call_tool("chat", said))
    assert made["text"] == "a fox 🦊 \ufffd", made


ODD_ANSWERS = (
    *(b"", b"null", b"[]", b'"x"', b"NaN", b"\xff\xfe", b"<html>", b"[" * 100_000, b'{"job_id": ' + b"[" * 900),
    *(
        b'{"job_id": null}',
        b'{"job_id": {}}',
        b'{"job_id": "\\ud800"}',
        b'{"job_id": "../../x?y#z"}',
        b'{"job_id": 1e999}',
    ),
    *(b'{"job_id": "b", "credits_used": NaN}', b'{"job_id": "c", "credits_used": 1e999}', b'{"job_id": "a\\u0000"}'),
    *(b'{"job_id": "d", "credits_used": "lots"}', b'{"job_id": "e", "credits_used": -5}'),
    *(b'{"job_id": "' + b"x" * 99_999 + b'"}', b'{"status": NaN}', b'{"status": "COMPLETED", "image_url": "\\ud800"}'),
    *(b'{"status": "COMPLETED", "image_url": "file:///etc/passwd"}', b'{"credits_balance": NaN}'),
)


@pytest.mark.anyio
@pytest.mark.parametrize("of", ["POST /text-to-image/generate", "GET /user/credits", "GET /text-to-image/status/{}"])
async def test_no_answer_of_a_backend_breaks_a_job(odd: Opener, of: str, caplog: pytest.LogCaptureFixture) -> None:
    ids = itertools.count()

    async def created(_: Any) -> Response:
        return JSONResponse({"job_id": str(next(ids)), "credits_used": 1.0})

    said = [Response(raw, media_type="application/json") for raw in ODD_ANSWERS]
    each = {of.format(number): answer for number, answer in enumerate(said)} if "{}" in of else {of: said}
    server = odd({"POST /text-to-image/generate": created} | each)
    async with server.client(ANNA) as client:
        for number, raw in enumerate(ODD_ANSWERS):
            asked = {"prompt": "a fox", "model": "z-image", "wait_s": 0.1, "variation": number}
            with anyio.fail_after(hostile.BOUND_S):
                made = told(await client.call_tool("generate_image", asked))
            assert made["status"] in ("working", "unknown", "failed", "completed", "refused"), (raw, made)
        assert len(told(await client.call_tool("list_jobs", {"limit": 100}))["jobs"]) == len(ODD_ANSWERS)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


# -- what a person is asked ---------------------------------------------------------------------------------------


@given(st.text() | hostile.texts)
def test_what_somebody_wrote_is_one_harmless_line_in_a_question(text: str) -> None:
    shown = harmless(text)
    assert len(shown) <= 80
    for letter in shown:
        assert letter.isalnum() or letter in " .,;!?'-…" or unicodedata.category(letter).startswith("M")
    assert "  " not in shown and shown == shown.strip()


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_no_prompt_passes_for_the_question(tmp_path: Path, era: str) -> None:
    person = Person("decline", None)
    talk = {"elicitation_callback": person, "mode": era}
    async with House(tmp_path).client(talk=talk, CALLSHEET_ASK="always") as client:
        for text in filter(str.strip, hostile.TEXTS[::2]):
            await client.call_tool("generate_image", {"prompt": text, "model": "z-image"})
    assert len(person.asked) > len(hostile.TEXTS) / 4
    for question in person.asked:
        assert question.startswith("generate_image with phaya/z-image: 1 credit (sandbox, no real money).")
        assert question.endswith("Spend it?")
        assert question.count("“") == question.count("”") < 2
        assert question.isprintable()


# -- keys -----------------------------------------------------------------------------------------------------------


def test_none_of_it_has_told_a_key(folder: Path, older: Pipe, newer: Pipe, spender: Pipe, port: Port) -> None:
    for pipe in (older, newer, spender):
        pipe.call("get_credits", {"detail": True})
    assert {path.name for path in folder.rglob("*")} >= {"answered", "logged", "ledger.sqlite"}
    assert not hostile.told_keys(folder)
