"""Fifty jobs over real sockets at 60 requests a minute, in real time: how many 429s, and how soon each end is known."""

import contextlib
import os
import statistics
import tempfile
from decimal import Decimal
from pathlib import Path

import anyio
import httpx2
from tests.chaos.harness import free_port, process

from callsheet.catalogue.consent import Yes
from callsheet.catalogue.words import GenerateImage, GenerateMusic, GenerateVideo, Words
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

SPEED = 0.04
"""The sandbox's pictures take 1 s, its music 2 s and its clips 3 s: at this speed 25, 50 and 75 s."""
ORDERS: tuple[tuple[type[Words], dict[str, object], float], ...] = (
    (GenerateImage, {"model": "phaya/seedream-5.0"}, 1 / SPEED),
    (GenerateMusic, {"model": "phaya/suno"}, 2 / SPEED),
    (GenerateVideo, {"model": "phaya/seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4}, 3 / SPEED),
)


def real(jobs: int = 50) -> int:
    """Print the figures; 0 where there was no 429."""
    return anyio.run(measure, jobs)


async def measure(jobs: int) -> int:
    """Order all at once, wait for all."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as name:
        env = {
            "CALLSHEET_HOME": f"{name}/home",
            "CALLSHEET_OUTPUT_DIR": f"{name}/out",
            "CALLSHEET_MAX_PER_DAY": "10000",
            "PHAYA_API_KEY": "pk_bench",
            "PHAYA_BASE": f"http://127.0.0.1:{port}/api/v1",
        }
        serve = ("-m", "callsheet_server", "sandbox", "--port", str(port), "--credits", "10000", "--speed", str(SPEED))
        async with process(*serve, "--folder", f"{name}/box", env=dict(os.environ)), httpx2.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    await http.get(f"http://127.0.0.1:{port}/_sandbox/accounts")
                    break
                await anyio.sleep(0.1)
            settings = Settings.load(environ=env)
            async with Studio.open(settings) as studio:
                taken = {}
                for n in range(jobs):
                    kind, said, lasts = ORDERS[n % len(ORDERS)]
                    words = kind.of({"prompt": f"take {n}", **said})
                    job, _ = await studio.orders.place(words, yes=Yes((Decimal(50),)))
                    taken[job.id] = lasts
                for job_id in taken:
                    await studio.carrier.wait(job_id, 900)
                found = [await studio.ledger.get(job_id) for job_id in taken]
            log = (await http.get(f"http://127.0.0.1:{port}/_sandbox/log")).json()
        Path(name, "done").touch()
    entries = log if isinstance(log, list) else next(iter(log.values()))
    refused = sum(entry["status"] == 429 for entry in entries)
    late = [(job.made_at or 0) - (job.sent_at or 0) - taken[job.id] for job in found if job.stage == "stored"]
    print(f"{len(late)} of {jobs} jobs completed with {len(entries)} requests, {refused} answered 429")
    print(f"mean seconds from done to known: {statistics.fmean(late):.1f}, worst {max(late):.1f}")
    return 0 if refused == 0 and len(late) == jobs else 1
