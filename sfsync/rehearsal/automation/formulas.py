"""Formula fields: their values, one row at a time, on the connection that reads the row.

``expression`` is what a query puts in the column's place; SQLite calls back into ``value``. Text is cut at 1,300
characters and numbers are rounded to the field's scale, as they are when they leave Salesforce; ``#Error!`` is null.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, cast
from zoneinfo import ZoneInfo

from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.automation.rules import Automation
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.formula import Failure, Formula, Value, evaluate
from sfsync.rehearsal.formula.bind import Apply, Bound, Column
from sfsync.rehearsal.schema.model import Field, Schema, SObject

_LONGEST = 1300


def expression(obj: SObject, field: Field) -> str:
    """SQL for a formula field; ``{0}`` is the alias of its row."""
    call = f"formula_value('{obj.name}', '{field.name}', {{0}}.Id)"
    return f"({call} COLLATE NOCASE)" if field.type == "string" else call


@dataclass(frozen=True)
class _Reader:
    """A connection in the place of the store."""

    connection: sqlite3.Connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()


@dataclass(frozen=True)
class _Reading:
    """What Rows asks of a save, for a row that is only read."""

    database: _Reader
    schema: Schema
    moment: datetime


class _Row(Rows):
    """One row as the connection sees it; days are those of the org's time zone."""

    def __init__(self, reading: _Reading, obj: SObject, record_id: str, names: Sequence[str]) -> None:
        stored = Stored(cast(Any, reading.database), obj, [record_id], names)
        super().__init__(cast(Work, reading), 1, stored.__getitem__)
        self._reading = reading

    @cached_property
    def now(self) -> datetime:
        return self._reading.moment

    @cached_property
    def zone(self) -> ZoneInfo:
        rows = self._reading.database.rows('SELECT "TimeZoneSidKey" FROM "Organization" LIMIT 1')
        return ZoneInfo((rows and rows[0][0]) or "UTC")


def install(connection: sqlite3.Connection, now: Callable[[], datetime], schema: Callable[[], Schema]) -> None:
    """Makes ``formula_value`` known to a connection."""

    def formula_value(obj_name: str, name: str, record_id: str | None) -> Any:
        if record_id is None:
            return None
        current = schema()
        return value(_Reading(_Reader(connection), current, now()), current.objects[obj_name], name, record_id)

    connection.create_function("formula_value", 3, formula_value)


def value(reading: _Reading, obj: SObject, name: str, record_id: str) -> Any:
    """The value of a formula field in the form in which the store keeps values."""
    field, automation = obj.find(name), reading.schema.automation
    assert field is not None
    assert isinstance(automation, Automation)
    formula = automation.formulas[obj.name, field.name]
    row = _Row(reading, obj, record_id, _own_fields(formula))
    return _kept(field, evaluate(formula, row)[0])


def _own_fields(formula: Formula) -> list[str]:
    """The fields of the row itself that a formula reads, so that they come in one query."""
    found = {(one.steps[0].field if one.steps else one.field).name for one in _columns(formula.root)}
    return sorted(found)


def _columns(node: Bound) -> Iterator[Column]:
    if isinstance(node, Column) and node.root == "row":
        yield node
    elif isinstance(node, Apply):
        for one in node.args:
            yield from _columns(one)


def _kept(field: Field, found: Value) -> Any:
    if field.type == "boolean":
        return int(found is True)
    if found is None or isinstance(found, Failure):
        return None
    if isinstance(found, Decimal):
        shown = found * 100 if field.type == "percent" else found
        return float(shown.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP))
    if isinstance(found, datetime):
        return instant(found)
    if isinstance(found, date):
        return found.isoformat()
    return found[:_LONGEST] if isinstance(found, str) else f"{found.isoformat('milliseconds')}Z"  # type: ignore[union-attr]
