"""What every command shares: the settings, a studio for one thing, a bar while waiting, and how answers are shown."""

import contextlib
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from callsheet.catalogue.model import plain
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Receipt
from callsheet.ledger.tables import Job
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

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


def loose_json(name: str, text: str) -> Any:
    """A flag's JSON.

    Raises:
        RequestError: it is none.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise RequestError(f"--{name}: this is not JSON: {text[:80]}") from None
