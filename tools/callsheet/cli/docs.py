"""What could drift in README.md, SKILL.md and skill/ is written from the code; and the skill is put where agents look.

A page keeps a place for each piece, from `<!-- tables: NAME -->` to `<!-- /tables -->`; `BLOCKS` has what goes there.
"""

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from callsheet.backends import registry
from callsheet.catalogue import about
from callsheet.catalogue.model import Model, Price, input_of, plain
from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.errors import RequestError, listed
from callsheet.queries.queries import TOOLSETS, Query, queries
from callsheet.settings.backends import Backends, load
from callsheet.settings.settings import documented

BLOCK = re.compile(r"^([ #]*<!-- tables: (.+?) -->\n)(?:.*?\n)??([ #]*<!-- /tables -->)$", re.MULTILINE | re.DOTALL)
MOST_PRICES = 20
LONG = 4
"""So many words are worth a reference to where they stand already."""


# -- pages ----------------------------------------------------------------------------------------------------------


def write_tables() -> list[Path]:
    """Bring every page of the checkout up to date; gives those that were not."""
    changed = stale()
    for path in changed:
        path.write_text(fresh(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return changed


def stale() -> list[Path]:
    """The pages of the checkout that say something else than the code."""
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    return [path for path, text in texts.items() if fresh(text) != text]


def pages() -> list[Path]:
    """The pages of the checkout that may hold blocks.

    Raises:
        RequestError: this is an installed package; its pages were finished when it was built.
    """
    root = checkout()
    if root is None:
        raise RequestError("Tables are written in a checkout of the project, and this is an installed package.")
    return [root / "README.md", root / "SKILL.md", *sorted((root / "skill").glob("*.md"))]


def checkout() -> Path | None:
    """The root of the checkout this package is run from, if it is."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "SKILL.md").is_file() and (root / "pyproject.toml").is_file() else None


def fresh(text: str) -> str:
    """A page with its blocks written anew.

    Raises:
        RequestError: a block has a name that nobody knows.
    """

    def filled(found: re.Match[str]) -> str:
        name, _, more = found[2].partition(" ")
        if name not in BLOCKS:
            raise RequestError(f"There is no block `{name}`; there are {listed(list(BLOCKS))}.")
        return "\n".join([found[1].rstrip("\n"), *BLOCKS[name](*more.split()), found[3]])

    return BLOCK.sub(filled, text)


def install(target: Path, backends: Backends | None = None) -> Path:
    """Put the skill into `<target>/callsheet`, with tables of these backends, over an older one and nothing else.

    Raises:
        RequestError: that is where it comes from.
    """
    source = origin()
    folder = target.expanduser().absolute() / "callsheet"
    if folder.resolve() == source.resolve():
        raise RequestError(f"{folder} is where the skill comes from.")
    (folder / "skill").mkdir(parents=True, exist_ok=True)
    for old in (folder / "skill").glob("*.md"):
        old.unlink()
    TOLD.set(backends)
    for page in (source / "SKILL.md", *sorted((source / "skill").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        text = text if backends in (None, load()) else fresh(text)
        (folder / page.relative_to(source)).write_text(text, encoding="utf-8", newline="\n")
    TOLD.set(None)
    return folder


def origin() -> Path:
    """Where the skill comes from.

    Raises:
        RequestError: it is not here.
    """
    packaged = Path(__file__).parents[1] / "_skill"
    source = packaged if packaged.is_dir() else checkout()
    if source is None:
        raise RequestError("This package was built without the skill.")
    return source


TOLD: ContextVar[Backends | None] = ContextVar("TOLD", default=None)


def shown() -> Backends:
    """The backends of which the tables tell: ours, unless the skill is installed for others."""
    return TOLD.get() or load()


# -- Markdown -------------------------------------------------------------------------------------------------------


def table(head: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a table; `head` names its columns, separated by `|`."""
    columns = [column.strip() for column in head.split("|")]
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def code(text: object) -> str:
    """Text as it would be typed."""
    return f"`{text}`"


def codes(names: Iterable[str]) -> str:
    """Names in a row."""
    return ", ".join(code(name) for name in names)


def doc(thing: type) -> str:
    """A docstring, in one line."""
    return " ".join((thing.__doc__ or "").split())


def plainly(value: object) -> str:
    """A value of a word, for a reader."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


# -- tools and commands ---------------------------------------------------------------------------------------------


@cache
def commands() -> dict[str, Any]:
    """Every command of the command line by its name; the server's commands lie beside the console script."""
    for script in importlib.metadata.entry_points(group="console_scripts", name="callsheet"):
        importlib.import_module(f"{script.module.rpartition('.')[0]}.commands")
    typer, cli = importlib.import_module("typer.main"), importlib.import_module("callsheet.cli.commands")
    found: dict[str, Any] = typer.get_command(cli.app).commands
    return found


def usage(name: str) -> str:
    """A command with what it must or may be given; flags are left to `--help`."""
    arguments = [p for p in commands()[name].params if p.param_type_name == "argument"]
    spoken = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    return " ".join(["callsheet", name, *spoken])


def command(tool: type[Words] | type[Query]) -> str:
    """The command that does what a tool does: an operation's own, or the one of which a core query's name speaks."""
    if issubclass(tool, Words):
        return tool.command or tool.operation.replace("_", "-")
    parts = tool.name.split("_") if tool.toolset == "core" else ()
    return next((part for part in parts if part in commands()), "")


def tools(toolset: str) -> dict[str, type[Words] | type[Query]]:
    """The tools of a toolset by name, what makes something first."""
    operations = {name: kind for name, kind in OPERATIONS.items() if kind.toolset == toolset}
    return operations | {name: query for name, query in queries(shown()).items() if query.toolset == toolset}


def words(tool: type[Words] | type[Query]) -> str:
    """A tool's own arguments, those it needs in bold; the words that all operations share are left out."""
    common = Words.model_fields if issubclass(tool, Words) else {}
    personal = getattr(tool, "personal", {})
    fields = {n: f for n, f in tool.model_fields.items() if n not in common and n not in personal}
    return ", ".join(f"**{code(n)}**" if f.is_required() else code(n) for n, f in fields.items())


def toolsets() -> Iterator[str]:
    """README: every tool, by toolset."""
    rows = ([code(name), codes(tools(name))] for name in TOOLSETS if tools(name))
    yield from table("toolset | tools", rows)


def command_table() -> Iterator[str]:
    """README: every command, those of single edits left out."""
    shown = {name: found for name, found in commands().items() if not found.hidden}
    yield from table("command | does", ([code(usage(n)), found.help.splitlines()[0]] for n, found in shown.items()))


def making() -> Iterator[str]:
    """SKILL.md: what makes something, the command, and the model that `auto` tries first."""
    rows = []
    for name, kind in tools("core").items():
        if issubclass(kind, Words):
            first = next((model for model in registry.catalogue(shown()).models(name) if model.auto), None)
            choice = [code(first.id), about.cost(first)] if first else ["none", ""]
            rows.append([doc(kind), code(name), code(f"callsheet {command(kind)}"), *choice])
    yield from table("to | tool | command | first choice | credits", rows)


def asking() -> Iterator[str]:
    """SKILL.md: what looks, waits or undoes, and its command."""
    free = {name: query for name, query in tools("core").items() if issubclass(query, Query)}
    rows = ([code(n), code(usage(command(q))) if command(q) else "tool only", doc(q)] for n, q in free.items())
    yield from table("tool | command | does", rows)


def more_tools() -> Iterator[str]:
    """SKILL.md: the toolsets beyond the first, with the page of each."""
    own = {path.stem for path in (origin() / "skill").glob("*.md")}
    rows = []
    for name in TOOLSETS[1:]:
        if found := tools(name):
            page = f"skill/{name if name in own else 'tools'}.md"
            rows.append([code(name), codes(found), f"[{page}]({page})"])
    yield from table("toolset | tools | read", rows)


def all_tools() -> Iterator[str]:
    """skill/tools.md: every tool with its command and arguments."""
    for toolset in TOOLSETS:
        if found := tools(toolset):
            yield from (f"## {toolset}", "")
            rows = []
            for name, tool in found.items():
                spoken = command(tool)
                rows.append([code(name), code(f"callsheet {spoken}") if spoken else "", words(tool), doc(tool)])
            yield from (*table("tool | command | arguments | does", rows), "")


# -- models ---------------------------------------------------------------------------------------------------------


def models(toolset: str) -> Iterator[str]:
    """README: every model of a toolset with its price, by tool and backend."""
    rows = []
    for name in tools(toolset):
        backends: dict[str, list[str]] = {}
        for model in registry.catalogue(shown()).models(name) if name in OPERATIONS else ():
            backend, _, short = model.id.partition("/")
            backends.setdefault(backend, []).append(f"{code(short)} {about.cost(model).partition(' (')[0]}")
        rows += [[code(name), backend, " · ".join(found)] for backend, found in backends.items()]
    yield from table("tool | backend | models, and the credits of one call", rows)


def operation(name: str) -> Iterator[str]:
    """A skill page: a tool's command and arguments, and its models with all that each takes."""
    kind = OPERATIONS[name]
    yield f"Tool `{name}`, command `callsheet {command(kind)}`. Arguments: {words(kind)}."
    if known := registry.catalogue(shown()).models(name):
        yield ""
        told = Known(), Known()
        for model in known:
            yield from entry(model, *told)


def toolset(name: str) -> Iterator[str]:
    """A skill page: every tool of a toolset, with its models."""
    for tool, kind in tools(name).items():
        yield from (f"### {tool}", "", doc(kind))
        if issubclass(kind, Words):
            yield from operation(tool)
        elif kind.model_fields:
            yield f"Arguments: {words(kind)}."
        yield ""


class Known(dict[str, set[str]]):
    """What was told of earlier models on a page, so that it need not be told again."""

    def told(self, model: str, parts: list[str]) -> str:
        """Parts in a row, those that an earlier model has too by its name."""
        like = [(name, old) for name, old in self.items() if len(old) >= LONG and old <= set(parts)]
        name, old = max(like, key=lambda pair: len(pair[1]), default=("", set[str]()))
        self[model] = set(parts)
        same = [f"the same as {code(name)}"] if name else []
        return "; ".join(same + [part for part in parts if part not in old])


def entry(model: type[Model], words: Known, options: Known) -> Iterator[str]:
    """A model as an item of a list."""
    named = "" if model.auto else " Only when named."
    yield f"- **{code(model.id)}**, credits: {about.cost(model)}. {about.summary(model)}{named}"
    own = {field: name for name, field in model.options().items()}
    fields = {name: field for name, field in model.model_fields.items() if name != "upstream"}
    yield f"  Takes {words.told(model.id, [spoken(n, f) for n, f in fields.items() if n not in own])}."
    if more := [spoken(own[name], field) for name, field in fields.items() if name in own]:
        yield f"  Options: {options.told(model.id, more)}."
    rows = [(said, figure(price)) for said, price in about.prices(model)]
    if len({price for _, price in rows}) > 1 and len(rows) <= MOST_PRICES:
        by = codes(own.get(name, name) for name in rows[0][0])
        each = (f"{', '.join(map(plainly, said.values()))}: {price}" for said, price in rows)
        yield f"  Credits by {by}: {'; '.join(each)}."


def figure(price: Price) -> str:
    """A price without its unit."""
    if not price.published:
        return "not published"
    return plain(price.high) if price.low == price.high else f"{plain(price.low)} to {plain(price.high)}"


def spoken(name: str, field: FieldInfo) -> str:
    """A word or option with what it accepts."""
    mark = input_of(field)
    facts = mark.kind if mark else about.limits(field)
    if field.is_required():
        return f"**{code(name)}** ({facts})"
    default = "" if field.default is None else f"; default {plainly(field.default)}"
    return f"{code(name)} ({facts}{default})"


# -- settings and source --------------------------------------------------------------------------------------------


def variables() -> Iterator[str]:
    """README: every environment variable."""
    rows = ([code(one.name), code(one.default) if one.default else "", one.meaning] for one in documented(shown()))
    yield from table("variable | default | meaning", rows)


def declared() -> Iterator[str]:
    """SKILL.md's frontmatter: every environment variable, as ClawHub wants them."""
    for one in documented(shown()):
        yield f"      - name: {one.name}"
        yield "        required: false"
        yield f"        description: {json.dumps(one.meaning, ensure_ascii=False)}"


def source(name: str) -> Iterator[str]:
    """README: a function or class as it is, `module:name`."""
    yield from ("```python", *inspect.getsource(pkgutil.resolve_name(name)).rstrip().splitlines(), "```")


BLOCKS: dict[str, Callable[..., Iterator[str]]] = {
    "toolsets": toolsets,
    "commands": command_table,
    "models": models,
    "variables": variables,
    "source": source,
    "envVars": declared,
    "making": making,
    "asking": asking,
    "more": more_tools,
    "tools": all_tools,
    "operation": operation,
    "toolset": toolset,
}
"""What each block holds; further words of its name are arguments."""
