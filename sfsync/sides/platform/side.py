"""The platform as a side: the protocol of ``sides.side`` over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from pydantic import SecretStr

from sfsync.errors import DriftError
from sfsync.mapping import canon, drift
from sfsync.mapping.model import Mapping
from sfsync.sides.columns import arrow
from sfsync.sides.platform import connect, keys, lookups, read, visible
from sfsync.sides.platform.batch import rows_of
from sfsync.sides.platform.frames import Maker, in_order, keyless
from sfsync.sides.platform.page import listed
from sfsync.sides.platform.tables import AsIs, Table, reflect
from sfsync.sides.platform.write import Writer
from sfsync.sides.side import TEXT, Capabilities, Finding, Outcomes, Records, Window, Write, concat


class PlatformSide:
    """The operator's database.

    url       SQLAlchemy URL (SQLite or PostgreSQL)
    as_of     the instant at which derived values (an age band) are made
    hash_key  the secret of the hashes that leave in place of identifiers

    ``Records.meta`` has one column ``changed_at.<field>`` more for every field with its own change time. Raises
    ``ConfigError`` for a URL that cannot be used, ``Unreachable`` or ``LoginRefused`` while connecting, ``DriftError``
    for a missing table, key or stamp column.
    """

    def __init__(self, url: SecretStr | str, *, as_of: datetime, hash_key: bytes) -> None:
        self._url = connect.parse(url)
        self._where = connect.place(self._url)
        self._engine = connect.open_engine(self._url)
        self._as_of, self._hash_key = as_of, hash_key
        self._tables: dict[tuple[str, tuple[str, ...]], Table] = {}  # by mapping and its fields
        self._books: dict[str, keys.KeyBook] = {}
        self.capabilities = Capabilities(name="platform", batch_rows=5_000, sees_deletes=False)

    def identity(self) -> str:
        """Dialect and a digest of where the database is; the login does not count."""
        return connect.identity(self._url)

    def window(self, mapping: Mapping, since: datetime | None) -> Window:
        """From ``since`` minus the overlap; the next window may begin at the database's time minus the settle.

        On PostgreSQL it begins no later than the oldest transaction that is still open: its rows are not visible yet.
        """
        now: datetime = read.trying(self._engine, self._where, visible.clock)
        start = None if since is None else since - mapping.platform.overlap
        table = mapping.platform.table
        last = read.trying(self._engine, self._where, lambda c: visible.limit(c, table, since, now))
        return Window(start, min(now - mapping.platform.settle, last))

    def check(self, mapping: Mapping) -> list[Finding]:
        """Drift of the platform's table."""
        try:
            table = self._reflected(mapping)
        except DriftError as error:
            return [Finding(error.code, error.message, "error", mapping.name, error.where, error.next_step)]
        found = drift.check_platform(mapping, {n: str(t) for n, t in table.types.items() if n in table.readable})
        return [*found, *_key_findings(mapping, table)]

    def changes(self, mapping: Mapping, window: Window, bounds: Sequence[tuple[str, str]] = ()) -> Iterator[Records]:
        """Pages of records whose stamp lies in the window or cannot be read; ``bounds`` are not needed here.

        Every key comes once, whatever changes during the read: pages need no comparing with each other. Rows without
        a key come first, as problems.
        """
        table, maker = self._maker(mapping)
        reading = self._reading(table, maker)
        wanted, keyless_rows = (None, reading.keyless()) if window.since is None else reading.window(window.since)
        if keyless_rows:
            yield keyless(maker.records(listed([], maker.columns), keys.KeyBook()), keyless_rows)
        if wanted is not None and not len(wanted):
            return
        book = self._books[mapping.name] = self._look(table)
        for page in reading.everything() if wanted is None else reading.these(wanted):
            yield maker.records(page, book)

    def fetch(self, mapping: Mapping, keys: pd.Index, ids: pd.Series | None = None) -> Records:
        """The records with these keys as they are now, in their order; ``ids`` are keys as the table holds them."""
        table, maker = self._maker(mapping)
        if mapping.name not in self._books:
            self._books[mapping.name] = self._look(table)
        book = self._books[mapping.name]
        own = list(dict.fromkeys(_own(book, keys, ids)))
        parts = [maker.records(page, book) for page in self._reading(table, maker).these(own)]
        if not parts:
            return maker.records(listed([], maker.columns), book)
        return in_order(concat(mapping, parts), own)

    def write(self, mapping: Mapping, write: Write) -> Iterator[Outcomes]:
        """Outcomes batch by batch; each batch is one transaction."""
        table, _ = self._maker(mapping)
        book = self._books.get(mapping.name, keys.KeyBook())
        rows = rows_of(mapping, write, table.dialect, _own(book, write.keys, write.ids))
        missing = sorted(set(rows.columns) - set(table.types))
        if missing:
            raise _lacks(mapping, missing)
        writer = Writer(self._engine, _with_columns(table, rows.columns), self._where)
        for positions in read.chunks(list(range(len(write))), self.capabilities.batch_rows):
            yield writer.write(rows, list(positions))

    def query(self, statement: sa.TextClause, **values: Any) -> list[dict[str, Any]]:
        """All rows of a query of small result, as the driver gives them."""

        def work(connection: sa.Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(statement, values).mappings()]

        found: list[dict[str, Any]] = read.trying(self._engine, self._where, work)
        return found

    def texts(self, table: str, names: Sequence[str], keys: Sequence[str] | None = None) -> pa.Table:
        """Columns of a table as text, for joins; with ``keys``, only rows whose first column is one of them."""

        def work(connection: sa.Connection) -> Any:
            if keys is None:
                return lookups.columns(connection, table, names)
            return lookups.rows_in(connection, table, names, keys)

        return read.trying(self._engine, self._where, work)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _reflected(self, mapping: Mapping) -> Table:
        """Look at the table afresh."""

        def work(connection: sa.Connection) -> Any:
            return reflect(connection, mapping, canon.platform_columns(mapping))

        table: Table = read.trying(self._engine, self._where, work)
        self._tables[mapping.name, mapping.columns] = table
        return table

    def _maker(self, mapping: Mapping) -> tuple[Table, Maker]:
        table = self._tables.get((mapping.name, mapping.columns)) or self._reflected(mapping)
        columns = tuple(c for c in canon.platform_columns(mapping) if c in table.readable)
        return table, Maker(mapping, table, columns, self._as_of, self._hash_key)

    def _look(self, table: Table) -> keys.KeyBook:
        book: keys.KeyBook = read.trying(self._engine, self._where, lambda c: keys.look(c, table))
        return book

    def _reading(self, table: Table, maker: Maker) -> read.Reading:
        return read.Reading(self._engine, table, maker.columns, self._where)


def _own(book: keys.KeyBook, wanted: pd.Index, ids: pd.Series | None) -> list[str]:
    """Keys as the table holds them: the side's own ids where known, else what the last look at the keys found."""
    own = book.own(arrow(wanted).to_pylist() if len(wanted) else [])
    if ids is None:
        return own
    return [k if i is None else i for i, k in zip(arrow(ids.astype(TEXT)).to_pylist(), own, strict=True)]


def _with_columns(table: Table, columns: tuple[str, ...]) -> Table:
    """The table with the columns of a write, which need not be among those that are read."""
    names = dict.fromkeys([table.key_name, table.stamp_name, *columns])
    clause = sa.table(table.clause.name, *(sa.column(n, AsIs()) for n in names), schema=table.clause.schema)
    return replace(table, clause=clause)


def _lacks(mapping: Mapping, columns: list[str]) -> DriftError:
    return DriftError(
        f"the platform's table has no column {', '.join(columns)}",
        "PLATFORM_COLUMN",
        f"{mapping.name}, table {mapping.platform.table}",
        f"Correct `platform:` of the field in {mapping.file or mapping.name}.",
    )


def _key_findings(mapping: Mapping, table: Table) -> list[Finding]:
    if table.unique:
        return []
    message = f"the key column {table.key_name} is not unique in the platform's table"
    step = "Ask the platform's owner for a unique index; until then no row can be created there."
    return [Finding("PLATFORM_KEY", message, "warning", mapping.name, mapping.platform.table, step)]
