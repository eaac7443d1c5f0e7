"""The `callsheet` command: `serve` by the shortest way, everything else through the library's commands."""

import argparse
import gc
import sys
from functools import partial
from pathlib import Path

from callsheet.errors import CallsheetError
from callsheet.settings.settings import Settings
from callsheet_server import logs


def main() -> None:
    """Run the command line."""
    gc.set_threshold(50_000)  # what is imported stays: looking through it for garbage is a fifth of the start
    try:
        if sys.argv[1:2] == ["serve"]:
            serve(sys.argv[2:])
        else:
            from callsheet_server.commands import app  # noqa: PLC0415  (typer and rich are slow to import)

            app()
    except CallsheetError as error:
        sys.stderr.write(f"callsheet: {error.message}\n")
        raise SystemExit(2) from None


def serve(args: list[str]) -> None:
    """`callsheet serve`."""
    parser = argparse.ArgumentParser("callsheet serve", description="MCP over stdio, or over HTTP.")
    parser.add_argument("--http", action="store_true", help="streamable HTTP at /mcp instead of stdio")
    parser.add_argument("--host", default="127.0.0.1", help="another than this machine needs tokens or OAuth")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--sessions", action="store_true", help="one process only: older clients can be asked, too")
    parser.add_argument("--toolsets", help="comma-separated; default: CALLSHEET_TOOLSETS or core")
    parser.add_argument("--env-file", type=Path, help="settings, besides the environment and CALLSHEET_HOME's")
    said = parser.parse_args(args)
    settings = Settings.load(said.env_file)
    logs.start(settings)
    wanted = tuple(part.strip() for part in said.toolsets.split(",") if part.strip()) if said.toolsets else None

    import anyio  # noqa: PLC0415  (with the server's modules, after the arguments are known to be good)

    from callsheet_server.mcp import server, stdio  # noqa: PLC0415
    from callsheet_server.web import http  # noqa: PLC0415

    built, desk = server.build(settings, toolsets=wanted, remote=said.http)
    if said.http:
        sys.stderr.write(f"callsheet: http://{said.host}:{said.port}/mcp\n")
        anyio.run(partial(http.serve, built, desk, said.host, said.port, sessions=said.sessions))
    else:
        anyio.run(stdio.serve, built, desk)
