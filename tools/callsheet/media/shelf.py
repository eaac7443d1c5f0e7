"""Media in and out: references become something the backend can fetch, results become checked files."""

import base64
import binascii
import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2

from callsheet.catalogue.model import Harvest
from callsheet.errors import ProviderError, RequestError
from callsheet.media import ffmpeg, probe
from callsheet.media.guard import Fetcher, Gone

LARGEST = 2 * 2**30
LARGEST_INPUT = 512 * 2**20
JOB_ID = re.compile(r"j_[0-9a-f]{26}")
MEDIA_URI = re.compile(r"media://(j_[0-9a-f]{26})/(\d{1,3})")


@dataclass(frozen=True)
class Reference:
    """Where an input is: exactly one of a job's result, a local file, or a URL."""

    text: str
    job_id: str | None = None
    number: int = 0
    path: Path | None = None
    data: bytes | None = None

    @property
    def url(self) -> str | None:
        """The URL, where it is one."""
        return self.text if self.text.startswith(("http://", "https://")) else None


def refer(text: str) -> Reference:
    """Understand a reference.

    Raises:
        RequestError: nothing can be meant by it, or it is a data URI that cannot be read.
    """
    if found := MEDIA_URI.fullmatch(text):
        return Reference(text, job_id=found[1], number=int(found[2]))
    if JOB_ID.fullmatch(text):
        return Reference(text, job_id=text)
    if text.startswith(("http://", "https://")):
        return Reference(text)
    if text.startswith("data:"):
        head, comma, body = text.partition(",")
        try:
            return Reference(text, data=base64.b64decode(body, validate=True) if comma and ";base64" in head else b"")
        except (binascii.Error, ValueError):
            raise RequestError("A data URI cannot be read; it must be base64.") from None
    if re.match(r"[a-z][a-z0-9+.-]+://", text):
        raise RequestError(f"`{text[:80]}`: only http, https, data and media addresses, job ids and paths are read.")
    try:
        return Reference(text, path=Path(text).expanduser())
    except (RuntimeError, ValueError):
        raise RequestError(f"`{text[:80]}` is no path, URL, media:// address or job id.") from None


def allowed(path: Path, folders: tuple[Path, ...]) -> Path:
    """A local file that may be read: it exists, and lies in one of the folders once every link is followed.

    Raises:
        RequestError: it does not, with what to do.
    """
    try:
        real = path.resolve(strict=True)
        roots = [folder.resolve() for folder in folders]
    except (OSError, RuntimeError, ValueError):
        raise RequestError(f"There is no file {path}.") from None
    if not any(real.is_relative_to(root) for root in roots):
        places = ", ".join(str(root) for root in roots)
        raise RequestError(
            f"{path} lies outside the folders that may be read ({places}). Move it there, or let the owner add its "
            "folder to CALLSHEET_INPUT_DIRS."
        )
    if not real.is_file():
        raise RequestError(f"{path} is not a file.")
    if real.stat().st_size > LARGEST_INPUT:
        raise RequestError(f"{path} is larger than {LARGEST_INPUT >> 20} MB.")
    return real


def slug(text: str, longest: int = 40) -> str:
    """A title as part of a file name, in any script that the file system can spell."""
    known = text.encode(sys.getfilesystemencoding(), "ignore").decode(sys.getfilesystemencoding())
    folded = unicodedata.normalize("NFC", known).casefold()
    words = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else "-" for c in folded)
    short = re.sub("-+", "-", words).strip("-")[:longest].strip("-")
    while len(short.encode()) > 2 * longest:
        short = short[:-1]
    return short or "untitled"


@dataclass(frozen=True)
class Label:
    """What the files of a job are called, whose folder they go to, and what is told of them in their sidecars."""

    job_id: str
    stem: str
    """`2026-11-21_a-neon-street_z-image_j1a2b3`."""
    folder: Path
    about: dict[str, Any]

    def name(self, number: int, suffix: str) -> str:
        """The name of one of them."""
        return f"{self.stem}{f'-{number + 1}' if number else ''}{suffix}"


class Shelf:
    """The folder in which results are stored; below it each caller but the owner has a folder of their own."""

    def __init__(self, folder: Path, fetcher: Fetcher) -> None:
        self.folder = folder
        self.fetcher = fetcher

    async def store(
        self, label: Label, harvest: Harvest, there: Sequence[dict[str, Any]], home: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Every result of a job as a checked file, with a sidecar beside it; what is `there` already stays.

        `home` says how the backend's own origin is spoken to (see `Fetcher.open`), or in which `folder` it works here.

        Raises:
            ProviderError: a result could not be fetched, is no media, or the disk would not take it.
        """
        links, made = harvest.urls, [item for item in there if Path(item["path"]).is_file()]
        for number, url in enumerate(links[len(made) :], len(made)):
            folder = home.get("folder")
            item = await self.keep(label, number, folder / url if folder else self.chunks(url, home))
            made.append(item | ({"url": url} if url.startswith("http") else {}))
        for number, (suffix, text) in enumerate(harvest.files.items(), len(links)):
            made.append(await self.keep(label, number, once(text.encode()), ffmpeg.FORMS[suffix]))
        for item in made:
            await anyio.to_thread.run_sync(write_sidecar, label, item)
        return made

    async def chunks(self, url: str, home: dict[str, Any]) -> AsyncIterator[bytes]:
        """The bytes behind a result's link."""
        if url.startswith("data:"):
            yield refer(url).data or b""
            return
        try:
            async with self.fetcher.open(url, **home) as response:
                async for chunk in response.aiter_bytes():
                    yield chunk
        except httpx2.HTTPError as error:
            raise ProviderError(f"The download of the result broke off ({type(error).__name__}).") from None

    async def keep(
        self, label: Label, number: int, source: AsyncIterator[bytes] | Path, form: ffmpeg.Form | None = None
    ) -> dict[str, Any]:
        """Write, check, then name: a file under its final name is always whole.

        Raises:
            ProviderError: see `store`.
        """
        part, folder = None, self.folder / label.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".callsheet-", suffix=".part", dir=folder)
            os.close(handle)
            part = Path(name)
            kept = await (linked(source, part) if isinstance(source, Path) else written(source, part))
            form = form or ffmpeg.form_of(kept.head)
            if form is None:
                what = "a web page" if kept.head.lstrip()[:1] == b"<" else "no media" if kept.size else "nothing"
                raise ProviderError(f"The result's link gave {what}; it is asked for again later.")
            facts = await probe.probe(part) if form.demuxer else probe.Facts()
            path = folder / label.name(number, form.suffix)
            part.chmod(0o644)
            part.replace(path)
            part = None
            return describe(label, number, path, form, facts, kept)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            why = "the disk is full" if full else error.strerror or type(error).__name__
            raise ProviderError(
                f"The result is paid and waits, but cannot be written to {folder}: {why}. Mend that, then ask "
                "for the job again."
            ) from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)


class Kept(NamedTuple):
    """What was stored: how many bytes, their digest, and the first of them."""

    size: int
    sha256: str
    head: bytes


async def written(chunks: AsyncIterator[bytes], part: Path) -> Kept:
    """Write a result as it comes, and see it safely on the disk.

    Raises:
        ProviderError: it is too large.
    """
    size, digest, head = 0, hashlib.sha256(), b""
    with part.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > LARGEST:
                raise ProviderError(f"The result is larger than {LARGEST >> 30} GB.")
            head = (head + chunk)[: ffmpeg.HEAD] if len(head) < ffmpeg.HEAD else head
            digest.update(chunk)
            await anyio.to_thread.run_sync(file.write, chunk)
        file.flush()
        os.fsync(file.fileno())
    return Kept(size, digest.hexdigest(), head)


async def linked(path: Path, part: Path) -> Kept:
    """Take over a file that was made here, under a second name where the disk can do that; it can be made again.

    Raises:
        Gone: it is there no more.
    """

    def take() -> Kept:
        part.unlink()
        try:
            os.link(path, part)
        except FileNotFoundError:
            raise Gone(f"{path.name} was made here, and is gone.") from None
        except OSError:
            shutil.copyfile(path, part)
        with part.open("rb") as file:
            head = file.read(ffmpeg.HEAD)
            file.seek(0)
            return Kept(part.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest(), head)

    return await anyio.to_thread.run_sync(take)


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as a stream of one chunk."""
    yield data


def describe(
    label: Label, number: int, path: Path, form: ffmpeg.Form, facts: probe.Facts, kept: Kept
) -> dict[str, Any]:
    """A result as the receipt shows it."""
    item: dict[str, Any] = {"uri": f"media://{label.job_id}/{number}", "path": str(path), "mime_type": form.mime}
    item |= {"bytes": kept.size, "sha256": kept.sha256}
    width, height = facts.shown or (None, None)
    numbers = {"width": width, "height": height, "seconds": facts.seconds}
    return item | {name: value for name, value in numbers.items() if value is not None}


def write_sidecar(label: Label, item: dict[str, Any]) -> None:
    """The `.json` beside a file: where it came from and what it cost."""
    path, stored_at = Path(item["path"]), datetime.now(UTC).isoformat(timespec="seconds")
    facts = label.about | {"source": item.get("url"), "sha256": item["sha256"], "stored_at": stored_at}
    kept = {name: value for name, value in facts.items() if value is not None}
    path.with_name(f"{path.name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=2), encoding="utf-8")
