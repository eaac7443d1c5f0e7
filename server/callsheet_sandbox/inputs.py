"""Inputs given by address: data URIs are decoded, loopback and public http(s) URLs fetched with a cap.

What cannot be had becomes a labelled stand-in, so that the sandbox works without a network.
"""

import base64
import binascii
import ipaddress
import socket
from typing import Literal
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import anyio
import httpx2

Kind = Literal["image", "video", "audio"]

MOST_BYTES = 100_000_000
MOST_SECONDS = 10.0
MOST_HOPS = 4


class Unreachable(Exception):
    """The address could not be read, and why."""


def decoded(uri: str) -> bytes:
    """The bytes of a data URI."""
    head, comma, tail = uri.partition(",")
    if not comma:
        raise Unreachable("a data URI without a comma")
    try:
        return base64.b64decode(tail, validate=True) if head.endswith(";base64") else unquote_to_bytes(tail)
    except binascii.Error as error:
        raise Unreachable(f"a data URI that is not base64: {error}") from error


async def download(url: str) -> bytes:
    """Fetch a loopback or public URL; every redirect is checked like the first address."""
    try:
        with anyio.fail_after(MOST_SECONDS):
            async with httpx2.AsyncClient(timeout=5, follow_redirects=False, trust_env=False) as client:
                for _ in range(MOST_HOPS):
                    await check(url)
                    async with client.stream("GET", url) as answer:
                        if answer.is_redirect:
                            url = urljoin(url, answer.headers.get("location", ""))
                            continue
                        answer.raise_for_status()
                        return await _body(answer)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    raise Unreachable("too many redirects")


async def _body(answer: httpx2.Response) -> bytes:
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > MOST_BYTES:
            raise Unreachable("larger than 100 MB")
    return bytes(data)


async def check(url: str) -> None:
    """Refuse an address that is neither loopback nor public."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable(f"not an http address: {url[:80]}")
    for *_, where in await anyio.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM):
        address = ipaddress.ip_address(str(where[0]).partition("%")[0])
        if not (address.is_global or address.is_loopback):
            raise Unreachable(f"{parts.hostname} is neither loopback nor public")


async def fetched(url: str) -> bytes | None:
    """What is at the address, if it can be had."""
    try:
        return decoded(url) if url.startswith("data:") else await download(url)
    except Unreachable:
        return None
