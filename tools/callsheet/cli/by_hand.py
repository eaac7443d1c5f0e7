"""Routes called by hand: fields, forms and files; secrets that nobody sees; new keys that go to a file.

What is typed on a command line stays in the shell's history, and what is printed may stay on a screen or in a log. So
a password is asked for, and a key that a backend gives goes to a file that only its owner can read.
"""

import base64
import json
import mimetypes
import os
import re
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr

from callsheet.backends.dialect import Answer, Route
from callsheet.errors import RequestError, listed
from callsheet.studio import Studio

SECRET = re.compile(
    r".*pass(word|phrase|wd)|.*secret|(api|new|private|secret)?key"
    r"|(access|api|auth|id|refresh|reset|session)?token|jwt"
)
"""What a secret is called, in small letters without dashes."""
CODES = frozenset({"code", "otp", "pin"})
"""What a secret may be called besides, where we say it; in an answer a code is the name of an error."""
MASK = "***"


def secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return SECRET.fullmatch(re.sub("[-_]", "", name).lower()) is not None


# -- what is sent -----------------------------------------------------------------------------------------------------


def request(
    method: str,
    path: str,
    data: str | None,
    form: Sequence[str],
    files: Sequence[str],
    query: Sequence[str],
    *,
    secrets: Mapping[str, SecretStr],
) -> Route:
    """A request as it was typed, with the secrets that were not.

    Raises:
        RequestError: it cannot be meant so, or a secret was typed.
    """
    if not path.startswith("/"):
        raise RequestError(f"`{path}`: a path begins with a slash, as in the backend's documentation.")
    if data is not None and (form or files):
        raise RequestError("--data is a body of JSON, --form and --file are one of fields; say one or the other.")
    if data == "-" and secrets:
        raise RequestError("--data - and --secret would both read standard input; say --data @file.")
    fields = pairs("--form", form)
    parts = {name: existing("--file", place) for name, place in pairs("--file", files).items()}
    body = fields if data is None else spoken(data)
    if data is None or data[:1] not in ("-", "@"):
        refuse_secrets(body)
    hidden = {name: value.get_secret_value() for name, value in secrets.items()}
    return Route(
        method.upper(),
        path,
        body | hidden if data is not None or body or hidden else None,
        pairs("--query", query) or None,
        files=parts or None,
        form=bool(form),
    )


def pairs(flag: str, said: Sequence[str]) -> dict[str, str]:
    """`name=value` flags as a dictionary.

    Raises:
        RequestError: one has no name, or two have the same.
    """
    found: dict[str, str] = {}
    for text in said:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise RequestError(f"{flag} {text[:80]}: say name=value.")
        if name in found:
            raise RequestError(f"{flag} {name} is said twice.")
        found[name] = value
    return found


def existing(flag: str, place: str) -> Path:
    """A file that is named in a flag.

    Raises:
        RequestError: there is none.
    """
    path = Path(place).expanduser()
    if not path.is_file():
        raise RequestError(f"{flag}: {place}: there is no such file.")
    return path


def spoken(data: str) -> dict[str, Any]:
    """The JSON object in --data, out of standard input where it is `-`, or out of the file behind an `@`.

    Raises:
        RequestError: it is none.
    """
    text = data
    if data == "-":
        text = sys.stdin.read()
    elif data.startswith("@"):
        text = existing("--data", data[1:]).read_text(encoding="utf-8")
    try:
        body = json.loads(text)
    except ValueError:
        raise RequestError("--data: this is not JSON. Say an object, `-` for standard input, or @file.") from None
    if not isinstance(body, dict):
        raise RequestError("--data: a body is a JSON object.")
    return body


def refuse_secrets(said: Any) -> None:
    """No secret may be typed.

    Raises:
        RequestError: one was; says how it is said instead.
    """
    inside = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    for name in said if isinstance(said, dict) else ():
        if isinstance(said[name], str) and (secret(name) or name.lower() in CODES):
            raise RequestError(
                f"`{name}` would stay in the shell's history. Leave it out and say --secret {name}: it is then asked "
                "for without being shown, or read from standard input, one line for each secret."
            )
    for value in inside:
        refuse_secrets(value)


def asked(names: Sequence[str]) -> dict[str, SecretStr]:
    """Secrets by name: asked for in a terminal, where a new one is asked for twice, else a line of standard input each.

    Raises:
        RequestError: standard input has no line for one.
    """
    found: dict[str, SecretStr] = {}
    for name in names:
        if sys.stdin.isatty():
            value = typer.prompt(name, hide_input=True, confirmation_prompt=name.startswith("new"), err=True)
        elif not (value := sys.stdin.readline().rstrip("\r\n")):
            raise RequestError(f"--secret {name}: standard input has no line for it.")
        found[name] = SecretStr(value)
    return found


# -- what comes back --------------------------------------------------------------------------------------------------


async def call(studio: Studio, backend: str, route: Route, secrets: Mapping[str, SecretStr]) -> tuple[int, Any]:
    """Send it once; the status, and what may be shown of the answer. A key is told only once, so it has a place before
    it is made.

    Raises:
        RequestError: there is no such backend, or no key for it.
        ProviderError: it gave no answer.
    """
    spoken_to = [one.name for one in studio.settings.backends if one.base]
    if backend not in spoken_to:
        raise RequestError(f"There is no backend `{backend}`. There are {listed(spoken_to)}.")
    folder = studio.settings.home / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    answer = await studio.providers.at(backend).tried(route)
    if answer.media:
        return answer.status, {"file": str(stored(studio.settings.output_dir, answer))}
    sent = [value.get_secret_value() for value in secrets.values()]
    body = masked(answer.body if answer.body is not None else answer.text or None, sent)
    return answer.status, shown(body, folder, backend)


def masked(told: Any, sent: Collection[str]) -> Any:
    """An answer without the secrets we sent, should it repeat them."""
    if isinstance(told, dict):
        return {name: masked(value, sent) for name, value in told.items()}
    if isinstance(told, list):
        return [masked(value, sent) for value in told]
    if isinstance(told, str):
        for value in sent:
            told = told.replace(value, MASK)
    return told


def shown(told: Any, folder: Path, backend: str, name: str = "") -> Any:
    """An answer with the file of each secret in the secret's place."""
    if isinstance(told, dict):
        return {inner: shown(value, folder, backend, inner) for inner, value in told.items()}
    if isinstance(told, list):
        return [shown(value, folder, backend, name) for value in told]
    if isinstance(told, str) and told not in ("", MASK) and secret(name):
        stem = f"{backend}-{name}-{datetime.now(UTC):%Y-%m-%d}-"
        return {"file": str(kept(folder, stem, ".txt", f"{told}\n".encode()))}
    return told


def stored(folder: Path, answer: Answer) -> Path:
    """An answer that is a picture, a sound or a film, as a file."""
    kind, _, data = str(answer.media).removeprefix("data:").partition(";base64,")
    folder.mkdir(parents=True, exist_ok=True)
    return kept(folder, "by-hand-", mimetypes.guess_extension(kind) or "", base64.b64decode(data))


def kept(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Data in a new file that only its owner can read."""
    number, name = tempfile.mkstemp(suffix, stem, folder)
    with os.fdopen(number, "wb") as file:
        file.write(data)
    return Path(name)
