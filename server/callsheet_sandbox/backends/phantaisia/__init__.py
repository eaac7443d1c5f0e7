"""Phantaisia (eventstation.ai) in the sandbox: images set in motion, and image filters.

Any bearer token opens an account; `POST /token` gives one for a name and password. A job is charged when it is taken
on and refunded when it fails, as one whose prompt holds `[fail]` does.
"""

from collections.abc import Sequence

from starlette.datastructures import FormData

from callsheet_sandbox.accounts import Short, owner_of
from callsheet_sandbox.backends.phantaisia.images import Images
from callsheet_sandbox.backends.phantaisia.queue import Queue
from callsheet_sandbox.backends.phantaisia.videos import Videos
from callsheet_sandbox.backends.phantaisia.words import BACKEND
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Call, Desk, Problem, Refusal, Reply, number, problem

BASE = 3
TIER_B = 4


def desk(box: Box, *, simultaneous: int = BASE) -> Desk:
    """Phantaisia's front desk; an account may have so many jobs under way (`TIER_B` allows one more)."""
    return Phantaisia(box, simultaneous)


class Phantaisia(Desk):
    """How Phantaisia lets people in and words a no."""

    backend = BACKEND

    def __init__(self, box: Box, simultaneous: int) -> None:
        super().__init__(box)
        queue = Queue(box, simultaneous)
        Videos(self, queue)
        Images(self, queue)
        self.on("POST", "/token", self._token, public=True)
        self.on("GET", "/v1/credits", self._credits)

    def admits(self, key: str) -> bool:
        """No form is documented."""
        return bool(key)

    def unauthorized(self) -> Refusal:
        """401."""
        return Refusal(401, {"detail": "Not authenticated"})

    def too_many(self, wait: int) -> Refusal:
        """429: a limit by the minute is likely, though none is documented."""
        return Refusal(429, {"detail": "Too many requests"}, {"Retry-After": str(wait)})

    def short(self, short: Short) -> Refusal:
        """402."""
        return Refusal(402, {"detail": "Insufficient credits"})

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """422."""
        return Refusal(422, {"detail": list(problems)}, wrong=True)

    async def _token(self, call: Call[None]) -> Reply:
        async with call.request.form() as form:
            name, password = self._signed(form)
        return {"access_token": f"phantaisia_{owner_of(f'{name}:{password}')}", "token_type": "bearer"}

    def _signed(self, form: FormData) -> tuple[str, str]:
        wanted = ("username", "password")
        lacking = [field for field in wanted if not isinstance(form.get(field), str) or not form.get(field)]
        if lacking:
            raise self.invalid([problem(["body", field], "Field required", "missing") for field in lacking])
        return str(form["username"]), str(form["password"])

    async def _credits(self, call: Call[None]) -> Reply:
        return {"credits": number(self.box.balance(BACKEND, call.owner))}
