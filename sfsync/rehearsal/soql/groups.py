"""Aggregate queries: GROUP BY, ROLLUP, CUBE, GROUPING, HAVING (SOQL guide, GROUP BY).

ROLLUP and CUBE are several groupings of the same rows, put one under the other; a field that a grouping leaves out is
null in its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.soql import picklists
from sfsync.rehearsal.soql.functions import is_aggregate, operand
from sfsync.rehearsal.soql.scope import Column, Scope
from sfsync.rehearsal.soql.select import Build, Outputs, leaf
from sfsync.rehearsal.soql.tree import Call, CallItem, FieldItem, Operand, Path, Query
from sfsync.rehearsal.soql.where import SubQuery, Where

MAX_SETS = 3


@dataclass
class Groups:
    """Compiles the aggregate query of one scope; ``core`` gives FROM and WHERE once all joins are known."""

    scope: Scope
    query: Query
    semi_join: SubQuery
    core: Callable[[], str]

    def __post_init__(self) -> None:
        self.columns: list[str] = []
        self._grouped = {one.shown.lower() for one in self.query.group}

    def compiled(self) -> tuple[str, Build]:
        """The whole statement without LIMIT, and the builder of its rows."""
        self._check()
        builds: list[tuple[str, Build]] = []
        selects: list[tuple[list[str], str]] = []
        for chosen in self._sets():
            builds, outputs, having = self._one_set(chosen)
            groups = [operand(self.scope, one).sql for one in chosen]
            grouped = f" GROUP BY {', '.join(groups)}" if groups else ""
            selects.append((outputs, grouped + having))
        self.scope.fixed = {}
        self.columns = [name for name, _ in builds]
        return self._united(selects), lambda row: _record(builds, row)

    def _sets(self) -> list[tuple[Operand, ...]]:
        group = self.query.group
        if not self.query.grouping:
            return [group]
        if len(group) > MAX_SETS:
            text = f"GROUP BY {self.query.grouping} supports no more than {MAX_SETS} fields"
            raise errors.malformed_query(text)
        if self.query.grouping == "ROLLUP":
            return [group[:size] for size in range(len(group), -1, -1)]
        return [one for size in range(len(group), -1, -1) for one in combinations(group, size)]

    def _one_set(self, chosen: tuple[Operand, ...]) -> tuple[list[tuple[str, Build]], list[str], str]:
        """Builders, outputs (with those only ORDER BY needs at the end) and HAVING of one grouping."""
        self.scope.fixed = self._fixed(chosen)
        outputs = Outputs()
        builds = self._selected(outputs)
        for one in self.query.order:
            outputs.sql.append(self._ordered(one.operand))
        having = ""
        if self.query.having is not None:
            having = f" HAVING {Where(self.scope, self.semi_join, having=True).sql(self.query.having)}"
        self.scope.fixed = {}
        return builds, outputs.sql, having if self.query.group else ""

    def _fixed(self, chosen: tuple[Operand, ...]) -> dict[str, str]:
        if not self.query.grouping:
            return {}
        present = {one.shown.lower() for one in chosen}
        absent = dict.fromkeys(self._grouped - present, "NULL")
        return absent | {f"grouping({name})": str(int(name not in present)) for name in self._grouped}

    def _selected(self, outputs: Outputs) -> list[tuple[str, Build]]:
        builds: dict[str, Build] = {}
        unnamed = 0
        for item in self.query.items:
            if not isinstance(item, FieldItem | CallItem):
                raise errors.malformed_query("Aggregate queries select fields and functions only")
            column = operand(self.scope, item.path if isinstance(item, FieldItem) else item.call, shown=True)
            name = item.alias or (column.field.name if isinstance(item, FieldItem) else f"expr{unnamed}")
            unnamed += isinstance(item, CallItem) and item.alias is None
            if name.lower() in {one.lower() for one in builds}:
                raise errors.malformed_query(f"duplicate alias: {name}")
            # A place of its own for each: the groupings must have the same outputs in the same places.
            outputs.sql.append(column.sql)
            builds[name] = _at(column, len(outputs.sql) - 1)
        return list(builds.items())

    def _ordered(self, one: Operand) -> str:
        if not is_aggregate(one) and one.shown.lower() not in self._grouped:
            raise errors.malformed_query(f"Ordered field must be grouped or aggregated: {one.shown}")
        column = operand(self.scope, one)
        return picklists.ordered(column, self.scope.names.bind) if isinstance(one, Path) else column.sql

    def _united(self, selects: list[tuple[list[str], str]]) -> str:
        core = self.core()
        parts = [f"SELECT {', '.join(outputs)} {core}{rest}" for outputs, rest in selects]
        order = self._order(len(selects[0][0]))
        if len(parts) == 1:
            return parts[0] + order
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){order}"  # noqa: S608 - schema names

    def _order(self, width: int) -> str:
        """By place: the outputs of ORDER BY are the last ones."""
        first = width - len(self.query.order) + 1
        parts = []
        for number, one in enumerate(self.query.order):
            direction = " DESC" if one.descending else ""
            parts.append(f"{first + number}{direction} NULLS {'LAST' if one.nulls_last else 'FIRST'}")
        if not parts and self.query.grouping:
            places = [number for number, item in enumerate(self.query.items, 1) if self._groups(item)]
            parts = [f"{number} NULLS LAST" for number in places]
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _groups(self, item: Any) -> bool:
        one = item.path if isinstance(item, FieldItem) else item.call
        return one.shown.lower() in self._grouped

    # -- rules --------------------------------------------------------------------------------------------

    def _check(self) -> None:
        for one in self.query.group:
            column = operand(self.scope, one)
            if is_aggregate(one) or not column.field.groupable:
                text = f"field '{column.field.name}' can not be grouped in a query call"
                raise self.scope.fail("MALFORMED_QUERY", column.at, text)
        for item in self.query.items:
            if isinstance(item, FieldItem | CallItem):
                self._check_selected(item.path if isinstance(item, FieldItem) else item.call)
        if not self.query.group and (self.query.limit is not None or self.query.offset is not None):
            word = "LIMIT" if self.query.limit is not None else "OFFSET"
            text = f"Non-grouped query that uses overall aggregate functions cannot also use {word}"
            raise errors.malformed_query(text)

    def _check_selected(self, one: Operand) -> None:
        if isinstance(one, Call) and one.name in ("FORMAT", "TOLABEL") and one.argument is not None:
            self._check_selected(one.argument)
        elif is_aggregate(one):
            self._check_aggregated(one)
        elif one.shown.lower() not in self._grouped:
            # The object comes first: an unknown field is told as such.
            operand(self.scope, one)
            raise errors.malformed_query(f"Field must be grouped or aggregated: {one.shown}")

    def _check_aggregated(self, one: Operand) -> None:
        assert isinstance(one, Call)
        inner = one.argument
        if one.name == "GROUPING":
            if inner is None or inner.shown.lower() not in self._grouped or not self.query.grouping:
                raise errors.malformed_query(f"GROUPING needs a field of GROUP BY ROLLUP or CUBE: {one.shown}")
        elif isinstance(inner, Path) and inner.shown.lower() in self._grouped and not self.query.grouping:
            text = f"Grouped field should not be aggregated: {inner.shown}"
            raise self.scope.fail("MALFORMED_QUERY", one.at, text)


def _at(column: Column, place: int) -> Build:
    """``leaf`` for a known place."""
    outputs = Outputs()
    one = leaf(column, outputs)
    return lambda row: one((row[place],))


def _record(builds: list[tuple[str, Build]], row: Any) -> dict[str, Any]:
    return {"attributes": {"type": "AggregateResult"}} | {name: one(row) for name, one in builds}
