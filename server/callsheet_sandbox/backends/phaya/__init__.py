"""Phaya in the sandbox: media jobs below `/api/v1`, and the OpenAI-compatible proxy at the host's root.

Stricter than the real one, which ignores unknown fields: here they are 422, because that is what finds our mistakes.
Any key that starts `pk_`, `phaya_` or `sk_` opens an account. A job whose request holds `[fail]` fails and is refunded.
"""

from collections.abc import Sequence
from typing import Any, get_args

from starlette.responses import Response

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.phaya.account import Account, moment
from callsheet_sandbox.backends.phaya.audio import TextToMusic, TextToSpeech, Voice
from callsheet_sandbox.backends.phaya.chat import Chat
from callsheet_sandbox.backends.phaya.images import GptImage, GptImageEdit, NanoBanana, Seedream, TextToImage
from callsheet_sandbox.backends.phaya.order import Order, Refused
from callsheet_sandbox.backends.phaya.proxy import Proxy
from callsheet_sandbox.backends.phaya.utilities import (
    ExtractLastFrame,
    MergeAudio,
    MergeAudioVideo,
    MergeVideo,
    OverlayGif,
    ThaiSubtitle,
    Transcribe,
    Utility,
    VideoDownload,
)
from callsheet_sandbox.backends.phaya.videos import (
    ImageToVideo,
    Kling,
    Seedance,
    Sora,
    SoraCharacter,
    SoraText,
    Veo,
    character_of,
)
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Call, Desk, Problem, Refusal, Reply, number
from callsheet_sandbox.jobs import Job

SERVICES: tuple[type[Order], ...] = (
    *(TextToImage, Seedream, NanoBanana, GptImage, GptImageEdit),
    *(ImageToVideo, Sora, SoraText, SoraCharacter, Seedance, Kling, Veo),
    *(TextToMusic, TextToSpeech, ThaiSubtitle, VideoDownload),
)
UTILITIES: tuple[type[Utility], ...] = (
    *(MergeAudioVideo, MergeVideo, MergeAudio, OverlayGif, Transcribe, ExtractLastFrame),
)
ORDERS: dict[str, type[Order]] = {order.name: order for order in (*SERVICES, *UTILITIES)}
API = "/api/v1/"
STALE_SECONDS = 5.0


def desk(box: Box) -> Desk:
    """Phaya's front desk."""
    return Phaya(box)


class Phaya(Desk):
    """How Phaya lets people in, and its job routes."""

    backend = "phaya"

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        for order in SERVICES:
            self._serve(order)
        for utility in UTILITIES:
            self._take_order(API + utility.name, utility)
        self._watch("media", list(UTILITIES))
        self.on("GET", API + "media/queue/stats", self._stats)
        self.on("POST", API + "media/upload", self._upload)
        self.on("GET", API + "text-to-speech/voices", self._voices, public=True)
        self.on("GET", API + "sora2-character/list", self._characters)
        self.on("GET", API + "video-download/supported-platforms", self._platforms)
        Chat(self)
        Proxy(self)
        Account(self)

    def admits(self, key: str) -> bool:
        """Current, legacy and tolerated prefixes."""
        return key.startswith(("pk_", "phaya_", "sk_"))

    def unauthorized(self) -> Refusal:
        """401."""
        return Refusal(401, {"detail": "Invalid API key", "error": "invalid_api_key"})

    def too_many(self, wait: int) -> Refusal:
        """429."""
        return Refusal(429, {"detail": "Rate limit exceeded"}, {"Retry-After": str(wait)})

    def short(self, short: Short) -> Refusal:
        """402."""
        figures = {"required": number(short.required), "credits_balance": number(short.balance)}
        return Refusal(402, {"detail": "Insufficient credits", "error": "insufficient_credits", **figures})

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """422."""
        return Refusal(422, {"detail": list(problems)}, wrong=True)

    def _serve(self, order: type[Order]) -> None:
        self._take_order(f"{API}{order.name}/{order.verb}", order)
        self._watch(order.name, [order])
        if order.cancels:
            self._cancel(order)
        if order.hooks:
            self.on("POST", f"{API}{order.name}/callback", self._callback, public=True)
        if order.history:
            self._history(order)

    def _take_order(self, path: str, order: type[Order]) -> None:
        async def create(call: Call[Order]) -> Reply:
            said = call.body
            try:
                facts = await said.weigh(self.box, call.owner)
            except Refused as no:
                raise self.invalid([no.problem]) from no
            price = said.price(facts)
            body = said.model_dump(mode="json", exclude_unset=True)
            self.box.jobs.settle(self.backend, call.owner)
            job = self.box.jobs.open(
                *(self.backend, call.owner, order.name, body),
                price=price,
                seconds=order.seconds,
                files=said.files(),
                facts=facts,
                later=order.later,
            )
            first = order.words.going[0]
            return {"success": True, "job_id": job.id, "status": first, "credits_used": number(price)}

        async def make(box: Box, job: Job) -> Sequence[bytes]:
            return await order.of(job).make(box, job)

        self.take("POST", path, order, create)
        self.box.makers[self.backend, order.name] = make

    def _watch(self, name: str, orders: list[type[Order]]) -> None:
        async def status(call: Call[None]) -> Reply:
            services = [order.name for order in orders]
            job = self.box.jobs.look(self.backend, call.owner, call.word("job_id"), services=services)
            if job is None:
                raise Refusal(404, {"detail": "Job not found"})
            if self.box.stale:
                seen = job.facts.get("seen")
                if seen and self.box.clock() - seen["at"] < STALE_SECONDS:
                    return dict(seen["reply"])
                if job.state == "running":
                    reply = await self._state(call, job)
                    self.box.jobs.note(job.id, seen={"at": self.box.clock(), "reply": reply})
                    return reply
            return await self._state(call, job)

        self.on("GET", f"{API}{name}/status/{{job_id}}", status)

    async def _state(self, call: Call[Any], job: Job) -> dict[str, Any]:
        order = ORDERS[job.service]
        reply: dict[str, Any] = {"status": order.words.of(job), "credits_used": number(job.charged)}
        if job.state == "failed":
            reply["error"] = "The sandbox was asked to fail this job"
        if job.state == "done":
            reply |= await order.of(job).result(self.box, job, call.link)
        return reply

    def _cancel(self, order: type[Order]) -> None:
        async def cancel(call: Call[None]) -> Reply:
            job_id = call.word("job_id")
            try:
                theirs = self.box.jobs.of(job_id).service == order.name
            except KeyError:
                theirs = False
            done = self.box.jobs.cancel(self.backend, call.owner, job_id) if theirs else None
            if done is None:
                raise Refusal(404, {"detail": "Job not found"})
            return {"success": done, "message": "Job cancelled successfully" if done else "Job already completed"}

        self.on("POST", f"{API}{order.name}/cancel/{{job_id}}", cancel)

    def _history(self, order: type[Order]) -> None:
        async def history(call: Call[None]) -> Reply:
            limit = call.number("limit", 20, 1, 1000)
            jobs = self.box.jobs.all(self.backend, call.owner, [order.name], limit)
            rows = [
                {"job_id": job.id, **await self._state(call, job), "prompt": job.body["prompt"]}
                | {"created_at": moment(job.created)}
                for job in jobs
            ]
            return {"success": True, "jobs": rows}

        self.on("GET", f"{API}{order.name}/history", history, query=("limit",))

    async def _callback(self, call: Call[None]) -> Reply:
        return {"success": True}

    async def _characters(self, call: Call[None]) -> Reply:
        jobs = self.box.jobs.all(self.backend, call.owner, [SoraCharacter.name], 1000)
        rows = [
            {"character_id": character_of(job), "job_id": job.id, "created_at": moment(job.created)}
            for job in jobs
            if job.state == "done"
        ]
        return {"success": True, "characters": rows}

    async def _voices(self, call: Call[None]) -> Reply:
        names = get_args(Voice)
        return {"voices": [{"name": name, "description": f"{name}, as the sandbox speaks it"} for name in names]}

    async def _platforms(self, call: Call[None]) -> Reply:
        return {"success": True, "platforms": ["youtube", "facebook", "instagram", "tiktok", "x", "direct link"]}

    async def _stats(self, call: Call[None]) -> Reply:
        jobs = self.box.jobs.all(self.backend, call.owner, [order.name for order in UTILITIES], 1_000_000)
        count = dict.fromkeys(("pending", "processing", "completed", "failed"), 0)
        for job in jobs:
            count[ORDERS[job.service].words.of(job)] += 1
        return count

    async def _upload(self, call: Call[None]) -> Response | dict[str, Any]:
        data, name, _ = await call.upload("file")
        suffix = "." + name.rpartition(".")[2].lower() if "." in name else ""
        stored = self.box.put(data, suffix, backend=self.backend, owner=call.owner)
        return {"success": True, "url": call.link(stored)}
