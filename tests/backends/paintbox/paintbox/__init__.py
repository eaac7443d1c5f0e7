"""Paintbox: pictures from text, two credits each."""

from decimal import Decimal

from callsheet.settings.backends import Backend, Variable, Worth, key

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="paintbox",
    title="Paintbox",
    worth=Worth(Decimal("0.01"), "the vendor's price list", "2026-11-27"),
    key=key("PAINTBOX_API_KEY", "key for Paintbox"),
    base=Variable("PAINTBOX_BASE", "Paintbox's address", "https://api.paintbox.example"),
    ask_above=Decimal(20),
    dialect="service:Paintbox",
    models=("service",),
)
