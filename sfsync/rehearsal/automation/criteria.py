"""Conditions of rules: criteria that compare a field with a value, or a formula.

Text compares without regard to case. Several values, separated by commas, are alternatives; blank stands for no
value. Source: vendor, "Filter Operators Reference" and FilterItem of the Metadata API guide.
"""

from __future__ import annotations

import csv
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sfsync.rehearsal.automation.joined import Logic, logic
from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.formula import Formula, FormulaError, Scope, bind, evaluate
from sfsync.rehearsal.formula.bind import Column
from sfsync.rehearsal.formula.bind import field as bound_field
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.schema.automation_model import Condition, Criterion

Test = Callable[[Any], bool]

_ORDERS = {
    "lessThan": operator.lt,
    "greaterThan": operator.gt,
    "lessOrEqual": operator.le,
    "greaterOrEqual": operator.ge,
}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class BoundCriterion:
    """``columns``: one of them passing is enough (a record type by its name or its developer name)."""

    columns: tuple[Column, ...]
    test: Test
    refuses: bool

    def holds(self, rows: Rows) -> list[bool]:
        found = [list(map(self.test, rows.read(one))) for one in self.columns]
        join = all if self.refuses else any
        return [join(one) for one in zip(*found, strict=True)]


@dataclass(frozen=True)
class BoundCondition:
    """A condition whose names have been looked up."""

    criteria: tuple[BoundCriterion, ...]
    join: Logic
    formula: Formula | None

    def holds(self, rows: Rows) -> list[bool]:
        """For each row whether the condition is true; a formula that fails is not."""
        if self.formula is not None:
            return [one is True for one in evaluate(self.formula, rows)]
        if not self.criteria:
            return [True] * rows.size
        found = [one.holds(rows) for one in self.criteria]
        return [self.join(one) for one in zip(*found, strict=True)]


def condition(given: Condition, scope: Scope) -> BoundCondition:
    """Raises FormulaError."""
    formula = bind(given.formula, scope, gives="boolean") if given.formula else None
    criteria = tuple(_criterion(one, scope) for one in given.criteria)
    return BoundCondition(criteria, logic(given.filter, len(criteria)), formula)


def _criterion(given: Criterion, scope: Scope) -> BoundCriterion:
    refuses = given.operation in ("notEqual", "notContain", "excludes")
    if given.field == "RecordTypeId" and not is_valid(given.value):
        value = given.value.rpartition(".")[2] if "." in given.value else given.value
        columns = (bound_field("RecordType.DeveloperName", scope), bound_field("RecordType.Name", scope))
        return BoundCriterion(columns, _test(columns[0], given.operation, value), refuses)
    column = bound_field(given.field, scope)
    return BoundCriterion((column,), _test(column, given.operation, given.value), refuses)


def _test(column: Column, operation: str, value: str) -> Test:
    if operation in _ORDERS:
        return _order(column, operation, value)
    if operation in ("contains", "notContain", "startsWith"):
        return _part(operation, [one.casefold() for one in _alternatives(value) if one])
    if operation in ("includes", "excludes") or column.kind == "multipicklist":
        return _member(operation, {one.strip().casefold() for one in value.replace(";", ",").split(",")})
    wanted = {_folded(_typed(column, one)) for one in _alternatives(value)}
    if column.kind == "boolean" and wanted == {None}:
        wanted = {False}
    if operation == "notEqual":
        return lambda one: _folded(one) not in wanted
    return lambda one: _folded(one) in wanted


def _alternatives(value: str) -> Sequence[str]:
    """Comma-separated, quotes around a value that has a comma; an empty text is one blank value."""
    return [one.strip() for one in next(csv.reader([value], skipinitialspace=True), [])] or [""]


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _order(column: Column, operation: str, value: str) -> Test:
    bound, compare = _typed(column, value.strip()), _ORDERS[operation]
    if bound is None:
        raise FormulaError(f"{column.field.name} {operation}: there is no value to compare with")
    bound = _folded(bound)
    return lambda one: one is not None and compare(_folded(one), bound)


def _part(operation: str, parts: Sequence[str]) -> Test:
    def found(one: Any) -> bool:
        text = str(one or "").casefold()
        if operation == "startsWith":
            return any(text.startswith(part) for part in parts)
        return any(part in text for part in parts)

    return (lambda one: not found(one)) if operation == "notContain" else found


def _member(operation: str, wanted: set[str]) -> Test:
    def found(one: Any) -> bool:
        return not wanted.isdisjoint(part.casefold() for part in str(one or "").split(";"))

    return (lambda one: not found(one)) if operation in ("excludes", "notEqual") else found


def _typed(column: Column, value: str) -> Any:
    """The value in the field's own type. Raises FormulaError for one that does not fit."""
    if value == "":
        return None
    try:
        if column.field.type == "percent":
            return _number(value.removesuffix("%")) / 100
        return _CONVERTERS.get(column.kind, str)(value) if column.field.type not in ("id", "reference") else _id(value)
    except (ValueError, KeyError, InvalidOperation) as wrong:
        raise FormulaError(f"{column.field.name}: the rehearsal org cannot compare with {value}") from wrong


def _id(value: str) -> str:
    if not is_valid(value):
        raise ValueError(value)
    return value[:15]


def _number(value: str) -> Decimal:
    return Decimal(value.replace(",", ""))


def _date(value: str) -> date:
    """``2026-03-01`` as the API writes it, or ``3/1/2026`` as setup pages do."""
    return (
        date.fromisoformat(value) if "-" in value else datetime.strptime(value, "%m/%d/%Y").replace(tzinfo=UTC).date()
    )


def _instant(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "number": _number,
    "boolean": lambda value: _BOOLEANS[value.lower()],
    "date": _date,
    "datetime": _instant,
}
