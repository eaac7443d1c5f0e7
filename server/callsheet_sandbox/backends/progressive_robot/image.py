"""Progressive Robot's images: made one job each, and uploaded as sources for video."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from anyio.to_thread import run_sync
from pydantic import AliasChoices, Field

from callsheet_sandbox import props
from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.progressive_robot.door import PICTURES, Robot, form, picture, wrong
from callsheet_sandbox.backends.progressive_robot.generations import Generations
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import IMAGE_MODELS
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Reply
from callsheet_sandbox.jobs import Job

FILES = (*PICTURES.values(), ".gif")


class GenerateImage(Body):
    """The page's table of these fields is missing; they are those of its other creates."""

    prompt: str = Field(min_length=1, max_length=2000)
    model: Literal["sd15", "flux", "flux-dev", "flux-edit"] = "flux"
    negative_prompt: str | None = None
    width: int | None = Field(default=None, ge=64, le=4096)
    height: int | None = Field(default=None, ge=64, le=4096)
    steps: int | None = Field(default=None, ge=1, le=150)
    cfg: float | None = Field(default=None, ge=0, le=50)
    seed: int = Field(default=-1, ge=-1)
    count: int = Field(default=1, ge=1, le=4)
    input_image: str | None = Field(
        default=None, validation_alias=AliasChoices("input_image", "image", "image_filename", "start_image")
    )


class Image:
    """The seven routes."""

    def __init__(self, robot: Robot, generations: Generations) -> None:
        self.robot = robot
        self.box = robot.box
        self.generations = generations
        self.box.makers[NAME, "image"] = make
        robot.take("POST", "/api/generate-image", GenerateImage, self._generate, scope="generate")
        robot.on("GET", "/api/image-models", self._models)
        robot.on("GET", "/api/image-generations", self._list, query=("limit", "offset"))
        robot.on("DELETE", "/api/image-generations/{id}", self._delete)
        robot.on("GET", "/api/image/{filename}", self._file)
        robot.on("POST", "/api/upload-image", self._upload)
        robot.on("GET", "/api/input-image/{filename}", self._file)

    async def _generate(self, call: Call[GenerateImage]) -> Reply:
        said = call.body
        if said.model == "flux-edit" and said.input_image is None:
            raise wrong("input_image: needed by flux-edit")
        if said.input_image is not None:
            await self.robot.source(call, said.input_image, "image")
        model = IMAGE_MODELS[said.model]
        price = said.count * model.credits
        balance = self.box.balance(NAME, call.owner)
        if price > balance:
            raise Short(Decimal(price), balance)
        told = {"width": said.width or model.side, "height": said.height or model.side}
        jobs = [
            await self.generations.start(
                *(call, "image", said.model, model.credits),
                suffix=".png",
                seconds=1.5,
                facts=told | {"number": number},
                told=told | {"prompt": said.prompt, "negative_prompt": said.negative_prompt, "seed": said.seed},
            )
            for number in range(said.count)
        ]
        return self.robot.sold(call, price, job_ids=[job.id for job in jobs])

    async def _models(self, call: Call[None]) -> Reply:
        return [
            {"id": id, "name": model.name, "credit_cost": model.credits}
            | {"defaults": {"width": model.side, "height": model.side, "steps": 4}}
            for id, model in IMAGE_MODELS.items()
        ]

    async def _list(self, call: Call[None]) -> Reply:
        return self.generations.page(call, "image")

    async def _delete(self, call: Call[None]) -> Reply:
        return self.generations.delete(call, "image")

    async def _file(self, call: Call[None]) -> Reply:
        return await self.robot.serve(call.word("filename"), FILES, call.owner)

    async def _upload(self, call: Call[None]) -> Reply:
        held, _ = await form(call, {"image": ("file",)})
        data, suffix = await picture(held, "image")
        return {"success": True, "filename": self.robot.keep(call, data, suffix, "upload")}


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The picture of an image job."""
    said = GenerateImage.model_validate(job.body)
    inputs = [await box.read(said.input_image)] if said.input_image else []
    facts: dict[str, Any] = job.facts
    seed = (said.seed if said.seed >= 0 else int(job.id[:8], 16)) + facts["number"]
    return [
        await run_sync(lambda: props.picture(said.prompt, facts["width"], facts["height"], seed=seed, inputs=inputs))
    ]
