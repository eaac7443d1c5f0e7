"""Small programs that use the vendors' own clients; each is told where the sandbox listens."""

import urllib.request

from callsheet_sandbox import props


def fetched(url: str) -> props.Facts:
    """What is behind a link."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the sandbox's own
        return props.facts(answer.read())
