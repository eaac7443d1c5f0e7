"""Links to stored files, for people and pages that have no token: signed, and good for an hour."""

import base64
import hmac
import re
import time
from contextvars import ContextVar
from urllib.parse import quote

LIFE_S = 3600
STEP_S = 600
"""The ends of links are rounded up to whole steps: a link that is asked for again soon is the same, and caches help."""

OURS = re.compile(r"https?://[^\s?#]+/media/(j_[0-9a-f]{26})/(\d{1,3})/[^\s/?#]+(\?\S*)?")
"""What a link looks like."""

here: ContextVar[str] = ContextVar("here", default="")
"""The address at which this request reached us."""


class Links:
    """Makes and checks links; `base` is the address at which others reach us, where the owner gave one."""

    def __init__(self, key: bytes, base: str | None = None) -> None:
        self.key = key
        self.base = base

    def to(self, uri: str, name: str) -> str:
        """A link to the file at `media://…`."""
        job_id, _, number = uri.removeprefix("media://").partition("/")
        expires = str((int(time.time()) + LIFE_S) // STEP_S * STEP_S + STEP_S)
        base = (self.base or here.get()).rstrip("/")
        signature = self.signature(job_id, number, expires)
        return f"{base}/media/{job_id}/{number}/{quote(name)}?expires={expires}&signature={signature}"

    def signature(self, job_id: str, number: str, expires: str) -> str:
        """What shows that we made a link."""
        digest = hmac.digest(self.key, f"{job_id}/{number}?{expires}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def good(self, job_id: str, number: str, expires: str, signature: str) -> bool:
        """Whether we made this link, and it has not expired."""
        ours = self.signature(job_id, number, expires)
        genuine = hmac.compare_digest(ours.encode(), signature.encode())
        return genuine and expires.isdecimal() and int(expires) > time.time()
