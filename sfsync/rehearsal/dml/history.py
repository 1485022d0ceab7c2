"""Field history: CaseHistory and its like, a row for each change of a tracked field.

A new record leaves one row with the field ``created``; a changed field one row with the old and the new value, a
changed look-up two: first the names people see, then the ids. Long texts and multi-select picklists are tracked
without their values. Source: vendor object reference, CaseHistory (Usage) and EntityHistory; help, field history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.store.state import new_ids
from sfsync.rehearsal.store.tables import quoted

# Tracked in every new org, before an admin chooses.
_DEFAULTS: Mapping[str, frozenset[str]] = {"Case": frozenset({"Status", "Priority", "OwnerId"})}
_DATA_TYPES = {
    "picklist": "DynamicEnum",
    "multipicklist": "MultiEnum",
    "reference": "EntityId",
    "textarea": "StringPlusClob",
    "string": "Text",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "int": "Integer",
    "currency": "Currency",
    "percent": "Percent",
    "phone": "Phone",
    "email": "Email",
    "url": "Url",
    "boolean": "Boolean",
}
_SHOWN = 255


def table_of(schema: Schema, obj: SObject) -> SObject | None:
    """The history object of an object, if it has one."""
    name = f"{obj.name.removesuffix('__c')}__History" if obj.custom else f"{obj.name}History"
    found = schema.find("OpportunityFieldHistory" if obj.name == "Opportunity" else name)
    return found if found is not None and found.stored else None


def tracked(schema: Schema, obj: SObject) -> set[str]:
    """The fields whose changes are kept."""
    if table_of(schema, obj) is None:
        return set()
    usual = _DEFAULTS.get(obj.name, frozenset())
    return {one.name for one in obj.fields if one.stored and (one.tracked or one.name in usual)}


def created(work: Work, obj: SObject, ids: list[str]) -> None:
    table = table_of(work.schema, obj)
    if table is not None and ids and tracked(work.schema, obj):
        _write(work, obj, table, [(one, "created", "Text", None, None) for one in ids])


def changed(
    work: Work, obj: SObject, ids: list[str], columns: Mapping[str, list[Any]], old: Mapping[str, list[Any]]
) -> None:
    table = table_of(work.schema, obj)
    names = [name for name in columns if name in tracked(work.schema, obj)] if table is not None else []
    rows: list[tuple[Any, ...]] = []
    for name in names:
        field = obj.find(name)
        if field is not None:
            rows += _changes(work, field, zip(ids, old[name], columns[name], strict=True))
    if table is not None and rows:
        _write(work, obj, table, rows)


def _changes(work: Work, field: Field, values: Iterable[tuple[str, Any, Any]]) -> list[tuple[Any, ...]]:
    different = [(one, was, now) for one, was, now in values if was != now]
    shown = _shown_name(field)
    kind = _DATA_TYPES.get(field.type, "Text")
    if field.type == "reference":
        names = _names(work, {value for _, *both in different for value in both if value})
        said = [(one, shown, "Text", names.get(was), names.get(now)) for one, was, now in different]
        by_id = [(one, shown, kind, was, now) for one, was, now in different]
        return [row for pair in zip(said, by_id, strict=True) for row in pair]
    if field.long_text or field.type in ("multipicklist", "encryptedstring"):
        return [(one, shown, kind, None, None) for one, _, _ in different]
    return [(one, shown, kind, _text(field, was), _text(field, now)) for one, was, now in different]


def _shown_name(field: Field) -> str:
    """Standard look-ups go by their relationship (``Owner``, ``Account``), all else by the field's name."""
    if field.type == "reference" and not field.custom and field.relationship_name:
        return field.relationship_name
    return field.name


def _text(field: Field, value: Any) -> str | None:
    if value is None:
        return None
    if field.type == "boolean":
        return "true" if value else "false"
    return str(value)[:_SHOWN]


def _names(work: Work, ids: Iterable[str]) -> dict[str, str]:
    groups: dict[str, list[str]] = {}
    for one in ids:
        obj = work.schema.of_id(one)
        if obj is not None and obj.name_field is not None:
            groups.setdefault(obj.name, []).append(one)
    found: dict[str, str] = {}
    for name, members in groups.items():
        shown = work.schema.objects[name].name_field
        column = quoted(shown.name) if shown else "Id"
        sql = f"SELECT Id, {column} FROM {quoted(name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
        found |= dict(work.database.rows(sql, (json.dumps(members),)))
    return found


def _write(work: Work, obj: SObject, table: SObject, rows: list[tuple[Any, ...]]) -> None:
    """Rows of (record id, Field, DataType, OldValue, NewValue)."""
    parent = next(one.name for one in table.fields if obj.name in one.reference_to)
    names = ["Id", "Field", "DataType", "OldValue", "NewValue", parent, "CreatedById", "CreatedDate"]
    kept = [name for name in names if table.has(name)]
    ids = new_ids(work.database, table.prefix, len(rows))
    whole = [
        dict(zip(names, (one, *row[1:], row[0], work.user_id, work.stamp), strict=True))
        for one, row in zip(ids, rows, strict=True)
    ]
    marks = ", ".join("?" * len(kept))
    sql = f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, kept))}) VALUES ({marks})"  # noqa: S608
    work.database.many(sql, [[row[name] for name in kept] for row in whole])
