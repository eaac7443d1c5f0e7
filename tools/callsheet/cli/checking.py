"""`callsheet backend check`."""

from decimal import Decimal
from typing import Annotated

import anyio
import typer
from rich.table import Table

from callsheet.cli.terminal import AsJson, EnvFile, load, say
from callsheet.errors import RequestError


def backend(
    action: Annotated[str, typer.Argument(help="check")],
    name: str,
    base: Annotated[str | None, typer.Option(help="the real backend's address; else its sandbox is tried")] = None,
    max_credits: Annotated[float | None, typer.Option(help="what trying the real one may cost")] = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Try whether a backend bears what every backend must, at its sandbox or for real."""
    from callsheet.cli.check import check  # noqa: PLC0415

    if action != "check":
        raise RequestError(f"`callsheet backend {action}`: say check.")
    settings = load(env_file=env_file)
    variable = settings.backends[name].base
    if base and variable:
        settings = settings.model_copy(update={"said": {**settings.said, variable.name: base}})
    allowed = None if max_credits is None else Decimal(str(max_credits))
    rows = anyio.run(check, settings, name, allowed, base is not None)

    def table() -> Table:
        shown = Table("tried", "result", "what that means", box=None, header_style="bold")
        for row in rows:
            shown.add_row(row.name, row.skipped or row.fault or "good", row.means if row.fault else "")
        return shown

    say([vars(row) for row in rows], table, as_json)
    raise typer.Exit(1 if any(row.fault for row in rows) else 0)
