"""ph0ny: video, talking heads, lips, dubbing, analysis, speech and voices."""

from decimal import Decimal

from callsheet.backends.ph0ny.keys import provider_keys
from callsheet.settings.backends import Backend, Variable, Worth, key, secret

BACKEND = Backend(
    contract=1,
    package=__name__,
    name="ph0ny",
    title="ph0ny",
    worth=Worth(Decimal("0.001"), "the vendor's page: 1,000 credits are a dollar", "2026-11-27"),
    key=key("PH0NY_API_KEY", "key for ph0ny"),
    base=Variable("PH0NY_BASE", "ph0ny's address", "https://api.ph0ny.com"),
    variables=(
        Variable("PH0NY_WEBHOOK_SECRET", "what ph0ny signs its webhooks with", read=secret),
        Variable(
            "PH0NY_PROVIDER_KEYS",
            "your own keys for engines behind ph0ny, `elevenlabs:…,heygen:…`",
            read=provider_keys,
            sent=True,
        ),
    ),
    ask_above=Decimal(200),
    max_per_day=Decimal(2500),
    rank=400,
    dialect="dialect:Ph0ny",
    models=("video", "speech", "avatar", "understand"),
)
