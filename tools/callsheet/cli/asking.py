"""The commands that look, wait, cancel and order by a file."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from callsheet.backends import registry
from callsheet.catalogue import about
from callsheet.catalogue.consent import Yes
from callsheet.catalogue.words import operation
from callsheet.cli.terminal import (
    EXITS,
    AsJson,
    EnvFile,
    Sandbox,
    err,
    finish,
    load,
    loose_json,
    say,
    watch,
    with_studio,
)
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Receipt
from callsheet.queries import queries
from callsheet.queries.jobs import ListJobs
from callsheet.studio import Studio


def models(
    kind: Annotated[str | None, typer.Argument(help="image, video, speech, … or an operation")] = None,
    can: Annotated[str | None, typer.Option(help="what it must do, e.g. `last frame`")] = None,
    backend: str | None = None,
    as_json: AsJson = False,
) -> None:
    """The models there are, and what they cost."""
    catalogue = registry.catalogue(load().backends)
    rows = queries.ListModels(operation=kind, can=can, backend=backend).find(catalogue).models

    def table() -> Table:
        shown = Table("model", "credits", "what it is", box=None, header_style="bold")
        for row in rows:
            shown.add_row(row["id"], row["credits"], row["summary"])
        return shown

    say(rows, table, as_json)


def model(name: str, kind: Annotated[str | None, typer.Argument()] = None) -> None:
    """One model: its words, options, limits and prices."""
    say(about.describe(queries.DescribeModel(model=name, operation=kind).find(registry.catalogue(load().backends))))


def quote(
    kind: Annotated[str, typer.Argument(help="image, video, … or an operation")],
    arguments: Annotated[str, typer.Argument(help="JSON, as for the tool; or just the prompt")],
    sandbox: Sandbox = False,
    env_file: EnvFile = None,
) -> None:
    """What a call would cost; nothing is made."""
    if kind == queries.Plan.name:
        said = {"calls": called(arguments)}
    elif arguments.lstrip().startswith("{"):
        said = loose_json("arguments", arguments)
    else:
        said = {"text" if "text" in operation(kind).model_fields else "prompt": arguments}
    asked = queries.Quote(operation=kind, arguments=said)
    say(with_studio(load(sandbox, env_file), lambda studio: asked.answer(studio, "local")).as_dict())


def called(text: str) -> Any:
    """A plan's calls: JSON, or the file behind an `@`, or standard input for `-`.

    Raises:
        RequestError: it is none.
    """
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise RequestError(f"{text}: {error.strerror}.") from None
    found = loose_json("calls", sys.stdin.read() if text == "-" else text)
    return found["calls"] if isinstance(found, dict) and "calls" in found else found


def plan(
    calls: Annotated[str, typer.Argument(help="JSON, [{tool, arguments}, …]; @file, or - for standard input")],
    sandbox: Sandbox = False,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Several calls at once, one price, one yes; in their arguments "$1" is what the first one makes."""
    asked = queries.Plan.of({"calls": called(calls)})

    async def carry_out(studio: Studio) -> list[Receipt]:
        yes = None
        if sys.stdin.isatty() and err.is_terminal and (question := await asked.question(studio, "local")):
            if not typer.confirm(question.text, err=True):
                raise RequestError("Not started; nothing was spent.")
            yes = Yes(question.prices)
        planned = await asked.approved(yes, asks=False).answer(studio, "local")
        for receipt in planned.jobs:
            await watch(studio, receipt.job_id, 3600.0)
        return [await studio.receipts.of(receipt.job_id) for receipt in planned.jobs]

    receipts = with_studio(load(sandbox, env_file), carry_out)
    say({"jobs": [receipt.as_dict() for receipt in receipts]}, lambda: "\n".join(r.lines() for r in receipts), as_json)
    raise typer.Exit(max(EXITS[receipt.status] for receipt in receipts))


def jobs(
    status: str | None = None,
    limit: int = 20,
    since: str | None = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Your jobs, the newest first."""
    settings = load(env_file=env_file)
    asked = ListJobs.of({"status": status, "limit": limit, "since": since})
    found = with_studio(settings, lambda studio: asked.answer(studio, "local")).jobs

    def table() -> Table:
        shown = Table(Column("job", no_wrap=True), "status", "model", "cost", "title", box=None, header_style="bold")
        for receipt in found:
            shown.add_row(receipt.job_id, receipt.status, receipt.model, receipt.cost(), receipt.title or "")
        return shown

    say([receipt.as_dict() for receipt in found], table, as_json)


def job(
    job_id: str,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end.")] = False,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """One job's receipt."""

    async def look(studio: Studio) -> Receipt:
        await studio.carrier.fetch_again(job_id)
        await watch(studio, job_id, 3600.0 if wait else 0.0)
        return await studio.receipts.of(job_id)

    finish(with_studio(load(env_file=env_file), look), as_json)


def cancel(job_id: str, env_file: EnvFile = None) -> None:
    """Cancel a job, at the backend where it can."""

    async def stop(studio: Studio) -> tuple[str, Receipt]:
        said = await studio.carrier.cancel(job_id)
        return said, await studio.receipts.of(job_id)

    said, receipt = with_studio(load(env_file=env_file), stop)
    err.print(said)
    say(receipt.as_dict(), receipt.lines)


def resubmit(job_id: str, max_credits: float | None = None, as_json: AsJson = False, env_file: EnvFile = None) -> None:
    """Send a job again whose outcome is unknown; it may be paid for twice."""

    async def send(studio: Studio) -> Receipt:
        yes = None
        if max_credits is None and sys.stdin.isatty() and err.is_terminal:
            question = await studio.orders.question_again(job_id, "local")
            yes = Yes(question.prices) if typer.confirm(question.text, err=True) else None
        job = await studio.orders.again(job_id, max_credits, yes=yes)
        await watch(studio, job.id, 3600.0)
        return await studio.receipts.of(job.id)

    finish(with_studio(load(env_file=env_file), send), as_json)
