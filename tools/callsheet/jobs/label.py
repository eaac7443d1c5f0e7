"""What a job's files are called, and what is told of it in their sidecars."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callsheet.ledger.tables import Job
from callsheet.media.shelf import Label, slug
from callsheet.settings.callers import own_folder


def label(job: Job) -> Label:
    """The label of a job's files."""
    made = datetime.fromtimestamp(job.created_at, UTC)
    stem = f"{made:%Y-%m-%d}_{slug(job.title or job.operation)}_{slug(job.model.partition('/')[2])}_j{job.id[2:8]}"
    about = {
        "job_id": job.id,
        "operation": job.operation,
        "prompt": job.words.get("prompt") or job.words.get("text"),
        "words": {name: shortened(value) for name, value in job.words.items()},
        "model": job.model,
        "backend": job.backend,
        "sandbox": job.sandbox,
        "seed": job.words.get("seed"),
        "credits": float(job.charged if job.charged is not None else job.quoted or 0),
        "created_at": made.isoformat(timespec="seconds"),
    }
    return Label(job.id, stem, Path(own_folder(job.caller)), about)


def shortened(value: Any) -> Any:
    """A word for the sidecar: data URIs are the file itself and would only bloat it."""
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return f"{value[:40]}…" if isinstance(value, str) and value.startswith("data:") else value
