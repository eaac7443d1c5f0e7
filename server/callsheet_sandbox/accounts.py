"""Accounts of the sandbox: one per backend and key, opened with credits when the key is first seen."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from callsheet_sandbox.store import Store


class Short(Exception):
    """There are not enough credits for this."""

    def __init__(self, required: Decimal, balance: Decimal) -> None:
        super().__init__(f"{required} credits are needed, {balance} are left")
        self.required = required
        self.balance = balance


@dataclass(frozen=True)
class Move:
    """One line of an account's statement: below zero for a charge, above zero for a refund or a gift."""

    id: int
    amount: Decimal
    type: str
    service: str
    job_id: str | None
    at: float
    balance: Decimal


def owner_of(key: str) -> str:
    """The name an account goes by: a hash, because a real key sent here by mistake must not be written down."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Accounts:
    """Balances and what moved them, in exact decimals."""

    def __init__(
        self, store: Store, credits: float | Mapping[str, float], clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._credits = credits
        self._clock = clock

    def balance(self, backend: str, owner: str) -> Decimal:
        """What is left; a new owner's account is opened here."""
        row = self._store.row("SELECT balance FROM accounts WHERE backend=? AND owner=?", backend, owner)
        if row:
            return Decimal(row["balance"])
        gift = self._credits.get(backend, 100.0) if isinstance(self._credits, Mapping) else self._credits
        self._store.run(
            "INSERT OR IGNORE INTO accounts VALUES (?,?,?,?)", backend, owner, str(Decimal(str(gift))), self._clock()
        )
        return self.balance(backend, owner)

    def move(
        self,
        backend: str,
        owner: str,
        amount: Decimal,
        *,
        type: str,
        service: str = "",
        job_id: str | None = None,
        owed: bool = False,
    ) -> Decimal:
        """Add the amount (below zero: charge it) and return the new balance.

        A charge that the account cannot pay raises `Short`, unless it is `owed` for work already done.
        """
        with self._store.write():
            before = self.balance(backend, owner)
            after = before + amount
            if amount < 0 and after < 0 and not owed:
                raise Short(-amount, before)
            self._store.run("UPDATE accounts SET balance=? WHERE backend=? AND owner=?", str(after), backend, owner)
            self._store.run(
                "INSERT INTO moves VALUES (NULL,?,?,?,?,?,?,?,?)",
                *(backend, owner, str(amount), type, service, job_id, self._clock(), str(after)),
            )
        return after

    def set(self, backend: str, owner: str, credits: Decimal) -> None:
        """Give an account exactly this balance, as tests and demonstrations wish."""
        with self._store.write():
            self.move(backend, owner, credits - self.balance(backend, owner), type="set", owed=True)

    def moves(self, backend: str, owner: str, limit: int = 20) -> list[Move]:
        """The statement, newest first."""
        rows = self._store.rows(
            "SELECT * FROM moves WHERE backend=? AND owner=? ORDER BY id DESC LIMIT ?", backend, owner, limit
        )
        return [
            Move(
                id=row["id"],
                amount=Decimal(row["amount"]),
                type=row["type"],
                service=row["service"],
                job_id=row["job_id"],
                at=row["at"],
                balance=Decimal(row["balance"]),
            )
            for row in rows
        ]

    def all(self) -> list[dict[str, str]]:
        """Every account, for `GET /_sandbox/accounts`."""
        rows = self._store.rows("SELECT backend, owner, balance FROM accounts ORDER BY opened")
        return [dict(row) for row in rows]
