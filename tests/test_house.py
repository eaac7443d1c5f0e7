"""The house: rooms that know only those below them, no circle, and files that can be read at a sitting."""

import inspect
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import grimp
import pytest

from callsheet.jobs.run import run

ROOT = Path(__file__).parents[1]
ROOMS = ["errors", "settings", "catalogue", "ledger", "media", "backends", "money", "jobs", "studio", "queries", "cli"]
LONGEST = 400
LONGEST_RUN = 60


@pytest.fixture(scope="module")
def house() -> grimp.ImportGraph:
    """Who imports whom, for type checking too."""
    return grimp.build_graph("callsheet", exclude_type_checking_imports=False, cache_dir=None)


def arrows(house: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    """Every import inside the house, from whom to whom."""
    for module in house.modules:
        yield from ((module, found) for found in house.find_modules_directly_imported_by(module))


def test_every_module_lives_in_a_room(house: grimp.ImportGraph) -> None:
    rooms = {module.split(".")[1] for module in house.modules if "." in module}
    assert rooms == set(ROOMS)


def test_no_arrow_goes_up(house: grimp.ImportGraph) -> None:
    def floor(module: str) -> int:
        return ROOMS.index(module.split(".")[1])

    up = [(a, b) for a, b in arrows(house) if "." in b and floor(a) < floor(b)]
    assert up == []


def test_nobody_is_imported_by_whom_they_import(house: grimp.ImportGraph) -> None:
    graph: dict[str, set[str]] = {}
    for importer, imported in arrows(house):
        graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(reversed(error.args[1]))) from None


def test_a_circle_would_be_found() -> None:
    ring = ["a", "b", "c", "a"]
    with pytest.raises(CycleError):
        TopologicalSorter({one: {other} for one, other in pairwise(ring)}).prepare()


def test_only_surfaces_import_the_studio(house: grimp.ImportGraph) -> None:
    users = {module.split(".")[1] for module in house.find_modules_that_directly_import("callsheet.studio")}
    assert users <= {"queries", "cli"}


def test_no_file_is_longer_than_can_be_read_at_a_sitting() -> None:
    files = [path for room in ("tools", "server") for path in (ROOT / room).rglob("*.py")]
    long = {
        str(path.relative_to(ROOT)): n for path in files if (n := len(path.read_text("utf-8").splitlines())) > LONGEST
    }
    assert len(files) > 100
    assert long == {}


def test_the_life_of_a_job_can_be_read_aloud() -> None:
    assert len(inspect.getsource(run).splitlines()) <= LONGEST_RUN
