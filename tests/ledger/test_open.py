"""Opening a ledger: an older one with all that is in it, one that somebody writes to, a new one by many at once."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from callsheet.errors import RequestError
from callsheet.jobs.statement import spending
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import jobs
from callsheet.settings.callers import OWNER
from callsheet.studio import Studio
from tests.conftest import House, Stranger

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]
OLDEST = Path(__file__).with_name("schema-1.sql")
"""A ledger as the first schema had it: ten orders, a plan, two results under one receipt, one refund, one unknown."""


def restored(home: House) -> Path:
    """The old ledger, in a new owner's house."""
    path = home.folder / "home" / "ledger.sqlite"
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.executescript(OLDEST.read_text(encoding="utf-8"))
    db.close()
    return path


def asked(path: Path, sql: str) -> list[Any]:
    """An answer from the file itself."""
    with sqlite3.connect(path) as db:
        found = db.execute(sql).fetchall()
    db.close()
    return found


async def test_a_ledger_of_the_first_schema_keeps_its_history_and_its_sums(house: MakeHouse) -> None:
    home, phaya = house(), Stranger()
    path = restored(home)
    before = asked(path, "SELECT id, stage, quoted, charged, refunded, title FROM jobs ORDER BY id")
    async with Studio.open(home.settings(**phaya.environ), phaya.transports) as studio:
        by_day = {(one["account"], one["by"]): one for one in await spending(studio.books, "day")}
        by_model = {one["by"]: one["credits"] for one in await spending(studio.books, "model")}
        receipts = await studio.receipts.recent(OWNER, 20)
        several = next(receipt for receipt in receipts if receipt.title == "two foxes")
        failed = await studio.receipts.recent(OWNER, 20, "failed")
    assert by_day["sandbox/phaya", "2026-11-27"]["credits"] == 10.001519
    assert by_day["sandbox/phaya", "2026-11-27"]["jobs"] == 7
    assert by_day["sandbox/progressive-robot", "2026-11-27"]["credits"] == 1.0
    assert by_model["phaya/z-image"] == 4.0
    assert len(receipts) == 9
    assert (several.status, len(several.media)) == ("completed", 2)
    assert [receipt.title for receipt in failed] == ["a picture that fails [fail]"]
    assert asked(path, "SELECT id, stage, quoted, charged, refunded, title FROM jobs ORDER BY id") == before


async def test_an_older_callsheet_refuses_what_a_newer_one_wrote(house: MakeHouse) -> None:
    home = house()
    path = restored(home)
    async with Ledger.open(home.settings().database):
        pass
    assert int(asked(path, "SELECT value FROM facts WHERE name = 'schema'")[0][0]) > 1
    with sqlite3.connect(path) as db:
        db.execute("UPDATE facts SET value = '999' WHERE name = 'schema'")
    db.close()
    with pytest.raises(RequestError, match="newer Callsheet"):
        async with Ledger.open(home.settings().database):
            pass


async def test_a_ledger_that_somebody_writes_to_is_opened_and_read_without_waiting(house: MakeHouse) -> None:
    home = house()
    path = restored(home)
    async with Ledger.open(home.settings().database):
        pass
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        with anyio.fail_after(15):  # whoever waits for the lock waits for 30 s
            async with Ledger.open(home.settings().database) as ledger:
                assert len(await ledger.recent(OWNER, 20)) == 9
    finally:
        writer.close()


OPEN = """
import sys, anyio
from callsheet.ledger.ledger import Ledger

async def main():
    async with Ledger.open(sys.argv[1]) as ledger:
        await ledger.recent("local", 1)

anyio.run(main)
"""


def test_a_new_ledger_opened_by_many_processes_at_once_is_made_once_and_ends_none(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite'}"
    command = [sys.executable, "-c", OPEN, url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 6, said


async def test_a_job_that_a_paused_process_still_carries_is_not_cancelled_by_a_passer_by(house: MakeHouse) -> None:
    home, phaya = house(), Stranger()
    path = restored(home)
    old = 3 * 3600
    with sqlite3.connect(path) as db:
        at = db.execute("SELECT strftime('%s', 'now')").fetchone()[0]
        names = [row[1] for row in db.execute("PRAGMA table_info(jobs)")]
        for name, idle in (("j_paused", 33), ("j_forgotten", 1800)):
            row = dict(zip(names, db.execute("SELECT * FROM jobs WHERE stage = 'unknown'").fetchone(), strict=True))
            row |= {"id": name, "digest": name, "stage": "approved", "tries": 0, "sent_at": None, "ended_at": None}
            row |= {
                "created_at": float(at) - old,
                "lease": float(at) - idle,
                "owner": "paused",
                "due": float(at) + 9999,
            }
            row |= {"handed_at": None, "error": None, "words": json.dumps({"prompt": name}), "searched": 0}
            db.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608
    db.close()
    async with Studio.open(home.settings(**phaya.environ), phaya.transports) as passer_by:
        with anyio.fail_after(20):
            while (await passer_by.ledger.get("j_forgotten")).stage != "failed":
                await anyio.sleep(0.02)
        assert (await passer_by.ledger.get("j_paused")).stage == "approved"


async def test_an_answer_that_comes_after_another_took_over_is_applied(house: MakeHouse) -> None:
    answers = {
        "made": {"stage": "made", "made_at": 5.0},
        "failed": {"stage": "failed", "error": {"kind": "request", "message": "no", "safe_to_retry": True}},
        "sent": {"stage": "sent", "ticket": "a new one"},
    }
    home = house()
    restored(home)
    async with Ledger.open(home.settings().database, "late") as ledger:
        lost = (await ledger.find(jobs.c.stage == "unknown"))[0]
        for stage, step in answers.items():
            async with ledger.writing.begin() as db:
                taken = {"stage": "unknown", "ticket": None, "owner": None, "ended_at": 1.0}
                await db.execute(jobs.update().where(jobs.c.id == lost.id).values(**taken))
            assert await ledger.learn(lost, **step)
            assert (await ledger.get(lost.id)).stage == stage
        assert not await ledger.learn(lost, stage="failed")


async def test_a_refused_create_that_was_given_up_meanwhile_is_not_sent_again(house: MakeHouse) -> None:
    home = house()
    restored(home)
    async with Ledger.open(home.settings().database, "late") as ledger:
        lost = (await ledger.find(jobs.c.stage == "unknown"))[0]
        assert await ledger.learn(lost, stage="approved")
        assert (await ledger.get(lost.id)).stage == "failed"
