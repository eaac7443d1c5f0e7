"""How much may be said at once: looked at before anything else does, so that too much costs nobody any time."""

from collections.abc import Iterator
from typing import Any

from callsheet.errors import RequestError, cut

MOST_WORDS = 100
"""So many members may one object have; no tool has as many arguments."""
MOST_PARTS = 10_000
DEEPEST = 32
NAME, ADDRESS, SCRIPT, TEXT = 200, 4_000, 100_000, 1_000_000
"""Characters of what names something, of an address, of what is read line by line, and of any other text."""
LARGEST, WHOLE = 1e12, 2**63 - 1
"""Of numbers with a point, and of those without, which count pixels or name a seed."""
DAY_S = 86_400.0

LONGEST = dict.fromkeys(
    (
        *("model", "operation", "tool", "backend", "job_id", "taskId", "status", "since", "name", "cursor"),
        *("voice", "language", "target_language", "source_language", "aspect_ratio", "resolution", "position", "color"),
        *("preset", "mode", "can", "kind", "type", "folder"),
    ),
    NAME,
) | {"uri": ADDRESS, "resourceSubscriptions": ADDRESS, "script": SCRIPT}
"""Words whose values are shorter than a text may be, wherever they stand."""


def bounded(said: Any) -> Any:
    """What was said, if it is no more than anybody means.

    Raises:
        RequestError: it is more; says where, and shows little of it.
    """
    if fault := next(excess(said), None):
        raise RequestError(fault)
    return said


def excess(said: Any) -> Iterator[str]:
    """What is too long, too large or too deep; cheap however much there is, for whoever takes only the first."""
    parts, rest = 0, [("", said, 0)]
    while rest:
        name, value, depth = rest.pop()
        parts += 1
        if parts > MOST_PARTS:
            yield f"More than {MOST_PARTS:,} values were said at once."
        if not isinstance(value, dict | list):
            yield from filter(None, [fault(name, value)])
        elif depth >= DEEPEST:
            yield f"`{name}`: lists and objects are at most {DEEPEST} deep"
        elif isinstance(value, list):
            rest += [(name, item, depth + 1) for item in value[: MOST_PARTS + 1]]
        elif len(value) > MOST_WORDS:
            yield f"at most {MOST_WORDS} arguments are taken at once, and there are {len(value):,}"
        else:
            yield from filter(None, (fault("name", key) for key in value))
            rest += [(str(key), item, depth + 1) for key, item in value.items()]


def fault(name: str, value: Any) -> str | None:
    """What is too much in one value."""
    if isinstance(value, str):
        most = LONGEST.get(name, TEXT)
        if len(value) > most and not value.startswith("data:"):
            return f"`{name}`: at most {most:,} characters, and there are {len(value):,}: {cut(value, 40)}"
    elif isinstance(value, int | float):
        if abs(value) > (WHOLE if isinstance(value, int) else LARGEST):
            return f"`{name}`: no number is so large"
        if timed(name) and abs(value) > DAY_S:
            return f"`{name}`: at most {DAY_S:.0f} s, a day, and {value:g} was said"
    return None


def timed(name: str) -> bool:
    """Whether a word is a time in seconds."""
    return name.endswith(("_seconds", "_time", "_s"))
