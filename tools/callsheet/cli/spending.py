"""The commands that tell of money."""

import sys
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.table import Table

from callsheet.catalogue.model import plain
from callsheet.cli.terminal import AsJson, EnvFile, Sandbox, load, say, with_studio
from callsheet.errors import RequestError
from callsheet.jobs.statement import Statement, spending, statement
from callsheet.queries import queries
from callsheet.studio import Studio


def spend(
    by: Annotated[str, typer.Option(help="day, model, backend or caller")] = "day",
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated.")] = False,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """What was spent; credits of different backends are never added up."""
    if by not in ("day", "model", "backend", "caller"):
        raise RequestError(f"--by {by}: say day, model, backend or caller.")
    rows = with_studio(load(env_file=env_file), lambda studio: spending(studio.books, by))
    if csv:
        sys.stdout.write(f"account,{by},jobs,credits\n")
        sys.stdout.writelines(f"{r['account']},{r['by']},{r['jobs']},{plain(r['credits'])}\n" for r in rows)
        return

    def plot() -> Table:
        most = max((row["credits"] for row in rows), default=0) or 1
        shown = Table("account", by, "jobs", "credits", "", box=None, header_style="bold")
        for row in rows:
            bar = "█" * max(1, round(30 * row["credits"] / most)) if row["credits"] > 0 else ""
            shown.add_row(row["account"], row["by"], str(row["jobs"]), plain(row["credits"]), f"[cyan]{bar}[/]")
        return shown

    say(rows, plot, as_json)


def show_statement(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD, UTC; default: today")] = None,
    sandbox: Sandbox = False,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """The ledger against the backends' balances: what moved, which receipts explain it, what none explains."""
    try:
        which = date.fromisoformat(day) if day else datetime.now(UTC).date()
    except ValueError:
        raise RequestError(f"--day {day}: this is no date such as 2026-11-21.") from None

    async def compare(studio: Studio) -> list[Statement]:
        for name in studio.providers.names() if day is None else ():
            await studio.balances.read(studio.providers.account(name))
        return [await statement(studio.books, account, which) for account in await studio.books.accounts()]

    found = with_studio(load(sandbox, env_file), compare)

    def table() -> Table:
        shown = Table("account", "opening", "closing", "moved", "explained", "unexplained", box=None)
        for one in found:
            numbers = (one.opening, one.closing, one.moved, one.explained, one.unexplained)
            shown.add_row(one.account, *("-" if n is None else plain(n) for n in numbers))
            for entry in [*one.receipts, *one.open]:
                shown.add_row(f"  {entry.job_id}", "", "", plain(entry.refunded - entry.charged), entry.status, "")
        return shown

    say([one.model_dump(mode="json", exclude_none=True) for one in found], table, as_json)


def credits(
    backend: Annotated[str | None, typer.Argument()] = None,
    detail: Annotated[bool, typer.Option("--detail", help="With all that the backend tells.")] = False,
    sandbox: Sandbox = False,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """What is left, and what today cost."""
    asked = queries.GetCredits(backend=backend, detail=detail)
    found = with_studio(load(sandbox, env_file), lambda studio: asked.answer(studio, "local")).as_dict()["accounts"]

    def table() -> Table:
        shown = Table("backend", "balance", "today", "per day", box=None, header_style="bold")
        for row in found:
            name = row["backend"] + (" (sandbox)" if row["sandbox"] else "")
            numbers = (plain(row[key]) if key in row else "-" for key in ("available", "spent_today", "max_per_day"))
            shown.add_row(name, *numbers)
        return shown

    say(found, table, as_json or detail)
