"""What is left at the backends: read from them, and told to whom it is theirs to know."""

import time
from decimal import Decimal
from typing import Any

import anyio

from callsheet.backends.providers import Providers
from callsheet.errors import CallsheetError, LedgerTrouble, RequestError
from callsheet.ledger.books import Books
from callsheet.money.purse import Purse
from callsheet.settings.callers import OWNER

BALANCE_S = 60.0
"""So old a balance is still good enough: what was reserved since is subtracted."""


class Balances:
    """The balances of every account."""

    def __init__(self, books: Books, purse: Purse, providers: Providers) -> None:
        self.books = books
        self.purse = purse
        self.providers = providers
        self.reading: dict[str, anyio.Lock] = {}

    async def enough(self, account: str, need: Decimal) -> tuple[Decimal, float] | None:
        """The account's balance, read again where it is old or would not do, once for all who wait for it.

        None where it cannot be read: that stops nothing, for the caps hold.
        """
        async with self.reading.setdefault(account, anyio.Lock()):
            known = await self.books.balance(account)
            if known and time.time() - known[1] < BALANCE_S and (await self.purse.left(account) or Decimal(0)) >= need:
                return known
            try:
                return await self.read(account)
            except LedgerTrouble:
                raise
            except CallsheetError:
                return None

    async def read(self, account: str) -> tuple[Decimal, float] | None:
        """The account's balance now; None where the backend has no such route."""
        found = await self.providers.of(account).balance()
        if found:
            await self.books.note_balance(account, *found)
        return found

    async def told(self, backend: str, detail: bool = False, caller: str = OWNER) -> dict[str, Any]:
        """What is left at a backend, what today cost, and with `detail` what the backend says of the account; for a
        caller who may not see the account what today cost them.

        Raises:
            RequestError: there is no such backend, or no key for it; or `detail` is not for this caller.
        """
        account, sees = self.providers.account(backend), self.purse.settings.http_callers.of(caller).admin
        if detail and not sees:
            raise RequestError("`detail` shows the whole account, which is for this server's admins.")
        balance = await self.read(account) if sees else None
        means = await self.purse.means(account, OWNER if sees else caller)
        found: dict[str, Any] = {"backend": backend, "sandbox": account.startswith("sandbox/")}
        if balance:
            found |= {"balance": float(balance[0]), "available": float(means.left or balance[0])}
            if usd := self.purse.worth.usd(backend, means.left or balance[0]):
                found |= {"usd": float(usd)}
        if self.purse.worth.of(backend) is not None:
            found["unit"] = self.purse.worth.unit(backend)
        found["spent_today"] = float(means.today)
        if means.cap is not None:
            found["max_per_day"] = float(means.cap)
        if not sees and means.left_today is not None:
            found["left_today"] = float(means.left_today)
        if (above := self.purse.above(backend, caller)) is not None:
            found["asked_above"] = float(above)
        if detail:
            provider = self.providers.of(account)
            for label, route in provider.dialect.account().items():
                found[label] = (await provider.call(route)).body
        return found
