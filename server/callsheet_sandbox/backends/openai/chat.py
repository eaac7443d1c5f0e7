"""OpenAI's chat and embeddings, priced by the token. A stored completion can be found again by its metadata."""

import base64
import struct
import time
import uuid
from collections.abc import Collection
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field
from starlette.responses import StreamingResponse

from callsheet_sandbox.backends.openai.models import MILLION, Model
from callsheet_sandbox.backends.openai.words import BACKEND, known, no
from callsheet_sandbox.chatting import Completion, chunks, seen
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.jobs import FAIL
from callsheet_sandbox.talk import Said, embedding, say, tokens

SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
CATEGORIES = {
    **{"hate": "text", "hate/threatening": "text", "harassment": "text", "harassment/threatening": "text"},
    **{"illicit": "text", "illicit/violent": "text", "self-harm": "both", "self-harm/intent": "both"},
    **{"self-harm/instructions": "both", "sexual": "both", "sexual/minors": "text", "violence": "both"},
    "violence/graphic": "both",
}


class Completions(Completion):
    """`POST /v1/chat/completions`."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    web_search_options: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class Embed(Body):
    """`POST /v1/embeddings`."""

    model: str
    input: str | list[str] = Field(min_length=1, max_length=2048)
    dimensions: int | None = Field(default=None, ge=1, le=3072)
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None


class Moderate(Body):
    """`POST /v1/moderations`."""

    input: str | list[str] | list[dict[str, Any]]
    model: str = "omni-moderation-latest"


class Filters(Collection[str]):
    """The query of the list of stored completions: `metadata[…]` takes any name."""

    plain = ("model", "limit", "order", "after")

    def __contains__(self, name: object) -> bool:
        return name in self.plain or (isinstance(name, str) and name.startswith("metadata["))

    def __iter__(self) -> Any:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)


class Chat:
    """The routes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.take("POST", "/v1/chat/completions", Completions, self.chat)
        desk.on("GET", "/v1/chat/completions", self.stored, query=Filters())
        desk.take("POST", "/v1/embeddings", Embed, self.embed)
        desk.take("POST", "/v1/moderations", Moderate, self.moderate)

    async def chat(self, call: Call[Completions]) -> Reply:
        """A completion, or its stream."""
        body, model = call.body, known(call.body.model, "chat")
        self._check(body)
        talk = body.talk()
        if FAIL in talk.asked:
            raise no(500, None, "The sandbox was asked to fail this request.", type="server_error")
        said = say(talk, [await seen(self.box, url) for url in talk.pictures])
        self._charge(call.owner, model, said.tokens_in, said.tokens_out)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model.id}
        whole = completed(said, head)
        if body.store:
            kept = {"answer": whole | {"metadata": body.metadata or {}}, "model": model.id}
            self.box.records.add(BACKEND, call.owner, "completion", kept)
        if body.stream:
            usage = body.stream_options is not None and body.stream_options.include_usage
            return StreamingResponse(chunks(said, head, usage=usage), media_type="text/event-stream")
        return whole

    def _check(self, body: Completions) -> None:
        """What reasoning models refuse."""
        if body.max_tokens is not None:
            message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            raise no(400, "unsupported_parameter", message, param="max_tokens", wrong=True)
        if body.temperature not in (None, 1):
            message = (
                "Unsupported value: 'temperature' does not support this value with this model. Only 1 is supported."
            )
            raise no(400, "unsupported_value", message, param="temperature", wrong=True)
        if body.tools and body.reasoning_effort not in (None, "none"):
            message = "Function tools are not supported while reasoning is on."
            raise no(400, "unsupported_parameter", message, param="tools", wrong=True)

    async def stored(self, call: Call[None]) -> Reply:
        """Completions that were stored, newest first, by model and metadata."""
        query = call.request.query_params
        wanted = {name[9:-1]: said for name, said in query.items() if name.startswith("metadata[")}
        rows = self.box.records.all(BACKEND, "completion", call.owner)
        found = [
            row["answer"]
            for row in reversed(rows)
            if wanted.items() <= row["answer"]["metadata"].items() and query.get("model", row["model"]) == row["model"]
        ]
        if query.get("order", "asc") == "asc":
            found.reverse()
        most = call.number("limit", 20, 1, 100)
        ids = [row["id"] for row in found]
        first = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        page = found[first : first + most]
        ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
        return {"object": "list", "data": page, **ends, "has_more": len(found) > first + most}

    async def embed(self, call: Call[Embed]) -> Reply:
        """A vector for each text."""
        body, model = call.body, known(call.body.model, "embedding")
        texts = [body.input] if isinstance(body.input, str) else body.input
        size = min(body.dimensions or SIZES[model.id], SIZES[model.id])
        count = sum(tokens(text) for text in texts)
        self._charge(call.owner, model, count, 0)
        vectors: list[list[float] | str] = [embedding(text, size) for text in texts]
        if body.encoding_format == "base64":
            vectors = [base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors]
        rows = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "data": rows, "model": model.id, "usage": usage}

    async def moderate(self, call: Call[Moderate]) -> Reply:
        """Nothing is flagged but what says `[blocked]`; free."""
        known(call.body.model, "moderation")
        said = call.body.input
        texts = [said] if isinstance(said, str) else [str(row) for row in said]
        results = []
        for text in texts:
            flagged = "[blocked]" in text
            applied = {name: ["text", "image"] if kind == "both" else ["text"] for name, kind in CATEGORIES.items()}
            results.append(
                {
                    "flagged": flagged,
                    "categories": {name: flagged and name == "violence" for name in CATEGORIES},
                    "category_scores": {name: float(flagged and name == "violence") for name in CATEGORIES},
                    "category_applied_input_types": applied,
                }
            )
        return {"id": f"modr-{uuid.uuid4().hex}", "model": call.body.model, "results": results}

    def _charge(self, owner: str, model: Model, into: int, out: int) -> None:
        rates = [Decimal(rate) for rate in (*model.price, "0")]
        price = (into * rates[0] + out * rates[1]) / MILLION
        self.box.accounts.move(BACKEND, owner, -price, type="charge", service=model.id)


def completed(said: Said, head: dict[str, Any]) -> dict[str, Any]:
    """The whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.calls:
        message["tool_calls"] = said.calls
    choice = {"index": 0, "message": message, "finish_reason": said.finish, "logprobs": None}
    usage = said.usage | {
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
