"""What goes in: which inputs may be used, how long they are, and how the backend gets to see them."""

import base64
import hashlib
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2

from callsheet.backends import registry
from callsheet.backends.provider import Provider
from callsheet.backends.providers import Providers
from callsheet.catalogue.model import Input, Model, Price, plain
from callsheet.errors import Dearer, Orphaned, RequestError
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import LIVE, whole
from callsheet.ledger.tables import Job, jobs
from callsheet.media import ffmpeg, probe
from callsheet.media.guard import Fetcher, check_literal
from callsheet.media.shelf import LARGEST_INPUT, Reference, allowed, refer
from callsheet.settings.callers import OWNER
from callsheet.settings.settings import Settings

NONE: Mapping[str, str] = {}
SHARED = {"project_id", "generation_id", "brand_kit_id"}
"""Numbers that name something of the whole account's."""
FRESH_LINK_S = 3600.0
"""A result's link is passed on to its own backend for so long; after that the file is uploaded."""


class Inputs:
    """The inputs of one caller's jobs: what is somebody else's does not exist, and whoever is far away names no file
    of this machine."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        providers: Providers,
        fetcher: Fetcher,
        *,
        remote: bool = False,
        caller: str = OWNER,
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.providers = providers
        self.fetcher = fetcher
        self.remote = remote
        self.caller = caller

    def of(self, caller: str) -> "Inputs":
        """The same for another caller."""
        return Inputs(self.settings, self.ledger, self.providers, self.fetcher, remote=self.remote, caller=caller)

    @property
    def sees_account(self) -> bool:
        """Whether the caller may use whatever lies with the backends, whoever made it."""
        return self.settings.http_callers.of(self.caller).admin

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where local files may be read."""
        return (self.settings.output_dir, *self.settings.input_dirs)

    async def checked(self, ask: Model, planned: Mapping[str, str] = NONE) -> Model:
        """The request, if the caller may use all its inputs; `planned` are jobs that are not written down yet, with
        their accounts.

        Raises:
            RequestError: a file is missing or out of bounds, a URL is not public, a job is unknown.
        """
        if not self.sees_account and (shared := SHARED & ask.model_fields_set):
            raise RequestError(f"{ask.name}: `{min(shared)}` names what belongs to all; only an admin may use it.")
        for mark, texts in ask.inputs().values():
            for text in texts:
                await self.check(refer(text), mark, ask.backend, planned)
        return ask

    async def check(self, ref: Reference, mark: Input, backend: str, planned: Mapping[str, str] = NONE) -> None:
        """Whether this input may be used at this backend.

        Raises:
            RequestError: see `checked`; or the backend has no way to get at it.
        """
        account = await self.found(ref, planned)
        if mark.by == "name" and (why := registry.dialect(self.settings.backends[backend]).barred(mark.kind)):
            ours = self.providers.account(backend)
            if account != ours and not (ref.url and ref.url.startswith(f"{self.providers.of(ours).base}/")):
                raise RequestError(f"{ref.text[:80]}: {why}")

    async def found(self, ref: Reference, planned: Mapping[str, str] = NONE) -> str | None:
        """The account of a result that may be used; None for a file or an address that may be.

        Raises:
            RequestError: see `checked`.
        """
        if ref.path:
            if self.remote or self.caller != OWNER:
                raise RequestError(
                    f"`{ref.text[:80]}` is no URL, data URI, media:// address or job id, and over HTTP no local path "
                    "is read. Give one of those."
                )
            await anyio.to_thread.run_sync(allowed, ref.path, self.folders)
        elif ref.url and self.sees_account:
            check_literal(ref.url, self.backend_hosts() | set(self.settings.media_hosts))
        elif ref.url:
            check_literal(ref.url)
            if port(httpx2.URL(ref.url)) in self.backend_hosts():
                raise RequestError(f"{ref.text[:80]}: give the job's id or media:// address instead of the backend's.")
        elif ref.job_id:
            return planned.get(ref.job_id) or (await self.ledger.get(ref.job_id, self.caller)).account
        return None

    def backend_hosts(self) -> set[str]:
        """Each backend's own host and port; these may be private."""
        names = [backend.name for backend in self.settings.backends if backend.base]
        return {port(httpx2.URL(self.settings.base(name))) for name in names} | {f"{name}.sandbox:80" for name in names}

    async def measured(self, ask: Model, planned: Mapping[str, str] = NONE) -> Model:
        """The request, knowing how long those of its inputs are that decide the price, as far as they are here."""
        lengths = {}
        for name in ask.measures:
            for text in ask.inputs()[name][1] if name in ask.inputs() else ():
                ref = refer(text)
                path = None if ref.job_id in planned else await self.local(ref)
                if path and (seconds := (await probe.probe(path)).seconds) is not None:
                    lengths[name] = seconds
        return ask.measured(lengths) if lengths else ask

    async def priced(self, ask: Model, provider: Provider, planned: Mapping[str, str] = NONE) -> Price:
        """What a request costs, knowing what can be known of its inputs; those that are only `planned` are not there.

        Raises:
            RequestError: the account may not do this.
        """
        return await provider.price(await self.measured(ask, planned))

    async def local(self, ref: Reference) -> Path | None:
        """The file behind a reference, where it is on this machine."""
        if ref.path and self.caller == OWNER:
            return await anyio.to_thread.run_sync(allowed, ref.path, self.folders)
        if ref.job_id:
            media = await self.ledger.results(ref.job_id, self.caller)
            return Path(media[ref.number]["path"]) if ref.number < len(media) else None
        return None

    async def ready(self, job: Job, ask: Model) -> bool:
        """Whether a job may be sent now: its pause is over, its inputs are made, the backend has room.

        Raises:
            RequestError: an input will never be made.
        """
        if job.due > time.time():
            return False
        for _, texts in ask.inputs().values():
            for text in texts:
                if parent := refer(text).job_id:
                    stage = whole(await self.ledger.parts(parent, self.caller))
                    if stage in LIVE:
                        return False
                    if stage != "stored":
                        raise Orphaned(f"Its input {parent} is {stage}; nothing was sent.")
        room = self.providers.of(job.account).dialect.concurrent
        if room is not None:
            busy = (jobs.c.account == job.account, jobs.c.stage.in_(("sending", "sent")))
            return await self.ledger.count(*busy) < room
        return True

    async def prepared(self, job: Job, ask: Model) -> Model:
        """The request with every input where the backend can fetch it, priced once more.

        Raises:
            Dearer: it costs more than was reserved for it.
        """
        ask, provider = await self.measured(ask), self.providers.of(job.account)
        price = await provider.price(ask) if ask.measures else None
        if price and job.quoted is not None and price.published and price.high > job.quoted:
            raise Dearer(f"It costs {price} now, more than the {plain(job.quoted)} reserved.")
        ready = {}
        for name, (mark, texts) in ask.inputs().items():
            ready[name] = [await self.reach(refer(text), mark, provider) for text in texts]
        return ask.with_inputs(ready) if ready else ask

    async def brought(self, text: str, mark: Input, backend: str) -> str:
        """An input that belongs to no job, in the form in which the backend takes it.

        Raises:
            RequestError: it may not be used, or the backend has no way to get at it.
        """
        await self.check(refer(text), mark, backend)
        return await self.reach(refer(text), mark, self.providers.at(backend))

    async def reach(self, ref: Reference, mark: Input, provider: Provider) -> str:
        """An input in the form in which the backend takes it."""
        if mark.by == "name":
            return await self.name(ref, mark, provider)
        if mark.by != "file" and (link := ref.url or await self.own_link(ref, provider, FRESH_LINK_S)):
            return link
        takes_files = mark.by != "url" or provider.dialect.upload(Path(), mark.kind) is not None
        if not takes_files and (link := await self.public_link(ref)):
            return link
        async with self.on_disk(ref) as path:
            if mark.by == "inline":
                return await anyio.to_thread.run_sync(data_uri, path)
            return str(path) if mark.by in ("file", "part") else await provider.upload(path, mark.kind)

    async def name(self, ref: Reference, mark: Input, provider: Provider) -> str:
        """The name under which the backend has an input, uploaded first if it must be."""
        link = ref.url or await self.own_link(ref, provider)
        if link and (name := await provider.name(link, mark.kind, mark.via)):
            return name
        async with self.on_disk(ref) as path:
            link = await provider.upload(path, mark.kind)
        return await provider.name(link, mark.kind, mark.via) or link

    async def public_link(self, ref: Reference) -> str | None:
        """The link that any backend gave a result lately, unless it takes a key to open: for one without uploads."""
        if not ref.job_id:
            return None
        job, media = await self.ledger.get(ref.job_id, self.caller), await self.ledger.results(ref.job_id, self.caller)
        link = media[ref.number].get("url") if ref.number < len(media) else None
        closed = link and link.startswith(self.providers.of(job.account).base)
        return link if link and not closed and time.time() - (job.ended_at or 0.0) < FRESH_LINK_S else None

    async def own_link(self, ref: Reference, provider: Provider, seconds: float = math.inf) -> str | None:
        """The link that the same backend gave a result, at most so long ago."""
        if not ref.job_id:
            return None
        job, media = await self.ledger.get(ref.job_id, self.caller), await self.ledger.results(ref.job_id, self.caller)
        if ref.number >= len(media):
            raise RequestError(f"{ref.text}: there is no such file.")
        young = time.time() - (job.ended_at or 0.0) < seconds
        return media[ref.number].get("url") if job.account == provider.account and young else None

    @asynccontextmanager
    async def on_disk(self, ref: Reference) -> AsyncIterator[Path]:
        """An input as a file: where it lies, or a copy kept beside the ledger for as long as the job may need it."""
        if path := await self.local(ref):
            yield path
            return
        if ref.data is not None:
            data = ref.data
        else:
            data = b""
            async with self.fetcher.open(ref.text) as response:
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > LARGEST_INPUT:
                        raise RequestError(f"{ref.text[:80]} is larger than {LARGEST_INPUT >> 20} MB.")
        form = ffmpeg.form_of(data[: ffmpeg.HEAD])
        if form is None:
            raise RequestError(f"{ref.text[:80]} holds no image, sound or video.")
        folder = self.settings.home / "inputs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}{form.suffix}"
        await anyio.to_thread.run_sync(path.write_bytes, data)
        yield path

    async def upload(self, text: str, backend: str) -> str:
        """Upload a file, a result, or what a URL gives; returns its URL at the backend.

        Raises:
            RequestError: it may not be used.
        """
        provider, ref = self.providers.at(backend), refer(text)
        await self.found(ref)
        async with self.on_disk(ref) as path:
            form = ffmpeg.form_at(path)
            return await provider.upload(path, form.kind if form else "file")


def port(url: httpx2.URL) -> str:
    """The host and the port of a URL."""
    return f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"


def data_uri(path: Path) -> str:
    """A file as a data URI."""
    form = ffmpeg.form_at(path)
    mime = form.mime if form else "application/octet-stream"
    return f"data:{mime};base64,{base64.b64encode(path.read_bytes()).decode()}"
