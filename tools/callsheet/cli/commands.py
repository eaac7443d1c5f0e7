"""The human commands. Flags come from the words, answers from the studio; JSON when piped, live when watched."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from callsheet.catalogue.words import OPERATIONS
from callsheet.cli import asking, checking, making, spending
from callsheet.cli.terminal import EnvFile, Sandbox, err, load, say, with_studio
from callsheet.errors import RequestError

app = typer.Typer(
    help="Image, video, speech, music, subtitles and edits, with a price before every job.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for _kind in OPERATIONS.values():
    app.command(_kind.command or _kind.operation.replace("_", "-"), hidden=_kind.command is None)(making.command(_kind))
COMMANDS: dict[str, Callable[..., None]] = {
    "models": asking.models,
    "model": asking.model,
    "quote": asking.quote,
    "plan": asking.plan,
    "jobs": asking.jobs,
    "job": asking.job,
    "cancel": asking.cancel,
    "resubmit": asking.resubmit,
    "spend": spending.spend,
    "statement": spending.show_statement,
    "credits": spending.credits,
    "backend": checking.backend,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


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


@app.command()
def skill(
    action: Annotated[str, typer.Argument(help="install, or tables")] = "install",
    target: Annotated[Path | None, typer.Option(help="default: ~/.claude/skills")] = None,
) -> None:
    """Install the agent skill, or print its tables anew."""
    from callsheet.cli import docs  # noqa: PLC0415
    from callsheet.cli.tables import Tables  # noqa: PLC0415
    from callsheet.settings.backends import load as ours  # noqa: PLC0415

    commands, backends = typer.main.get_group(app).commands, load().backends
    if action == "install":
        blocks = None if backends == ours() else Tables(commands, backends).blocks
        sys.stdout.write(f"{docs.install(target or Path.home() / '.claude' / 'skills', blocks)}\n")
    elif action == "tables":
        for path in docs.write_tables(Tables(commands, ours()).blocks):
            sys.stdout.write(f"{path}\n")
    else:
        raise RequestError(f"`callsheet skill {action}`: say install or tables.")
