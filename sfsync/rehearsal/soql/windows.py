"""Windows on an index: conditions written so that SQLite walks the index from the window's beginning.

A reader that pages by ``Stamp = t AND Id > i OR Stamp > t`` means the rows after (t, i) in the order of the index on
(Stamp, Id). SQLite does not see that through the OR; a row value says it, and any other OR whose branches all begin
at some time gets the earliest of them as a bound of its own.
"""

from __future__ import annotations

from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.soql.scope import Scope
from sfsync.rehearsal.soql.tree import AllOf, AnyOf, Compare, Condition, Path

STAMPS = ("SystemModstamp", "CreatedDate")  # indexed together with Id
_BEYOND = {">": ">", "<": "<"}


def row_value(one: AnyOf, scope: Scope) -> str | None:
    """``(Stamp, Id) > (t, i)`` for a condition that means just that, else None."""
    if len(one.terms) != 2:
        return None
    outer, inner = one.terms if isinstance(one.terms[0], Compare) else reversed(one.terms)
    if not isinstance(outer, Compare) or not isinstance(inner, AllOf) or len(inner.terms) != 2:
        return None
    equal, beyond = inner.terms
    if not isinstance(equal, Compare) or not isinstance(beyond, Compare):
        return None
    if equal.operator != "=":
        equal, beyond = beyond, equal
    stamp = _stamp(outer, scope)
    if stamp is None or _stamp(equal, scope) != stamp or equal.operator != "=" or not _own(beyond, "Id", scope):
        return None
    same = outer.operator in _BEYOND and outer.operator == beyond.operator and outer.value.value == equal.value.value
    if not same or beyond.value.kind != "string" or not is_valid(str(beyond.value.value).strip()):
        return None
    place = scope.names.bind(outer.value.value), scope.names.bind(to18(str(beyond.value.value).strip()))
    return f'({scope.root}."{stamp}", {scope.root}.Id) {outer.operator} ({place[0]}, {place[1]})'


def bound(one: AnyOf, scope: Scope) -> str | None:
    """``Stamp >= t`` with the earliest time the OR can be true for, if all its branches say one."""
    for stamp in STAMPS:
        earliest = _lowest(one, stamp, scope)
        if earliest is not None and scope.obj.has(stamp):
            return f'{scope.root}."{stamp}" >= {scope.names.bind(earliest)}'
    return None


def _own(one: Compare, name: str, scope: Scope) -> bool:
    if not isinstance(one.operand, Path) or not scope.obj.has(name):
        return False
    *before, last = one.operand.parts
    return last.lower() == name.lower() and [part.lower() for part in before] in (
        [],
        [scope.obj.name.lower()],
        [(scope.alias or "").lower()],
    )


def _stamp(one: Compare, scope: Scope) -> str | None:
    if one.value.kind != "datetime":
        return None
    return next((name for name in STAMPS if _own(one, name, scope)), None)


def _lowest(one: Condition, stamp: str, scope: Scope) -> str | None:
    """The earliest own stamp a condition can be true for, if it says so."""
    if isinstance(one, Compare):
        fits = one.operator in ("=", ">", ">=") and one.value.kind == "datetime" and _own(one, stamp, scope)
        return str(one.value.value) if fits else None
    if isinstance(one, AllOf):
        return max((start for term in one.terms if (start := _lowest(term, stamp, scope)) is not None), default=None)
    if isinstance(one, AnyOf):
        starts = [_lowest(term, stamp, scope) for term in one.terms]
        return None if None in starts else min(str(start) for start in starts)
    return None
