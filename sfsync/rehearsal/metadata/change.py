"""One change of an org's metadata: components, schema, tables and rows, in one transaction of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.metadata import rows
from sfsync.rehearsal.metadata.component import Component, Key
from sfsync.rehearsal.metadata.kept import Metadata
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.store import alter
from sfsync.rehearsal.store.database import Database


class _Tried(Exception):
    """Takes a change that was only tried back."""


def apply(
    database: Database,
    metadata: Metadata,
    old: Schema,
    changes: Mapping[Key, Component | None],
    work: Work,
    *,
    keep: bool,
    renamed: tuple[str, str] | None = None,
) -> Schema | None:
    """The new schema, or None when the change was only to be tried. Raises SourceError and CannotChangeError."""
    try:
        with database.transaction():
            if renamed:
                old = _rename(database, metadata, old, *renamed)
            metadata.put(changes)
            new = metadata.schema()
            _bring(database, old, new, changes, replace(work, schema=new))
            metadata.count()
            _settle(keep)
    except _Tried:
        metadata.refresh()
        return None
    except BaseException:
        metadata.refresh()
        raise
    return new


def _bring(database: Database, old: Schema, new: Schema, changes: Mapping[Key, Component | None], work: Work) -> None:
    """Tables and rows to what the new schema says."""
    alter.change(database, old, new)
    rows.remove(work, [key for key, component in changes.items() if component is None])
    rows.follow(work)


def _rename(database: Database, metadata: Metadata, schema: Schema, old: str, new: str) -> Schema:
    """The schema as it would be, had the object always had its new name; ids keep their prefix."""
    metadata.move_prefix(old, new)
    names = {old: new, _history(old): _history(new)}
    for one, other in names.items():
        if one in schema.objects:
            alter.rename(database, one, other)
    objects = [replace(one, name=names.get(one.name, one.name)) for one in schema.objects.values()]
    return Schema.of(objects, schema.settings)


def _history(name: str) -> str:
    return f"{name.removesuffix('__c')}__History"


def _settle(keep: bool) -> None:
    if not keep:
        raise _Tried
