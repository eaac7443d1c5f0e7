"""Chat and embeddings."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from callsheet.catalogue.model import Harvest, Model, Price, between, unpublished
from callsheet.catalogue.words import Chat, Embed

IN, OUT, EMBEDDED = Decimal("10.50") / 10**6, Decimal("87.50") / 10**6, Decimal("2.80") / 10**6
"""Credits for a token read, written, embedded."""
LONGEST_REPLY = 8192
"""Tokens set aside for a reply that nobody limited."""


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class PhayaGpt(Model):
    """Phaya's own chat, with web search on demand; priced by tokens."""

    words, id, path = Chat, "phaya/phaya-gpt", "/phaya-gpt/chat/completions"
    makes, at_once = "text", True
    live = {"models": "/phaya-gpt/models", "pricing": "/phaya-gpt/pricing"}  # noqa: RUF012

    prompt: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    system: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    max_tokens: int | None = None
    web_search: bool = False
    stream: bool = False

    def body(self) -> dict[str, Any]:
        body = super().body()
        return conversation(body) | body

    def price(self) -> Price:
        return by_tokens(self.body()["messages"], self.max_tokens)

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        message = answer.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        return Harvest(text=text) if isinstance(text, str) else reply(answer)


class PhayaOpenAI(Model):
    """Any model behind Phaya's OpenAI-compatible route, by its own id; tools and vision pass through."""

    words, id, path = Chat, "phaya/v1:<id>", "//v1/chat/completions"
    makes, at_once, auto = "text", True, False
    live = {"models": "//v1/models"}  # noqa: RUF012

    upstream: str = Field(serialization_alias="model")
    prompt: str | None = None
    messages: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    system: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: int | None = None
    stream: bool = False
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        return f"phaya/v1:{self.upstream}"

    @classmethod
    def answers_to(cls, name: str) -> dict[str, Any] | None:
        _, found, upstream = name.removeprefix("phaya/").partition("v1:")
        return {"upstream": upstream} if found and upstream else None

    def body(self) -> dict[str, Any]:
        body = super().body()
        return conversation(body) | body

    def price(self) -> Price:
        ceiling = by_tokens(self.body()["messages"], self.max_tokens).high * 4
        return unpublished(ceiling, "four times what Phaya-GPT would cost is set aside")

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        return reply(answer)


def conversation(body: dict[str, Any]) -> dict[str, Any]:
    """Take `prompt`, `messages` and `system` out of a body, as one list of messages."""
    system, prompt, messages = body.pop("system", None), body.pop("prompt", None), body.pop("messages", None)
    turns = messages if messages is not None else [{"role": "user", "content": prompt}]
    return {"messages": ([{"role": "system", "content": system}] if system else []) + turns}


def by_tokens(messages: list[dict[str, Any]], max_tokens: int | None) -> Price:
    """From an empty reply to the longest; a token is at least one byte, so the input's bytes bound its tokens."""
    most = len(json.dumps(messages, ensure_ascii=False).encode())
    longest = max_tokens or LONGEST_REPLY
    return between(Decimal(0), IN * most + OUT * longest, "by tokens")


def reply(answer: Mapping[str, Any]) -> Harvest:
    """The text of an OpenAI-shaped answer; tools it wants called follow as JSON."""
    choices = answer.get("choices")
    message = choices[0].get("message") if isinstance(choices, list) and choices else None
    if not isinstance(message, dict):
        return Harvest()
    parts = [message.get("content") or ""]
    if calls := message.get("tool_calls"):
        parts.append(json.dumps({"tool_calls": calls}, ensure_ascii=False))
    return Harvest(text="\n".join(part for part in parts if part))


class Qwen3Embedding(Model):
    """4,096 numbers a text; priced by tokens."""

    words, id, path = Embed, "phaya/qwen3-embedding", "/embedding/create"
    makes, at_once = "data", True
    live = {"pricing": "/embedding/pricing"}  # noqa: RUF012

    texts: list[str] = Field(serialization_alias="input")
    version: Literal["qwen/qwen3-embedding-8b"] = Field(default="qwen/qwen3-embedding-8b", serialization_alias="model")

    def price(self) -> Price:
        return between(Decimal(0), EMBEDDED * len("".join(self.texts).encode()), "by tokens")

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        rows = answer.get("data")
        found = [row.get("embedding") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        vectors = [vector for vector in found if isinstance(vector, list)]
        if len(vectors) < len(self.texts):
            return Harvest()
        text = f"{len(vectors)} vector{'s' if len(vectors) > 1 else ''} of {len(vectors[0])} numbers"
        return Harvest(text=text, files={".json": json.dumps(vectors)})


MODELS: tuple[type[Model], ...] = (PhayaGpt, PhayaOpenAI, Qwen3Embedding)
