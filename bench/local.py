"""What an edit here costs beyond FFmpeg itself: each as a job, against the very same command by hand.

    python bench/local.py [--seconds 20] [--runs 3]

A job may take 1.05 times as long, and its start-up: reading the inputs, the ledger, checking and naming the result.
The start-up is measured with a job that has next to nothing to do.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio

from callsheet.backends import registry
from callsheet.backends.local.models import Local
from callsheet.catalogue.words import operation
from callsheet.media import ffmpeg
from callsheet.media.shelf import refer
from callsheet.settings.backends import load
from callsheet.settings.callers import OWNER
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

MOST = 1.05
SLACK_S = 0.05
SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello, สวัสดีครับ\n\n2\n00:00:02,100 --> 00:00:04,000\nGoodbye\n"


def clips(place: Path, seconds: int) -> None:
    """A film with sound, one of another kind, a sound, a picture, a GIF."""
    film = ("-f", "lavfi", "-i", f"testsrc2=s=1280x720:r=25:d={seconds}")
    tone = ("-f", "lavfi", "-i", f"sine=d={seconds}")
    coded = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    for args in (
        (*film, *tone, *coded, "-shortest", "film.mp4"),
        ("-f", "lavfi", "-i", "testsrc=s=640x640:r=30:d=5", *coded, "other.mp4"),
        ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=5:d=1", *coded, "tiny.mp4"),
        (*tone, "tone.mp3"),
        ("-f", "lavfi", "-i", "testsrc=s=640x480", "-frames:v", "1", "picture.png"),
        ("-f", "lavfi", "-i", "testsrc=s=120x120:r=10:d=2", "sticker.gif"),
    ):
        subprocess.run([ffmpeg.binary(), "-loglevel", "error", "-y", *args], cwd=place, check=True)


def edits(place: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """A name, the operation, and what is said."""
    film, other, tone = (str(place / name) for name in ("film.mp4", "other.mp4", "tone.mp3"))
    return [
        ("trim (copy)", "trim_video", {"video": film, "start_seconds": 2, "end_seconds": 12}),
        ("trim (accurate)", "trim_video", {"video": film, "end_seconds": 12, "options": {"accurate": True}}),
        ("speed x2", "change_speed", {"video": film, "speed_factor": 2}),
        ("crop", "crop_video", {"video": film, "width": 640, "height": 360}),
        ("resize", "resize_video", {"video": film, "width": 640, "height": 640}),
        ("text", "overlay_text", {"video": film, "text": "Hello, สวัสดีครับ"}),
        ("merge (copy)", "merge_videos", {"videos": [film, film]}),
        ("merge (encode)", "merge_videos", {"videos": [film, other]}),
        ("add audio", "add_audio", {"video": film, "audio": tone}),
        ("merge audio", "merge_audio", {"audios": [tone, tone]}),
        ("overlay gif", "overlay_gif", {"video": film, "gif": str(place / "sticker.gif")}),
        ("to gif", "video_to_gif", {"video": film, "width": 320}),
        ("watermark", "add_watermark", {"video": film, "image": str(place / "picture.png")}),
        ("frames 1/s", "extract_frames", {"video": film, "mode": "all_1fps"}),
        ("subtitles (burn)", "burn_subtitles", {"video": film, "subtitles": SRT}),
        ("subtitles (soft)", "burn_subtitles", {"video": film, "subtitles": SRT, "options": {"soft": True}}),
        ("ken burns", "generate_video", {"image": str(place / "picture.png")}),
    ]


class Race:
    """The same edits, by hand and as jobs."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio, self.folder, self.runs = studio, folder, 0

    async def by_hand(self, name: str, said: dict[str, Any]) -> tuple[float, float]:
        """Seconds that the command takes all by itself, and that reading the inputs took to find it."""
        ask = registry.catalogue(load()).ask(operation(name).of({**said, "model": "local/ffmpeg"}))
        provider, files = self.studio.providers.of("local"), {}
        for word, (mark, texts) in ask.inputs().items():
            files[word] = [await self.studio.inputs.of(OWNER).reach(refer(text), mark, provider) for text in texts]
        ask = ask.with_inputs(files)
        assert isinstance(ask, Local)
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir(parents=True)
        started = time.perf_counter()
        edit = await ask.edit(folder)
        reading = time.perf_counter() - started
        command = [ffmpeg.binary(), "-nostdin", "-loglevel", "error", "-y", *edit.args]
        started = time.perf_counter()
        await anyio.run_process(command, cwd=folder, stdin=subprocess.DEVNULL)
        return time.perf_counter() - started, reading

    async def as_job(self, name: str, said: dict[str, Any]) -> tuple[float, int]:
        """Seconds from the order to the files on the shelf, and how many they are."""
        self.runs += 1
        words = operation(name).of({**said, "model": "local/ffmpeg", "variation": self.runs})
        started = time.perf_counter()
        job, _ = await self.studio.orders.place(words)
        await self.studio.carrier.wait(job.id, 600)
        took = time.perf_counter() - started
        receipt = await self.studio.receipts.of(job.id)
        assert receipt.status == "completed", receipt
        assert receipt.credits.charged == 0
        return took, len(receipt.media or ())

    async def both(self, name: str, said: dict[str, Any], runs: int) -> tuple[float, float, float, float, int]:
        """The best of several runs each, in turns, so that a busy machine is unfair to neither.

        Returns both, how far the hand's runs lie apart, what reading the inputs takes, and how many files come of it.
        """
        hands, readings, jobs, files = [], [], [], 1
        for _ in range(runs):
            hand, reading = await self.by_hand(name, said)
            job, files = await self.as_job(name, said)
            hands.append(hand)
            readings.append(reading)
            jobs.append(job)
        return min(hands), max(hands) / min(hands), min(readings), min(jobs), files


async def main(seconds: int, runs: int) -> bool:
    """Print the table; whether every edit stayed within its bounds."""
    with tempfile.TemporaryDirectory(prefix="callsheet-bench-") as name:
        place = Path(name)
        clips(place, seconds)
        environ = {"CALLSHEET_HOME": str(place / "home"), "CALLSHEET_OUTPUT_DIR": str(place / "out")}
        settings = Settings.load(environ=environ | {"CALLSHEET_INPUT_DIRS": str(place)})
        async with Studio.open(settings) as studio:
            race = Race(studio, place / "hand")
            hand, _, reading, job, _ = await race.both(
                "extract_frames", {"video": str(place / "tiny.mp4")}, max(3, runs)
            )
            books, good = max(0.0, job - hand - reading), True
            print(f"{seconds} s of 1280x720, best of {runs}; ledger and shelf: {books:.3f} s a file\n")
            heads = f"{'by hand':>10}{'inputs':>10}{'as a job':>10}{'less start-up':>16}{'ratio':>8}{'noise':>7}"
            print(f"{'edit':<18}{heads}")
            for title, operation_name, said in edits(place):
                hand, noise, reading, job, files = await race.both(operation_name, said, runs)
                rest = job - reading - books * files
                fair = rest <= MOST * hand + SLACK_S
                good = good and fair
                times = f"{hand:>9.3f}s{reading:>9.3f}s{job:>9.3f}s{rest:>15.3f}s"
                print(f"{title:<18}{times}{rest / hand:>7.2f}x{noise:>6.2f}x{'' if fair else '  SLOW'}", flush=True)
        return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="length of the film")
    parser.add_argument("--runs", type=int, default=3)
    said = parser.parse_args()
    raise SystemExit(0 if anyio.run(main, said.seconds, said.runs) else 1)
