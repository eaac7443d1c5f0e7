"""Somebody else's backend: a package of its own, from a wheel, in an environment in which nothing of ours was built."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.conftest import told

ROOT = Path(__file__).parents[2]
PAINTBOX = Path(__file__).parent / "paintbox"
pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("third party")]


class Empty:
    """An environment with Callsheet and Paintbox from their wheels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        for project in (ROOT, PAINTBOX):
            self.uv("build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"), str(project))
        self.uv("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
        wheels = [str(path) for path in sorted((folder / "dist").glob("*.whl"))]
        self.uv("pip", "install", "--quiet", "--python", str(self.bin / "python"), *wheels)

    @staticmethod
    def uv(*words: str) -> None:
        subprocess.run([shutil.which("uv") or "uv", *words], check=True, cwd=ROOT)

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
        places = {"CALLSHEET_HOME": str(self.folder / "home"), "CALLSHEET_OUTPUT_DIR": str(self.folder / "made")}
        return kept | places | more

    def callsheet(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        run = [str(self.bin / "callsheet"), *words]
        surroundings = self.environ(**environ)
        return subprocess.run(run, check=False, env=surroundings, capture_output=True, text=True, cwd=self.folder)

    def said(self, *words: str, **environ: str) -> Any:
        done = self.callsheet(*words, **environ)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Empty:
    return Empty(tmp_path_factory.mktemp("third"))


@pytest.fixture
def broken(empty: Empty) -> Iterator[Callable[[str, str], None]]:
    """Changes one line of the installed package, until the test is over."""
    [face] = empty.folder.glob("venv/**/paintbox/__init__.py")
    before = face.read_text(encoding="utf-8")

    def change(old: str, new: str) -> None:
        assert old in before
        face.write_text(before.replace(old, new), encoding="utf-8")

    yield change
    face.write_text(before, encoding="utf-8")


def test_it_is_not_there_unless_it_is_named(empty: Empty) -> None:
    assert "paintbox/gouache" not in {row["id"] for row in empty.said("models", "image")}
    refused = empty.callsheet("models", "image", CALLSHEET_BACKENDS="watercolours")
    assert refused.returncode == 2
    assert "no backend `watercolours` is installed" in refused.stderr


def test_it_is_used_on_the_command_line(empty: Empty) -> None:
    named = {"CALLSHEET_BACKENDS": "builtin,paintbox"}
    [row] = [row for row in empty.said("models", "image", **named) if row["id"] == "paintbox/gouache"]
    assert (row["credits"], row["summary"]) == ("2", "Opaque colours, from text.")
    receipt = empty.said("image", "a fox", "--model", "gouache", "--sandbox", **named)
    assert (receipt["status"], receipt["credits"]["charged"], receipt["sandbox"]) == ("completed", 2.0, True)
    assert Path(receipt["media"][0]["path"]).read_bytes().startswith(b"\x89PNG")
    alone = empty.said("image", "a hare", "--sandbox", CALLSHEET_BACKENDS="paintbox")
    assert alone["model"] == "paintbox/gouache", "alone it is what `auto` takes"


async def test_it_is_used_through_mcp(empty: Empty) -> None:
    server = StdioServerParameters(
        command=str(empty.bin / "callsheet"), args=["serve"], env=empty.environ(CALLSHEET_BACKENDS="builtin,paintbox")
    )
    async with Client(stdio_client(server)) as client:
        said = {"prompt": "an owl", "model": "gouache"}
        quote = told(await client.call_tool("quote", {"operation": "image", "arguments": said}))
        assert (quote["model"], quote["credits"]) == ("paintbox/gouache", 2.0)
        receipt = told(await client.call_tool("generate_image", said | {"wait_s": 60}))
        assert (receipt["status"], receipt["credits"]["charged"]) == ("completed", 2.0)


def test_it_is_in_the_table_of_the_skill_that_is_installed(empty: Empty) -> None:
    for named, there in (("builtin,paintbox", True), ("", False)):
        done = empty.callsheet("skill", "install", "--target", "skills", CALLSHEET_BACKENDS=named)
        assert done.returncode == 0, done.stderr
        page = (empty.folder / "skills" / "callsheet" / "skill" / "image.md").read_text(encoding="utf-8")
        assert ("- **`paintbox/gouache`**, credits: 2. Opaque colours, from text." in page) is there
        front = (empty.folder / "skills" / "callsheet" / "SKILL.md").read_text(encoding="utf-8")
        assert ("      - name: PAINTBOX_API_KEY\n" in front) is there


def test_one_that_fails_is_left_out_with_a_word_and_the_others_work(
    empty: Empty, broken: Callable[[str, str], None]
) -> None:
    for old, new, why in (
        ("contract=1", "contract=2", "It is made for version 2 of the contract, and this Callsheet has 1."),
        ("BACKEND = Backend(", "raise OSError('no brushes')\nBACKEND = Backend(", "OSError: no brushes"),
        ('name="paintbox"', 'name="gouache"', "Its entry point must bear the backend's name"),
        ('models=("service",)', 'models=("brushes",)', "ModuleNotFoundError: No module named 'paintbox.brushes'"),
    ):
        broken(old, new)
        done = empty.callsheet("models", "image", CALLSHEET_BACKENDS="builtin,paintbox")
        assert done.returncode == 0, done.stderr
        assert f"the backend paintbox is left out: {why}" in done.stderr
        ids = {row["id"] for row in json.loads(done.stdout)}
        assert "phaya/z-image" in ids and "paintbox/gouache" not in ids
