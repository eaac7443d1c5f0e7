"""Who may ask, and what each of them may.

A caller is known by the name in the ledger's `caller` column, because any process may carry any job: `local` is the
owner (stdio, the command line, HTTP on this machine alone), `token/anna` whoever has the token of that name, and
`oauth/…` somebody whom the issuer vouches for.
"""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from callsheet.settings.limits import PerBackend, limits

OWNER = "local"
"""The owner of the keys, who may do and see everything."""
TOKEN, OAUTH = "token/", "oauth/"
NAME = re.compile(r"[a-z0-9_-]+")
SHORTEST = 16
"""A token of fewer characters could be guessed."""


class Tokens(dict[str, SecretStr]):
    """The bearer token of each caller, by name."""


def tokens(text: object) -> object:
    """Read `anna:token,ben:token`; what is wrong is said without showing a token."""
    if not isinstance(text, str):
        return text
    given = Tokens()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, token = (word.strip() for word in part.partition(":"))
        if not (NAME.fullmatch(name) and token):
            raise ValueError("it must be name:token pairs, separated by commas; names are a-z, 0-9, - and _")
        if len(token) < SHORTEST:
            raise ValueError(f"the token of `{name}` is shorter than {SHORTEST} characters")
        if name in given or token in (other.get_secret_value() for other in given.values()):
            raise ValueError(f"`{name}`: each name and each token may be there only once")
        given[name] = SecretStr(token)
    return given


def credits(said: object) -> object:
    """A limit as callers.toml may have it: 5, "5" or "backend=5"."""
    return limits(str(said)) if isinstance(said, str | int | float) and not isinstance(said, bool) else said


def names(said: object) -> object:
    """A list, or one text with commas."""
    return tuple(part.strip() for part in said.split(",") if part.strip()) if isinstance(said, str) else said


Limits = Annotated[PerBackend, BeforeValidator(credits)]


class Allowance(BaseModel):
    """What one caller may, within what the owner allows everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    max_per_job: Limits = PerBackend()
    max_per_day: Limits = PerBackend()
    ask_above: Limits = PerBackend()
    """Instead of the owner's."""
    toolsets: Annotated[tuple[str, ...], BeforeValidator(names)] | None = None
    """None: those of the server."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 300
    admin: bool = False
    """May see and change what belongs to the whole account."""


class Vouched(str):
    """The name of a caller whom the issuer calls an admin, for as long as one request lasts."""


EVERYTHING = Allowance(admin=True)


class Callers(dict[str, Allowance]):
    """What each caller may, by name; under `*` everybody else."""

    def of(self, caller: str) -> Allowance:
        """What this caller may."""
        found = EVERYTHING if caller == OWNER else self.get(caller) or self.get("*") or Allowance()
        return found.model_copy(update={"admin": True}) if isinstance(caller, Vouched) else found


def callers(said: object) -> object:
    """Read a callers.toml: a table for each caller, by the name of a token or as `oauth/…`, and `*` for the rest."""
    if not isinstance(said, str | Path):
        return said
    path, given = Path(said).expanduser(), Callers()
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    for name, table in tables.items():
        known = name if name == "*" or name.startswith((TOKEN, OAUTH)) else f"{TOKEN}{name}"
        if known.startswith(TOKEN) and not NAME.fullmatch(known.removeprefix(TOKEN)):
            raise ValueError(f"{path}: `{name}` is no caller; say a token's name, `oauth/…` or `*`")
        try:
            given[known] = Allowance.model_validate(table)
        except ValidationError as error:
            wrong = "; ".join(
                f"`{e['loc'][0] if e['loc'] else name}`: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors()
            )
            raise ValueError(f"{path}, [{name}]: {wrong}") from None
    return given


def own_folder(caller: str) -> str:
    """The name of a caller's own folder below the output folder; the owner's files lie in the output folder itself.

    No two callers share one: a token's name is safe as it is, and what an issuer calls somebody becomes a digest.
    """
    if caller == OWNER:
        return ""
    if caller.startswith(TOKEN):
        return f"token-{caller.removeprefix(TOKEN)}"
    return f"oauth-{hashlib.sha256(caller.encode()).hexdigest()[:16]}"
