"""Tools that are not shown at first: how an agent comes by them, and what vendors make of all of them."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anthropic.lib.tools.mcp import mcp_tool
from mcp import Client
from mcp.types import ToolListChangedNotification

from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from tests.conftest import House, Stranger, text, told
from tests.server.mcp.test_surface import tools
from tests.team import ANNA, BEN, TOKENS, Team

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

WIRE = 14_000
"""Characters of the default list, as it is sent."""


def alone(folder: Path) -> Any:
    """A server that shows `core`."""
    own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
    return build(Settings.load(environ=own), Stranger().transports)[0]


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_toolset_is_shown_to_whoever_asks_for_it_with_its_arguments(tmp_path: Path, mode: Any) -> None:
    changed = anyio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    async with Client(alone(tmp_path), mode=mode, message_handler=hear) as client:
        assert client.server_capabilities.tools and client.server_capabilities.tools.list_changed
        assert "trim_video" not in await names(client)
        shown = told(await client.call_tool("show_tools", {"toolsets": ["edit"]}))
        [trim] = [tool for tool in shown["tools"] if tool["name"] == "trim_video"]
        assert trim["arguments"]["required"] == ["video"] and "start_seconds" in trim["arguments"]["properties"]
        assert "plan(" in shown["next"]
        assert {"trim_video", "generate_image"} <= await names(client)
        if mode == "legacy":
            with anyio.fail_after(20):
                await changed.wait()
        missing = await client.call_tool("trim_video", {"video": "j_" + "0" * 26, "start_seconds": 1})
        assert missing.is_error and "show_tools" not in text(missing)


async def test_whoever_listens_is_told_that_there_are_more_tools(tmp_path: Path) -> None:
    async with Client(alone(tmp_path)) as client, client.listen(tools_list_changed=True) as stream:
        await client.call_tool("show_tools", {"toolsets": ["avatar"]})
        with anyio.fail_after(20):
            assert "ToolsListChanged" in type(await anext(aiter(stream))).__name__


async def test_a_hidden_tool_called_by_name_says_both_ways_to_it(tmp_path: Path) -> None:
    async with Client(alone(tmp_path)) as client:
        found = await client.call_tool("trim_video", {"video": "film.mp4"})
        assert found.is_error
        assert "show_tools(toolsets=['edit'])" in text(found) and "plan(calls=[{tool: 'trim_video'" in text(found)
        routes = await client.call_tool("list_projects", {})
        assert "show_tools(toolsets=['studio'])" in text(routes) and "plan(" not in text(routes)
        wrong = await client.call_tool("show_tools", {"toolsets": ["edits"]})
        assert wrong.is_error and "There is no toolset edits" in text(wrong)


async def test_a_caller_of_a_team_is_shown_no_more_than_they_may_use(tmp_path: Path) -> None:
    phaya = Stranger()
    team = Team(tmp_path, phaya.transports, phaya.environ | TOKENS, '[ben]\ntoolsets = "edit"\n')
    team.open()
    try:
        async with team.client(ANNA) as anna, team.client(BEN) as ben:
            refused = await anna.call_tool("show_tools", {"toolsets": ["edit"]})
            assert refused.is_error and "There are core." in text(refused)
            assert "trim_video" not in await names(anna) and "trim_video" in await names(ben)
    finally:
        team.close()


# -- vendors --------------------------------------------------------------------------------------------------------


async def test_the_default_list_is_short_on_the_wire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [t.model_dump(mode="json", by_alias=True, exclude_none=True) for t in await tools(tmp_path)]
    size = len(json.dumps(shown, separators=(",", ":"), ensure_ascii=False))
    with capsys.disabled():
        print(f"\ndefault list: {size:,} characters on the wire")
    assert size <= WIRE


async def test_no_schema_has_what_a_vendor_refuses(tmp_path: Path) -> None:
    refused = {"additionalProperties", "exclusiveMinimum", "exclusiveMaximum", "$ref", "$defs", "allOf", "oneOf"}

    def walk(node: Any, where: str) -> None:
        if isinstance(node, list):
            for one in node:
                walk(one, where)
        if isinstance(node, dict):
            assert not refused & node.keys(), where
            if node.get("type") == "object" and where.count("/"):
                assert node.get("properties"), where
            for name, value in node.items():
                for word, inner in value.items() if name == "properties" else ():
                    walk(inner, f"{where}/{word}")
                if name in ("items", "anyOf"):
                    walk(value, f"{where}/{name}")

    for tool in await tools(tmp_path, *TOOLSETS):
        walk(tool.input_schema, tool.name)


async def test_words_with_a_format_show_an_example(tmp_path: Path) -> None:
    formats = {"aspect_ratio", "resolution", "language", "image", "images", "video", "audio", "color", "since"}
    for tool in await tools(tmp_path, *TOOLSETS):
        for word, node in tool.input_schema["properties"].items():
            if word in formats and "enum" not in node:
                assert node.get("description"), (tool.name, word)


async def test_google_openai_and_anthropic_convert_every_tool(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their own, as they are imported
        from agents import Agent  # noqa: PLC0415
        from agents.mcp import MCPServerStdio, MCPUtil  # noqa: PLC0415
        from google.genai._mcp_utils import mcp_to_gemini_tools  # noqa: PLC0415

    listed = await tools(tmp_path, *TOOLSETS)
    for tool, google in zip(listed, mcp_to_gemini_tools(listed), strict=True):
        [declared] = google.function_declarations
        assert set(declared.parameters.properties or ()) == set(tool.input_schema["properties"]), tool.name
    nobody = MCPServerStdio(params={"command": "none"})
    for tool in listed:
        found = MCPUtil.to_function_tool(tool, nobody, convert_schemas_to_strict=True, agent=Agent(name="none"))
        assert set(found.params_json_schema["properties"]) == set(tool.input_schema["properties"])
    async with Client(alone(tmp_path)) as client:
        for tool in listed:
            declared = mcp_tool(tool, client).to_dict()
            assert declared["name"] == tool.name and declared["input_schema"] == tool.input_schema
