"""How many rows a window on an index holds, counted from its shorter side.

The rows after some time are all rows less those up to it. Which of the two is the shorter walk is guessed from where
the window lies between the first and the last value; the count is exact either way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sfsync.rehearsal.soql import windows
from sfsync.rehearsal.soql.scope import Scope
from sfsync.rehearsal.soql.tree import AnyOf, Compare, Condition

_OTHER_SIDE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Window:
    """``name`` the field, ``low`` and ``high`` its ends (stored values).

    In SQL, stretches of the index that do not overlap: ``inside`` from its first end on, ``less`` those of them beyond
    the second end, ``outside`` everything beyond either.
    """

    name: str
    low: str | None
    high: str | None
    inside: tuple[str, ...]
    less: tuple[str, ...]
    outside: tuple[str, ...]

    def is_long(self, connection: sqlite3.Connection, table: str) -> bool:
        """Whether more than half of the table seems to lie inside."""
        first, last = connection.execute(
            f'SELECT (SELECT MIN("{self.name}") FROM "{table}"), (SELECT MAX("{self.name}") FROM "{table}")'  # noqa: S608
        ).fetchone()
        if first is None:
            return False
        begin, end = _rank(first), _rank(last)
        low = begin if self.low is None else max(begin, _rank(self.low))
        high = end if self.high is None else min(end, _rank(self.high))
        return high - low > (end - begin) / 2


def window(terms: Sequence[Condition], scope: Scope) -> Window | None:
    """The window that ``terms``, all of them, make on one indexed field; None if they are anything else."""
    found = [_side(one, scope) for one in terms]
    sides = [one for one in found if one is not None]
    ends = {side.sign[0]: side.value for side in sides}
    if not sides or len(sides) < len(found) or len({side.name for side in sides}) > 1 or len(ends) < len(sides):
        return None
    less = tuple(one for side in sides[1:] for one in side.there)
    return Window(sides[0].name, ends.get(">"), ends.get("<"), sides[0].here, less, (*sides[0].there, *less))


@dataclass(frozen=True)
class _Side:
    """One end of a window: the stretches on its side of it (``here``), and on the other."""

    name: str
    sign: str
    value: str
    here: tuple[str, ...]
    there: tuple[str, ...]


def _side(one: Condition, scope: Scope) -> _Side | None:
    if isinstance(one, AnyOf):
        place = windows.place(one, scope)
        if place is None:
            return None
        stamp, sign, value, _ = place
        back = "<" if sign == ">" else ">"
        return _Side(
            stamp, sign, value, _stretches(scope, place, sign, sign), _stretches(scope, place, back, f"{back}=")
        )
    if not isinstance(one, Compare) or one.operator not in _OTHER_SIDE:
        return None
    end = windows.end(one, scope)
    if end is None:
        return None
    name, value = end
    column, bound = f'{scope.root}."{name}"', scope.names.bind(value)
    other = _OTHER_SIDE[one.operator]
    return _Side(name, one.operator, value, (f"{column} {one.operator} {bound}",), (f"{column} {other} {bound}",))


def _stretches(scope: Scope, place: windows.Place, sign: str, of_ids: str) -> tuple[str, ...]:
    """The rows beyond a place: with another stamp, and with the same stamp. Two counts cost less than one that compares
    both fields of every row."""
    stamp, _, value, record_id = place
    column, bound = f'{scope.root}."{stamp}"', scope.names.bind(value)
    same = f"{column} = {bound} AND {scope.root}.Id {of_ids} {scope.names.bind(record_id)}"
    return f"{column} {sign} {bound}", same


def _rank(value: str) -> float:
    """A number that grows with a stored time or an id."""
    if value[4:5] == "-":
        return datetime.fromisoformat(value).timestamp()
    number = 0
    for digit in value[3:15]:
        number = number * 62 + _DIGITS.find(digit)
    return float(number)
