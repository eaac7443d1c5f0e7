"""What a backend answered, read: JSON, a medium, a stream of events, or text; in each of them whole letters only."""

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from callsheet.backends.dialect import Answer

LONGEST_S = 86400.0


def read(status: int, raw: bytes, headers: Mapping[str, str]) -> Answer:
    """A response as an answer; what is not JSON stays text, and a medium a data URI."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(("image/", "audio/", "video/")) and raw:
        return Answer(status, media=f"data:{kind};base64,{base64.b64encode(raw).decode()}")
    text = raw.decode("utf-8", "replace")
    try:
        body = mended(json.loads(text))
    except (ValueError, RecursionError):
        body = None
    return Answer(status, text, body, {name.lower(): value for name, value in headers.items()})


def mended(said: Any) -> Any:
    """JSON without halves of letters: JSON can hold half of an emoji, where a text was cut, and nothing that we write
    can. Two halves that a stream tore apart are one again."""
    if isinstance(said, str):
        return said if said.isascii() else said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(said, list):
        return [mended(item) for item in said]
    if isinstance(said, dict):
        return {mended(name): mended(value) for name, value in said.items()}
    return said


async def events(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a stream of server-sent events, up to `[DONE]`."""
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        if data:
            try:
                chunk = json.loads(data)
            except (ValueError, RecursionError):
                continue
            if isinstance(chunk, dict):
                yield chunk


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait, from either form of Retry-After; a day at most."""
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return min(max(0.0, float(value)), LONGEST_S)
    except ValueError:
        pass
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - time.time()), LONGEST_S)
    except ValueError:
        return None
