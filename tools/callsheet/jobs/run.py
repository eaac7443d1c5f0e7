"""The life of a paid job, in one function that is safe to call again."""

import hashlib
import json
import time
from typing import Any

import anyio

from callsheet.backends.dialect import Step
from callsheet.catalogue.model import Model
from callsheet.errors import CallsheetError, Dearer, SpendError
from callsheet.jobs import telemetry
from callsheet.jobs.crew import Crew
from callsheet.jobs.request import request
from callsheet.jobs.settle import settle
from callsheet.jobs.telemetry import step
from callsheet.ledger.tables import Job
from callsheet.media.guard import Gone
from callsheet.money.purse import refused


async def run(job: Job, crew: Crew) -> Job:
    """Carry a job as far through its life as it can go now.

    Each step is written down before the next begins, and a step already written is skipped, so one call starts a job,
    finishes it after a crash, or looks in on it later. Nothing is ever submitted twice: only who takes a job from
    `approved` to `sending` may send it, and a job that is found in `sending` may have been sent.
    """
    ask, note, price = request(job, crew.providers.catalogue), crew.ledger.note, None
    provider, inputs = crew.provider(job), crew.inputs.of(job.caller)

    if job.stage == "new":
        with step("quote", job):
            price = await inputs.priced(ask, provider)
        job = await note(job, stage="quoted", quoted_low=price.low, quoted=price.high, published=price.published)

    if job.stage == "quoted":
        price = price or await inputs.priced(ask, provider)
        job = await crew.purse.approve(job, price, await crew.balances.enough(job.account, price.high * job.count))

    if job.stage == "asking" and job.due < time.time():
        job = await note(job, **refused(SpendError("Not started: nobody said yes to its price in time.")))

    if job.stage == "approved" and await inputs.ready(job, ask):
        try:
            ask = await inputs.prepared(job, ask)
        except Dearer:
            return await note(job, stage="quoted")
        await provider.place()
        job = await note(job, stage="sending", sent_at=time.time(), tries=job.tries + 1, **intent(ask))
        with anyio.CancelScope(shield=True), step("submit", job):
            job = await crew.answered(job, ask, await provider.submit(ask, crew.news.speaker(job), job.hook))
    elif job.stage == "sending":
        job = await crew.answered(job, ask, provider.fell())

    if job.stage == "sent":
        before = await crew.turn(job, ask)
        with step("look", job):
            found = await provider.look(job, ask)
        job = await note(job, looks=job.looks + 1, **settle(job, ask, provider.dialect, found))
        if job.stage == "made":
            telemetry.seen(job, before)

    if job.stage == "made":
        try:
            with step("fetch", job):
                media = await crew.store(job)
            job = await note(job, stage="stored", media=media, error=None)
            await provider.forget(job)
        except Gone as error:
            seen = await provider.look(job, ask) if job.ticket else Step()
            again = {"stage": "approved"} if seen.get("stage") == "approved" else later(job)
            job = await note(job, **again, error=error.as_dict(), harvest=seen.get("harvest") or job.harvest)
        except CallsheetError as error:
            job = await note(job, **later(job), error=error.as_dict())

    return job


def intent(ask: Model) -> dict[str, Any]:
    """What is about to be sent, written down first."""
    body = json.dumps(ask.body(), sort_keys=True, ensure_ascii=False, default=str)
    return {"endpoint": ask.create(), "body_hash": hashlib.sha256(body.encode()).hexdigest()}


def later(job: Job) -> dict[str, Any]:
    """A result that could not be stored is fetched again, ever less often."""
    return {"tries": job.tries + 1, "due": time.time() + min(2.0 ** min(job.tries, 9), 300.0)}
