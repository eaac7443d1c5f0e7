"""FFmpeg on this machine: what each edit makes, what it keeps, and what no input can make it do."""

import itertools
import json
import os
import re
import sqlite3
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from callsheet.errors import RequestError
from callsheet.media import ffmpeg, fonts, lettering, probe, subtitles
from callsheet.media.script import spread
from callsheet.media.subtitles import Cue
from tests.conftest import House, serve, told
from tests.ours import catalogue

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]
FRAME = 1 / 25

SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello {\\b1}world\\N สวัสดี\n\n2\n00:00:02,100 --> 00:00:03,500\n<i>Two</i>\n"
VTT = "WEBVTT\n\nNOTE not shown\n\nfirst\n00:00.500 --> 00:02.000 align:start\nA &amp; B\n"


def bare(*args: str) -> bytes:
    """FFmpeg, by hand."""
    command = [ffmpeg.binary(), "-loglevel", "error", "-nostdin", "-y", *args]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def turned(film: bytes) -> bytes:
    """An MP4 as a phone held upright writes it: its first track is to be shown turned a quarter to the left. (The
    option of FFmpeg that says so has another name in each of its versions.)"""
    at = film.index(b"tkhd") + 44
    left = struct.pack(">9i", 0, -1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30)
    return film[:at] + left + film[at + len(left) :]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small inputs of every kind."""
    place = tmp_path_factory.mktemp("clips")
    tone = ("-f", "lavfi", "-i", "sine=f=440:r=44100:d=4")
    aac = ("-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", "-movflags", "+faststart")
    bare("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4", *tone, "-g", "25", *aac, f"{place}/a.mp4")
    bare("-f", "lavfi", "-i", "testsrc=s=240x320:r=30:d=2", "-pix_fmt", "yuv420p", f"{place}/tall.mp4")
    bare("-i", f"{place}/a.mp4", "-c:v", "libvpx", "-g", "25", "-b:v", "500k", "-c:a", "libopus", f"{place}/w.webm")
    bare("-i", f"{place}/a.mp4", "-c:v", "mjpeg", "-c:a", "pcm_s16le", f"{place}/j.mov")
    (place / "turned.mp4").write_bytes(turned((place / "a.mp4").read_bytes()))
    bare("-f", "lavfi", "-i", "sine=f=880:r=48000:d=1.5", f"{place}/s.wav")
    bare("-f", "lavfi", "-i", "sine=f=880:r=44100:d=1.5", f"{place}/s.mp3")
    bare("-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=1", f"{place}/g.gif")
    bare("-f", "lavfi", "-i", "testsrc=s=640x480:r=1:d=1", "-frames:v", "1", f"{place}/p.png")
    noise = ("-vf", "noise=alls=30:allf=t", "-preset", "ultrafast", "-crf", "30", "-pix_fmt", "yuv420p")
    bare("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=6", *noise, f"{place}/long.mp4")
    (place / "s.srt").write_text(SRT, encoding="utf-8")
    (place / "s.vtt").write_text(VTT, encoding="utf-8")
    return place


@pytest.fixture
def at(house: MakeHouse, clips: Path) -> Callable[..., Any]:
    """A client whose owner lets it read the clips."""
    home = house()
    return lambda **more: home.client(CALLSHEET_INPUT_DIRS=f"{clips}{os.pathsep}{home.folder}", **more)


async def made(client: Client, tool: str, said: dict[str, Any]) -> dict[str, Any]:
    """The receipt of an edit that succeeded, and cost nothing."""
    receipt = told(await client.call_tool(tool, {"wait_s": 60, **said}))
    assert receipt["status"] == "completed", receipt.get("error")
    assert receipt["model"] == "local/ffmpeg"
    assert receipt["credits"]["quoted"] == receipt["credits"]["charged"] == receipt["credits"]["spent_today"] == 0
    assert not receipt["sandbox"]
    return receipt


async def refused(client: Client, tool: str, said: dict[str, Any]) -> str:
    """Why an edit could not be done."""
    answer = await client.call_tool(tool, {"wait_s": 60, **said})
    assert answer.is_error, answer
    return answer.content[0].text  # type: ignore[union-attr]


async def facts(path: str) -> probe.Facts:
    return await probe.probe(Path(path))


def packets(path: str | Path, stream: str = "v") -> bytes:
    """A stream's packets as they are stored, without their times."""
    annexb = ("-bsf:v", "h264_mp4toannexb") if stream == "v" and str(path).endswith("mp4") else ()
    return bare("-i", f"file:{path}", "-map", f"0:{stream}", "-c", "copy", *annexb, "-f", "streamhash", "-")


def pixels(path: str | Path, at: float, part: str = "") -> bytes:
    """A frame, grey; or a part of it (`w:h:x:y`)."""
    crop = f"crop={part}," if part else ""
    seek = ("-ss", str(at)) if at else ()
    return bare(*seek, "-i", f"file:{path}", "-frames:v", "1", "-vf", f"{crop}format=gray", "-f", "rawvideo", "-")


def frames(path: str | Path) -> int:
    """How many frames can be decoded."""
    return len(re.findall(rb"(?m)^0,", bare("-i", f"file:{path}", "-map", "0:v", "-f", "framecrc", "-")))


EDITS: list[tuple[str, dict[str, Any], str, tuple[int, int] | None, float | None, str | None]] = [
    ("trim_video", {"video": "a.mp4", "start_seconds": 1, "end_seconds": 3}, "h264", (320, 180), 2, "aac"),
    ("trim_video", {"video": "w.webm", "start_seconds": 1, "end_seconds": 3}, "vp8", (320, 180), 2, "opus"),
    ("trim_video", {"video": "j.mov", "start_seconds": 1.2}, "h264", (320, 180), 2.8, "aac"),
    ("trim_video", {"video": "a.mp4", "end_seconds": 99}, "h264", (320, 180), 4, "aac"),
    ("change_speed", {"video": "a.mp4", "speed_factor": 2}, "h264", (320, 180), 2, "aac"),
    ("change_speed", {"video": "a.mp4", "speed_factor": 0.25}, "h264", (320, 180), 16, "aac"),
    ("change_speed", {"video": "tall.mp4", "speed_factor": 4}, "h264", (240, 320), 0.5, None),
    ("crop_video", {"video": "a.mp4", "x": 11, "y": 3, "width": 101, "height": 50}, "h264", (100, 50), 4, "aac"),
    ("crop_video", {"video": "turned.mp4", "width": 180, "height": 300}, "h264", (180, 300), 4, "aac"),
    ("resize_video", {"video": "tall.mp4", "preset": "720p"}, "h264", (1280, 720), 2, None),
    ("resize_video", {"video": "a.mp4", "width": 100, "height": 200}, "h264", (100, 200), 4, "aac"),
    ("overlay_text", {"video": "a.mp4", "text": "Hi"}, "h264", (320, 180), 4, "aac"),
    ("overlay_text", {"video": "turned.mp4", "text": "Hi"}, "h264", (180, 320), 4, "aac"),
    ("merge_videos", {"videos": ["a.mp4", "a.mp4"]}, "h264", (320, 180), 8, "aac"),
    ("merge_videos", {"videos": ["a.mp4", "tall.mp4", "w.webm"]}, "h264", (320, 180), 10, "aac"),
    ("merge_videos", {"videos": ["tall.mp4", "a.mp4"]}, "h264", (240, 320), 6, "aac"),
    ("add_audio", {"video": "a.mp4", "audio": "s.mp3", "offset_seconds": 3}, "h264", (320, 180), 4, "aac"),
    ("add_audio", {"video": "w.webm", "audio": "s.wav"}, "vp8", (320, 180), 4, "opus"),
    ("add_audio", {"video": "tall.mp4", "audio": "a.mp4"}, "h264", (240, 320), 2, "aac"),
    ("overlay_gif", {"video": "a.mp4", "gif": "g.gif"}, "h264", (320, 180), 4, "aac"),
    ("overlay_gif", {"video": "tall.mp4", "gif": "p.png"}, "h264", (240, 320), 2, None),
    ("video_to_gif", {"video": "a.mp4", "width": 160, "fps": 10}, "gif", (160, 90), 4, None),
    ("add_watermark", {"video": "a.mp4", "text": "© ก"}, "h264", (320, 180), 4, "aac"),
    ("add_watermark", {"video": "a.mp4", "image": "p.png"}, "h264", (320, 180), 4, "aac"),
    ("extract_frames", {"video": "a.mp4"}, "png", (320, 180), None, None),
    ("burn_subtitles", {"video": "a.mp4", "subtitles": "s.srt", "style": "minimal"}, "h264", (320, 180), 4, "aac"),
    ("burn_subtitles", {"video": "tall.mp4", "subtitles": "s.vtt"}, "h264", (240, 320), 2, None),
    ("burn_subtitles", {"video": "a.mp4", "subtitles": SRT, "style": "bold-yellow"}, "h264", (320, 180), 4, "aac"),
]


@pytest.mark.parametrize(("tool", "said", "video", "size", "seconds", "audio"), EDITS)
async def test_an_edit_makes_what_was_asked(
    at: Any, clips: Path, tool: str, said: dict[str, Any], video: str, size: Any, seconds: Any, audio: str | None
) -> None:
    async with at() as client:
        receipt = await made(client, tool, {word: placed(value, clips) for word, value in said.items()})
    (medium,) = receipt["media"]
    found = await facts(medium["path"])
    assert (found.video, found.audio) == (video, audio)
    assert ((found.height, found.width) if found.turned else (found.width, found.height)) == size
    if seconds is not None:
        assert found.seconds == pytest.approx(seconds, abs=FRAME)
    if video == "h264":
        rate = found.rate or Fraction(25)
        assert frames(medium["path"]) == pytest.approx(float(seconds * rate), abs=1)
    assert Path(f"{medium['path']}.json").is_file()
    assert "url" not in medium


def placed(value: Any, folder: Path) -> Any:
    """File names as paths."""
    if isinstance(value, list):
        return [placed(item, folder) for item in value]
    return str(folder / value) if isinstance(value, str) and (folder / value[:60]).is_file() else value


async def test_a_cut_at_the_very_frame_starts_with_that_frame(at: Any, clips: Path) -> None:
    said = {"video": str(clips / "a.mp4"), "start_seconds": 1.52, "end_seconds": 2.6}
    async with at() as client:
        cut = (await made(client, "trim_video", said))["media"][0]
        copied = await made(client, "trim_video", said | {"options": {"accurate": False}})
    assert (await facts(cut["path"])).seconds == pytest.approx(1.08, abs=FRAME)
    wanted, got = pixels(clips / "a.mp4", 1.52), pixels(cut["path"], 0)
    assert sum(abs(a - b) for a, b in zip(wanted, got, strict=True)) / len(got) < 3
    assert pixels(copied["media"][0]["path"], 0) == pixels(clips / "a.mp4", 1.0)
    assert copied["text"].startswith("It holds 1.000 to 2.6")


async def test_what_changes_no_pixel_is_copied(at: Any, clips: Path) -> None:
    film = str(clips / "a.mp4")
    sub = {"video": film, "subtitles": SRT, "options": {"soft": True, "language": "tha"}}
    async with at() as client:
        voiced = await made(client, "add_audio", {"video": film, "audio": str(clips / "s.mp3")})
        tracked = await made(client, "burn_subtitles", sub)
        whole = await made(client, "trim_video", {"video": film, "end_seconds": 4})
        twice = await made(client, "merge_videos", {"videos": [film, film]})
        small = await made(client, "crop_video", {"video": film, "width": 64, "height": 64})
    for receipt in (voiced, tracked, whole):
        assert packets(receipt["media"][0]["path"]) == packets(film)
    for receipt in (tracked, whole, small):
        assert packets(receipt["media"][0]["path"], "a") == packets(film, "a")
    assert pixels(twice["media"][0]["path"], 5.0) == pixels(film, 1.0)
    track = ("-map", "0:s:m:language:tha", "-f", "srt", "-")
    assert b"Two" in bare("-i", tracked["media"][0]["path"], *track)


async def test_a_sound_is_mixed_in_from_its_offset_on_or_replaces(at: Any, clips: Path) -> None:
    said = {"video": str(clips / "a.mp4"), "audio": str(clips / "s.mp3"), "offset_seconds": 2, "volume": 2}

    def loud(path: str, tone: int, start: float) -> float:
        band = f"bandpass=f={tone}:w=40,volumedetect"
        command = [ffmpeg.binary(), "-ss", str(start), "-t", "1", "-i", path, "-vn", "-af", band, "-f", "null", "-"]
        told = subprocess.run(command, capture_output=True, check=True).stderr.decode()
        return float(re.findall(r"mean_volume: (\S+) dB", told)[-1])

    async with at() as client:
        both = (await made(client, "add_audio", said))["media"][0]["path"]
        alone = (await made(client, "add_audio", said | {"options": {"keep_sound": False}}))["media"][0]["path"]
    assert loud(both, 440, 0.5) > -40 > loud(alone, 440, 0.5)
    assert loud(both, 880, 0.5) + 20 < loud(both, 880, 2.3)
    assert loud(both, 440, 2.3) > -40
    assert loud(alone, 880, 2.3) > -30


@pytest.mark.parametrize(
    ("names", "options", "suffix", "seconds", "slack"),
    [
        (["s.wav", "s.wav", "s.wav"], {}, ".wav", 4.5, 0.011),
        (["s.mp3", "s.mp3"], {}, ".mp3", 3.0, 0.08),
        (["s.mp3", "s.wav"], {}, ".mp3", 3.0, 0.04),
        (["s.mp3", "a.mp4"], {"format": "m4a"}, ".m4a", 5.5, 0.05),
        (["s.wav", "s.mp3"], {"format": "flac"}, ".flac", 3.0, 0.03),
    ],
)
async def test_sounds_are_joined(
    at: Any, clips: Path, names: list[str], options: dict[str, str], suffix: str, seconds: float, slack: float
) -> None:
    async with at() as client:
        said = {"audios": [str(clips / name) for name in names], "options": options}
        (medium,) = (await made(client, "merge_audio", said))["media"]
    assert medium["path"].endswith(suffix)
    assert medium["seconds"] == pytest.approx(seconds, abs=slack)


async def test_stills_are_the_frames_asked_for(at: Any, clips: Path) -> None:
    film = str(clips / "a.mp4")
    async with at() as client:
        got = {}
        for mode in ("first", "middle", "last", "all_1fps"):
            receipt = await made(client, "extract_frames", {"video": film, "mode": mode})
            got[mode] = [medium["path"] for medium in receipt["media"]]
    raw = bare("-i", film, "-vf", "format=gray", "-f", "rawvideo", "-")
    shown = [raw[n : n + 320 * 180] for n in range(0, len(raw), 320 * 180)]

    def number(still: str) -> int:
        drawn = pixels(still, 0)
        return min(range(len(shown)), key=lambda n: sum(a != b for a, b in zip(drawn[::7], shown[n][::7], strict=True)))

    assert {mode: [number(still) for still in stills] for mode, stills in got.items()} == {
        "first": [0],
        "middle": [50],
        "last": [99],
        "all_1fps": [0, 25, 50, 75],
    }


async def test_a_still_is_set_in_motion_only_when_it_is_named(at: Any, clips: Path) -> None:
    said = {"image": str(clips / "p.png"), "model": "local/ffmpeg", "duration_seconds": 2, "aspect_ratio": "9:16"}
    said |= {"resolution": "480p", "audio": str(clips / "s.mp3")}
    async with at() as client:
        (medium,) = (await made(client, "generate_video", said))["media"]
        quote = told(
            await client.call_tool(
                "quote", {"operation": "generate_video", "arguments": {"prompt": "a fox", "image": said["image"]}}
            )
        )
    found = await facts(medium["path"])
    assert (found.width, found.height, found.audio) == (480, 854, "aac")
    assert found.seconds == pytest.approx(2, abs=FRAME)
    assert pixels(medium["path"], 0) != pixels(medium["path"], 1.9)
    assert quote["model"] != "local/ffmpeg"


async def test_a_script_is_spread_over_a_film_and_says_that_its_times_are_guesses(at: Any, clips: Path) -> None:
    said = {"video": str(clips / "a.mp4"), "script": "One two three.\nสวัสดีครับ", "model": "local/ffmpeg"}
    async with at() as client:
        receipt = await made(client, "generate_subtitles", said)
        drawn = await made(client, "generate_subtitles", said | {"burn": True, "options": {"format": "vtt"}})
    assert "estimated" in receipt["text"]
    cues = subtitles.parse(Path(receipt["media"][0]["path"]).read_text(encoding="utf-8"))
    assert [cue.text for cue in cues] == ["One two three.", "สวัสดีครับ"]
    assert cues[0].start == 0
    assert cues[-1].end == pytest.approx(4, abs=0.01)
    assert [medium["mime_type"] for medium in drawn["media"]] == ["video/mp4", "text/vtt"]


# -- money ----------------------------------------------------------------------------------------------------------


async def test_auto_takes_this_machine_first_with_and_without_keys(at: Any, clips: Path) -> None:
    said = {"operation": "trim_video", "arguments": {"video": str(clips / "a.mp4"), "start_seconds": 1}}
    for more in (
        {},
        {"PHAYA_API_KEY": "pk_not_a_real_key"},
        {"CALLSHEET_SANDBOX": "always"},
        {"CALLSHEET_ASK": "always"},
    ):
        async with at(**more) as client:
            quote = told(await client.call_tool("quote", said))
            assert (quote["model"], quote["credits"], quote.get("needs_consent")) == ("local/ffmpeg", 0, None)
    assert all(
        found[0].id == "local/ffmpeg" for name in {edit[0] for edit in EDITS} if (found := catalogue.models(name))
    )


async def test_this_machine_has_no_balance_and_takes_no_uploads(at: Any, clips: Path) -> None:
    async with at() as client:
        (account,) = told(await client.call_tool("get_credits", {"backend": "local"}))["accounts"]
        assert account == {"backend": "local", "sandbox": False, "spent_today": 0.0}
        why = await client.call_tool("upload_media", {"media": str(clips / "a.mp4"), "backend": "local"})
        assert "on this machine already" in why.content[0].text


# -- what nobody may make it do -------------------------------------------------------------------------------------

NAMES = [
    "-i.mp4",
    "it's.mp4",
    "100%d.mp4",
    "a:b.mp4",
    "new\nline.mp4",
    "[x];y,z=1.mp4",
    "$(touch owned).mp4",
    "ภาพ #1?.mp4",
]


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
@pytest.mark.parametrize("name", NAMES)
async def test_a_file_name_is_only_a_name(at: Any, clips: Path, tmp_path: Path, name: str) -> None:
    film, still = tmp_path / name, tmp_path / name.replace("mp4", "png")
    film.write_bytes((clips / "a.mp4").read_bytes())
    still.write_bytes((clips / "p.png").read_bytes())
    subs = tmp_path / name.replace("mp4", "srt")
    subs.write_text(SRT, encoding="utf-8")
    async with at() as client:
        await made(client, "merge_videos", {"videos": [str(film), str(film)]})
        await made(client, "add_watermark", {"video": str(film), "image": str(still)})
        await made(client, "burn_subtitles", {"video": str(film), "subtitles": str(subs)})
        await made(client, "extract_frames", {"video": str(film), "mode": "last"})
    assert not list(tmp_path.rglob("owned*"))


TEXTS = [
    "a':drawtext=textfile=/etc/passwd:x='",
    "%{eif:1:d} %{localtime} %d",
    "{\\fnNo such font}{\\p1}m 0 0 l 100 0 100 100{\\p0}",
    "line one\\Nline two \\h \\{ } \\",
    "[in]null[out];movie=/etc/passwd",
    "Dialogue: 0,0:00:00.00,9:00:00.00,Text,,0,0,0,,owned\r\nFormat: x",
    "tab\tand \u202eright to left\u0000 and \u200bnothing",
]


@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_is_only_a_text(at: Any, clips: Path, tmp_path: Path, text: str) -> None:
    look = lettering.Look(20)
    writing = lettering.Writing((1920, 1080), look, (lettering.Saying(fonts.clean(text)),))
    lettering.script(tmp_path, writing, "text.ass", fonts.Fonts())
    written = (tmp_path / "text.ass").read_text(encoding="utf-8")
    assert written.count("Dialogue: 0,") - text.count("Dialogue: 0,") == 1
    body = written[written.index(",,0,0,0,,") + 9 :]
    commands = re.findall(r"(?<!\\)\{[^}]*\}", body)
    assert all(re.fullmatch(r"\{\\fnNoto Sans( Thai)?\\fs[\d.]+\}", command) for command in commands)
    async with at() as client:
        said = {"video": str(clips / "a.mp4"), "text": text, "font_size": 10, "position": "top left"}
        (medium,) = (await made(client, "overlay_text", said))["media"]
        await made(client, "add_watermark", {"video": str(clips / "a.mp4"), "text": text, "options": {"font_size": 8}})
    assert pixels(medium["path"], 1, "320:40:0:0") != pixels(clips / "a.mp4", 1, "320:40:0:0")


async def test_text_is_drawn_in_its_place_and_time_in_any_script_there_is(at: Any, clips: Path) -> None:
    film = str(clips / "tall.mp4")
    bare("-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=4", "-pix_fmt", "yuv420p", f"{clips}/black.mp4")
    said = {"video": str(clips / "black.mp4"), "text": "สวัสดีครับ ทุกคน Ж", "position": "bottom", "start_time": 1}
    async with at() as client:
        (medium,) = (await made(client, "overlay_text", said | {"end_time": 2, "color": "gold"}))["media"]
        why = await refused(client, "overlay_text", said | {"text": "\U00010600", "model": "local/ffmpeg"})
        assert "No font here has \U00010600 (linear)" in why
        told_so = await made(client, "overlay_text", said | {"text": "Hello \U00010600"})
        assert "Left out, for no font here has them: \U00010600 (linear)" in told_so["text"]
        why = await refused(client, "overlay_text", said | {"color": "greenish", "model": "local/ffmpeg"})
        assert "colour of the web" in why
        why = await refused(client, "overlay_text", {"video": film, "text": "word " * 300, "font_size": 60})
        assert "does not fit into 240x320" in why
    upper, lower = "320:90:0:0", "320:90:0:90"
    assert max(pixels(medium["path"], 1.5, upper)) < 40
    assert max(pixels(medium["path"], 1.5, lower)) > 150
    assert max(pixels(medium["path"], 0.5) + pixels(medium["path"], 2.5)) < 40


def bomb() -> bytes:
    """A picture of 60000 by 60000 pixels, in a few bytes."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


async def test_broken_and_foreign_inputs_say_so(at: Any, clips: Path, tmp_path: Path) -> None:
    whole = (clips / "a.mp4").read_bytes()
    inputs = {
        "half.mp4": (whole[: len(whole) // 2], "broken: only"),
        "head.mp4": (whole[:40], "is broken"),
        "list.mp4": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is no video file"),
        "concat.mp4": (b"ffconcat version 1.0\nfile /etc/passwd\n", "is no video file"),
        "tone.mp4": ((clips / "s.wav").read_bytes(), "holds only audio; video is needed"),
        "still.mp4": ((clips / "p.png").read_bytes(), "holds only image"),
    }
    for name, (data, _) in inputs.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "bomb.png").write_bytes(bomb())
    film = str(clips / "a.mp4")
    async with at() as client:
        for name, (_, why) in inputs.items():
            said = {"video": str(tmp_path / name), "speed_factor": 2}
            assert why in await refused(client, "change_speed", said), name
        said = {"video": film, "image": str(tmp_path / "bomb.png")}
        assert "too large" in await refused(client, "add_watermark", said)
        said = {"video": film, "subtitles": "1\n00:00:01 --> nonsense\nHi\n", "model": "local/ffmpeg"}
        assert "cannot be read" in await refused(client, "burn_subtitles", said)
        assert "within the frame of 320x180" in await refused(
            client, "crop_video", {"video": film, "x": 300, "width": 100, "height": 100}
        )
        assert "only 4 s long" in await refused(client, "trim_video", {"video": film, "start_seconds": 9})
        assert "outside the folders" in await refused(
            client, "trim_video", {"video": ffmpeg.binary(), "end_seconds": 1}
        )
    assert not list((tmp_path / "out").glob("*.mp4"))


async def test_one_bad_cue_is_left_out_and_said(at: Any, clips: Path) -> None:
    film = str(clips / "a.mp4")
    async with at() as client:
        late = SRT.replace("00:02,100", "00:00,100")
        for text, why in (
            (SRT.replace("02,000", "00,100"), "Left out: cue 1 (00:00:00,500"),
            (f"{SRT}\n3\n00:00:01 --> nonsense\nHi\n", "cannot be read"),
            (late, "put in order"),
        ):
            said = {"video": film, "subtitles": text, "model": "local/ffmpeg"}
            assert why in (await made(client, "burn_subtitles", said))["text"]


# -- time, and the end of it ----------------------------------------------------------------------------------------


def children() -> set[str]:
    """FFmpegs that this process started and that still run."""
    lists = Path("/proc/self/task").glob("*/children")
    pids = {pid for found in lists for pid in found.read_text().split()}
    return {pid for pid in pids if b"ffmpeg" in Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]}


SLOW, SLOWER = {"preset": "720p"}, {"preset": "1080p"}


async def under_way(client: Client, said: dict[str, Any]) -> str:
    """The id of an edit that has come some way."""
    job: str = told(await client.call_tool("resize_video", said | {"wait_s": 0}))["job_id"]
    with anyio.fail_after(30):
        while "%" not in told(await client.call_tool("get_job", {"job_id": job})).get("progress", "").replace(
            "0 %", ""
        ):
            await anyio.sleep(0.05)
    return job


async def test_an_edit_can_be_cancelled_in_the_middle(at: Any, clips: Path, tmp_path: Path) -> None:
    before = children()
    async with at() as client:
        job = await under_way(client, {"video": str(clips / "long.mp4"), **SLOWER})
        assert list((tmp_path / "out" / ".callsheet-work").glob("*/out.mp4"))
        cancelled = told(await client.call_tool("cancel_job", {"job_id": job}))
        assert cancelled["status"] == "cancelled"
        assert cancelled["credits"]["charged"] == 0
        assert children() <= before
    assert not list((tmp_path / "out").rglob("*.mp4"))


async def test_progress_only_goes_up(at: Any, clips: Path) -> None:
    seen: list[tuple[float, str]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, message or ""))

    async with at() as client:
        said = {"video": str(clips / "long.mp4"), **SLOW, "wait_s": 60}
        answer = await client.call_tool("resize_video", said, progress_callback=heard)
    assert told(answer)["status"] == "completed"
    percents = [int(found[1]) for _, text in seen if (found := re.search(r"local/ffmpeg: (\d+) %", text))]
    assert len(set(percents)) >= 3
    assert percents == sorted(percents)
    assert [value for value, _ in seen] == sorted(value for value, _ in seen)


async def test_an_edit_that_takes_too_long_is_stopped(at: Any, clips: Path, tmp_path: Path) -> None:
    before = children()
    async with at() as client:
        said = {"video": str(clips / "long.mp4"), **SLOWER, "options": {"timeout_seconds": 1}}
        assert "was stopped after 1 s" in await refused(client, "resize_video", said)
    assert children() <= before
    assert not list((tmp_path / "out").rglob("*.mp4"))


async def test_a_server_that_stops_in_the_middle_begins_again_at_its_next_start(at: Any, clips: Path) -> None:
    before = children()
    async with at() as client:
        job = await under_way(client, {"video": str(clips / "long.mp4"), **SLOW})
    assert children() <= before
    async with at() as client:
        done = told(await client.call_tool("get_job", {"job_id": job, "wait_s": 60}))
        assert done["status"] == "completed"
        assert done["media"][0]["seconds"] == pytest.approx(6, abs=FRAME)


async def test_a_server_that_is_killed_in_the_middle_begins_again_at_its_next_start(
    clips: Path, tmp_path: Path
) -> None:
    environ = {"CALLSHEET_INPUT_DIRS": str(clips), "CALLSHEET_TOOLSETS": "core,edit"}
    params = serve(tmp_path, environ)
    ledger, work = tmp_path / "home" / "ledger.sqlite", tmp_path / "out" / ".callsheet-work"

    def rows(question: str) -> list[Any]:
        with sqlite3.connect(ledger, isolation_level=None, timeout=20) as db:
            found = db.execute(question).fetchall()
        db.close()
        return found

    async with await anyio.open_process(
        [params.command, *params.args], env=os.environ | (params.env or {}), cwd=tmp_path, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdin
        said = {"name": "resize_video", "arguments": {"video": str(clips / "long.mp4"), **SLOW, "wait_s": 0}}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        for number, method, about in ((1, "initialize", hello), (None, "notifications/initialized", None)):
            await server.stdin.send(line(number, method, about))
        await server.stdin.send(line(2, "tools/call", said))
        with anyio.fail_after(30):
            while not any(path.stat().st_size for path in work.glob("*/out.mp4")):
                await anyio.sleep(0.05)
        server.kill()
    ((job_id, stage),) = rows("SELECT id, stage FROM jobs")
    assert stage == "sent"
    assert not list((tmp_path / "out").glob("*.mp4"))
    rows("UPDATE jobs SET lease = 0")  # as if its time had passed
    async with Client(params) as client:
        done = told(await client.call_tool("get_job", {"job_id": job_id, "wait_s": 60}))
    assert done["status"] == "completed"
    assert done["credits"]["charged"] == 0
    assert done["media"][0]["seconds"] == pytest.approx(6, abs=FRAME)
    assert rows("SELECT tries FROM jobs") == [(2,)]
    assert not list(work.glob("*"))


def line(number: int | None, method: str, params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "method": method} | ({"id": number} if number else {})
    return json.dumps(message | ({"params": params} if params else {})).encode() + b"\n"


async def test_a_result_that_was_deleted_is_made_again(at: Any, clips: Path) -> None:
    async with at() as client:
        receipt = await made(client, "crop_video", {"video": str(clips / "a.mp4"), "width": 64, "height": 64})
        Path(receipt["media"][0]["path"]).unlink()
        again = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 30}))
        assert again["status"] == "completed"
        assert Path(again["media"][0]["path"]).is_file()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk")
    yield place
    subprocess.run(["umount", place], check=True)  # noqa: S607


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
async def test_a_full_disk_is_named(at: Any, clips: Path, tiny: Path) -> None:
    async with at(CALLSHEET_OUTPUT_DIR=str(tiny)) as client:
        said = {"video": str(clips / "long.mp4"), **SLOW, "options": {"fit": "crop"}}
        why = await refused(client, "resize_video", said)
    assert "disk is full" in why
    assert not list(tiny.rglob("*.mp4"))


async def test_edits_follow_each_other(at: Any, clips: Path) -> None:
    async with at() as client:
        said = {"video": str(clips / "a.mp4"), "start_seconds": 1, "end_seconds": 3, "wait_s": 0}
        first = told(await client.call_tool("trim_video", said))
        second = told(
            await client.call_tool("change_speed", {"video": first["job_id"], "speed_factor": 2, "wait_s": 0})
        )
        third = await made(client, "video_to_gif", {"video": second["job_id"], "width": 64})
    assert third["media"][0]["seconds"] == pytest.approx(1, abs=0.09)


# -- subtitles ------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(categories=("L", "N", "Zs"), exclude_characters="<>&{}\u00a0"), min_size=1).map(str.strip)
CUES = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(1, 10**5), WORDS.filter(bool)).map(
        lambda row: Cue(row[0] / 1000, (row[0] + row[1]) / 1000, row[2])
    ),
    min_size=1,
)


@given(CUES)
def test_subtitles_survive_being_written_and_read(cues: list[Cue]) -> None:
    assert subtitles.parse(subtitles.srt(cues)) == cues
    assert subtitles.parse(subtitles.vtt(cues)) == cues


def test_subtitles_are_read_as_people_write_them() -> None:
    windows = "\ufeff" + SRT.replace("\n", "\r\n")
    assert subtitles.parse(subtitles.decoded(windows.encode("utf-16"))[0]) == subtitles.parse(SRT)
    assert subtitles.parse(VTT) == [Cue(0.5, 2.0, "A & B")]
    russian = SRT.replace("world", "Привет, как дела сегодня?")
    assert subtitles.decoded(russian.replace(" สวัสดี", "").encode("cp1251"))[0].count("Привет") == 1
    assert subtitles.decoded(SRT.encode("cp874"), "cp874") == (SRT, None)
    with pytest.raises(RequestError, match="no cue"):
        subtitles.parse("Just a text.")


def test_what_a_viewer_would_stumble_over_is_told() -> None:
    cues = [Cue(0, 1, "x" * 50), Cue(0.9, 1.2, "a\nb\nc"), Cue(2, 4, "fine")]
    told = "\n".join(subtitles.faults(cues, 3.0))
    for part in ("overlap by 0.10", "50 characters a second", "line of 50", "only 0.30 s", "3 lines", "after the film"):
        assert part in told
    assert not subtitles.faults([Cue(0, 2, "All is well")], 3.0)


@given(st.text(min_size=1), st.floats(0.5, 10_000))
def test_a_spread_script_is_in_order_and_within_its_length(script: str, length: float) -> None:
    try:
        cues = spread(script, length)
    except RequestError:
        assert not script.replace("|", "").strip()
        return
    assert all(a.end <= b.start + 0.002 for a, b in itertools.pairwise(cues))
    assert cues[-1].end <= length + 0.002
    assert all(len(part) <= 44 for cue in cues for part in cue.text.split("\n"))


def test_the_fonts_travel_with_their_licence_and_write_thai() -> None:
    assert {path.name for path in fonts.FOLDER.iterdir()} >= {
        "NotoSans-Regular.ttf",
        "NotoSansThai-Regular.ttf",
        "OFL.txt",
    }
    assert all(path.stat().st_size < 600_000 for path in fonts.FOLDER.glob("*.ttf"))
    assert fonts.clean("กข ABC äß Ελ Ж") == "กข ABC äß Ελ Ж"
    ours = fonts.Fonts()
    lines = ours.wrap("ที่นี่มีข้อความภาษาไทยยาวๆ" * 3, 40, 300)
    assert len(lines) > 3
    assert all(ours.width(line, 40) <= 300 for line in lines)
    assert not any("\u0e30" <= line[0] <= "\u0e3a" or "\u0e47" <= line[0] <= "\u0e4e" for line in lines)
    assert "".join(lines) == "ที่นี่มีข้อความภาษาไทยยาวๆ" * 3
