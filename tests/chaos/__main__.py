"""Run the chaos, count, and print the table; with --readme, put it into README.md."""

import argparse
import re
import sys
from pathlib import Path

import anyio

from tests.chaos.harness import run

MARKS = ("<!-- chaos -->", "<!-- /chaos -->")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.chaos")
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--pauses", type=int, default=5)
    parser.add_argument("--rate", type=int, default=0, help="requests a minute; default: any number")
    parser.add_argument("--seed", type=int, nargs="+", default=[7], help="several are run one after the other")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    said = parser.parse_args()
    asked = f"--jobs {said.jobs} --kills {said.kills} --pauses {said.pauses} --faults {said.faults}"
    asked += f" --rate {said.rate}" if said.rate else ""
    good = True
    for seed in said.seed:
        outcome = anyio.run(run, said.jobs, said.kills, said.faults, seed, 900.0, said.pauses, said.rate)
        good = good and outcome.good
        sys.stdout.write(f"seed {seed}\n\n{outcome.table()}\n")
        if said.readme:
            write(f"{outcome.table()}\nPrinted by `uv run python -m tests.chaos {asked} --seed {seed}`.\n")
    raise SystemExit(0 if good else 1)


def write(text: str) -> None:
    """Put the table between its marks."""
    path = Path(__file__).parents[2] / "README.md"
    pattern = re.compile(f"{MARKS[0]}.*?{MARKS[1]}", re.S)
    whole = pattern.sub(lambda _: f"{MARKS[0]}\n{text}{MARKS[1]}", path.read_text(encoding="utf-8"))
    path.write_text(whole, encoding="utf-8")


main()
