"""The only place that speaks HTTP to a backend."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2
import stamina
from pydantic import SecretStr

from callsheet.backends.answers import events, mended, read, retry_after
from callsheet.backends.dialect import NOT_ACCEPTED, Answer, Dialect, Route, Step, message
from callsheet.backends.pace import Pace
from callsheet.catalogue.model import Model, Price, exactly
from callsheet.errors import CallsheetError, ProviderError, RequestError, SpendError
from callsheet.ledger.tables import Job
from callsheet.settings.settings import Settings

NEVER_ARRIVED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.PoolTimeout)
TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
PATIENT = httpx2.Timeout(300.0, connect=10.0)
STANDING_S = 300.0
LARGEST_ANSWER = 32 * 2**20
MOST_PAGES = 20


class Provider:
    """One backend under one key."""

    def __init__(
        self,
        dialect: Dialect,
        base: str,
        key: SecretStr,
        pace: Pace,
        account: str,
        settings: Settings,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.dialect, self.base, self.key, self.pace, self.account = dialect, dialect.tidy(base), key, pace, account
        self.settings = settings
        self.stood: tuple[float, Answer] | None = None
        root = httpx2.URL(self.base)
        self.origin = f"{root.scheme}://{root.netloc.decode('ascii')}"
        self.root = self.base.removesuffix(dialect.below) if self.base.endswith(dialect.below) else self.origin
        self.http = httpx2.AsyncClient(transport=transport, timeout=TIMEOUT, follow_redirects=False)
        self.fresh = httpx2.AsyncClient(
            transport=transport,
            timeout=PATIENT,
            follow_redirects=False,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )
        """For submits: a connection that was kept open may be dead, and then nobody knows whether a create arrived."""

    async def aclose(self) -> None:
        """Close every connection."""
        await self.http.aclose()
        await self.fresh.aclose()

    def url(self, path: str) -> str:
        """The address of a path: below the base, or with `//` below the host's root."""
        return f"{self.root}{path[1:]}" if path.startswith("//") else f"{self.base}{path}"

    @property
    def headers(self) -> dict[str, str]:
        """The key, for the backend's own origin only."""
        return {"Authorization": f"Bearer {self.key.get_secret_value()}", "Accept": "application/json"}

    async def send(self, route: Route, *, fresh: bool = False, headers: Mapping[str, str] | None = None) -> Answer:
        """One request, without a retry. The caller has taken a place for it."""
        client = self.fresh if fresh else self.http
        try:
            request = client.build_request(
                route.method,
                self.url(route.path),
                params=route.query,
                headers={**self.headers, **(headers or {})},
                **await content(route),
            )
        except httpx2.InvalidURL as error:
            raise RequestError(f"{self.dialect.title} cannot be asked for that: {error}.") from None
        response = await client.send(request, stream=True)
        try:
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > LARGEST_ANSWER:
                    raise httpx2.DecodingError("the answer is too large")
        finally:
            await response.aclose()
        return read(response.status_code, self.hidden(bytes(raw)), response.headers)

    def hidden(self, raw: bytes) -> bytes:
        """An answer without our key, should it be repeated there: answers end up in receipts, errors and logs."""
        key = self.key.get_secret_value().encode()
        return raw.replace(key, b"***") if len(key) > 7 else raw

    # -- when it may be called ----------------------------------------------------------------------------------

    async def place(self) -> None:
        """Wait for a place in the account's minute, and take it."""
        await self.pace.place(self.account)

    async def turn(self, job: Job, typical_s: float, looked_at: float) -> None:
        """Wait until a job may be looked at, and take a place for it."""
        await self.pace.turn(job, typical_s, self.dialect.floor_s, looked_at)

    @property
    def home(self) -> dict[str, Any]:
        """How the backend's own results are fetched."""
        return {"home": self.origin, "home_client": self.http, "auth": self.headers}

    async def forget(self, job: Job) -> None:
        """A job's results are stored; a backend that keeps nothing for us needs not know."""

    # -- the three calls of a job's life ------------------------------------------------------------------------

    async def submit(self, ask: Model, say: Any = None, hook: str | None = None) -> Step:
        """Create the job: one POST, never repeated here. Says what is known of it afterwards."""
        route = self.dialect.submit(ask)
        if hook and self.settings.public_url:
            url = f"{self.settings.public_url.rstrip('/')}/hooks/{self.dialect.name}/{hook}"
            route = route._replace(body=(route.body or {}) | self.dialect.call_back(ask, url))
        try:
            if route.body is not None and route.body.get("stream"):
                answer = await self.stream(route, say)
            else:
                answer = await self.send(route, fresh=True, headers=self.dialect.headers(ask, self.settings))
        except NEVER_ARRIVED as error:
            return Step(stage="approved", error=self.trouble(error).as_dict(), pause=2.0, patience=3)
        except httpx2.HTTPError as error:
            return Step(stage="unknown", error=self.lost(f"the connection broke ({type(error).__name__})").as_dict())
        if 200 <= answer.status < 300:
            step = self.dialect.accepted(ask, answer)
            if step.get("stage") == "unknown":
                step["error"] = self.lost("it answered without a job id").as_dict()
            return step
        if answer.status == 429:
            await self.pace.close(self.account, wait := retry_after(answer) or 15.0)
            busy = ProviderError(f"{self.dialect.title} asks for fewer requests; sent again in {wait:.0f} s.")
            return Step(stage="approved", error=busy.as_dict(), pause=wait, patience=20)
        if answer.status in NOT_ACCEPTED:
            no = self.refusal(answer)
            return Step(stage="refused" if isinstance(no, SpendError) else "failed", error=no.as_dict())
        return Step(stage="unknown", error=self.lost(f"it answered {answer.status}").as_dict())

    async def stream(self, route: Route, say: Any) -> Answer:
        """A reply that comes in pieces, put together as if it had come whole; `say` hears each piece."""
        text: list[str] = []
        whole: dict[str, Any] = {}
        async with self.fresh.stream(
            route.method, self.url(route.path), json=route.body, headers=self.headers
        ) as response:
            if response.status_code != 200 or "event-stream" not in response.headers.get("content-type", ""):
                return read(response.status_code, self.hidden(await response.aread()), response.headers)
            async for chunk in events(response):
                whole |= {name: value for name, value in chunk.items() if value is not None}
                choices = chunk.get("choices") or [{}]
                piece = (choices[0].get("delta") or {}).get("content")
                if isinstance(piece, str) and piece:
                    text.append(piece)
                    if say:
                        await say(mended("".join(text)))
        message = {"role": "assistant", "content": "".join(text)}
        return Answer(200, body=mended(whole | {"message": message, "choices": [{"message": message}]}))

    async def look(self, job: Job, ask: Model) -> Step:
        """Ask how a job is; nothing that goes wrong here fails a job that is paid. A place was taken before."""
        route = self.dialect.look(str(job.endpoint), str(job.ticket))
        try:
            answer = await self.send(route)
        except httpx2.HTTPError as error:
            return Step(error=self.trouble(error).as_dict())
        if answer.status == 429:
            await self.pace.close(self.account, wait := retry_after(answer) or 15.0)
            return Step(pause=wait)
        if not (200 <= answer.status < 300 and answer.object):
            return Step(error=self.refusal(answer).as_dict())
        return self.dialect.seen(ask, answer)

    async def cancel(self, job: Job) -> bool | None:
        """Cancel at the backend: done, too late, or None where it cannot be."""
        route = self.dialect.cancel(str(job.endpoint), str(job.ticket))
        if route is None:
            return None
        answer = await self.call(route)
        return self.dialect.cancelled_by(answer)

    # -- what costs nothing -------------------------------------------------------------------------------------

    async def balance(self) -> tuple[Decimal, float] | None:
        """Credits at the backend, and when they were asked for; None where it has no such route.

        Raises:
            ProviderError: it cannot be reached or read.
            RequestError: it does not take the key.
        """
        asked_at, answer = time.time(), Answer(0)
        for route in self.dialect.balance():
            asked_at = time.time()
            answer = await self.call(route)
        if not answer.status:
            return None
        credits = self.dialect.read_balance(answer)
        if credits is None:
            raise ProviderError(f"{self.dialect.title}'s balance cannot be read.")
        return credits, asked_at

    async def upload(self, path: Path, kind: str) -> str:
        """Send a file to the backend; returns its URL or name there."""
        route = self.dialect.upload(path, kind)
        if route is None:
            raise RequestError(f"{self.dialect.title} takes no {kind} uploads; give a public URL.")
        url = self.dialect.read_upload(await self.call(route))
        if url is None:
            raise ProviderError(f"{self.dialect.title} took {path.name}, but gave no URL for it.")
        return self.url(url) if url.startswith("/") else url

    async def name(self, link: str, kind: str, via: str | None = None) -> str | None:
        """The name of one of the backend's own files, or of what `via` makes of it; None for any other link.

        Raises:
            ProviderError: the backend made nothing of it.
        """
        name = self.dialect.named(link, kind) if link.startswith(f"{self.base}/") else None
        if name is None or via is None:
            return name
        made = self.dialect.read_upload(await self.call(self.dialect.trade(via, name)))
        if made is None:
            raise ProviderError(f"{self.dialect.title} made nothing of {name}.")
        return made.rpartition("/")[2]

    async def price(self, ask: Model) -> Price:
        """What a request costs: as the backend quotes it where it does, else by the catalogue; and that it is allowed.

        Raises:
            RequestError: the account may not do this.
        """
        if (standing := self.dialect.standing()) is not None:
            if self.stood is None or time.monotonic() - self.stood[0] > STANDING_S:
                self.stood = time.monotonic(), await self.call(standing)
            self.dialect.check(ask, self.stood[1])
        if (route := self.dialect.quote(ask)) is not None:
            with contextlib.suppress(CallsheetError):
                if (credits := self.dialect.read_quote(await self.call(route))) is not None:
                    return replace(exactly(credits), note=ask.price().note)
        return self.dialect.price(ask, self.settings)

    async def call(self, route: Route) -> Answer:
        """A call that may safely be made again, with a place of the account's for each try.

        Raises:
            RequestError, SpendError or ProviderError: what the answer was, in our words.
        """

        async def once() -> Answer:
            await self.pace.place(self.account)
            answer = await self.send(route)
            if answer.status in (429, 502, 503, 504):
                raise Again(answer)
            return answer

        def when(error: Exception) -> bool | float:
            if isinstance(error, Again):
                return min(retry_after(error.answer) or 1.0, 60.0)
            return isinstance(error, httpx2.HTTPError)

        try:
            async for attempt in stamina.retry_context(on=when, attempts=4, timeout=90.0, wait_initial=0.3):
                with attempt:
                    answer = await once()
        except Again as again:
            answer = again.answer
        except httpx2.HTTPError as error:
            raise self.trouble(error) from None
        if not 200 <= answer.status < 300:
            raise self.refusal(answer)
        return answer

    async def once(self, route: Route) -> Answer:
        """A call that changes something, and so is made once, whatever comes of it.

        Raises:
            RequestError, SpendError or ProviderError: what the answer was, in our words.
        """
        answer = await self.tried(route)
        if not 200 <= answer.status < 300:
            raise self.refusal(answer)
        return answer

    async def tried(self, route: Route) -> Answer:
        """A call made once; its answer, good or bad.

        Raises:
            ProviderError: there was none.
        """
        await self.pace.place(self.account)
        try:
            return await self.send(route, fresh=True)
        except NEVER_ARRIVED as error:
            raise self.trouble(error) from None
        except httpx2.HTTPError as error:
            how = f"{self.dialect.title} may have done this: the connection broke ({type(error).__name__})."
            raise ProviderError(f"{how} Look there before you repeat it.", safe_to_retry=False) from None

    async def tell(self, path: str, query: dict[str, Any] | None = None) -> Any:
        """The answer to a GET that costs nothing."""
        return (await self.call(Route("GET", path, query=query))).body

    async def voices(self, path: str, own: bool) -> list[dict[str, Any]]:
        """The voices that the backend lists, from all pages; the account's own among them, or not."""
        found: list[dict[str, Any]] = []
        route: Route | None = Route("GET", path)
        for _ in range(MOST_PAGES):
            if route is not None:
                answer = await self.call(route if own else self.dialect.without_own(route))
                found += self.dialect.voices(answer)
                route = self.dialect.more(answer)
        return found

    # -- in our words -------------------------------------------------------------------------------------------

    def refusal(self, answer: Answer) -> CallsheetError:
        """An error status, sorted by who can mend it."""
        title, why = self.dialect.title, message(answer)
        said = f': "{why}"' if why else ""
        if self.dialect.short_of_credits(answer):
            return SpendError(f"{title} has too few credits left{said}. Top up there. Nothing was charged.")
        if (own := self.dialect.refused(answer)) is not None:
            return own
        if answer.status in (401, 403):
            hint = f" Check {key.name}." if (key := self.dialect.backend.key) else ""
            return RequestError(f"{title} does not accept the key ({answer.status}){said}.{hint}")
        if answer.status == 404:
            return RequestError(f"{title} does not know this ({answer.status}){said}.")
        if answer.status in NOT_ACCEPTED and answer.status != 429:
            return RequestError(f"{title} refused the request ({answer.status}){said}. Nothing was charged.")
        if 200 <= answer.status < 300:
            return ProviderError(f"{title} answered something that is not JSON; it may be down, or its address wrong.")
        return ProviderError(f"{title} failed ({answer.status}){said}.")

    def trouble(self, error: Exception) -> ProviderError:
        """The way to the backend failed."""
        base = self.dialect.backend.base
        return ProviderError(
            f"{self.dialect.title} cannot be reached at {self.origin} ({type(error).__name__}). "
            f"Check the network{f' and {base.name}' if base else ''}."
        )

    def fell(self) -> Step:
        """What is known of a job that is found half-way through being sent."""
        return Step(stage="unknown", error=self.lost("Callsheet stopped before it heard the answer").as_dict())

    def lost(self, how: str) -> ProviderError:
        """Nobody knows whether a create was accepted."""
        text = (
            f"{self.dialect.title} may have accepted this job, but {how}. It may be paid for: its reservation is kept, "
            "and it is not sent again by itself."
        )
        return ProviderError(text, safe_to_retry=False)


async def content(route: Route) -> dict[str, Any]:
    """A request's body: files with their fields, a form, or JSON."""
    if route.files is None:
        return {} if route.body is None else {"data" if route.form else "json": route.body}
    held: dict[str, Any] = {name: (None, str(value)) for name, value in (route.body or {}).items()}
    for name, path in route.files.items():
        held[name] = (path.name, await anyio.to_thread.run_sync(path.read_bytes))
    return {"files": held}


class Again(Exception):
    """An answer that asks for another try."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
