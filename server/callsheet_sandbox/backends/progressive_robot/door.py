"""Progressive Robot's front door: keys and cookies, errors in its words, tiers, charges, and files by name."""

import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import uuid4

from anyio.to_thread import run_sync
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from callsheet_sandbox import props
from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.progressive_robot.people import NAME, SESSION, People
from callsheet_sandbox.backends.progressive_robot.prices import RANKS, TIERS, Tier
from callsheet_sandbox.box import Box, mime_of
from callsheet_sandbox.desk import Call, Desk, M, Problem, Refusal, Reply
from callsheet_sandbox.jobs import FAIL

JSON_BYTES = 1_000_000
IMAGE_BYTES = 10_000_000
PICTURES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}

T = TypeVar("T")
Kind = Literal["image", "video", "audio"]


class Robot(Desk):
    """What every section of Progressive Robot shares."""

    backend = NAME

    def __init__(self, box: Box, tier: str) -> None:
        super().__init__(box)
        self.people = People(box, tier)

    # Who comes in, and how a no is worded.

    def key_of(self, request: Request) -> str:
        """A bearer key, or else the session cookie."""
        cookie = request.cookies.get(SESSION, "")
        return super().key_of(request) or (f"{SESSION} {cookie}" if cookie else "")

    def admits(self, key: str) -> bool:
        """Live sessions and keys that were not revoked."""
        return self.people.admits(key)

    def unauthorized(self) -> Refusal:
        """401."""
        return Refusal(401, {"error": "Authentication required"})

    def too_many(self, wait: int) -> Refusal:
        """429."""
        return Refusal(429, {"error": "Rate limit exceeded", "retry_after": wait}, {"Retry-After": str(wait)})

    def short(self, short: Short) -> Refusal:
        """403: the page knows no 402."""
        figures = {"credits_required": whole(short.required), "credit_balance": whole(short.balance)}
        return Refusal(403, {"error": "Insufficient credits", **figures})

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """400."""
        told = (".".join(str(part) for part in one["loc"][1:]) for one in problems)
        words = "; ".join(f"{where or 'body'}: {one['msg']}" for where, one in zip(told, problems, strict=True))
        return wrong(words)

    def missing(self) -> Refusal:
        """404."""
        return absent("Route")

    async def _astray(self, request: Request, error: Exception) -> Response:
        await super()._astray(request, error)
        return JSONResponse(self.missing().body, 404)

    def limit(self, entry: int, scope: str) -> None:
        """In general as often as the box says; work for the GPU a sixth of that."""
        super().limit(entry, scope)
        if scope and (wait := self.box.log.over(entry, max(1, self.box.rate // 6), scope=scope)):
            raise self.too_many(wait)

    def _add(
        self,
        method: str,
        path: str,
        body: type[BaseModel] | None,
        answer: Callable[[Call[Any]], Awaitable[Reply]],
        *,
        query: Collection[str],
        public: bool,
        scope: str,
    ) -> None:
        async def known(call: Call[Any]) -> Reply:
            try:
                owner = self.people.owner(self.key_of(call.request)) if call.owner else ""
                return await answer(replace(call, owner=owner))
            except (Refusal, Short):
                raise
            except Exception as error:
                logging.getLogger("callsheet_sandbox").exception("%s %s", method, path)
                raise Refusal(500, {"error": f"The sandbox itself failed: {error!r}"}) from error

        super()._add(method, path, body, known, query=query, public=public, scope=scope)

    async def read(self, request: Request, body: type[M]) -> M:
        if len(await request.body()) > JSON_BYTES:
            raise wrong("Request body is larger than 1 MB")
        return await super().read(request, body)

    # Tiers.

    def tier_of(self, call: Call[Any]) -> str:
        """The caller's tier by name."""
        return str(self.people.of(call.owner)["tier"])

    def need(self, call: Call[Any], tier: str) -> None:
        """Refuse whoever is below this tier."""
        current = self.tier_of(call)
        if RANKS.index(current) < RANKS.index(tier):
            told = {"required_tier": tier, "current_tier": current}
            raise Refusal(403, {"error": f"This needs the {tier.title()} tier or higher", **told})

    def allow(self, call: Call[Any], *, frames: int = 1, size: tuple[int, int] = (1, 1)) -> None:
        """Refuse more frames or pixels than the caller's tier allows."""
        current = self.tier_of(call)
        tier: Tier = TIERS[current]
        told = {"max_frames": tier.frames, "max_resolution": tier.resolution, "current_tier": current}
        if frames > tier.frames:
            raise Refusal(403, {"error": f"{frames} frames are over your tier's limit of {tier.frames}", **told})
        if max(size) > tier.sides[0] or min(size) > tier.sides[1]:
            error = f"{size[0]}x{size[1]} is over your tier's limit of {tier.resolution}"
            raise Refusal(403, {"error": error, **told})

    # Money.

    def balance(self, call: Call[Any]) -> int | float:
        """What the caller has left."""
        return whole(self.box.balance(NAME, call.owner))

    async def sell(
        self, call: Call[Any], service: str, price: int, make: Callable[[], bytes | Sequence[bytes]], suffix: str
    ) -> list[str]:
        """Charge, make and keep files while the caller waits; whatever goes wrong gives the credits back."""
        if price:
            self.box.jobs.settle(NAME, call.owner)
            self.box.accounts.move(NAME, call.owner, Decimal(-price), type="charge", service=service)
        try:
            if isinstance(call.body, BaseModel) and FAIL in json.dumps(call.body.model_dump(mode="json")):
                raise Refusal(500, {"error": "The sandbox was asked to fail this"})
            made = await work(make)
        except BaseException:
            if price:
                self.box.accounts.move(NAME, call.owner, Decimal(price), type="refund", service=service)
            raise
        return [self.keep(call, one, suffix, service) for one in ([made] if isinstance(made, bytes) else made)]

    def sold(self, call: Call[Any], price: int, **told: object) -> dict[str, Any]:
        """The answer to a sale."""
        return {**told, "credits_used": price, "credit_balance": self.balance(call)}

    # Files and records.

    def keep(self, call: Call[Any], data: bytes, suffix: str, stem: str) -> str:
        """Store a file for the caller under a new name."""
        return self.box.put(data, suffix, backend=NAME, owner=call.owner, name=f"{stem}_{uuid4().hex}{suffix}")

    async def source(self, call: Call[Any], name: str, kind: Kind) -> bytes:
        """One of the caller's own files, of the kind that is needed."""
        place = await self.box.path(name) if self.box.owner(name) == (NAME, call.owner) else None
        if place is None:
            raise absent(f"File {name[:80]!r}")
        data = await run_sync(place.read_bytes)
        found = await work(lambda: props.facts(data))
        if found.kind != kind and not (kind == "audio" and found.audio):
            raise wrong(f"{name[:80]} is no {kind}")
        return data

    async def serve(self, name: str, suffixes: Collection[str], owner: str) -> Response:
        """Send a file that this account owns and this route serves."""
        fits = any(name.endswith(suffix) for suffix in suffixes)
        place = await self.box.path(name) if fits and self.box.owner(name) == (NAME, owner) else None
        if place is None:
            raise absent("File")
        return FileResponse(place, media_type=mime_of(name))

    def owned(self, call: Call[Any], kind: str, part: str = "id") -> dict[str, Any]:
        """The caller's record that the path names."""
        found = self.box.records.get(NAME, kind, ident(call, part), call.owner)
        if found is None:
            raise absent(kind.title())
        return found

    def all(self, kind: str, owner: str | None = None) -> list[dict[str, Any]]:
        """The records of a kind, oldest first."""
        return self.box.records.all(NAME, kind, owner)

    def add(self, call: Call[Any], kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """A new record of the caller's."""
        return self.box.records.add(NAME, call.owner, kind, data)

    def moment(self, at: float | None) -> str | None:
        """A time in RFC 3339, UTC."""
        return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()

    def shown(self, record: Mapping[str, Any], *hidden: str) -> dict[str, Any]:
        """A record as the outside sees it."""
        kept = {name: value for name, value in record.items() if name not in ("owner", "at", *hidden)}
        return kept | {"created_at": self.moment(record["at"])}


def wrong(words: str) -> Refusal:
    """400: the request is not as documented."""
    return Refusal(400, {"error": words}, wrong=True)


def absent(what: str) -> Refusal:
    """404: there is none, or it is somebody else's."""
    return Refusal(404, {"error": f"{what} not found"})


def whole(amount: Decimal) -> int | float:
    """Credits as JSON has them: whole numbers where they are whole."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def ident(call: Call[Any], part: str = "id") -> int:
    """A record's number in the path."""
    said = call.word(part)
    if not said.isascii() or not said.isdigit() or len(said) > 12:
        raise absent("Record")
    return int(said)


async def work(make: Callable[[], T]) -> T:
    """Do media work in a thread; media that cannot be worked on are the caller's mistake."""
    try:
        return await run_sync(make)
    except (ValueError, props.MediaError) as error:
        raise wrong(str(error)) from error


async def form(
    call: Call[Any], files: Mapping[str, Collection[str]], words: Collection[str] = ()
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of a multipart form, each under any of the part names given for it, and its other fields."""
    names = {part: name for name, parts in files.items() for part in (name, *parts)}
    held: dict[str, bytes] = {}
    said: dict[str, str] = {}
    if not call.request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise wrong("The body should be multipart/form-data")
    try:
        async with call.request.form() as sent:
            for part, value in sent.multi_items():
                if isinstance(value, UploadFile) and part in names:
                    held[names[part]] = await value.read()
                elif isinstance(value, str) and part in words:
                    said[part] = value
                else:
                    raise wrong(f"{part[:80]}: Unknown field")
    except HTTPException as error:
        raise wrong(str(error.detail)) from error
    return held, said


async def picture(held: Mapping[str, bytes], name: str) -> tuple[bytes, str]:
    """An uploaded picture and its suffix: PNG, JPEG or WebP up to 10 MB."""
    if name not in held:
        raise wrong(f"{name}: Field required")
    data = held[name]
    if len(data) > IMAGE_BYTES:
        raise wrong(f"{name}: larger than 10 MB")
    found = await work(lambda: props.facts(data))
    if found.mime not in PICTURES:
        raise wrong(f"{name}: PNG, JPEG or WebP, not {found.mime}")
    return data, PICTURES[found.mime]
