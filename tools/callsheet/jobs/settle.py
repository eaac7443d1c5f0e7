"""What a call taught us of a job, as the ledger notes it."""

import time
from decimal import Decimal
from typing import Any

from callsheet.backends.dialect import Dialect, Step
from callsheet.catalogue.model import Model
from callsheet.ledger.ledger import SEARCH_S
from callsheet.ledger.tables import SEARCHES_FIRST, Job


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
    said, charged = step.get("charged"), job.charged
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
