"""What the sandbox makes: real pictures, films, speech and music, without a network or a model.

Everything follows from its arguments alone, byte for byte. All functions block; call them in a thread. numpy and
Pillow are imported when the first picture or tune is made, not before.
"""

from collections.abc import Sequence
from typing import Literal

from .captions import subtitled
from .cutting import frame, joined, joined_audio, overlaid, with_audio
from .ears import Cue, scenes, transcript
from .engine import AAC, H264, MP3, Bench, Facts, MediaError, Word, bench, facts, run_ffmpeg
from .film import clip, ken_burns
from .vector import drawing
from .voice import Spoken, speech

__all__ = [
    "AAC",
    "H264",
    "MP3",
    "Bench",
    "Cue",
    "Facts",
    "MediaError",
    "Spoken",
    "Word",
    "bench",
    "clip",
    "drawing",
    "facts",
    "frame",
    "joined",
    "joined_audio",
    "ken_burns",
    "overlaid",
    "picture",
    "relipped",
    "run_ffmpeg",
    "scenes",
    "speech",
    "stand_in",
    "subtitled",
    "talking_head",
    "transcript",
    "tune",
    "with_audio",
]


def picture(
    prompt: str,
    width: int,
    height: int,
    *,
    seed: int = 0,
    format: Literal["png", "jpeg", "webp"] = "png",
    inputs: Sequence[bytes] = (),
) -> bytes:
    """A landscape for the prompt, with the prompt written on it; pictures that went in are to be seen in it."""
    from . import art  # noqa: PLC0415 - numpy and Pillow only now

    return art.encoded(art.painted(prompt, width, height, seed, inputs), format)


def tune(prompt: str, seconds: float, *, seed: int = 0, instrumental: bool = False) -> bytes:
    """An MP3 with melody, chords, bass and light drums; sung without words unless instrumental."""
    from . import score  # noqa: PLC0415 - as above

    return score.tune(prompt, seconds, seed=seed, instrumental=instrumental)


def talking_head(image: bytes, audio: bytes) -> bytes:
    """The picture speaking the sound, as long as the sound."""
    from . import lips  # noqa: PLC0415 - as above

    return lips.talking_head(image, audio)


def relipped(video: bytes, audio: bytes) -> bytes:
    """The video speaking the sound instead of its own, as long as the video."""
    from . import lips  # noqa: PLC0415 - as above

    return lips.relipped(video, audio)


def stand_in(kind: Literal["image", "video", "audio"], label: str) -> bytes:
    """An honest placeholder for an input that could not be fetched: it says so, and what it stands for."""
    if kind == "audio":
        return speech("This sound stands in for a file that the sandbox could not fetch.", language="en").audio
    words = f"stands in for {label or 'a file'}, which the sandbox could not fetch"
    return picture(words, 768, 432) if kind == "image" else clip(words, 768, 432, 3.0)
