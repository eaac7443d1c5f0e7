"""The commands that make something; their flags come from the words."""

import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer
from pydantic.fields import FieldInfo

from callsheet.catalogue.consent import Yes
from callsheet.catalogue.words import Words
from callsheet.cli.terminal import AsJson, EnvFile, Sandbox, err, finish, load, loose_json, watch, with_studio
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Receipt
from callsheet.studio import Studio


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
