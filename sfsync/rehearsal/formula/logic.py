"""Comparison, blanks, and the functions ``evaluate`` runs itself because not every argument is to be looked at."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sfsync.rehearsal.formula.function import ANY, BOOLEAN, RULE, Act, Function
from sfsync.rehearsal.formula.values import Value

_COMPARABLE = ANY - {"picklist", "multipicklist"}
_ORDERED = _COMPARABLE - {"boolean"}
_BLANKABLE = ANY - {"boolean"}


def equal(kinds: Sequence[str]) -> Act:
    """Blank text equals the empty text; a blank number or date equals nothing, unless NULL itself is asked for."""
    if "null" in kinds:
        return lambda left, right: (left is None or left is False) and (right is None or right is False)
    if "text" in kinds or "picklist" in kinds:
        return lambda left, right: (left or "") == (right or "")
    if "boolean" in kinds:
        return lambda left, right: bool(left) == bool(right)
    return lambda left, right: left is not None and right is not None and left == right


def _unequal(kinds: Sequence[str]) -> Act:
    same = equal(kinds)
    if {"null", "text", "boolean", "picklist"} & set(kinds):
        return lambda left, right: not same(left, right)
    return lambda left, right: left is not None and right is not None and left != right


def _ordered(compare: Callable[[Any, Any], bool]) -> Act:
    return lambda left, right: left is not None and right is not None and compare(left, right)


def _is_null(kinds: Sequence[str]) -> Act:
    """A text field is never null, not even a blank one."""
    return (lambda one: False) if kinds[0] == "text" else (lambda one: one is None)


def _null_value(kinds: Sequence[str]) -> Act:
    return (lambda one, other: one) if kinds[0] == "text" else (lambda one, other: other if one is None else one)


def _instead(one: Value, other: Value) -> Value:
    return other if one is None else one


def _negation(one: Value) -> Value:
    return not one


def result_kind(kinds: Sequence[str]) -> str:
    """The kind of several possible results: the first that is not NULL."""
    return next((one for one in kinds if one != "null"), "null")


def _branches(kinds: Sequence[str]) -> str:
    return result_kind(kinds[1:])


def _outcomes(kinds: Sequence[str]) -> str:
    return result_kind([*kinds[2:-1:2], kinds[-1]])


def _first_kind(kinds: Sequence[str]) -> str:
    return kinds[0]


def functions() -> Sequence[Function]:
    signs = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
    return (
        Function("AND", (BOOLEAN,), "boolean", high=None),
        Function("BLANKVALUE", (_BLANKABLE, ANY), result_kind, _instead, aware=True),
        Function("CASE", (ANY,), _outcomes, low=4, high=None),
        Function("IF", (BOOLEAN, ANY, ANY), _branches),
        Function("ISBLANK", (_BLANKABLE,), "boolean", lambda one: one is None, aware=True),
        Function("ISCHANGED", (ANY,), "boolean", where=RULE),
        Function("ISNEW", (), "boolean", where=RULE),
        Function("ISNULL", (_BLANKABLE,), "boolean", choose=_is_null, aware=True),
        Function("NOT", (BOOLEAN,), "boolean", _negation),
        Function("NULLVALUE", (_BLANKABLE, ANY), result_kind, choose=_null_value, aware=True),
        Function("OR", (BOOLEAN,), "boolean", high=None),
        Function("PRIORVALUE", (ANY,), _first_kind, where=RULE),
        Function("=", (_COMPARABLE, _COMPARABLE), "boolean", choose=equal, aware=True),
        Function("<>", (_COMPARABLE, _COMPARABLE), "boolean", choose=_unequal, aware=True),
        *(Function(sign, (_ORDERED, _ORDERED), "boolean", _ordered(one), aware=True) for sign, one in signs.items()),
    )
