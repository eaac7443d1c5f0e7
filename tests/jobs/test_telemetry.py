"""What OpenTelemetry and the logs are told: the steps and their figures, and never a prompt, a key or a signed link."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.responses import JSONResponse

from callsheet.settings.settings import Settings
from callsheet_server import logs
from tests.conftest import KEY, House, Stranger, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

PROMPT = "a very private fox"
SIGNED = "https://cdn.example.com/a.png?X-Amz-Signature=deadbeef&token=s3cr3t"


class Heard:
    """What was told since a test began."""

    def __init__(self, spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self.exporter, self.reader = spans, reader

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        data = self.reader.get_metrics_data()
        found = []
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found += [(dict(point.attributes or {}), point) for point in metric.data.data_points]
        return found


@pytest.fixture(scope="module")
def collected() -> Heard:
    """OpenTelemetry's SDK, which a process can have only once."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(MeterProvider([reader]))
    return Heard(exporter, reader)


@pytest.fixture
def heard(collected: Heard) -> Iterator[Heard]:
    collected.exporter.clear()
    yield collected


async def settled(client: Client, job_id: str) -> dict[str, Any]:
    return told(await client.call_tool("get_job", {"job_id": job_id, "wait_s": 30}))


async def test_a_job_s_steps_are_spans_inside_the_call_that_asked_for_it(house: MakeHouse, heard: Heard) -> None:
    async with house().client() as client:
        made = told(await client.call_tool("generate_image", {"prompt": PROMPT, "model": "nano-banana-2"}))
    spans = {span.name: span for span in heard.spans()}
    call = spans["tools/call generate_image"]
    for name in ("callsheet quote", "callsheet submit", "callsheet look", "callsheet fetch"):
        span = spans[name]
        assert span.context.trace_id == call.context.trace_id, name
        assert span.attributes is not None
        assert span.attributes["callsheet.job_id"] == made["job_id"]
        assert span.attributes["callsheet.model"] == "phaya/nano-banana-2"
    told_all = "".join(span.to_json() for span in heard.spans())
    assert PROMPT not in told_all
    assert "http" not in told_all.replace("https://opentelemetry", "")


async def test_credits_are_counted_by_model_and_a_result_s_lag_is_known(house: MakeHouse, heard: Heard) -> None:
    model = "phaya/seedream-5.0"
    async with house().client() as client:
        said = {"prompt": PROMPT, "model": "seedream-5.0"}
        made = told(await client.call_tool("generate_image", said))
        assert (made["model"], made["status"]) == (model, "completed")
        charged = made["credits"]["charged"]
    (spent,) = (p.value for about, p in heard.points("callsheet.credits") if about["callsheet.model"] == model)
    assert spent == charged
    (jobs,) = ((a, p.value) for a, p in heard.points("callsheet.jobs") if a["callsheet.model"] == model)
    assert (jobs[0]["callsheet.stage"], jobs[1]) == ("stored", 1)
    for name in ("callsheet.job.duration", "callsheet.look.lag"):
        (point,) = (p for about, p in heard.points(name) if about["callsheet.model"] == model)
        assert point.count == 1
        assert 0 <= point.sum < 60


async def test_an_error_in_a_span_is_its_kind_alone(heard: Heard, tmp_path: Path) -> None:
    angry = JSONResponse({"detail": f"{KEY} may not open {SIGNED} for {PROMPT}"}, 500)
    stranger = Stranger({"GET /user/credits": angry, "POST /text-to-image/generate": angry})
    async with House(tmp_path).client(stranger, CALLSHEET_WAIT="5") as client:
        await client.call_tool("generate_image", {"prompt": PROMPT})
    told_all = "".join(span.to_json() for span in heard.spans())
    assert "callsheet quote" in told_all
    for secret in (KEY, "deadbeef", "s3cr3t", PROMPT):
        assert secret not in told_all


def logged(say: Callable[[logging.Logger], None], **environ: str) -> str:
    """What comes out on stderr."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.start(Settings.load(environ={"CALLSHEET_LOG_LEVEL": "debug"} | environ), stream)
        say(logging.getLogger("callsheet.test"))
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    return stream.getvalue()


def test_a_log_line_is_json_and_says_no_key_and_no_signed_link() -> None:
    def say(log: logging.Logger) -> None:
        log.warning("Authorization: Bearer %s, see %s", "abc.def-ghi", SIGNED)
        log.info("the key is %s", KEY)
        log.error("at postgresql://ann:hunter2@db/ledger, api_key=%s", "xyz987")
        try:
            raise ValueError(f"{KEY} at {SIGNED}")
        except ValueError:
            log.exception("it broke\nin two lines")

    out = logged(say, PHAYA_API_KEY=KEY, CALLSHEET_HTTP_TOKENS="ann:not-a-real-token-1")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "info", "error", "error"]
    assert lines[3]["message"] == "it broke\nin two lines"
    assert "ValueError" in lines[3]["error"]
    assert "https://cdn.example.com/a.png?X-Amz-Signature=[hidden]" in lines[0]["message"]
    for secret in (KEY, "abc.def", "deadbeef", "s3cr3t", "hunter2", "xyz987"):
        assert secret not in out


@given(before=st.text(max_size=40), after=st.text(max_size=40), token=st.text("abcdef0123456789-._", min_size=16))
def test_a_known_secret_never_comes_out_whatever_stands_around_it(before: str, after: str, token: str) -> None:
    filtering = logs.Redacting(frozenset({token}))
    assert token not in filtering.clean(f"{before}{token}{after}").replace(logs.HIDDEN, "\0")


async def test_a_server_s_own_log_holds_no_secret(tmp_path: Path) -> None:
    """A job that fails in every way, in a process of its own, at the chattiest level."""
    from tests.conftest import CALLSHEET, surroundings  # noqa: PLC0415

    environ = {
        "CALLSHEET_HOME": str(tmp_path / "home"),
        "CALLSHEET_OUTPUT_DIR": str(tmp_path / "out"),
        "CALLSHEET_LOG_LEVEL": "debug",
        "CALLSHEET_WAIT": "3",
        "PHAYA_API_KEY": KEY,
        "PHAYA_BASE": "http://127.0.0.1:9/api/v1",
    }
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            **{"jsonrpc": "2.0", "id": 2, "method": "tools/call"},
            "params": {"name": "generate_image", "arguments": {"prompt": PROMPT, "images": [SIGNED]}},
        },
    ]
    asked = "".join(json.dumps(message) + "\n" for message in messages).encode()
    log = tmp_path / "log"
    with anyio.fail_after(60), log.open("wb") as stderr:
        async with await anyio.open_process([CALLSHEET, "serve"], env=surroundings(environ), stderr=stderr) as process:
            assert process.stdin
            assert process.stdout
            await process.stdin.send(asked)
            answered = b""
            while b'"id":2' not in answered:
                answered += await process.stdout.receive()
            process.terminate()
    said = log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines
    for secret in (KEY, "deadbeef", "s3cr3t"):
        assert secret not in said
