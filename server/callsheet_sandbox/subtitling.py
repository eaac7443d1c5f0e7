"""What is heard, as subtitle files."""

from collections.abc import Sequence

from callsheet_sandbox.props import Cue


def srt(cues: Sequence[Cue]) -> str:
    """SubRip."""
    rows = (f"{n}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{cue.text}\n" for n, cue in enumerate(cues, 1))
    return "\n".join(rows)


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT."""
    rows = (f"{clock(cue.start, '.')} --> {clock(cue.end, '.')}\n{cue.text}\n" for cue in cues)
    return "WEBVTT\n\n" + "\n".join(rows)


def clock(seconds: float, point: str) -> str:
    """00:00:01,500."""
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{rest:03}"
