"""ph0ny's video routes: five that create, one that looks, and the files."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from callsheet_sandbox.backends.ph0ny.engines import KEY_NAMES
from callsheet_sandbox.backends.ph0ny.hooks import Hooks
from callsheet_sandbox.backends.ph0ny.order import BACKEND, Order, Refused
from callsheet_sandbox.backends.ph0ny.videos import ORDERS
from callsheet_sandbox.backends.ph0ny.words import base_of, moment, no, ulid
from callsheet_sandbox.box import Box
from callsheet_sandbox.control import file
from callsheet_sandbox.desk import Call, Desk, Reply
from callsheet_sandbox.jobs import Job

SOON = 0.3
"""A job is `pending` until so much of it is done."""


class Studio:
    """The video API, whose fields are snake_case."""

    def __init__(self, desk: Desk, secret: str, waits: Sequence[float]) -> None:
        self.box = desk.box
        self.hooks = Hooks(desk.box, self._described, secret, waits)
        for order in ORDERS.values():
            desk.take("POST", f"/v1/video/{order.type}", order, self._create(desk, order))
            self.box.makers[BACKEND, order.type] = make
        desk.on("GET", "/v1/video/{id}", self.look)
        desk.on("GET", "/jobs/{id}/output.mp4", self.output, public=True)

    def _create(self, desk: Desk, order: type[Order]) -> Callable[[Call[Order]], Any]:
        async def create(call: Call[Order]) -> Reply:
            said = call.body
            keys = keys_in(call)
            if said.key() not in (None, *keys):
                header = f"X-Provider-Key-{said.key()}"
                raise no(400, "provider_key_required", f"{said.engine()} needs a key of yours in the header {header}")
            try:
                facts = await said.weigh(self.box, call.owner)
            except Refused as refused:
                raise desk.invalid([refused.problem]) from refused
            self.box.jobs.settle(BACKEND, call.owner)
            id = f"vj_{ulid(self.box.clock())}"
            job = self.box.jobs.open(
                *(BACKEND, call.owner, order.type, said.model_dump(mode="json", exclude_unset=True)),
                price=said.price(facts, keys),
                seconds=order.seconds,
                files=[f"jobs/{{id}}/{order.file}"],
                facts={**facts, "provider": said.engine(), "base": base_of(call.request)},
                later=True,
                id=id,
            )
            self.hooks.expect(job, order.seconds)
            return JSONResponse(head(job) | {"status": "pending"}, 202)

        return create

    async def look(self, call: Call[None]) -> Reply:
        """The job object."""
        job = self.box.jobs.look(BACKEND, call.owner, call.word("id"), services=list(ORDERS))
        if job is None:
            raise no(404, "not_found", "No such job")
        self.hooks.found(job)
        return await described(self.box, job, base_of(call.request))

    async def output(self, call: Call[None]) -> Response:
        """The video of a finished job, which is public."""
        return await file(self.box, f"jobs/{call.word('id')}/output.mp4")

    async def _described(self, job: Job) -> dict[str, Any]:
        return await described(self.box, job, job.facts["base"])


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The file of any video job."""
    return await ORDERS[job.service].of(job).make(box, job)


def head(job: Job) -> dict[str, Any]:
    """What a job object always has, but for its status."""
    made = {"created_at": moment(job.created), "owner_id": f"user_{job.owner}"}
    return {"id": job.id, "type": job.service, "provider": job.facts["provider"], **made}


async def described(box: Box, job: Job, base: str) -> dict[str, Any]:
    """The full job object; what is not there yet is left out."""
    said = head(job) | {"progress": round(job.progress, 3)}
    if job.state == "running":
        return said | {"status": "pending" if job.progress < SOON else "processing"}
    said["completed_at"] = moment(job.finished or job.created)
    if job.state == "done":
        return said | {"status": "completed", "result": await ORDERS[job.service].of(job).result(box, job, base)}
    error = {"code": "provider_timeout", "message": "The sandbox was asked to fail this job"}
    return said | {"status": "failed", "error": error}


def keys_in(call: Call[Any]) -> frozenset[str]:
    """Whose keys came with a call."""
    headers = call.request.headers
    return frozenset(name for name in KEY_NAMES if headers.get(f"x-provider-key-{name.lower()}"))
