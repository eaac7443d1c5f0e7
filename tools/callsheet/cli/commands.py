"""The human commands. Flags come from the words, answers from the studio; JSON when piped, live when watched."""

import contextlib
import inspect
import json
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import anyio
import typer
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from callsheet.backends import registry
from callsheet.catalogue import about
from callsheet.catalogue.consent import Yes
from callsheet.catalogue.model import plain
from callsheet.catalogue.words import OPERATIONS, Words, operation
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Receipt
from callsheet.jobs.statement import Statement, spending, statement
from callsheet.ledger.tables import Job
from callsheet.queries import queries
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

app = typer.Typer(
    help="Image, video, speech, music, subtitles and edits, with a price before every job.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
out, err = Console(), Console(stderr=True)
T = TypeVar("T")
EXITS = {"completed": 0, "failed": 1, "cancelled": 1, "unknown": 1, "refused": 2, "working": 3}

Sandbox = Annotated[bool, typer.Option("--sandbox", help="Try it without a key or a cent.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON also in a terminal.")]
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="Settings, besides the environment.")]


def load(sandbox: bool = False, env_file: Path | None = None) -> Settings:
    """The settings, with the flags that overrule them; files named on the command line may be read from here."""
    settings = Settings.load(env_file)
    more: dict[str, Any] = {"input_dirs": (*settings.input_dirs, Path.cwd())}
    return settings.model_copy(update=more | ({"sandbox": "always"} if sandbox else {}))


def with_studio(settings: Settings, work: Callable[[Studio], Coroutine[Any, Any, T]]) -> T:
    """Open the studio, do one thing, close it."""

    async def main() -> T:
        async with Studio.open(settings) as studio:
            return await work(studio)

    return anyio.run(main)


def say(answer: Any, table: Callable[[], Any] | None = None, as_json: bool = False) -> None:
    """Print an answer: a table in a terminal, else JSON."""
    if table is None or as_json or not out.is_terminal:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2) + "\n")
    else:
        out.print(table())


def finish(receipt: Receipt, as_json: bool = False) -> None:
    """Print a receipt and leave with the exit code that says how it went."""
    say(receipt.as_dict(), receipt.lines, as_json)
    raise typer.Exit(EXITS[receipt.status])


# -- making ---------------------------------------------------------------------------------------------------------


def flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """A word as a flag of the command line."""
    text = str(field.annotation)
    kinds: tuple[tuple[str, Any], ...] = (("list[str]", list[str]), ("bool", bool), ("int", int), ("float", float))
    kind: Any = next((found for word, found in kinds if word in text), str)
    if "dict" in text:
        kind = str
    choice = [value for part in get_args(field.annotation) for value in get_args(part) if isinstance(value, str)]
    help_text = "JSON" if "dict" in text else ", ".join(choice) or None
    option = typer.Option(f"--{name.replace('_', '-')}", help=help_text)
    if kind is bool:
        option = typer.Option(f"--{name.replace('_', '-')}/--no-{name.replace('_', '-')}", help=help_text)
    optional: Any = Annotated[kind | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=optional)


def command(kind: type[Words]) -> Callable[..., None]:
    """The command that makes one kind of thing."""
    names = list(kind.model_fields)
    main = "prompt" if "prompt" in names else "text" if "text" in names else None

    def make(**said: Any) -> None:
        said |= asked_for(kind)
        sandbox, as_json, env_file = said.pop("sandbox"), said.pop("as_json"), said.pop("env_file")
        no_wait = said.pop("no_wait")
        spoken = {name: value for name, value in said.items() if value is not None and value != []}
        for name in ("options", "messages"):
            if name in spoken:
                spoken[name] = loose_json(name, spoken[name])
        words = kind.of(spoken, by_person=True)
        wait = 0.0 if no_wait else words.wait_s if words.wait_s is not None else 3600.0
        finish(with_studio(load(sandbox, env_file), lambda studio: produce(studio, words, wait)), as_json)

    parameters = []
    if main:
        required = kind.model_fields[main].is_required()
        argument = typer.Argument(help=f"The {main}.", show_default=False)
        annotation: Any = Annotated[str if required else str | None, argument]
        default: Any = inspect.Parameter.empty if required else None
        kind_of = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter(main, kind_of, default=default, annotation=annotation))
    flags = {name: field for name, field in kind.model_fields.items() if name != main and name not in kind.personal}
    parameters += [flag(name, field) for name, field in flags.items()]
    for name, annotation in (
        ("no_wait", Annotated[bool, typer.Option("--no-wait", help="Hand back the job id at once.")]),
        ("sandbox", Sandbox),
        ("as_json", AsJson),
        ("env_file", EnvFile),
    ):
        default = None if name == "env_file" else False
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, keyword, default=default, annotation=annotation))
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    make.__doc__ = kind.__doc__
    return make


def asked_for(kind: type[Words]) -> dict[str, str]:
    """What only a person may say, asked for in the terminal.

    Raises:
        RequestError: nobody is there.
    """
    if kind.personal and not (sys.stdin.isatty() and err.is_terminal):
        kind.of({})
    return {name: typer.prompt(question, err=True) for name, question in kind.personal.items()}


def loose_json(name: str, text: str) -> Any:
    """A flag's JSON.

    Raises:
        RequestError: it is none.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise RequestError(f"--{name}: this is not JSON: {text[:80]}") from None


async def produce(studio: Studio, words: Words, wait: float) -> Receipt:
    """Order, ask the person at the terminal if that is needed, and wait with a bar."""
    yes = None
    watched = sys.stdin.isatty() and err.is_terminal
    if watched and words.max_credits is None and (question := await studio.orders.question(words)):
        if not typer.confirm(question.text, err=True):
            raise RequestError("Not started; nothing was spent.")
        yes = Yes(question.prices)
    job, repeated = await studio.orders.place(words, yes=yes)
    await watch(studio, job.id, wait)
    if wait == 0:
        await studio.carrier.until_sent(job.id)
    return await studio.receipts.of(job.id, repeated=repeated)


async def watch(studio: Studio, job_id: str, wait: float) -> None:
    """Wait for a job, with a live bar where somebody watches; Ctrl-C leaves the job alone."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(Progress(*columns, console=err, transient=True)) if err.is_terminal else None
        task = bar.add_task(job_id, total=None) if bar else None

        async def listen(job: Job) -> None:
            if bar and task is not None:
                cost = f", {plain(job.quoted)} credits" if job.quoted is not None else ""
                spoken = studio.news.spoken.get(job.id, "")[-60:].replace("\n", " ")
                bar.update(task, description=f"{job.model} {spoken or job.progress or job.stage}{cost}")

        await studio.carrier.wait(job_id, wait, listen=listen)


for _kind in OPERATIONS.values():
    app.command(_kind.command or _kind.operation.replace("_", "-"), hidden=_kind.command is None)(command(_kind))


# -- asking ---------------------------------------------------------------------------------------------------------


@app.command()
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


@app.command()
def model(name: str, kind: Annotated[str | None, typer.Argument()] = None) -> None:
    """One model: its words, options, limits and prices."""
    say(about.describe(queries.DescribeModel(model=name, operation=kind).find(registry.catalogue(load().backends))))


@app.command()
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


@app.command()
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


@app.command()
def jobs(
    status: str | None = None,
    limit: int = 20,
    since: str | None = None,
    as_json: AsJson = False,
    env_file: EnvFile = None,
) -> None:
    """Your jobs, the newest first."""
    settings = load(env_file=env_file)
    asked = queries.ListJobs.of({"status": status, "limit": limit, "since": since})
    found = with_studio(settings, lambda studio: asked.answer(studio, "local")).jobs

    def table() -> Table:
        shown = Table(Column("job", no_wrap=True), "status", "model", "cost", "title", box=None, header_style="bold")
        for receipt in found:
            shown.add_row(receipt.job_id, receipt.status, receipt.model, receipt.cost(), receipt.title or "")
        return shown

    say([receipt.as_dict() for receipt in found], table, as_json)


@app.command()
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


@app.command()
def cancel(job_id: str, env_file: EnvFile = None) -> None:
    """Cancel a job, at the backend where it can."""

    async def stop(studio: Studio) -> tuple[str, Receipt]:
        said = await studio.carrier.cancel(job_id)
        return said, await studio.receipts.of(job_id)

    said, receipt = with_studio(load(env_file=env_file), stop)
    err.print(said)
    say(receipt.as_dict(), receipt.lines)


@app.command()
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


@app.command()
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


@app.command("statement")
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


@app.command()
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


@app.command()
def api(
    backend: str,
    method: str,
    path: str,
    data: Annotated[str | None, typer.Option(help="JSON body; - for standard input, or @file")] = None,
    form: Annotated[list[str] | None, typer.Option(help="name=value: a field of a form")] = None,
    file: Annotated[list[str] | None, typer.Option(help="name=path: a file of a multipart form")] = None,
    query: Annotated[list[str] | None, typer.Option(help="name=value: behind the path")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="name of a field that is asked for without being shown")
    ] = None,
    sandbox: Sandbox = False,
    env_file: EnvFile = None,
) -> None:
    """Call a documented route of a backend by hand. It may spend; nothing is written down."""
    from callsheet.cli import by_hand  # noqa: PLC0415

    secrets = by_hand.asked(secret or [])
    said = (data, form or [], file or [], query or [])
    route = by_hand.request(method, path, *said, secrets=secrets)
    settings = load(sandbox, env_file)
    status, told = with_studio(settings, lambda studio: by_hand.call(studio, backend, route, secrets))
    say(told)
    if not 200 <= status < 300:
        err.print(f"callsheet: {backend} answered {status}.")
        raise typer.Exit(1)


@app.command("skill")
def skill(
    action: Annotated[str, typer.Argument(help="install, or tables")] = "install",
    target: Annotated[Path | None, typer.Option(help="default: ~/.claude/skills")] = None,
) -> None:
    """Install the agent skill, or print its tables anew."""
    from callsheet.cli import docs  # noqa: PLC0415

    if action == "install":
        folder = docs.install(target or Path.home() / ".claude" / "skills", load().backends)
        sys.stdout.write(f"{folder}\n")
    elif action == "tables":
        for path in docs.write_tables():
            sys.stdout.write(f"{path}\n")
    else:
        raise RequestError(f"`callsheet skill {action}`: say install or tables.")
