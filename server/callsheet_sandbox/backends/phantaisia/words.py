"""How Phantaisia words a no."""

import base64
import binascii
from typing import Annotated

from anyio.to_thread import run_sync
from pydantic import AfterValidator
from starlette.requests import Request

from callsheet_sandbox import props
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Desk, Refusal, problem

BACKEND = "phantaisia"


def _addressed(said: str) -> str:
    if not said.startswith(("data:image/", "http://", "https://")):
        raise ValueError("Input should be a data URI (data:image/jpeg;base64,…) or a public URL")
    return said


Picture = Annotated[str, AfterValidator(_addressed)]


def coded(code: str, detail: str) -> Refusal:
    """422 with an error code."""
    return Refusal(422, {"error_code": code, "detail": detail}, wrong=True)


async def bodiless(desk: Desk, request: Request) -> None:
    """A status is asked for by POST without a body; an empty object will do."""
    if (await request.body()).strip() not in (b"", b"{}"):
        raise desk.invalid([problem(["body"], "No body is expected here")])


async def picture(desk: Desk, field: str, said: str, *, bare: bool = False) -> bytes:
    """An image given as a data URI or a URL (of which one that cannot be fetched is stood in for), or bare base64."""
    box: Box = desk.box
    if said.startswith(("http://", "https://")):
        return await box.fetch(said, "image")
    if said.startswith("data:"):
        data = await box.fetch_if_any(said, "image")
    else:
        data = await _bare(said) if bare else None
    if data is None:
        raise desk.invalid([problem(["body", field], "Input should hold an image in base64")])
    return data


async def _bare(said: str) -> bytes | None:
    try:
        data = base64.b64decode(said, validate=True)
        facts = await run_sync(props.facts, data)
    except (binascii.Error, ValueError, props.MediaError):
        return None
    return data if facts.kind == "image" else None
