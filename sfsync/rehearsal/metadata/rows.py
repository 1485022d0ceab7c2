"""Rows that metadata stands for: record types, queues, permission sets with what they grant.

``follow`` makes the missing ones and brings the others up to date; ``remove`` takes away those of deleted components.
Rows go straight into the tables: metadata does not pass through the rules of a save.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.rehearsal.automation import follow as rules
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.dml.write import insert_columns, update_columns
from sfsync.rehearsal.metadata.component import Key, SourceError
from sfsync.rehearsal.schema import statuses
from sfsync.rehearsal.schema.model import PermissionSetDef, QueueDef, SObject
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.tables import quoted

Row = dict[str, Any]
_RIGHTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


def follow(work: Work, *, assign: bool = False) -> None:
    """Brings the rows to what the schema says. ``assign``: new permission sets go to the integration user."""
    _record_types(work)
    _queues(work)
    _permission_sets(work, assign=assign)
    _statuses(work)
    rules.follow(work, _sync)


def insert(work: Work, name: str, rows: Sequence[Row]) -> list[str]:
    """New rows of one shape; returns their ids."""
    if not rows:
        return []
    obj = work.schema.objects[name]
    ids = state.new_ids(work.database, obj.prefix, len(rows))
    insert_columns(work, obj, ids, {key: [row[key] for row in rows] for key in rows[0]})
    return ids


def _stored(work: Work, name: str, key: Sequence[str], columns: Sequence[str], where: str = "") -> dict[Any, Row]:
    """Rows by key: their Id and the columns asked for."""
    names = list(dict.fromkeys(("Id", *key, *columns)))
    sql = f"SELECT {', '.join(map(quoted, names))} FROM {quoted(name)}{where}"  # noqa: S608 - schema names
    found = [dict(zip(names, row, strict=True)) for row in work.database.rows(sql)]
    return {tuple(row[one] for one in key): row for row in found}


def _sync(work: Work, name: str, key: Sequence[str], wanted: Sequence[Row], where: str = "") -> dict[Any, str]:
    """Inserts what is missing, writes what differs; returns the id of every wanted row by its key."""
    if not wanted:
        return {}
    present = _stored(work, name, key, tuple(wanted[0]), where)
    keys = [tuple(row[one] for one in key) for row in wanted]
    missing = [row for one, row in zip(keys, wanted, strict=True) if one not in present]
    made = iter(insert(work, name, missing))
    for one, row in zip(keys, wanted, strict=True):
        if one in present and any(present[one][column] != value for column, value in row.items()):
            columns = {column: [value] for column, value in row.items()}
            update_columns(work, work.schema.objects[name], [present[one]["Id"]], columns)
    return {one: present[one]["Id"] if one in present else next(made) for one in keys}


def _statuses(work: Work) -> None:
    """CaseStatus and its like have a row for each value of their picklist, and no other."""
    for name, wanted in statuses.rows(work.schema).items():
        kept = set(_sync(work, name, ("ApiName",), wanted).values())
        _delete(work, name, [row["Id"] for row in _stored(work, name, ("Id",), ()).values() if row["Id"] not in kept])


def _delete(work: Work, name: str, ids: Iterable[str]) -> None:
    sql = f"DELETE FROM {quoted(name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608 - schema names
    work.database.run(sql, (json.dumps(list(ids)),))


# -- record types and queues ------------------------------------------------------------------------------


def _record_types(work: Work) -> None:
    defined = [one for obj in work.schema.objects.values() for one in obj.record_types]
    wanted = [
        {
            "Name": one.label,
            "DeveloperName": one.developer_name,
            "SobjectType": one.object,
            "Description": one.description,
            "IsActive": one.active,
            "IsPersonType": one.person,
        }
        for one in defined
    ]
    _sync(work, "RecordType", ("SobjectType", "DeveloperName"), wanted)


def _queues(work: Work) -> None:
    wanted = [
        {"Name": one.label, "DeveloperName": one.developer_name, "Type": "Queue", "Email": one.email}
        for one in work.schema.queues
    ]
    ids = _sync(work, "Group", ("DeveloperName",), wanted, " WHERE \"Type\" = 'Queue'")
    _served(work, {ids[(one.developer_name,)]: one for one in work.schema.queues})


def _served(work: Work, queues: dict[str, QueueDef]) -> None:
    """One QueueSobject per object a queue serves."""
    present = _stored(work, "QueueSobject", ("QueueId", "SobjectType"), ())
    wanted = {(queue, obj) for queue, one in queues.items() for obj in one.objects}
    missing = sorted(wanted - present.keys())
    insert(work, "QueueSobject", [{"QueueId": queue, "SobjectType": obj} for queue, obj in missing])
    _delete(work, "QueueSobject", [row["Id"] for key, row in present.items() if key[0] in queues and key not in wanted])


# -- permission sets --------------------------------------------------------------------------------------


def _permission_sets(work: Work, *, assign: bool) -> None:
    defined = work.schema.permission_sets
    if not defined:
        return
    obj = work.schema.objects["PermissionSet"]
    words = sorted({name for one in defined for name in one.permissions if obj.has(name)})
    known = {row[0] for row in work.database.rows('SELECT "Name" FROM "PermissionSet"')}
    ids = _sync(work, "PermissionSet", ("Name",), [_permission_set(one, words) for one in defined])
    for one in defined:
        _grants(work, ids[(one.name,)], one)
    if assign:
        fresh = [ids[(one.name,)] for one in defined if one.name not in known]
        rows = [{"PermissionSetId": id, "AssigneeId": work.user_id, "IsActive": True} for id in fresh]
        insert(work, "PermissionSetAssignment", rows)


def _permission_set(one: PermissionSetDef, words: Sequence[str]) -> Row:
    row = {"Name": one.name, "Label": one.label, "Description": one.description, "IsCustom": True, "Type": "Regular"}
    return row | {name: name in one.permissions for name in words}


def _grants(work: Work, parent: str, one: PermissionSetDef) -> None:
    fields = [
        {
            "ParentId": parent,
            "SobjectType": name.partition(".")[0],
            "Field": name,
            "PermissionsRead": read or edit,
            "PermissionsEdit": edit,
        }
        for name, read, edit in one.fields
        if (read or edit) and _has_field(work, name)
    ]
    objects = [
        {"ParentId": parent, "SobjectType": name} | {f"Permissions{right}": right in rights for right in _RIGHTS}
        for name, rights in one.objects
        if rights and name in work.schema.objects
    ]
    _replace(work, "FieldPermissions", parent, ("ParentId", "Field"), fields)
    _replace(work, "ObjectPermissions", parent, ("ParentId", "SobjectType"), objects)


def _has_field(work: Work, name: str) -> bool:
    on, _, field = name.partition(".")
    obj = work.schema.objects.get(on)
    return obj is not None and obj.has(field)


def _replace(work: Work, name: str, parent: str, key: Sequence[str], wanted: list[Row]) -> None:
    """All rows of one permission set: the wanted ones, and no other."""
    obj: SObject | None = work.schema.objects.get(name)
    if obj is None:
        return
    where = f" WHERE \"ParentId\" = '{parent}'"
    kept = set(_sync(work, name, key, wanted, where).values())
    present = _stored(work, name, ("Id",), (), where)
    _delete(work, name, [row["Id"] for row in present.values() if row["Id"] not in kept])


# -- deleted components -----------------------------------------------------------------------------------

_NAMED_BY = {"Queue": ("Group", "DeveloperName"), "PermissionSet": ("PermissionSet", "Name")}
_PARTS = {
    "Group": (("QueueSobject", "QueueId"), ("GroupMember", "GroupId")),
    "PermissionSet": (
        ("PermissionSetAssignment", "PermissionSetId"),
        ("FieldPermissions", "ParentId"),
        ("ObjectPermissions", "ParentId"),
    ),
}


def remove(work: Work, gone: Iterable[Key]) -> None:
    """Takes away the rows of deleted record types, queues and permission sets, and what hangs on them.

    Raises SourceError for a record type or a queue that records still have.
    """
    for kind, name in gone:
        if kind == "RecordType":
            on, _, short = name.partition(".")
            on = "Account" if on == "PersonAccount" else on
            where = 'WHERE "SobjectType" = ? AND "DeveloperName" = ?'
            _remove_where(work, (kind, name), "RecordType", where, (on, short), [(on, "RecordTypeId")])
        elif kind in _NAMED_BY:
            table, column = _NAMED_BY[kind]
            owned = [(one.name, "OwnerId") for one in work.schema.objects.values() if one.stored and one.has("OwnerId")]
            users = owned if kind == "Queue" else []
            _remove_where(work, (kind, name), table, f"WHERE {quoted(column)} = ?", (name,), users)


def _remove_where(
    work: Work, key: Key, table: str, where: str, values: tuple[str, ...], users: list[tuple[str, str]]
) -> None:
    for (id,) in work.database.rows(f"SELECT Id FROM {quoted(table)} {where}", values):  # noqa: S608 - schema names
        for on, column in users:
            _check_unused(work, key, on, column, id)
        for part, link in _PARTS.get(table, ()):
            if part in work.schema.objects:
                work.database.run(f"DELETE FROM {quoted(part)} WHERE {quoted(link)} = ?", (id,))  # noqa: S608
        _delete(work, table, [id])


def _check_unused(work: Work, key: Key, on: str, column: str, id: str) -> None:
    obj = work.schema.objects.get(on)
    if obj is None or not obj.has(column):
        return
    sql = f"SELECT 1 FROM {quoted(on)} WHERE {quoted(column)} = ? LIMIT 1"  # noqa: S608 - schema names
    if work.database.rows(sql, (id,)):
        raise SourceError("destructiveChanges.xml", f"Cannot delete {key[1]}: records of {on} have it", key)
