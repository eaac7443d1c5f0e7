"""fal's queue: submit, status, result, cancel, and the stream of states.

A submit takes the endpoint's whole id, all else only owner and app. Charged when a request completes, by the units in
`x-fal-billable-units`. Two requests of an account are in progress at once, the rest wait. A request whose input holds
`[fail]` ends with `internal_server_error`, one with `[blocked]` with `content_policy_violation`; both are `COMPLETED`,
as every request that is over is.
"""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.to_thread import run_sync
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response, StreamingResponse

from callsheet_sandbox import props
from callsheet_sandbox.backends.fal import making
from callsheet_sandbox.backends.fal.endpoints import ENDPOINTS, Endpoint
from callsheet_sandbox.backends.fal.hooks import Hooks
from callsheet_sandbox.backends.fal.inputs import Input
from callsheet_sandbox.backends.fal.words import BACKEND, no, refused
from callsheet_sandbox.desk import Call, Desk, Refusal, Reply, problem
from callsheet_sandbox.inputs import Kind
from callsheet_sandbox.jobs import Job

AT_ONCE = 2
ALL = 1_000_000
PACES = {"images": 2.0, "image": 2.0, "audio": 3.0, "text": 3.0, "video": 6.0}
KINDS: tuple[Kind, ...] = ("video", "audio")  # what a field's name says of its media; else they are pictures
HEADERS = frozenset(
    {
        *("x-fal-request-timeout", "x-fal-queue-priority", "x-fal-no-retry", "x-fal-store-io", "x-fal-runner-hint"),
        *("x-fal-object-lifecycle-preference", "x-fal-object-lifecycle", "x-fal-retry-config", "x-fal-tags"),
    }
)


class Queue:
    """The routes."""

    def __init__(self, desk: Desk, hooks: Hooks) -> None:
        self.desk = desk
        self.box = desk.box
        self.hooks = hooks
        submit = ("fal_webhook", "fal_max_queue_length")
        for path in ("/{owner}/{app}", "/{owner}/{app}/{rest:path}"):
            desk.on("POST", path, self.submit, query=submit)
        request = "/{owner}/{app}/requests/{id}"
        desk.on("GET", f"{request}/status", self.status, query=("logs",))
        desk.on("GET", f"{request}/status/stream", self.stream, query=("logs",))
        desk.on("GET", request, self.result)
        desk.on("PUT", f"{request}/cancel", self.cancel)
        for id in ENDPOINTS:
            self.box.makers[BACKEND, id] = making.make

    async def submit(self, call: Call[None]) -> Reply:
        """Take a request on."""
        id = "/".join(call.word(part) for part in ("owner", "app", "rest") if part in call.request.path_params)
        if id not in ENDPOINTS:
            raise no(404, f"Application {id!r} not found")
        endpoint = ENDPOINTS[id]
        said, raw = await self._read(call, endpoint)
        self._heed(call)
        facts, problems = await self._kept(call.owner, said)
        units, price = endpoint.bill(said, facts.pop("facts")) if not problems else (0, 0)
        hook = call.request.query_params.get("fal_webhook")
        stored = call.request.headers.get("x-fal-store-io") != "0" and said.sync_mode is not True
        job = self.box.jobs.open(
            *(BACKEND, call.owner, id, raw),
            price=price,  # type: ignore[arg-type]
            seconds=PACES[said.makes],
            files=making.files(said, id) if not problems else (),
            facts=facts
            | {
                "units": str(units),
                "problems": problems,
                "hook": hook,
                "stored": stored,
                "base": str(call.request.base_url).rstrip("/"),
            },
            later=True,
            id=str(uuid.uuid4()),
        )
        self.hooks.expect(job, PACES[said.makes])
        return {"request_id": job.id, **self._urls(call, job), "queue_position": self._place(job)}

    async def _read(self, call: Call[None], endpoint: Endpoint) -> tuple[Input, dict[str, Any]]:
        text = await call.request.body()
        try:
            return endpoint.body.model_validate_json(text), json.loads(text)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            problems = [problem(["body", *row["loc"]], row["msg"], row["type"]) for row in found]
            raise Refusal(422, refused(problems), {"X-Fal-Retryable": "false"}, wrong=True) from error

    def _heed(self, call: Call[None]) -> None:
        """Headers and query that say how to queue."""
        headers = call.request.headers
        if unknown := [name for name in headers if name.startswith("x-fal-") and name not in HEADERS]:
            raise self.desk.invalid([problem(["header", name], "Unknown header") for name in unknown])
        if headers.get("x-fal-queue-priority", "normal") not in ("normal", "low"):
            raise self.desk.invalid([problem(["header", "X-Fal-Queue-Priority"], "Input should be normal or low")])
        most = call.request.query_params.get("fal_max_queue_length")
        if most is not None and max(0, len(self._running(call.owner)) - AT_ONCE) > call.number(
            "fal_max_queue_length", 0
        ):
            raise no(429, "The queue is longer than fal_max_queue_length", "queue_length_exceeded")

    async def _kept(self, owner: str, said: Input) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What goes in, kept as files; what cannot be read is a problem of the request, found by its runner."""
        kept: dict[str, list[str]] = {}
        facts: dict[str, props.Facts] = {}
        problems = []
        for field, addresses in said.media().items():
            kind: Kind = next((kind for kind in KINDS if kind in field), "image")
            kept[field] = []
            for address in addresses:
                data = await self.box.fetch_if_any(address, kind)
                if data is None and kind == "audio":
                    data = await self.box.fetch_if_any(address, "video")
                if data is None and address.startswith("data:"):
                    problems.append(problem(["body", field], f"Failed to load the {kind}", f"{kind}_load_error"))
                    continue
                data = data or await self.box.fetch(address, kind)
                facts[field] = await run_sync(props.facts, data)
                kept[field].append(self.box.put(data, f".{facts[field].suffix}", backend=BACKEND, owner=owner))
        length = {"seconds": round(facts["audio_url"].seconds, 3)} if "audio_url" in facts else {}
        return {"inputs": kept, "facts": facts} | length, problems

    async def status(self, call: Call[None]) -> Reply:
        """Where it stands: 202 until it is over."""
        job = self.box.jobs.look(BACKEND, call.owner, call.word("id"))
        if job is None or self._gone(job) or not self._here(call, job):
            raise Refusal(404, {"status": "NOT_FOUND"})
        self.hooks.found(job)
        return self._state(call, job)

    def _state(self, call: Call[None], job: Job) -> JSONResponse:
        logs = call.request.query_params.get("logs") in ("1", "true")
        told: dict[str, Any] = {"request_id": job.id, **self._urls(call, job)}
        if job.state == "running":
            if self._waits(job):
                return JSONResponse({"status": "IN_QUEUE", "queue_position": self._place(job), **told}, 202)
            return JSONResponse({"status": "IN_PROGRESS", "logs": self._logs(job) if logs else None, **told}, 202)
        took = (job.finished or job.created) - job.created
        told |= {"logs": self._logs(job) if logs else None, "metrics": {"inference_time": round(took, 3)}}
        if wrong := self.wrong(job):
            told |= {"error": self.text(wrong), "error_type": wrong.headers["X-Fal-Error-Type"]}
        return JSONResponse({"status": "COMPLETED", **told})

    async def result(self, call: Call[None]) -> Reply:
        """The output of a request that is over, or why there is none."""
        job = self._found(call)
        if job is None or self._gone(job):
            raise no(404, "Request not found")
        told = {"x-fal-request-id": job.id}
        if job.state == "running":
            raise no(400, "Request is still in progress", **told)
        if wrong := self.wrong(job):
            raise Refusal(wrong.status, wrong.body, wrong.headers | told)
        if ENDPOINTS[job.service].priced:
            told["x-fal-billable-units"] = making.billed(job.facts["units"])
        return JSONResponse(await making.output(self.box, job, call.link), headers=told)

    async def cancel(self, call: Call[None]) -> Reply:
        """What waits is gone; what runs is asked to stop, and here it does."""
        job = self._found(call)
        if job is None or self._gone(job):
            raise Refusal(404, {"status": "NOT_FOUND"})
        waits = job.state == "running" and self._waits(job)
        if not self.box.jobs.cancel(BACKEND, call.owner, job.id):
            raise Refusal(400, {"status": "ALREADY_COMPLETED"})
        self.box.jobs.note(job.id, gone=waits)
        return {"status": "OK"} if waits else JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def stream(self, call: Call[None]) -> Reply:
        """The states as server-sent events until the last."""
        first = await self.status(call)

        async def states() -> AsyncIterator[bytes]:
            answer = first
            while isinstance(answer, JSONResponse):
                yield b"data: " + bytes(answer.body) + b"\n\n"
                if answer.status_code == 200:
                    return
                await anyio.sleep(0.1)
                job = self.box.jobs.look(BACKEND, call.owner, call.word("id"))
                answer = self._state(call, job) if job else Response()

        return StreamingResponse(states(), media_type="text/event-stream")

    def wrong(self, job: Job) -> Refusal | None:
        """Why a request that is over gave nothing."""
        if job.state == "cancelled":
            return no(499, "Request cancelled by the client", "client_cancelled")
        if job.state == "failed" and not job.blocked:
            return no(500, "The sandbox was asked to fail this request", "internal_server_error")
        problems = list(job.facts["problems"])
        if job.state == "failed":
            field = next((name for name in ("prompt", "text", "lyrics_prompt") if name in job.body), "prompt")
            message = "The content could not be processed because it was flagged by a content checker."
            found = problem(["body", field], message, "content_policy_violation")
            problems = [found | {"ctx": {"categories": ["violence"]}}]
        if not problems:
            return None
        headers = {"X-Fal-Error-Type": problems[0]["type"], "X-Fal-Retryable": "false"}
        return Refusal(422, refused(problems), headers)

    def text(self, wrong: Refusal) -> str:
        """The same in a line."""
        detail = wrong.body["detail"]  # type: ignore[index]
        return detail if isinstance(detail, str) else "; ".join(row["msg"] for row in detail)

    def _urls(self, call: Call[Any], job: Job) -> dict[str, str]:
        base = f"{str(call.request.base_url).rstrip('/')}/{ENDPOINTS[job.service].app}/requests/{job.id}"
        return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}

    def _logs(self, job: Job) -> list[dict[str, Any]]:
        at = datetime.fromtimestamp(job.created, UTC).isoformat()
        return [{"message": "The sandbox is at it", "level": "INFO", "source": "runner", "timestamp": at}]

    def _running(self, owner: str) -> list[Job]:
        """Oldest first."""
        jobs = self.box.jobs.all(BACKEND, owner, limit=ALL)
        return [job for job in reversed(jobs) if job.state == "running"]

    def _place(self, job: Job) -> int:
        """How many are waiting before it."""
        ids = [other.id for other in self._running(job.owner)]
        return max(0, ids.index(job.id) - AT_ONCE) if job.id in ids else 0

    def _waits(self, job: Job) -> bool:
        ids = [other.id for other in self._running(job.owner)]
        return job.progress < 0.5 or (job.id in ids and ids.index(job.id) >= AT_ONCE)

    def _gone(self, job: Job) -> bool:
        return bool(job.facts.get("gone"))

    def _here(self, call: Call[None], job: Job) -> bool:
        return ENDPOINTS[job.service].app == f"{call.word('owner')}/{call.word('app')}"

    def _found(self, call: Call[None]) -> Job | None:
        self.box.jobs.settle(BACKEND, call.owner)
        try:
            job = self.box.jobs.of(call.word("id"))
        except KeyError:
            return None
        return job if (job.backend, job.owner) == (BACKEND, call.owner) and self._here(call, job) else None
