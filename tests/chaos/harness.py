"""Kill, wait, count."""

import contextlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.abc
import httpx2

from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import Job, jobs

ROOT = Path(__file__).parents[2]
WORKERS = 2


@dataclass
class Outcome:
    """What was staged, and what came of it."""

    jobs: int
    kills: int
    seconds: float
    pauses: int = 0
    seed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    paid_twice: int = 0
    lost: int = 0
    adopted: int = 0
    mistaken: int = 0
    unended: int = 0
    busiest: int = 0
    rate: int = 0
    spent: Decimal = Decimal(0)
    explained: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def unexplained(self) -> Decimal:
        """Credits that the backend took and no receipt, nor a job known to be unknown, accounts for."""
        return self.spent - self.explained - self.held

    @property
    def good(self) -> bool:
        """Whether every promise was kept, as far as can be seen from outside."""
        kept = not self.rate or self.busiest <= self.rate
        return kept and not (self.lost or self.paid_twice or self.mistaken or self.unended or self.unexplained)

    def table(self) -> str:
        """As Markdown."""
        ends = ", ".join(f"{count} {stage}" for stage, count in sorted(self.stages.items()))
        rows = [
            ("jobs ordered, on one ledger by two processes", self.jobs),
            ("kill -9 of a process at a random moment", self.kills),
            ("a process stopped for longer than its lease, and woken", self.pauses),
            ("faults injected", sum(self.faults.values())),
            ("creates that the backend accepted", self.accepted),
            ("found again through the backend's lists, after their answer was lost", self.adopted),
            ("how they ended", ends),
            ("**jobs paid twice**", f"**{self.paid_twice}**"),
            ("**jobs lost**", f"**{self.lost}**"),
            ("**jobs that hold what another's prompt asked for**", f"**{self.mistaken}**"),
            ("**jobs that neither ended nor say `unknown`**", f"**{self.unended}**"),
            (f"most requests in any 60 seconds, of {self.rate or 'any number'} that were allowed", self.busiest),
            ("credits the backend took", f"{self.spent:f}"),
            ("… explained by receipts", f"{self.explained:f}"),
            ("… held by jobs that say `unknown`", f"{self.held:f}"),
            ("**credits unexplained**", f"**{self.unexplained:f}**"),
            ("seconds", round(self.seconds)),
        ]
        faults = [(f"fault: {name}", count) for name, count in sorted(self.faults.items())]
        lines = [f"| {name} | {value} |" for name, value in [*rows, *faults]]
        return "\n".join(["| what | how many |", "|---|---|", *lines]) + "\n"


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.asynccontextmanager
async def process(*args: str, env: dict[str, str]) -> AsyncIterator[anyio.abc.Process]:
    """A Python process that is gone afterwards."""
    running = await anyio.open_process([sys.executable, *args], env=env, cwd=ROOT, stdout=None, stderr=None)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        with anyio.CancelScope(shield=True):
            await running.wait()


async def run(
    count: int, kills: int, faults: int, seed: int, patience: float = 900.0, pauses: int = 0, rate: int = 0
) -> Outcome:
    """The whole run; `faults` is how many there must be before the backend turns honest, `rate` the requests a minute
    that all processes together may make."""
    chance, started = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callsheet-chaos-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        origin = f"http://127.0.0.1:{port}"
        env = dict(os.environ) | {
            "CALLSHEET_HOME": str(folder / "home"),
            "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
            "CALLSHEET_RATE": str(rate or 100_000),
            "CALLSHEET_MAX_PER_DAY": "1000000",
            "PHAYA_API_KEY": "pk_chaos",
            "PHAYA_BASE": f"{origin}/api/v1",
        }
        lots = orders(folder, count, chance)
        args = ("-m", "tests.chaos.backend", str(port), str(folder / "box"), str(seed), str(share(count, faults)))
        async with process(*args, env=env), httpx2.AsyncClient(base_url=origin, timeout=30) as http:
            await until_up(http)
            outcome = Outcome(count, kills, 0.0, pauses, seed, rate=rate)
            try:
                with anyio.fail_after(patience):
                    await kill_and_wait(folder, lots, env, chance, kills, pauses, faults, http)
            finally:
                told = (await http.get("/_chaos")).json()
                balance = (await http.get("/_sandbox/accounts")).json()
            return await counted(outcome, folder, told, balance, time.monotonic() - started)


def orders(folder: Path, count: int, chance: random.Random) -> list[Path]:
    """The jobs, dealt out to the workers: two models, charged on creation and on completion; some fail."""
    lots: list[list[dict[str, str]]] = [[] for _ in range(WORKERS)]
    for n in range(count):
        prompt = f"chaos {n}" + (" [fail]" if chance.random() < 0.05 else "")
        model = "phaya/seedream-5.0" if chance.random() < 0.2 else "phaya/z-image"
        lots[n % WORKERS].append({"prompt": prompt, "model": model})
    paths = []
    for n, lot in enumerate(lots):
        path = folder / f"orders-{n}.json"
        path.write_text(json.dumps(lot), encoding="utf-8")
        paths.append(path)
    return paths


def share(count: int, faults: int) -> float:
    """How likely a request is to meet a fault, so that enough do: a job makes about four that may."""
    return min(0.4, 1.3 * faults / (4 * count))


async def until_up(http: httpx2.AsyncClient) -> None:
    """Wait for the backend."""
    with anyio.fail_after(30):
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                await http.get("/_chaos")
                return
            await anyio.sleep(0.05)


async def kill_and_wait(
    folder: Path,
    lots: list[Path],
    env: dict[str, str],
    chance: random.Random,
    kills: int,
    pauses: int,
    faults: int,
    http: httpx2.AsyncClient,
) -> None:
    """Keep the workers at it, killing and stopping now and then; when that is over, let them finish in peace."""
    left = {"kills": kills, "pauses": pauses}

    async def keep(lot: Path, number: int) -> None:
        while True:
            clock = str(number * 1000 + left["kills"]) if chance.random() < 0.5 and left["kills"] > 0 else "0"
            async with process("-m", "tests.chaos.worker", str(lot), clock, env=env) as worker:
                if left["kills"] <= 0:
                    await worker.wait()
                    raise AssertionError("a worker ended by itself")
                left["kills"] -= 1
                if left["pauses"] > 0:
                    left["pauses"] -= 1
                    await pause(worker, chance)
                with anyio.move_on_after(chance.uniform(1.2, 4.5)):
                    await worker.wait()
                    raise AssertionError("a worker ended by itself")

    async with anyio.create_task_group() as tasks:
        for number, lot in enumerate(lots):
            tasks.start_soon(keep, lot, number)
        while left["kills"] > 0 or left["pauses"] > 0 or (await staged(http)) < faults:
            if await over(folder, lots):
                break
            await anyio.sleep(0.5)
        await http.post("/_chaos")
        while not await over(folder, lots):
            await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()


async def pause(worker: anyio.abc.Process, chance: random.Random) -> None:
    """Stop a process in the middle for longer than its lease, so that another takes its jobs, and wake it."""
    await anyio.sleep(chance.uniform(1.5, 3.0))
    worker.send_signal(signal.SIGSTOP)
    await anyio.sleep(chance.uniform(3.5, 5.0))
    worker.send_signal(signal.SIGCONT)


async def staged(http: httpx2.AsyncClient) -> int:
    """How many faults there were so far."""
    return sum((await http.get("/_chaos")).json()["faults"].values())


async def over(folder: Path, lots: list[Path]) -> bool:
    """Whether every job that was ordered has ended."""
    found = await rows(folder)
    expected = sum(len(json.loads(lot.read_text(encoding="utf-8"))) for lot in lots)
    return len({job.digest for job in found}) >= expected and all(job.ended for job in found)


def busiest(times: list[float], window: float = 60.0) -> int:
    """The most requests in any minute."""
    most, start = 0, 0
    for number, at in enumerate(times):
        while times[start] <= at - window:
            start += 1
        most = max(most, number - start + 1)
    return most


async def rows(folder: Path) -> list[Job]:
    """The whole ledger."""
    async with Ledger.open(f"sqlite+aiosqlite:///{folder / 'home' / 'ledger.sqlite'}", owner="counter") as ledger:
        return await ledger.find(order=jobs.c.created_at)


async def counted(outcome: Outcome, folder: Path, told: dict, balance: dict, seconds: float) -> Outcome:
    """Hold the ledger against what the backend really did."""
    found = await rows(folder)
    by_ticket = {job.ticket: job for job in found if job.ticket}
    unknown: dict[str, Job] = {job.words["prompt"]: job for job in found if job.stage == "unknown"}
    refunded = {job.ticket for job in found if job.stage == "failed" and not job.net - job.refund_expected}
    creates = Counter((one["prompt"], one["path"]) for one in told["accepted"] if one["ticket"] not in refunded)
    outcome.seconds = seconds
    outcome.faults = Counter(told["faults"])
    outcome.stages = Counter(job.stage for job in found)
    outcome.accepted = len(told["accepted"])
    outcome.paid_twice = sum(number - 1 for number in creates.values())
    strays = [one for one in told["accepted"] if one["ticket"] not in by_ticket]
    outcome.lost = sum(one["prompt"] not in unknown for one in strays)
    outcome.adopted = sum(job.adopted for job in found)
    asked = {one["ticket"]: one["prompt"] for one in told["accepted"]}
    outcome.mistaken = sum(asked.get(job.ticket) != job.words["prompt"] for job in found if job.ticket)
    outcome.unended = sum(not job.ended for job in found)
    outcome.busiest = busiest(told["times"])
    outcome.held = sum(
        (unknown[s["prompt"]].quoted or Decimal(0) for s in strays if s["prompt"] in unknown), Decimal(0)
    )
    outcome.explained = sum((job.net - job.refund_expected for job in found), Decimal(0))
    accounts = balance if isinstance(balance, list) else next(iter(balance.values()))
    outcome.spent = sum((Decimal(1_000_000) - Decimal(str(row["balance"])) for row in accounts), Decimal(0))
    return outcome
