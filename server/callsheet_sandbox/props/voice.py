"""Real speech: which language a text is in, who says it, and when each word is heard."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from .engine import MediaError, Word, bench

SCRIPTS = (
    ("th", "\u0e01-\u0e5b"),
    ("ja", "\u3041-\u30ff"),
    ("ko", "\u1100-\u11ff\uac00-\ud7a3"),
    ("cmn", "\u4e00-\u9fff"),
    ("ru", "\u0400-\u04ff"),
    ("el", "\u0370-\u03ff"),
    ("ar", "\u0600-\u06ff"),
    ("he", "\u0590-\u05ff"),
    ("hi", "\u0900-\u097f"),
    ("bn", "\u0980-\u09ff"),
    ("ta", "\u0b80-\u0bff"),
    ("te", "\u0c00-\u0c7f"),
    ("my", "\u1000-\u109f"),
    ("ka", "\u10a0-\u10ff"),
    ("hy", "\u0530-\u058f"),
    ("am", "\u1200-\u137f"),
)
ALIASES = {"zh": "cmn", "zh-hk": "yue", "zh-mo": "yue", "no": "nb", "en": "en-us", "fil": "id", "tl": "id", "jp": "ja"}
WOMEN = ("f1", "f2", "f3", "f4", "f5", "Annie", "belinda", "linda", "steph", "Alicia")
MEN = ("m1", "m2", "m3", "m4", "m6", "m7", "Alex", "Lee", "Michael", "adam", "john", "paul")


class Spoken(NamedTuple):
    """Speech, its length, and when each word of it is heard."""

    audio: bytes
    seconds: float
    words: list[tuple[str, float, float]]


def guess(text: str) -> str:
    """The language of a text by its letters; Japanese wins over Chinese as soon as there is kana."""
    counts = {tag: len(re.findall(f"[{letters}]", text)) for tag, letters in SCRIPTS}
    if counts["ja"]:
        counts["ja"] += counts.pop("cmn")
    best = max(counts, key=lambda tag: counts[tag])
    latin = len(re.findall(r"[A-Za-z\u00c0-\u024f]", text))
    return best if counts[best] and counts[best] * 2 >= latin else "en"


def speech(
    text: str,
    *,
    voice: str = "",
    language: str | None = None,
    slow: bool = False,
    speed: float = 1.0,
    format: Literal["wav", "mp3", "ogg"] = "wav",
) -> Spoken:
    """Say a text aloud; the same words, voice and speed always sound the same."""
    text = text.replace("\0", " ").strip()
    if not text:
        raise ValueError("there is no text to say")
    if not any(letter.isalnum() for letter in text):
        raise ValueError("there is nothing in this text that can be said aloud")
    child = Path(__file__).with_name("espeak.py")
    asked = json.dumps({"text": text, "languages": _languages(text, voice, language), **_manner(voice, slow, speed)})
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-P", str(child)], input=asked.encode(), capture_output=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        raise MediaError("the text is too long: saying it took more than five minutes") from None
    head, _, wav = done.stdout.partition(b"\n")
    if done.returncode or not head:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it gave no reason"]
        raise MediaError(f"the voice failed: {reason[0][:300]}")
    answer = json.loads(head)
    if "error" in answer:
        raise ValueError(answer["error"])
    seconds: float = answer["seconds"]
    words = _words(text, answer["marks"], seconds)
    if not words or seconds < 0.05:
        raise ValueError("there is nothing in this text that can be said aloud")
    return Spoken(_stored(wav, words, format), seconds, [(word.text.strip(), word.start, word.end) for word in words])


def _languages(text: str, voice: str, language: str | None) -> list[str]:
    """What to call the language, best first; a voice such as `en_gb_male` names one too."""
    named = re.match(r"([a-z]{2})[-_]([a-z]{2})(?![a-z])", voice.lower())
    tag = (language or "").strip().lower().replace("_", "-")
    if tag in ("", "auto"):
        tag = guess(text)
        if named and tag == "en":
            tag = f"{named[1]}-{named[2]}"
    base = tag.split("-")[0]
    names = [ALIASES.get(tag, tag), ALIASES.get(base, base), base]
    return list(dict.fromkeys(names))


def _manner(voice: str, slow: bool, speed: float) -> dict[str, object]:
    """How a voice of this name sounds: its timbre, pitch and pace follow from the name."""
    luck = hashlib.sha256(voice.lower().encode()).digest()
    name = voice.lower()
    choir: tuple[str, ...]
    if re.search(r"female|woman|(?:^|[^a-z])f(?:[^a-z]|$)", name):
        choir = WOMEN
    elif re.search(r"male|man|(?:^|[^a-z])m(?:[^a-z]|$)", name):
        choir = MEN
    else:
        choir = WOMEN if luck[0] % 2 else MEN
    pace = 165 * min(max(speed, 0.25), 4.0) * (0.65 if slow else 1.0)
    return {
        "variant": choir[luck[1] % len(choir)],
        "pitch": 38 + luck[2] % 28,
        "lilt": 45 + luck[3] % 25,
        "rate": round(min(max(pace, 80), 450)),
    }


def _words(text: str, marks: list[tuple[int, int]], seconds: float) -> list[Word]:
    """Each word with what is written between it and the next, so that together they are the whole text."""
    heard: list[tuple[int, float]] = []
    for position, milliseconds in marks:
        start = min(milliseconds / 1000, seconds)
        if 0 <= position < len(text) and (not heard or position > heard[-1][0]):
            heard.append((position, max(start, heard[-1][1]) if heard else start))
    words: list[Word] = []
    for index, (position, start) in enumerate(heard):
        begin = position if index else 0
        after, end = heard[index + 1] if index + 1 < len(heard) else (len(text), seconds)
        words.append(Word(text[begin:after], round(start, 3), round(end, 3)))
    return words


def _stored(wav: bytes, words: list[Word], format: str) -> bytes:
    """The file, with the words in its comment tag."""
    codec = {"wav": ["-c:a", "copy"], "mp3": ["-c:a", "libmp3lame", "-b:a", "64k"], "ogg": ["-c:a", "libvorbis"]}
    with bench({"raw.wav": wav}) as place:
        place.run("-i", "raw.wav", *codec[format], f"said.{format}", words=words)
        return place.get(f"said.{format}")
