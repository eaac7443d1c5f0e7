"""ph0ny: create answers 202, then poll `/v1/video/<id>`; snake_case there, camelCase where it speaks and hears.

Source: the vendor's Video API page and its older pages, and a connector that talks to the live host (2026). Engines
that run on a key of your own get it in a header, if PH0NY_PROVIDER_KEYS has it; else it may be stored with the account.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from callsheet.backends.dialect import Answer, Dialect, Route, Step, code, message, number, part
from callsheet.backends.ph0ny.engines import OWN_KEYS, OWN_VOICES, SPEAKERS, SPEECH, VOICES
from callsheet.backends.ph0ny.keys import ProviderKeys
from callsheet.catalogue.model import Model, Price
from callsheet.errors import CallsheetError, ProviderError, RequestError
from callsheet.settings.settings import Settings

PINS = ("provider", "tts_provider", "lipsync_provider")
"""Fields that name an engine."""
SIGNATURES = ("x-signature", "x-ph0ny-signature", "x-webhook-signature")
"""Headers that may hold a webhook's signature; which one is not documented for videos."""
KEYLESS = (
    "This engine runs on a key of your own: set PH0NY_PROVIDER_KEYS (such as `elevenlabs:…,heygen:…`), or store the "
    "key with your account at ph0ny."
)


class Ph0ny(Dialect):
    """Video, talking heads, lips, dubbing, analysis, speech and voices; 1,000 credits are 1 dollar."""

    sandbox_key = "plabs_sandbox_sandbox_sandbox_sandbox_"
    ids = ("id",)

    def tidy(self, base: str) -> str:
        return base.rstrip("/").removesuffix("/v1").rstrip("/")

    def submit(self, ask: Model) -> Route:
        body = ask.body()
        if (file := body.pop("file", None)) is None:
            return Route("POST", ask.create(), body)
        fields = {name: str(value).lower() if isinstance(value, bool) else value for name, value in body.items()}
        return Route("POST", ask.create(), fields, files={"file": Path(file)})

    def headers(self, ask: Model, settings: Settings) -> dict[str, str]:
        """The keys of your own that fit the engines asked for."""
        body, owners = ask.body(), OWN_VOICES | OWN_KEYS
        names = {owners[body[pin]] for pin in PINS if body.get(pin) in owners}
        given: ProviderKeys = settings.of("PH0NY_PROVIDER_KEYS") or ProviderKeys()
        keys = {name: given.of(name) for name in sorted(names)}
        return {f"X-Provider-Key-{name}": key.get_secret_value() for name, key in keys.items() if key}

    def call_back(self, ask: Model, url: str) -> dict[str, Any]:
        return {"webhook_url": url} if ask.create().startswith("/v1/video/") else {}

    def signed(self, raw: bytes, headers: Mapping[str, str], settings: Settings) -> bool:
        """By HMAC-SHA256 over the raw bytes, where a secret is set."""
        if (secret := settings.of("PH0NY_WEBHOOK_SECRET")) is None:
            return True
        found = next((headers[name] for name in SIGNATURES if name in headers), "").strip().removeprefix("sha256=")
        expected = hmac.new(secret.get_secret_value().encode(), raw, "sha256").hexdigest()
        return hmac.compare_digest(found.lower().encode(), expected.encode())

    def price(self, ask: Model, settings: Settings) -> Price:
        """Speech costs nothing where a key of your own travels with it."""
        if ask.at_once and (own := self.headers(ask, settings)):
            name = next(iter(own)).rpartition("-")[2]
            return Price(Decimal(0), Decimal(0), note=f"{name} bills your own key")
        return ask.price()

    def accepted(self, ask: Model, answer: Answer) -> Step:
        """A speech whose engine ph0ny picked says which it was, and so what it cost."""
        step, body = super().accepted(ask, answer), answer.object
        rate, said = SPEECH.get(str(body.get("provider"))), number(body.get("charactersUsed"))
        if step.get("stage") == "made" and rate and said is not None and ask.body().get("provider") == "default":
            step |= Step(charged=rate * said / 1000, basis="documented")
        return step

    def look(self, endpoint: str, ticket: str) -> Route:
        return Route("GET", f"/v1/video/{part(ticket)}")

    def seen(self, ask: Model, answer: Answer) -> Step:
        """As usual, with the members of `result` beside the others."""
        result = answer.object.get("result")
        body = answer.object | result if isinstance(result, dict) else answer.body
        step = super().seen(ask, replace(answer, body=body))
        if step.get("stage") == "failed" and code(answer) == "provider_key_required":
            step |= Step(error=ProviderError(f'ph0ny failed: "{message(answer)}". {KEYLESS}').as_dict())
        return step

    def progress(self, body: Mapping[str, Any]) -> str | None:
        word, share = super().progress(body), number(body.get("progress"))
        return f"{word}, {share:.0%}" if word and share else word

    def balance(self) -> tuple[Route, ...]:
        return (Route("GET", "/v1/usage"),)

    def read_balance(self, answer: Answer) -> Decimal | None:
        credits = answer.object.get("credits")
        return number(credits.get("remaining")) if isinstance(credits, dict) else None

    def account(self) -> dict[str, Route]:
        return {"usage": Route("GET", "/v1/usage"), "subscription": Route("GET", "/v1/billing/subscription")}

    def voices(self, answer: Answer) -> list[dict[str, Any]]:
        """In either documented shape; a voice that names its engine is spoken with by that."""
        rows = answer.object.get("data", answer.object.get("voices"))
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [
            row | ({"model": f"ph0ny/{row['provider']}"} if row.get("provider") in SPEAKERS else {}) for row in rows
        ]

    def without_own(self, route: Route) -> Route:
        return route._replace(path=route.path.replace("includeCustom=true", "includeCustom=false"))

    def more(self, answer: Answer) -> Route | None:
        cursor = answer.object.get("nextCursor")
        return Route("GET", f"{VOICES}&cursor={part(str(cursor))}") if cursor else None

    def refused(self, answer: Answer) -> CallsheetError | None:
        if code(answer) == "provider_key_required":
            return RequestError(f'ph0ny refused the request ({answer.status}): "{message(answer)}". {KEYLESS}')
        return None
