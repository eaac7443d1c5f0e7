"""The library's commands, and those that need a server: `demo` and `sandbox`. (`serve` takes a shorter way in.)"""

from pathlib import Path
from typing import Annotated

import typer

from callsheet.cli.commands import app


@app.command()
def serve() -> None:
    """MCP over stdio; --http for streamable HTTP, for a team with tokens or OAuth."""


@app.command()
def demo(
    output: Annotated[Path | None, typer.Option(help="default: `demo` in CALLSHEET_OUTPUT_DIR")] = None,
    http: Annotated[bool, typer.Option("--http", help="connect over HTTP instead of stdio")] = False,
) -> None:
    """No key needed: a real MCP client makes one of everything in the sandbox."""
    from callsheet_server import demo as show  # noqa: PLC0415

    raise typer.Exit(show.main(output, http=http))


@app.command()
def sandbox(
    port: int = 8899,
    host: str = "127.0.0.1",
    rate: Annotated[int, typer.Option(help="requests a minute for each key")] = 60,
    credits: Annotated[float | None, typer.Option(help="what a new key starts with; default: as its vendor")] = None,
    speed: Annotated[float, typer.Option(help="how much faster than usual jobs are")] = 1.0,
    folder: Annotated[Path | None, typer.Option(help="keep its state here; default: forget at the end")] = None,
) -> None:
    """The backends over real HTTP on this machine, for other clients and for MCP Inspector."""
    from callsheet_server import sandbox as box  # noqa: PLC0415

    box.main(host, port, folder, credits, rate=rate, speed=speed)


__all__ = ["app"]
