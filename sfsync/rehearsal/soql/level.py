"""A compiled level of a query: the parts of its SQL, and the statements made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.soql.counting import Window
from sfsync.rehearsal.soql.select import Build
from sfsync.rehearsal.store.tables import quoted


@dataclass
class Level:
    """``outputs`` are the SQL expressions of a row, ``tables`` the FROM, ``conditions`` the WHERE without the rule that
    hides deleted rows (``living``). All statements take ``values`` by name; ``:parents``, ``:parent`` and ``:ids`` are
    added by the runner. ``whole``: the statement of an aggregate query, complete.

    ``columns``: flat dotted names of the fields, subqueries left out. ``count_only``: ``SELECT COUNT()``.
    """

    obj: SObject
    values: dict[str, Any]
    outputs: list[str] = field(default_factory=list)
    tables: str = ""
    conditions: list[str] = field(default_factory=list)
    living: str = ""
    order: str = ""
    limit: int | None = None
    offset: int | None = None
    build: Build = lambda row: None
    columns: list[str] = field(default_factory=list)
    id_place: int = 0
    root: str = ""
    parent: str = ""
    children: list[tuple[str, Level]] = field(default_factory=list)
    whole: str = ""
    count_only: bool = False
    aggregate: bool = False
    functions: bool = False  # Python functions are needed on the connection
    window: Window | None = None  # what all conditions together are, if that is a window on one index
    long_texts: int = 0  # how many are selected: they make pages smaller

    def rows(self) -> str:
        """All rows, in order."""
        return self.whole or f"SELECT {', '.join(self.outputs)} {self._core()}{self.order}{self._slice()}"

    def ids(self) -> str:
        """The ids alone, in the same order; joins nobody needs are left out by SQLite itself."""
        return f"SELECT {self.root}.Id {self._core()}{self.order}{self._slice()}"

    def ids_joined(self) -> str:
        """The ids as one text. The LIMIT keeps the order of the inner query."""
        ending = self._slice() or " LIMIT -1"
        inner = f"SELECT {self.root}.Id AS one {self._core()}{self.order}{ending}"
        return f"SELECT group_concat(one, '') FROM ({inner})"  # noqa: S608 - schema names

    def some(self) -> str:
        """The rows of ``:ids``, in no order, whatever has become of them since."""
        chosen = f"{self.root}.Id IN (SELECT value FROM json_each(:ids))"  # noqa: S608 - schema names
        return f"SELECT {', '.join(self.outputs)} FROM {self.tables} WHERE {chosen}"  # noqa: S608 - schema names

    def count(self, *, by_outside: bool = False) -> str:
        """How many rows there are; ``by_outside``, as all rows less those outside the window.

        Without LIMIT the deleted rows are counted apart and taken off: the first count can then be served by an
        index alone, the second walks only what has been deleted.
        """
        if self.whole:
            return f"SELECT COUNT(*) FROM ({self.whole})"  # noqa: S608 - schema names
        if self.limit is not None or self.offset is not None:
            return f"SELECT COUNT(*) FROM (SELECT 1 {self._core()}{self._slice()})"  # noqa: S608 - schema names
        every = self._every(by_outside)
        if not self.living:
            return every
        deleted = f"SELECT COUNT(*) FROM {self._tables_of_deleted()}"  # noqa: S608 - schema names
        gone = f"{deleted}{_where([*self.conditions, f'{self.root}.IsDeleted'])}"
        return f"SELECT ({every}) - ({gone})"

    def _every(self, by_outside: bool) -> str:
        """Deleted or not: stretch by stretch, or all rows less those beyond the window and those without a value."""
        if self.window is None:
            return f"SELECT COUNT(*) FROM {self.tables}{_where(self.conditions)}"  # noqa: S608 - schema names
        table = f"SELECT COUNT(*) FROM {quoted(self.obj.name)} {self.root}"  # noqa: S608 - schema names
        if not by_outside:
            counted = " + ".join(f"({table} WHERE {one})" for one in self.window.inside)
            return (
                "SELECT MAX(0, " + " - ".join([counted, *(f"({table} WHERE {one})" for one in self.window.less)]) + ")"
            )
        beyond = [f"{self.root}.{quoted(self.window.name)} IS NULL", *self.window.outside]
        return f"SELECT ({table}) - " + " - ".join(f"({table} WHERE {one})" for one in beyond)

    def of_parents(self, cap: int | None) -> str:
        """The rows of ``:parents`` (a JSON array of ids), parent's id first; last output the size of each family.

        LIMIT and OFFSET count per parent, and at most ``cap`` rows of each are given.
        """
        first = self.offset or 0
        named = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(self.outputs))
        names = ", ".join(f"c{number}" for number in range(len(self.outputs)))
        ranked = (
            f"SELECT {named}, ROW_NUMBER() OVER (PARTITION BY {self.parent}{self.order}) AS place,"
            f" COUNT(*) OVER (PARTITION BY {self.parent}) AS family {self._core([self._of_parents()])}"
        )
        size = f"MAX(family - {first}, 0)"
        ends = [one for one in (cap, self.limit) if one is not None]
        size = size if self.limit is None else f"MIN({size}, {self.limit})"
        last = f" AND place <= {first + min(ends)}" if ends else ""
        return f"SELECT {names}, {size} FROM ({ranked}) WHERE place > {first}{last} ORDER BY place"  # noqa: S608

    def ids_of_parent(self) -> str:
        """The ids of the children of ``:parent``, in order."""
        return f"SELECT {self.root}.Id {self._core([f'{self.parent} = :parent'])}{self.order}{self._slice()}"

    def _of_parents(self) -> str:
        return f"{self.parent} IN (SELECT value FROM json_each(:parents))"  # noqa: S608 - schema names

    def _core(self, more: Sequence[str] = ()) -> str:
        living = [self.living] if self.living else []
        return f"FROM {self.tables}{_where([*more, *living, *self.conditions])}"

    def _slice(self) -> str:
        if self.limit is None and self.offset is None:
            return ""
        return f" LIMIT {-1 if self.limit is None else self.limit} OFFSET {self.offset or 0}"

    def _tables_of_deleted(self) -> str:
        """SQLite would rather walk a window than the few rows that have been deleted, unless it is told."""
        if self.window is None:
            return self.tables
        start = f"{quoted(self.obj.name)} {self.root}"
        index = quoted(f"{self.obj.name}~deleted")
        return f"{start} INDEXED BY {index}{self.tables.removeprefix(start)}"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
