"""What a backend declares of itself, in plain facts that are read before anything heavy of it is imported; and which
backends are loaded.

A backend is a folder whose face is one `Backend`, found through the entry-point group `callsheet.backends` under the
backend's own name. Ours are loaded unless CALLSHEET_BACKENDS names others; anybody else's only when it is named there.
"""

import importlib
import importlib.metadata
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import SecretStr

from callsheet.errors import RequestError, listed

CONTRACT = 1
"""The version of what is asked of a backend; one that was made for another is not loaded."""
GROUP = "callsheet.backends"
OURS = "builtin"
"""Stands for all of ours in CALLSHEET_BACKENDS."""

log = logging.getLogger(__name__)


def secret(text: str) -> SecretStr:
    """A key as it was meant, without the quotes, spaces and line ends around it."""
    key = text.strip().strip("\"'").strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("it holds a character that no header can carry")
    return SecretStr(key)


@dataclass(frozen=True)
class Variable:
    """An environment variable: its name, what it means, its default, and how its text is read."""

    name: str
    meaning: str
    default: str = ""
    read: Callable[[str], Any] = str
    sent: bool = False
    """Whether it holds something that goes to the backend's address, as a key does."""


def key(name: str, meaning: str) -> Variable:
    """The variable of a key."""
    return Variable(name, meaning, read=secret, sent=True)


@dataclass(frozen=True)
class Worth:
    """What one unit of a backend's is worth in US dollars, who says so, and when that was read."""

    usd: Decimal
    source: str
    on: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Backend:
    """The face of a backend. Its modules are named as they are below its package, and imported when they are needed."""

    contract: int
    """The version of this contract for which it was made."""
    package: str
    name: str
    title: str
    unit: str = "credit"
    worth: Worth | None = None
    """None where nothing costs anything."""
    key: Variable | None = None
    """None where none is needed."""
    base: Variable | None = None
    variables: tuple[Variable, ...] = ()
    """All others."""
    ask_above: Decimal | None = None
    max_per_day: Decimal | None = None
    max_per_job: Decimal | None = None
    rate: int | None = None
    """Requests a minute, where they are not the usual 60."""
    rank: int = 1000
    """Its place with `auto`, from the lowest up, where a model says none of its own."""
    dialect: str = "dialect:DIALECT"
    """The module and the class of its dialect."""
    provider: str = ""
    """The module and the class of what carries its requests, made from its dialect and `Providers`, where that is not
    HTTP."""
    models: tuple[str, ...] = ()
    """Modules with its models, by kind, each under `MODELS`."""
    endpoints: tuple[str, ...] = ()
    """Modules with its free routes, each under `ENDPOINTS`."""

    def __new__(cls, *, contract: object = None, **said: object) -> "Backend":
        """The version comes first: another contract's faces need not even have the same parts.

        Raises:
            RequestError: it is another.
        """
        if contract != CONTRACT:
            raise RequestError(f"It is made for version {contract} of the contract, and this Callsheet has {CONTRACT}.")
        return super().__new__(cls)

    @property
    def ours(self) -> bool:
        """Whether it came with Callsheet."""
        return self.package.startswith("callsheet.")

    def every_variable(self) -> Iterator[Variable]:
        """Its variables, the key and the address first."""
        yield from (variable for variable in (self.key, self.base) if variable)
        yield from self.variables

    def find(self, place: str) -> Any:
        """What lies at `module:name` below its package."""
        module, _, name = place.partition(":")
        return getattr(importlib.import_module(f"{self.package}.{module}"), name)


@dataclass(frozen=True, eq=False)
class Backends:
    """The backends that are loaded, by rank, and why others that were wanted are not."""

    loaded: tuple[Backend, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Backend]:
        return iter(self.loaded)

    def __contains__(self, name: str) -> bool:
        return any(backend.name == name for backend in self)

    def __getitem__(self, name: str) -> Backend:
        """The backend of that name.

        Raises:
            RequestError: there is none; says which there are.
        """
        for backend in self:
            if backend.name == name:
                return backend
        raise RequestError(f"There is no backend `{name}`. There are {listed(self.names)}.")

    @property
    def names(self) -> list[str]:
        """The names of all."""
        return [backend.name for backend in self]

    @contextmanager
    def spared(self, backend: Backend) -> Iterator[None]:
        """What goes wrong here in anybody else's backend leaves that out; the others work."""
        try:
            yield
        except Exception as error:
            if backend.ours:
                raise
            self.leave_out(backend.name, error)

    def leave_out(self, name: str, error: Exception) -> None:
        """Say why a backend is not there."""
        self.left_out[name] = str(error) if isinstance(error, RequestError) else f"{type(error).__name__}: {error}"
        log.warning("the backend %s is left out: %s", name, self.left_out[name])

    def default(self, limit: str) -> str:
        """What all of them declare as a limit, as its variable would say it."""
        said = {backend.name: getattr(backend, limit) for backend in self}
        return ",".join(f"{name}={value}" for name, value in said.items() if value is not None)


@cache
def load(named: str = "") -> Backends:
    """The backends of these names, separated by commas; ours where none is named.

    Raises:
        RequestError: one of them is not installed.
    """
    entries = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    ours = [name for name, entry in entries.items() if entry.dist and entry.dist.name == "callsheet"]
    words = [word.strip() for word in named.split(",") if word.strip()] or [OURS]
    wanted = dict.fromkeys(name for word in words for name in (ours if word == OURS else [word]))
    if strange := [name for name in wanted if name not in entries]:
        raise RequestError(
            f"`CALLSHEET_BACKENDS`: no backend `{strange[0]}` is installed; {listed(list(entries))} are."
        )
    loaded, failed = [], {}
    for name in wanted:
        try:
            loaded.append(checked(name, entries[name].load()))
        except Exception as error:
            if name in ours:
                raise
            failed[name] = error
    backends = Backends(tuple(sorted(loaded, key=lambda backend: (backend.rank, backend.name))))
    for name, why in failed.items():
        backends.leave_out(name, why)
    return backends


def checked(name: str, found: object) -> Backend:
    """What an entry point gave, if it is a backend that we can use.

    Raises:
        RequestError: it is not.
    """
    if not isinstance(found, Backend) or found.name != name:
        raise RequestError(
            f"Its entry point must bear the backend's name, and point to its `Backend`, not {found!r:.60}."
        )
    return found
