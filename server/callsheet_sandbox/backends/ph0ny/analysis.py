"""What the sandbox makes of a video: the words, the cuts, a vector for each shot, and an honest answer."""

from collections.abc import Sequence
from math import hypot
from typing import Any

from callsheet_sandbox import props
from callsheet_sandbox.hearing import heard, language_of, segments, text_of

SIDE = 8


def analysis(video: bytes, tasks: Sequence[str], question: str | None) -> dict[str, Any]:
    """Only what was asked for: `transcribe`, `scenes`, `embed`, `qa`."""
    found: dict[str, Any] = {}
    cues = heard(video) if {"transcribe", "qa"} & set(tasks) else []
    shots = props.scenes(video) if {"scenes", "embed", "qa"} & set(tasks) else []
    if "transcribe" in tasks:
        text = text_of(cues)
        found["transcript"] = {"text": text, "language": language_of(text), "segments": segments(cues)}
    if "scenes" in tasks:
        found["scenes"] = [
            {
                "start": start,
                "end": end,
                "description": f"Shot {n} of {len(shots)}; the sandbox sees cuts only",
            }
            for n, (start, end) in enumerate(shots, 1)
        ]
    if "embed" in tasks:
        found["embeddings"] = [
            {"start": start, "end": end, "vector": vector(video, (start + end) / 2)} for start, end in shots
        ]
    if "qa" in tasks:
        found["answer"] = answer(video, cues, len(shots), question or "")
    return found


def vector(video: bytes, at: float) -> list[float]:
    """Length 1, from the picture at that time made tiny and grey: like pictures lie near each other."""
    tiny = ["-i", "shot.png", "-vf", f"scale={SIDE}:{SIDE}:flags=area,format=gray", "-f", "rawvideo"]
    grey = props.run_ffmpeg(tiny, {"shot.png": props.frame(video, at)}, "tiny.raw")
    length = hypot(*grey) or 1.0
    return [round(value / length, 6) for value in grey]


def answer(video: bytes, cues: Sequence[props.Cue], shots: int, question: str) -> str:
    """What can be said of the video without watching it."""
    seen = props.facts(video)
    size = f"{seen.width} x {seen.height}, {seen.seconds:.1f} s, shots: {shots}"
    words = f'These words are heard: "{text_of(cues)}"' if cues else "No words are heard."
    return f"This is Callsheet's sandbox, which cannot watch a video. It is {size}. {words} You asked: {question}"
