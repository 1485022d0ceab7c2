"""One SQL for two databases: engine, transactions, key lists and upserts. All that knows SQLite from PostgreSQL.

Every transaction that writes takes its lock at once (``BEGIN IMMEDIATE``) and is on disk when it returns
(``synchronous=FULL``, WAL), so that an outcome the ledger reported is an outcome the ledger has.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from sfsync.errors import LedgerError
from sfsync.ledger.faults import translated
from sfsync.ledger.tables import PG_SCHEMA

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 50_000  # keys or rows per statement
ROWS = 50  # rows per INSERT of SQLite
BUSY_MS = 30_000
PAGE = 8_192  # bytes; rows of a wide base are some hundred each, and half as many pages are half the work of a commit


def text_of(moment: datetime) -> str:
    """An instant as the ledger writes it: UTC, microseconds, sortable text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant_of(text: str) -> datetime:
    """The instant of such a text."""
    return datetime.fromisoformat(text)


def texts(values: pd.Series | pd.Index) -> list[str | None]:
    """A text column as Python values, null as None."""
    import pyarrow as pa  # who has a column has it loaded already

    array = pa.array(values, type=pa.string(), from_pandas=True)
    return array.to_pylist()


def connect(url: str) -> Engine:
    """An engine for this URL; raises ``LedgerError`` for a URL or a database the ledger cannot live in."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(
        parsed,
        hide_parameters=True,
        pool_pre_ping=True,
        execution_options={"schema_translate_map": {None: PG_SCHEMA}},
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise LedgerError("the ledger's URL is not a URL", "LEDGER_URL", "ledger.url", _URL_HELP) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        name = parsed.get_backend_name()
        raise LedgerError(f"the ledger cannot live in {name}", "LEDGER_URL", "ledger.url", _URL_HELP)
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise LedgerError("a ledger in memory remembers nothing", "LEDGER_URL", "ledger.url", _URL_HELP)
    return parsed


_URL_HELP = "Use sqlite:///.sfsync/ledger.db or postgresql+psycopg://user@host/database."


def _sqlite(url: URL) -> Engine:
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")  # 16 MB: the trees of a million rows do not fit into the usual 2


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("sfsync_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """A transaction; database errors come out as ours, with what to do next and without any value."""
    with translated(engine), engine.connect() as raw:
        connection = raw.execution_options(sfsync_writes=writes)
        with connection.begin():
            yield connection


def ready_file(engine: Engine) -> None:
    """For SQLite: folder and file that only their owner can read, in WAL mode."""
    if engine.dialect.name != "sqlite":
        return
    path = Path(str(engine.url.database))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with translated(engine), engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA page_size={PAGE}")  # of a new file only
        _to_wal(cursor)


def _to_wal(cursor: Any) -> None:
    """Several that make a ledger at once meet here, and for this SQLite does not wait by itself."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def exclusive(connection: Connection, name: str) -> None:
    """One writer at a time for ``name`` until the transaction ends (SQLite: every writing transaction is)."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"sfsync.{name}"))))


def clock(connection: Connection) -> datetime:
    """The database's own time: hosts that share a ledger share its clock."""
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)
    return datetime.now(UTC)


def within(connection: Connection, column: sa.ColumnElement[str], keys: Sequence[str | None]) -> sa.ColumnElement[bool]:
    """The condition ``column`` is one of ``keys``: one bound parameter however many they are.

    An IN, not a join: SQLite would walk the table and look for each row in the list.
    """
    if connection.dialect.name == "postgresql":
        array = sa.bindparam(None, list(keys), type_=sa.ARRAY(sa.Text()))
        return column.in_(sa.select(sa.func.unnest(array)))
    body = sa.bindparam(None, json.dumps(list(keys)), type_=sa.Text())
    listed = sa.func.json_each(body).table_valued(sa.column("value", sa.Text()))
    return column.in_(sa.select(listed.c.value))


def any_row(connection: Connection, table: sa.Table, *which: sa.ColumnElement[bool]) -> bool:
    """Whether a row of the table meets the conditions."""
    return connection.execute(sa.select(sa.literal(1)).select_from(table).where(*which).limit(1)).first() is not None


def chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """``keys`` in pieces of ``CHUNK``."""
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def upsert(
    connection: Connection,
    table: sa.Table,
    columns: Mapping[str, Sequence[Any]],
    update: Mapping[str, Any] | None = None,
) -> int:
    """Insert whole columns of driver values; on an equal primary key set ``update`` (name -> expression over ``new``).

    Without ``update`` every other column is replaced; with an empty one the old row stays. Returns how many rows were
    inserted or changed. Whole columns go to PostgreSQL as arrays and to SQLite as statements of many rows each: both
    ten times faster than one bound dictionary per row.
    """
    count = len(next(iter(columns.values())))
    if connection.dialect.name == "postgresql":
        done = 0
        for start in range(0, count, CHUNK):
            some = {n: list(c[start : start + CHUNK]) for n, c in columns.items()}
            statement = _on_conflict(_from_arrays(table, some), table, columns, update)
            done += connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
        return done
    statement = _on_conflict(sqlite.insert(table).values({n: sa.bindparam(n) for n in columns}), table, columns, update)
    return _many(connection, statement.compile(dialect=connection.dialect), columns, count)


def _many(connection: Connection, compiled: Any, columns: Mapping[str, Sequence[Any]], count: int) -> int:
    """Runs a compiled INSERT of one row for ``count`` rows, ``ROWS`` at a time."""
    width = len(columns)
    names, literals = compiled.positiontup[:width], [compiled.params[n] for n in compiled.positiontup[width:]]
    flat: list[Any] = [None] * (count * width)
    for place, name in enumerate(names):
        flat[place::width] = columns[name]
    whole = count // ROWS
    done = 0
    for start, times, rows in ((0, whole, ROWS), (whole * ROWS, 1, count % ROWS)):
        if times and rows:
            step = rows * width
            bound = [
                (*flat[i : i + step], *literals) for i in range(start * width, (start + times * rows) * width, step)
            ]
            done += connection.exec_driver_sql(_of_rows(str(compiled), width, rows), bound).rowcount
    return done


def _of_rows(statement: str, width: int, rows: int) -> str:
    one = f"({', '.join('?' * width)})"
    return statement.replace(f"VALUES {one}", f"VALUES {', '.join([one] * rows)}", 1)


def _from_arrays(table: sa.Table, columns: Mapping[str, list[Any]]) -> sa.Insert:
    from sqlalchemy.dialects import postgresql  # most ledgers are files: they need not wait for it

    arrays = [sa.bindparam(n, c, type_=sa.ARRAY(_plain(table.c[n].type))) for n, c in columns.items()]
    rows = sa.func.unnest(*arrays).table_valued(*[sa.column(n) for n in columns]).render_derived()
    return postgresql.insert(table).from_select(list(columns), sa.select(*[rows.c[n] for n in columns]))


def _plain(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return sa.Text() if isinstance(type_, sa.String) else type_


def _on_conflict(
    statement: Any, table: sa.Table, columns: Mapping[str, Any], update: Mapping[str, Any] | None
) -> sa.Insert:
    key = list(table.primary_key.columns)
    if update is None:
        update = {n: new(table, n) for n in columns if not table.c[n].primary_key}
    if not update:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=dict(update))


def new(table: sa.Table, name: str) -> sa.ColumnElement[Any]:
    """The value an upsert brings (``excluded`` in SQL)."""
    return sa.literal_column(f"excluded.{sa.sql.quoted_name(name, quote=None)}", type_=table.c[name].type)
