"""Addresses that strangers gave us, and what may be fetched from them.

A backend's result link is untrusted: only public addresses, the backend's own origin, or hosts the owner named. The
address that was checked is the address that is connected to, and every redirect is checked again.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import anyio
import httpx2

from callsheet.errors import ProviderError, RequestError

REDIRECTS = 5
NUMBER = re.compile(r"0x[0-9a-f]*|\d+")
"""A part of an address as old resolvers read it: decimal, octal or hexadecimal."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Gone(ProviderError):
    """A link that the host no longer serves; a fresh look may give another."""


def public(address: str) -> bool:
    """Whether an IP address is on the public internet, also when it is wrapped in an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if not inner and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return public(str(inner))
    return ip.is_global and not ip.is_multicast


def check_literal(url: str, allowed: Collection[str] = ()) -> None:
    """Refuse a URL that is only passed through, as far as its text shows where it leads.

    Raises:
        RequestError: no http(s) URL with a host, or one that names this machine or a private address.
    """
    parts = split(url)
    host = plain_host(parts.hostname or "")
    if netloc(parts.scheme, host, parts.port) & set(allowed):
        return
    try:
        private = not public(host)
    except ValueError:
        number = all(NUMBER.fullmatch(label) for label in host.split("."))
        private = number or "." not in host or host.endswith((".localhost", ".local", ".internal"))
    if private:
        raise RequestError(f"{host} is not a public address; nothing was sent there.")


def plain_host(host: str) -> str:
    """A host as a resolver reads it: other scripts' digits and full stops are digits and full stops."""
    return re.sub("[\u3002\uff0e\uff61]", ".", unicodedata.normalize("NFKC", host)).rstrip(".").lower()


def split(url: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A URL in parts.

    Raises:
        RequestError: it is no http(s) URL.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise RequestError(f"`{url[:80]}` is no http or https address.")
    return parts


def netloc(scheme: str, host: str, port: int | None) -> set[str]:
    """The ways in which an owner may have named this host."""
    return {host, f"{host}:{port or (443 if scheme == 'https' else 80)}"}


class Fetcher:
    """Fetches foreign files; one for a studio."""

    def __init__(self, allowed: Collection[str], transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.allowed = frozenset(allowed)
        self.http = httpx2.AsyncClient(
            transport=transport, timeout=httpx2.Timeout(60.0, connect=10.0), follow_redirects=False, trust_env=False
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self.http.aclose()

    @asynccontextmanager
    async def open(
        self,
        url: str,
        home: str | None = None,
        home_client: httpx2.AsyncClient | None = None,
        auth: dict[str, str] | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """A response whose body is still to be read.

        `home` is the origin of the backend that gave the link; there, and nowhere else, `home_client` and `auth` are
        used.

        Raises:
            ProviderError: the link leads where nothing may be fetched, or nothing comes.
            Gone: the host says that there is nothing (any more).
        """
        for _ in range(REDIRECTS):
            parts = split(url)
            origin = f"{parts.scheme}://{parts.netloc}"
            if home_client is not None and origin == home:
                client, request = home_client, home_client.build_request("GET", url, headers=auth)
            else:
                client, request = self.http, await self.pinned(url)
            try:
                response = await client.send(request, stream=True)
            except httpx2.HTTPError as error:
                raise ProviderError(f"{parts.hostname} cannot be reached ({type(error).__name__}).") from None
            try:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code in (401, 403, 404, 410):
                    raise Gone(f"{parts.hostname} no longer serves the file ({response.status_code}).")
                if response.status_code != 200:
                    raise ProviderError(f"{parts.hostname} answered {response.status_code} instead of the file.")
                yield response
                return
            finally:
                await response.aclose()
        raise ProviderError("The link redirects in a circle.")

    async def pinned(self, url: str) -> httpx2.Request:
        """A request that goes to the very address that was checked."""
        parts = split(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        if netloc(parts.scheme, host.lower(), parts.port) & self.allowed:
            return self.http.build_request("GET", url)
        try:
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise ProviderError(f"{host} cannot be found.") from None
        addresses = [str(address[4][0]) for address in found]
        if not addresses or not all(public(address) for address in addresses):
            raise ProviderError(
                f"{host} is not a public address, so nothing was fetched from it. If it is yours, name it in "
                "CALLSHEET_MEDIA_HOSTS."
            )
        request = self.http.build_request("GET", httpx2.URL(url).copy_with(host=addresses[0]))
        request.headers["Host"] = parts.netloc
        request.extensions["sni_hostname"] = host
        return request
