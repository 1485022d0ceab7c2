"""Runs a compiled query: rows come lazily and in one snapshot, children for many parents at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

from sfsync.rehearsal.soql import functions
from sfsync.rehearsal.soql.compile import compiled
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.parse import parse
from sfsync.rehearsal.soql.scope import Session
from sfsync.rehearsal.store.database import Database

__all__ = ["Family", "Nest", "QueryResult", "Reading", "Session", "plan", "run"]

FIRST = 2000
CHUNK = 200

Record = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """The children of one parent that did not fit: relationship names from the root, parent, size of the family."""

    path: tuple[str, ...]
    level: Level
    parent: str
    total: int


@dataclass(frozen=True)
class Nest:
    """How long child results are cut: at ``cap`` rows each; ``more`` gives the URL of what follows."""

    cap: int
    more: Callable[[Family], str]


def plan(session: Session, soql: str, *, all_rows: bool) -> Level:
    """Parses and compiles. Raises OrgError for everything wrong with the query."""
    return compiled(session, soql, parse(soql, session.version), all_rows=all_rows)


class Reading:
    """One snapshot of the org, in which the statements of a query run. Close it.

    A statement that is not read to its end holds its snapshot, whatever becomes of the transaction, and with it
    everybody's who gets the connection next: so statements end before the connection is given back.
    """

    def __init__(self, database: Database, level: Level) -> None:
        self.level = level
        self._stack = ExitStack()
        self._cursors: list[sqlite3.Cursor] = []
        self.closed = False
        self.joined = database.in_own_transaction()  # reads with the caller's own changes, on the caller's thread only
        self.connection: sqlite3.Connection = self._stack.enter_context(database.reader())
        if level.functions:
            functions.install(self.connection)

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True
        while self._cursors:
            self._cursors.pop().close()
        self._stack.close()

    def _statement(self, sql: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        """One that is read bit by bit."""
        cursor = self.connection.execute(sql, values)
        self._cursors.append(cursor)
        return cursor

    def pinned(self) -> Reading:
        """From here on the reading sees the org as it is now. Raises OperationalError when its tables are others."""
        try:
            self._try(self.level, self.level.count() if self.level.count_only else self.level.rows())
        except BaseException:
            self.close()
            raise
        return self

    def _try(self, level: Level, sql: str) -> None:
        """Runs a statement and those below it for none of their rows."""
        values = {**level.values, "parents": "[]"}
        self.connection.execute(f"SELECT 1 FROM ({sql}) LIMIT 0", values).fetchall()  # noqa: S608 - schema names
        for _, child in level.children:
            self._try(child, child.of_parents(None))

    def count(self) -> int:
        """How many rows the query has, exactly."""
        level = self.level
        sliced = level.limit is not None or level.offset is not None
        long = level.window is not None and not sliced and level.window.is_long(self.connection, level.obj.name)
        total: int = self.connection.execute(level.count(by_outside=long), level.values).fetchone()[0]
        return total

    def rows(self) -> sqlite3.Cursor:
        return self._statement(self.level.rows(), self.level.values)

    def ids(self, level: Level | None = None, parent: str | None = None) -> Iterator[str]:
        """The ids of the whole result, in order; or of one family of children."""
        if level is None:
            found = self._statement(self.level.ids(), self.level.values)
        else:
            found = self._statement(level.ids_of_parent(), {**level.values, "parent": parent})
        return (row[0] for row in found)

    def all_ids(self) -> Iterator[str]:
        """As ``ids``, but put together by SQLite in one step, which leaves Python's other threads alone."""
        text = self.connection.execute(self.level.ids_joined(), self.level.values).fetchone()[0] or ""
        return iter((text,))

    def some(self, ids: Sequence[str], nest: Nest | None, path: tuple[str, ...] = ()) -> Iterator[Record]:
        """The records with these ids, in this order; those that are gone for good are left out."""
        level = self.level
        for part in path:
            level = dict(level.children)[part]
        values = {**level.values, "ids": json.dumps(ids)}
        found = {row[level.id_place]: row for row in self.connection.execute(level.some(), values)}
        rows = (found[one] for one in ids if one in found)
        return self.records(rows, nest, level, path)

    def records(
        self, rows: Iterator[Any], nest: Nest | None = None, level: Level | None = None, path: tuple[str, ...] = ()
    ) -> Iterator[Record]:
        level = level or self.level
        if not level.children:
            yield from map(level.build, rows)
            return
        while chunk := list(islice(rows, CHUNK)):
            ids = [row[level.id_place] for row in chunk]
            families = [(key, self._children(child, ids, nest, (*path, key))) for key, child in level.children]
            for row, record_id in zip(chunk, ids, strict=True):
                record = level.build(row)
                for key, family in families:
                    record[key] = family.get(record_id)
                yield record

    def _children(
        self, level: Level, parents: list[str], nest: Nest | None, path: tuple[str, ...]
    ) -> dict[str, Record]:
        """The result of each parent that has children; none shows as null (wire reference section 9)."""
        sql = level.of_parents(nest.cap if nest else None)
        rows = self.connection.execute(sql, {**level.values, "parents": json.dumps(parents)}).fetchall()
        families: dict[str, list[Record]] = {}
        sizes: dict[str, int] = {}
        for row, record in zip(rows, self.records(iter(rows), nest, level, path), strict=True):
            families.setdefault(row[0], []).append(record)
            sizes[row[0]] = row[-1]
        return {
            parent: _result(records, sizes[parent], nest, Family(path, level, parent, sizes[parent]))
            for parent, records in families.items()
        }


def _result(records: list[Record], total: int, nest: Nest | None, family: Family) -> Record:
    done = nest is None or len(records) >= total
    head: Record = {"totalSize": total, "done": done}
    if nest is not None and not done:
        head["nextRecordsUrl"] = nest.more(family)
    return {**head, "records": records}


class QueryResult:
    """``records`` as REST shows them, to be read once; ``columns`` the flat dotted names, subqueries left out.

    ``object`` is the FROM object; ``aggregate`` tells results of groups. ``total_size`` is counted when asked for.
    """

    def __init__(self, database: Database, level: Level) -> None:
        self.level = level
        self.columns = level.columns
        self.object = level.obj.name
        self.aggregate = level.aggregate
        self._database = database
        self._known: int | None = None
        self._reading: Reading | None = None
        self.records: Iterator[Record] = iter(())
        self._open()

    def _open(self) -> None:
        reading = Reading(self._database, self.level)
        try:
            if self.level.count_only:
                self._known = reading.count()
                reading.close()
                return
            rows = reading.rows()
            first = rows.fetchmany(FIRST + 1)
            if len(first) > FIRST and not self._database.in_own_transaction():
                self._reading = reading
                self.records = _lazily(reading, chain(first, rows))
                return
            records = list(reading.records(chain(first, rows)))
            reading.close()
            self._known, self.records = len(records), iter(records)
        except BaseException:
            reading.close()
            raise

    def close(self) -> None:
        """Gives the reader back, though not all rows are read."""
        if self._reading is not None:
            self._reading.close()

    def __del__(self) -> None:
        self.close()

    @cached_property
    def total_size(self) -> int:
        if self._known is not None:
            return self._known
        if self._reading is not None and not self._reading.closed:
            return self._reading.count()
        with Reading(self._database, self.level) as reading:
            return reading.count()


def _lazily(reading: Reading, rows: Iterator[Any]) -> Iterator[Record]:
    """The reader goes back when the rows are read, or when nobody wants them any more."""
    try:
        yield from reading.records(rows)
    finally:
        reading.close()


def run(database: Database, session: Session, soql: str, *, all_rows: bool) -> QueryResult:
    """Raises OrgError for everything wrong with the query. Rows beyond the first 2,000 are read on demand."""
    return QueryResult(database, plan(session, soql, all_rows=all_rows))
