"""Runs a formula over the rows of a batch, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sfsync.rehearsal.formula.bind import Apply, Bound, Column, Const, Formula, Permission
from sfsync.rehearsal.formula.dates import date_value
from sfsync.rehearsal.formula.function import first_failure
from sfsync.rehearsal.formula.values import NUMBERS, Failure, Value

Values = list[Value]


class Columns(Protocol):
    """Rows as a formula asks for them. ``now`` in UTC, ``zone`` the user's; ``creating``: the rows are new."""

    @property
    def size(self) -> int: ...

    @property
    def now(self) -> datetime: ...

    @property
    def zone(self) -> ZoneInfo: ...

    @property
    def creating(self) -> bool: ...

    def read(self, column: Column) -> Values:
        """The field's value for each row."""

    def prior(self, column: Column) -> Values:
        """The stored value before the save; for new rows the value itself."""

    def permitted(self, name: str) -> bool:
        """Whether the user has this custom permission."""


def evaluate(formula: Formula, columns: Columns) -> Values:
    """One value per row; what cannot be computed is a Failure."""
    with localcontext(NUMBERS):
        return _Run(columns, formula.blank_as_zero).values(formula.root)


@dataclass
class _Run:
    columns: Columns
    blank_as_zero: bool
    _read: dict[tuple[str, ...], Values] = field(default_factory=dict)

    def values(self, node: Bound) -> Values:
        size = self.columns.size
        if isinstance(node, Const):
            return [node.value] * size
        if isinstance(node, Permission):
            return [self.columns.permitted(node.name)] * size
        if isinstance(node, Column):
            return self._column(node)
        special = _SPECIAL.get(node.function.name)
        return special(self, node) if special else self._applied(node)

    def _column(self, node: Column) -> Values:
        key = node.key
        if key not in self._read:
            values = self.columns.read(node)
            if self.blank_as_zero and node.kind == "number":
                values = [Decimal(0) if one is None else one for one in values]
            self._read[key] = values
        return self._read[key]

    def _applied(self, node: Apply) -> Values:
        act, aware = node.act, node.function.aware
        assert act is not None
        if not node.args:
            return [act()] * self.columns.size
        return [_one(act, given, aware) for given in zip(*map(self.values, node.args), strict=True)]

    # -- functions that look at some of their arguments only, or at the save itself --

    def junction(self, node: Apply) -> Values:
        """AND, OR: from left to right, up to the argument that decides; a failure before it is the result."""
        decides = node.function.name == "OR"
        results: Values = [not decides] * self.columns.size
        open_rows = set(range(self.columns.size))
        for arg in node.args:
            if not open_rows:
                break
            values = self.values(arg)
            for row in list(open_rows):
                one = values[row]
                if isinstance(one, Failure) or bool(one) == decides:
                    results[row] = one if isinstance(one, Failure) else decides
                    open_rows.discard(row)
        return results

    def choice(self, node: Apply) -> Values:
        test, yes, no = (self.values(one) for one in node.args)
        return [
            one if isinstance(one, Failure) else (left if one else right)
            for one, left, right in zip(test, yes, no, strict=True)
        ]

    def case(self, node: Apply) -> Values:
        columns = [self.values(one) for one in node.args]
        return [_case(node, row) for row in zip(*columns, strict=True)]

    def is_new(self, node: Apply) -> Values:
        return [self.columns.creating] * self.columns.size

    def is_changed(self, node: Apply) -> Values:
        """A new row has not changed."""
        column = _own(node)
        if self.columns.creating:
            return [False] * self.columns.size
        return [now != before for now, before in zip(self.values(column), self.columns.prior(column), strict=True)]

    def prior_value(self, node: Apply) -> Values:
        return self.columns.prior(_own(node))

    def now(self, node: Apply) -> Values:
        return [self.columns.now] * self.columns.size

    def today(self, node: Apply) -> Values:
        return [self.columns.now.astimezone(self.columns.zone).date()] * self.columns.size

    def date_value(self, node: Apply) -> Values:
        act = date_value(self.columns.zone)
        return [_one(act, (one,), False) for one in self.values(node.args[0])]


def _one(act: Callable[..., Value], given: Sequence[Any], aware: bool) -> Value:
    failure = first_failure(given)
    if failure is not None:
        return failure
    if not aware and None in given:
        return None
    try:
        return act(*given)
    except ArithmeticError:
        return Failure("Number too large")


def _case(node: Apply, row: Sequence[Value]) -> Value:
    same = node.act
    assert same is not None
    if isinstance(row[0], Failure):
        return row[0]
    for position in range(1, len(row) - 1, 2):
        if same(row[0], row[position]):
            return row[position + 1]
    return row[-1]


def _own(node: Apply) -> Column:
    column = node.args[0]
    assert isinstance(column, Column)
    return column


_SPECIAL: dict[str, Callable[[_Run, Apply], Values]] = {
    "AND": _Run.junction,
    "OR": _Run.junction,
    "IF": _Run.choice,
    "CASE": _Run.case,
    "ISNEW": _Run.is_new,
    "ISCHANGED": _Run.is_changed,
    "PRIORVALUE": _Run.prior_value,
    "NOW": _Run.now,
    "TODAY": _Run.today,
    "DATEVALUE": _Run.date_value,
}
