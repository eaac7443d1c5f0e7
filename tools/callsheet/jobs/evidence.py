"""What a backend's lists prove about a job whose create was never answered.

Lists may only make us adopt: a job that they show, that nobody holds, and that can be no other than ours. What they do
not show proves nothing - most are undocumented, late or short - so absence never sends anything again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from callsheet.backends.dialect import number
from callsheet.ledger.tables import Job

EARLY_S = 120.0
"""A backend's clock may be so far behind ours."""
LATE_S = 900.0
"""A create that arrived was accepted at most so long after it was sent."""

LATEST = 1e14
"""In milliseconds, some thousand years from now."""

IDS = ("job_id", "jobId", "ticket", "prompt_id", "id")
TIMES = ("created_at", "createdAt", "created", "timestamp", "date")
AMOUNTS = ("amount", "credits_used", "credits", "cost")


@dataclass(frozen=True)
class Trace:
    """One job in a backend's list."""

    ticket: str
    at: float | None = None
    prompt: str | None = None
    amount: Decimal | None = None
    service: str | None = None


def traces(body: Any, ids: Sequence[str] = IDS) -> list[Trace]:
    """The jobs in a list, under whatever names they stand; empty where it cannot be read."""
    rows = body if isinstance(body, list) else next((v for v in values(body) if isinstance(v, list)), [])
    found = (trace(row, ids) for row in rows if isinstance(row, dict))
    return [one for one in found if one is not None]


def values(body: Any) -> Iterable[Any]:
    """The values of an object, if it is one."""
    return body.values() if isinstance(body, dict) else ()


def trace(row: Mapping[str, Any], ids: Sequence[str]) -> Trace | None:
    """One row of a list; None where it names no job."""
    ticket = next((str(row[name]) for name in ids if row.get(name)), None)
    if ticket is None:
        return None
    inner = next((row[name] for name in ("input", "params", "request") if isinstance(row.get(name), dict)), row)
    prompt = row.get("prompt", inner.get("prompt"))
    amounts = (number(row.get(name)) for name in AMOUNTS)
    return Trace(
        ticket=ticket,
        at=next((at for name in TIMES if (at := moment(row.get(name))) is not None), None),
        prompt=prompt if isinstance(prompt, str) else None,
        amount=next((abs(amount) for amount in amounts if amount is not None), None),
        service=row["service"] if isinstance(row.get("service"), str) else None,
    )


def moment(value: Any) -> float | None:
    """A time as seconds since 1970, from ISO text, seconds or milliseconds; None for what no clock shows."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < LATEST:
            return None
        return value / 1000 if value > 1e11 else float(value)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        if not 1970 < found.year < 9999:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def merged(lists: Iterable[Sequence[Trace]]) -> dict[str, Trace]:
    """What several lists together say of each job."""
    known: dict[str, Trace] = {}
    for one in (one for found in lists for one in found):
        before = known.get(one.ticket)
        if before is None:
            known[one.ticket] = one
        else:
            more = {name: value for name, value in vars(one).items() if getattr(before, name) is None}
            known[one.ticket] = replace(before, **more)
    return known


def fits(job: Job, found: Trace) -> bool:
    """Whether nothing that a trace says speaks against its being this job."""
    if found.at is None or job.sent_at is None:
        return False
    if not job.sent_at - EARLY_S <= found.at <= job.sent_at + LATE_S:
        return False
    said = job.words.get("prompt") or job.words.get("text")
    if found.prompt is not None and found.prompt != said:
        return False
    exact = job.quoted if job.published and job.quoted == job.quoted_low else None
    if found.amount is not None and exact is not None and found.amount not in (exact, Decimal(0)):
        return False
    return found.service is None or found.service in str(job.endpoint).split("/")


def match(job: Job, rivals: Sequence[Job], found: Iterable[Trace]) -> Trace | None:
    """The trace that must be this job's, if there is one.

    `rivals` are the other jobs of the account whose outcome is unknown. A trace that shows the prompt is ours as long
    as no rival has other words to the same prompt; one that shows no prompt only if it fits nobody else, and nothing
    else fits us.
    """
    ours = [one for one in found if fits(job, one)]
    told = [one for one in ours if one.prompt is not None]
    if told:
        others = [rival for rival in rivals if rival.body_hash != job.body_hash]
        return None if any(fits(rival, one) for rival in others for one in told) else told[0]
    blind = [one for one in ours if one.prompt is None]
    if len(blind) == 1 and not any(fits(rival, blind[0]) for rival in rivals):
        return blind[0]
    return None
