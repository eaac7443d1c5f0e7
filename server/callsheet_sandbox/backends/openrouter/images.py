"""OpenRouter's pictures: made while the caller waits; a finished one is billed in full, a failed one not at all."""

import base64
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import StreamingResponse

from callsheet_sandbox import props
from callsheet_sandbox.backends.openai.models import output_tokens
from callsheet_sandbox.backends.openrouter.account import Account
from callsheet_sandbox.backends.openrouter.catalogue import CREATED, STILLS, Still
from callsheet_sandbox.backends.openrouter.words import moderated, no
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.jobs import BLOCKED, FAIL
from callsheet_sandbox.props import retouching
from callsheet_sandbox.talk import tokens

SIDES = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
RATIOS = (
    *("1:1", "1:2", "2:1", "1:4", "4:1", "1:8", "8:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "5:2", "5:7", "7:5"),
    *("9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "2.35:1", "auto"),
)


class Address(Body):
    """Where a picture is."""

    url: str = Field(pattern=r"^(https?://|data:)")


class Reference(Body):
    """A picture that goes in."""

    type: Literal["image_url"]
    image_url: Address


class Provider(Body):
    """Who may serve it."""

    only: list[str] | None = None
    order: list[str] | None = None
    ignore: list[str] | None = None
    sort: str | dict[str, Any] | None = None
    allow_fallbacks: bool | None = None
    options: dict[str, dict[str, Any]] | None = None


class Draw(Body):
    """`POST /images`."""

    model: str
    prompt: str = Field(min_length=1)
    n: int = Field(default=1, ge=1, le=10)
    resolution: Literal["512", "768", "1K", "1.5K", "2K", "4K"] | None = None
    aspect_ratio: str | None = None
    size: str | None = Field(default=None, pattern=r"^(512|768|1K|1\.5K|2K|4K|\d{2,4}x\d{2,4})$")
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max"] | None = None
    background: Literal["auto", "transparent", "opaque"] | None = None
    output_format: Literal["png", "jpeg", "webp", "svg"] = "png"
    output_compression: int | None = Field(default=None, ge=0, le=100)
    input_references: list[Reference] | None = None
    seed: int | None = None
    stream: bool | None = None
    provider: Provider | None = None
    session_id: str | None = Field(default=None, max_length=256)
    user: str | None = None
    trace: dict[str, Any] | None = None

    @property
    def tier(self) -> str:
        """1K, unless told."""
        return self.resolution or (self.size if self.size in SIDES else None) or "1K"

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        if self.size and "x" in self.size:
            width, height = self.size.split("x")
            return int(width), int(height)
        ratio = "1:1" if self.aspect_ratio in (None, "auto") else str(self.aspect_ratio)
        wide, high = map(float, ratio.split(":"))
        scale = SIDES[self.tier] / (wide * high) ** 0.5
        return max(64, round(wide * scale / 16) * 16), max(64, round(high * scale / 16) * 16)


class Images:
    """The routes."""

    def __init__(self, desk: Desk, account: Account) -> None:
        self.box = desk.box
        self.account = account
        desk.take("POST", "/api/v1/images", Draw, self.draw)
        desk.on("GET", "/api/v1/images/models", self.models, public=True)
        desk.on("GET", "/api/v1/images/models/{author}/{slug}/endpoints", self.endpoints, public=True)

    async def draw(self, call: Call[Draw]) -> Reply:
        """From words, and pictures."""
        said = call.body
        if said.model not in STILLS:
            raise no(404, f"Model {said.model} not found")
        still = STILLS[said.model]
        slug = said.model.partition("/")[0]
        self._check(said, still)
        if said.provider and said.provider.only and slug not in said.provider.only:
            raise no(503, "No provider meets the routing requirements")
        if BLOCKED in said.prompt:
            raise moderated(slug)
        if FAIL in said.prompt:
            raise no(502, "The provider failed", provider_name=slug)
        given = [await self.box.fetch(row.image_url.url, "image") for row in said.input_references or []]
        price, used = worth(said, still)
        session = said.session_id or call.request.headers.get("x-session-id")
        self.account.charge(call.owner, price, "image", said.model, session)
        made = [base64.b64encode(await run_sync(partial(drawn, said, given, n))).decode() for n in range(said.n)]
        kind = "image/svg+xml" if said.output_format == "svg" else f"image/{said.output_format}"
        into = tokens(said.prompt)
        usage = {"prompt_tokens": into, "completion_tokens": used, "total_tokens": into + used}
        usage |= {"cost": float(price), "is_byok": False}  # type: ignore[dict-item]
        if said.stream:
            return StreamingResponse(events(made[0], kind, usage), media_type="text/event-stream")
        rows = [{"b64_json": row, "media_type": kind} for row in made]
        return {"created": int(time.time()), "data": rows, "usage": usage}

    def _check(self, said: Draw, still: Still) -> None:
        if said.aspect_ratio not in (None, *RATIOS):
            raise no(400, f"aspect_ratio: one of {', '.join(RATIOS)}", wrong=True)
        if said.size and "x" in said.size and (said.resolution or said.aspect_ratio):
            raise no(400, "size disagrees with resolution and aspect_ratio", wrong=True)
        if said.n > still.several:
            raise no(400, f"n: {still.id} makes at most {still.several}", wrong=True)
        if len(said.input_references or []) > still.most:
            raise no(400, f"input_references: at most {still.most}", wrong=True)
        if said.background == "transparent" and said.output_format not in ("png", "webp"):
            raise no(400, "background: transparent needs png or webp", wrong=True)
        if said.stream and (not still.streams or said.n > 1):
            raise no(400, f"stream: not supported by {still.id}", wrong=True)

    async def models(self, call: Call[None]) -> Reply:
        """What makes pictures, and what each takes."""
        return {
            "data": [
                {
                    **{"id": row.id, "name": row.id, "created": CREATED, "description": ""},
                    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["image"]},
                    **{"endpoints": f"/api/v1/images/models/{row.id}/endpoints", "supports_streaming": row.streams},
                    "supported_parameters": parameters(row),
                }
                for row in STILLS.values()
            ]
        }

    async def endpoints(self, call: Call[None]) -> Reply:
        """Who serves it, and for how much."""
        id = f"{call.word('author')}/{call.word('slug')}"
        if id not in STILLS:
            raise no(404, f"Model {id} not found")
        row, slug = STILLS[id], call.word("author")
        pricing: list[dict[str, Any]] = [
            {"billable": "output_image", "unit": row.unit, "cost_usd": float(price), "variant": variant}
            for variant, price in row.variants.items()
        ] or [{"billable": "output_image", "unit": row.unit, "cost_usd": float(row.price)}]
        if row.reference != "0":
            pricing.append({"billable": "input_reference", "unit": "image", "cost_usd": float(row.reference)})
        if row.unit == "token":
            pricing.append({"billable": "input_text", "unit": "token", "cost_usd": 0.000005})
        served = {
            **{"provider_name": slug, "provider_slug": slug, "provider_tag": slug, "pricing": pricing},
            **{"supported_parameters": parameters(row), "supports_streaming": row.streams},
            "allowed_passthrough_parameters": [],
        }
        return {"id": id, "endpoints": [served]}


def parameters(row: Still) -> dict[str, Any]:
    """What a model takes."""
    return {
        "n": {"type": "range", "min": 1, "max": row.several},
        "resolution": {"type": "enum", "values": [name.upper() for name in row.variants] or ["1K"]},
        "aspect_ratio": {"type": "enum", "values": list(RATIOS)},
        "input_references": {"type": "range", "min": 0, "max": row.most},
        "seed": {"type": "boolean"},
    }


def worth(said: Draw, still: Still) -> tuple[Decimal, int]:
    """Dollars, and tokens that come out."""
    width, height = said.pixels
    fee = len(said.input_references or []) * Decimal(still.reference)
    if still.unit == "token":
        grade = "high" if said.quality in (None, "auto") else str(said.quality)
        used = said.n * output_tokens(still.id.partition("/")[2], grade, width, height)
        return used * Decimal(still.price) + tokens(said.prompt) * Decimal("0.000005") + fee, used
    if still.unit == "megapixel":
        return said.n * Decimal(still.price) * width * height / 1_000_000 + fee, 0
    if still.unit == "request":
        return Decimal(still.price) + fee, 0
    known = still.variants
    each = Decimal(known.get(said.tier.lower(), max(known.values(), default=still.price)))
    return said.n * each + fee, 0


def drawn(said: Draw, given: list[bytes], number: int) -> bytes:
    """One picture."""
    seed = (crc32(said.prompt.encode()) if said.seed is None else said.seed) + number
    if said.output_format == "svg":
        return props.drawing(said.prompt, *said.pixels, seed=seed)
    cut = said.background == "transparent"
    format: Literal["png", "jpeg", "webp"] = "png" if cut else said.output_format
    image = props.picture(said.prompt, *said.pixels, seed=seed, format=format, inputs=given)
    return retouching.saved(retouching.cut_out(image), said.output_format) if cut else image


async def events(made: str, kind: str, usage: dict[str, Any]) -> AsyncIterator[str]:
    """A partial picture, the whole, and the end."""
    head = {"b64_json": made, "media_type": kind}
    for row in (
        {"type": "image_generation.partial_image", **head, "partial_image_index": 0},
        {"type": "image_generation.completed", **head, "usage": usage},
    ):
        yield f"data: {json.dumps(row)}\n\n"
    yield "data: [DONE]\n\n"
