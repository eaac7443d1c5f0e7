"""Who uses Progressive Robot: persons, their keys and sessions, each a record of its own.

An account is opened by the first sight of a `pk_` key or by a sign-up. Keys, passwords and session tokens are kept
only as hashes.
"""

import hashlib
import hmac
import secrets
from typing import Any

from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.backends.progressive_robot.prices import TIERS
from callsheet_sandbox.box import Box

NAME = "progressive-robot"
SESSION = "session"
MASKED = 10
"""How much of a key is shown in lists, and never more than half."""


class People:
    """The persons of one box."""

    def __init__(self, box: Box, tier: str) -> None:
        """`tier` is what a new account starts with, unless its key says another."""
        self._records = box.records
        self._clock = box.clock
        self._tier = tier

    def credential(self, key: str) -> dict[str, Any] | None:
        """The record of a key or session, if it has been seen before."""
        hashed = owner_of(key)
        return next((one for one in self._records.all(NAME, "credential") if one["hash"] == hashed), None)

    def admits(self, key: str) -> bool:
        """A live session, or any `pk_` key that has not been revoked."""
        known = self.credential(key)
        return bool(known["is_active"]) if known else key.startswith("pk_")

    def owner(self, key: str) -> str:
        """The account of an admitted key, opened now if this is the first sight of it."""
        known = self.credential(key)
        if known is None:
            owner = owner_of(key)
            told = key.split("_")[1]
            tier = told if told in TIERS and key.count("_") > 1 else self._tier
            self._open(owner, f"user_{owner[:8]}", tier)
            known = self._keep(owner, key, "first key")
        self._records.change(known["id"], last_used=self._clock())
        return str(known["owner"])

    def of(self, owner: str) -> dict[str, Any]:
        """The person behind an account."""
        return self._records.all(NAME, "person", owner)[0]

    def named(self, username: str) -> dict[str, Any] | None:
        """The person of this name."""
        return next((one for one in self._records.all(NAME, "person") if one["username"] == username), None)

    def new_key(self, owner: str, name: str) -> tuple[str, dict[str, Any]]:
        """A new key in full, and its record."""
        key = f"pk_{secrets.token_hex(20)}"
        return key, self._keep(owner, key, name)

    def keys(self, owner: str) -> list[dict[str, Any]]:
        """The account's keys, without its sessions."""
        return [one for one in self._records.all(NAME, "credential", owner) if one["name"] != SESSION]

    def sign_up(self, username: str, password: str, email: str) -> dict[str, Any]:
        """Open an account with a password."""
        person = self._open(owner_of(f"person {username}"), username, self._tier)
        return self._records.change(person["id"], email=email, password=hashed(password))

    def log_in(self, owner: str) -> str:
        """A token for the session cookie."""
        token = secrets.token_urlsafe(24)
        self._keep(owner, f"{SESSION} {token}", SESSION)
        return token

    def end(self, key: str) -> None:
        """End one session; a key stays good."""
        known = self.credential(key)
        if known and known["name"] == SESSION:
            self._records.change(known["id"], is_active=False)

    def log_out(self, owner: str) -> None:
        """End every session of an account."""
        for one in self._records.all(NAME, "credential", owner):
            if one["name"] == SESSION:
                self._records.change(one["id"], is_active=False)

    def _open(self, owner: str, username: str, tier: str) -> dict[str, Any]:
        blank = {"email": "", "display_name": username, "bio": "", "avatar": None, "profile_public": False}
        told = {"username": username, "tier": tier, "theme": "dark", "password": None, "is_admin": False}
        return self._records.add(NAME, owner, "person", blank | told)

    def _keep(self, owner: str, key: str, name: str) -> dict[str, Any]:
        told = {
            "hash": owner_of(key),
            "prefix": key[: min(MASKED, len(key) // 2)],
            "name": name,
            "last_used": None,
            "is_active": True,
        }
        return self._records.add(NAME, owner, "credential", told)


def hashed(password: str, salt: str | None = None) -> str:
    """A password as it is kept."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}${hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()}"


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password that was kept."""
    return bool(kept) and hmac.compare_digest(hashed(password, str(kept).partition("$")[0]), str(kept))
