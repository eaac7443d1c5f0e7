"""What a provider needs of whoever hands out the account's places; the pace itself knows nothing of HTTP."""

from typing import Protocol

from callsheet.ledger.tables import Job


class Pace(Protocol):
    """The places of every account."""

    async def place(self, account: str) -> None:
        """Wait for a place in the account's minute, and take it."""
        ...

    async def turn(self, job: Job, typical_s: float, floor_s: float, looked_at: float) -> None:
        """Wait until it is this job's turn to be looked at, and take a place for it."""
        ...

    async def close(self, account: str, seconds: float) -> None:
        """The backend asked for quiet: no request of this account goes out for so long."""
        ...
