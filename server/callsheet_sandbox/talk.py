"""What the sandbox says in a chat: that it is the sandbox, and what it was asked.

Tokens are counted by a plain rule, one for every four characters started, over the texts of the messages.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Any, Literal

from callsheet_sandbox.desk import Body

EMBEDDING_SIZE = 4096


class Function(Body):
    """A function a model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Body):
    """A tool a model may call."""

    type: Literal["function"]
    function: Function


@dataclass(frozen=True)
class Talk:
    """A conversation, whichever of the four shapes it came in."""

    asked: str
    everything: str
    pictures: Sequence[str] = ()
    told: str | None = None
    tools: Sequence[Function] = ()
    must_call: str | bool = False
    web_search: bool = False
    most_tokens: int | None = None


@dataclass(frozen=True)
class Said:
    """The sandbox's answer."""

    text: str
    finish: Literal["stop", "length", "tool_calls"]
    tokens_in: int
    tokens_out: int
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def usage(self) -> dict[str, int]:
        """Tokens, as OpenAI counts them out."""
        total = self.tokens_in + self.tokens_out
        return {"prompt_tokens": self.tokens_in, "completion_tokens": self.tokens_out, "total_tokens": total}

    def pieces(self) -> Iterator[str]:
        """The text as a stream brings it: a few words at a time."""
        words = self.text.split(" ")
        for start in range(0, len(words), 4):
            yield ("" if start == 0 else " ") + " ".join(words[start : start + 4])


def tokens(text: str) -> int:
    """One token for every four characters started."""
    return ceil(len(text) / 4)


def say(talk: Talk, seen: Sequence[str] = ()) -> Said:
    """Answer honestly: call a tool if one must be called or is named in the question, else echo what was asked."""
    if talk.told is None and (function := chosen(talk)):
        given = json.dumps(arguments(function, talk.asked), ensure_ascii=False)
        called = {"name": function.name, "arguments": given}
        call = {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": called}
        return Said("", "tool_calls", tokens(talk.everything), tokens(function.name + given), [call])
    parts = ["This is Callsheet's sandbox, not a real model."]
    if talk.told is not None:
        parts.append(f"The tool answered: {talk.told}")
    if seen:
        parts.append(f"You showed me {', '.join(seen)}.")
    if talk.web_search:
        parts.append("You asked for a web search, and I have no web to search.")
    parts.append(f"You asked: {talk.asked}")
    text = " ".join(parts)
    finish: Literal["stop", "length"] = "stop"
    if talk.most_tokens is not None and tokens(text) > talk.most_tokens:
        text, finish = text[: talk.most_tokens * 4], "length"
    return Said(text, finish, tokens(talk.everything), tokens(text))


def chosen(talk: Talk) -> Function | None:
    """The tool to call: the one demanded, or the first if any must be, or one that the question names."""
    for function in talk.tools:
        if talk.must_call is True or function.name in (talk.must_call, *talk.asked.replace("`", " ").split()):
            return function
    return None


def arguments(function: Function, asked: str) -> dict[str, Any]:
    """The least a function's schema asks for, with the question wherever a text goes."""
    schema = function.parameters or {}
    plain = {"string": asked, "integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    known = schema.get("properties", {})
    return {
        name: known.get(name, {}).get("enum", [plain.get(known.get(name, {}).get("type"), asked)])[0]
        for name in schema.get("required", [])
    }


def embedding(text: str, size: int = EMBEDDING_SIZE) -> list[float]:
    """A unit vector in which texts with words in common lie near each other."""
    import numpy  # noqa: PLC0415 - heavy

    total = numpy.zeros(size)
    for word in text.lower().split() or [""]:
        seed = int.from_bytes(sha256(word.encode()).digest()[:8], "big")
        total += numpy.random.default_rng(seed).standard_normal(size)
    return [float(value) for value in total / numpy.linalg.norm(total)]
