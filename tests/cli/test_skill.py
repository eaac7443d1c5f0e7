"""The skill: valid wherever skills are read, true to the code, and its examples can be done."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from pydantic import BaseModel
from skills_ref import validate  # type: ignore[import-untyped]

from callsheet import __version__
from callsheet.catalogue.words import OPERATIONS, Words
from callsheet.cli import docs
from callsheet.cli.tables import Tables
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Credits, Fault, Medium, Receipt
from callsheet.queries.queries import Query
from callsheet.settings.settings import documented
from callsheet_server.commands import app
from tests.ours import BACKENDS, QUERIES, catalogue

ROOT = Path(__file__).parents[2]
SKILL = (ROOT / "SKILL.md").read_text(encoding="utf-8")
FRONT, BODY = SKILL.split("\n---\n", 1)
COMMANDS = typer.main.get_group(app).commands
TABLES = Tables(COMMANDS, BACKENDS)
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in docs.pages()}
TOOLS: dict[str, type[Words] | type[Query]] = {**OPERATIONS, **QUERIES}


def examples(text: str) -> Iterator[list[str]]:
    """Every `callsheet …` line of the shell blocks, split as a shell would."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        line = ""
        for piece in block.splitlines():
            line += piece + "\n"
            try:
                words = shlex.split(line)
            except ValueError:  # a quotation goes on in the next line
                continue
            if words and words[0] == "callsheet":
                yield words[1:]
            line = ""


def test_the_skill_is_valid_by_the_reference_validator(tmp_path: Path) -> None:
    folder = docs.install(tmp_path)
    assert folder == tmp_path / "callsheet"
    assert validate(folder) == []


def test_the_skill_carries_the_package_s_version() -> None:
    assert f'version: "{__version__}"' in FRONT


def test_the_description_is_one_plain_line() -> None:
    description = next(line for line in FRONT.splitlines() if line.startswith("description: "))
    text = description.removeprefix("description: ")
    assert 0 < len(text) <= 1024
    assert not set(text) & set("<>|") and ": " not in text and " #" not in text


def test_the_body_is_at_most_200_lines() -> None:
    assert len(BODY.splitlines()) <= 200


def test_a_long_page_of_the_skill_has_a_table_of_contents() -> None:
    long = [name for name, text in PAGES.items() if name.startswith("skill/") and text.count("\n") > 300]
    assert [name for name in long if "## Contents" not in PAGES[name]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[page])
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / page).parent.joinpath(link).is_file()] == []


def test_every_page_of_the_skill_is_linked_with_when_to_read_it() -> None:
    for page in sorted(path.name for path in (ROOT / "skill").iterdir()):
        assert re.search(rf"^\* \[skill/{page}\]\(skill/{page}\): \w+", BODY, re.MULTILINE), page


def test_every_core_tool_is_named_and_every_other_one_on_a_page() -> None:
    for name, tool in TOOLS.items():
        assert f"`{name}`" in (BODY if tool.toolset == "core" else PAGES["skill/tools.md"]), name


@pytest.mark.parametrize("page", PAGES)
def test_every_command_named_exists(page: str) -> None:
    named = set(re.findall(r"`callsheet ([a-z0-9-]+)", PAGES[page]))
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_every_tool_and_word_named_exists(page: str) -> None:
    things: list[type[BaseModel]] = [Receipt, Credits, Medium, Fault, *TOOLS.values(), *catalogue.all]
    known = {name for thing in things for name in thing.model_fields}
    known |= {*TOOLS, *(option for model in catalogue.all for option in model.options())}
    written = docs.BLOCK.sub("", PAGES[page])
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", written))
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_example_can_be_done(page: str) -> None:
    kinds = {TABLES.command(kind): kind for kind in OPERATIONS.values()}
    for name, *arguments in examples(PAGES[page]):
        if name == "serve":  # its flags are read before any command line library is imported
            continue
        spoken = COMMANDS[name].make_context(name, arguments).params
        if kind := kinds.get(name):
            words = {word: value for word, value in spoken.items() if word in kind.model_fields and value}
            catalogue.ask(kind.of(words))


def test_the_variables_of_readme_and_skill_are_those_of_the_settings() -> None:
    settings = [variable.name for variable in documented(BACKENDS)]
    assert re.findall(r"^      - name: (\w+)$", FRONT, re.MULTILINE) == settings
    assert FRONT.count("required: false") == len(settings)
    assert "required: true" not in FRONT
    table = PAGES["README.md"].partition("<!-- tables: variables -->")[2].partition("<!-- /tables -->")[0]
    assert re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.MULTILINE) == settings


def test_the_tables_are_current() -> None:
    assert docs.stale(TABLES.blocks) == [], "run `callsheet skill tables`"


def test_a_block_is_written_anew_and_what_is_around_it_is_left_alone() -> None:
    page = "before\n<!-- tables: source callsheet.jobs.receipt:total -->\nold\n<!-- /tables -->\nafter\n"
    fresh = docs.fresh(page, TABLES.blocks)
    assert fresh.startswith("before\n<!-- tables: source callsheet.jobs.receipt:total -->\n```python\ndef total(")
    assert fresh.endswith("```\n<!-- /tables -->\nafter\n")
    assert docs.fresh(fresh, TABLES.blocks) == fresh
    assert docs.fresh(page.replace("old\n", ""), TABLES.blocks) == fresh


def test_a_block_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(RequestError, match="no block `prices`"):
        docs.fresh("<!-- tables: prices -->\n<!-- /tables -->\n", TABLES.blocks)


def test_installing_again_replaces_the_old_pages_and_nothing_else(tmp_path: Path) -> None:
    folder = docs.install(tmp_path)
    (folder / "SKILL.md").write_text("old", encoding="utf-8")
    (folder / "skill" / "gone.md").write_text("old", encoding="utf-8")
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    docs.install(tmp_path)
    assert (folder / "SKILL.md").read_text(encoding="utf-8") == SKILL
    assert not (folder / "skill" / "gone.md").exists()
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_the_skill_is_not_installed_over_itself(tmp_path: Path) -> None:
    (tmp_path / "callsheet").symlink_to(ROOT, target_is_directory=True)
    with pytest.raises(RequestError, match="where the skill comes from"):
        docs.install(tmp_path)
    assert (ROOT / "SKILL.md").read_text(encoding="utf-8") == SKILL


def test_only_the_skill_is_published(tmp_path: Path) -> None:
    paths = [
        "SKILL.md",
        "skill/video.md",
        "README.md",
        "LICENSE",
        ".env",
        "tools/a.py",
        "tests/skill/b.md",
        "new/SKILL.md",
    ]
    for path in map(tmp_path.joinpath, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    shutil.copy(ROOT / ".clawhubignore", tmp_path / ".gitignore")
    git = ["git", "-C", str(tmp_path), "-c", "core.excludesFile="]
    subprocess.run([*git, "init", "--quiet"], check=True)
    shown = subprocess.run([*git, "ls-files", "-o", "--exclude-standard"], check=True, capture_output=True, text=True)
    assert shown.stdout.split() == ["SKILL.md", "skill/video.md"]
