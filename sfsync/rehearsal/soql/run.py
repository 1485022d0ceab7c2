"""Runs a compiled query: rows come lazily, children for many parents at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from sfsync.rehearsal.soql.compile import Level, compiled
from sfsync.rehearsal.soql.parse import parse
from sfsync.rehearsal.soql.scope import Session
from sfsync.rehearsal.store.database import Database

__all__ = ["QueryResult", "Session", "run"]

FIRST = 2000
CHUNK = 500


@dataclass(frozen=True)
class QueryResult:
    """``records`` as REST shows them, to be read once; ``columns`` the flat dotted names, subqueries left out.

    ``object`` is the FROM object; ``aggregate`` tells results of groups.
    """

    total_size: int
    records: Iterator[dict[str, Any]]
    columns: list[str]
    object: str
    aggregate: bool = False


def run(database: Database, session: Session, soql: str, *, all_rows: bool) -> QueryResult:
    """Raises OrgError for everything wrong with the query. Rows beyond the first 2,000 are read on demand."""
    level = compiled(session, soql, parse(soql), all_rows=all_rows)
    stack = ExitStack()
    try:
        connection = stack.enter_context(database.reader())
        if level.count_only:
            (total,) = connection.execute(level.sql, level.values).fetchone()
            stack.close()
            return QueryResult(total, iter(()), [], level.obj.name)
        rows = connection.execute(level.sql, level.values)
        first = rows.fetchmany(FIRST + 1)
        if len(first) <= FIRST or database.in_own_transaction():
            whole = first + rows.fetchall()
            records = list(_records(connection, level, iter(whole)))
            stack.close()
            return QueryResult(len(records), iter(records), level.columns, level.obj.name, level.aggregate)
        (total,) = connection.execute(level.count_sql, level.values).fetchone()
    except BaseException:
        stack.close()
        raise
    lazy = _lazily(stack, connection, level, chain(first, rows))
    return QueryResult(total, lazy, level.columns, level.obj.name, level.aggregate)


def _lazily(
    stack: ExitStack, connection: sqlite3.Connection, level: Level, rows: Iterator[Any]
) -> Iterator[dict[str, Any]]:
    """The reader goes back when the rows are read, or when nobody wants them any more."""
    with stack:
        yield from _records(connection, level, rows)


def _records(connection: sqlite3.Connection, level: Level, rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
    if not level.children:
        yield from map(level.build, rows)
        return
    while chunk := list(islice(rows, CHUNK)):
        ids = [row[level.id_place] for row in chunk]
        families = [(key, _children(connection, child, ids)) for key, child in level.children]
        for row, record_id in zip(chunk, ids, strict=True):
            record = level.build(row)
            for key, family in families:
                record[key] = _listed(family.get(record_id))
            yield record


def _children(connection: sqlite3.Connection, level: Level, parents: list[str]) -> dict[str, list[dict[str, Any]]]:
    rows = connection.execute(level.sql, [json.dumps(parents), *level.values]).fetchall()
    families: dict[str, list[dict[str, Any]]] = {}
    for row, record in zip(rows, _records(connection, level, iter(rows)), strict=True):
        families.setdefault(row[0], []).append(record)
    return families


def _listed(records: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """No children show as null, not as an empty list (wire reference section 9)."""
    if records is None:
        return None
    return {"totalSize": len(records), "done": True, "records": records}
