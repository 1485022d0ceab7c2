"""What one platform table looks like: the columns a mapping needs, found by reflection of that table alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from sfsync.errors import DriftError
from sfsync.mapping.model import Mapping
from sfsync.sides.platform.connect import POSTGRESQL, SQLITE


class AsIs(sa.types.UserDefinedType[Any]):
    """A value as the driver gives and takes it: a strange date must reach us, and the database knows its own types."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """Never asked for: no table is created."""
        return ""


@dataclass(frozen=True)
class Table:
    """A reflected table.

    ``types`` are SQL types by column name, all columns; ``readable`` those this login may select. ``unique`` tells
    whether the key is a primary key or has a unique constraint of its own, ``stamp_indexed`` whether an index over
    all rows begins with the stamp.
    """

    dialect: str
    clause: sa.TableClause
    key_name: str
    stamp_name: str
    types: dict[str, sa.types.TypeEngine[Any]]
    readable: frozenset[str]
    unique: bool
    stamp_indexed: bool = False

    @property
    def key(self) -> sa.ColumnElement[Any]:
        """The key column."""
        return self.clause.c[self.key_name]

    @property
    def key_text(self) -> sa.ColumnElement[Any]:
        """The key as text, whatever its type."""
        return sa.cast(self.key, sa.Text)

    @property
    def stamp(self) -> sa.ColumnElement[Any]:
        """The change stamp column."""
        return self.clause.c[self.stamp_name]

    @property
    def moment(self) -> sa.ColumnElement[Any]:
        """The stamp as something that can be compared; NULL where SQLite cannot understand the text."""
        if self.dialect == SQLITE:
            return sa.func.strftime("%Y-%m-%d %H:%M:%f", self.stamp, type_=AsIs())
        return self.stamp

    def since(self, moment: datetime) -> sa.ColumnElement[bool]:
        """The rows whose stamp is at or after ``moment`` (aware)."""
        text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        if self.dialect == SQLITE:
            return self.moment >= text[:-3]  # SQLite's own clock has milliseconds
        return self.moment >= text

    def value(self, name: str) -> sa.ColumnElement[Any]:
        """A column as it is read: instants with a zone become UTC, everything else is left as it is."""
        column = self.clause.c[name]
        zoned = self.dialect == POSTGRESQL and getattr(self.types[name], "timezone", False)
        return sa.func.timezone("UTC", column, type_=AsIs()).label(name) if zoned else column

    @property
    def stamp_step(self) -> np.timedelta64:
        """The smallest step the stamp column can hold."""
        precision = getattr(self.types[self.stamp_name], "precision", None)
        return np.timedelta64(1 if precision is None else 10 ** (6 - int(precision)), "us")

    def too_long(self, row: dict[str, Any]) -> list[str]:
        """Names of the columns of a row whose text is longer than the column."""
        lengths = {n: getattr(t, "length", None) or sys.maxsize for n, t in self.types.items()}
        return [n for n, v in row.items() if isinstance(v, str) and len(v) > lengths.get(n, sys.maxsize)]


def reflect(connection: sa.Connection, mapping: Mapping, columns: Sequence[str]) -> Table:
    """The mapping's table with key, stamp and those of ``columns`` that exist; raises ``DriftError``."""
    schema, _, name = mapping.platform.table.rpartition(".")
    inspector = sa.inspect(connection)
    try:
        types = {c["name"]: c["type"] for c in inspector.get_columns(name, schema=schema or None)}
    except NoSuchTableError:
        raise _lacks(mapping, "PLATFORM_TABLE", "the platform has no such table") from None
    for needed in (mapping.platform.key, mapping.platform.stamp):
        if needed not in types:
            raise _lacks(mapping, "PLATFORM_COLUMN", f"the platform's table has no column {needed}")
    wanted = dict.fromkeys([mapping.platform.key, mapping.platform.stamp, *columns])
    clause = sa.table(name, *(sa.column(c, AsIs()) for c in wanted if c in types), schema=schema or None)
    return Table(
        dialect=connection.dialect.name,
        clause=clause,
        key_name=mapping.platform.key,
        stamp_name=mapping.platform.stamp,
        types=types,
        readable=_readable(connection, clause, frozenset(types)),
        unique=_has_unique_key(inspector, name, schema or None, mapping.platform.key),
        stamp_indexed=_has_index(inspector, name, schema or None, mapping.platform.stamp),
    )


def _lacks(mapping: Mapping, code: str, message: str) -> DriftError:
    step = f"Correct `platform:` in {mapping.file or mapping.name}, or ask the platform's owner for access."
    return DriftError(message, code, f"{mapping.name}, table {mapping.platform.table}", step)


def _readable(connection: sa.Connection, clause: sa.TableClause, names: frozenset[str]) -> frozenset[str]:
    if connection.dialect.name != POSTGRESQL:
        return names
    table = connection.dialect.identifier_preparer.format_table(clause)
    found = connection.scalars(
        sa.text(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped"
            " AND has_column_privilege(attrelid, attnum, 'SELECT')"
        ),
        {"table": table},
    )
    return names & frozenset(str(n) for n in found)


def _has_unique_key(inspector: sa.Inspector, table: str, schema: str | None, key: str) -> bool:
    primary = inspector.get_pk_constraint(table, schema=schema).get("constrained_columns")
    if primary == [key]:
        return True
    unique: list[list[Any]] = [list(c["column_names"]) for c in inspector.get_unique_constraints(table, schema=schema)]
    unique += [list(i["column_names"]) for i in inspector.get_indexes(table, schema=schema) if i["unique"]]
    return [key] in unique


def _has_index(inspector: sa.Inspector, table: str, schema: str | None, column: str) -> bool:
    """True if an index that is not partial begins with the column."""
    return any(
        index["column_names"][:1] == [column]
        and not any(o.endswith("_where") for o in index.get("dialect_options", {}))
        for index in inspector.get_indexes(table, schema=schema)
    )


def moments(texts: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Stamps as the driver gave them as datetime64[us]: any ISO form, UTC where no zone is named, NaT if unreadable."""
    known = [t if isinstance(t, str) and t.isascii() else None for t in texts]
    parsed = pd.to_datetime(pd.Series(known, dtype=object), format="ISO8601", utc=True, errors="coerce")
    return parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def iso(stamps: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """datetime64[us] as ISO text of one width in UTC, so that text order is time order; NaT becomes None."""
    texts = np.char.add(np.datetime_as_string(stamps, unit="us"), "Z").astype(object)
    return np.where(np.isnat(stamps), None, texts)  # type: ignore[call-overload]
