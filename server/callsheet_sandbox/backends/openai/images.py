"""OpenAI's pictures: made and edited while the caller waits, base64 in the answer and nowhere else.

A prompt that holds `[blocked]` is refused by the safety filter, one that holds `[fail]` by a server error; neither is
charged.
"""

import base64
import re
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import StreamingResponse

from callsheet_sandbox import props
from callsheet_sandbox.backends.openai import models
from callsheet_sandbox.backends.openai.words import BACKEND, blocked, event, known, no, value
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.forms import File, form
from callsheet_sandbox.jobs import BLOCKED, FAIL
from callsheet_sandbox.props import retouching
from callsheet_sandbox.props.loop import loop
from callsheet_sandbox.talk import tokens

NAMED = ("1024x1024", "1536x1024", "1024x1536")
LEAST = 655_360
NEWER = ("gpt-image-2", "gpt-image-2.5", "gpt-image-2.6")
MIMES = ("image/png", "image/webp", "image/jpeg")
PREFIX = {"generate": "image_generation", "edit": "image_edit"}


class Svg(Body):
    """Who writes an SVG."""

    model: str
    reasoning: dict[Literal["effort"], Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]] | None = (
        None
    )


class Wanted(Body):
    """What both routes share."""

    model: str
    prompt: str = Field(min_length=1, max_length=32_000)
    n: int | None = Field(default=None, ge=1, le=10)
    size: str | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp", "gif", "svg"] | None = None
    output_compression: int | None = Field(default=None, ge=0, le=100)
    moderation: Literal["auto", "low"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    frame_count: int | None = Field(default=None, ge=2, le=16)
    frame_duration_ms: int | None = Field(default=None, ge=1, le=655_350)
    svg: Svg | None = None
    stream: bool | None = None
    partial_images: int | None = Field(default=None, ge=0, le=3)
    safety_identifier: str | None = None
    user: str | None = None

    @property
    def generation(self) -> str:
        """`gpt-image-2.5`, without its name."""
        return re.sub(r"-(flare|sunburst)$", "", self.model)

    @property
    def format(self) -> str:
        """PNG, unless told."""
        return self.output_format or "png"

    @property
    def grade(self) -> str:
        """`auto` is high."""
        return "high" if self.quality in (None, "auto") else str(self.quality)

    @property
    def pixels(self) -> tuple[int, int]:
        """`auto` is a square."""
        if self.size in (None, "auto"):
            return 1024, 1024
        width, height = str(self.size).split("x")
        return int(width), int(height)


class Generate(Wanted):
    """`POST /v1/images/generations`."""


class Ref(Body):
    """A picture by address or by file."""

    image_url: str | None = Field(default=None, max_length=20_971_520)
    file_id: str | None = None


class EditJson(Wanted):
    """`POST /v1/images/edits`, as JSON."""

    images: list[Ref] = Field(min_length=1, max_length=16)
    mask: Ref | None = None
    input_fidelity: Literal["low", "high"] | None = None


class EditForm(Wanted):
    """The same as a form; its pictures are parts."""

    input_fidelity: Literal["low", "high"] | None = None


class Images:
    """The two routes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.take("POST", "/v1/images/generations", Generate, self.generate)
        desk.on("POST", "/v1/images/edits", self.edit)

    async def generate(self, call: Call[Generate]) -> Reply:
        """From words."""
        self._check(call, call.body)
        return await self._answer(call.owner, call.body, [], None, "generate")

    async def edit(self, call: Call[None]) -> Reply:
        """From pictures, with a mask or a markup."""
        said: EditForm | EditJson
        if call.request.headers.get("content-type", "").startswith("multipart/"):
            said, files = await form(call, EditForm, ("image", "image[]", "mask", "markup"))
            pictures = [*files.get("image", []), *files.get("image[]", [])]
            if len(files.get("image", [])) > 1:
                raise value("image", "Several pictures go in parts named image[].")
            mask, markup = (next(iter(files.get(name, [])), None) for name in ("mask", "markup"))
        else:
            said = await self.desk.read(call.request, EditJson)
            pictures = [await self._ref(call.owner, ref, f"images.{n}") for n, ref in enumerate(said.images)]
            mask = await self._ref(call.owner, said.mask, "mask") if said.mask else None
            markup = None
        self._check(call, said)
        if not 1 <= len(pictures) <= 16:
            raise value("image", "1 to 16 pictures are needed.")
        if said.input_fidelity and said.generation in NEWER:
            raise no(
                400, "unknown_parameter", "Unknown parameter: 'input_fidelity'.", param="input_fidelity", wrong=True
            )
        if markup and (mask or said.generation not in NEWER[1:]):
            raise value("markup", "A markup needs gpt-image-2.5 or newer, and no mask.")
        found = [await self._seen(file, "image") for file in pictures]
        if mask:
            seen = await self._seen(mask, "mask")
            if (seen.mime, len(mask.data) < 4_000_000) != ("image/png", True):
                raise value("mask", "The mask is a PNG of less than 4 MB.")
            if (seen.width, seen.height) != (found[0].width, found[0].height):
                raise value("mask", "The mask has the size of the first picture.")
        return await self._answer(call.owner, said, [file.data for file in pictures], mask, "edit")

    async def _ref(self, owner: str, ref: Ref, param: str) -> File:
        if (ref.image_url is None) == (ref.file_id is None):
            raise value(param, "Give either image_url or file_id.")
        if ref.file_id:
            rows = self.box.records.all(BACKEND, "file", owner)
            row = next((row for row in rows if row["file_id"] == ref.file_id), None)
            if row is None:
                raise no(404, None, f"No such File object: {ref.file_id}", param=param)
            return File(row["filename"], "", await self.box.read(row["name"]))
        data = await self.box.fetch_if_any(ref.image_url or "", "image")
        if data is None and (ref.image_url or "").startswith("data:"):
            raise value(param, "This is no picture.")
        return File("", "", data or await self.box.fetch(ref.image_url or "", "image"))

    async def _seen(self, file: File, param: str) -> props.Facts:
        try:
            seen = await run_sync(props.facts, file.data)
        except ValueError as error:
            raise no(400, "invalid_image_file", f"Invalid image file: {error}", param=param, wrong=True) from error
        if seen.mime not in MIMES or len(file.data) >= 50_000_000:
            raise no(400, "invalid_image_file", "PNG, WEBP or JPEG of less than 50 MB.", param=param, wrong=True)
        return seen

    def _check(self, call: Call[Any], said: Wanted) -> None:
        """What does not go together, or with this model or organisation."""
        known(said.model, "image")
        if "unverified" in self.desk.key_of(call.request):
            message = f"Your organization must be verified to use the model `{said.model}`."
            raise no(403, None, message)
        newest = said.generation == "gpt-image-2.6"
        if said.quality in ("xhigh", "max") and said.generation not in NEWER[1:]:
            raise value("quality", f"{said.quality} is not supported by {said.model}.")
        if not newest and (said.complexity or said.format in ("gif", "svg")):
            raise value("complexity" if said.complexity else "output_format", f"Not supported by {said.model}.")
        if said.format != "gif" and (said.frame_count or said.frame_duration_ms):
            raise value("frame_count", "Only a GIF has frames.")
        if said.format == "gif" and (said.stream or said.output_compression is not None):
            raise value("output_format", "A GIF is neither streamed nor compressed.")
        if said.svg and (said.format != "svg" or (said.n or 1) > 1):
            raise value("svg", "Only for output_format svg and n=1.")
        if said.background == "transparent" and said.format not in ("png", "webp"):
            raise value("background", "Transparent needs png or webp.")
        if said.output_compression is not None and said.format not in ("jpeg", "webp"):
            raise value("output_compression", "Only for jpeg and webp.")
        if said.partial_images and not said.stream:
            raise value("partial_images", "Only with stream.")
        self._sized(said)

    def _sized(self, said: Wanted) -> None:
        if said.size in (None, "auto", *NAMED):
            return
        if said.generation not in NEWER or not re.fullmatch(r"\d{2,4}x\d{2,4}", said.size or ""):
            raise value("size", f"'{said.size}' is not one of {', '.join(NAMED)}, auto.")
        width, height = said.pixels
        if width % 16 or height % 16 or max(width, height) > 3 * min(width, height):
            raise value("size", "Both sides are divisible by 16, and their ratio is 1:3 to 3:1.")
        if not LEAST <= width * height <= 3840 * 2160 or max(width, height) > 3840:
            raise value("size", f"From {LEAST} pixels to 3840x2160.")

    async def _answer(
        self, owner: str, said: Wanted, pictures: Sequence[bytes], mask: File | None, verb: Literal["generate", "edit"]
    ) -> Reply:
        if BLOCKED in said.prompt:
            raise blocked()
        if FAIL in said.prompt:
            raise no(500, None, "The sandbox was asked to fail this request.", type="server_error")
        count = said.n or 1
        usage = self._usage(said, len(pictures) + bool(mask), count)
        price = (
            usage["input_tokens_details"]["text_tokens"] * models.TEXT_IN
            + usage["input_tokens_details"]["image_tokens"] * models.IMAGE_IN
            + usage["output_tokens"] * models.IMAGE_OUT
        )
        self.charge(owner, price, said.model)
        draw = partial(drawn, said, pictures, mask.data if mask else None)
        made = [base64.b64encode(await run_sync(draw, n)).decode() for n in range(count)]
        width, height = said.pixels
        told = {
            **{"size": f"{width}x{height}", "quality": said.grade, "output_format": said.format},
            "background": "opaque" if said.background in (None, "auto") else said.background,
        }
        if said.stream:
            parts = streamed(made[0], told, usage, said.partial_images or 0, PREFIX[verb])
            return StreamingResponse(parts, media_type="text/event-stream")
        return {"created": int(time.time()), "data": [{"b64_json": row} for row in made], **told, "usage": usage}

    def charge(self, owner: str, price: Decimal, service: str) -> None:
        """Take it from the account."""
        self.box.accounts.move(BACKEND, owner, -price, type="charge", service=service)

    def _usage(self, said: Wanted, pictures: int, count: int) -> dict[str, Any]:
        each = models.output_tokens(said.model, said.grade, *said.pixels)
        if said.format == "gif":
            each *= said.frame_count or 9
        out = count * (each + (said.partial_images or 0) * models.PARTIAL)
        text, image = tokens(said.prompt), pictures * models.INPUT_TOKENS
        return {
            "input_tokens": text + image,
            "input_tokens_details": {"text_tokens": text, "image_tokens": image},
            "output_tokens": out,
            "output_tokens_details": {"image_tokens": out, "text_tokens": 0},
            "total_tokens": text + image + out,
        }


def drawn(said: Wanted, pictures: Sequence[bytes], mask: bytes | None, number: int) -> bytes:
    """One picture."""
    width, height = said.pixels
    seed = crc32(said.prompt.encode()) + number
    if said.format == "svg":
        return props.drawing(said.prompt, width, height, seed=seed)
    if said.format == "gif":
        pace = round((said.frame_duration_ms or 200) / 10) * 10
        return loop(said.prompt, width, height, said.frame_count or 9, pace, seed=seed)
    plain: Literal["png", "jpeg", "webp"] = said.output_format or "png"  # type: ignore[assignment]
    cut = said.background == "transparent"
    image = props.picture(
        said.prompt, width, height, seed=seed, format="png" if cut or mask else plain, inputs=pictures
    )
    if mask:
        image = retouching.masked(pictures[0], image, mask)
    if cut:
        image = retouching.cut_out(image)
    return retouching.saved(image, plain) if cut or mask else image


async def streamed(
    made: str, told: dict[str, Any], usage: dict[str, Any], partials: int, prefix: str
) -> AsyncIterator[str]:
    """Partial pictures, which are the whole one here, and the end."""
    head = {"b64_json": made, "created_at": int(time.time()), **told}
    for number in range(partials):
        yield event({"type": f"{prefix}.partial_image", **head, "partial_image_index": number})
    yield event({"type": f"{prefix}.completed", **head, "usage": usage})
