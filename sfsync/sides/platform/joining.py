"""Reads rows as joined texts: the database strings the cells of a column together, and one text a column travels.

A driver makes an object of every cell; nine million cells of two hundred thousand players cost seconds that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sfsync.mapping.cells import Cells, plain_numbers
from sfsync.sides.platform.connect import SQLITE
from sfsync.sides.platform.page import SEPARATOR, Odd, Page, joined, listed, maybe_real
from sfsync.sides.platform.tables import AsIs, Table

# PostgreSQL's text of these is what the driver's value would become; any other type is left to the driver.
PLAIN = (sa.String, sa.Integer, sa.Boolean, sa.Date, sa.DateTime, sa.Numeric)
NUMBERS = (sa.Numeric, sa.Float)
KEY, STAMP = "_key", "_stamp"


def read(
    connection: sa.Connection, table: Table, columns: Sequence[str], where: sa.ColumnElement[bool], *, ordered: bool
) -> Page:
    """The rows that fulfil ``where``, all in one piece of memory; ``ordered`` (by key) where their order matters."""
    if _can_join(connection, table, columns):
        try:
            return _joined(connection, table, columns, where, ordered=ordered)
        except Odd:
            pass  # the driver, cell by cell, tells what exactly it is
    query = sa.select(*cells(table, columns).values()).where(where)
    return listed(connection.execute(query.order_by(table.key) if ordered else query).all(), columns)


def cells(table: Table, columns: Sequence[str]) -> dict[str, sa.ColumnElement[Any]]:
    """What is read of a row: the key as text, the stamp, the columns."""
    values = {n: table.value(n).label(f"v{i}") for i, n in enumerate(columns)}
    return {KEY: table.key_text.label(KEY), STAMP: table.value(table.stamp_name).label(STAMP), **values}


def keys(connection: sa.Connection, table: Table, where: sa.ColumnElement[bool]) -> pa.Array | list[str]:
    """The keys (null: none, or empty) of the rows that fulfil ``where``; a list where there is none, or an odd one."""
    if _can_join(connection, table, ()):
        query = sa.select(sa.func.count(), _strung(table, table.key_text)).select_from(table.clause).where(where)
        count, text = connection.execute(query).one()
        if not count:
            return []
        try:
            return joined(int(count), {KEY: text})[KEY]
        except Odd:
            pass
    found = connection.scalars(sa.select(sa.func.coalesce(table.key_text, "")).where(where))
    return [str(k) for k in found]


def _can_join(connection: sa.Connection, table: Table, columns: Sequence[str]) -> bool:
    if table.dialect == SQLITE:
        return str(connection.exec_driver_sql("PRAGMA encoding").scalar()) == "UTF-8"
    return all(isinstance(table.types[n], PLAIN) for n in (table.stamp_name, *columns))


def _joined(
    connection: sa.Connection, table: Table, columns: Sequence[str], where: sa.ColumnElement[bool], *, ordered: bool
) -> Page:
    count, *texts = _one(connection, _query(table, columns, where, ordered=ordered))
    made = joined(int(count), dict(zip((KEY, STAMP, *columns), texts, strict=True)))
    if table.dialect == SQLITE:
        _no_fractions(connection, table, where, [n for n in columns if maybe_real(made[n])])
    else:
        made |= {n: plain_numbers(made[n]) for n in columns if isinstance(table.types[n], NUMBERS)}
    return Page.plain(made.pop(KEY), made.pop(STAMP), {n: Cells(v) for n, v in made.items()})


def _one(connection: sa.Connection, query: sa.Select[Any]) -> Sequence[Any]:
    try:
        return tuple(connection.execute(query).one())
    except DBAPIError as error:
        if "too big" in str(error.orig):
            raise Odd from None
        raise


def _query(table: Table, columns: Sequence[str], where: sa.ColumnElement[bool], *, ordered: bool) -> sa.Select[Any]:
    wanted = cells(table, columns)
    if table.dialect == SQLITE:  # walks the key's index, and a subquery would copy every cell once more
        return sa.select(sa.func.count(), *(_strung(table, c.element) for c in wanted.values())).where(where)
    inner = sa.select(*wanted.values()).where(where)
    rows = (inner.order_by(table.key) if ordered else inner).subquery()
    return sa.select(sa.func.count(), *(_strung(table, c) for c in rows.c))


def _strung(table: Table, cell: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The column's cells in one text; a bound separator would be copied for every row."""
    between: sa.ColumnClause[str] = sa.literal_column(f"'{SEPARATOR}'")
    if table.dialect == SQLITE:
        text = sa.func.group_concat(sa.func.ifnull(cell, sa.literal_column("''")), between)
        return sa.type_coerce(sa.cast(text, sa.LargeBinary), AsIs())
    return sa.func.string_agg(sa.func.coalesce(sa.cast(cell, sa.Text), sa.literal_column("''")), between)


def _no_fractions(connection: sa.Connection, table: Table, where: sa.ColumnElement[bool], names: Sequence[str]) -> None:
    """Raise ``Odd`` if one of these columns really holds a number with a fraction (and not just text like one)."""
    if names:
        kinds = (sa.func.max(sa.func.typeof(table.clause.c[n]) == sa.literal_column("'real'")) for n in names)
        if any(connection.execute(sa.select(*kinds).where(where)).one()):
            raise Odd
