"""Which backends may be used, on whose account, and the provider behind each."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import anyio.abc
import httpx2
from pydantic import SecretStr

from callsheet.backends.found import BACKENDS
from callsheet.backends.local.provider import LOCAL, LocalProvider
from callsheet.backends.pace import Pace
from callsheet.backends.provider import Provider
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

    def names(self) -> list[str]:
        """The backends that `auto` may choose: those with a key, or all in the sandbox; and this machine."""
        return [*(name for name in BACKENDS if self.settings.sandboxed(name) or self.settings.key(name)), LOCAL]

    def account(self, backend: str) -> str:
        """Whose credits a new job at this backend spends.

        Raises:
            RequestError: there is no such backend, or no key for it; names the variable, and the sandbox that needs
                none.
        """
        if backend not in (*BACKENDS, LOCAL):
            raise RequestError(f"There is no backend `{backend}`. There are {', '.join((*BACKENDS, LOCAL))}.")
        if backend != LOCAL and self.settings.sandboxed(backend):
            return f"sandbox/{backend}"
        if backend != LOCAL and self.settings.key(backend) is None:
            variable = BACKENDS[backend].key_variable
            raise RequestError(f"{variable} is not set. Set it, or CALLSHEET_SANDBOX=always to try without a key.")
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
        if account == LOCAL:
            return LocalProvider(self.pace, self.settings, self.ledger, self.tasks)
        name = backend_of(account)
        backend, base, key = BACKENDS[name], self.settings.base(name), self.settings.key(name)
        if account.startswith("sandbox/"):
            base = f"http://{name}.sandbox{httpx2.URL(base).path}".rstrip("/")
            key = SecretStr(backend.sandbox_key)
        transport = self.transports(account)
        return Provider(backend, base, key or SecretStr(""), self.pace, account, self.settings, transport)

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
