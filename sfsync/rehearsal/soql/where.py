"""Conditions to SQL. Values always travel as parameters.

NULL: SOQL has two truth values. ``!=`` and NOT IN are true for empty fields, the other comparisons false, and NOT
turns exactly that round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import NUMBER_TYPES, TEXT_TYPES
from sfsync.rehearsal.soql import dates
from sfsync.rehearsal.soql.functions import is_aggregate, operand
from sfsync.rehearsal.soql.scope import Column, Scope
from sfsync.rehearsal.soql.tree import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Includes,
    InQuery,
    InValues,
    Literal,
    Negated,
    Operand,
    Path,
    Query,
)

# Compiles a semi-join's inner query into (SQL, parameters); given by the compiler to avoid a circle.
SubQuery = Callable[[Scope, Query], tuple[str, list[Any]]]
Sql = tuple[str, list[Any]]

_WANTED = {"boolean": "boolean", "int": "int", "date": "date", "datetime": "dateTime", "time": "time"}
_KINDS = {"boolean": {"boolean"}, "date": {"date", "range"}, "datetime": {"datetime", "range"}}
_EQUAL = frozenset({"=", "!="})


class Where:
    """Compiles the conditions of one scope. ``having`` allows aggregates."""

    def __init__(self, scope: Scope, sub_query: SubQuery, *, having: bool = False) -> None:
        self._scope = scope
        self._sub_query = sub_query
        self._having = having

    def sql(self, one: Condition) -> Sql:
        if isinstance(one, AllOf):
            return self._joined(one.terms, " AND ")
        if isinstance(one, AnyOf):
            return self._any_of(one)
        if isinstance(one, Negated):
            sql, values = self.sql(one.term)
            return f"NOT COALESCE({sql}, 0)", values
        column = self._operand(one.operand)
        if isinstance(one, Compare):
            return self._compare(column, one)
        if isinstance(one, InValues):
            return self._in_values(column, one)
        if isinstance(one, Includes):
            return self._includes(column, one)
        return self._in_query(column, one)

    def _joined(self, terms: Sequence[Condition], word: str) -> Sql:
        parts = [self.sql(one) for one in terms]
        return f"({word.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]

    def _any_of(self, one: AnyOf) -> Sql:
        """An OR whose branches all start at some SystemModstamp gets the lowest start as a bound of its own.

        That is the window of a keyset reader, ``Stamp = t AND Id > i OR Stamp > t``: with the bound SQLite walks the
        index from there instead of from its beginning.
        """
        sql, values = self._joined(one.terms, " OR ")
        bound = lowest(one)
        if bound is None or not self._scope.obj.has("SystemModstamp"):
            return sql, values
        return f'({sql} AND {self._scope.root}."SystemModstamp" >= ?)', [*values, bound]

    def _operand(self, one: Operand) -> Column:
        if is_aggregate(one) and not self._having:
            assert not isinstance(one, Path)
            raise self._scope.fail("MALFORMED_QUERY", one.at, f"unexpected token: '{one.name}'")
        column = operand(self._scope, one)
        if not column.field.filterable:
            text = f"field '{column.field.name}' can not be filtered in a query call"
            raise self._scope.fail("INVALID_FIELD", column.at, text)
        return column

    # -- comparisons --------------------------------------------------------------------------------------

    def _compare(self, column: Column, one: Compare) -> Sql:
        value = one.value
        self._check(column, value)
        if value.kind == "null" or value.value == "":
            return self._null(column, one)
        if column.field.type in ("id", "reference"):
            return self._id(column, one)
        if value.kind == "range":
            return self._range(column, one)
        if column.field.type in TEXT_TYPES:
            return self._text(column, one.operator, value.value)
        if one.operator == "LIKE":
            raise self._type_error(column, "string")
        sign = "IS NOT" if one.operator == "!=" else one.operator
        return f"{_solid(column)} {sign} ?", [_number(value.value)]

    def _null(self, column: Column, one: Compare) -> Sql:
        """``= null``; an empty string means the same, and every value is greater than it."""
        if column.field.type == "boolean":
            return ("1" if one.operator == "!=" else "0"), []
        if one.operator == "=":
            return f"{column.sql} IS NULL", []
        full = one.operator == "!=" or (one.value.kind == "string" and one.operator in (">", ">="))
        return (f"{column.sql} IS NOT NULL" if full else "0"), []

    def _text(self, column: Column, operator: str, text: str) -> Sql:
        if operator == "=" and self._has_key(column):
            return f"{_key(column)} = ?", [column.field.key(text)]
        left, mark, right = _folded(column, text)
        if operator == "LIKE":
            return f"{left} LIKE {mark} ESCAPE '\\'", [right]
        sign = "IS NOT" if operator == "!=" else operator
        return f"{left} {sign} {mark}{_collation(column)}", [right]

    def _id(self, column: Column, one: Compare) -> Sql:
        if one.operator == "LIKE":
            raise self._id_error(column.at, "invalid operator on id field")
        sign = "IS NOT" if one.operator == "!=" else one.operator
        return f"{column.sql} {sign} ?", [self._id_value(column, one.value)]

    def _id_value(self, column: Column, value: Literal) -> str:
        text = str(value.value).strip()
        if not is_valid(text):
            raise self._id_error(column.at, f"invalid ID field: {text}")
        return to18(text)

    def _id_error(self, at: int, text: str) -> OrgError:
        new = float(self._scope.session.version) >= 61
        return self._scope.fail("MALFORMED_QUERY" if new else "INVALID_QUERY_FILTER_OPERATOR", at, text)

    def _range(self, column: Column, one: Compare) -> Sql:
        """= inside, < before the start, > after the end, <= and >= with the range (date literals)."""
        start, end = self._bounds(column, one.value.value)
        sql = column.sql
        if one.operator == "=":
            return f"({sql} >= ? AND {sql} < ?)", [start, end]
        if one.operator == "!=":
            return f"({sql} IS NULL OR {sql} < ? OR {sql} >= ?)", [start, end]
        ends = {"<": ("<", start), "<=": ("<", end), ">": (">=", end), ">=": (">=", start)}
        sign, value = ends[one.operator]
        return f"{sql} {sign} ?", [value]

    def _bounds(self, column: Column, range_: dates.Range) -> tuple[str, str]:
        session = self._scope.session
        first, after = dates.bounds(range_, session.now, session.zone)
        if column.field.type == "date":
            return first.isoformat(), after.isoformat()
        return dates.midnight(first, session.zone), dates.midnight(after, session.zone)

    # -- lists --------------------------------------------------------------------------------------------

    def _in_values(self, column: Column, one: InValues) -> Sql:
        for value in one.values:
            self._check(column, value)
        ranges = [value for value in one.values if value.kind == "range"]
        if ranges:
            return self._in_ranges(column, one)
        empty = any(value.kind == "null" or value.value == "" for value in one.values)
        full = [value for value in one.values if value.kind != "null" and value.value != ""]
        sql, values = self._listed(column, full, keyed=not one.negated)
        if empty:
            sql = f"({sql} OR {column.sql} IS NULL)"
        return (f"NOT COALESCE({sql}, 0)" if one.negated else sql), values

    def _in_ranges(self, column: Column, one: InValues) -> Sql:
        terms = tuple(Compare(one.operand, "=", value) for value in one.values)
        sql, values = self._joined(terms, " OR ")
        return (f"NOT COALESCE({sql}, 0)" if one.negated else sql), values

    def _listed(self, column: Column, values: list[Literal], *, keyed: bool) -> Sql:
        kind = column.field.type
        if kind in ("id", "reference"):
            return _among(column.sql, [self._id_value(column, one) for one in values])
        if kind not in TEXT_TYPES:
            return _among(_solid(column), [_number(one.value) for one in values])
        texts = [str(one.value) for one in values]
        if keyed and self._has_key(column):
            return _among(_key(column), [column.field.key(one) for one in texts])
        if column.field.case_sensitive:
            return _among(column.sql, texts)
        if all(one.isascii() for one in texts):
            return _among(f"{column.sql} COLLATE NOCASE", texts)
        return _among(f"fold({column.sql})", [one.casefold() for one in texts])

    def _includes(self, column: Column, one: Includes) -> Sql:
        if column.field.type != "multipicklist":
            raise self._type_error(column, "multi-select picklist")
        parts, values = [], []
        for value in one.values:
            chosen = [part.strip() for part in str(value.value).split(";")]
            parts.append(" AND ".join([f"instr(';' || {column.sql} || ';', ?) > 0"] * len(chosen)))
            values += [f";{part};" for part in chosen]
        sql = "(" + " OR ".join(f"({part})" for part in parts) + ")"
        return (f"NOT COALESCE({sql}, 0)" if one.negated else sql), values

    def _in_query(self, column: Column, one: InQuery) -> Sql:
        if column.field.type not in ("id", "reference") and column.field.type not in TEXT_TYPES:
            raise self._type_error(column, "ID")
        sql, values = self._sub_query(self._scope, one.query)
        inside = f"{column.sql} IN ({sql})"
        return (f"NOT COALESCE({inside}, 0)" if one.negated else inside), values

    # -- types --------------------------------------------------------------------------------------------

    def _check(self, column: Column, value: Literal) -> None:
        kind = column.field.type
        if value.kind == "null":
            return
        good = {"number"} if kind in NUMBER_TYPES else _KINDS.get(kind, {"string"})
        if value.kind not in good:
            wanted = "double" if kind in NUMBER_TYPES and kind != "int" else _WANTED.get(kind, "string")
            raise self._type_error(column, wanted)

    def _type_error(self, column: Column, wanted: str) -> OrgError:
        text = errors.criterion_type(column.field.name, wanted)
        return self._scope.fail("INVALID_FIELD", column.at, text)

    def _has_key(self, column: Column) -> bool:
        # Look-up columns hold living rows only.
        return column.plain and column.field.indexed and not self._scope.all_rows


def lowest(one: Condition) -> str | None:
    """The earliest own SystemModstamp a condition can be true for, if it says so."""
    if isinstance(one, Compare):
        own = isinstance(one.operand, Path) and one.operand.text.lower() == "systemmodstamp"
        fits = own and one.operator in ("=", ">", ">=") and one.value.kind == "datetime"
        return str(one.value.value) if fits else None
    if isinstance(one, AllOf):
        return max((start for term in one.terms if (start := lowest(term)) is not None), default=None)
    if isinstance(one, AnyOf):
        starts = [lowest(term) for term in one.terms]
        return None if None in starts else min(str(start) for start in starts)
    return None


def _among(sql: str, values: list[Any]) -> Sql:
    return f"{sql} IN (SELECT value FROM json_each(?))", [json.dumps(values)]  # noqa: S608 - schema names


def _key(column: Column) -> str:
    return f'{column.alias}."{column.field.key_column}"'


def _solid(column: Column) -> str:
    """A flag behind an empty relationship counts as false."""
    if column.field.type == "boolean" and not column.plain:
        return f"COALESCE({column.sql}, 0)"
    return column.sql


def _collation(column: Column) -> str:
    return "" if column.field.case_sensitive else " COLLATE NOCASE"


def _folded(column: Column, text: str) -> tuple[str, str, str]:
    """SQLite folds ASCII on its own; other letters need help, and cost an index."""
    if text.isascii() or column.field.case_sensitive:
        return column.sql, "?", text
    return f"fold({column.sql})", "?", text.casefold()


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
