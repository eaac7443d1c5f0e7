"""The request that a job makes."""

from callsheet.catalogue import catalogue
from callsheet.catalogue.model import Model
from callsheet.ledger.tables import Job


def request(job: Job) -> Model:
    """The request that a job makes, rebuilt from what was written down."""
    kind = catalogue.OPERATIONS[job.operation]
    return catalogue.ask(kind.of({**job.words, "model": job.model}, by_person=True))
