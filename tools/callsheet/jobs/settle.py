"""What a call taught us of a job, as the ledger notes it."""

import logging
import time
from decimal import Decimal
from typing import Any

from callsheet.backends.dialect import Dialect, Step
from callsheet.catalogue.model import Model
from callsheet.ledger.ledger import SEARCH_S
from callsheet.ledger.tables import SEARCHES_FIRST, Job

MOST_TIMES = 100
"""What costs more than so many times what was reserved for it (or as many credits, where that was less than one) was
not charged, but misread or made up."""

log = logging.getLogger(__name__)


def settle(job: Job, ask: Model, dialect: Dialect, step: Step) -> dict[str, Any]:
    """What a call taught us, as the ledger notes it: with what was charged, and what comes back."""
    noted: dict[str, Any] = {k: v for k, v in step.items() if k not in ("pause", "patience", "charged", "basis")}
    stage, now = step.get("stage", job.stage), time.time()
    if "pause" in step:
        noted["due"] = now + step["pause"]
    if stage == "approved" and job.tries >= step.get("patience", 1):
        return noted | {"stage": "failed"}
    if stage in ("sent", "made") and job.charged_at is None and (ask.charged == "create" or stage == "made"):
        noted["charged_at"] = now
    if stage == "made":
        noted |= {"made_at": job.made_at or now, "error": None}
    exact = job.quoted if job.quoted == job.quoted_low and job.published else None
    said, charged = believed(step.get("charged"), job), job.charged
    if stage == "unknown":
        noted |= {"due": now + SEARCH_S[0], "searched": 0 if dialect.lists(ask) else SEARCHES_FIRST}
    if stage in ("failed", "cancelled"):
        if charged is None:
            charged = exact if job.charged_at else said
        back = charged - said if charged and said is not None else Decimal(0)
        noted |= {"charged": charged or Decimal(0), "basis": "reported" if said is not None else "documented"}
        noted |= {"refunded": max(back, Decimal(0))}
        if charged and not back and (dialect.refunds if stage == "failed" else dialect.gives_back(job.progress)):
            noted["refund_expected"] = charged
    elif said is not None and (stage == "made" or said >= (charged or 0)):
        noted |= {"charged": said, "basis": step.get("basis", "reported")}
    elif stage == "made" and charged is None and exact is not None:
        noted |= {"charged": exact, "basis": "documented"}
    return noted


def believed(said: Decimal | None, job: Job) -> Decimal | None:
    """What a backend says it charged, where that can be; what cannot be is told to the log, and the quote stands."""
    if said is None or 0 <= said <= MOST_TIMES * max(job.quoted or Decimal(0), Decimal(1)):
        return said
    log.warning("%s: %s says that it charged %s, which is not believed", job.id, job.backend, f"{said:.3g}")
    return None
