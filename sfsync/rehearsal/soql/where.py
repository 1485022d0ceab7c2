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
from sfsync.rehearsal.soql import dates, windows
from sfsync.rehearsal.soql.functions import is_aggregate, operand
from sfsync.rehearsal.soql.scope import Column, Scope
from sfsync.rehearsal.soql.tree import (
    AllOf,
    AnyOf,
    Call,
    Compare,
    Condition,
    Includes,
    InQuery,
    InValues,
    Literal,
    Negated,
    Operand,
)

# Compiles the inner query of a semi-join; given by the compiler to avoid a circle.
SubQuery = Callable[[Scope, InQuery], str]

_WANTED = {"boolean": "boolean", "int": "int", "date": "date", "datetime": "dateTime", "time": "time"}
_KINDS = {"boolean": {"boolean"}, "date": {"date", "range"}, "datetime": {"datetime", "range"}}
_FLAT = 64


def _balanced(parts: list[str], word: str) -> str:
    """Parts joined by a word. Many are joined in halves: SQLite bears a thousand levels, and a flat list is as deep
    as it is long."""
    if len(parts) <= _FLAT:
        return f"({word.join(parts)})"
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], word)}{word}{_balanced(parts[middle:], word)})"


class Where:
    """Compiles the conditions of one scope. ``having`` allows aggregates."""

    def __init__(self, scope: Scope, sub_query: SubQuery, *, having: bool = False) -> None:
        self._scope = scope
        self._bind = scope.names.bind
        self._sub_query = sub_query
        self._having = having

    def sql(self, one: Condition) -> str:
        if isinstance(one, AllOf):
            return self._joined(one.terms, " AND ")
        if isinstance(one, AnyOf):
            return self._any_of(one)
        if isinstance(one, Negated):
            return f"NOT COALESCE({self.sql(one.term)}, 0)"
        column = self._operand(one.operand)
        if isinstance(one, Compare):
            return self._compare(column, one)
        if isinstance(one, InValues):
            return self._in_values(column, one)
        if isinstance(one, Includes):
            return self._includes(column, one)
        return self._in_query(column, one)

    def _joined(self, terms: Sequence[Condition], word: str) -> str:
        return _balanced([self.sql(one) for one in terms], word)

    def _any_of(self, one: AnyOf) -> str:
        """An OR that is a reader's window on an index is written so that the index is walked from its beginning."""
        sql = self._joined(one.terms, " OR ")
        window = windows.row_value(one, self._scope)
        if window is not None:
            return window
        bound = windows.bound(one, self._scope)
        return sql if bound is None else f"({sql} AND {bound})"

    def _operand(self, one: Operand) -> Column:
        if is_aggregate(one) and not self._having:
            assert isinstance(one, Call)
            raise errors.unexpected_token_at(self._scope.soql, one.at, one.name)
        column = operand(self._scope, one)
        if column.field.parts:
            text = f"{column.field.type.capitalize()} fields can only be filtered using Distance expressions"
            raise self._scope.fail("INVALID_FIELD", column.at, text)
        if not column.field.filterable:
            text = f"field '{column.field.name}' can not be filtered in a query call"
            raise self._scope.fail("INVALID_FIELD", column.at, text)
        return column

    # -- comparisons --------------------------------------------------------------------------------------

    def _compare(self, column: Column, one: Compare) -> str:
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
        if isinstance(one.operand, Call) and one.operand.name == "DISTANCE" and one.operator not in ("<", ">"):
            raise self._scope.fail("MALFORMED_QUERY", column.at, "DISTANCE can only be compared with < and >")
        sign = "IS NOT" if one.operator == "!=" else one.operator
        return f"{_solid(column)} {sign} {self._bind(_number(value.value))}"

    def _null(self, column: Column, one: Compare) -> str:
        """``= null``; an empty string means the same, and every value is greater than it."""
        if column.field.type == "boolean":
            return "1" if one.operator == "!=" else "0"
        if one.operator == "=":
            return f"{column.sql} IS NULL"
        full = one.operator == "!=" or (one.value.kind == "string" and one.operator in (">", ">="))
        return f"{column.sql} IS NOT NULL" if full else "0"

    def _text(self, column: Column, operator: str, text: str) -> str:
        if operator == "=" and self._has_key(column):
            return f"{_key(column)} = {self._bind(column.field.key(text))}"
        left, right = _folded(column, text)
        if operator == "LIKE":
            return f"{left} LIKE {self._bind(right)} ESCAPE '\\'"
        sign = "IS NOT" if operator == "!=" else operator
        return f"{left} {sign} {self._bind(right)}{_collation(column)}"

    def _id(self, column: Column, one: Compare) -> str:
        if one.operator == "LIKE":
            raise self._id_error(column.at, "invalid operator on id field")
        sign = "IS NOT" if one.operator == "!=" else one.operator
        return f"{column.sql} {sign} {self._bind(self._id_value(column, one.value))}"

    def _id_value(self, column: Column, value: Literal) -> str:
        text = str(value.value).strip()
        if not is_valid(text):
            raise self._id_error(column.at, f"invalid ID field: {text}")
        return to18(text)

    def _id_error(self, at: int, text: str) -> OrgError:
        code = "MALFORMED_QUERY" if self._scope.session.number >= 61 else "INVALID_QUERY_FILTER_OPERATOR"
        return self._scope.fail(code, at, text)

    def _range(self, column: Column, one: Compare) -> str:
        """= inside, < before the start, > after the end, <= and >= with the range (date literals)."""
        start, end = self._bounds(column, one.value.value)
        sql = column.sql
        if one.operator == "=":
            return f"({sql} >= {self._bind(start)} AND {sql} < {self._bind(end)})"
        if one.operator == "!=":
            return f"({sql} IS NULL OR {sql} < {self._bind(start)} OR {sql} >= {self._bind(end)})"
        ends = {"<": ("<", start), "<=": ("<", end), ">": (">=", end), ">=": (">=", start)}
        if one.operator not in ends:
            raise self._type_error(column, "string")
        sign, value = ends[one.operator]
        return f"{sql} {sign} {self._bind(value)}"

    def _bounds(self, column: Column, range_: dates.Range) -> tuple[str, str]:
        session = self._scope.session
        calendar = dates.Calendar(session.zone, session.locale, session.fiscal_month)
        first, after = dates.bounds(range_, session.now, calendar)
        if column.field.type == "date":
            return first.isoformat(), after.isoformat()
        return dates.midnight(first, session.zone), dates.midnight(after, session.zone)

    # -- lists --------------------------------------------------------------------------------------------

    def _in_values(self, column: Column, one: InValues) -> str:
        for value in one.values:
            self._check(column, value)
        if any(value.kind == "range" for value in one.values):
            return self._in_ranges(one)
        empty = any(value.kind == "null" or value.value == "" for value in one.values)
        full = [value for value in one.values if value.kind != "null" and value.value != ""]
        sql = self._listed(column, full, keyed=not one.negated)
        if empty:
            sql = f"({sql} OR {column.sql} IS NULL)"
        return f"NOT COALESCE({sql}, 0)" if one.negated else sql

    def _in_ranges(self, one: InValues) -> str:
        terms = tuple(Compare(one.operand, "=", value) for value in one.values)
        sql = self._joined(terms, " OR ")
        return f"NOT COALESCE({sql}, 0)" if one.negated else sql

    def _listed(self, column: Column, values: list[Literal], *, keyed: bool) -> str:
        kind = column.field.type
        if kind in ("id", "reference"):
            return self._among(column.sql, [self._id_value(column, one) for one in values])
        if kind not in TEXT_TYPES:
            return self._among(_solid(column), [_number(one.value) for one in values])
        texts = [str(one.value) for one in values]
        if keyed and self._has_key(column):
            return self._among(_key(column), [column.field.key(one) for one in texts])
        if column.field.case_sensitive:
            return self._among(column.sql, texts)
        if all(one.isascii() for one in texts):
            return self._among(f"{column.sql} COLLATE NOCASE", texts)
        return self._among(f"fold({column.sql})", [one.casefold() for one in texts])

    def _among(self, sql: str, values: list[Any]) -> str:
        """A list as one parameter; a list of one as ``=``, which an ordered index can serve."""
        if len(values) == 1:
            return f"{sql} = {self._bind(values[0])}"
        return f"{sql} IN (SELECT value FROM json_each({self._bind(json.dumps(values))}))"  # noqa: S608

    def _includes(self, column: Column, one: Includes) -> str:
        if column.field.type != "multipicklist":
            raise self._scope.fail("INVALID_FIELD", column.at, f"invalid operator on {column.field.type} field")
        parts = []
        for value in one.values:
            chosen = [part.strip() for part in str(value.value).split(";")]
            inside = [f"instr(';' || {column.sql} || ';', {self._bind(f';{part};')}) > 0" for part in chosen]
            parts.append(f"({' AND '.join(inside)})")
        sql = "(" + " OR ".join(parts) + ")"
        return f"NOT COALESCE({sql}, 0)" if one.negated else sql

    def _in_query(self, column: Column, one: InQuery) -> str:
        inside = f"{column.sql} IN ({self._sub_query(self._scope, one)})"
        return f"NOT COALESCE({inside}, 0)" if one.negated else inside

    # -- types --------------------------------------------------------------------------------------------

    def _check(self, column: Column, value: Literal) -> None:
        kind = column.field.type
        if value.kind == "null":
            return
        good = {"number"} if kind in NUMBER_TYPES else _KINDS.get(kind, {"string"})
        if value.kind not in good or (kind == "int" and isinstance(value.value, float)):
            wanted = "double" if kind in NUMBER_TYPES and kind != "int" else _WANTED.get(kind, "string")
            raise self._type_error(column, wanted)

    def _type_error(self, column: Column, wanted: str) -> OrgError:
        text = errors.criterion_type(column.field.name, wanted)
        return self._scope.fail("INVALID_FIELD", column.at, text)

    def _has_key(self, column: Column) -> bool:
        # Look-up columns hold living rows only.
        return column.plain and column.field.indexed and not self._scope.all_rows


def _key(column: Column) -> str:
    return f'{column.alias}."{column.field.key_column}"'


def _solid(column: Column) -> str:
    """A flag behind an empty relationship counts as false."""
    if column.field.type == "boolean" and not column.plain:
        return f"COALESCE({column.sql}, 0)"
    return column.sql


def _collation(column: Column) -> str:
    return "" if column.field.case_sensitive else " COLLATE NOCASE"


def _folded(column: Column, text: str) -> tuple[str, str]:
    """SQLite folds ASCII on its own; other letters need help, and cost an index."""
    if text.isascii() or column.field.case_sensitive:
        return column.sql, text
    return f"fold({column.sql})", text.casefold()


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
