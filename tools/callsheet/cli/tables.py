"""The tables of README.md, SKILL.md and skill/, each from the code that it tells of."""

import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from callsheet.backends import registry
from callsheet.catalogue import about
from callsheet.catalogue.model import Model, Price, input_of, plain
from callsheet.catalogue.query import Query
from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.cli.docs import origin
from callsheet.queries.queries import TOOLSETS, queries
from callsheet.settings.backends import Backends
from callsheet.settings.settings import documented

MOST_PRICES = 20
LONG = 4
"""So many words are worth a reference to where they stand already."""


class Tables:
    """Every block of a page, given the commands and the backends that there are."""

    def __init__(self, commands: Mapping[str, Any], backends: Backends) -> None:
        self.commands, self.backends = commands, backends
        self.catalogue, self.queries = registry.catalogue(backends), queries(backends)

    @property
    def blocks(self) -> dict[str, Callable[..., Iterator[str]]]:
        """What each block holds; further words of its name are arguments."""
        return {
            "toolsets": self.toolsets,
            "commands": self.command_table,
            "models": self.models,
            "variables": self.variables,
            "source": source,
            "envVars": self.declared,
            "making": self.making,
            "asking": self.asking,
            "more": self.more_tools,
            "tools": self.all_tools,
            "operation": self.operation,
            "toolset": self.toolset,
        }

    def usage(self, name: str) -> str:
        """A command with what it must or may be given; flags are left to `--help`."""
        arguments = [p for p in self.commands[name].params if p.param_type_name == "argument"]
        spoken = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
        return " ".join(["callsheet", name, *spoken])

    def command(self, tool: type[Words] | type[Query]) -> str:
        """The command that does what a tool does: an operation's own, or the one that a core query's name speaks of."""
        if issubclass(tool, Words):
            return tool.command or tool.operation.replace("_", "-")
        parts = tool.name.split("_") if tool.toolset == "core" else ()
        return next((part for part in parts if part in self.commands), "")

    def command_table(self) -> Iterator[str]:
        """README: every command, those of single edits left out."""
        shown = {name: found for name, found in self.commands.items() if not found.hidden}
        yield from table(
            "command | does", ([code(self.usage(n)), found.help.splitlines()[0]] for n, found in shown.items())
        )

    def making(self) -> Iterator[str]:
        """SKILL.md: what makes something, the command, and the model that `auto` tries first."""
        rows = []
        for name, kind in self.tools("core").items():
            if issubclass(kind, Words):
                first = next((model for model in self.catalogue.models(name) if model.auto), None)
                choice = [code(first.id), about.cost(first)] if first else ["none", ""]
                rows.append([doc(kind), code(name), code(f"callsheet {self.command(kind)}"), *choice])
        yield from table("to | tool | command | first choice | credits", rows)

    def asking(self) -> Iterator[str]:
        """SKILL.md: what looks, waits or undoes, and its command."""
        free = {name: query for name, query in self.tools("core").items() if issubclass(query, Query)}
        rows = (
            [code(n), code(self.usage(self.command(q))) if self.command(q) else "tool only", doc(q)]
            for n, q in free.items()
        )
        yield from table("tool | command | does", rows)

    def all_tools(self) -> Iterator[str]:
        """skill/tools.md: every tool with its command and arguments."""
        for toolset in TOOLSETS:
            if found := self.tools(toolset):
                yield from (f"## {toolset}", "")
                rows = []
                for name, tool in found.items():
                    spoken = self.command(tool)
                    rows.append([code(name), code(f"callsheet {spoken}") if spoken else "", words(tool), doc(tool)])
                yield from (*table("tool | command | arguments | does", rows), "")

    def operation(self, name: str) -> Iterator[str]:
        """A skill page: a tool's command and arguments, and its models with all that each takes."""
        kind = OPERATIONS[name]
        yield f"Tool `{name}`, command `callsheet {self.command(kind)}`. Arguments: {words(kind)}."
        if found := self.catalogue.models(name):
            yield ""
            told = Known(), Known()
            for model in found:
                yield from entry(model, *told)

    def toolset(self, name: str) -> Iterator[str]:
        """A skill page: every tool of a toolset, with its models."""
        for tool, kind in self.tools(name).items():
            yield from (f"### {tool}", "", doc(kind))
            if issubclass(kind, Words):
                yield from self.operation(tool)
            elif kind.model_fields:
                yield f"Arguments: {words(kind)}."
            yield ""

    def tools(self, toolset: str) -> dict[str, type[Words] | type[Query]]:
        """The tools of a toolset by name, what makes something first."""
        operations = {name: kind for name, kind in OPERATIONS.items() if kind.toolset == toolset}
        return operations | {name: query for name, query in self.queries.items() if query.toolset == toolset}

    def toolsets(self) -> Iterator[str]:
        """README: every tool, by toolset."""
        rows = ([code(name), codes(self.tools(name))] for name in TOOLSETS if self.tools(name))
        yield from table("toolset | tools", rows)

    def more_tools(self) -> Iterator[str]:
        """SKILL.md: the toolsets beyond the first, with the page of each."""
        own = {path.stem for path in (origin() / "skill").glob("*.md")}
        rows = []
        for name in TOOLSETS[1:]:
            if found := self.tools(name):
                page = f"skill/{name if name in own else 'tools'}.md"
                rows.append([code(name), codes(found), f"[{page}]({page})"])
        yield from table("toolset | tools | read", rows)

    def models(self, toolset: str) -> Iterator[str]:
        """README: every model of a toolset with its price, by tool and backend."""
        rows = []
        for name in self.tools(toolset):
            backends: dict[str, list[str]] = {}
            for model in self.catalogue.models(name) if name in OPERATIONS else ():
                backend, _, short = model.id.partition("/")
                backends.setdefault(backend, []).append(f"{code(short)} {about.cost(model).partition(' (')[0]}")
            rows += [[code(name), backend, " · ".join(found)] for backend, found in backends.items()]
        yield from table("tool | backend | models, and the credits of one call", rows)

    def variables(self) -> Iterator[str]:
        """README: every environment variable."""
        known = documented(self.backends)
        rows = ([code(one.name), code(one.default) if one.default else "", one.meaning] for one in known)
        yield from table("variable | default | meaning", rows)

    def declared(self) -> Iterator[str]:
        """SKILL.md's frontmatter: every environment variable, as ClawHub wants them."""
        for one in documented(self.backends):
            yield f"      - name: {one.name}"
            yield "        required: false"
            yield f"        description: {json.dumps(one.meaning, ensure_ascii=False)}"


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


def words(tool: type[Words] | type[Query]) -> str:
    """A tool's own arguments, those it needs in bold; the words that all operations share are left out."""
    common = Words.model_fields if issubclass(tool, Words) else {}
    personal = getattr(tool, "personal", {})
    fields = {n: f for n, f in tool.model_fields.items() if n not in common and n not in personal}
    return ", ".join(f"**{code(n)}**" if f.is_required() else code(n) for n, f in fields.items())


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


def source(name: str) -> Iterator[str]:
    """README: a function or class as it is, `module:name`."""
    yield from ("```python", *inspect.getsource(pkgutil.resolve_name(name)).rstrip().splitlines(), "```")
