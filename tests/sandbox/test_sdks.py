"""The vendors' own clients against `callsheet sandbox`: they get their pictures, voices and jobs.

Each is a small program in tests/sandbox/sdks, run as a child, for their warnings and sockets are not ours. The clients
are a dependency group of their own (`uv sync --group sdks`), never in what is shipped: some of them send a create twice
when its answer is lost.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import boxed, surroundings

PROGRAMS = {"openai": "with_openai.py", "openrouter": "with_openrouter.py", "fal_client": "with_fal.py"}
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where `callsheet sandbox` listens."""
    with boxed("--speed", "100") as box:
        yield box.origin


@pytest.mark.parametrize("client", PROGRAMS)
def test_a_vendors_client_is_served(client: str, origin: str) -> None:
    if find_spec(client) is None:
        pytest.skip("the dependency group `sdks` is not installed")
    program = [sys.executable, str(HERE / "sdks" / PROGRAMS[client]), origin]
    environ = surroundings({"PYTHONPATH": str(HERE.parents[1])})
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False, env=environ)
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-4000:]
