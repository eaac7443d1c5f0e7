"""Phaya: create, then poll `/<service>/status/<id>`; 1 credit is 1 baht.

Source: the vendor's skill reference and listing, and clients that talk to the live host (2026).
"""

from decimal import Decimal
from pathlib import Path

from callsheet.backends.dialect import Answer, Dialect, Route, number, part
from callsheet.catalogue.model import Model


class Phaya(Dialect):
    """Images, video, music, speech, chat, embeddings, Thai subtitles and media utilities, billed in baht."""

    below = "/api/v1"
    floor_s = 3.0
    """A pending status may be 5 s old, and the vendor advises a look every 3 to 5 s."""

    def look(self, endpoint: str, ticket: str) -> Route:
        return Route("GET", f"{endpoint.rpartition('/')[0]}/status/{part(ticket)}")

    def cancel(self, endpoint: str, ticket: str) -> Route | None:
        return Route("POST", f"{endpoint.rpartition('/')[0]}/cancel/{part(ticket)}")

    def balance(self) -> tuple[Route, ...]:
        return Route("POST", "/user/credits/invalidate-cache"), Route("GET", "/user/credits")

    def read_balance(self, answer: Answer) -> Decimal | None:
        return number(answer.object.get("credits_balance"))

    def lists(self, ask: Model) -> tuple[Route, ...]:
        paths = (ask.history, "/user/credits/history")
        return tuple(Route("GET", path, query={"limit": 50}) for path in paths if path)

    def account(self) -> dict[str, Route]:
        return {
            "profile": Route("GET", "/user/profile"),
            "credits": Route("GET", "/user/credits"),
            "history": Route("GET", "/user/credits/history", query={"limit": 20}),
            "queue": Route("GET", "/media/queue/stats"),
        }

    def upload(self, path: Path, kind: str) -> Route | None:
        return Route("POST", "/media/upload", files={"file": path})
