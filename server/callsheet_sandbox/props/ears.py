"""What a listener and a watcher find: the words of a recording, and where the cuts are."""

import re
from itertools import pairwise
from typing import NamedTuple

from .engine import Word, bench, look

FOREIGN = "(sandbox: no transcript for foreign audio)"
_LONG = 42


class Cue(NamedTuple):
    """One subtitle."""

    start: float
    end: float
    text: str


def transcript(audio_or_video: bytes) -> list[Cue]:
    """The words of a recording, in lines of subtitle length.

    The sandbox has no ears: it reads what it wrote into the file when it spoke, and says so when it did not.
    """
    with bench({"data": audio_or_video}) as place:
        found, words, _ = look(place, "data")
    if not found.audio:
        raise ValueError("there is no sound in this file")
    if not words:
        return [Cue(0.0, round(max(found.seconds, 0.1), 3), FOREIGN)]
    sentences: list[list[Word]] = [[]]
    for word in words:
        said = sentences[-1]
        if said and (_ended(said[-1].text) or word.start - said[-1].end > 1.0):
            sentences.append([])
        sentences[-1].append(word)
    return [cue for sentence in sentences for cue in _split(sentence)]


def _split(sentence: list[Word]) -> list[Cue]:
    """A sentence in lines of about the same length."""
    whole = sum(len(word.text) for word in sentence)
    fair = whole / -(-whole // _LONG)
    lines: list[list[Word]] = [[]]
    length, passed = 0, 0.0
    for word in sentence:
        if lines[-1] and length + len(word.text) / 2 > passed + fair:
            lines.append([])
            passed += fair
        lines[-1].append(word)
        length += len(word.text)
    return [_cue(line) for line in lines]


def _ended(text: str) -> bool:
    """Whether a sentence ends here."""
    return bool(re.search(r"[.!?…。！？।]['\"”’)」]*\s*$|\n\s*$", text))


def _cue(line: list[Word]) -> Cue:
    return Cue(round(line[0].start, 3), round(line[-1].end, 3), " ".join("".join(word.text for word in line).split()))


def scenes(video: bytes) -> list[tuple[float, float]]:
    """Where each shot begins and ends, by the change from picture to picture."""
    with bench({"video": video}) as place:
        found = look(place, "video")[0]
        if found.kind != "video":
            raise ValueError(f"a video is needed here, not an {found.kind}")
        watch = "scale=w='min(320,iw)':h=-2,scdet=threshold=10,metadata=mode=print:key=lavfi.scd.time:file=-"
        said = place.call("-i", "video", "-map", "0:v:0", "-vf", watch, "-f", "null", "-", timeout=300)
    cuts = [float(time) for time in re.findall(r"lavfi\.scd\.time=([\d.]+)", said)]
    edges = [0.0, *(cut for cut in cuts if 0.05 < cut < found.seconds - 0.05), found.seconds]
    return [(round(a, 3), round(b, 3)) for a, b in pairwise(edges)]
