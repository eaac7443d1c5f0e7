"""The database under the ledger: opened without its write lock, written by one at a time, renewed by additions only."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import stamina
from sqlalchemy import Column, Connection, Table, delete, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateColumn

from callsheet.errors import LedgerTrouble, RequestError
from callsheet.ledger.tables import facts, metadata

SCHEMA = 2
"""Raised with every addition, so that an older Callsheet does not write what it does not understand."""
RETIRED = ("jobs_account",)
"""Indexes that others took the place of."""
PATIENCE_S = 60.0
"""For so long a start waits for whoever renews the tables at the same time."""


class Shielded:
    """The database's connections, never cancelled in the middle of a statement: such a one may never close, and then
    nor would the process. Of one process's writers one at a time asks for the write lock, the others wait in turn."""

    def __init__(self, engine: AsyncEngine, turns: contextlib.AbstractAsyncContextManager[Any] | None = None) -> None:
        self.raw = engine
        self.turns = turns or contextlib.nullcontext()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with."""
        with anyio.CancelScope(shield=True), free_connection():
            async with self.raw.connect() as db:
                yield db

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction."""
        async with self.turns:
            with anyio.CancelScope(shield=True), free_connection():
                async with self.raw.begin() as db:
                    yield db


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[Shielded, Shielded]]:
    """A database with the ledger's tables in it: for reading, and for writing.

    Raises:
        RequestError: its folder cannot be written, or a newer Callsheet made it.
        LedgerTrouble: it cannot be read, or somebody else held it for very long.
    """
    lite = url.startswith("sqlite")
    if lite:
        path = Path(url.partition(":///")[2])
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise RequestError(f"The ledger's folder {path.parent} cannot be made: {error.strerror}.") from None
    engine = create_async_engine(url, connect_args={"timeout": 30} if lite else {})
    if lite:
        event.listen(engine.sync_engine, "connect", set_pragmas)
        event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "handle_error", in_our_words)
    reading = Shielded(engine)
    writing = Shielded(engine.execution_options(writing=True), anyio.Lock() if lite else None)
    try:
        async for attempt in stamina.retry_context(on=LedgerTrouble, attempts=None, timeout=PATIENCE_S, wait_max=1.0):
            with attempt:
                await prepare(reading, writing)
        yield reading, writing
    finally:
        with anyio.CancelScope(shield=True):
            await engine.dispose()


async def prepare(reading: Shielded, writing: Shielded) -> None:
    """Make what tables, columns and indexes are missing. Where none are, nothing is written and no lock is taken."""
    async with reading.connect() as db:
        if await db.run_sync(complete):
            return
    await write_ahead(writing)
    async with writing.begin() as db:
        if not await db.run_sync(complete):
            await db.run_sync(renew)


def complete(db: Connection) -> bool:
    """Whether nothing is missing, by the number of the tables and by what they have.

    Raises:
        RequestError: a newer Callsheet made them.
    """
    return schema(db) == SCHEMA and not any(lacking(db, table) for table in metadata.sorted_tables)


def lacking(db: Connection, table: Table) -> list[Column[Any]]:
    """The columns that a table does not have yet."""
    known = {column["name"] for column in inspect(db).get_columns(table.name)}
    return [column for column in table.columns if column.name not in known]


def schema(db: Connection) -> int | None:
    """The number of the tables that are there; None where there are none.

    Raises:
        RequestError: a newer Callsheet made them.
    """
    if not inspect(db).has_table(facts.name):
        return None
    found = db.execute(select(facts.c.value).where(facts.c.name == "schema")).scalar()
    if found is not None and int(found) > SCHEMA:
        raise RequestError(f"The ledger was made by a newer Callsheet (schema {found}). Upgrade this one.")
    return int(found) if found else None


def renew(db: Connection) -> None:
    """Bring the tables up to date; what is added may be null."""
    metadata.create_all(db)
    for table in metadata.sorted_tables:
        for column in lacking(db, table):
            added = CreateColumn(column).compile(dialect=db.dialect)
            db.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
        for index in table.indexes:
            index.create(db, checkfirst=True)
    for name in RETIRED:
        db.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
    db.execute(delete(facts).where(facts.c.name == "schema"))
    db.execute(insert(facts).values(name="schema", value=str(SCHEMA)))


async def write_ahead(writing: Shielded) -> None:
    """Let readers of SQLite not wait for writers. It is the file that remembers this."""
    if writing.raw.dialect.name == "sqlite":
        async with Shielded(writing.raw.execution_options(bare=True), writing.turns).begin() as db:
            await db.exec_driver_sql("PRAGMA journal_mode=WAL")


@contextlib.contextmanager
def free_connection() -> Any:
    """All connections being in use is trouble of the ledger's, like any other that passes."""
    try:
        yield
    except NoConnection:
        raise LedgerTrouble("The ledger is too busy to be asked; try again soon.") from None


def in_our_words(context: Any) -> None:
    """What goes wrong with the database itself, as an error that says who can mend it."""
    error = context.sqlalchemy_exception
    if isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError:
        why = str(context.original_exception)
        raise LedgerTrouble(
            f"The ledger cannot be read or written ({why}). Make room on its disk, or end what holds it, and try "
            "again; jobs that are under way are carried on."
        )


def begin(connection: Any) -> None:
    """Writers queue before they read, so that what they read still holds when they write."""
    options = connection.get_execution_options()
    if not options.get("bare"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")


def set_pragmas(connection: Any, _record: Any) -> None:
    """SQLite as a ledger needs it: nothing written is ever lost."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
