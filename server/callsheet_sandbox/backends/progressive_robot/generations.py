"""What was generated, be it video, image or audio: a job to poll, and a numbered record to list, share and delete."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.desk import Call
from callsheet_sandbox.jobs import Job

Medium = Literal["video", "image", "audio"]
MEDIA: tuple[Medium, ...] = ("video", "image", "audio")
WAITS = 0.4
"""How far into its time a job is only queued."""


class Generations:
    """The history of every account."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.box = robot.box

    async def start(
        self,
        call: Call[Any],
        medium: Medium,
        model: str,
        price: int,
        *,
        suffix: str,
        seconds: float,
        facts: Mapping[str, Any],
        told: dict[str, Any],
    ) -> Job:
        """Charge for a job, start it, and list it; its maker gets the request as it came."""
        self.box.jobs.settle(NAME, call.owner)
        job = self.box.jobs.open(
            *(NAME, call.owner, medium, json.loads(await call.request.body())),
            price=Decimal(price),
            seconds=seconds,
            files=[f"webgen_{{id}}_00001{suffix}"],
            facts={"model": model, "prompt_id": str(uuid4()), **facts},
        )
        flags = {"is_favorite": False, "is_public": False, "share_token": None, "project_id": None}
        known = {"job_id": job.id, "prompt_id": job.facts["prompt_id"], "model": model, "credits_used": price}
        self.robot.add(call, medium, flags | known | told)
        return job

    def answer(self, call: Call[Any], job: Job) -> dict[str, Any]:
        """The documented answer to a create."""
        ids = {"job_id": job.id, "prompt_id": job.facts["prompt_id"]}
        return self.robot.sold(call, int(job.price), **ids)

    def status(self, call: Call[Any], job: Job) -> dict[str, Any]:
        """What a poll says."""
        word = word_of(job)
        reply: dict[str, Any] = {"status": word, "job_id": job.id, "media_type": job.service}
        if word == "queued":
            reply |= {"progress": 0, "queue_position": self.position(call, job)}
        elif word == "processing":
            reply["progress"] = int(job.progress * 100)
        elif word == "completed":
            reply |= {"progress": 100, "filename": job.files[0]}
        elif word == "error":
            reply["error"] = "The sandbox was asked to fail this job"
        return reply

    def active(self, call: Call[Any]) -> list[Job]:
        """The caller's jobs under way, oldest first."""
        jobs = self.box.jobs.all(NAME, call.owner, MEDIA, 1_000_000)
        return [job for job in reversed(jobs) if job.state == "running"]

    def position(self, call: Call[Any], job: Job) -> int:
        """A job's place in the queue, from 1; 0 when it is no longer in it."""
        ids = [one.id for one in self.active(call)]
        return ids.index(job.id) + 1 if job.id in ids else 0

    def cancel(self, call: Call[Any], job_id: str) -> bool:
        """Stop a job; its credits come back only while it is queued."""
        self.box.jobs.settle(NAME, call.owner)
        job = self.job(call, job_id)
        return bool(self.box.jobs.cancel(NAME, call.owner, job_id, refund=word_of(job) == "queued"))

    def job(self, call: Call[Any], job_id: str) -> Job:
        """One of the caller's jobs, as it stands."""
        try:
            job = self.box.jobs.of(job_id)
        except KeyError:
            raise absent("Job") from None
        if (job.backend, job.owner) != (NAME, call.owner):
            raise absent("Job")
        return job

    def row(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record with how its job stands."""
        self.box.jobs.settle(NAME, record["owner"])
        job = self.box.jobs.of(record["job_id"])
        filename = job.files[0] if job.state == "done" else None
        return self.robot.shown(record) | {"status": word_of(job), "filename": filename}

    def page(self, call: Call[Any], medium: Medium) -> dict[str, Any]:
        """The caller's history, newest first."""
        limit, offset = call.number("limit", 50, 1, 200), call.number("offset", 0)
        records = self.robot.all(medium, call.owner)[::-1]
        rows = [self.row(record) for record in records[offset : offset + limit]]
        return {"generations": rows, "total": len(records)}

    def delete(self, call: Call[Any], medium: Medium) -> dict[str, Any]:
        """Forget a generation and its file; one still under way is stopped first."""
        record = self.robot.owned(call, medium)
        self.cancel(call, record["job_id"])
        for name in self.box.jobs.of(record["job_id"]).files:
            self.box.drop(name)
        self.box.records.drop(record["id"])
        return {"success": True}


def word_of(job: Job) -> str:
    """The word for a job's present state."""
    if job.state == "running":
        return "queued" if job.progress < WAITS else "processing"
    return {"done": "completed", "failed": "error", "cancelled": "cancelled"}[job.state]
