"""Semi- and anti-joins: ``Id IN (SELECT AccountId FROM …)`` and what SOQL allows of them (SOQL guide, Semi-Joins)."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soql.scope import Scope
from sfsync.rehearsal.soql.tree import AllOf, AnyOf, Condition, FieldItem, InQuery, Negated, Path, Query

MAX_JOINS = 2
_NESTED = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions."
)


def check(condition: Condition | None) -> None:
    """Where semi-joins stand, and how many. Raises OrgError."""
    if condition is not None and len(_found(condition)) > MAX_JOINS:
        raise errors.malformed_query(f"Maximum {MAX_JOINS} semi join sub-selects are allowed")
    _check_place(condition)


def _found(one: Condition) -> list[InQuery]:
    if isinstance(one, InQuery):
        return [one]
    if isinstance(one, Negated):
        return _found(one.term)
    return [join for term in one.terms for join in _found(term)] if isinstance(one, AllOf | AnyOf) else []


def _check_place(one: Condition | None) -> None:
    if isinstance(one, AllOf):
        for term in one.terms:
            _check_place(term)
    elif isinstance(one, AnyOf) and _found(one):
        raise errors.malformed_query("Semi join sub-selects are not allowed with the 'OR' operator")
    elif isinstance(one, Negated) and _found(one):
        raise errors.malformed_query(_NESTED)


def check_sides(outer: Scope, join: InQuery) -> Path:
    """Left side an id of its own, inner query one id field of another object. Gives that field."""
    left, inner = join.operand, join.query
    if not isinstance(left, Path):
        raise errors.unexpected_token_at(outer.soql, left.at, left.name)
    steps, column = outer.path(left)
    if steps:
        raise outer.fail(
            "MALFORMED_QUERY", left.at, "The left operand cannot have more than one level of relationships"
        )
    if column.field.type not in ("id", "reference"):
        text = (
            "The left operand field in the where expression for outer query should be an id field, "
            f"cannot use: '{column.field.name}'"
        )
        raise outer.fail("MALFORMED_QUERY", left.at, text)
    if inner.source.text.lower() == outer.obj.name.lower():
        raise errors.malformed_query("The inner and outer selects should not be on the same object type")
    return _check_inner(inner)


def _check_inner(inner: Query) -> Path:
    if inner.where is not None and _found(inner.where):
        raise errors.malformed_query("Nesting of semi join sub-selects is not supported")
    if inner.group or inner.order or inner.limit is not None or inner.offset is not None:
        raise errors.malformed_query("Semi join sub-selects cannot use GROUP BY, ORDER BY, LIMIT or OFFSET")
    item = inner.items[0]
    if len(inner.items) != 1 or not isinstance(item, FieldItem):
        raise errors.malformed_query("Semi join sub-selects must select exactly one id field")
    return item.path


def not_an_id(field: str) -> OrgError:
    return errors.malformed_query(f"semi join sub-selects can only query id fields, cannot use: '{field}'")
