"""The one secret of a server and all its replicas, and the keys derived from it."""

import contextlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from callsheet.errors import RequestError
from callsheet.settings.settings import Settings


def key(settings: Settings, purpose: str) -> bytes:
    """The key for one purpose; what is known of it tells nothing of the others.

    Raises:
        RequestError: the secret can be neither read nor made.
    """
    said = settings.secret.get_secret_value() if settings.secret else kept(settings.home / "secret")
    return hmac.digest(said.encode(), purpose.encode(), "sha256")


def kept(path: Path) -> str:
    """The secret in a file that only its owner can read, made at the first call; of several who make it one wins.

    Raises:
        RequestError: the file can be neither read nor made.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(prefix=".secret-", dir=path.parent)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
            Path(name).unlink()
        found = path.read_text().strip()
    except OSError as error:
        raise RequestError(f"{path} can be neither read nor made ({error.strerror}); set CALLSHEET_SECRET.") from None
    if len(found) < 32:
        raise RequestError(f"{path} holds no secret of 32 characters or more; delete it, and another is made.")
    return found
