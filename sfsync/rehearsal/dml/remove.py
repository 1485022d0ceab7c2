"""Delete: into the recycle bin, with what hangs on the record.

Children follow their relationship's rule: they go along (cascade), forbid the delete (restrict), or lose the
look-up. Objects without a bin (User-like setup rows) are removed for good.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Deed, failed
from sfsync.rehearsal.dml.references import existing
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.store.tables import quoted

_SHOWN = 5


def delete(work: Work, ids: Sequence[str]) -> list[Deed]:
    """One result per id, in order; ids of several objects may be mixed."""
    wrong = {row: error for row, one in enumerate(ids) if (error := _shape_error(work, one)) is not None}
    groups: dict[str, list[int]] = {}
    for row, one in enumerate(ids):
        if row not in wrong:
            obj = work.schema.of_id(one)
            assert obj is not None
            groups.setdefault(obj.name, []).append(row)
    for name, rows in groups.items():
        wrong |= _delete_group(work, work.schema.objects[name], rows, [to18(ids[row]) for row in rows])
    return [failed([wrong[row]]) if row in wrong else Deed(to18(one), True, False, []) for row, one in enumerate(ids)]


def _shape_error(work: Work, one: str) -> OrgError | None:
    if not is_valid(one):
        return errors.malformed_id_delete(one)
    obj = work.schema.of_id(one)
    if obj is None:
        return errors.invalid_cross_reference(status=404)
    return None if "D" in obj.calls else errors.not_deletable(obj.name)


def _delete_group(work: Work, obj: SObject, rows: list[int], ids: list[str]) -> dict[int, OrgError]:
    known = existing(work.database, obj, ids)
    bound = _restricted(work, obj, [one for one in known if not known[one]])
    wrong: dict[int, OrgError] = {}
    doomed: set[str] = set()
    for row, one in zip(rows, ids, strict=True):
        if one not in known:
            wrong[row] = errors.invalid_cross_reference(status=404)
        elif known[one] or one in doomed:
            wrong[row] = errors.entity_is_deleted()
        elif one in bound:
            wrong[row] = bound[one]
        else:
            doomed.add(one)
    _bury(work, obj, sorted(doomed))
    return wrong


def _restricted(work: Work, obj: SObject, ids: list[str]) -> dict[str, OrgError]:
    """Ids that may not go, with the reason. Person contacts go with their account only."""
    bound: dict[str, OrgError] = {}
    if obj.name == "Contact":
        sql = 'SELECT Id FROM "Contact" WHERE "IsPersonAccount" AND Id IN (SELECT value FROM json_each(?))'
        for (one,) in work.database.rows(sql, (json.dumps(ids),)):
            bound[one] = errors.invalid_person_account("Delete the person account, not its contact")
    for child in obj.children:
        if _restricts(work, child):
            bound |= _held_by(work, obj, child, ids)
    return bound


def _restricts(work: Work, child: Child) -> bool:
    field = child.field
    loose = field.on_delete == "" and not field.nillable and field.name not in ("CreatedById", "LastModifiedById")
    return field.on_delete == "restrict" or loose


def _held_by(work: Work, obj: SObject, child: Child, ids: list[str]) -> dict[str, OrgError]:
    other = work.schema.objects[child.object]
    shown = "CaseNumber" if other.has("CaseNumber") else other.name_field.name if other.name_field else "Id"
    living = ' AND NOT "IsDeleted"' if other.bin else ""
    column = quoted(child.field.name)
    sql = (
        f"SELECT {column}, {quoted(shown)} FROM {quoted(other.name)}"  # noqa: S608 - names from our schema
        f" WHERE {column} IN (SELECT value FROM json_each(?)){living} ORDER BY 2"
    )
    held: dict[str, list[str]] = {}
    for parent, name in work.database.rows(sql, (json.dumps(ids),)):
        held.setdefault(parent, []).append(str(name))
    names = _names(work, obj, list(held))
    return {
        one: errors.delete_failed(names.get(one, one), other.plural.lower(), children[:_SHOWN])
        for one, children in held.items()
    }


def _names(work: Work, obj: SObject, ids: list[str]) -> dict[str, str]:
    name = quoted(obj.name_field.name) if obj.name_field else "Id"
    sql = f"SELECT Id, {name} FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
    return dict(work.database.rows(sql, (json.dumps(ids),)))


def _bury(work: Work, obj: SObject, ids: list[str]) -> None:
    if not ids:
        return
    for child in obj.children:
        if child.field.on_delete == "cascade":
            _bury(work, work.schema.objects[child.object], _children(work, child, ids))
        elif child.field.nillable and child.field.createable and not child.field.person:
            _let_go(work, child, ids)
    marks = json.dumps(ids)
    if not obj.bin:
        sql = f"DELETE FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
        work.database.run(sql, (marks,))
        return
    keys = "".join(f", {quoted(one.key_column)} = NULL" for one in obj.fields if one.indexed)
    sql = (
        f'UPDATE {quoted(obj.name)} SET "IsDeleted" = 1, "SystemModstamp" = ?,'  # noqa: S608 - names from our schema
        f' "LastModifiedDate" = ?, "LastModifiedById" = ?{keys} WHERE Id IN (SELECT value FROM json_each(?))'
    )
    work.database.run(sql, (work.stamp, work.stamp, work.user_id, marks))


def _children(work: Work, child: Child, ids: list[str]) -> list[str]:
    other = work.schema.objects[child.object]
    living = ' AND NOT "IsDeleted"' if other.bin else ""
    sql = (
        f"SELECT Id FROM {quoted(other.name)} WHERE {quoted(child.field.name)}"  # noqa: S608 - names from our schema
        f" IN (SELECT value FROM json_each(?)){living}"
    )
    return [row[0] for row in work.database.rows(sql, (json.dumps(ids),))]


def _let_go(work: Work, child: Child, ids: list[str]) -> None:
    orphans = _children(work, child, ids)
    if not orphans:
        return
    other = work.schema.objects[child.object]
    stamp = ', "SystemModstamp" = ?' if other.has("SystemModstamp") else ""
    sql = (
        f"UPDATE {quoted(other.name)} SET {quoted(child.field.name)} = NULL{stamp}"  # noqa: S608 - names from our schema
        " WHERE Id IN (SELECT value FROM json_each(?))"
    )
    work.database.run(sql, (*((work.stamp,) if stamp else ()), json.dumps(orphans)))
