"""Whole columns of a table for joins: read once, in blocks, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from sfsync.mapping.cells import as_text

BLOCK = 10_000


def columns(connection: sa.Connection, table: str, names: Sequence[str]) -> pa.Table:
    """These columns of all rows; instants and numbers as text."""
    query: Any = sa.select(*(sa.column(n) for n in names)).select_from(sa.table(table))
    return _table(_blocks(connection, query), names)


def rows_in(connection: sa.Connection, table: str, names: Sequence[str], keys: Sequence[str], chunk: int) -> pa.Table:
    """These columns of the rows whose first column is one of the keys."""
    base: Any = sa.select(*(sa.column(n) for n in names)).select_from(sa.table(table))
    parts = [
        _table(_blocks(connection, base.where(sa.column(names[0]).in_(keys[start : start + chunk]))), names)
        for start in range(0, len(keys), chunk)
    ]
    return pa.concat_tables(parts) if parts else _table(iter(()), names)


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
