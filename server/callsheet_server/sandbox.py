"""`callsheet sandbox`: the backends in a box, on a port."""

import ipaddress
import sys
from pathlib import Path
from typing import Any

import uvicorn

from callsheet.errors import RequestError
from callsheet_sandbox.app import sandbox

ENVIRONMENT = """\
The sandbox listens on {origin}. In another terminal:

  export PHAYA_API_KEY=pk_sandbox PHAYA_BASE={origin}/api/v1
  callsheet credits

Any key that starts with pk_ opens an account. What is asked is listed at {origin}/_sandbox/log.
"""


def main(host: str, port: int, folder: Path | None, **options: Any) -> None:
    """Serve until interrupted.

    Raises:
        RequestError: the address is not this machine's alone.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RequestError(f"`--host {host}`: the sandbox gives credits to anybody, so only this machine may connect.")
    sys.stderr.write(ENVIRONMENT.format(origin=f"http://{host}:{port}"))
    uvicorn.run(sandbox(folder, **options), host=host, port=port, log_level="warning")
