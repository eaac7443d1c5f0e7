"""ph0ny's keys, usage and billing."""

import re
import secrets
from collections import defaultdict
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field
from starlette.responses import JSONResponse, Response

from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.backends.ph0ny.order import BACKEND
from callsheet_sandbox.backends.ph0ny.words import moment, no
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Desk, Reply, number

FORM = re.compile(r"plabs_[A-Za-z0-9_-]{32}")
DAY = 86_400.0
ALL = 1_000_000


class Keys:
    """Which keys open which account: one made here opens its maker's, any other of the right form one of its own."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def admits(self, key: str) -> bool:
        """Whether a key has the form, and was neither revoked nor left to expire."""
        if not FORM.fullmatch(key):
            return False
        made = self._made(owner_of(key))
        return made is None or self._alive(made)

    def account(self, owner: str) -> str:
        """The account of a key's hash."""
        made = self._made(owner)
        return str(made["owner"]) if made else owner

    def add(self, owner: str, name: str, days: float | None) -> dict[str, Any]:
        """A new key, shown this once: only its hash is kept."""
        key = f"plabs_{secrets.token_urlsafe(24)}"
        ends = None if days is None else self.box.clock() + days * DAY
        made = {"name": name, "hash": owner_of(key), "days": days, "ends": ends, "revoked": False}
        return worded(self.box.records.add(BACKEND, owner, "key", made)) | {"key": key}

    def own(self, owner: str) -> list[dict[str, Any]]:
        """The keys made for an account that still open it."""
        return [made for made in self.box.records.all(BACKEND, "key", owner) if self._alive(made)]

    def revoke(self, made: dict[str, Any]) -> None:
        """It opens nothing from now on."""
        self.box.records.change(made["id"], revoked=True)

    def _alive(self, made: dict[str, Any]) -> bool:
        return not made["revoked"] and (made["ends"] is None or self.box.clock() < made["ends"])

    def _made(self, hash: str) -> dict[str, Any] | None:
        return next((made for made in self.box.records.all(BACKEND, "key") if made["hash"] == hash), None)


def worded(made: dict[str, Any]) -> dict[str, Any]:
    """A key as it is listed, without the key."""
    ends = None if made["ends"] is None else moment(made["ends"])
    return {"id": f"key_{made['id']}", "name": made["name"], "createdAt": moment(made["at"]), "expiresAt": ends}


class NewKey(Body):
    """`POST /v1/keys`."""

    name: str = Field(min_length=1, max_length=100)
    expiresInDays: int | None = Field(default=None, ge=1)


class Checkout(Body):
    """`POST /v1/billing/checkout`."""

    tier: Literal["starter", "pro", "scale"]


class Account:
    """The account routes, in camelCase."""

    def __init__(self, desk: Desk, keys: Keys) -> None:
        self.box = desk.box
        self.keys = keys
        desk.take("POST", "/v1/keys", NewKey, self.add)
        desk.on("GET", "/v1/keys", self.all)
        desk.on("POST", "/v1/keys/{id}/rotate", self.rotate)
        desk.on("DELETE", "/v1/keys/{id}", self.drop)
        desk.on("GET", "/v1/usage", self.usage)
        desk.on("GET", "/v1/billing/subscription", self.subscription)
        desk.take("POST", "/v1/billing/checkout", Checkout, self.checkout)

    async def add(self, call: Call[NewKey]) -> Reply:
        """A key for the same account."""
        return JSONResponse(self.keys.add(call.owner, call.body.name, call.body.expiresInDays), 201)

    async def all(self, call: Call[None]) -> Reply:
        """Those that were made here."""
        return {"keys": [worded(made) for made in self.keys.own(call.owner)]}

    async def rotate(self, call: Call[None]) -> Reply:
        """A new key for an old one."""
        made = self._found(call)
        self.keys.revoke(made)
        return self.keys.add(call.owner, made["name"], made["days"])

    async def drop(self, call: Call[None]) -> Reply:
        """Revoke one."""
        self.keys.revoke(self._found(call))
        return Response(status_code=204)

    def _found(self, call: Call[None]) -> dict[str, Any]:
        for made in self.keys.own(call.owner):
            if worded(made)["id"] == call.word("id"):
                return made
        raise no(404, "not_found", "No such key")

    async def usage(self, call: Call[None]) -> Reply:
        """What was spent, on what, and what is left."""
        left = self.box.balance(BACKEND, call.owner)
        spent: dict[str, Decimal] = defaultdict(Decimal)
        used = Decimal(0)
        for move in self.box.accounts.moves(BACKEND, call.owner, ALL):
            if move.type in ("charge", "refund"):
                used -= move.amount
                spent[move.service if move.service in ("tts", "stt") else "video"] -= move.amount
        entries = self.box.log.entries(BACKEND, ALL)
        return {
            "credits": {"used": number(used), "limit": number(used + left), "remaining": number(left)},
            "breakdown": {kind: number(spent[kind]) for kind in ("tts", "stt", "llm", "rag", "video")},
            "requestCount": sum(self.keys.account(entry.owner) == call.owner for entry in entries),
        }

    async def subscription(self, call: Call[None]) -> Reply:
        """Everybody is on the free tier here, which is a hard cap."""
        return {"tier": "free", "status": "active", "monthlyPrice": 0, "credits": 2500, "overage": None}

    async def checkout(self, call: Call[Checkout]) -> Reply:
        """An address that leads nowhere: the sandbox sells nothing."""
        return {"url": f"https://checkout.sandbox.invalid/{call.body.tier}"}
