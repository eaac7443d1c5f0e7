"""OpenRouter's films: submitted, looked at, fetched with the key; charged when they are finished, and signed for."""

import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from zlib import crc32

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import JSONResponse, Response

from callsheet_sandbox import props
from callsheet_sandbox.backends.openrouter.account import Account
from callsheet_sandbox.backends.openrouter.catalogue import CREATED, FILMS, Film, film_price, pixels
from callsheet_sandbox.backends.openrouter.images import Address, Reference
from callsheet_sandbox.backends.openrouter.words import BACKEND, no
from callsheet_sandbox.box import Box
from callsheet_sandbox.calls import Calls
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.jobs import Job

SECRET = "orwhsec_sandbox"  # noqa: S105 - a sandbox has no secrets
SECONDS = 6.0


class Frame(Body):
    """A first or last picture."""

    type: Literal["image_url"]
    image_url: Address
    frame_type: Literal["first_frame", "last_frame"]


class Options(Body):
    """What only one provider takes."""

    options: dict[str, dict[str, Any]] | None = None


class Shoot(Body):
    """`POST /videos`."""

    model: str
    prompt: str = Field(min_length=1)
    duration: int | None = Field(default=None, ge=1)
    resolution: Literal["360p", "480p", "720p", "768p", "1080p", "1K", "2K", "4K"] | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21"] | None = None
    size: str | None = Field(default=None, pattern=r"^\d+x\d+$")
    generate_audio: bool | None = None
    frame_images: list[Frame] | None = Field(default=None, max_length=2)
    input_references: list[Reference] | None = None
    seed: int | None = None
    callback_url: str | None = Field(default=None, pattern=r"^https?://")
    provider: Options | None = None
    session_id: str | None = Field(default=None, max_length=256)
    user: str | None = None
    trace: dict[str, Any] | None = None


class Hooks(Calls):
    """`X-OpenRouter-Signature`, over time and body with a comma between."""

    def __init__(self, box: Box, videos: "Videos", secret: str, waits: Sequence[float]) -> None:
        super().__init__(box, waits)
        self._videos = videos
        self._secret = secret.encode()

    def address(self, job: Job) -> str | None:
        """The one in the request."""
        return job.body.get("callback_url")

    async def letter(self, job: Job) -> tuple[bytes, dict[str, str]]:
        """What the poll says, without the address of the poll."""
        data = self._videos.told(job, job.facts["base"])
        data.pop("polling_url")
        at = round(self.box.clock())
        said = {
            "type": f"video.generation.{data['status']}",
            "created_at": datetime.fromtimestamp(at, UTC).isoformat(),
            "data": data | {"model": job.body["model"]},
        }
        body = json.dumps(said).encode()
        mark = hmac.new(self._secret, f"{at},".encode() + body, "sha256").hexdigest()
        key = f"{job.id}-{data['status']}"
        return body, {"X-OpenRouter-Signature": f"t={at},v1={mark}", "X-OpenRouter-Idempotency-Key": key}


class Videos:
    """The routes."""

    def __init__(self, desk: Desk, account: Account, secret: str, waits: Sequence[float]) -> None:
        self.box = desk.box
        self.account = account
        self.hooks = Hooks(self.box, self, secret, waits)
        desk.take("POST", "/api/v1/videos", Shoot, self.shoot)
        desk.on("GET", "/api/v1/videos/models", self.models, public=True)
        desk.on("GET", "/api/v1/videos/{id}", self.look)
        desk.on("GET", "/api/v1/videos/{id}/content", self.content, query=("index",))
        self.box.makers[BACKEND, "video"] = make

    async def shoot(self, call: Call[Shoot]) -> Reply:
        """Take a job on: 202."""
        said = call.body
        if said.model not in FILMS:
            raise no(404, f"Model {said.model} not found")
        film = FILMS[said.model]
        seconds, resolution, ratio, sound = self._settled(said, film)
        frames = {row.frame_type: row.image_url.url for row in said.frame_images or []}
        kept = {}
        for name, url in frames.items():
            data = await self.box.fetch(url, "image")
            kept[name] = self.box.put(data, ".image", backend=BACKEND, owner=call.owner)
        price = film_price(film, seconds, resolution, ratio, sound=sound, stills=len(frames))
        session = said.session_id or call.request.headers.get("x-session-id")
        facts = {"frames": kept, "seconds": seconds, "size": pixels(resolution, ratio), "sound": sound}
        body = said.model_dump(exclude_none=True, exclude={"frame_images", "input_references"})
        job = self.box.jobs.open(
            *(BACKEND, call.owner, "video", body),
            price=price,
            seconds=SECONDS,
            files=["{id}.mp4"],
            facts=facts | {"session": session, "base": str(call.request.base_url).rstrip("/")},
            later=True,
            id=f"gen-vid-{round(self.box.clock())}-{secrets.token_hex(10)}",
        )
        self.hooks.expect(job, SECONDS)
        return JSONResponse({"id": job.id, "polling_url": f"/api/v1/videos/{job.id}", "status": "pending"}, 202)

    def _settled(self, said: Shoot, film: Film) -> tuple[int, str, str, bool]:
        """Seconds, resolution, shape and sound, of what the model has."""
        if said.size:
            raise no(400, f"size: {said.model} takes resolution and aspect_ratio", wrong=True)
        seconds = film.durations[0] if said.duration is None else said.duration
        resolution = said.resolution or ("720p" if "720p" in film.resolutions else film.resolutions[0])
        ratio = said.aspect_ratio or film.ratios[0]
        for name, value, known in (
            ("duration", seconds, film.durations),
            ("resolution", resolution, film.resolutions),
            ("aspect_ratio", ratio, film.ratios),
        ):
            if value not in known:
                raise no(400, f"{name}: {said.model} takes {', '.join(map(str, known))}", wrong=True)
        for row in said.frame_images or []:
            if row.frame_type not in film.frames:
                raise no(400, f"frame_images: {said.model} takes {', '.join(film.frames)}", wrong=True)
        if said.generate_audio and not film.audio:
            raise no(400, f"generate_audio: {said.model} makes no sound", wrong=True)
        return seconds, resolution, ratio, film.audio if said.generate_audio is None else said.generate_audio

    async def look(self, call: Call[None]) -> Reply:
        """Where it stands."""
        job = self.box.jobs.look(BACKEND, call.owner, call.word("id"), services=("video",))
        if job is None:
            raise no(404, "Job not found")
        self.hooks.found(job)
        return self.told(job, str(call.request.base_url).rstrip("/"))

    def told(self, job: Job, base: str) -> dict[str, Any]:
        """A job, and its generation once it is charged."""
        said: dict[str, Any] = {"id": job.id, "polling_url": f"/api/v1/videos/{job.id}"}
        if job.state == "running":
            return said | {"status": "pending" if job.progress < 0.5 else "in_progress"}
        if job.state == "failed":
            reason = "Blocked by the provider's moderation" if job.blocked else "The provider failed"
            return said | {"status": "failed", "error": reason}
        id = job.id.replace("gen-vid-", "gen-")
        rows = self.box.records.all(BACKEND, "generation", job.owner)
        if all(row["generation"] != id for row in rows):
            self.account.note(job.owner, job.charged, "video", job.body["model"], job.facts["session"], id)
        return said | {
            **{"status": "completed", "generation_id": id, "usage": {"cost": float(job.charged), "is_byok": False}},
            "unsigned_urls": [f"{base}/api/v1/videos/{job.id}/content?index=0"],
        }

    async def content(self, call: Call[None]) -> Reply:
        """The film."""
        self.box.jobs.settle(BACKEND, call.owner)
        if self.box.owner(f"{call.word('id')}.mp4") != (BACKEND, call.owner):
            raise no(404, "Job not found")
        job = self.box.jobs.of(call.word("id"))
        if job.state != "done" or call.number("index", 0):
            raise no(400, "There is no such output")
        return Response(await self.box.read(job.files[0]), media_type="video/mp4")

    async def models(self, call: Call[None]) -> Reply:
        """What makes films, what each takes, and its prices by key."""
        return {
            "data": [
                {
                    **{"id": row.id, "canonical_slug": row.id, "name": row.id, "created": CREATED, "seed": True},
                    **{"generate_audio": row.audio, "supported_durations": list(row.durations)},
                    **{"supported_resolutions": list(row.resolutions), "supported_aspect_ratios": list(row.ratios)},
                    **{"supported_frame_images": list(row.frames), "supported_sizes": None, "pricing_skus": row.skus},
                    "allowed_passthrough_parameters": [],
                }
                for row in FILMS.values()
            ]
        }


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """A film."""
    frames = {kind: await box.read(name) for kind, name in job.facts["frames"].items()}
    first, last = frames.get("first_frame"), frames.get("last_frame")
    width, height = job.facts["size"]
    seed = job.body.get("seed", crc32(job.id.encode()))
    sound: Literal["tune"] | None = "tune" if job.facts["sound"] else None
    shoot = partial(props.clip, job.body["prompt"], width, height, job.facts["seconds"], seed=seed, sound=sound)
    return [await run_sync(partial(shoot, first=first, last=last))]
