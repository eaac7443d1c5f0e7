"""README: its first commands, its quotations, and what it says of packages and of the demo."""

import inspect
import re
import shlex
import tomllib
from pathlib import Path

from callsheet.backends.phaya.image import ZImage
from callsheet.catalogue.words import OPERATIONS
from callsheet.jobs import run
from callsheet_server import demo
from tests.ours import catalogue

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_blocks_are_commands_and_nothing_else() -> None:
    (first, demonstration), (second, tests) = BLOCKS[:2]
    assert (first, second) == ("sh", "sh")
    for block, last in ((demonstration, "callsheet demo"), (tests, "pytest")):
        steps = [shlex.split(step) for line in block.splitlines() for step in line.split("&&")]
        assert {step[0] for step in steps} == {"python3", ".uv/bin/uv"}
        assert shlex.join(steps[-1]) == f".uv/bin/uv run {last}"


def test_quoted_code_is_the_code() -> None:
    quoted = [text for language, text in BLOCKS if language == "python"]
    assert quoted == [inspect.getsource(run.run), inspect.getsource(ZImage)]


def test_the_demo_s_output_names_what_the_demo_makes_and_the_models_it_gets() -> None:
    shown = re.findall(r"^(\w+): ([\w.-]+/[\w.-]+), ", BLOCKS[2][1], re.MULTILINE)
    assert shown == [(s.name, catalogue.ask(OPERATIONS[s.tool].of(s.arguments)).name) for s in demo.SHOTS]


def test_every_package_we_depend_on_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    wanted = {re.split(r"[\[<>=~! ]", line)[0] for lines in lists for line in lines}
    table = README.partition("| package | why |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \| \w", table, re.MULTILINE)) == wanted
