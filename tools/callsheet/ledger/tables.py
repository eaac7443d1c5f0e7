"""The ledger's tables, and a job as a row of one of them. Credits are whole billionths."""

import json
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from callsheet.catalogue.model import Harvest
from callsheet.ledger.stages import ENDED

NANO = 10**9
SEARCHES_FIRST = 2
"""So often a job whose create was not answered is searched for before anybody is told that it is unknown."""

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("parent", String, index=True),
    Column("caller", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("model", String, nullable=False),
    Column("account", String, nullable=False),
    Column("title", String, nullable=False, default=""),
    Column("words", Text, nullable=False),
    Column("digest", String, nullable=False, index=True),
    Column("max_credits", BigInteger),
    Column("agreed", BigInteger),
    Column("approval", String, index=True),
    Column("asks", Boolean),
    Column("staged", Boolean),
    Column("plan", String, index=True),
    Column("place", Integer),
    Column("stage", String, nullable=False),
    Column("count", Integer, nullable=False, default=1),
    Column("quoted_low", BigInteger),
    Column("quoted", BigInteger),
    Column("published", Boolean, nullable=False, default=True),
    Column("charged", BigInteger),
    Column("basis", String),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("refund_expected", BigInteger, nullable=False, default=0),
    Column("endpoint", String),
    Column("body_hash", String),
    Column("ticket", String),
    Column("hook", String),
    Column("progress", String),
    Column("tries", Integer, nullable=False, default=0),
    Column("looks", Integer, nullable=False, default=0),
    Column("searched", Integer, nullable=False, default=0),
    Column("adopted", Boolean, nullable=False, default=False),
    Column("harvest", Text),
    Column("media", Text),
    Column("error", Text),
    Column("owner", String),
    Column("lease", Float, nullable=False, default=0.0),
    Column("due", Float, nullable=False, default=0.0),
    Column("created_at", Float, nullable=False),
    Column("sent_at", Float),
    Column("charged_at", Float),
    Column("made_at", Float),
    Column("ended_at", Float),
    Column("handed_at", Float),
    Index("jobs_stage", "stage", "due"),
    Index("jobs_ticket", "account", "ticket", unique=True),
    Index("jobs_hook", "hook"),
    Index("jobs_newest", "caller", "parent", "created_at"),
    Index("jobs_newest_staged", "caller", "parent", "stage", "created_at"),
    Index("jobs_held", "account", "stage", "charged_at"),
    Index("jobs_charged", "account", "charged_at", "sent_at"),
    Index("jobs_ended", "account", "ended_at", "sent_at"),
    Index("jobs_lasting", "account", "model", "made_at", "sent_at"),
    Index(
        "jobs_spent",
        *("account", "sent_at", "model", "caller", "stage"),
        *("charged", "quoted", "refunded", "refund_expected"),
    ),
)
"""Each index answers one question, named after it; none is asked by reading every job."""

readings = Table(
    "readings",
    metadata,
    Column("account", String, primary_key=True),
    Column("asked_at", Float, primary_key=True),
    Column("credits", BigInteger, nullable=False),
)

statements = Table(
    "statements",
    metadata,
    Column("account", String, primary_key=True),
    Column("day", String, primary_key=True),
    Column("content", Text, nullable=False),
)

questions = Table(
    "questions",
    metadata,
    Column("digest", String, primary_key=True),
    Column("text", Text, nullable=False),
    Column("prices", Text, nullable=False),
    Column("until", Float, nullable=False),
)

paces = Table(
    "paces",
    metadata,
    Column("account", String, primary_key=True),
    Column("grants", Text, nullable=False),
    Column("looked_at", Float, nullable=False, default=0.0),
    Column("closed_until", Float, nullable=False, default=0.0),
)

facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))


@dataclass(frozen=True)
class Job:
    """One row of the ledger: a request, how far it is, and what it cost."""

    id: str
    caller: str
    operation: str
    model: str
    account: str
    words: dict[str, Any]
    digest: str
    stage: str = "new"
    parent: str | None = None
    title: str = ""
    max_credits: Decimal | None = None
    agreed: Decimal | None = None
    """What a person said yes to."""
    approval: str | None = None
    """What shows that yes; it begins one job, however often it is shown."""
    asks: bool | None = None
    """Whether a person can be asked again, through whoever looks at it."""
    staged: bool | None = None
    """Whether it is made of what the sandbox made, wherever it is made."""
    plan: str | None = None
    place: int | None = None
    count: int = 1
    quoted_low: Decimal | None = None
    quoted: Decimal | None = None
    published: bool = True
    charged: Decimal | None = None
    basis: str | None = None
    refunded: Decimal = Decimal(0)
    refund_expected: Decimal = Decimal(0)
    endpoint: str | None = None
    body_hash: str | None = None
    ticket: str | None = None
    hook: str | None = None
    """What its backend must know to call us about it."""
    progress: str | None = None
    tries: int = 0
    looks: int = 0
    searched: int = 0
    adopted: bool = False
    harvest: Harvest | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    owner: str | None = None
    lease: float = 0.0
    due: float = 0.0
    created_at: float = field(default_factory=time.time)
    sent_at: float | None = None
    charged_at: float | None = None
    made_at: float | None = None
    ended_at: float | None = None
    handed_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen soon by itself: an unknown job has been searched for at least twice."""
        return self.stage in ENDED and not (self.stage == "unknown" and self.searched < SEARCHES_FIRST)

    @property
    def backend(self) -> str:
        """The backend's name."""
        return backend_of(self.account)

    @property
    def sandbox(self) -> bool:
        """Whether the sandbox does the work, or did it on what this is made of."""
        return self.account.startswith("sandbox/") or bool(self.staged)

    @property
    def left_at(self) -> float:
        """Since when nobody carries it, if nobody does."""
        return max(self.created_at, self.lease)

    @property
    def net(self) -> Decimal:
        """Credits that are gone for good, as far as is known."""
        return (self.charged or Decimal(0)) - self.refunded


def backend_of(account: str) -> str:
    """The backend where an account is, be it the sandbox's or its own."""
    return account.rpartition("/")[2]


CREDITS = {"max_credits", "agreed", "quoted_low", "quoted", "charged", "refunded", "refund_expected"}
JSON = {"words", "media", "error"}


def to_row(values: dict[str, Any]) -> dict[str, Any]:
    """Values as columns hold them."""
    row = dict(values)
    for name, value in values.items():
        if name in CREDITS and value is not None:
            row[name] = nano(value)
        elif name in JSON and value is not None:
            row[name] = json.dumps(value, ensure_ascii=False)
        elif name == "harvest" and value is not None:
            row[name] = json.dumps({"urls": value.urls, "text": value.text, "files": value.files}, ensure_ascii=False)
    return row


def from_row(row: Any) -> Job:
    """A job out of its columns."""
    values = dict(row._mapping)
    for name, value in values.items():
        if value is None:
            continue
        if name in CREDITS:
            values[name] = credits(value)
        elif name in JSON:
            values[name] = json.loads(value)
        elif name == "harvest":
            values[name] = Harvest(**json.loads(value))
    values["media"] = values["media"] or []
    return Job(**values)


def nano(amount: Decimal) -> int:
    """Credits as whole billionths."""
    return round(amount * NANO)


def credits(amount: int | None) -> Decimal:
    """Whole billionths as credits."""
    return Decimal(amount or 0) / NANO
