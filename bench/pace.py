"""How soon a finished job is known, at 60 requests a minute: our looks, a fixed interval, and the best there could be.

    uv run python -m bench.pace            # simulated, with the very code that chooses
    uv run python -m bench.pace --real     # 50 jobs over real sockets, in real time, counting 429s

The bound. A schedule that knows only how jobs' durations are spread pays, for each job, the expected time from its end
to its next look. With a price on every look, one for each minute, each job's best looks can be computed alone, by
dynamic programming over its age. What the looks of all jobs then cost, less the price of the looks that a minute
allows, can be beaten by no schedule that keeps within the limit (Lagrangian duality). The prices are chosen to make
that as large as it gets.
"""

import argparse
import math
import random
import statistics

import numpy as np
from numpy.typing import NDArray

from callsheet.jobs.pace import URGENT_S, WINDOW_S, Turn, choose, next_place, places_of, surviving
from callsheet.ledger.tables import Job

LIMIT, JOBS, FLOOR_S, STEP_S, HORIZON_S = 60, 50, 3.0, 1.0, 1200.0
TYPICAL_S = (8.0, 25.0, 40.0, 90.0, 120.0, 180.0, 240.0)
"""The usual times of the models of the catalogue, from a fast picture to a slow clip; jobs take them in turn."""
START = 1_000_000.0


def lasting(typical: float, chance: random.Random) -> float:
    """A duration from the prior."""
    u = chance.uniform(1e-6, 1 - 1e-6)
    return float(typical * (u / (1 - u)) ** (1 / 3))


def ours(durations: list[float], submits: int) -> list[float]:
    """Delays with the code that chooses, in virtual time; `submits` requests have just gone out."""
    grants, waiting, looked, delays = [START] * submits, {}, START, []
    for n in range(len(durations)):
        job = Job(id=str(n), caller="", operation="", model="", account="", words={}, digest="", created_at=START)
        waiting[n] = Turn(job, typical(n), FLOOR_S, START)
    now = START
    while waiting:
        soonest = min(turn.earliest for turn in waiting.values())
        now = max(now, soonest)
        best = choose(waiting.values(), now)
        urgent = best is not None and best.worth(now) >= URGENT_S
        now, grants = next_place(grants, now, places_of(LIMIT), 0.0, 0.0 if urgent else looked)
        looked = now
        if turn := choose(waiting.values(), now):
            turn.looked_at = now
            ended = START + durations[int(turn.job.id)]
            if ended <= now:
                delays.append(now - ended)
                del waiting[int(turn.job.id)]
    return delays


def typical(n: int) -> float:
    """The usual time of the nth job."""
    return TYPICAL_S[n % len(TYPICAL_S)]


def fixed(durations: list[float], interval: float) -> list[float]:
    """Delays with a loop for each job that looks at one interval, out of step with the others."""
    steps = ((d, interval * n / len(durations)) for n, d in enumerate(durations))
    return [math.ceil((d - phase) / interval) * interval + phase - d for d, phase in steps]


def bound(submits: int, rounds: int = 400) -> float:
    """The least mean delay that any schedule could reach."""
    ages = np.arange(0.0, HORIZON_S + STEP_S, STEP_S)
    kinds = list(TYPICAL_S)
    counts = np.array([sum(typical(n) == kind for n in range(JOBS)) for kind in kinds], dtype=float)
    alive = np.array([[surviving(float(age), kind) for age in ages] for kind in kinds])
    dead = 1 - alive
    area = np.concatenate(
        [np.zeros((len(kinds), 1)), np.cumsum((dead[:, 1:] + dead[:, :-1]) / 2 * STEP_S, axis=1)], axis=1
    )
    minute = np.minimum((ages // WINDOW_S).astype(int), int(HORIZON_S // WINDOW_S) - 1)
    allowed = np.full(int(HORIZON_S // WINDOW_S), float(LIMIT))
    allowed[0] -= submits
    prices, best = np.full(len(allowed), 5.0), 0.0
    for turn in range(rounds):
        delay, looks = schedules(ages, alive, dead, area, prices[minute])
        used = np.zeros(len(allowed))
        np.add.at(used, minute, counts @ looks)
        best = max(best, float(counts @ delay + prices @ (used - allowed)))
        prices = np.maximum(prices + 8.0 / (1 + turn / 20) * (used - allowed) / LIMIT, 0.0)
    return best / JOBS


Floats = NDArray[np.float64]


def schedules(ages: Floats, alive: Floats, dead: Floats, area: Floats, price: Floats) -> tuple[Floats, Floats]:
    """The best looks of each kind of job at these prices: its expected delay, and its expected looks at each age."""
    size, gap = len(ages), int(FLOOR_S / STEP_S)
    rows = np.arange(len(alive))
    value, then = np.zeros((len(alive), size)), np.full((len(alive), size), size - 1)
    for last in range(size - 1 - gap, -1, -1):
        at = slice(last + gap, size)
        waited = area[:, at] - area[:, [last]] - (ages[at] - ages[last]) * dead[:, [last]]
        cost = waited + price[at] * alive[:, [last]] + value[:, at]
        then[:, last] = np.argmin(cost, axis=1) + last + gap
        value[:, last] = cost[rows, then[:, last] - last - gap]
    looks = np.zeros_like(alive)
    spent = np.zeros(len(alive))
    for row in rows:
        last = 0
        while last < size - 1 - gap:
            after = then[row, last]
            looks[row, after] += alive[row, last]
            spent[row] += price[after] * alive[row, last]
            last = after
    return value[:, 0] - spent, looks


def simulate(runs: int) -> int:
    """Print the figures; 0 where both promises hold for jobs in flight."""
    good = True
    print(f"{JOBS} jobs, {LIMIT} requests a minute, {runs} runs; mean seconds from done to known")
    for name, submits, interval in (
        ("in flight, the minute still free", 0, JOBS * WINDOW_S / LIMIT),
        ("submitted at once, which takes 50 of the first 60 requests", JOBS, WINDOW_S),
    ):
        mine, theirs = [], []
        for seed in range(runs):
            chance = random.Random(seed)
            durations = [lasting(typical(n), chance) for n in range(JOBS)]
            mine.append(statistics.fmean(ours(durations, submits)))
            theirs.append(statistics.fmean(fixed(durations, interval)))
        our, their, least = statistics.fmean(mine), statistics.fmean(theirs), bound(submits)
        print(f"{name}:")
        print(f"  no schedule can beat                 {least:6.2f}")
        print(f"  Callsheet                            {our:6.2f}   {our / least:.2f}x the bound")
        print(f"  a look every {interval:.0f} s at each             {their:6.2f}   {their / our:.2f}x Callsheet")
        good = good and (submits > 0 or (our <= 1.3 * least and their >= 3 * our))
    return 0 if good else 1


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m bench.pace")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--real", action="store_true")
    said = parser.parse_args()
    if said.real:
        from bench.pace_real import real  # noqa: PLC0415

        raise SystemExit(real())
    raise SystemExit(simulate(said.runs))


if __name__ == "__main__":
    main()
