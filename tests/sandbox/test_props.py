"""What the sandbox makes is real media: these tests open it again and look."""

import functools
import io
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from callsheet_sandbox import props
from callsheet_sandbox.props import Cue

THAI = "สวัสดีครับ วันนี้อากาศดีมาก"
ENGLISH = "Hello there. The call sheet says we shoot at dawn, by the lake."


@functools.cache
def film(prompt: str = "a quiet lake", seconds: float = 2.0, width: int = 320, height: int = 240) -> bytes:
    return props.clip(prompt, width, height, seconds)


@functools.cache
def said(text: str = ENGLISH, format: str = "wav") -> props.Spoken:
    return props.speech(text, format=format)  # type: ignore[arg-type]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def changed(one: bytes, other: bytes, box: tuple[int, int, int, int] | None = None) -> int:
    """How many pixels differ clearly between two pictures."""
    difference = ImageChops.difference(opened(one).crop(box), opened(other).crop(box)).convert("L")
    return sum(difference.histogram()[40:])


def text_of(cues: list[Cue]) -> str:
    return " ".join(cue.text for cue in cues)


def test_importing_the_props_loads_neither_numpy_nor_pillow_nor_anything_of_callsheet():
    code = (
        "import sys, callsheet_sandbox.props;"
        "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'PIL', 'callsheet', 'callsheet_server')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("width", "height"), [(64, 64), (333, 517), (1024, 1024), (1, 1)])
def test_a_picture_has_exactly_the_size_asked_for(width, height):
    found = props.facts(props.picture("a quiet lake", width, height))
    assert (found.kind, found.mime, found.width, found.height) == ("image", "image/png", width, height)


def test_a_four_thousand_pixel_picture_is_made_in_seconds():
    begin = time.perf_counter()
    assert opened(props.picture("hills", 4096, 4096)).size == (4096, 4096)
    assert time.perf_counter() - begin < 15
    with pytest.raises(ValueError, match="4096"):
        props.picture("hills", 4097, 16)


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_pictures_come_in_other_formats_too(format):
    assert props.facts(props.picture("x", 90, 60, format=format)).mime == f"image/{format}"


def test_the_same_prompt_and_seed_give_the_same_bytes_and_others_do_not():
    one = props.picture("a fox", 200, 200, seed=3)
    assert one == props.picture("a fox", 200, 200, seed=3)
    assert len({one, props.picture("a fox", 200, 200, seed=4), props.picture("a cat", 200, 200, seed=3)}) == 3


def test_the_prompt_is_written_on_the_picture_in_latin_and_thai():
    blank = props.picture("", 480, 480, seed=1)
    for prompt in ("lake", THAI):
        corner = opened(props.picture(prompt, 480, 480, seed=1)).crop((0, 0, 240, 60))
        assert sum(corner.convert("L").histogram()[250:]) > 100
    assert sum(opened(blank).crop((0, 0, 240, 60)).convert("L").histogram()[252:]) < 100


def test_pictures_that_go_in_are_to_be_seen_in_the_one_that_comes_out():
    red = io.BytesIO()
    Image.new("RGB", (80, 60), "#ff0000").save(red, "PNG")
    plain, mixed = opened(props.picture("x", 200, 200)), opened(props.picture("x", 200, 200, inputs=[red.getvalue()]))
    warmth = [image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) for image in (plain, mixed)]
    assert warmth[1][0] > warmth[0][0]
    assert (255, 0, 0) in {colour for _, colour in mixed.getcolors(100_000)}
    with pytest.raises(ValueError, match="no picture"):
        props.picture("x", 50, 50, inputs=[b"not a picture"])


@pytest.mark.parametrize(("seconds", "fps"), [(2.0, 24), (1.3, 30)])
def test_a_clip_has_the_length_and_the_even_size_asked_for(seconds, fps):
    found = props.facts(props.clip("a city at night", 321, 243, seconds, fps=fps))
    assert (found.width, found.height, found.video_codec, found.audio) == (320, 242, "h264", False)
    assert abs(found.seconds - seconds) <= 1 / fps + 0.01


def test_a_clip_moves_and_is_the_same_every_time():
    one = film()
    assert one == props.clip("a quiet lake", 320, 240, 2.0)
    assert changed(props.frame(one, "first"), props.frame(one, "last")) > 100
    assert one != props.clip("a quiet lake", 320, 240, 2.0, seed=5)


def test_a_clip_plays_the_sound_it_was_given_or_a_tune():
    for sound in ("tune", said().audio):
        found = props.facts(props.clip("x", 160, 120, 2.0, sound=sound))
        assert found.audio_codec == "aac"
        assert abs(found.seconds - 2.0) < 0.06
    with pytest.raises(ValueError, match="no sound"):
        props.clip("x", 160, 120, 1.0, sound=film())


def test_a_clip_goes_from_the_first_still_to_the_last():
    day, night = props.picture("noon field", 320, 240), props.picture("midnight", 320, 240)
    clip = props.clip("", 320, 240, 2.0, first=day, last=night)
    start, end = props.frame(clip, "first"), props.frame(clip, "last")
    assert changed(start, day) < changed(start, night)
    assert changed(end, night) < changed(end, day)


@pytest.mark.parametrize("mode", ["center", "bottom_right", "pan_left", "pan_down"])
def test_ken_burns_moves_the_still(mode):
    still = props.picture("a city at night", 301, 201)
    film = props.ken_burns(still, 1.0, mode=mode, speed=0.01, pan_speed=3)
    assert props.facts(film)[3:6] == (300, 200, 1.0)
    assert changed(props.frame(film, "first"), props.frame(film, "last")) > 400


def test_ken_burns_without_motion_keeps_still_and_may_play_music():
    film = props.ken_burns(props.picture("x", 200, 200), 1.0, mode="none", music=props.tune("x", 3))
    assert changed(props.frame(film, "first"), props.frame(film, "last")) < 20
    assert props.facts(film).audio
    with pytest.raises(ValueError, match="mode is one of"):
        props.ken_burns(props.picture("x", 20, 20), 1.0, mode="sideways")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, None),
        (THAI, None),
        (THAI, "th"),
        ("こんにちは、世界", "ja"),
        ("你好，世界", "zh-CN"),
        ("안녕하세요 세계", None),
    ],
)
def test_speech_times_every_word_in_order(text, language):
    spoken = props.speech(text, language=language)
    found = props.facts(spoken.audio)
    assert (found.kind, found.suffix) == ("audio", "wav")
    assert abs(found.seconds - spoken.seconds) < 0.02
    assert all(0 <= start <= end <= spoken.seconds + 0.001 for _, start, end in spoken.words)
    assert all(a[2] <= b[1] for a, b in pairwise(spoken.words))
    assert "".join("".join(word.split()) for word, _, _ in spoken.words) == "".join(text.split())


def test_a_language_is_known_by_its_letters():
    assert props.speech(THAI).audio == props.speech(THAI, language="th-TH").audio
    assert props.speech("Привет").audio == props.speech("Привет", language="ru").audio
    assert props.speech("Hello").audio == props.speech("Hello", language="en-US").audio


def test_voices_differ_and_slow_is_slower():
    assert len({props.speech("One two.", voice=name).audio for name in ("Kore", "Orus", "en_gb_male")}) == 3
    usual = props.speech(ENGLISH).seconds
    assert props.speech(ENGLISH, slow=True).seconds > usual > props.speech(ENGLISH, speed=1.6).seconds


@pytest.mark.parametrize("text", ["", "  \n", "!!! …", "🎉"])
def test_what_cannot_be_said_is_a_plain_error(text):
    with pytest.raises(ValueError, match=r"say|said"):
        props.speech(text)


def test_an_unknown_language_is_a_plain_error():
    with pytest.raises(ValueError, match="no voice for the language 'xx'"):
        props.speech("hello", language="xx")


def test_a_tune_is_as_long_as_asked_and_always_the_same():
    song = props.tune("a happy dance", 6.5)
    found = props.facts(song)
    assert (found.mime, found.audio_codec) == ("audio/mpeg", "mp3")
    assert abs(found.seconds - 6.5) < 0.1
    assert song == props.tune("a happy dance", 6.5)
    assert len({song, props.tune("a happy dance", 6.5, instrumental=True), props.tune("a sad night", 6.5)}) == 3


@pytest.mark.parametrize("format", ["wav", "mp3", "ogg"])
def test_speech_is_written_down_word_for_word(format):
    assert text_of(props.transcript(said(format=format).audio)) == ENGLISH


def test_a_transcript_survives_mixing_joining_subtitles_and_lips():
    spoken, thai = said(), said(THAI)
    mixed = props.with_audio(film(seconds=6.0), spoken.audio, offset=0.5, volume=0.7)
    cues = props.transcript(mixed)
    assert text_of(cues) == ENGLISH
    assert cues[0].start == pytest.approx(0.5)
    assert props.facts(mixed).seconds == pytest.approx(6.0, abs=0.06)

    carried = props.joined([mixed, props.clip("x", 320, 240, 3.5, sound=thai.audio)])
    cues = props.transcript(props.subtitled(carried, cues))
    assert text_of(cues).startswith(f"{ENGLISH} สวัสดี")
    assert all(a.end <= b.start + 0.001 for a, b in pairwise(cues))
    assert text_of(props.transcript(props.joined_audio([spoken.audio, thai.audio]))) == f"{ENGLISH} {THAI}"
    assert text_of(props.transcript(props.run_ffmpeg(["-i", "a", "-c", "copy"], {"a": mixed}, "b.mp4"))) == ENGLISH


def test_a_long_text_is_remembered_whole():
    text = " ".join(f"This is sentence number {n}, and it has its own words." for n in range(40))
    assert text_of(props.transcript(said(text, "mp3").audio)) == text


def test_foreign_sound_gets_one_honest_line_and_silence_an_error():
    (cue,) = props.transcript(props.tune("x", 1.0))
    assert "no transcript for foreign audio" in cue.text
    with pytest.raises(ValueError, match="no sound"):
        props.transcript(film())


@pytest.mark.parametrize(("text", "style"), [("Hello there", "minimal"), (THAI, "default"), (THAI, "bold-yellow")])
def test_subtitles_are_drawn_on_a_machine_without_fonts(text, style, monkeypatch, tmp_path):
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "none.conf"))
    plain = film(seconds=1.0)
    burned = props.subtitled(plain, [Cue(0.2, 0.9, text)], style=style)
    foot = (0, 180, 320, 240)
    assert changed(props.frame(plain, 0.5), props.frame(burned, 0.5), foot) > 100
    assert changed(props.frame(plain, "first"), props.frame(burned, "first"), foot) < 20


def test_words_pop_in_one_after_another():
    plain = film(seconds=2.0)
    burned = props.subtitled(plain, [Cue(0.0, 2.0, "one two three four")], animation="word_pop_fade")
    drawn = [changed(props.frame(plain, at), props.frame(burned, at), (0, 180, 320, 240)) for at in (0.1, 0.5, 1.5)]
    assert drawn[0] < drawn[1] < drawn[2]
    with pytest.raises(ValueError, match="animation is one of"):
        props.subtitled(plain, [], animation="spin")


def test_cuts_are_found_where_films_were_joined():
    parts = [film(seconds=1.0), props.clip("neon night", 240, 320, 1.5), props.clip("snow", 320, 240, 1.0)]
    film_ = props.joined(parts)
    assert props.facts(film_)[3:5] == (320, 240)
    shots = props.scenes(film_)
    assert [pytest.approx(edge, abs=0.09) for edge in (0.0, 1.0, 2.5)] == [start for start, _ in shots]
    assert props.scenes(film()) == [(0.0, 2.0)]


def test_a_gif_or_a_picture_is_laid_over_a_film():
    gif = props.run_ffmpeg(["-i", "a", "-vf", "scale=80:-2,fps=8", "-t", "0.5"], {"a": film("neon")}, "a.gif")
    assert props.facts(gif).mime == "image/gif"
    for data in (gif, props.picture("neon", 90, 60)):
        over = props.overlaid(film(), data)
        assert props.facts(over).seconds == pytest.approx(2.0, abs=0.05)
        assert changed(props.frame(film(), 1.5), props.frame(over, 1.5), (200, 160, 320, 240)) > 500


def test_a_frame_past_the_end_is_the_last():
    assert props.frame(film(), 99) == props.frame(film(), "last") != props.frame(film(), "middle")
    inputs = {"v": film(seconds=1.0), "a": props.tune("x", 5.0)}
    longer = props.run_ffmpeg(["-i", "v", "-i", "a", "-map", "0:v", "-map", "1:a", "-c:v", "copy"], inputs, "o.mp4")
    assert props.frame(longer, "middle") == props.frame(longer, "last") == props.frame(film(seconds=1.0), "last")


def test_a_talking_head_opens_its_mouth_with_the_voice():
    face = props.picture("a friendly presenter", 320, 320)
    head = props.talking_head(face, said().audio)
    found = props.facts(head)
    assert found.audio
    assert found.seconds == pytest.approx(said().seconds, abs=0.06)
    mouth, brow = (128, 180, 192, 230), (100, 60, 220, 170)
    shots = [props.frame(head, at / 5) for at in range(2, 9)]
    assert max(changed(a, b, mouth) for a, b in pairwise(shots)) > 100
    assert max(changed(a, b, brow) for a, b in pairwise(shots)) < 20


def test_a_film_given_other_lips_keeps_its_length_and_says_the_new_words():
    lips = props.relipped(film(seconds=6.0), said().audio)
    assert props.facts(lips).seconds == pytest.approx(6.0, abs=0.05)
    assert text_of(props.transcript(lips)) == ENGLISH


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
def test_a_stand_in_is_of_the_kind_it_stands_for(kind):
    assert props.facts(props.stand_in(kind, "https://example.com/a.bin")).kind == kind


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n"])
def test_what_is_no_media_is_a_plain_error(data):
    with pytest.raises(ValueError, match="can be read"):
        props.facts(data)


def test_a_filter_that_fails_says_why():
    with pytest.raises(props.MediaError, match="ffmpeg failed"):
        props.run_ffmpeg(["-i", "a", "-vf", "nosuchfilter"], {"a": film()}, "b.mp4")
