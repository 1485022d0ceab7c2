"""Whole columns of a table for joins: read once, in blocks, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from sfsync.mapping.cells import as_text
from sfsync.sides.platform.connect import SQLITE

BLOCK = 10_000


def columns(connection: sa.Connection, table: str, names: Sequence[str]) -> pa.Table:
    """These columns of all rows; instants and numbers as text."""
    query: Any = sa.select(*(sa.column(n) for n in names)).select_from(sa.table(table))
    return _table(_blocks(connection, query), names)


def rows_in(connection: sa.Connection, table: str, names: Sequence[str], keys: Sequence[str]) -> pa.Table:
    """These columns of the rows whose first column is one of the keys: one bound value, however many they are."""
    base: Any = sa.select(*(sa.column(n) for n in names)).select_from(sa.table(table))
    parts = [
        _table(_blocks(connection, base.where(_among(connection, names[0], keys[start : start + BLOCK]))), names)
        for start in range(0, len(keys), BLOCK)
    ]
    return pa.concat_tables(parts) if parts else _table(iter(()), names)


def _among(connection: sa.Connection, name: str, keys: Sequence[str]) -> sa.ColumnElement[bool]:
    key = sa.column(name, sa.Text)
    if connection.dialect.name != SQLITE:
        return key == sa.any_(sa.bindparam(None, list(keys), type_=sa.ARRAY(sa.Text)))
    return key.in_(sa.select(sa.func.json_each(json.dumps(list(keys))).table_valued("value").c.value))


def _blocks(connection: sa.Connection, query: Any) -> Iterator[Sequence[sa.Row[Any]]]:
    result = connection.execute(query.execution_options(yield_per=BLOCK))
    yield from result.partitions(BLOCK)


def _table(blocks: Iterator[Sequence[sa.Row[Any]]], names: Sequence[str]) -> pa.Table:
    schema = pa.schema([(n, pa.string()) for n in names])
    made = [
        pa.table([as_text(list(column)).values.cast(pa.string()) for column in zip(*rows, strict=True)], schema=schema)
        for rows in blocks
        if rows
    ]
    return pa.concat_tables(made) if made else schema.empty_table()
