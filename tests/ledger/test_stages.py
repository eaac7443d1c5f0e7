"""The stage machine under every order of events: two carriers, lost answers, deaths, expired leases."""

import tempfile
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from callsheet.catalogue.consent import Yes
from callsheet.catalogue.words import GenerateImage
from callsheet.errors import CallsheetError, Overtaken
from callsheet.jobs.run import run
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import jobs
from callsheet.settings.settings import Settings
from callsheet.studio import Studio

CREATES = st.sampled_from(
    ["accept", "accept", "lose", "500", "html", "no id", "429", "422", "no connection", "die before", "die after"]
)
LOOKS = st.sampled_from(["completed", "processing", "failed", "404", "502", "html"])
EVENT = st.tuples(st.integers(0, 1), CREATES, LOOKS, st.booleans())
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Died(BaseException):
    """A process that ends in the middle of whatever it does."""


class World(httpx2.AsyncBaseTransport):
    """A backend that does as an event says, and counts what it accepted."""

    def __init__(self) -> None:
        self.accepted = 0
        self.create = "accept"
        self.look = "completed"

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/user/credits"):
            return answer(200, {"credits_balance": 50.0})
        if path.endswith(".png"):
            return httpx2.Response(200, content=PNG)
        if "/status/" in path:
            return self.state()
        if request.method == "POST" and path.endswith("/generate"):
            return self.made()
        return answer(200, {"success": True, "transactions": [], "jobs": []})

    def made(self) -> httpx2.Response:
        """A create, as the event wants it."""
        if self.create == "die before":
            raise Died
        if self.create == "no connection":
            raise httpx2.ConnectError("refused")
        if self.create in ("429", "422"):
            return answer(int(self.create), {"detail": "no"})
        self.accepted += 1
        if self.create == "die after":
            raise Died
        if self.create == "lose":
            raise httpx2.ReadError("lost")
        if self.create == "500":
            return answer(500, {"detail": "oops"})
        if self.create == "html":
            return httpx2.Response(200, text="<html></html>")
        return answer(200, {"success": True} if self.create == "no id" else {"job_id": f"t{self.accepted}"})

    def state(self) -> httpx2.Response:
        """A look, as the event wants it."""
        if self.look in ("404", "502"):
            return answer(int(self.look), {"detail": "no"})
        if self.look == "html":
            return httpx2.Response(200, text="<html></html>")
        return answer(200, {"status": self.look.upper(), "image_url": "http://world.test/x.png", "error": "no luck"})


def answer(status: int, body: dict[str, Any]) -> httpx2.Response:
    """A JSON answer."""
    return httpx2.Response(status, json=body)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(EVENT, min_size=1, max_size=9))
def test_no_order_of_events_submits_one_job_twice(events: list[tuple[int, str, str, bool]]) -> None:
    anyio.run(play, events)


async def play(events: list[tuple[int, str, str, bool]]) -> None:
    """One job, two processes that take turns, and whatever happens to them."""
    world = World()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        environ = {"CALLSHEET_HOME": str(folder), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
        environ |= {"CALLSHEET_RATE": "100000", "PHAYA_API_KEY": "pk_fake", "PHAYA_BASE": "http://world.test/api/v1"}
        tasks = await stack.enter_async_context(anyio.create_task_group())
        studios = []
        for owner in ("one", "two"):
            ledger = await stack.enter_async_context(Ledger.open(f"sqlite+aiosqlite:///{folder / 'l.sqlite'}", owner))
            studio = Studio(Settings.load(environ=environ), ledger, tasks, lambda _: world)
            studios.append(studio)
        yes = Yes((Decimal(5),))
        job, _ = await still(studios[0]).orders.place(GenerateImage.of({"prompt": "a fox"}), yes=yes)
        for who, world.create, world.look, expired in events:
            if expired:
                async with studios[0].ledger.writing.begin() as db:
                    await db.execute(update(jobs).values(lease=0.0, due=0.0))
            studio = studios[who]
            taken = await studio.ledger.claim(job.id)
            if taken is None:
                continue
            try:
                with anyio.fail_after(20):
                    await run(taken, studio.crew)
            except (Died, Overtaken):
                pass
            except CallsheetError:
                break
        now = await studios[0].ledger.get(job.id)
        assert world.accepted <= 1
        if world.accepted and now.stage in ("refused", "cancelled"):
            raise AssertionError("a job that was accepted is said never to have been sent")
        tasks.cancel_scope.cancel()


def still(studio: Studio) -> Studio:
    """A studio that writes orders down and leaves the carrying to us."""
    studio.carrier.take = lambda _job_id: None  # type: ignore[method-assign]
    return studio
