"""Limits in credits: one number for every backend, or one for each; `usd` is one in dollars over all together."""

from decimal import Decimal, InvalidOperation

USD = "usd"


class PerBackend(dict[str, Decimal]):
    """A number for every backend (under `*`), or one each."""

    def of(self, backend: str) -> Decimal | None:
        """The number for this backend; None where none is set."""
        return self.get(backend, self.get("*"))

    @property
    def usd(self) -> Decimal | None:
        """The number of dollars for all backends together; None where none is set."""
        return self.get(USD)


def limits(text: str) -> PerBackend:
    """Read `5` or `one=5,another=200,usd=3`."""
    given = PerBackend()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            amount = Decimal(number.strip())
        except InvalidOperation:
            raise ValueError(f"`{part}` is not a number, nor backend=number") from None
        if not amount.is_finite() or amount < 0:
            raise ValueError(f"`{part}` is not a number from 0 up")
        given[name.strip() or "*"] = amount
    return given
