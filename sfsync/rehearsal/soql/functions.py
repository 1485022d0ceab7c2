"""Functions of SOQL: aggregates, parts of dates, labels, distances.

Parts of dates are taken in UTC unless the field stands in convertTimezone() (SOQL guide, Date Functions).
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sfsync.rehearsal import errors
from sfsync.rehearsal.schema.model import COMPOUND_TYPES, NUMBER_TYPES, Field
from sfsync.rehearsal.soql import formats, picklists
from sfsync.rehearsal.soql.scope import Column, Scope
from sfsync.rehearsal.soql.tree import Call, Literal, Operand, Path

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"})
# Functions that change how a value is shown; a query with them is no aggregate query.
SHOWING = frozenset({"FORMAT", "TOLABEL", "CONVERTCURRENCY", "DISTANCE"})
_INT = Field("", "int", "", nillable=True, sortable=True, groupable=True)
_DOUBLE = Field("", "double", "", nillable=True, sortable=True)
_DATE = Field("", "date", "", nillable=True, sortable=True, groupable=True)
_EARTH_KM, _MILE_KM = 6371.0088, 1.609344


@dataclass(frozen=True, slots=True)
class DatePart:
    """``sql`` with ``{0}`` for the stored text, ``{start}`` the first fiscal month; ``types`` it takes."""

    sql: str
    result: Field = _INT
    types: frozenset[str] = frozenset({"date", "datetime"})


_MOMENTS = frozenset({"datetime"})
_YEAR, _MONTH = "CAST(substr({0}, 1, 4) AS INTEGER)", "CAST(substr({0}, 6, 2) AS INTEGER)"
_DAY, _OF_YEAR = "CAST(substr({0}, 9, 2) AS INTEGER)", "CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)"
_FISCAL_MONTH = f"(({_MONTH} + 12 - {{start}}) % 12 + 1)"
DATE_PARTS = {
    "CALENDAR_YEAR": DatePart(_YEAR),
    "CALENDAR_QUARTER": DatePart(f"({_MONTH} + 2) / 3"),
    "CALENDAR_MONTH": DatePart(_MONTH),
    # A fiscal year that does not begin in January is named after the year it ends in.
    "FISCAL_YEAR": DatePart(f"({_YEAR} + ({{start}} > 1 AND {_MONTH} >= {{start}}))"),
    "FISCAL_QUARTER": DatePart(f"({_FISCAL_MONTH} + 2) / 3"),
    "FISCAL_MONTH": DatePart(_FISCAL_MONTH),
    "DAY_IN_MONTH": DatePart(_DAY),
    "DAY_IN_WEEK": DatePart("CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1"),
    "DAY_IN_YEAR": DatePart(_OF_YEAR),
    "WEEK_IN_MONTH": DatePart(f"({_DAY} + 6) / 7"),
    "WEEK_IN_YEAR": DatePart(f"({_OF_YEAR} + 6) / 7"),
    "DAY_ONLY": DatePart("substr({0}, 1, 10)", _DATE, _MOMENTS),
    "HOUR_IN_DAY": DatePart("CAST(substr({0}, 12, 2) AS INTEGER)", _INT, _MOMENTS),
}


def is_aggregate(operand: Operand) -> bool:
    """COUNT(Id), and FORMAT(MIN(CloseDate))."""
    if not isinstance(operand, Call):
        return False
    if operand.name in AGGREGATES or operand.name == "GROUPING":
        return True
    return operand.name == "FORMAT" and operand.argument is not None and is_aggregate(operand.argument)


def operand(scope: Scope, one: Operand, *, shown: bool = False) -> Column:
    """A field or a function of one, in SQL; ``shown`` in SELECT, where FORMAT may stand. Raises OrgError."""
    fixed = scope.fixed.get(one.shown.lower())
    if not isinstance(one, Call):
        column = scope.column(one)
        return column if fixed is None else replace(column, sql=fixed, plain=False)
    if fixed is not None:
        return Column(fixed, _INT, one.at, False, "")
    if one.name in AGGREGATES:
        return _aggregate(scope, one)
    if one.name in DATE_PARTS:
        return _date_part(scope, one)
    maker = _MAKERS.get(one.name)
    if maker is None or (one.name in ("FORMAT", "CONVERTCURRENCY") and not shown):
        raise _strange(scope, one)
    return maker(scope, one)


def _strange(scope: Scope, one: Call) -> errors.OrgError:
    return errors.unexpected_token_at(scope.soql, one.at + len(one.name), "(")


def _single(scope: Scope, one: Call) -> Operand:
    if len(one.arguments) != 1 or one.argument is None:
        raise _strange(scope, one)
    return one.argument


# -- parts of dates ---------------------------------------------------------------------------------------


def _date_part(scope: Scope, one: Call) -> Column:
    part, inside = DATE_PARTS[one.name], _single(scope, one)
    inner = _in_zone(scope, inside) if isinstance(inside, Call) else scope.column(inside)
    if inner.field.type not in part.types:
        raise _unfit(scope, one, inner)
    sql = part.sql.format(inner.sql, start=scope.session.fiscal_month)
    return Column(sql, replace(part.result, name=inner.field.name), one.at, False, "")


def _in_zone(scope: Scope, one: Call) -> Column:
    if one.name != "CONVERTTIMEZONE":
        raise _strange(scope, one)
    inside = _single(scope, one)
    if isinstance(inside, Call):
        raise _strange(scope, inside)
    inner = scope.column(inside)
    if inner.field.type != "datetime":
        raise _unfit(scope, one, inner)
    scope.names.functions = True
    return replace(inner, sql=f"in_zone({inner.sql}, {scope.names.bind(scope.session.zone.key)})", plain=False)


def _unfit(scope: Scope, one: Call, inner: Column) -> Exception:
    text = f"field {inner.field.name} does not support aggregate operator {one.name}"
    return scope.fail("MALFORMED_QUERY", one.at, text)


# -- aggregates -------------------------------------------------------------------------------------------


def _aggregate(scope: Scope, one: Call) -> Column:
    if not one.arguments:
        if one.name != "COUNT":
            raise errors.unexpected_token_at(scope.soql, one.at + len(one.name) + 1, ")")
        return Column("COUNT(*)", _INT, one.at, False, "")
    inside = _single(scope, one)
    if isinstance(inside, Call):
        raise _strange(scope, inside)
    inner = scope.column(inside)
    if one.name in ("SUM", "AVG"):
        if inner.field.type not in NUMBER_TYPES:
            raise _unfit(scope, one, inner)
        whole = one.name == "SUM" and inner.field.type == "int"
        kind = _INT if whole else replace(_DOUBLE, type="double" if inner.field.type == "int" else inner.field.type)
        kind = replace(kind, name=inner.field.name, scale=inner.field.scale)
        return Column(f"{one.name}({inner.sql})", kind, one.at, False, "")
    if inner.field.type == "boolean" or inner.field.long_text or inner.field.type in COMPOUND_TYPES:
        raise _unfit(scope, one, inner)
    if one.name in ("COUNT", "COUNT_DISTINCT"):
        inside_sql = f"DISTINCT {inner.sql}" if one.name == "COUNT_DISTINCT" else inner.sql
        return Column(f"COUNT({inside_sql})", _INT, one.at, False, "")
    return Column(picklists.extreme(one.name, inner, scope.names.bind), inner.field, one.at, False, "")


def _grouping(scope: Scope, one: Call) -> Column:
    """GROUPING(field) has a value only inside ROLLUP and CUBE, where the grouping set fixes it."""
    raise errors.malformed_query(f"GROUPING is not supported without GROUP BY ROLLUP or CUBE: {one.shown}")


# -- labels and formats -----------------------------------------------------------------------------------


def _to_label(scope: Scope, one: Call) -> Column:
    inside = _single(scope, one)
    if isinstance(inside, Call):
        raise _strange(scope, inside)
    inner = scope.column(inside)
    labels = dict(zip(inner.field.values, inner.field.value_labels, strict=False))
    differing = {value: label for value, label in labels.items() if value != label}
    if not differing:
        return replace(inner, plain=False)
    if inner.field.type == "multipicklist":
        return replace(inner, plain=False, show=lambda value: _labelled(value, labels))
    bind = scope.names.bind
    cases = " ".join(f"WHEN {bind(value)} THEN {bind(label)}" for value, label in differing.items())
    return replace(inner, sql=f"CASE {inner.sql} {cases} ELSE {inner.sql} END", plain=False)


def _labelled(value: str | None, labels: dict[str, str]) -> str | None:
    return None if value is None else ";".join(labels.get(one, one) for one in value.split(";"))


def _format(scope: Scope, one: Call) -> Column:
    inner = operand(scope, _single(scope, one), shown=True)
    session = scope.session
    return replace(inner, plain=False, show=formats.shower(inner.field, session.locale, session.zone))


def _convert_currency(scope: Scope, one: Call) -> Column:
    """The org has one currency; the function is there for several only."""
    raise scope.fail("INVALID_FIELD", one.at, "convertCurrency() requires an organization with multiple currencies")


# -- distances --------------------------------------------------------------------------------------------


def _distance(scope: Scope, one: Call) -> Column:
    if len(one.arguments) != 3:
        raise _strange(scope, one)
    place, target, unit = one.arguments
    if not isinstance(target, Call) or not isinstance(unit, Literal) or isinstance(place, Literal | Call):
        raise _strange(scope, one)
    if str(unit.value).lower() not in ("mi", "km"):
        raise scope.fail("MALFORMED_QUERY", unit.at, f"Invalid distance unit: {unit.value}. Valid units are 'mi', 'km'")
    latitude, longitude = _coordinates(scope, place)
    factor = 1.0 if str(unit.value).lower() == "km" else 1 / _MILE_KM
    bound = [scope.names.bind(value) for value in (*_point(scope, target), factor)]
    scope.names.functions = True
    return Column(f"distance({latitude}, {longitude}, {', '.join(bound)})", _DOUBLE, one.at, False, "")


def _coordinates(scope: Scope, place: Path) -> tuple[str, str]:
    steps, column = scope.path(place)
    parts = dict(column.field.parts)
    if not {"latitude", "longitude"} <= parts.keys():
        text = f"field '{column.field.name}' is not a geolocation or address field"
        raise scope.fail("INVALID_FIELD", column.at, text)
    obj = steps[-1].parents[0] if steps else scope.obj
    found = [scope.leaf(obj, column.alias, parts[key], place.at).sql for key in ("latitude", "longitude")]
    return found[0], found[1]


def _point(scope: Scope, target: Call) -> tuple[float, float]:
    values = [one.value for one in target.arguments if isinstance(one, Literal) and one.kind == "number"]
    if target.name != "GEOLOCATION" or len(values) != 2:
        raise _strange(scope, target)
    return float(values[0]), float(values[1])


_MAKERS: dict[str, Callable[[Scope, Call], Column]] = {
    "TOLABEL": _to_label,
    "FORMAT": _format,
    "CONVERTCURRENCY": _convert_currency,
    "DISTANCE": _distance,
    "GROUPING": _grouping,
}


def names() -> list[str]:
    """Every function of SOQL."""
    return sorted({*AGGREGATES, *DATE_PARTS, *_MAKERS, "CONVERTTIMEZONE", "FIELDS", "GEOLOCATION"})


# -- in SQLite --------------------------------------------------------------------------------------------


def install(connection: sqlite3.Connection) -> None:
    """Gives a connection the functions that SQL lacks."""
    connection.create_function("in_zone", 2, _local, deterministic=True)
    connection.create_function("distance", 5, _kilometres, deterministic=True)


@lru_cache(maxsize=65536)
def _local(stored: str | None, zone: str) -> str | None:
    """A stored instant as the clock of a zone shows it, in the stored form."""
    if stored is None:
        return None
    moment = datetime.fromisoformat(stored).astimezone(ZoneInfo(zone))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _kilometres(
    latitude: float | None, longitude: float | None, to_latitude: float, to_longitude: float, factor: float
) -> float | None:
    """The way along a great circle, times ``factor``."""
    if latitude is None or longitude is None:
        return None
    a, b = math.radians(latitude), math.radians(to_latitude)
    half = math.radians(to_longitude - longitude) / 2
    chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(half) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(chord)) * factor
