"""Phaya's OpenAI-compatible proxy, at the host's root: chat, models, embeddings and responses in OpenAI's shapes.

It is charged as Phaya-GPT is, by the token. Any model name is passed on, as a proxy does.
"""

import base64
import struct
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field
from starlette.responses import StreamingResponse

from callsheet_sandbox.backends.phaya.chat import event
from callsheet_sandbox.backends.phaya.prices import PRICE_EMBEDDING, price
from callsheet_sandbox.chatting import Completion, chunks, seen
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.talk import (
    EMBEDDING_SIZE,
    Function,
    Said,
    Talk,
    embedding,
    say,
    tokens,
)

MODELS = ("google/gemini-3-flash-preview", "google/gemini-2.5-flash", "qwen/qwen3-embedding-8b")


class Completions(Completion):
    """`POST /v1/chat/completions`: OpenAI's documented parameters."""

    reasoning_effort: str | None = None
    metadata: dict[str, str] | None = None


class ProxyEmbeddings(Body):
    """`POST /v1/embeddings`."""

    input: str | list[str] = Field(min_length=1)
    model: str = Field(min_length=1)
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[4096] | None = None
    user: str | None = None


class Item(Body):
    """One item of a response's input."""

    model_config = ConfigDict(strict=True, extra="allow")
    type: str | None = None
    role: str | None = None
    content: str | list[dict[str, Any]] | None = None
    output: str | None = None

    @property
    def text(self) -> str:
        """All its text."""
        if isinstance(self.content, list):
            return " ".join(str(part["text"]) for part in self.content if "text" in part)
        return self.content or self.output or ""


class Responses(Body):
    """`POST /v1/responses`: OpenAI's documented parameters."""

    model: str = Field(min_length=1)
    input: str | list[Item] = Field(min_length=1)
    instructions: str | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stream: bool | None = None
    store: bool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None

    def talk(self) -> Talk:
        """The conversation."""
        items = [Item(role="user", content=self.input)] if isinstance(self.input, str) else self.input
        asked = next((item.text for item in reversed(items) if item.role == "user"), "")
        parts = [part for item in items if isinstance(item.content, list) for part in item.content]
        choice = self.tool_choice
        must: str | bool = choice == "required"
        if isinstance(choice, dict):
            must = str(choice.get("name", ""))
        functions = [tool for tool in self.tools or [] if tool.get("type") == "function" and choice != "none"]
        return Talk(
            asked,
            (self.instructions or "") + "".join(item.text for item in items),
            pictures=[str(part["image_url"]) for part in parts if part.get("type") == "input_image"],
            told=items[-1].text if items[-1].type == "function_call_output" else None,
            tools=[Function(name=str(tool.get("name")), parameters=tool.get("parameters")) for tool in functions],
            must_call=must,
            web_search=any(str(tool.get("type", "")).startswith("web_search") for tool in self.tools or []),
            most_tokens=self.max_output_tokens,
        )


class Proxy:
    """The routes at the host's root; chat also without `/v1`, because OpenAI clients append only the rest."""

    def __init__(self, desk: Desk) -> None:
        self.box = desk.box
        for path in ("/v1/chat/completions", "/chat/completions"):
            desk.take("POST", path, Completions, self.chat)
        desk.on("GET", "/v1/models", self.models)
        desk.take("POST", "/v1/embeddings", ProxyEmbeddings, self.embed)
        desk.take("POST", "/v1/responses", Responses, self.respond)

    async def say(self, owner: str, talk: Talk) -> Said:
        """Answer and charge."""
        said = say(talk, [await seen(self.box, url) for url in talk.pictures])
        self.box.accounts.move("phaya", owner, -price(said), type="charge", service="openai-proxy")
        return said

    async def chat(self, call: Call[Completions]) -> Reply:
        """A chat completion, or its stream."""
        body = call.body
        said = await self.say(call.owner, body.talk())
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": body.model}
        if body.stream:
            usage = body.stream_options is not None and body.stream_options.include_usage
            return StreamingResponse(chunks(said, head, usage=usage), media_type="text/event-stream")
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
        if said.calls:
            message["tool_calls"] = said.calls
        choice = {"index": 0, "message": message, "finish_reason": said.finish}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": said.usage}

    async def models(self, call: Call[None]) -> Reply:
        """Some upstream models."""
        rows = [{"id": id, "object": "model", "created": 0, "owned_by": id.partition("/")[0]} for id in MODELS]
        return {"object": "list", "data": rows}

    async def embed(self, call: Call[ProxyEmbeddings]) -> Reply:
        """A vector for each text."""
        body = call.body
        texts: Sequence[str] = [body.input] if isinstance(body.input, str) else body.input
        count = sum(tokens(text) for text in texts)
        self.box.accounts.move("phaya", call.owner, -count * PRICE_EMBEDDING, type="charge", service="openai-proxy")
        vectors: list[list[float] | str] = [embedding(text) for text in texts]
        if body.encoding_format == "base64":
            pack = struct.Struct(f"<{EMBEDDING_SIZE}f").pack
            vectors = [base64.b64encode(pack(*embedding(text))).decode() for text in texts]
        rows = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "data": rows, "model": body.model, "usage": usage}

    async def respond(self, call: Call[Responses]) -> Reply:
        """A response, or its stream."""
        said = await self.say(call.owner, call.body.talk())
        output: list[dict[str, Any]] = [
            {
                "type": "function_call",
                "id": f"fc_{uuid.uuid4().hex}",
                "call_id": made["id"],
                "status": "completed",
                **made["function"],
            }
            for made in said.calls
        ]
        if said.text:
            content = [{"type": "output_text", "text": said.text, "annotations": []}]
            head = {"type": "message", "id": f"msg_{uuid.uuid4().hex}", "status": "completed", "role": "assistant"}
            output.append(head | {"content": content})
        response = {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "incomplete" if said.finish == "length" else "completed",
            "model": call.body.model,
            "output": output,
            "usage": {
                "input_tokens": said.tokens_in,
                "output_tokens": said.tokens_out,
                "total_tokens": said.tokens_in + said.tokens_out,
            },
        }
        if call.body.stream:
            return StreamingResponse(events(said, response), media_type="text/event-stream")
        return response


async def events(said: Said, response: dict[str, Any]) -> AsyncIterator[str]:
    """Server-sent events of a response."""
    begun = response | {"status": "in_progress", "output": [], "usage": None}
    yield event({"type": "response.created", "response": begun}, "response.created")
    if said.text:
        message = response["output"][-1]
        where = {"item_id": message["id"], "output_index": len(response["output"]) - 1, "content_index": 0}
        for piece in said.pieces():
            yield event({"type": "response.output_text.delta", **where, "delta": piece}, "response.output_text.delta")
        yield event({"type": "response.output_text.done", **where, "text": said.text}, "response.output_text.done")
    name = f"response.{response['status']}"
    yield event({"type": name, "response": response}, name)
