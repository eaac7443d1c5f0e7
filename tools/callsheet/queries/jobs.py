"""The questions about jobs: how one is, which there are, and what may become of it."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from callsheet.catalogue.consent import Question
from callsheet.catalogue.query import Answer, Query
from callsheet.catalogue.words import Credits
from callsheet.jobs.receipt import Receipt
from callsheet.ledger.stages import Status

if TYPE_CHECKING:
    from callsheet.studio import Studio


class GetJob(Query):
    """A job's receipt; waits up to wait_s for its end, and fetches again what is paid but not on disk."""

    name, answers = "get_job", Receipt

    job_id: str
    wait_s: Annotated[float, Field(ge=0, le=600)] = 0.0

    async def question(self, studio: "Studio", caller: str) -> Question | None:
        return await studio.orders.second_question(self.job_id, caller)

    async def answer(self, studio: "Studio", caller: str) -> Receipt:
        return await studio.receipts.of(self.job_id, caller)


class Jobs(Answer):
    """Receipts."""

    jobs: list[Receipt]


class ListJobs(Query):
    """Your jobs, newest first."""

    name, answers = "list_jobs", Jobs

    status: Status | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20
    since: str | None = Field(default=None, description="ISO time")

    async def answer(self, studio: "Studio", caller: str) -> Jobs:
        return Jobs(jobs=await studio.receipts.recent(caller, self.limit, self.status, self.since))


class CancelJob(Query):
    """Cancel a job, at the backend where it can; says what comes back."""

    name, answers, changes, destroys = "cancel_job", Receipt, True, True

    job_id: str

    async def answer(self, studio: "Studio", caller: str) -> Receipt:
        said = await studio.carrier.cancel(self.job_id, caller)
        found = await studio.receipts.of(self.job_id, caller)
        return found.model_copy(update={"progress": said})


class ResubmitJob(Query):
    """Send an unknown job again; it may be paid twice, so it needs the user's consent as max_credits."""

    name, answers, changes, spends = "resubmit_job", Receipt, True, True

    job_id: str
    max_credits: Credits | None = None

    async def question(self, studio: "Studio", caller: str) -> Question | None:
        return None if studio.settings.ask == "never" else await studio.orders.question_again(self.job_id, caller)

    async def answer(self, studio: "Studio", caller: str) -> Receipt:
        job = await studio.orders.again(self.job_id, self.max_credits, caller, self._yes)
        await studio.carrier.wait(job.id, studio.settings.wait, caller)
        return await studio.receipts.of(job.id, caller)
