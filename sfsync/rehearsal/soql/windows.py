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
# Field, sign, its value, the id: "after this row", or before it.
Place = tuple[str, str, str, str]


def row_value(one: AnyOf, scope: Scope) -> str | None:
    """``(Stamp, Id) > (t, i)`` for a condition that means just that, else None."""
    found = place(one, scope)
    return None if found is None else beyond(scope, *found)


def beyond(scope: Scope, stamp: str, sign: str, value: str, record_id: str) -> str:
    bound = scope.names.bind(value), scope.names.bind(record_id)
    return f'({scope.root}."{stamp}", {scope.root}.Id) {sign} ({bound[0]}, {bound[1]})'


def place(one: AnyOf, scope: Scope) -> Place | None:
    """The row after (or before) which everything is meant; None for a condition that says something else."""
    terms = one.terms if isinstance(one.terms[0], Compare) else one.terms[::-1]
    if len(terms) != 2 or not isinstance(terms[0], Compare) or not isinstance(terms[1], AllOf):
        return None
    outer, inner = terms[0], [term for term in terms[1].terms if isinstance(term, Compare)]
    if len(inner) != 2 or len(terms[1].terms) != 2 or outer.operator not in ("<", ">"):
        return None
    equal, further = inner if inner[0].operator == "=" else inner[::-1]
    stamp, same, record = end(outer, scope), end(equal, scope), end(further, scope)
    if stamp is None or stamp != same or equal.operator != "=" or stamp[0] not in STAMPS:
        return None
    if record is None or record[0] != "Id" or further.operator != outer.operator:
        return None
    return stamp[0], outer.operator, stamp[1], record[1]


def end(one: Compare, scope: Scope) -> tuple[str, str] | None:
    """(field, stored value) of a comparison of the row's own Id or an indexed stamp; None for any other."""
    for name in STAMPS:
        if one.value.kind == "datetime" and _own(one, name, scope):
            return name, str(one.value.value)
    text = str(one.value.value).strip()
    if one.value.kind == "string" and _own(one, "Id", scope) and is_valid(text):
        return "Id", to18(text)
    return None


def bound(one: AnyOf, scope: Scope) -> str | None:
    """``Stamp >= t`` with the earliest time the OR can be true for, if all its branches say one."""
    for stamp in STAMPS:
        earliest = _lowest(one, stamp, scope)
        if earliest is not None and scope.obj.has(stamp):
            return f'{scope.root}."{stamp}" >= {scope.names.bind(earliest)}'
    return None


def _own(one: Compare, name: str, scope: Scope) -> bool:
    """Whether the comparison is of this field of the level's own object."""
    if not isinstance(one.operand, Path) or not scope.obj.has(name):
        return False
    *before, last = (part.lower() for part in one.operand.parts)
    return last == name.lower() and before in ([], [scope.obj.name.lower()], [(scope.alias or "").lower()])


def _lowest(one: Condition, stamp: str, scope: Scope) -> str | None:
    """The earliest own stamp a condition can be true for, if it says so."""
    if isinstance(one, Compare):
        found = end(one, scope)
        fits = one.operator in ("=", ">", ">=") and found is not None and found[0] == stamp
        return found[1] if fits and found is not None else None
    if isinstance(one, AllOf):
        return max((start for term in one.terms if (start := _lowest(term, stamp, scope)) is not None), default=None)
    if isinstance(one, AnyOf):
        starts = [_lowest(term, stamp, scope) for term in one.terms]
        return None if None in starts else min(str(start) for start in starts)
    return None
