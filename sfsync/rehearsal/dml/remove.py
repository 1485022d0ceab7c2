"""Delete: into the recycle bin, with what hangs on the record.

Children follow their relationship's rule: they go along (cascade), forbid the delete (restrict), or lose the
look-up. Objects without a bin (User-like setup rows) are removed for good. Every deletion is written down in the
delete log, with the record whose deletion took it along, so that ``bin`` can bring it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import mixed, trail
from sfsync.rehearsal.dml.batch import Deed, failed
from sfsync.rehearsal.dml.references import existing
from sfsync.rehearsal.dml.rows import fetch
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.security import COUNTER, DECIDING
from sfsync.rehearsal.store.state import take
from sfsync.rehearsal.store.tables import quoted

_SHOWN = 5
_IN = "IN (SELECT value FROM json_each(?))"


def delete(work: Work, ids: Sequence[str]) -> list[Deed]:
    """One result per id, in order; ids of several objects may be mixed."""
    wrong = {row: error for row, one in enumerate(ids) if (error := _shape_error(work, one)) is not None}
    for name, rows in grouped(work, ids, wrong).items():
        wrong |= _delete_group(work, work.schema.objects[name], rows, [to18(ids[row]) for row in rows])
    return deeds(ids, wrong)


def grouped(work: Work, ids: Sequence[str], wrong: Mapping[int, OrgError]) -> dict[str, list[int]]:
    """Object name -> the rows of its ids, without those that are wrong."""
    groups: dict[str, list[int]] = {}
    for row, one in enumerate(ids):
        obj = None if row in wrong else work.schema.of_id(one)
        if obj is not None:
            groups.setdefault(obj.name, []).append(row)
    return groups


def deeds(ids: Sequence[str], wrong: Mapping[int, OrgError]) -> list[Deed]:
    return [failed([wrong[row]]) if row in wrong else Deed(to18(one), True, False, []) for row, one in enumerate(ids)]


def _shape_error(work: Work, one: str) -> OrgError | None:
    if not is_valid(one):
        return errors.malformed_id_delete(one)
    obj = work.seen.of_id(one)
    if obj is None:
        return errors.invalid_cross_reference(status=404)
    if "D" in obj.calls:
        return None
    whole = work.schema.of_id(one)
    closed = whole is not None and "D" in whole.calls
    return errors.insufficient_access() if closed else errors.not_deletable(obj.name)


def _delete_group(work: Work, obj: SObject, rows: list[int], ids: list[str]) -> dict[int, OrgError]:
    mixed_up = mixed.clash(work, obj)
    if mixed_up is not None:
        return dict.fromkeys(rows, mixed_up)
    known = existing(work.database, obj, ids)
    bound = _restricted(work, obj, [one for one in known if not known[one]])
    bound |= work.locks.held(work, obj, [one for one in known if not known[one]])
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
    bury(work, obj, {one: one for one in sorted(doomed)})
    return wrong


def _restricted(work: Work, obj: SObject, ids: list[str]) -> dict[str, OrgError]:
    """Ids that may not go, with the reason. Person contacts go with their account only."""
    bound: dict[str, OrgError] = {}
    if obj.name == "Contact":
        sql = f'SELECT Id FROM "Contact" WHERE "IsPersonAccount" AND Id {_IN}'  # noqa: S608 - no values in it
        for (one,) in work.database.rows(sql, (json.dumps(ids),)):
            bound[one] = errors.invalid_person_account("Delete the person account, not its contact")
    for child in obj.children:
        if _restricts(work, child):
            bound |= _held_by(work, obj, child, ids)
    return bound


def _restricts(work: Work, child: Child) -> bool:
    field = child.field
    if not _has_column(work, child):
        return False
    loose = field.on_delete == "" and not field.nillable and field.name not in ("CreatedById", "LastModifiedById")
    return field.on_delete == "restrict" or loose


def _has_column(work: Work, child: Child) -> bool:
    return child.field.stored and work.schema.objects[child.object].stored


def _held_by(work: Work, obj: SObject, child: Child, ids: list[str]) -> dict[str, OrgError]:
    other = work.schema.objects[child.object]
    shown = "CaseNumber" if other.has("CaseNumber") else other.name_field.name if other.name_field else "Id"
    living = ' AND NOT "IsDeleted"' if other.bin else ""
    column = quoted(child.field.name)
    sql = (
        f"SELECT {column}, {quoted(shown)} FROM {quoted(other.name)}"  # noqa: S608 - names from our schema
        f" WHERE {column} {_IN}{living} ORDER BY 2"
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
    """Records as people are told of them, persons with their salutation."""
    name = obj.name_field.name if obj.name_field else "Id"
    if not obj.has("Salutation"):
        return {one: row[0] for one, row in fetch(work.database, obj, ids, [name]).items()}
    stored = fetch(work.database, obj, ids, ["Salutation", name])
    return {one: " ".join(str(part) for part in row if part) for one, row in stored.items()}


def bury(work: Work, obj: SObject, roots: Mapping[str, str]) -> None:
    """Deletes rows without asking; ``roots`` maps each id to the record whose deletion takes it along."""
    if not roots:
        return
    for child in obj.children:
        if not _has_column(work, child):
            continue
        if child.field.on_delete == "cascade":
            found = {one: roots[parent] for one, parent in children_of(work, child, roots)}
            bury(work, work.schema.objects[child.object], found)
        elif child.field.nillable and child.field.createable and not child.field.person:
            _let_go(work, child, roots)
    _note(work, obj, roots)
    trail.deleted(work, obj, list(roots))
    marks = json.dumps(list(roots))
    if obj.name in DECIDING:
        take(work.database, COUNTER, 1)
    if not obj.bin:
        work.database.run(f"DELETE FROM {quoted(obj.name)} WHERE Id {_IN}", (marks,))  # noqa: S608
        return
    keys = "".join(f", {quoted(one.key_column)} = NULL" for one in obj.fields if one.indexed)
    stamps = [name for name in ("SystemModstamp", "LastModifiedDate") if obj.has(name)]
    sets = "".join(f", {quoted(name)} = ?" for name in stamps)
    who = ', "LastModifiedById" = ?' if obj.has("LastModifiedById") else ""
    sql = f'UPDATE {quoted(obj.name)} SET "IsDeleted" = 1{sets}{who}{keys} WHERE Id {_IN}'  # noqa: S608
    work.database.run(sql, (*[work.stamp] * len(stamps), *([work.user_id] if who else []), marks))


def _note(work: Work, obj: SObject, roots: Mapping[str, str]) -> None:
    """Into the delete log; what has no bin is gone for good at once."""
    work.database.many(
        "INSERT OR REPLACE INTO org_bin (id, object, root, at, purged) VALUES (?, ?, ?, ?, ?)",
        [(one, obj.name, root, work.stamp, 0 if obj.bin else 1) for one, root in roots.items()],
    )


def children_of(work: Work, child: Child, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The living children of some parents: (child id, parent id)."""
    other = work.schema.objects[child.object]
    living = ' AND NOT "IsDeleted"' if other.bin else ""
    column = quoted(child.field.name)
    sql = f"SELECT Id, {column} FROM {quoted(other.name)} WHERE {column} {_IN}{living}"  # noqa: S608
    return work.database.rows(sql, (json.dumps(list(ids)),))


def _let_go(work: Work, child: Child, roots: Mapping[str, str]) -> None:
    orphans = children_of(work, child, roots)
    if not orphans:
        return
    other, name = work.schema.objects[child.object], child.field.name
    stamp = ', "SystemModstamp" = ?' if other.has("SystemModstamp") else ""
    sql = f"UPDATE {quoted(other.name)} SET {quoted(name)} = NULL{stamp} WHERE Id {_IN}"  # noqa: S608
    work.database.run(sql, (*((work.stamp,) if stamp else ()), json.dumps([one for one, _ in orphans])))
    work.database.many(
        "INSERT INTO org_released (root, object, field, child, parent) VALUES (?, ?, ?, ?, ?)",
        [(roots[parent], other.name, name, one, parent) for one, parent in orphans],
    )
