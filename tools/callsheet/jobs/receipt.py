"""The receipt: what a job is, cost and left behind; the same for MCP, CLI and sidecars."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from callsheet.catalogue.model import amount, plain
from callsheet.ledger.stages import ENDED, STATUS, Status, whole
from callsheet.money.worth import Worth, dollars

if TYPE_CHECKING:
    from callsheet.ledger.tables import Job


class Part(BaseModel):
    """A piece of a receipt; what is absent is left out, never null."""

    model_config = ConfigDict(extra="forbid")


class Credits(Part):
    """In the backend's own unit; `usd` is about what it comes to, less refunds, or would."""

    quoted: float | None = None
    charged: float | None = None
    refunded: float | None = None
    refund_expected: float | None = None
    balance: float | None = None
    spent_today: float | None = None
    left_today: float | None = None
    basis: Literal["reported", "observed", "documented"] | None = None
    unit: str | None = None
    usd: float | None = None


class Medium(Part):
    """A stored file."""

    uri: str
    path: str | None = None
    url: str | None = None
    mime_type: str
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


class Fault(Part):
    """What went wrong, and whether the same call may safely be made again."""

    kind: Literal["request", "spend", "provider"]
    message: str
    safe_to_retry: bool


class Receipt(Part):
    """What every job tool answers."""

    job_id: str
    status: Status
    operation: str
    title: str | None = None
    model: str
    backend: str
    sandbox: bool
    credits: Credits
    media: list[Medium] | None = None
    text: str | None = None
    progress: str | None = None
    elapsed_s: float
    next: str | None = None
    repeated: bool | None = None
    error: Fault | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without what is absent."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def bad(self) -> bool:
        """Whether a tool should call this an error."""
        return self.status in ("failed", "refused", "unknown")

    def lines(self) -> str:
        """The same in two lines, for a reader of text."""
        where = f"{self.model}{' (sandbox)' if self.sandbox else ''}"
        cost = self.cost()
        first = f"{self.job_id} {self.status}: {self.operation} with {where}, {cost}."
        if self.repeated:
            first += " The same call as before, so the same job; pass variation=2 for another."
        rest = [medium.path or medium.url or medium.uri for medium in self.media or ()]
        if self.text and self.status == "completed":
            rest.insert(0, self.text)
        if self.error:
            rest.append(self.error.message)
        if self.progress and not self.next:
            rest.append(self.progress)
        if self.next:
            rest.append(f"{self.progress + '. ' if self.progress else ''}Next: {self.next}")
        return "\n".join([first, " ".join(rest)] if rest else [first])

    def cost(self) -> str:
        """What it cost, or will, in words."""
        c = self.credits
        if c.charged is not None:
            text = f"{amount(c.charged)} charged"
        elif self.status in ("failed", "cancelled"):
            text = "nothing charged"
        elif c.quoted is not None:
            text = f"{amount(c.quoted)} {'quoted' if self.status == 'refused' else 'reserved'}"
        else:
            text = "nothing spent"
        if c.usd and (c.charged is not None or c.quoted is not None):
            text += f" (about {dollars(c.usd)})"
        if c.refunded:
            text += f", {plain(c.refunded)} refunded"
        if c.refund_expected:
            text += f", {plain(c.refund_expected)} to be refunded"
        if c.left_today is not None:
            text += f", {plain(c.left_today)} left for you today"
        return text + (f", {plain(c.balance)} left" if c.balance is not None else "")


def total(amounts: Sequence[Decimal | None]) -> float | None:
    """A sum, or None where nothing is known."""
    known = [amount for amount in amounts if amount is not None]
    return float(sum(known)) if known else None


def costs(part: "Job") -> Decimal:
    """What a job costs as far as is known: charged less refunded, else what is set aside for it or would be."""
    if part.charged is not None:
        return part.net
    return Decimal(0) if part.stage in ("failed", "cancelled") else part.quoted or Decimal(0)


def receipt(
    job: "Job",
    parts: Sequence["Job"],
    worth: Worth,
    *,
    wait: float = 45,
    balance: Decimal | None = None,
    spent_today: Decimal | None = None,
    left_today: Decimal | None = None,
    repeated: bool = False,
    instead: str | None = None,
    stalled: str | None = None,
) -> Receipt:
    """The receipt of a job, whose parts are itself or the several that one call asked for."""
    stage = whole(parts)
    status = STATUS[stage]
    usd = worth.usd(job.backend, sum((costs(part) for part in parts), Decimal(0)))
    money = Credits(
        quoted=total([part.quoted for part in parts]),
        charged=total([part.charged for part in parts]),
        refunded=total([part.refunded or None for part in parts]),
        refund_expected=total([part.refund_expected or None for part in parts]),
        balance=None if balance is None else round(float(balance), 9),
        spent_today=None if spent_today is None else round(float(spent_today), 9),
        left_today=None if left_today is None else round(float(left_today), 9),
        basis=next((part.basis for part in parts if part.basis), None),
        unit=worth.unit(job.backend),
        usd=None if usd is None else float(usd),
    )
    faults = [part.error for part in parts if part.error and part.stage in (*ENDED, "made")]
    texts = [part.harvest.text for part in parts if part.harvest and part.harvest.text]
    media = [Medium(**item) for part in parts for item in part.media]
    ended = max((part.ended_at or 0.0 for part in parts), default=0.0)
    more = status == "working"
    return Receipt(
        job_id=job.id,
        status=status,
        operation=job.operation,
        title=job.title or None,
        model=job.model,
        backend=job.backend,
        sandbox=job.sandbox,
        credits=money,
        media=[m.model_copy(update={"uri": f"media://{job.id}/{n}"}) for n, m in enumerate(media)] or None,
        text="\n".join(texts) if texts and not more else None,
        progress=(stalled or next((part.progress for part in parts if part.progress), None)) if more else None,
        elapsed_s=round((time.time() if more else ended) - job.created_at, 1),
        next=advice(job, stage, wait) or instead,
        repeated=repeated or None,
        error=Fault(**faults[0]) if faults else None,
    )


def advice(job: "Job", stage: str, wait: float) -> str | None:
    """The call to make next, if there is one."""
    if STATUS[stage] == "working":
        return f"get_job(job_id='{job.id}', wait_s={wait:g})"
    return None
