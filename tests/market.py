"""A house with every backend in the sandbox, where models can be compared."""

from pathlib import Path
from typing import Any

import httpx2

from callsheet_sandbox.in_process import Transport
from tests.conftest import House, Nowhere
from tests.ours import BACKENDS

NAMES = [backend.name for backend in BACKENDS if backend.key]


class Market(House):
    """One owner, who has an account at each backend of the sandbox."""

    def __init__(self, folder: Path, **sandbox: Any) -> None:
        super().__init__(folder, **sandbox)
        options = {"speed": 50.0, "rate": 100_000} | sandbox
        self.boxes = {name: Transport(name, folder / "box" / name, **options) for name in NAMES}
        self.box = self.boxes["phaya"]

    def transports(self, account: str) -> httpx2.AsyncBaseTransport:
        return self.boxes.get(account.removeprefix("sandbox/"), Nowhere())

    def posts(self, backend: str) -> list[str]:
        """The routes of what was created at a backend."""
        entries = self.boxes[backend].app.box.log.entries(backend)
        return [entry.route for entry in entries if entry.method == "POST" and entry.status == 200]
