"""Whom a job meets on its way: the books, the backends, the files."""

import time
from dataclasses import replace
from typing import Any

from callsheet.backends.dialect import Step
from callsheet.backends.provider import Provider
from callsheet.backends.providers import Providers
from callsheet.catalogue.model import Model
from callsheet.errors import Overtaken, SpendError, Twin
from callsheet.jobs.inputs import Inputs
from callsheet.jobs.label import label
from callsheet.jobs.news import News
from callsheet.jobs.settle import settle
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import Job
from callsheet.media.shelf import Shelf
from callsheet.money.balances import Balances
from callsheet.money.purse import Purse


class Crew:
    """All that `run` needs."""

    def __init__(
        self,
        ledger: Ledger,
        purse: Purse,
        balances: Balances,
        providers: Providers,
        inputs: Inputs,
        shelf: Shelf,
        news: News,
    ) -> None:
        self.ledger = ledger
        self.purse = purse
        self.balances = balances
        self.providers = providers
        self.inputs = inputs
        self.shelf = shelf
        self.news = news
        self.looked: dict[str, float] = {}

    def provider(self, job: Job) -> Provider:
        """The backend at which a job is made."""
        return self.providers.of(job.account)

    async def turn(self, job: Job, ask: Model) -> float:
        """Wait until a job may be looked at; returns when it was looked at before, or sent."""
        looked_at = self.looked.get(job.id, job.sent_at or job.created_at)
        await self.provider(job).turn(job, ask.typical_s, looked_at)
        self.looked[job.id] = time.time()
        return looked_at

    async def answered(self, job: Job, ask: Model, step: Step) -> Job:
        """Note what a submit came to; where somebody took the job over meanwhile, it is theirs to go on with."""
        if step.get("stage") == "refused" and not self.purse.settings.http_callers.of(job.caller).admin:
            short = f"{job.backend} has too few credits left. Whoever runs this server can top up there."
            step["error"] = SpendError(f"{short} Nothing was charged.").as_dict()
        provider = self.provider(job)
        noted = settle(job, ask, provider.dialect, step)
        try:
            return await self.ledger.note(job, **noted)
        except Overtaken:
            await self.ledger.learn(job, **noted)
            raise
        except Twin:
            lost = Step(stage="unknown", error=provider.lost("it gave it the id of another job").as_dict())
            return await self.ledger.note(job, **settle(job, ask, provider.dialect, lost))

    async def store(self, job: Job) -> list[dict[str, Any]]:
        """The results of a job, as files."""
        provider, harvest = self.provider(job), job.harvest
        assert harvest is not None  # noqa: S101  (a job is only `made` with one)
        links = [provider.url(link) if link.startswith("/") else link for link in harvest.urls]
        return await self.shelf.store(label(job), replace(harvest, urls=links), job.media, provider.home)

    def forget(self, job_id: str) -> None:
        """A job is carried no longer."""
        self.looked.pop(job_id, None)
        self.news.spoken.pop(job_id, None)
