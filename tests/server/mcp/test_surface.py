"""What an agent sees: few tokens, honest annotations, pinned schemas, and errors that say what was meant."""

import difflib
import inspect
import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.types import Tool as Listed
from pydantic import Field
from typer.testing import CliRunner

from callsheet.backends import registry
from callsheet.backends.phaya import image
from callsheet.catalogue import about
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.catalogue.words import OPERATIONS, GenerateImage
from callsheet.cli.commands import app
from callsheet.jobs.receipt import Receipt
from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from tests.conftest import House, told
from tests.conftest import text as text_of
from tests.ours import QUERIES

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

SNAPSHOTS = Path(__file__).with_name("snapshots")
REFRESH = "CALLSHEET_SNAPSHOTS=write pytest tests/server/mcp/test_surface.py -k snapshot"
BUDGET = {"core": 2000, "edit": 3000, "avatar": 1200, "understand": 600, "library": 1000, "studio": 2000}
CORE = {
    *("generate_image", "generate_video", "generate_speech", "generate_music", "generate_subtitles", "chat"),
    *("list_models", "describe_model", "list_voices", "quote", "get_job", "list_jobs", "cancel_job", "get_credits"),
}
READS = ("list_", "get_", "describe_", "search_", "check_")
THINKS = {"quote", "show_tools", "improve_prompt", "complete_prompt", "script_to_shots"}
"""They answer with words, and nothing is changed or paid."""


async def tools(folder: Path, *toolsets: str) -> list[Listed]:
    settings = Settings.load(environ={"CALLSHEET_HOME": str(folder)})
    server, _ = build(settings, toolsets=toolsets or None)
    async with Client(server) as client:
        return (await client.list_tools()).tools


def cost(listed: list[Listed]) -> int:
    """Tokens that a list of tools takes up in a model's context."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, as it is imported
        import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415
    encoding = bpe_openai.get_encoding("cl100k_base")
    shown = ({"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in listed)
    return sum(len(encoding.encode(json.dumps(one, separators=(",", ":"), ensure_ascii=False))) for one in shown)


async def test_the_default_tools_cost_at_most_2000_tokens_and_every_toolset_has_a_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    default = await tools(tmp_path)
    assert {tool.name for tool in default} >= CORE
    figures = {name: cost(await tools(tmp_path, name)) for name in TOOLSETS}
    assert figures["core"] == cost(default)
    with capsys.disabled():
        print("\ntokens:", ", ".join(f"{name} {figure}" for name, figure in figures.items()))
    for name, figure in figures.items():
        assert 0 < figure <= BUDGET.get(name, 2000), name


async def test_each_tool_s_schema_is_its_snapshot(tmp_path: Path) -> None:
    """An unintended change of the surface fails here; an intended one is accepted by the command in REFRESH."""
    now = {}
    for tool in await tools(tmp_path, *TOOLSETS):
        shown = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        now[f"{tool.name}.json"] = json.dumps(shown, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if os.environ.get("CALLSHEET_SNAPSHOTS") == "write":
        SNAPSHOTS.mkdir(exist_ok=True)
        for path in SNAPSHOTS.glob("*.json"):
            path.unlink()
        for name, content in now.items():
            (SNAPSHOTS / name).write_text(content, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in SNAPSHOTS.glob("*.json")}
    lines = [
        line
        for name in sorted(now | kept)
        for line in difflib.unified_diff(kept.get(name, "").splitlines(), now.get(name, "").splitlines(), name, name)
    ]
    assert not lines, "\n".join(["the surface has changed; if that is meant:", REFRESH, *lines])


async def test_annotations_are_honest(tmp_path: Path) -> None:
    for tool in await tools(tmp_path, *TOOLSETS):
        note = tool.annotations
        assert note is not None
        assert note.open_world_hint is True
        reads = tool.name in THINKS or tool.name.startswith(READS)
        assert note.read_only_hint is reads, tool.name
        if tool.name.startswith(("delete_", "cancel_", "remove_")) and tool.name not in OPERATIONS:
            assert note.destructive_hint is True, tool.name
        if tool.name in OPERATIONS:
            assert (note.read_only_hint, note.destructive_hint, note.idempotent_hint) == (False, False, False)


async def test_every_tool_says_what_it_does_takes_and_gives(tmp_path: Path) -> None:
    listed = await tools(tmp_path, *TOOLSETS)
    assert len({tool.name for tool in listed}) == len(listed) == len(OPERATIONS) + len(QUERIES)
    for tool in listed:
        assert tool.description
        assert "additionalProperties" not in tool.input_schema  # Google's converter takes none; the words refuse it
        assert tool.output_schema
        assert tool.output_schema["type"] == "object"
        text = json.dumps(tool.input_schema)
        assert "$ref" not in text
        assert '"title":' not in text or '"title": {' in text


async def test_a_receipt_is_what_the_output_schema_says_and_nothing_is_null(house: MakeHouse) -> None:
    async with house().client() as client:
        result = await client.call_tool("generate_image", {"prompt": "a fox"})
    receipt = told(result)
    assert Receipt.model_validate(receipt).as_dict() == receipt
    assert "null" not in json.dumps(receipt)
    pinned = {"job_id", "status", "operation", "title", "model", "backend", "sandbox", "credits", "media", "elapsed_s"}
    assert receipt.keys() == pinned
    assert receipt["credits"].keys() >= {"quoted", "charged", "balance", "spent_today", "basis"}
    assert receipt["media"][0].keys() == {
        *("uri", "path", "url", "mime_type", "bytes", "sha256", "width", "height"),
    }
    assert text_of(result).count("\n") == 1
    kinds = [part.type for part in result.content]
    assert kinds == ["text", "resource_link", "image"]
    picture = next(part for part in result.content if part.type == "image")
    assert len(picture.data) < 40_000 * 4 / 3 + 4
    assert "base64" not in json.dumps(receipt)


WRONG: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "a misspelt word": ("generate_image", {"promt": "a fox"}, ("unknown argument `promt`", "did you mean `prompt`")),
    "another vendor's word": (
        "generate_video",
        {"prompt": "a fox", "duration": 4},
        ("did you mean `duration_seconds`",),
    ),
    "a misspelt word of a query": ("get_job", {"job": "j_1"}, ("did you mean `job_id`",)),
    "no prompt": ("generate_image", {}, ("`prompt` is required",)),
    "a misspelt model": ("generate_image", {"prompt": "x", "model": "phaya/z-imag"}, ("Did you mean `phaya/z-image`",)),
    "a model of another operation": ("generate_image", {"prompt": "x", "model": "sora-2"}, ("no model `sora-2`",)),
    "a value that it has not": (
        "generate_image",
        {"prompt": "x", "model": "z-image", "aspect_ratio": "21:9"},
        ("'16:9'", "seedream-5.0 could do it"),
    ),
    "a word that the model does not take": (
        "generate_image",
        {"prompt": "x", "model": "z-image", "seed": 1},
        ("takes no `seed`",),
    ),
    "an option of another model": (
        "generate_image",
        {"prompt": "x", "model": "seedream-5.0", "options": {"qualty": "high"}},
        ("no option `qualty`", "did you mean `quality`"),
    ),
    "an option that has a word": (
        "generate_video",
        {"prompt": "a fox", "model": "seedance-1.5-pro", "options": {"duration": "4"}},
        ("say `duration_seconds`",),
    ),
    "an unknown job": ("get_job", {"job_id": "j_" + "0" * 26}, ("There is no job",)),
    "too much": ("generate_image", {"prompt": "x", "count": 21}, ("`count`",)),
    "nonsense": ("generate_image", {"prompt": {"deep": []}}, ("`prompt`",)),
}


async def test_what_is_wrong_is_said_with_what_was_meant_and_no_job_is_made_of_it(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        for name, (tool, said, words) in WRONG.items():
            result = await client.call_tool(tool, said)
            assert result.is_error, name
            assert result.structured_content is None
            for word in words:
                assert word in text_of(result), (name, text_of(result))
        assert told(await client.call_tool("list_jobs", {}))["jobs"] == []
    assert home.calls(route="") == []


async def test_arguments_may_come_as_json_text_and_empty_ones_count_as_unsaid(house: MakeHouse) -> None:
    async with house().client() as client:
        said: dict[str, Any] = {
            "prompt": "a fox",
            "model": "seedream-5.0",
            "options": '{"quality": "high"}',
            "images": [],
            "seed": None,
        }
        assert told(await client.call_tool("generate_image", said))["media"][0]["width"] == 2048
        quote = {"operation": "image", "arguments": '{"prompt": "a fox", "model": "z-image"}'}
        assert told(await client.call_tool("quote", quote))["credits"] == 1.0


async def test_progress_is_told_while_a_tool_waits_and_always_grows(house: MakeHouse) -> None:
    heard: list[tuple[float, str]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message or ""))

    async with house(pace="looks", looks=4).client() as client:
        await client.call_tool("generate_image", {"prompt": "a fox"}, progress_callback=hear)
        said: dict[str, Any] = {"prompt": "count to ten", "model": "phaya-gpt", "options": {"stream": True}}
        chat = told(await client.call_tool("chat", said, progress_callback=hear))
    assert "phaya/z-image" in heard[0][1]
    assert any(message and message in chat["text"] for _, message in heard)


async def test_list_jobs_tells_of_all_of_them_by_status_and_time(house: MakeHouse) -> None:
    async with house().client() as client:
        await client.call_tool("generate_image", {"prompt": "one"})
        await client.call_tool("generate_image", {"prompt": "two [fail]"})

        async def listed(**said: Any) -> list[str]:
            return [job["title"] for job in told(await client.call_tool("list_jobs", said))["jobs"]]

        assert await listed() == ["two [fail]", "one"]
        assert await listed(status="completed") == ["one"]
        assert await listed(limit=1) == ["two [fail]"]
        assert await listed(since="2099-01-01") == []
        assert (await client.call_tool("list_jobs", {"since": "yesterday"})).is_error


async def test_models_are_found_by_operation_backend_and_what_they_can_do(house: MakeHouse) -> None:
    async with house().client() as client:

        async def found(**said: Any) -> set[str]:
            return {row["id"] for row in told(await client.call_tool("list_models", said))["models"]}

        assert {"phaya/z-image", "phaya/gpt-image-2"} <= await found(operation="image", backend="phaya")
        assert await found(operation="generate_video", backend="phaya", can="last frame") == {
            *("phaya/seedance-1.5-pro", "phaya/veo-3.1-fast", "phaya/veo-3.1"),
        }
        described = told(await client.call_tool("describe_model", {"model": "seedance-1.5-pro"}))
        assert described["options"].keys() == {"fixed_lens", "generate_audio"}
        assert {"resolution": "1080p", "duration_seconds": 12, "generate_audio": True, "credits": "35 credits"} in (
            described["prices"]
        )


# -- adding a model -------------------------------------------------------------------------------------------------


class Etching(Model):
    """Fine lines on copper."""

    words, id, path = GenerateImage, "phaya/etching", "/text-to-image/generate"
    makes, results, auto = "image", ("image_url",), False

    prompt: Annotated[str, Field(max_length=1000)]
    aspect_ratio: Literal["1:1", "4:3"] = "4:3"

    def price(self) -> Price:
        return exactly("1.0")


@pytest.fixture
def etching() -> Iterator[type[Model]]:
    before = image.MODELS
    for models in ((*before, Etching), before):
        image.MODELS = models
        registry.models.cache_clear()
        registry.catalogue.cache_clear()
        if models is not before:
            yield Etching


async def test_a_model_is_one_class_and_is_in_the_tool_the_cli_the_quote_and_the_table(
    house: MakeHouse, etching: type[Model]
) -> None:
    assert len(inspect.getsource(etching).splitlines()) <= 25
    async with house().client() as client:
        said = {"prompt": "a fox", "model": "etching"}
        receipt = told(await client.call_tool("generate_image", said))
        assert (receipt["status"], receipt["model"]) == ("completed", "phaya/etching")
        assert receipt["media"][0]["width"] > receipt["media"][0]["height"]
        quote = told(await client.call_tool("quote", {"operation": "image", "arguments": said}))
        assert quote["credits"] == 1.0
    run = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(app, ["models", "image", "--json"]))
    rows = {row["id"]: row for row in json.loads(run.stdout)}
    assert rows["phaya/etching"] == about.row(etching)
    assert about.row(etching)["summary"] == "Fine lines on copper."
    assert about.describe(etching)["words"]["aspect_ratio"] == {"accepts": "1:1, 4:3", "default": "4:3"}
