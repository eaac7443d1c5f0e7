"""Phantaisia (eventstation.ai): stills set in motion, and filters for pictures of people."""

from decimal import Decimal

from callsheet.settings.backends import Backend, Variable, Worth, key

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="phantaisia",
    title="Phantaisia",
    worth=Worth(Decimal("0.116"), "Tier A: 1,000 credits for €100; a euro is 1.16 dollars", "2026-11-27"),
    key=key("PHANTAISIA_TOKEN", "token for Phantaisia"),
    base=Variable("PHANTAISIA_BASE", "Phantaisia's address", "https://api.phantaisia.com"),
    ask_above=Decimal(2),
    max_per_day=Decimal(100),
    rank=500,
    dialect="dialect:Phantaisia",
    models=("video", "image"),
)
