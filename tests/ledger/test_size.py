"""What the questions to a ledger cost does not depend on how many jobs are in it: SQLite's own steps are counted."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bench.ledger import fill
from sqlalchemy import event

from callsheet.ledger.books import Books, held, spent_since
from callsheet.ledger.ledger import Ledger

pytestmark = pytest.mark.anyio
SMALL, LARGE = 500, 10_000
A_DAY = 250
"""As many jobs a day in both."""
ACCOUNT = "sandbox/phaya"


async def steps(path: Path, number: int) -> dict[str, int]:
    """How many of SQLite's steps, in hundreds, each question takes at this size."""
    taken = {"now": 0}

    def count() -> int:
        taken["now"] += 1
        return 0

    def watch(connection: Any, _record: Any) -> None:
        connection.run_async(lambda db: db.set_progress_handler(count, 100))

    async with Ledger.open(f"sqlite+aiosqlite:///{path / f'{number}.sqlite'}") as ledger:
        await fill(ledger, number, number / A_DAY)
        event.listen(ledger.engine.raw.sync_engine, "connect", watch)
        await ledger.engine.raw.dispose()
        books, now, found = Books(ledger), time.time(), {}

        async def asked(of: Callable[..., Awaitable[Any]], *said: Any) -> None:
            async with ledger.engine.connect() as db:
                await of(db, *said)

        questions: dict[str, Callable[[], Awaitable[Any]]] = {
            "what is held": lambda: asked(held, ACCOUNT, now - 60),
            "what was spent lately": lambda: asked(spent_since, ACCOUNT, now - 36000),
            "what a caller spent lately": lambda: asked(spent_since, ACCOUNT, now - 36000, "ada"),
            "the balance": lambda: books.balance(ACCOUNT),
            "yesterday's movers": lambda: books.movers(ACCOUNT, now - 2 * 86400, now - 86400),
            "lately spent, by model": lambda: books.spending("model", now - 86400),
            "accounts": books.accounts,
            "the newest": lambda: ledger.recent("local", 20),
            "the newest that failed": lambda: ledger.recent("local", 20, stages=["failed", "group"]),
            "the newest completed": lambda: ledger.recent("local", 20, stages=["stored", "group"]),
            "the same call": lambda: ledger.same(job),
            "what nobody carries": ledger.orphans,
            "what is lost": ledger.lost,
        }
        job = (await ledger.recent("local", 1))[0]
        for name, question in questions.items():
            taken["now"] = 0
            await question()
            found[name] = taken["now"]
    return found


async def test_no_question_costs_more_in_a_ledger_twenty_times_as_large(tmp_path: Path) -> None:
    small, large = await steps(tmp_path, SMALL), await steps(tmp_path, LARGE)
    grown = {name: (small[name], large[name]) for name in small if large[name] > 3 * max(small[name], 20)}
    assert grown == {}
