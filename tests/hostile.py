"""Plumbing for hostile input: a server that takes any bytes, what people with bad intentions send, and what it may not
answer or leave behind."""

import contextlib
import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from callsheet.catalogue.schema import lean
from callsheet.catalogue.words import OPERATIONS
from callsheet.queries.queries import TOOLSETS
from tests.conftest import CALLSHEET, Box, free_port, surroundings, wait_for
from tests.ours import QUERIES, catalogue

BOUND_S = 20.0
"""Nothing may take longer, on however busy a machine."""
TELLTALE = "telltale"
"""In every key below, so that one look finds any of them."""
SECRETS = {
    "PHAYA_API_KEY": "pk_telltale_phaya_0123456789",
    "PROGRESSIVE_ROBOT_API_KEY": "pk_telltale_robot_0123456789",
    "PH0NY_API_KEY": "pk_telltale_ph0ny_0123456789",
    "PH0NY_WEBHOOK_SECRET": "whsec_telltale_0123456789",
    "PH0NY_PROVIDER_KEYS": "elevenlabs:sk-telltale-elevenlabs,heygen:sk-telltale-heygen",
    "PHANTAISIA_TOKEN": "pt_telltale_phantaisia_0123456789",
    "CALLSHEET_SECRET": "telltale-secret-" * 3,
}
TOKEN = "anna-telltale-0123456789"
"""What the caller over HTTP shows."""


def environ(folder: Path, box: Box, **more: str) -> dict[str, str]:
    """All keys there are, each for the sandbox; everything that is said is logged."""
    ours = {
        "CALLSHEET_HOME": str(folder / "home"),
        "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
        "CALLSHEET_LOG_LEVEL": "debug",
        "CALLSHEET_RATE": "100000",
        "CALLSHEET_WAIT": "0.1",
        "CALLSHEET_TOOLSETS": ",".join(TOOLSETS),
        "PHAYA_BASE": f"{box.origin}/api/v1",
        "PROGRESSIVE_ROBOT_BASE": box.origin,
        "PH0NY_BASE": box.origin,
        "PHANTAISIA_BASE": box.origin,
    }
    return surroundings(ours | SECRETS | more)


# -- servers --------------------------------------------------------------------------------------------------------


class Server:
    """A process, and what it writes on stderr."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self.folder, self.read = process, folder, 0

    def complaints(self) -> list[str]:
        """What was logged since the last look and means that something is broken: errors, tracebacks, no log at all."""
        with (self.folder / "logged").open("rb") as log:
            log.seek(self.read)
            found = log.read().rpartition(b"\n")
        self.read += len(found[0]) + len(found[1])
        return [line for line in found[0].decode().splitlines() if bad(line)]


def bad(line: str) -> bool:
    """Whether a line of the log tells of something broken."""
    if not line.startswith("{"):
        return not line.startswith("callsheet: http://")
    record = json.loads(line)
    hung_up = "ClientDisconnect" in record.get("error", "") and record["logger"].startswith("mcp.")
    return not hung_up and (record["level"] in ("error", "critical") or "error" in record)


class Pipe(Server):
    """A server on a pipe, that hears bytes and whose answers come as they come."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, capabilities: dict[str, Any] | None) -> None:
        super().__init__(process, folder)
        self.heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.number = 0
        self.meta = capabilities and {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }
        """What each request carries in the newer era; None in the older."""
        self.stands_for: dict[bytes, bytes] = {}
        """Jobs that there are, by what stands for them."""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Keep all that is answered; each line is a JSON-RPC message by the letter."""
        assert self.process.stdout
        with (self.folder / "answered").open("ab", 0) as kept:
            for line in self.process.stdout:
                kept.write(line)
                self.heard.put(json.loads(line, parse_constant=refuse))
        self.heard.put(None)

    def send(self, *lines: bytes) -> None:
        """Put lines on the pipe."""
        assert self.process.stdin
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.process.stdin.flush()

    def begin(self) -> None:
        """Shake hands, in the era that does."""
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        if self.meta is None:
            [answer] = self.ask(("initialize", client))
            assert answer["result"]["serverInfo"]["name"] == "callsheet"
            self.send(encoded({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def ask(self, *requests: tuple[str, Any], noise: Iterable[bytes] = ()) -> list[dict[str, Any]]:
        """The answers to requests that are sent at once, with noise before them, within the bound."""
        names, lines = [], list(noise)
        for method, params in requests:
            self.number += 1
            names.append(f"good-{self.number}")
            told = params | {"_meta": self.meta} if self.meta else params
            line = encoded({"jsonrpc": "2.0", "id": names[-1], "method": method, "params": told})
            for name, job in self.stands_for.items():
                line = line.replace(name, job)
            lines.append(line)
        threading.Thread(target=self.send, args=lines, daemon=True).start()
        found: dict[Any, dict[str, Any]] = {}
        until = time.monotonic() + BOUND_S
        while len(found) < len(names):
            try:
                message = self.heard.get(timeout=max(until - time.monotonic(), 0.01))
            except queue.Empty:
                mute = [requests[n] for n, name in enumerate(names) if name not in found]
                raise AssertionError(f"no answer within {BOUND_S:g} s to {mute!r:.2000}") from None
            assert message is not None, f"the server has ended ({self.process.wait()}): {self.complaints()}"
            assert message["jsonrpc"] == "2.0"
            if message.get("id") in names and "method" not in message:
                found[message["id"]] = message
        return [found[name] for name in names]

    def call(self, tool: str, *arguments: Any) -> list[dict[str, Any]]:
        """The answers to calls of a tool, all at once."""
        return self.ask(*(("tools/call", {"name": tool, "arguments": said}) for said in arguments))


def refuse(constant: str) -> None:
    """NaN and Infinity are no JSON."""
    raise AssertionError(f"{constant} on the wire")


def encoded(message: Any) -> bytes:
    """JSON as hosts write it, NaN and halves of letters included."""
    return json.dumps(message).encode()


@contextmanager
def started(folder: Path, environ: dict[str, str], *args: str, pipes: int | None = None) -> Iterator[Any]:
    """A server's process, whose stderr is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "logged").open("ab") as log,
        subprocess.Popen(
            [CALLSHEET, "serve", *args], env=environ, cwd=folder, stdin=pipes, stdout=pipes, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def piped(folder: Path, box: Box, capabilities: dict[str, Any] | None = None, **more: str) -> Iterator[Pipe]:
    """A server on a pipe; with `capabilities` in the newer era."""
    with started(folder, environ(folder, box, **more), pipes=subprocess.PIPE) as process:
        yield Pipe(process, folder, capabilities)


class Port(Server):
    """A server over HTTP, spoken to in bytes."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, number: int) -> None:
        super().__init__(process, folder)
        self.number, self.host = number, f"127.0.0.1:{number}"

    def lives(self) -> None:
        """Whoever asks how it is, is told."""
        assert self.say(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 20")

    def say(self, *parts: bytes) -> bytes:
        """All that is answered to some bytes until the server hangs up; what it no longer wants to hear is not said."""
        with socket.create_connection(("127.0.0.1", self.number), BOUND_S) as door:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for part in parts:
                    door.sendall(part)
            found = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := door.recv(1 << 16):
                    found += piece
        self.keep(found)
        return found

    def post(self, body: bytes, path: str = "/mcp", **headers: str) -> tuple[int, bytes]:
        """The status and the whole answer to one POST with a good token, unless the headers say otherwise."""
        said = {
            "Host": self.host,
            "Authorization": f"Bearer {TOKEN}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
        answer = self.say(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body)
        return (int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0), answer

    def begun(self, path: str, head: bool) -> socket.socket:
        """A connection on which a request has begun and does not go on: after its head, or within it."""
        door = socket.create_connection(("127.0.0.1", self.number), BOUND_S)
        said = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        said += "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
        door.sendall(said.encode() + (b"Content-Length: 100\r\n\r\n{" if head else b"X-"))
        return door

    def keep(self, answer: bytes) -> None:
        """Remember all that is answered."""
        with (self.folder / "answered").open("ab") as kept:
            kept.write(answer + b"\n")


@contextmanager
def ported(folder: Path, box: Box, **more: str) -> Iterator[Port]:
    """A server over HTTP."""
    number, tokens = free_port(), {"CALLSHEET_HTTP_TOKENS": f"anna:{TOKEN}"}
    (folder / "home").mkdir(parents=True, exist_ok=True)
    (folder / "home" / "callers.toml").write_text("[anna]\nrequests_per_minute = 100000\nadmin = true\n")
    with started(folder, environ(folder, box, **tokens, **more), "--http", "--port", str(number)) as process:
        wait_for(number, process)
        yield Port(process, folder, number)


def told_keys(folder: Path) -> list[str]:
    """Every file below a folder that has one of the keys in it: all that was answered, logged and written down."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "secret"]
    return [str(path) for path in files if TELLTALE.encode() in path.read_bytes()]


# -- what is sent ---------------------------------------------------------------------------------------------------

PICTURE, FILM, SOUND = (f"j_{n * 26}" for n in "abc")
"""Stand for jobs that there are, where a server has made some."""

TEXTS = (
    *("", " ", "\n", "\0", "a\0b", "-y", "--help", ";rm -rf /", "|id", "$(id)", "`id`", "%{pts}", "[in]null[out]", "'"),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "~root/x",
        "~nobody-here/x",
        "~\0",
        "\\\\host\\share\\x",
        "C:\\x",
    ),
    *(
        "file:///etc/passwd",
        "concat:/etc/passwd",
        "ftp://x/y",
        "gopher://127.0.0.1/",
        "//x/y",
        "http://",
        "http://[::1",
    ),
    *("http://127.0.0.1:22/", "http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/", "http://2130706433/"),
    *("http://localhost/x.png", "http://a:b@127.0.0.1/", "https://x:99999999/", "http://\0/", "http://x/\r\nHost: y"),
    *("media://../../x", "media://j_/0", "media://%2e%2e/0", "job://../x", "$1", "media://$1/2", "j_../../x"),
    *(f"media://{PICTURE}/0", f"media://{PICTURE}/999", f"media://{PICTURE}/../0", PICTURE, FILM, SOUND),
    *("data:", "data:,", "data:image/png;base64,AAAA", "data:image/png;base64,%%%", "data:text/html,<script>"),
    *("nan", "NaN", "inf", "-inf", "1e400", "9" * 5000, "٣", "²", "true", "null", "0", "-1", "2026-02-30T25:00"),
    *("[", "[" * 3000, '{"a":' * 300, "[NaN]", '["\\ud800"]', '{"a": "\\ud800"}', '{"__class__": 1}', '[{"role": 1}]'),
    *("x" * 5000, "\u202e\u2066x\x1b[31m", "<script>alert(1)</script>", "{{7*7}}", "{0.__class__}", "%s%n", "\ufeffx"),
    *("👩‍👩‍👧‍👦", "e\u0301" * 50, "\U0010ffff", "auto", "phaya/", "/", "local", "__init__", "constructor"),
)
"""What somebody writes who wants something to break, or to read and reach what is not theirs."""

NUMBERS = (0, -1, 1, 2, 5, 2**31, 2**63, 2**64, -(10**30), 10**400, 0.5, 1e-300, 1e308, float("nan"), float("inf"))

texts = st.sampled_from(TEXTS) | st.text(max_size=30)
numbers = st.sampled_from(NUMBERS)
scalars = st.none() | st.booleans() | numbers | texts
junk = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema allows, and a value just beyond it."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": texts,
        "integer": st.integers(0, 64) | numbers,
        "number": st.floats(0, 60) | numbers,
        "boolean": st.booleans(),
        "object": st.dictionaries(texts, scalars, max_size=3),
    }
    if schema.get("type") == "array":
        return st.lists(fitting(schema.get("items", {})), max_size=3)
    return kinds.get(schema.get("type", ""), junk)


MADE = {"image": PICTURE, "video": FILM, "audio": SOUND}


@st.composite
def arguments(draw: st.DrawFn, tool: str, sane: bool = False) -> dict[str, Any]:
    """Arguments of a tool: mostly all it needs and a few more, sometimes of another type, sometimes unknown ones. Of
    `sane` ones something could be made more often."""
    schema = lean(OPERATIONS.get(tool) or QUERIES[tool])
    fields, needed = schema.get("properties", {}), schema.get("required", [])
    more = draw(st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True)) if fields else []
    said = {}
    for name in sorted({*needed, *more}):
        fits, kind = fitting(fields[name]), next((made for word, made in MADE.items() if word in name), None)
        if kind and sane:
            said[name] = [kind, kind] if fields[name].get("type") == "array" else kind
        else:
            said[name] = draw(fits if sane else st.one_of(fits, fits, fits, junk))
    if "model" in fields and tool in OPERATIONS:
        said["model"] = draw(st.sampled_from(["auto", *(model.id for model in catalogue.models(tool))]) | texts)
    return said if sane else said | draw(st.just({}) | st.just({}) | st.dictionaries(texts, scalars, max_size=1))


METHODS = (
    *("initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/read"),
    *("resources/templates/list", "resources/subscribe", "resources/unsubscribe", "subscriptions/listen"),
    *("prompts/list", "prompts/get", "completion/complete", "logging/setLevel", "tasks/get", "tasks/update"),
    *("tasks/cancel", "notifications/initialized", "notifications/cancelled", "notifications/progress"),
    *("notifications/roots/list_changed", "elicitation/create", "sampling/createMessage", "rpc.discover", "", "\0"),
)
WORDS = ("name", "arguments", "uri", "cursor", "ref", "argument", "taskId", "inputResponses", "requestState", "level")
params = junk | st.dictionaries(st.sampled_from((*WORDS, "_meta", "notifications", "requestId")), junk, max_size=4)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | st.just("2.0") | st.just("2.0") | junk,
        "id": st.integers() | st.just(1) | junk,
        "method": st.sampled_from(METHODS) | st.sampled_from(METHODS) | junk,
        "params": params,
        "result": junk,
        "error": junk,
    },
)
LINES = (
    *(
        b"",
        b" ",
        b"\r",
        b"\0",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"[[]]",
        b"1e999",
        b"{",
        b"}",
        b'"',
        b"GET / HTTP/1.1",
    ),
    b"[" * 100_000,
    b'{"jsonrpc":"2.0","id":7,"method":"ping","params":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    b'{"jsonrpc":"2.0","id":7,"method":"' + b"x" * 1_000_000 + b'"}',
    b'{"jsonrpc":"2.0","id":8,"id":9,"method":"ping","method":"tools/list","params":{},"params":[]}',
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_job","arguments":{"job_id":"\xc3\x28"}}}',
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"result":{}}',
    b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}',
    b"Content-Length: 2\r\n\r\n{}",
)
lines = (
    envelopes.map(encoded)
    | st.lists(envelopes, max_size=3).map(encoded)
    | st.sampled_from(LINES)
    | st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))
)
"""Lines that may be anything, most of them nearly a message."""

HEADERS = ("Mcp_Protocol_Version", "Mcp_Method", "Mcp_Name", "Mcp_Session_Id", "Last_Event_ID", "Content_Encoding", "X")
values = st.sampled_from(
    ("2025-11-25", "2026-07-28", "1", "=?base64?%%?=", "=?base64?gA==?=", "tools/call", "gzip", "\xff")
)
starts = st.builds(
    b"%s %s %s".__mod__,
    st.tuples(
        st.sampled_from((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"x", b"")),
        st.sampled_from(
            (
                *(
                    b"/",
                    b"//",
                    b"*",
                    b"",
                    b"http://evil.test/mcp",
                    b"/MCP",
                    b"/mcp/",
                    b"/mcp/../healthz",
                    b"/%00",
                    b"/\xff",
                ),
                *(b"/media/../../etc/passwd", b"/media/%2e%2e/0/%2e%2e%2fetc", b"/media/j_1/%D9%A3/x?expires=%D9%A3"),
                *(
                    b"/media/j_1/0/x?signature=%ed%a0%80&expires=9",
                    b"/media/j_1/" + b"9" * 5000 + b"/x",
                    b"/media/%00/0/x",
                ),
                *(
                    b"/hooks/ph0ny/x",
                    b"/hooks/phaya/%00",
                    b"/hooks/%2e%2e/x",
                    b"/hooks/phaya/%ed%a0%80",
                    b"/.well-known/",
                ),
            )
        ),
        st.sampled_from((b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"", b"x")),
    ),
)
"""First lines of requests, other than that which opens a stream."""
