"""Files as people have them: each edit measured as somebody who plays its result would see and hear it."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callsheet.media import ffmpeg
from tests.conftest import House, told
from tests.media.cases import judge

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(shutil.which("bash") is None, reason="the inputs are made by bash")]
RED, BLUE = (254, 0, 0), (0, 0, 254)
CUES = {
    "blank.srt": [(0.2, 1.9, "After a gap"), (2.0, 3.8, "Upper part\nlower part")],
    "tight.srt": [(0.2, 1.9, "Good morning"), (2.0, 3.8, "Good night")],
    "whole.srt": [(0.0, 2.0, "Good morning"), (2.0, 4.0, "Good night")],
    "order.srt": [(0.2, 1.9, "Good morning"), (2.0, 3.8, "Good night")],
    "arrow.srt": [(0.2, 1.9, "Turn left --> right"), (2.0, 3.8, "Good night")],
    "rolling.vtt": [(0.2, 1.91, "the kettle sings"), (1.91, 3.71, "and falls silent")],
    "top.srt": [(0.2, 1.9, "Up there it's red"), (2.0, 3.8, "Good night")],
}


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inputs, made once."""
    place = tmp_path_factory.mktemp("cases")
    environ = os.environ | {"FFMPEG": ffmpeg.binary(), "PYTHON": sys.executable}
    subprocess.run(["bash", str(Path(__file__).parent / "cases" / "make.sh"), str(place)], check=True, env=environ)
    return place


class Desk:
    """Where edits are asked for, and their results looked at."""

    def __init__(self, client: Any, place: Path) -> None:
        self.client, self.place = client, place

    def at(self, name: str) -> str:
        return str(self.place / name)

    async def call(self, tool: str, **said: Any) -> tuple[str | None, dict[str, Any]]:
        answer = told(await self.client.call_tool(tool, {"wait_s": 60, **said}))
        media = [item["path"] for item in answer.get("media") or []]
        return (media[0] if media else None), answer


@pytest.fixture
async def desk(tmp_path: Path, cases: Path) -> AsyncIterator[Desk]:
    async with House(tmp_path).client(CALLSHEET_INPUT_DIRS=str(cases)) as client:
        yield Desk(client, cases)


async def check(name: str, made: tuple[str | None, dict[str, Any]], *tests: Any) -> None:
    """Whether an edit was made, and each measure of it is right."""
    path, receipt = made
    assert receipt["status"] == "completed", (name, receipt.get("error"))
    for label, test in tests:
        good, value = test(path, receipt)
        assert good, (name, label, value, receipt.get("text"))


def near(value: float, wanted: float, by: float = 0.15) -> bool:
    return abs(value - wanted) <= by


def sec(wanted: float, stream: str = "V:0") -> Any:
    return f"{stream}={wanted}", lambda p, r: (near(judge.seconds(p, stream), wanted), judge.seconds(p, stream))


def sync(by: float = 0.04) -> Any:
    return "apart", lambda p, r: (judge.apart(p) <= by, judge.apart(p))


def says(words: str) -> Any:
    return f"says {words}", lambda p, r: (words in (" ".join(r.get("notes") or []) + (r.get("text") or "")).lower(), r)


def seen(plain: str, *moments: float) -> list[Any]:
    return [
        (f"seen {a}", lambda p, r, a=a: (judge.written(p, plain, a) > 0.15, judge.written(p, plain, a)))
        for a in moments
    ]


async def test_the_length_that_counts_is_that_of_what_is_used(desk: Desk) -> None:
    await check(
        "1.1", await desk.call("trim_video", video=desk.at("live.webm"), start_seconds=1), sec(3), sec(3, "a:0")
    )
    await check(
        "1.3",
        await desk.call("add_audio", video=desk.at("live.webm"), audio=desk.at("beside.wav")),
        sec(4),
        ("hears", lambda p, r: (judge.hears(p, 880, 1) and judge.hears(p, 440, 1), 0)),
    )
    await check(
        "1.4",
        await desk.call("extract_frames", video=desk.at("v2a8.mp4"), mode="middle"),
        ("size", lambda p, r: (judge.still(p).size == (320, 240) and len(r["media"]) == 1, judge.still(p).size)),
        (
            "moment",
            lambda p, r: (
                min(
                    float(judge.changed(judge.still(p), judge.picture(desk.at("v2a8.mp4"), t), 40).mean())
                    for t in (0.8, 0.9, 1.0, 1.1, 1.2)
                )
                < 0.005,
                0,
            ),
        ),
    )
    await check("1.5", await desk.call("video_to_gif", video=desk.at("v2a8.mp4")), sec(2))
    for more in ({}, {"options": {"accurate": False}}):
        why = (await desk.call("trim_video", video=desk.at("v2a8.mp4"), start_seconds=3, end_seconds=6, **more))[1][
            "error"
        ]["message"]
        assert "only 2 s long" in why
    await check(
        "1.7", await desk.call("merge_audio", audios=[desk.at("v8a2.mp4"), desk.at("plain.mp4")]), sec(6, "a:0")
    )
    await check(
        "1.8",
        await desk.call("overlay_text", video=desk.at("longsub.mkv"), text="Hello"),
        sec(4),
        sec(4, "a:0"),
        (
            "drawn",
            lambda p, r: (judge.written(p, desk.at("plain.mp4"), 1) > 0.15, judge.written(p, desk.at("plain.mp4"), 1)),
        ),
        ("subs", lambda p, r: (len(judge.streams(p, "subtitle")) == 1, 0)),
    )
    await check(
        "1.9a", await desk.call("change_speed", video=desk.at("from10.mkv"), speed_factor=2), sec(3), sync(0.06)
    )
    await check(
        "1.9b",
        await desk.call("merge_videos", videos=[desk.at("from10.mkv"), desk.at("plain.mp4")]),
        sec(10),
        (
            "sync6",
            lambda p, r: (
                max(abs(a - b) for a, b in zip(judge.flashes(p)[:6], judge.beeps(p)[:6], strict=True)) <= 0.04,
                (judge.flashes(p)[:7], judge.beeps(p)[:7]),
            ),
        ),
    )
    await check(
        "1.10a",
        await desk.call("extract_frames", video=desk.at("one.mp4"), mode="middle"),
        ("one", lambda p, r: (len(r["media"]) == 1, 0)),
    )
    await check(
        "1.10b",
        await desk.call("video_to_gif", video=desk.at("one.mp4")),
        ("frames", lambda p, r: (len(judge.stamps(p)) == 1, len(judge.stamps(p)))),
    )


async def test_a_sound_that_cannot_be_read_is_left_out_and_said(desk: Desk) -> None:
    for f in ("apac.mov", "truehd.mkv"):
        for tool, said, L in (
            ("overlay_text", {"text": "Hi"}, 4),
            ("trim_video", {"end_seconds": 2}, 2),
            ("change_speed", {"speed_factor": 2}, 2),
        ):
            if f == "truehd.mkv" and tool == "change_speed":
                continue
            await check(
                f"2 {f} {tool}",
                await desk.call(tool, video=desk.at(f), **said),
                sec(L),
                sec(L, "a:0"),
                ("tone", lambda p, r: (near(judge.tone(p, 0.5), 440, 8), judge.tone(p, 0.5))),
                *(
                    [says("left out")]
                    if f == "apac.mov"
                    else [("2 sounds", lambda p, r: (len(judge.streams(p, "audio")) == 2, 0))]
                ),
            )


async def test_what_is_kept_or_lost(desk: Desk) -> None:
    a = await desk.call(
        "burn_subtitles",
        video=desk.at("plain.mp4"),
        subtitles=desk.at("en.srt"),
        options={"soft": True, "language": "eng"},
    )
    b = await desk.call(
        "burn_subtitles", video=a[0], subtitles=desk.at("th.srt"), options={"soft": True, "language": "tha"}
    )
    await check(
        "3.1",
        b,
        (
            "langs",
            lambda p, r: (
                [s.language for s in judge.streams(p, "subtitle")] == ["eng", "tha"]
                and "สวัสดี" in str(judge.cues(p, 1))
                and "morning" in str(judge.cues(p, 0)),
                (judge.cues(p, 0), judge.cues(p, 1)),
            ),
        ),
    )
    for tool, said, L in (("trim_video", {"end_seconds": 3}, 3), ("resize_video", {"width": 160, "height": 120}, 4)):
        await check(
            "3.2 " + tool,
            await desk.call(tool, video=desk.at("tracks.mkv"), **said),
            sec(L),
            (
                "langs",
                lambda p, r: (
                    [s.language for s in judge.streams(p, "audio")] == ["eng", "jpn"],
                    [s.language for s in judge.streams(p, "audio")],
                ),
            ),
            ("cue", lambda p, r: ("Good morning" in str(judge.cues(p, 0)), judge.cues(p, 0))),
        )
    await check(
        "3.3",
        await desk.call("trim_video", video=desk.at("alpha.webm"), end_seconds=1),
        sec(1),
        ("alpha", lambda p, r: (judge.transparent(p), 0)),
    )
    await check(
        "3.3b",
        await desk.call("trim_video", video=desk.at("alpha.webm"), start_seconds=0.5, end_seconds=1.3),
        sec(0.8),
        ("alpha", lambda p, r: (judge.transparent(p), 0)),
    )


async def test_turned_pictures_are_upright(desk: Desk) -> None:
    def rb(at):
        return (
            f"redblue{at}",
            lambda p, r: (
                judge.near(judge.colour(judge.picture(p, at), 0.5, 0.25), RED)
                and judge.near(judge.colour(judge.picture(p, at), 0.5, 0.75), BLUE),
                0,
            ),
        )

    await check(
        "4.1",
        await desk.call("merge_videos", videos=[desk.at("land.mp4"), desk.at("rot180.mp4")]),
        sec(4),
        rb(0.5),
        rb(3),
        ("size", lambda p, r: (judge.picture(p).size == (320, 180), judge.picture(p).size)),
    )
    await check(
        "4.2",
        await desk.call("generate_video", image=desk.at("exif6.jpg"), model="local/ffmpeg", options={"motion": "none"}),
        rb(1),
        (
            "wide",
            lambda p, r: (near(judge.picture(p).size[0] / judge.picture(p).size[1], 2, 0.04), judge.picture(p).size),
        ),
    )


async def test_sound_stays_on_the_clock(desk: Desk) -> None:
    await check("6.1", await desk.call("change_speed", video=desk.at("gap.mkv"), speed_factor=0.5), sec(12), sync(0.06))
    await check(
        "6.2",
        await desk.call("change_speed", video=desk.at("late.mp4"), speed_factor=0.5),
        sec(12),
        sync(0.06),
        ("nobeep", lambda p, r: (min(judge.beeps(p)) > 3.9, judge.beeps(p))),
    )
    await check(
        "6.3", await desk.call("merge_videos", videos=[desk.at("gap.mkv"), desk.at("sync.mp4")]), sec(12), sync()
    )
    await check(
        "6.4",
        await desk.call("add_audio", video=desk.at("nosound.mkv"), audio=desk.at("beside.wav")),
        sec(6),
        ("hears", lambda p, r: (judge.hears(p, 880, 0.5), 0)),
    )
    await check(
        "6.5",
        await desk.call("add_audio", video=desk.at("loud.mp4"), audio=desk.at("loud.wav")),
        ("clip", lambda p, r: (judge.clipped(p) < 0.02 * 3 * 48000, judge.clipped(p))),
    )


async def test_light_fields_and_rates(desk: Desk) -> None:
    def light(at):
        def t(p, r):
            i = judge.picture(p, at)
            w, k, rd = (judge.colour(i, x, 0.5) for x in (1 / 6, 0.5, 5 / 6))
            s = judge.streams(p, "video")[0]
            return (s.hdr == "" and min(w) > 150 and w[0] - k[0] > 130 and max(rd[1:]) < rd[0] / 3), (w, k, rd, s.hdr)

        return ("light", t)

    await check("7.1", await desk.call("resize_video", video=desk.at("pq.mp4"), width=192, height=108), light(1))
    await check(
        "7.2",
        await desk.call("merge_videos", videos=[desk.at("square.mp4"), desk.at("pq.mp4")]),
        light(3),
        (
            "grey",
            lambda p, r: (
                judge.near(
                    judge.colour(judge.picture(p, 0.5), 0.5, 0.5),
                    judge.colour(judge.picture(desk.at("square.mp4"), 0.5), 0.5, 0.5),
                    6,
                ),
                0,
            ),
        ),
    )
    await check(
        "7.3",
        await desk.call("change_speed", video=desk.at("vfr.mp4"), speed_factor=0.5),
        ("smooth", lambda p, r: (judge.pictures(p, 0, 4) >= 88, judge.pictures(p, 0, 4))),
        sec(28, "a:0"),
    )
    await check(
        "7.4",
        await desk.call("resize_video", video=desk.at("fields.mp4"), width=1024, height=576),
        ("combs", lambda p, r: (judge.combs(judge.picture(p, 0.5)) < 6, judge.combs(judge.picture(p, 0.5)))),
    )


async def test_subtitle_files_as_people_have_them(desk: Desk) -> None:
    P = desk.at("plain.mp4")
    await check("8.1", await desk.call("burn_subtitles", video=P, subtitles=desk.at("rolling.vtt")), *seen(P, 1, 3))
    soft = lambda n: desk.call("burn_subtitles", video=P, subtitles=desk.at(n), options={"soft": True})
    for n, wanted in CUES.items():
        await check(
            "8 " + n,
            await soft(n),
            (
                "cues",
                lambda p, r, w=wanted: (
                    [(round(a, 2), round(b, 2), t) for a, b, t in judge.cues(p)] == w,
                    judge.cues(p),
                ),
            ),
        )
    t = await desk.call("burn_subtitles", video=P, subtitles=desk.at("tight.srt"))
    e = await desk.call("burn_subtitles", video=P, subtitles=desk.at("en.srt"))
    await check("8.3", t, ("alike", lambda p, r: (judge.alike(p, e[0], 1), 0)))
    await check(
        "8.7",
        await desk.call("burn_subtitles", video=P, subtitles=desk.at("top.srt")),
        (
            "top",
            lambda p, r: (
                judge.box(judge.changed(judge.picture(P, 1), judge.picture(p, 1)))[3] <= 120,
                judge.box(judge.changed(judge.picture(P, 1), judge.picture(p, 1))),
            ),
        ),
    )


async def test_letters_of_any_script(desk: Desk) -> None:
    P = desk.at("plain.mp4")
    await check("9.1", await desk.call("burn_subtitles", video=P, subtitles=desk.at("song.srt")), *seen(P, 1, 3))
    await check("9.2", await desk.call("overlay_text", video=P, text="Now 20 % off →"), *seen(P, 1))
    await check("9.3", await desk.call("overlay_text", video=P, text="مرحبا"), *seen(P, 1))


async def test_files_that_every_player_reads(desk: Desk) -> None:
    P = desk.at("plain.mp4")
    await check("10.1", await desk.call("trim_video", video=desk.at("old.mov"), end_seconds=2), sec(2))
    for n in ("red.avif", "red.bmp"):
        await check(
            "10.2 " + n,
            await desk.call("add_watermark", video=P, image=desk.at(n), options={"opacity": 1, "position": "center"}),
            (
                "red",
                lambda p, r: (
                    judge.near(judge.colour(judge.picture(p, 1), 0.5, 0.5, 0.02), RED),
                    judge.colour(judge.picture(p, 1), 0.5, 0.5, 0.02),
                ),
            ),
        )
