"""Run the chaos, count, and print the table; with --readme, put it into README.md."""

import argparse
import re
import sys
from pathlib import Path

import anyio

from tests.chaos.harness import Outcome, run

MARKS = ("<!-- chaos -->", "<!-- /chaos -->")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.chaos")
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    said = parser.parse_args()
    outcome = anyio.run(run, said.jobs, said.kills, said.faults, said.seed)
    table = outcome.table()
    sys.stdout.write(table)
    if said.readme:
        command = f"uv run python -m tests.chaos --jobs {said.jobs} --kills {said.kills} --faults {said.faults}"
        write(f"{table}\nPrinted by `{command} --seed {said.seed}`.\n")
    raise SystemExit(0 if good(outcome) else 1)


def good(outcome: Outcome) -> bool:
    """Whether nothing was lost, nothing paid twice, and every credit is explained."""
    return not (outcome.lost or outcome.paid_twice or outcome.unexplained)


def write(text: str) -> None:
    """Put the table between its marks."""
    path = Path(__file__).parents[2] / "README.md"
    pattern = re.compile(f"{MARKS[0]}.*?{MARKS[1]}", re.S)
    whole = pattern.sub(lambda _: f"{MARKS[0]}\n{text}{MARKS[1]}", path.read_text(encoding="utf-8"))
    path.write_text(whole, encoding="utf-8")


main()
