"""A backend is one folder: nothing outside names it, and no folder's tables depend on when another is imported."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import callsheet
from tests.ours import BACKENDS

OURS = Path(callsheet.__file__).parent
FOLDERS = {backend.name: OURS / "backends" / backend.package.rpartition(".")[2] for backend in BACKENDS}


def code() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the library."""
    for path in OURS.rglob("*.py"):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_nothing_outside_its_folder_names_a_backend() -> None:
    names = "|".join(re.escape(name).replace(r"\-", "[-_ ]?") for name in FOLDERS if name != "local")
    said = re.compile(rf"{names}|local/ffmpeg|backends\.local", re.IGNORECASE)
    outside = [path for path, _ in code() if not any(folder in path.parents for folder in FOLDERS.values())]
    assert len(outside) > 60
    assert [path.name for path in outside if said.search(path.read_text(encoding="utf-8"))] == []


def test_no_backend_knows_another() -> None:
    for name, folder in FOLDERS.items():
        others = [f"callsheet.backends.{other.name}" for other in FOLDERS.values() if other != folder]
        texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
        assert [path for path, text in texts.items() if any(other in text for other in others)] == [], name


def test_the_same_values_are_always_listed_in_the_same_order() -> None:
    # typing takes two lists of the same values for one, and keeps the order of whichever it met first
    orders: dict[frozenset[Any], set[tuple[Any, ...]]] = {}
    for _, module in code():
        for node in ast.walk(module):
            if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
                values = ast.literal_eval(node.slice)
                listed = values if isinstance(values, tuple) else (values,)
                orders.setdefault(frozenset(listed), set()).add(listed)
    assert len(orders) > 50
    assert [list(one) for one in orders.values() if len(one) > 1] == []
