"""A thousand jobs in flight in one stdio server: memory, CPU, event-loop lag and pings.

uv run python -m bench.thousand
"""

import contextlib
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from tests.chaos.harness import free_port, process

JOBS, WATCH_S, EVERY_S = 1000, 30.0, 0.1


async def measure() -> int:
    """Start a thousand slow jobs, then ping while they are under way."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as name:
        env = {
            "CALLSHEET_HOME": f"{name}/home",
            "CALLSHEET_OUTPUT_DIR": f"{name}/out",
            "CALLSHEET_MAX_PER_DAY": "100000",
            "CALLSHEET_ASK": "never",
            "CALLSHEET_RATE": "6000",
            "PHAYA_API_KEY": "pk_bench",
            "PHAYA_BASE": f"http://127.0.0.1:{port}/api/v1",
        }
        serve = ("-m", "callsheet_server", "sandbox", "--port", str(port), "--credits", "100000", "--speed", "0.001")
        async with process(*serve, "--rate", "1000000", env=dict(os.environ)), httpx2.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    await http.get(f"http://127.0.0.1:{port}/_sandbox/accounts")
                    break
                await anyio.sleep(0.1)
            server = StdioServerParameters(command=sys.executable, args=["-m", "callsheet_server", "serve"], env=env)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `ping` is gone from the newest protocol
                async with Client(server, mode="legacy") as client:
                    return await watch(client)


async def watch(client: Client) -> int:
    """Order, ping, print."""
    started = time.monotonic()
    for lot in range(JOBS // 20):
        await client.call_tool("generate_image", {"prompt": f"lot {lot}", "count": 20, "wait_s": 0})
    ordered = time.monotonic() - started
    while True:
        working = await client.call_tool("list_jobs", {"status": "working", "limit": 200})
        if not any(job.get("progress") is None for job in (working.structured_content or {})["jobs"]):
            break
        await anyio.sleep(1)
    pid = child(os.getpid())
    before, pings = cpu(pid), []
    until = time.monotonic() + WATCH_S
    while time.monotonic() < until:
        sent = time.monotonic()
        await client.send_ping()
        pings.append((time.monotonic() - sent) * 1000)
        await anyio.sleep(EVERY_S)
    used = (cpu(pid) - before) / WATCH_S * 100
    rss = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    pings.sort()
    print(f"{JOBS} jobs in flight, ordered in {ordered:.1f} s")
    print(f"memory {rss:.0f} MiB, CPU {used:.0f} % of one core at 6,000 requests a minute")
    middle, most = statistics.median(pings), pings[int(len(pings) * 0.99)]
    print(f"ping: median {middle:.1f} ms, 99th percentile {most:.1f} ms, worst {pings[-1]:.1f} ms; the loop lags less")
    return 0 if pings[-1] <= 100 else 1


def child(pid: int) -> int:
    """The stdio server among our children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parts = path.read_text().rsplit(")", 1)[1].split()
            if int(parts[1]) == pid and b"serve" in path.with_name("cmdline").read_bytes():
                return int(path.parent.name)
    raise SystemExit("the server is gone")


def cpu(pid: int) -> float:
    """Seconds of CPU a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    raise SystemExit(anyio.run(measure))
