"""What a token costs at Phaya, in THB."""

from decimal import Decimal

from callsheet_sandbox.talk import Said

PRICE_IN = Decimal("10.50") / 1_000_000
PRICE_OUT = Decimal("87.50") / 1_000_000
PRICE_EMBEDDING = Decimal("2.80") / 1_000_000


def price(said: Said) -> Decimal:
    """What an answer costs."""
    return said.tokens_in * PRICE_IN + said.tokens_out * PRICE_OUT
