"""Chat completions in OpenAI's shape, which several backends speak: the body, and the stream of the answer."""

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body
from callsheet_sandbox.talk import Function, Said, Talk, Tool


class ImageUrl(Body):
    """Where a picture is: an address or a data URI."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class Part(Body):
    """A piece of a message: text, a picture, a sound, a film or a file."""

    type: Literal["text", "image_url", "input_audio", "video_url", "file"]
    text: str | None = None
    image_url: ImageUrl | None = None
    input_audio: dict[str, str] | None = None
    video_url: ImageUrl | None = None
    file: dict[str, str] | None = None


class Message(Body):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """All its text."""
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content if part.text)
        return self.content or ""

    @property
    def pictures(self) -> list[str]:
        """Addresses of its pictures."""
        parts = self.content if isinstance(self.content, list) else []
        return [part.image_url.url for part in parts if part.image_url]


class StreamOptions(Body):
    """What a stream adds."""

    include_usage: bool = False
    include_obfuscation: bool = True


class Completion(Body):
    """What every such body has."""

    model: str = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None
    seed: int | None = None
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None

    def talk(self) -> Talk:
        """The conversation."""
        last = self.messages[-1]
        asked = next((m.text for m in reversed(self.messages) if m.role == "user"), "")
        choice = self.tool_choice
        must: str | bool = choice == "required"
        if isinstance(choice, dict):
            must = str(choice.get("function", {}).get("name", ""))
        functions: list[Function] = [tool.function for tool in self.tools or []] if choice != "none" else []
        return Talk(
            asked,
            "".join(m.text for m in self.messages),
            pictures=[url for m in self.messages for url in m.pictures],
            told=last.text if last.role == "tool" else None,
            tools=functions,
            must_call=must,
            most_tokens=self.max_completion_tokens or self.max_tokens,
        )


async def seen(box: Box, url: str) -> str:
    """What the sandbox can tell of a picture: its kind and size."""
    data = await box.fetch_if_any(url, "image")
    if data is None:
        return "a picture I could not open"
    facts = await run_sync(props.facts, data)
    return f"a picture ({facts.mime}, {facts.width} x {facts.height})"


async def chunks(
    said: Said, head: dict[str, Any], *, usage: bool, more: dict[str, Any] | None = None
) -> AsyncIterator[str]:
    """Server-sent chunks; `more` goes into the usage of the last."""
    head = head | {"object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"content": piece} for piece in said.pieces()] if said.text else []
    deltas += [{"tool_calls": [{"index": i, **made}]} for i, made in enumerate(said.calls)]
    for delta in ({"role": "assistant", "content": ""}, *deltas):
        yield event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": said.finish}]})
    if usage:
        yield event({**head, "choices": [], "usage": said.usage | (more or {})})
    yield "data: [DONE]\n\n"


def event(data: dict[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(data)}\n\n"
