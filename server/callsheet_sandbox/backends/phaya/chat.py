"""Phaya's own chat and embeddings, in their flat shape."""

import uuid
from collections.abc import AsyncIterator
from json import dumps
from typing import Any, Literal

from pydantic import Field
from starlette.responses import StreamingResponse

from callsheet_sandbox.backends.phaya.prices import PRICE_EMBEDDING, price
from callsheet_sandbox.desk import Body, Call, Desk, Reply, number
from callsheet_sandbox.talk import Said, Talk, embedding, say, tokens


class Message(Body):
    """One turn of a conversation."""

    role: Literal["user", "system", "assistant"]
    content: str


class Flat(Body):
    """`POST /phaya-gpt/chat/completions`."""

    messages: list[Message] = Field(min_length=1)
    model: str | None = None
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    stream: bool = False
    web_search: bool = False


class Embeddings(Body):
    """`POST /embedding/create`."""

    input: str | list[str] = Field(min_length=1)
    model: str = "qwen/qwen3-embedding-8b"


class Chat:
    """The routes below `/api/v1` that answer at once and are paid by the token."""

    def __init__(self, desk: Desk) -> None:
        self.box = desk.box
        desk.take("POST", "/api/v1/phaya-gpt/chat/completions", Flat, self.chat)
        desk.on("GET", "/api/v1/phaya-gpt/models", self.models)
        desk.on("GET", "/api/v1/phaya-gpt/pricing", self.chat_pricing)
        desk.take("POST", "/api/v1/embedding/create", Embeddings, self.embed)
        desk.on("GET", "/api/v1/embedding/pricing", self.embedding_pricing)

    async def chat(self, call: Call[Flat]) -> Reply:
        """A flat answer, or a stream of OpenAI's chunks."""
        body = call.body
        asked = next((m.content for m in reversed(body.messages) if m.role == "user"), "")
        everything = "".join(m.content for m in body.messages)
        said = say(Talk(asked, everything, web_search=body.web_search, most_tokens=body.max_tokens))
        self.box.accounts.move("phaya", call.owner, -price(said), type="charge", service="phaya-gpt")
        id = f"chatcmpl-{uuid.uuid4().hex}"
        if body.stream:
            return StreamingResponse(stream(said, id), media_type="text/event-stream")
        return {
            "success": True,
            "id": id,
            "model": "Phaya-GPT",
            "message": {"role": "assistant", "content": said.text},
            "usage": said.usage,
            "credits_used": number(price(said)),
            "finish_reason": said.finish,
        }

    async def models(self, call: Call[None]) -> Reply:
        """The one there is."""
        return {"success": True, "models": [{"id": "Phaya-GPT", "name": "Phaya-GPT"}]}

    async def chat_pricing(self, call: Call[None]) -> Reply:
        """THB a million tokens."""
        return {"success": True, "currency": "THB", "input_per_million": 10.5, "output_per_million": 87.5}

    async def embed(self, call: Call[Embeddings]) -> Reply:
        """A vector for each text."""
        texts = [call.body.input] if isinstance(call.body.input, str) else call.body.input
        count = sum(tokens(text) for text in texts)
        cost = count * PRICE_EMBEDDING
        self.box.accounts.move("phaya", call.owner, -cost, type="charge", service="embedding")
        return {
            "success": True,
            "id": f"embd-{uuid.uuid4().hex}",
            "model": "Phaya Text Embedding",
            "usage": {"prompt_tokens": count, "total_tokens": count},
            "credits_used": number(cost),
            "data": [{"embedding": embedding(text)} for text in texts],
        }

    async def embedding_pricing(self, call: Call[None]) -> Reply:
        """THB a million tokens."""
        return {"success": True, "currency": "THB", "input_per_million": 2.8}


async def stream(said: Said, id: str) -> AsyncIterator[str]:
    """Server-sent chunks; the last carries usage and credits, then `[DONE]`."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": id, "object": "chat.completion.chunk", "model": "Phaya-GPT", "choices": [choice]}

    for piece in said.pieces():
        yield event(chunk({"content": piece}))
    yield event(chunk({}, said.finish) | {"usage": said.usage, "credits_used": number(price(said))})
    yield "data: [DONE]\n\n"


def event(data: dict[str, Any], name: str | None = None) -> str:
    """One server-sent event."""
    return (f"event: {name}\n" if name else "") + f"data: {dumps(data, ensure_ascii=False)}\n\n"
