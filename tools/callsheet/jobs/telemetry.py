"""What OpenTelemetry is told: the steps of a job, what they cost and how long they took; never a prompt, key or link.

Without an OpenTelemetry SDK in the process, all of it is free and goes nowhere.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from callsheet.ledger.tables import Job

tracer = trace.get_tracer("callsheet")
meter = metrics.get_meter("callsheet")
credits = meter.create_counter("callsheet.credits", "{credit}", "Credits charged, less what came back")
jobs = meter.create_counter("callsheet.jobs", "{job}", "Jobs that ended, by how")
seconds = meter.create_histogram("callsheet.job.duration", "s", "From the order to the end of a job")
lag = meter.create_histogram("callsheet.look.lag", "s", "For at most so long a result was there before it was seen")


def facts(job: "Job") -> dict[str, Any]:
    """What a job's spans and figures are told apart by."""
    return {
        "callsheet.operation": job.operation,
        "callsheet.model": job.model,
        "callsheet.backend": job.backend,
        "callsheet.sandbox": job.sandbox,
    }


@contextmanager
def step(name: str, job: "Job") -> Iterator[None]:
    """A span for one step of a job: `quote`, `submit`, `look` or `fetch`. An error leaves its kind in it, and no words:
    these may quote what a backend said."""
    about = facts(job) | {"callsheet.job_id": job.id}
    kind = SpanKind.INTERNAL if name == "quote" else SpanKind.CLIENT
    with tracer.start_as_current_span(
        f"callsheet {name}", kind=kind, attributes=about, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def seen(job: "Job", looked_at: float) -> None:
    """A look found a result that the look before had not."""
    lag.record(max(time.time() - looked_at, 0.0), facts(job))


def ended(job: "Job") -> None:
    """A job has come to its end."""
    about = facts(job)
    jobs.add(1, about | {"callsheet.stage": job.stage})
    seconds.record(max((job.ended_at or time.time()) - job.created_at, 0.0), about)
    if job.net > 0:
        credits.add(float(job.net), about)
