"""The request that a job makes."""

from callsheet.catalogue.catalogue import Catalogue
from callsheet.catalogue.model import Model
from callsheet.catalogue.words import OPERATIONS
from callsheet.ledger.tables import Job


def request(job: Job, catalogue: Catalogue) -> Model:
    """The request that a job makes, rebuilt from what was written down."""
    kind = OPERATIONS[job.operation]
    return catalogue.ask(kind.of({**job.words, "model": job.model}, by_person=True))
