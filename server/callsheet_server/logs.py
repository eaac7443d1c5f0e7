"""Logs on stderr: a line of JSON each, or of text where somebody watches; and no secret in any of them."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from pydantic import SecretStr

from callsheet.settings.settings import Settings

SECRET = re.compile(
    r"(?P<bearer>\bBearer\s+)[^\s\"',]+"
    r"|(?P<query>[?&#;](?:[\w.-]*(?:signature|token|key|secret|expires|credential|policy|sig)[\w.-]*)=)[^&\s\"'<>]+"
    r"|(?P<named>\b[\w-]*(?:api[_-]?key|token|secret|password|authorization)[\w-]*[\"']?\s*[:=]\s*[\"']?"
    r"(?:(?:Bearer|Basic)\s+)?)[^\s\"',}]+"
    r"|(?P<user>\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+(?=@)"
    r"|(?P<data>\bdata:[\w.+-]+/[\w.+-]+;base64,)[A-Za-z0-9+/=]+",
    re.IGNORECASE,
)
"""What looks like a key, a password or a signed link; the named part stays, to be read."""
HIDDEN = "[hidden]"


class Redacting(logging.Filter):
    """Lets every record through, without the secrets in it: those that are known, and whatever looks like one."""

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        super().__init__()
        longest = sorted((re.escape(secret) for secret in secrets if secret), key=len, reverse=True)
        self.known = re.compile("|".join(longest)) if longest else None

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; what the record says is made safe."""
        record.msg, record.args = self.clean(record.getMessage()), None
        if record.exc_info:
            record.exc_text = self.clean(logging.Formatter().formatException(record.exc_info))
        return True

    def clean(self, text: str) -> str:
        """A text without secrets."""
        text = self.known.sub(HIDDEN, text) if self.known else text
        return SECRET.sub(lambda found: f"{found[str(found.lastgroup)]}{HIDDEN}", text)


class Lines(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in it."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(told | ({"error": record.exc_text} if record.exc_text else {}), ensure_ascii=False)


def secrets(settings: Settings) -> frozenset[str]:
    """Every secret among the settings, as it is written."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        values = value.values() if isinstance(value, dict) else [value]
        found |= {secret.get_secret_value() for secret in values if isinstance(secret, SecretStr)}
    return frozenset(found)


def start(settings: Settings, stream: TextIO | None = None) -> None:
    """Log to stderr from now on; before the SDK would set up its own way."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redacting(secrets(settings)))
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s") if stream.isatty() else Lines())
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
