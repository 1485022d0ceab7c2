"""Functions of SOQL: aggregates and parts of dates (in UTC, as SOQL has it)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sfsync.rehearsal.schema.model import NUMBER_TYPES, Field
from sfsync.rehearsal.soql.scope import Column, Scope
from sfsync.rehearsal.soql.tree import Call, Operand

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"})
_INT = Field("", "int", "", nillable=True, sortable=True, groupable=True)
_DOUBLE = Field("", "double", "", nillable=True, sortable=True)
_DATE = Field("", "date", "", nillable=True, sortable=True, groupable=True)


@dataclass(frozen=True, slots=True)
class DatePart:
    """``sql`` with ``{}`` for the stored text; ``types`` it takes."""

    sql: str
    result: Field = _INT
    types: frozenset[str] = frozenset({"date", "datetime"})


_MOMENTS = frozenset({"datetime"})
DATE_PARTS = {
    "CALENDAR_YEAR": DatePart("CAST(substr({0}, 1, 4) AS INTEGER)"),
    "CALENDAR_QUARTER": DatePart("(CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3"),
    "CALENDAR_MONTH": DatePart("CAST(substr({0}, 6, 2) AS INTEGER)"),
    "FISCAL_YEAR": DatePart("CAST(substr({0}, 1, 4) AS INTEGER)"),
    "FISCAL_QUARTER": DatePart("(CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3"),
    "FISCAL_MONTH": DatePart("CAST(substr({0}, 6, 2) AS INTEGER)"),
    "DAY_IN_MONTH": DatePart("CAST(substr({0}, 9, 2) AS INTEGER)"),
    "DAY_IN_WEEK": DatePart("CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1"),
    "DAY_IN_YEAR": DatePart("CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)"),
    "DAY_ONLY": DatePart("substr({0}, 1, 10)", _DATE, _MOMENTS),
    "HOUR_IN_DAY": DatePart("CAST(substr({0}, 12, 2) AS INTEGER)", _INT, _MOMENTS),
}


def is_aggregate(operand: Operand) -> bool:
    return isinstance(operand, Call) and operand.name in AGGREGATES


def operand(scope: Scope, one: Operand) -> Column:
    """A field or a function of one, in SQL. Raises OrgError."""
    if not isinstance(one, Call):
        return scope.column(one)
    if one.name in AGGREGATES:
        return _aggregate(scope, one)
    part = DATE_PARTS.get(one.name)
    if part is None or one.argument is None:
        raise scope.fail("MALFORMED_QUERY", one.at, f"unexpected token: '{one.name}'")
    inner = scope.column(one.argument)
    if inner.field.type not in part.types:
        raise _unfit(scope, one, inner)
    return Column(part.sql.format(inner.sql), replace(part.result, name=inner.field.name), one.at, False, "")


def _unfit(scope: Scope, one: Call, inner: Column) -> Exception:
    text = f"field {inner.field.name} does not support aggregate operator {one.name}"
    return scope.fail("MALFORMED_QUERY", one.at, text)


def _aggregate(scope: Scope, one: Call) -> Column:
    if one.argument is None:
        if one.name != "COUNT":
            raise scope.fail("MALFORMED_QUERY", one.at, "unexpected token: ')'")
        return Column("COUNT(*)", _INT, one.at, False, "")
    inner = scope.column(one.argument)
    kind = inner.field.type
    if one.name in ("SUM", "AVG"):
        if kind not in NUMBER_TYPES:
            raise _unfit(scope, one, inner)
        return Column(f"{one.name}({inner.sql})", replace(_DOUBLE, name=inner.field.name), one.at, False, "")
    if kind == "boolean" or inner.field.long_text:
        raise _unfit(scope, one, inner)
    if one.name == "COUNT":
        return Column(f"COUNT({inner.sql})", _INT, one.at, False, "")
    if one.name == "COUNT_DISTINCT":
        return Column(f"COUNT(DISTINCT {inner.sql})", _INT, one.at, False, "")
    return Column(f"{one.name}({inner.sql})", inner.field, one.at, False, "")
