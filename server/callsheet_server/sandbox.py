"""`callsheet sandbox`: the backends in a box, on a port."""

import ipaddress
import sys
from pathlib import Path
from typing import Any

import uvicorn

from callsheet.errors import RequestError
from callsheet_sandbox import CREDITS
from callsheet_sandbox.app import sandbox

ENVIRONMENT = """\
The sandbox listens on {origin}. In another terminal:

  export PHAYA_API_KEY=pk_sandbox PHAYA_BASE={origin}/api/v1
  export PH0NY_API_KEY=plabs_sandbox_sandbox_sandbox_sandbox_ PH0NY_BASE={origin}
  export PHANTAISIA_TOKEN=phantaisia_sandbox PHANTAISIA_BASE={origin}
  export PROGRESSIVE_ROBOT_API_KEY=pk_sandbox PROGRESSIVE_ROBOT_BASE={origin}
  export OPENAI_API_KEY=sk-sandbox OPENAI_BASE_URL={origin}/openai/v1
  export OPENROUTER_API_KEY=sk-or-v1-sandbox OPENROUTER_BASE={origin}/openrouter/api/v1
  export FAL_KEY=sandbox:sandbox FAL_BASE={origin}/fal
  callsheet credits

Another key opens another account. What is asked is listed at {origin}/_sandbox/log.
"""


def main(host: str, port: int, folder: Path | None, credits: float | None, **options: Any) -> None:
    """Serve until interrupted; `credits` are what a new account starts with, else what its vendor would give.

    Raises:
        RequestError: the address is not this machine's alone.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise RequestError(f"`--host {host}`: the sandbox gives credits to anybody, so only this machine may connect.")
    sys.stderr.write(ENVIRONMENT.format(origin=f"http://{host}:{port}"))
    given = CREDITS if credits is None else credits
    uvicorn.run(sandbox(folder, credits=given, **options), host=host, port=port, log_level="warning")
