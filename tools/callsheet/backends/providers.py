"""Which backends may be used, on whose account, and the provider behind each."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import anyio.abc
import httpx2
from pydantic import SecretStr

from callsheet.backends import registry
from callsheet.backends.pace import Pace
from callsheet.backends.provider import Provider
from callsheet.catalogue.catalogue import Catalogue
from callsheet.errors import RequestError
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import backend_of
from callsheet.settings.settings import Settings

Transports = Callable[[str], httpx2.AsyncBaseTransport | None]


class Providers:
    """The providers of one process, each made when it is first asked for."""

    def __init__(
        self,
        settings: Settings,
        pace: Pace,
        ledger: Ledger,
        tasks: anyio.abc.TaskGroup,
        transports: Transports | None = None,
    ) -> None:
        self.settings = settings
        self.pace = pace
        self.ledger = ledger
        self.tasks = tasks
        self.transports = transports or (lambda account: installed(account, settings.home / "sandbox"))
        self.open: dict[str, Provider] = {}

    @property
    def catalogue(self) -> Catalogue:
        """The models of all backends."""
        return registry.catalogue(self.settings.backends)

    def names(self) -> list[str]:
        """The backends that `auto` may choose: those with a key, or all in the sandbox; then those that need none."""
        keyed = [backend.name for backend in self.settings.backends if backend.key]
        free = [backend.name for backend in self.settings.backends if backend.key is None]
        return [*(name for name in keyed if self.settings.sandboxed(name) or self.settings.key(name)), *free]

    def account(self, backend: str) -> str:
        """Whose credits a new job at this backend spends.

        Raises:
            RequestError: there is no such backend, or no key for it; names the variable, and the sandbox that needs
                none.
        """
        key = self.settings.backends[backend].key
        if self.settings.sandboxed(backend):
            return f"sandbox/{backend}"
        if key and self.settings.key(backend) is None:
            raise RequestError(f"{key.name} is not set. Set it, or CALLSHEET_SANDBOX=always to try without a key.")
        return backend

    def at(self, backend: str) -> Provider:
        """The provider for a new call at a backend.

        Raises:
            RequestError: see `account`.
        """
        return self.of(self.account(backend))

    def of(self, account: str) -> Provider:
        """The provider behind an account."""
        if account not in self.open:
            self.open[account] = self.made(account)
        return self.open[account]

    def made(self, account: str) -> Provider:
        """A provider, new."""
        name = backend_of(account)
        backend, base, key = self.settings.backends[name], self.settings.base(name), self.settings.key(name)
        dialect = registry.dialect(backend)
        if backend.provider:
            own: Provider = backend.find(backend.provider)(dialect, self)
            return own
        if account.startswith("sandbox/"):
            base = f"http://{name}.sandbox{httpx2.URL(base).path}".rstrip("/")
            key = SecretStr(dialect.sandbox_key)
        transport = self.transports(account)
        return Provider(dialect, base, key or SecretStr(""), self.pace, account, self.settings, transport)

    async def aclose(self) -> None:
        """Close every connection."""
        for provider in self.open.values():
            await provider.aclose()


def installed(account: str, folder: Path) -> httpx2.AsyncBaseTransport | None:
    """The transport for an account: the sandbox's, where the account is in the sandbox.

    Raises:
        RequestError: no sandbox is installed for that backend.
    """
    if not account.startswith("sandbox/"):
        return None
    name = backend_of(account)
    for entry in importlib.metadata.entry_points(group="callsheet.transports", name=name.replace("-", "_")):
        transport: httpx2.AsyncBaseTransport = entry.load()(folder)
        return transport
    raise RequestError(f"No sandbox for {name} is installed.")
