"""The backends in a box: what they answer, charge and make, transcribed a second time from their documentation.

It imports nothing of `callsheet`, so that a wrong field name cannot be wrong on both sides and pass. In process, each
backend is a transport (`phaya()`, entry-point group `callsheet.transports`) for a base such as
`http://phaya.sandbox/api/v1`; over a port, `callsheet_sandbox.app.sandbox()` is one ASGI app with all of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

if TYPE_CHECKING:
    import httpx2

    from callsheet_sandbox.in_process import Options


CREDITS = {
    **{"phaya": 100.0, "ph0ny": 2500.0, "phantaisia": 1000.0, "progressive-robot": 5000.0},
    **{"openai": 20.0, "openrouter": 20.0, "elevenlabs": 100_000.0, "fal": 20.0},
}
"""What a new account starts with: what a free or a small tier of the vendor gives, or twenty dollars."""


def transport(backend: str, folder: Path | None = None, **options: "Unpack[Options]") -> "httpx2.AsyncBaseTransport":
    """An HTTP transport to one backend of the sandbox; the options are those of `callsheet_sandbox.app.sandbox`."""
    from callsheet_sandbox.in_process import Transport  # noqa: PLC0415 - importing this package must stay cheap

    return Transport(backend, folder, **options)


def phaya(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's Phaya."""
    return transport("phaya", folder)


def ph0ny(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's ph0ny, with the credits of its free tier."""
    return transport("ph0ny", folder, credits=CREDITS)


def phantaisia(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's Phantaisia, with the credits of its smallest tier."""
    return transport("phantaisia", folder, credits=CREDITS)


def progressive_robot(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's Progressive Robot, with a month's credits of its Pro tier."""
    return transport("progressive-robot", folder, credits=CREDITS)


def openai(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's OpenAI."""
    return transport("openai", folder, credits=CREDITS)


def openrouter(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's OpenRouter."""
    return transport("openrouter", folder, credits=CREDITS)


def fal(folder: Path | None = None) -> "httpx2.AsyncBaseTransport":
    """The sandbox's fal."""
    return transport("fal", folder, credits=CREDITS)
