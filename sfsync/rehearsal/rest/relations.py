"""Relationship paths: ``sobjects/X/{id}/Account``, ``sobjects/X/{id}/Contacts``, up to five levels up.

A parent answers like a row of its own (and takes PATCH and DELETE), children answer like a query
(vendor: Traverse Relationships with Friendly URLs).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.rest import query

if TYPE_CHECKING:
    from sfsync.rehearsal.schema.model import Child, SObject

MOST_LEVELS = 5


@dataclass(frozen=True)
class Parent:
    """Where a path upwards ends."""

    object: str
    id: str


@dataclass(frozen=True)
class Children:
    """A path that ends in a parent's children."""

    parent_id: str
    child: Child


def follow(context: Context, object: str, record_id: str, path: str) -> Parent | Children:
    """Walks a path of relationship names. OrgError 404 for an unknown name, an empty reference, a missing row."""
    steps = [one for one in path.split("/") if one]
    if len(steps) > MOST_LEVELS:
        raise errors.not_found()
    if not is_valid(record_id):
        raise errors.no_such_external_field(record_id)
    here = Parent(_object(context, object).name, to18(record_id))
    if context.org.seen.of_id(here.id) is not _object(context, here.object):
        raise errors.not_found()
    for place, step in enumerate(steps):
        obj = _object(context, here.object)
        child = obj.child(step)
        if child is not None and place == len(steps) - 1:
            context.org.retrieve(here.object, here.id, ["Id"])
            return Children(here.id, child)
        here = _up(context, here, obj, step)
    return here


def _up(context: Context, here: Parent, obj: SObject, step: str) -> Parent:
    lookup = obj.relation(step)
    if lookup is None:
        raise errors.not_found()
    target = context.org.retrieve(here.object, here.id, [lookup.name])[lookup.name]
    parent = context.org.seen.of_id(target) if is_valid(target) else None
    if parent is None:
        raise errors.not_found()
    return Parent(parent.name, to18(target))


def _object(context: Context, name: str) -> SObject:
    found = context.org.seen.find(name)
    if found is None:
        raise errors.not_found()
    return found


def listed(context: Context, call: Call, found: Children, fields: list[str] | None) -> Reply:
    """The children as a query shows them, with pages. Only GET goes here."""
    if call.method not in ("GET", "HEAD"):
        raise errors.method_not_allowed(call.method, ["HEAD", "GET"])
    obj = _object(context, found.child.object)
    for name in fields or ():
        if not obj.has(name) and "." not in name:
            raise errors.no_such_column_dml(name, obj.name)
    names = fields or [one.name for one in obj.fields]
    soql = f"SELECT {', '.join(names)} FROM {obj.name} WHERE {found.child.field.name} = '{found.parent_id}'"  # noqa: S608
    return query.query(context, replace(call, params={"q": soql}))
