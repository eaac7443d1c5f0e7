"""Kill, wait, count."""

import contextlib
import json
import os
import random
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
    faults: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    paid_twice: int = 0
    lost: int = 0
    adopted: int = 0
    spent: Decimal = Decimal(0)
    explained: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def unexplained(self) -> Decimal:
        """Credits that the backend took and no receipt, nor a job known to be unknown, accounts for."""
        return self.spent - self.explained - self.held

    def table(self) -> str:
        """As Markdown."""
        ends = ", ".join(f"{count} {stage}" for stage, count in sorted(self.stages.items()))
        rows = [
            ("jobs ordered, on one ledger by two processes", self.jobs),
            ("kill -9 of a process at a random moment", self.kills),
            ("faults injected", sum(self.faults.values())),
            ("creates that the backend accepted", self.accepted),
            ("found again through the backend's lists, after their answer was lost", self.adopted),
            ("how they ended", ends),
            ("**jobs paid twice**", f"**{self.paid_twice}**"),
            ("**jobs lost**", f"**{self.lost}**"),
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


async def run(count: int, kills: int, faults: int, seed: int, patience: float = 900.0) -> Outcome:
    """The whole run; `faults` is how many there must be before the backend turns honest."""
    chance, started = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callsheet-chaos-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        origin = f"http://127.0.0.1:{port}"
        env = dict(os.environ) | {
            "CALLSHEET_HOME": str(folder / "home"),
            "CALLSHEET_OUTPUT_DIR": str(folder / "out"),
            "CALLSHEET_RATE": "100000",
            "CALLSHEET_MAX_PER_DAY": "1000000",
            "PHAYA_API_KEY": "pk_chaos",
            "PHAYA_BASE": f"{origin}/api/v1",
        }
        lots = orders(folder, count, chance)
        args = ("-m", "tests.chaos.backend", str(port), str(folder / "box"), str(seed), str(share(count, faults)))
        async with process(*args, env=env), httpx2.AsyncClient(base_url=origin, timeout=30) as http:
            await until_up(http)
            outcome = Outcome(jobs=count, kills=kills, seconds=0.0)
            try:
                with anyio.fail_after(patience):
                    await kill_and_wait(folder, lots, env, chance, kills, faults, http)
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
    faults: int,
    http: httpx2.AsyncClient,
) -> None:
    """Keep the workers at it, killing now and then; when that is over, let them finish in peace."""
    left = {"kills": kills}

    async def keep(lot: Path, number: int) -> None:
        while True:
            clock = str(number * 1000 + left["kills"]) if chance.random() < 0.5 and left["kills"] > 0 else "0"
            async with process("-m", "tests.chaos.worker", str(lot), clock, env=env) as worker:
                if left["kills"] <= 0:
                    await worker.wait()
                    raise AssertionError("a worker ended by itself")
                left["kills"] -= 1
                with anyio.move_on_after(chance.uniform(1.2, 4.5)):
                    await worker.wait()
                    raise AssertionError("a worker ended by itself")

    async with anyio.create_task_group() as tasks:
        for number, lot in enumerate(lots):
            tasks.start_soon(keep, lot, number)
        while left["kills"] > 0 or (await staged(http)) < faults:
            if await over(folder, lots):
                break
            await anyio.sleep(0.5)
        await http.post("/_chaos")
        while not await over(folder, lots):
            await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()


async def staged(http: httpx2.AsyncClient) -> int:
    """How many faults there were so far."""
    return sum((await http.get("/_chaos")).json()["faults"].values())


async def over(folder: Path, lots: list[Path]) -> bool:
    """Whether every job that was ordered has ended."""
    found = await rows(folder)
    expected = sum(len(json.loads(lot.read_text(encoding="utf-8"))) for lot in lots)
    return len({job.digest for job in found}) >= expected and all(job.ended for job in found)


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
    outcome.held = sum(
        (unknown[s["prompt"]].quoted or Decimal(0) for s in strays if s["prompt"] in unknown), Decimal(0)
    )
    outcome.explained = sum((job.net - job.refund_expected for job in found), Decimal(0))
    accounts = balance if isinstance(balance, list) else next(iter(balance.values()))
    outcome.spent = sum((Decimal(1_000_000) - Decimal(str(row["balance"])) for row in accounts), Decimal(0))
    return outcome
