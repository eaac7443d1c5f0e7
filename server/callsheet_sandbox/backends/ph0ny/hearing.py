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
    return [props.Cue(word.start, word.end, word.text.strip()) for word in said] or heard(media)


def text_of(cues: Sequence[props.Cue]) -> str:
    """All of it."""
    return " ".join(cue.text for cue in cues)


def language_of(text: str) -> str:
    """The language it is in, by its letters; empty where there are no words."""
    return guess(text) if text else ""


def segments(cues: Sequence[props.Cue]) -> list[dict[str, float | str]]:
    """Cues as ph0ny lists them."""
    return [{"start": cue.start, "end": cue.end, "text": cue.text} for cue in cues]
