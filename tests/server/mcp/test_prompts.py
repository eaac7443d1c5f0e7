"""The prompts that people pick from a menu: each renders, and what it tells an agent to do can be done."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from callsheet.queries.queries import TOOLSETS
from callsheet_server.mcp.server import build
from tests.conftest import House, told

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

SAID: dict[str, dict[str, str]] = {
    "storyboard_film": {"idea": "a boat comes home", "seconds": "12", "style": "woodcut"},
    "make_ad": {"product": "a kettle", "audience": "night shifts"},
    "narrate_article": {"text_or_url": "https://news.example/a", "language": "Thai", "voice": "Kore"},
}
VERBS = "generate|merge|add|burn|get|list|describe|cancel|resubmit|overlay|extract|trim"


async def said(client: Client, name: str, arguments: dict[str, str] | None = None) -> str:
    """The one message of a prompt, which is the user's."""
    messages = (await client.get_prompt(name, SAID[name] if arguments is None else arguments)).messages
    assert [message.role for message in messages] == ["user"]
    assert messages[0].content.type == "text"
    return messages[0].content.text


def calls(text: str) -> list[dict[str, Any]]:
    """The plan that a prompt shows."""
    found = re.search(r"^calls = (\[.*?^\])$", text, re.DOTALL | re.MULTILINE)
    assert found
    return list(json.loads(found[1]))


async def test_each_prompt_renders_with_all_it_was_told_and_without_what_may_be_left_out(house: MakeHouse) -> None:
    async with house().client() as client:
        listed = (await client.list_prompts()).prompts
        assert {prompt.name for prompt in listed} == SAID.keys()
        for prompt in listed:
            assert prompt.title
            assert prompt.description
            assert all(argument.description for argument in prompt.arguments or [])
            full = await said(client, prompt.name)
            assert all(word in full for word in SAID[prompt.name].values())
            needed = {argument.name: "x" for argument in prompt.arguments or [] if argument.required}
            assert len(needed) == 1
            least = await said(client, prompt.name, needed)
            assert "None" not in least
            assert "\n\n\n" not in least
            assert len(full) < 3000


async def test_a_prompt_names_only_tools_that_exist(house: MakeHouse) -> None:
    async with house().client() as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for name in SAID:
            text = await said(client, name)
            named = {call["tool"] for call in calls(text)} | set(re.findall(rf"\b(?:{VERBS})_[a-z_]+", text))
            assert named <= tools, named - tools
            assert {"plan", "get_job"} <= tools


async def test_the_plan_that_a_prompt_shows_is_one_that_can_be_ordered(house: MakeHouse) -> None:
    asked = []

    async def agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"proceed": True})

    server, _ = build(house().settings(), toolsets=TOOLSETS)
    async with Client(server, elicitation_callback=agree) as client:
        for name in SAID:
            plan = calls(await said(client, name))
            jobs = told(await client.call_tool("plan", {"calls": plan}))["jobs"]
            assert [job["operation"] for job in jobs] == [call["tool"] for call in plan]
            assert {job["status"] for job in jobs} <= {"working", "completed"}
    assert asked


async def test_without_the_tools_that_join_a_prompt_leaves_them_out_and_says_how_to_have_them(house: MakeHouse) -> None:
    home = house()
    server, _ = build(home.settings(), home.transports)
    async with Client(server) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for name in SAID:
            text = await said(client, name)
            assert {call["tool"] for call in calls(text)} <= tools
            assert "--toolsets core,edit" in text
