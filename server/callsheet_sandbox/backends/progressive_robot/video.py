"""Progressive Robot's video: what is asked for, polled, shared, cancelled and extended."""

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Annotated, Any

from anyio.to_thread import run_sync
from pydantic import AfterValidator, AliasChoices, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot.door import Kind, Robot, absent, work, wrong
from callsheet_sandbox.backends.progressive_robot.filming import CLIP_SECONDS, Reel, filmed, restyled
from callsheet_sandbox.backends.progressive_robot.generations import Generations
from callsheet_sandbox.backends.progressive_robot.orgs import project_of
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import (
    RESTYLE,
    TIERS,
    VIDEO_DEFAULTS,
    VIDEO_MODELS,
    by_length,
    video_price,
)
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Reply
from callsheet_sandbox.jobs import Job

FILES = (".mp4", ".gif", ".glb")
CONTROLLED = ("ltx-camera", "ltx-control")
CONTROLS = ("camera", "control", "lora")
INPUTS: dict[str, Kind] = {
    "input_image": "image",
    "end_image": "image",
    "audio_filename": "audio",
    "driving_video": "video",
}


def _known(model: str) -> str:
    if model not in VIDEO_MODELS:
        raise ValueError(f"Unknown model; one of {', '.join(VIDEO_MODELS)}")
    return model


class Generate(Body):
    """Text to video, or image to video; how source media are called is not documented, so several names are known."""

    prompt: str = Field(min_length=1, max_length=2000)
    model: Annotated[str, AfterValidator(_known)] = "wan-t2v"
    negative_prompt: str | None = None
    width: int = Field(default=VIDEO_DEFAULTS["width"], ge=16)
    height: int = Field(default=VIDEO_DEFAULTS["height"], ge=16)
    frames: int = Field(default=VIDEO_DEFAULTS["frames"], ge=1)
    steps: int = Field(default=VIDEO_DEFAULTS["steps"], ge=1, le=150)
    cfg: float | None = Field(default=None, ge=0, le=50)
    seed: int = Field(default=-1, ge=-1)
    sampler: str | None = Field(default=None, max_length=40)
    scheduler: str | None = Field(default=None, max_length=40)
    shift: float | None = Field(default=None, ge=0, le=100)
    frame_rate: int = Field(default=VIDEO_DEFAULTS["frame_rate"], ge=1, le=120)
    project_id: int | None = None
    input_image: str | None = Field(
        default=None, validation_alias=AliasChoices("input_image", "image", "image_filename", "start_image")
    )
    end_image: str | None = Field(default=None, validation_alias=AliasChoices("end_image", "last_image"))
    audio_filename: str | None = None
    driving_video: str | None = None
    _controls: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _set_controls_aside(cls, said: Any, handler: ModelWrapValidatorHandler["Generate"]) -> "Generate":
        # The page names these models' control but not its fields, so any field that is called like one is taken.
        aside = {}
        if isinstance(said, dict) and said.get("model") in CONTROLLED:
            aside = {name: value for name, value in said.items() if name.startswith(CONTROLS)}
            said = {name: value for name, value in said.items() if name not in aside}
        made = handler(said)
        made._controls = aside
        return made

    @property
    def seconds(self) -> float:
        """How long the video is."""
        return self.frames / self.frame_rate

    @property
    def controls(self) -> dict[str, Any]:
        """The control fields of the models that have them."""
        return self._controls


class Restyle(Body):
    """Style transfer."""

    video_filename: str
    prompt: str = Field(min_length=1, max_length=2000)
    strength: float = Field(default=0.6, ge=0, le=1)


class Cancel(Body):
    """Which job to stop."""

    job_id: str


class Extend(Body):
    """The video whose last frame is wanted."""

    video_filename: str | None = None
    generation_id: int | None = None


class Video:
    """The sixteen routes, and the list of models."""

    def __init__(self, robot: Robot, generations: Generations) -> None:
        self.robot = robot
        self.box = robot.box
        self.generations = generations
        self.box.makers[NAME, "video"] = make
        robot.take("POST", "/api/generate", Generate, self._generate, scope="generate")
        robot.on("GET", "/api/status", self._status, query=("job_id",))
        robot.on("GET", "/api/video/{filename}", self._file, query=("token",), public=True)
        robot.on("GET", "/api/generations", self._list, query=("limit", "offset"))
        robot.on("DELETE", "/api/generations/{id}", self._delete)
        robot.on("POST", "/api/generations/{id}/favorite", self._favorite)
        robot.on("POST", "/api/generations/{id}/share", self._share)
        robot.on("POST", "/api/generations/{id}/public", self._public)
        robot.on("GET", "/api/share/{token}", self._shared, public=True)
        robot.on("GET", "/api/gallery/community", self._gallery, public=True)
        robot.take("POST", "/api/cancel", Cancel, self._cancel)
        robot.on("GET", "/api/queue", self._queue)
        robot.on("GET", "/api/comfyui/status", self._gpu)
        robot.on("GET", "/api/generation-cost", self._cost, query=("model", "frames", "steps"))
        robot.take("POST", "/api/extend-video", Extend, self._extend)
        robot.take("POST", "/api/generate-v2v", Restyle, self._restyle, scope="generate")
        robot.on("GET", "/api/models", self._models)

    async def _generate(self, call: Call[Generate]) -> Reply:
        said = call.body
        self.robot.allow(call, frames=said.frames, size=(said.width, said.height))
        if said.seconds > CLIP_SECONDS:
            raise wrong(f"frames: more than {CLIP_SECONDS} seconds at {said.frame_rate} a second")
        if missing := [name for name in VIDEO_MODELS[said.model].needs if getattr(said, name) is None]:
            raise wrong(f"{', '.join(missing)}: needed by {said.model}")
        for name, kind in INPUTS.items():
            if (source := getattr(said, name)) is not None:
                await self.robot.source(call, source, kind)
        if said.project_id is not None:
            project_of(self.robot, call, said.project_id)
        told = said.model_dump(include={"prompt", "negative_prompt", "width", "height", "frames", "steps", "seed"})
        job = await self.generations.start(
            *(call, "video", said.model, video_price(said.model, said.frames, said.steps)),
            suffix=".glb" if said.model == "hunyuan3d" else ".mp4",
            seconds=3.0,
            facts={"watermark": TIERS[self.robot.tier_of(call)].watermark},
            told=told | {"frame_rate": said.frame_rate, "project_id": said.project_id, "controls": said.controls},
        )
        return self.generations.answer(call, job)

    async def _restyle(self, call: Call[Restyle]) -> Reply:
        video = await self.robot.source(call, call.body.video_filename, "video")
        seconds = (await run_sync(props.facts, video)).seconds
        job = await self.generations.start(
            *(call, "video", "v2v", by_length(RESTYLE, seconds, 3)),
            suffix=".mp4",
            seconds=3.0,
            facts={},
            told={"prompt": call.body.prompt, "seconds": seconds},
        )
        return self.generations.answer(call, job)

    async def _status(self, call: Call[None]) -> Reply:
        job_id = call.request.query_params.get("job_id")
        if not job_id:
            raise wrong("job_id: Field required")
        job = self.box.jobs.look(NAME, call.owner, job_id)
        if job is None:
            raise absent("Job")
        return self.generations.status(call, job)

    async def _file(self, call: Call[None]) -> Reply:
        name, token = call.word("filename"), call.request.query_params.get("token")
        if token is not None:
            record = self._by_token(token)
            if record and name in self.box.jobs.of(record["job_id"]).files:
                return await self.robot.serve(name, FILES, record["owner"])
        if not call.owner:
            raise self.robot.unauthorized()
        return await self.robot.serve(name, FILES, call.owner)

    async def _list(self, call: Call[None]) -> Reply:
        return self.generations.page(call, "video")

    async def _delete(self, call: Call[None]) -> Reply:
        return self.generations.delete(call, "video")

    async def _favorite(self, call: Call[None]) -> Reply:
        record = self.robot.owned(call, "video")
        changed = self.box.records.change(record["id"], is_favorite=not record["is_favorite"])
        return {"is_favorite": changed["is_favorite"]}

    async def _share(self, call: Call[None]) -> Reply:
        return {"share_token": self._token(self.robot.owned(call, "video"))}

    async def _public(self, call: Call[None]) -> Reply:
        record = self.robot.owned(call, "video")
        self._token(record)
        changed = self.box.records.change(record["id"], is_public=not record["is_public"])
        return {"is_public": changed["is_public"]}

    async def _shared(self, call: Call[None]) -> Reply:
        record = self._by_token(call.word("token"))
        if record is None:
            raise absent("Share")
        return self._face(record)

    async def _gallery(self, call: Call[None]) -> Reply:
        rows = [self._face(record) for record in reversed(self.robot.all("video")) if record["is_public"]]
        return {"generations": [row for row in rows if row["status"] == "completed"]}

    async def _cancel(self, call: Call[Cancel]) -> Reply:
        if not self.generations.cancel(call, call.body.job_id):
            raise wrong("Job has already ended")
        return {"success": True}

    async def _queue(self, call: Call[None]) -> Reply:
        jobs = self.generations.active(call)
        rows = [self.generations.status(call, job) for job in jobs]
        return {"queue_length": len(jobs), "my_jobs": rows, "position": min(1, len(jobs))}

    async def _gpu(self, call: Call[None]) -> Reply:
        return {"online": True}

    async def _cost(self, call: Call[None]) -> Reply:
        model = call.request.query_params.get("model", "wan-t2v")
        frames = call.number("frames", VIDEO_DEFAULTS["frames"], 1)
        steps = call.number("steps", VIDEO_DEFAULTS["steps"], 1)
        if model == "v2v":
            return {"model": model, "cost": by_length(RESTYLE, frames / VIDEO_DEFAULTS["frame_rate"], 3)}
        if model not in VIDEO_MODELS:
            raise wrong("model: Unknown model")
        return {"model": model, "cost": video_price(model, frames, steps)}

    async def _models(self, call: Call[None]) -> Reply:
        return [{"id": id, "name": model.name, "defaults": VIDEO_DEFAULTS} for id, model in VIDEO_MODELS.items()]

    async def _extend(self, call: Call[Extend]) -> Reply:
        name = call.body.video_filename
        if call.body.generation_id is not None:
            record = self.box.records.get(NAME, "video", call.body.generation_id, call.owner)
            if record is None:
                raise absent("Generation")
            name = name or self.generations.job(call, record["job_id"]).files[0]
        if name is None:
            raise wrong("video_filename: Field required")
        video = await self.robot.source(call, name, "video")
        frame = await work(lambda: props.frame(video, "last"))
        return {"success": True, "filename": self.robot.keep(call, frame, ".png", "frame")}

    def _token(self, record: dict[str, Any]) -> str:
        token: str = record["share_token"] or token_urlsafe(12)
        self.box.records.change(record["id"], share_token=token)
        return token

    def _by_token(self, token: str) -> dict[str, Any] | None:
        return next((one for one in self.robot.all("video") if one["share_token"] == token), None)

    def _face(self, record: dict[str, Any]) -> dict[str, Any]:
        """What strangers may see."""
        row = self.generations.row(record)
        names = ("id", "prompt", "model", "status", "filename", "share_token", "created_at")
        return {name: row[name] for name in names} | {"author": self.robot.people.of(record["owner"])["username"]}


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The file of a video job."""
    if job.facts["model"] == "v2v":
        order = Restyle.model_validate(job.body)
        video = await box.read(order.video_filename)
        return [await run_sync(restyled, video, order.prompt, order.strength)]
    said = Generate.model_validate(job.body)
    held: dict[str, Any] = {
        name: await box.read(given) for name in INPUTS if (given := getattr(said, name)) is not None
    }
    reel = Reel(
        *(said.prompt, said.model, said.width, said.height, said.seconds, said.frame_rate),
        seed=said.seed if said.seed >= 0 else int(job.id[:8], 16),
        marked=job.facts["watermark"],
        **held,
    )
    return [await run_sync(filmed, reel)]
