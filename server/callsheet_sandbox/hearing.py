"""What the sandbox hears: the words of speech it made itself, with their times."""

from collections.abc import Sequence

from callsheet_sandbox import props
from callsheet_sandbox.props.engine import look
from callsheet_sandbox.props.voice import guess


def heard(media: bytes) -> list[props.Cue]:
    """What is said, in lines; none where there is no sound."""
    return props.transcript(media) if props.facts(media).audio else []


def words(media: bytes) -> list[props.Cue]:
    """What is said, word by word; the lines, where the words are not known."""
    with props.bench({"data": media}) as place:
        _, said, _ = look(place, "data")
    return [cue for word in said for cue in _apart(word)] or heard(media)


def _apart(word: props.Word) -> list[props.Cue]:
    """The voice runs some words into one, such as "from the": each gets its share of the time."""
    texts = word.text.split()
    letter = (word.end - word.start) / max(1, sum(map(len, texts)))
    cues, start = [], word.start
    for text in texts:
        end = start + letter * len(text)
        cues.append(props.Cue(round(start, 3), round(end, 3), text))
        start = end
    return cues


def text_of(cues: Sequence[props.Cue]) -> str:
    """All of it."""
    return " ".join(cue.text for cue in cues)


def language_of(text: str) -> str:
    """The language it is in, by its letters; empty where there are no words."""
    return guess(text) if text else ""


def segments(cues: Sequence[props.Cue]) -> list[dict[str, float | str]]:
    """Cues as ph0ny lists them."""
    return [{"start": cue.start, "end": cue.end, "text": cue.text} for cue in cues]
