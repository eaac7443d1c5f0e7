"""Asking a person, in both protocol eras: what the client can do, how long we wait, and what came of it.

On 2026-07-28 the question travels in the answer to the call, and the call comes again with what was said; before that
the server asks in the middle of the call. Whatever is not a clear yes ends with nothing spent.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.elicitation import render_elicitation_schema
from mcp.server.mcpserver import AcceptedElicitation, Context, DeclinedElicitation, Elicit
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field, create_model

from callsheet.errors import CallsheetError

MODERN = "2026-07-28"
BEAT_S = 5.0
UNSEEN = (
    "If they saw no question, this client shows none: tell them, and let them change CALLSHEET_ASK or use the command "
    "line. If they said no, leave it."
)

shown: ContextVar[str | None] = ContextVar("shown", default=None)
"""A digest of the sealed state that came with this call: the sign of one approval, and never of two."""


class Proceed(BaseModel):
    """What a person answers."""

    proceed: bool = Field(description="Go ahead?")


@dataclass(frozen=True)
class Answer:
    """What came of asking: a yes, a no and why, or None where nobody was asked; and words that only a person says."""

    yes: bool | None = None
    why: str = ""
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inquiry:
    """What to ask, and how long to wait for the answer."""

    text: str
    patience: float
    schema: type[BaseModel] = Proceed


Find = Callable[[dict[str, Any]], Awaitable[Inquiry | None]]


def spoken(personal: Mapping[str, str]) -> type[BaseModel]:
    """The form for a yes together with words that only a person may say."""
    fields: dict[str, Any] = {name: (str, Field(description=text)) for name, text in personal.items()}
    return create_model("Statement", __base__=Proceed, **fields)


def resolver(find: Find) -> Callable[..., Awaitable[Any]]:
    """What fills a tool's `outcome` before the tool runs: nothing asked, a question, or what was said to it."""

    async def ask(ctx: Context[Any, Any], said: dict[str, Any]) -> Any:
        if not can_ask(ctx):
            return Answer()
        try:
            inquiry = await find(said)
        except CallsheetError as error:
            raise ToolError(error.message) from None
        if inquiry is None:
            return Answer()
        if (ctx.protocol_version or "") >= MODERN:
            return Elicit(inquiry.text, inquiry.schema)
        return await put(inquiry, ctx)

    return ask


def can_ask(ctx: Context[Any, Any]) -> bool:
    """Whether this client says that it can put a form to a person, on this connection."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    form = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return form and ((ctx.protocol_version or "") >= MODERN or ctx.session.can_send_request)


async def put(inquiry: Inquiry, ctx: Context[Any, Any]) -> Answer:
    """Ask in the middle of a call, for a bounded time, with a heartbeat."""

    async def beat() -> None:
        waited = 0.0
        while True:
            await ctx.report_progress(waited, None, "waiting for the user's answer")
            await anyio.sleep(BEAT_S)
            waited += BEAT_S

    answer = Answer(False, f"Nobody answered within {inquiry.patience:g} s. {UNSEEN}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat)
        with anyio.move_on_after(inquiry.patience):
            try:
                answer = read(await ctx.elicit(inquiry.text, inquiry.schema))
            except ValueError:
                answer = Answer(False, "The answer could not be read.")
            except MCPError:
                answer = Answer()
        tasks.cancel_scope.cancel()
    return answer


def read(outcome: Any) -> Answer:
    """What a person's answer means."""
    if isinstance(outcome, AcceptedElicitation):
        if isinstance(outcome.data, Answer):
            return outcome.data
        words = outcome.data.model_dump()
        return Answer(True, words=words) if words.pop("proceed") else Answer(False, "The user said no.")
    if isinstance(outcome, DeclinedElicitation):
        return Answer(False, f"The user, or the client in their place, said no. {UNSEEN}")
    return Answer(False, f"The question was dismissed. {UNSEEN}")


def form(text: str) -> dict[str, Any]:
    """A question as a request of its own, for a task to show."""
    params = {"mode": "form", "message": text, "requestedSchema": render_elicitation_schema(Proceed)}
    return {"method": "elicitation/create", "params": params}


async def remember(ctx: Any, call_next: Any) -> Any:
    """Middleware, outside the SDK's own unsealing: which approval a call shows, so that it counts once."""
    sealed = (ctx.params or {}).get("requestState")
    token = shown.set(hashlib.sha256(sealed.encode()).hexdigest() if isinstance(sealed, str) else None)
    try:
        return await call_next(ctx)
    finally:
        shown.reset(token)
