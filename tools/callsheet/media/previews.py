"""Small pictures of stored files, each made once."""

from pathlib import Path
from typing import Protocol

from callsheet.errors import CallsheetError
from callsheet.media import ffmpeg


class Stored(Protocol):
    """A stored file, and what is known of it."""

    path: str | None
    sha256: str
    width: int | None
    height: int | None
    seconds: float | None


class Previews:
    """The folder in which they are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def of(self, stored: Stored) -> bytes | None:
        """A small JPEG of a stored file; None where none can be made."""
        target = self.folder / f"{stored.sha256[:32]}.jpg"
        if not target.is_file():
            path = Path(stored.path or "")
            form = ffmpeg.form_at(path) if path.is_file() else None
            if form is None:
                return None
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                if not await ffmpeg.preview(path, form, stored.seconds, target):
                    target.unlink(missing_ok=True)
                    return None
            except (CallsheetError, OSError):
                return None
        return target.read_bytes()
