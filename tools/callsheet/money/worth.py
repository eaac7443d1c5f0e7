"""Dollars: what a backend's unit is worth, so that what different backends take can be added up and compared."""

from decimal import ROUND_HALF_EVEN, Decimal

from callsheet.settings.settings import Settings

FREE = Decimal(0)
CENT, MILLIONTH = Decimal("0.01"), Decimal("0.000001")


class Worth:
    """The worth of each backend's unit, as its owner says or as the backend declares it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def unit(self, backend: str) -> str:
        """In what a backend bills."""
        return self.settings.backends[backend].unit if backend in self.settings.backends else "credit"

    def of(self, backend: str) -> Decimal | None:
        """What one unit of a backend's is worth in dollars; None where nobody says."""
        own = self.settings.worth.get(backend)
        if own is not None or backend not in self.settings.backends:
            return own
        declared = self.settings.backends[backend].worth
        return declared.usd if declared else None

    def usd(self, backend: str, credits: Decimal) -> Decimal | None:
        """So many of its units in dollars, to a millionth; None where nobody says what one is worth."""
        worth = self.of(backend)
        if not credits:
            return FREE
        return None if worth is None else (credits * worth).quantize(MILLIONTH, ROUND_HALF_EVEN).normalize()

    def about(self, backend: str, credits: Decimal) -> str:
        """The same in brackets; nothing where it is free or not known."""
        usd = self.usd(backend, credits)
        return f" (about {dollars(usd)})" if usd else ""

    def sentence(self, backend: str, credits: Decimal) -> str:
        """The same as a sentence."""
        usd = self.usd(backend, credits)
        return f" About {dollars(usd)}." if usd else ""


def dollars(usd: Decimal | float) -> str:
    """`$0.23`, `$0.0029`: cents, and two figures of what is less than ten of them."""
    amount = Decimal(str(usd))
    if abs(amount) >= Decimal("0.1"):
        return f"${amount.quantize(CENT)}"
    return f"${Decimal(f'{amount:.2g}'):f}"
