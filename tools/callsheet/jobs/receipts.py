"""The receipts of a ledger's jobs, as they stand now."""

import contextlib
import time
from datetime import datetime

from callsheet.backends.providers import Providers
from callsheet.catalogue.model import Price
from callsheet.catalogue.words import OPERATIONS
from callsheet.errors import RequestError
from callsheet.jobs.receipt import Receipt, receipt
from callsheet.jobs.request import request
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.stages import STATUS, whole
from callsheet.ledger.tables import Job
from callsheet.money.purse import Purse
from callsheet.settings.callers import OWNER

STALLED_S = 600.0
"""A job is not called stalled sooner."""


class Receipts:
    """What callers are shown of their jobs."""

    def __init__(self, ledger: Ledger, purse: Purse, providers: Providers) -> None:
        self.ledger = ledger
        self.purse = purse
        self.providers = providers
        self.wait = purse.settings.wait

    async def of(self, job_id: str, caller: str | None = None, repeated: bool = False) -> Receipt:
        """A job's receipt as it stands; an ended one counts as handed over from now on. No caller: the owner asks."""
        job, reader = await self.ledger.get(job_id, caller), caller or OWNER
        parts = await self.ledger.parts(job_id, caller)
        if all(part.ended for part in parts):
            await self.ledger.hand_over(job)
            if job.stage == "group":
                await self.ledger.end_group(job, whole(parts))
        means = await self.purse.means(job.account, reader)
        return receipt(
            job,
            parts,
            self.purse.worth,
            wait=self.wait,
            balance=means.left,
            spent_today=means.today,
            left_today=None if reader == OWNER else means.left_today,
            repeated=repeated,
            instead=self.instead(parts[0]) if whole(parts) in ("failed", "refused") else None,
            stalled=next(filter(None, map(self.stalled, parts)), None),
        )

    async def recent(
        self, caller: str, limit: int = 20, status: str | None = None, since: str | None = None
    ) -> list[Receipt]:
        """A caller's receipts, the newest first.

        Raises:
            RequestError: `since` is no time.
        """
        try:
            after = datetime.fromisoformat(since).timestamp() if since else 0.0
        except ValueError:
            raise RequestError(f"`since`: `{since}` is no ISO time, such as 2026-11-21T08:00.") from None
        found: list[Receipt] = []
        stages = [*(stage for stage, word in STATUS.items() if word == status), "group"] if status else None
        page, skip = await self.ledger.recent(caller, limit, after, stages), 0
        while page:
            parts = await self.ledger.families(page)
            told = [receipt(job, parts[job.id], self.purse.worth, wait=self.wait) for job in page]
            found += [one for one in told if status in (None, one.status)]
            skip += limit
            page = await self.ledger.recent(caller, limit, after, stages, skip) if len(found) < limit else []
        return found[:limit]

    def usual_s(self, job: Job) -> float:
        """How long such a job usually takes."""
        return request(job, self.providers.catalogue).typical_s

    def instead(self, job: Job) -> str | None:
        """The next best model that could do what a job did not, and what it would cost; nothing switches by itself.

        None where a person said no. Where money was in the way, one that may be spent unasked goes first; a dearer one
        is named only where nothing but a yes was missing, never as a way round a cap.
        """
        if not (job.error or {}).get("safe_to_retry", True):
            return None
        catalogue, found = self.providers.catalogue, []
        kind, order = OPERATIONS[job.operation], catalogue.models(job.operation)
        after = [model.id for model in order].index(request(job, catalogue).id) + 1 if order else 0
        for model in order[after:] + order[:after]:
            if model.id != job.model and model.auto and model.id.partition("/")[0] in self.providers.names():
                with contextlib.suppress(RequestError):
                    other = catalogue.ask(kind.of(job.words | {"model": model.id}, by_person=True))
                    found.append((other.name, other.price().times(job.count)))
        if job.stage == "refused" and job.quoted is not None:
            price = Price(job.quoted, job.quoted, job.published).times(job.count)
            cheaper = [one for one in found if one[1].high < price.high and not self.asks(one[0], one[1], job.caller)]
            found = cheaper or (found if self.asks(job.model, price, job.caller) else [])
        return f"or {job.operation}(…, model='{found[0][0]}') for {found[0][1]}" if found else None

    def asks(self, model: str, price: Price, caller: str) -> bool:
        """Whether a person would have to agree to this price."""
        return self.purse.question(model.partition("/")[0], price, caller) is not None

    def stalled(self, job: Job) -> str | None:
        """What to say of a job that has been under way for far longer than usual; it is never given up by itself."""
        usual, age = self.usual_s(job), time.time() - (job.sent_at or time.time())
        if job.stage != "sent" or age < max(STALLED_S, 6 * usual):
            return None
        return f"stalled: no end after {age / 60:.0f} min, usually {usual:.0f} s; looked at ever less often"
