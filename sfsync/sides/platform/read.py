"""Reads rows in pages that survive a lost connection, on the keyset of the window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sfsync.sides.platform.connect import SQLITE, is_busy, is_disconnect, translate
from sfsync.sides.platform.tables import Table

PAGE_ROWS = 20_000
IN_LIST = {SQLITE: 900, "postgresql": 5_000}
STREAM = {"stream_results": True, "yield_per": PAGE_ROWS}
ATTEMPTS = 3
Rows = Sequence[Sequence[Any]]
Position = tuple[Any, ...] | None


@dataclass(frozen=True)
class Pass:
    """One ordered walk over a part of the table; ``order`` is its keyset."""

    where: sa.ColumnElement[bool] | None
    order: tuple[sa.ColumnElement[Any], ...]


def passes(table: Table, since: datetime | None) -> list[Pass]:
    """The walks that together give every row of the window.

    Rows without a readable stamp belong to every window. PostgreSQL walks by (stamp, key) and then, by key, over rows
    without a stamp. SQLite walks by key alone: the key's index gives pages without sorting the table each time, and
    no cursor stays open between pages for a writer to wait on. A row that changes meanwhile has a stamp after the
    window's end, so the next window has it in both orders.
    """
    if table.dialect == SQLITE:
        where = None if since is None else sa.or_(table.since(since), table.moment.is_(None))
        return [Pass(where, (table.key,))]
    dated = table.stamp.is_not(None) if since is None else table.since(since)
    return [Pass(dated, (table.stamp, table.key)), Pass(table.stamp.is_(None), (table.key,))]


def pages(engine: sa.Engine, table: Table, walk: Pass, columns: Sequence[str], where: str) -> Iterator[Rows]:
    """Pages of rows ``(position…, key text, stamp, *columns)``; a lost connection goes on after the last row given."""
    position: Position = None
    failures = 0
    width = len(walk.order)
    while True:
        try:
            for rows in _walk(engine, table, walk, columns, position):
                failures = 0
                position = tuple(rows[-1][:width])
                yield [r[width:] for r in rows]
            return
        except DBAPIError as error:
            failures += 1
            if failures >= ATTEMPTS or not is_disconnect(error):
                raise translate(error, where) from None
            time.sleep(0.3 * failures)


def _walk(
    engine: sa.Engine, table: Table, walk: Pass, columns: Sequence[str], position: Position
) -> Iterator[Sequence[Sequence[Any]]]:
    query = _query(table, walk, columns)
    if table.dialect == SQLITE:
        yield from _limited(engine, query.limit(PAGE_ROWS), walk, position)
        return
    with engine.connect() as connection:
        result = connection.execute(_after(query, walk, position), execution_options=STREAM)
        yield from result.partitions()


def _limited(
    engine: sa.Engine, query: sa.Select[Any], walk: Pass, position: Position
) -> Iterator[Sequence[Sequence[Any]]]:
    while True:
        with engine.connect() as connection:
            rows = connection.execute(_after(query, walk, position)).all()
        if rows:
            yield rows
            position = tuple(rows[-1][: len(walk.order)])
        if len(rows) < PAGE_ROWS:
            return


def _query(table: Table, walk: Pass, columns: Sequence[str]) -> sa.Select[Any]:
    position = (c.label(f"_position{i}") for i, c in enumerate(walk.order))
    query = sa.select(*position, *_cells(table, columns)).where(usable_key(table)).order_by(*walk.order)
    return query if walk.where is None else query.where(walk.where)


def _cells(table: Table, columns: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    values = (table.value(c).label(f"v{i}") for i, c in enumerate(columns))
    return [table.key_text.label("_key"), table.value(table.stamp_name).label("_stamp"), *values]


def _after(query: sa.Select[Any], walk: Pass, position: Position) -> sa.Select[Any]:
    if position is None:
        return query
    if len(walk.order) == 1:
        return query.where(walk.order[0] > position[0])
    return query.where(
        sa.tuple_(*walk.order)
        > sa.tuple_(*(sa.bindparam(None, p, type_=c.type) for p, c in zip(position, walk.order, strict=True)))
    )


def usable_key(table: Table) -> sa.ColumnElement[bool]:
    """Rows that have a key at all."""
    return sa.and_(table.key.is_not(None), sa.func.trim(table.key_text) != "")


def count_keyless(connection: sa.Connection, table: Table, since: datetime | None) -> int:
    """Rows of the window whose key is null or blank."""
    query = sa.select(sa.func.count()).select_from(table.clause).where(sa.not_(usable_key_or_null(table)))
    if since is not None:
        query = query.where(sa.or_(table.since(since), table.moment.is_(None)))
    return int(connection.scalar(query) or 0)


def usable_key_or_null(table: Table) -> sa.ColumnElement[bool]:
    """``usable_key`` as true or false, never NULL."""
    return sa.func.coalesce(sa.func.trim(table.key_text), "") != ""


def by_keys(
    connection: sa.Connection, table: Table, keys: Sequence[str], columns: Sequence[str]
) -> list[Sequence[Any]]:
    """Rows ``(key text, stamp, *columns)`` of these keys, in chunks the database takes."""
    query = sa.select(*_cells(table, columns))
    rows: list[Sequence[Any]] = []
    for chunk in chunks(keys, IN_LIST[table.dialect]):
        rows += connection.execute(query.where(key_in(table, chunk))).all()
    return rows


def key_in(table: Table, keys: Sequence[str]) -> sa.ColumnElement[bool]:
    """The rows with these keys; one bound array on PostgreSQL, bound values on SQLite."""
    if table.dialect == SQLITE:
        return table.key.in_(keys)
    if isinstance(table.types[table.key_name], sa.Integer):
        numbers = [int(k) for k in keys if k.lstrip("-").isdecimal()]
        return table.key == sa.any_(sa.bindparam(None, numbers, type_=sa.ARRAY(sa.BigInteger)))
    same = table.key if isinstance(table.types[table.key_name], sa.String) else table.key_text
    return same == sa.any_(sa.bindparam(None, list(keys), type_=sa.ARRAY(sa.Text)))


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of at most ``size``."""
    return (items[i : i + size] for i in range(0, len(items), size))


def trying(engine: sa.Engine, where: str, work: Callable[[sa.Connection], Any]) -> Any:
    """Do a short read, again on a new connection if the old one was lost; raises our errors only."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not is_disconnect(error) or is_busy(error):
                raise translate(error, where) from None
            time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")
