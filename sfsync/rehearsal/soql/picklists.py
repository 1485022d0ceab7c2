"""The order of picklist values is the one they have in setup, not the alphabet's (SOQL guide, ORDER BY; MIN, MAX).

Values that are not in the list, inactive ones or those of an unrestricted picklist, come after it by the alphabet.
"""

from __future__ import annotations

from collections.abc import Callable

from sfsync.rehearsal.soql.scope import Column

_LAST = "9999"


def ordered(column: Column, bind: Callable[[str], str]) -> str:
    """SQL to sort a column by; that of a picklist's value is its place and, behind the list, the value."""
    return _place(column, bind) if _listed(column) else column.sql


def extreme(function: str, column: Column, bind: Callable[[str], str]) -> str:
    """MIN or MAX of a column in SQL."""
    if not _listed(column):
        return f"{function}({column.sql})"
    found = f"{function}({_place(column, bind)})"
    back = " ".join(f"WHEN '{place}' THEN {bind(value)}" for place, value in _places(column))
    return f"CASE {found} {back} ELSE substr({found}, {len(_LAST) + 1}) END"


def _listed(column: Column) -> bool:
    return column.field.type == "picklist" and bool(column.field.values)


def _places(column: Column) -> list[tuple[str, str]]:
    return [(f"{number:0{len(_LAST)}}", value) for number, value in enumerate(column.field.values)]


def _place(column: Column, bind: Callable[[str], str]) -> str:
    cases = " ".join(f"WHEN {bind(value)} THEN '{place}'" for place, value in _places(column))
    return f"(CASE {column.sql} {cases} ELSE '{_LAST}' || {column.sql} END) COLLATE NOCASE"
