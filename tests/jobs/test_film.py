"""A film in one sitting: two backends and FFmpeg here, priced first, submitted at once by job ids."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.conftest import Box, boxed, serve, told

pytestmark = pytest.mark.anyio

SCRIPT = "A blue boat leaves the harbour at dawn. It meets a storm. At noon it is home."
LINE = "Nobody had seen the blue boat leave. Everybody saw it come home."
SUBTITLES = "1\n00:00:01,000 --> 00:00:05,000\nNobody had seen the blue boat leave.\n"


@pytest.fixture(scope="module")
def studio_box() -> Iterator[Box]:
    with boxed("--speed", "20") as found:
        yield found


def server(folder: Path, box: Box) -> StdioServerParameters:
    environ = {
        "PHAYA_API_KEY": "pk_film",
        "PHAYA_BASE": f"{box.origin}/api/v1",
        "PROGRESSIVE_ROBOT_API_KEY": "pk_pro_film",
        "PROGRESSIVE_ROBOT_BASE": box.origin,
        "CALLSHEET_RATE": "100000",
        "CALLSHEET_ASK_ABOVE": "phaya=5,progressive-robot=100",
        "CALLSHEET_INPUT_DIRS": str(folder),
    }
    return serve(folder, environ, "--toolsets", "core,edit,studio")


async def step(client: Client, tool: str, **said: Any) -> tuple[str, float]:
    """Order one step without waiting: its job, and what was quoted before."""
    quote = told(await client.call_tool("quote", {"operation": tool, "arguments": said}))
    receipt = told(await client.call_tool(tool, {**said, "wait_s": 0}))
    assert receipt["status"] in ("working", "completed"), receipt
    return receipt["job_id"], quote.get("credits", quote.get("high", 0.0))


@pytest.mark.skipif(sys.platform == "win32", reason="starts servers as POSIX processes")
async def test_a_film_in_one_sitting(tmp_path: Path, studio_box: Box) -> None:
    (tmp_path / "lines.srt").write_text(SUBTITLES, encoding="utf-8")
    async with Client(server(tmp_path, studio_box)) as client:
        shots = told(await client.call_tool("script_to_shots", {"script": SCRIPT}))["shots"][:3]
        assert len(shots) == 3
        steps: dict[str, tuple[str, float]] = {}
        for n, shot in enumerate(shots):
            prompt = f"{shot['prompt']}, shot {n + 1}"
            still = await step(client, "generate_image", prompt=prompt, model="phaya/z-image", aspect_ratio="16:9")
            moving: dict[str, Any] = {"prompt": prompt, "model": "progressive-robot/ltx-i2v", "image": still[0]}
            moving |= {"duration_seconds": 7, "options": {"width": 512, "height": 288}}
            steps |= {f"still {n + 1}": still, f"clip {n + 1}": await step(client, "generate_video", **moving)}
        steps["voice"] = await step(client, "generate_speech", text=LINE, model="phaya/gemini-tts", max_credits=1)
        steps["music"] = await step(client, "generate_music", prompt="Calm strings", model="phaya/suno")
        clips = [steps[f"clip {n}"][0] for n in (1, 2, 3)]
        steps["joined"] = await step(client, "merge_videos", videos=clips)
        with_music = {"video": steps["joined"][0], "audio": steps["music"][0], "volume": 0.4}
        steps["scored"] = await step(client, "add_audio", **with_music)
        captions = {"video": steps["scored"][0], "subtitles": str(tmp_path / "lines.srt")}
        steps["film"] = await step(client, "burn_subtitles", **captions)
        print(f"priced before it was made: {sum(credits for _, credits in steps.values()):g} credits")
        receipts = {}
        with anyio.fail_after(150):
            for name, (job_id, _) in steps.items():
                result = told(await client.call_tool("get_job", {"job_id": job_id, "wait_s": 120}))
                assert result["status"] == "completed", (name, result)
                receipts[name] = result
    for name, (_, quoted) in steps.items():
        charged = receipts[name]["credits"]["charged"]
        print(f"{name:8} {receipts[name]['model']:28} {charged:g}")
        assert charged == quoted or name == "voice"
    film = receipts["film"]["media"][0]
    assert receipts["film"]["model"] == "local/ffmpeg"
    assert film["mime_type"] == "video/mp4"
    assert film["seconds"] == pytest.approx(21, abs=0.5)
    assert (film["width"], film["height"]) == (512, 288)
