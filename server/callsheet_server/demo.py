"""`callsheet demo`: a real MCP client makes one of everything in the sandbox, each with its price first."""

import contextlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from rich.console import Console
from rich.table import Table

from callsheet.catalogue.model import amount, plain
from callsheet.errors import ProviderError
from callsheet.jobs.receipt import Receipt
from callsheet.settings.settings import Settings

STORY = "A paper boat sails down a rainy street at dusk"
LINE = "The little boat had never seen the sea, but tonight the rain would take it there."
TOOLSETS = "core,edit"
out = Console()


@dataclass(frozen=True)
class Shot:
    """One call of the demo; an argument in braces names an earlier shot, whose result it takes."""

    name: str
    tool: str
    arguments: dict[str, Any]


SHOTS = (
    Shot("image", "generate_image", {"prompt": STORY, "aspect_ratio": "16:9"}),
    Shot(
        "video",
        "generate_video",
        {
            "prompt": f"{STORY}, slow camera",
            "image": "{image}",
            "resolution": "480p",
            "duration_seconds": 4,
            "options": {"generate_audio": True},
        },
    ),
    Shot("speech", "generate_speech", {"text": LINE, "voice": "Kore", "max_credits": 1}),
    Shot("music", "generate_music", {"prompt": "Gentle piano and rain, hopeful", "instrumental": True}),
    Shot("subtitles", "generate_subtitles", {"video": "{video}", "script": "เรือกระดาษลำน้อย\n\nล่องไปตามสายฝน"}),
    Shot("edit", "add_audio", {"video": "{video}", "audio": "{speech}"}),
    Shot("chat", "chat", {"prompt": "Name this film in five words.", "max_tokens": 64}),
)


def main(output: Path | None, *, http: bool = False) -> int:
    """Run the demo; 0 where everything completed."""
    return anyio.run(run, output or Settings.load().output_dir / "demo", http)


async def run(output: Path, http: bool) -> int:
    """Connect, make, show."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callsheet-demo-", ignore_cleanup_errors=True) as home:
        keep = {name: value for name, value in os.environ.items() if not name.startswith("CALLSHEET_")}
        env = keep | {"CALLSHEET_HOME": home, "CALLSHEET_OUTPUT_DIR": str(output), "CALLSHEET_SANDBOX": "always"}
        async with connected(env, http) as client:
            way = "HTTP" if http else "stdio"
            out.print(f"[bold]Callsheet[/] over {way}, protocol {client.protocol_version}. The sandbox needs no key.\n")
            made: dict[str, Receipt] = {}
            for shot in SHOTS:
                made[shot.name] = await make(client, shot, made)
            credits = (await client.call_tool("get_credits", {})).structured_content or {}
    out.print(table(made))
    left = credits["accounts"][0]["available"]
    seconds = time.monotonic() - started
    out.print(f"\n{plain(left)} of the sandbox's credits left, {seconds:.0f} s. Your files are in {output}")
    return 0 if all(receipt.status == "completed" for receipt in made.values()) else 1


@contextlib.asynccontextmanager
async def connected(env: dict[str, str], http: bool) -> AsyncIterator[Client]:
    """A client of a server in a process of its own."""
    command = [sys.executable, "-m", "callsheet_server", "serve", "--toolsets", TOOLSETS]
    if not http:
        async with Client(StdioServerParameters(command=command[0], args=command[1:], env=env)) as client:
            yield client
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with await anyio.open_process([*command, "--http", "--port", str(port)], env=env, stderr=None) as process:
        try:
            await listening(port)
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                yield client
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()


async def listening(port: int) -> None:
    """Wait until somebody listens on a port.

    Raises:
        ProviderError: nobody does within 20 s.
    """
    with anyio.move_on_after(20):
        while True:
            try:
                async with await anyio.connect_tcp("127.0.0.1", port):
                    return
            except OSError:
                await anyio.sleep(0.05)
    raise ProviderError(f"The server did not start to listen on port {port}.")


async def make(client: Client, shot: Shot, made: dict[str, Receipt]) -> Receipt:
    """Ask the price, make it, tell how it goes."""
    said = dict(shot.arguments)
    for name, value in said.items():
        if isinstance(value, str) and value.startswith("{"):
            said[name] = made[value[1:-1]].job_id
    quote = (await client.call_tool("quote", {"operation": shot.tool, "arguments": said})).structured_content or {}
    out.print(f"[bold]{shot.name}[/]: {quote.get('model')}, {price(quote)}")

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        if out.is_terminal and message:
            out.print(f"  [dim]{message}[/]", end="\r")

    result = await client.call_tool(shot.tool, said, progress_callback=heard)
    receipt = Receipt.model_validate(result.structured_content)
    while receipt.status == "working":
        result = await client.call_tool("get_job", {"job_id": receipt.job_id, "wait_s": 45}, progress_callback=heard)
        receipt = Receipt.model_validate(result.structured_content)
    out.print(f"  {receipt.status} in {receipt.elapsed_s:.1f} s: {receipt.cost()}", highlight=False)
    return receipt


def price(quote: dict[str, Any]) -> str:
    """A quote in words."""
    if quote.get("credits") is not None:
        return amount(quote["credits"])
    if quote.get("published"):
        return f"{plain(quote['low'])} to {amount(quote['high'])}"
    return f"no published price, at most {amount(quote['high'])} expected"


def table(made: dict[str, Receipt]) -> Table:
    """What was made and what it cost."""
    shown = Table("", "model", "credits", "what came of it", box=None, header_style="bold", padding=(0, 2))
    for name, receipt in made.items():
        files = [facts(medium) for medium in receipt.media or ()]
        charged = receipt.credits.charged
        what = "\n".join(files) or receipt.text or (receipt.error.message if receipt.error else receipt.status)
        shown.add_row(name, receipt.model, "?" if charged is None else plain(charged), what)
    total = sum(receipt.credits.charged or 0 for receipt in made.values())
    shown.add_row("[bold]all[/]", "", f"[bold]{plain(round(total, 6))}[/]", "")
    return shown


def facts(medium: Any) -> str:
    """Type, size and length."""
    parts = [
        medium.mime_type,
        f"{medium.width}×{medium.height}" if medium.width else "",
        f"{medium.bytes / 1000:.0f} kB",
    ]
    return ", ".join(part for part in (*parts, f"{medium.seconds:.1f} s" if medium.seconds else "") if part)
