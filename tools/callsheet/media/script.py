"""A script as subtitles: divided into cues that can be read, and spread over the time that there is."""

import re
from collections.abc import Sequence

from callsheet.errors import RequestError
from callsheet.media.fonts import CLUSTER
from callsheet.media.subtitles import BRIEFEST_S, LONGEST_LINE, LONGEST_S, MOST_LINES, Cue


def segments(script: str) -> list[str]:
    """A script in cues: a blank line ends one, `|` breaks a line; without blank lines each line is one.

    What is longer than a cue may be is divided between words, after a sentence where there is one.
    """
    text = script.replace("\r\n", "\n").strip()
    blocks = re.split(r"\n\s*\n", text) if re.search(r"\n\s*\n", text) else text.split("\n")
    found = []
    for block in blocks:
        lines = [" ".join(line.split()) for line in re.split(r"[|\n]", block) if line.strip()]
        if not lines:
            continue
        if len(lines) <= MOST_LINES and all(len(line) <= LONGEST_LINE for line in lines):
            found.append("\n".join(lines))
            continue
        for sentence in re.findall(r"\S.*?[.!?…](?=\s|$)|\S.*", " ".join(lines)):
            short = folded(sentence)
            found += ["\n".join(short[n : n + MOST_LINES]) for n in range(0, len(short), MOST_LINES)]
    return found


def folded(sentence: str) -> list[str]:
    """A sentence in lines of about the same length, none longer than fits well."""
    even = min(LONGEST_LINE, -(-len(sentence) // -(-len(sentence) // LONGEST_LINE)) + 6)
    found = [""]
    for word in sentence.split():
        parts = [word] if len(word) <= LONGEST_LINE else CLUSTER.findall(word)
        for number, part in enumerate(parts):
            gap = " " if number == 0 and found[-1] else ""
            if found[-1] and len(found[-1] + gap + part) > even:
                found.append("")
                gap = ""
            found[-1] += gap + part
    return found


def spread(script: str, length: float, voiced: Sequence[tuple[float, float]] = ()) -> list[Cue]:
    """A script over a length of time, each cue for as long as there is to read; where it is known when somebody speaks
    (`voiced`), only over that. Nobody listened: the times are guesses.

    Raises:
        RequestError: the script says nothing, or too much.
    """
    texts = segments(script)
    if not texts:
        raise RequestError("The script says nothing.")
    spoken = list(voiced) or [(0.0, length)]
    whole = sum(end - start for start, end in spoken)
    weights = [len(text) + 10 for text in texts]
    if whole * min(weights) / sum(weights) < BRIEFEST_S:
        raise RequestError(
            f"The script has {len(texts):,} cues, and {length:g} s are time for {whole / BRIEFEST_S:.0f}."
        )
    second, at, cues = whole / sum(weights), 0.0, []
    for text, weight in zip(texts, weights, strict=True):
        start, end = on_clock(spoken, at), on_clock(spoken, at + second * weight, ending=True)
        cues.append(Cue(round(start, 3), round(min(end, start + max(LONGEST_S, len(text) / 8)), 3), text))
        at += second * weight
    return cues


def on_clock(spoken: Sequence[tuple[float, float]], at: float, *, ending: bool = False) -> float:
    """When so many seconds have been spoken; at a pause, its end or (`ending`) its beginning."""
    for start, end in spoken:
        if at < end - start - 1e-9 or (ending and at <= end - start + 1e-9):
            return start + at
        at -= end - start
    return spoken[-1][1]
