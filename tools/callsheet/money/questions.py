"""The questions that are open: their figures stay as they are until somebody answers, whoever asks again."""

import json
import time
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import delete, insert, select

from callsheet.catalogue.consent import Question
from callsheet.catalogue.model import plain
from callsheet.ledger.ledger import Ledger
from callsheet.ledger.tables import questions

FRESH_S = 600.0
"""So long a price that somebody is thinking about stays as it is."""


class Questions:
    """The open questions of one ledger: every process that is asked again sees the same figures."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def open(self, digest: str) -> Question | None:
        """The question about this request that is still open."""
        wanted = select(questions).where(questions.c.digest == digest, questions.c.until > time.time())
        async with self.ledger.engine.connect() as db:
            row = (await db.execute(wanted)).first()
        return Question(digest, row.text, tuple(Decimal(price) for price in json.loads(row.prices))) if row else None

    async def put(self, digest: str, text: str, prices: Sequence[Decimal]) -> Question:
        """Open a question; where it is open already, that one stays."""
        now = time.time()
        async with self.ledger.writing.begin() as db:
            await db.execute(delete(questions).where(questions.c.until <= now))
            if (await db.execute(select(questions.c.digest).where(questions.c.digest == digest))).first() is None:
                row = {"text": text, "prices": json.dumps([str(price) for price in prices]), "until": now + FRESH_S}
                await db.execute(insert(questions).values(digest=digest, **row))
        return await self.open(digest) or Question(digest, text, tuple(prices))

    async def close(self, digest: str) -> None:
        """It was answered; the next time prices are looked up anew."""
        async with self.ledger.writing.begin() as db:
            await db.execute(delete(questions).where(questions.c.digest == digest))


def budget(left: Decimal | None, price: Decimal, today: Decimal, cap: Decimal | None) -> str:
    """What would be left of the balance and of the day, in a sentence or none."""
    facts = []
    if left is not None:
        facts.append(f"{plain(left - price)} of {plain(left)} credits would be left")
    if cap is not None:
        facts.append(f"{plain(today)} of today's {plain(cap)} are spent")
    return f" {'; '.join(facts)}." if facts else ""
