"""The recycle bin: back out of it, or gone for good.

Undelete brings back a record with everything its deletion took along, fills the look-ups that were emptied and have
not been given another value since, and claims its keys again. After 15 days a row is purged; the delete log keeps
its id for another 15, which is what getDeleted can look back. Source: vendor, undelete(), emptyRecycleBin();
wire reference 10 (deletion).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml import trail
from sfsync.rehearsal.dml.batch import Deed
from sfsync.rehearsal.dml.references import existing, ids_of
from sfsync.rehearsal.dml.remove import deeds, delete, grouped
from sfsync.rehearsal.dml.rows import fetch
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import Field, SObject
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted

KEPT = timedelta(days=15)
_REMEMBERED = timedelta(days=30)
_IN = "IN (SELECT value FROM json_each(?))"
# Standard look-ups that an undelete fills again; custom ones always are (vendor help, recycle bin).
_REFILLED = frozenset({"ParentId", "ReportsToId", "Product2Id"})

Members = dict[str, list[tuple[str, str]]]
"""Object name -> (record id, root id) of what is in the bin."""


def undelete(work: Work, ids: Sequence[str]) -> list[Deed]:
    """Brings records back, one result per id; ids of several objects may be mixed."""
    wrong = {row: error for row, one in enumerate(ids) if (error := _shape_error(work, one, "N")) is not None}
    for name, rows in grouped(work, ids, wrong).items():
        wrong |= _not_binned(work, work.schema.objects[name], rows, ids)
    roots = {to18(one) for row, one in enumerate(ids) if row not in wrong}
    members = _members(work.database, roots)
    refused = _refused(work, members)
    for row, one in enumerate(ids):
        if row not in wrong and to18(one) in refused:
            wrong[row] = refused[to18(one)]
    _restore(work, {name: [pair for pair in pairs if pair[1] not in refused] for name, pairs in members.items()})
    _refill(work, roots - refused.keys())
    return deeds(ids, wrong)


def empty(work: Work, ids: Sequence[str]) -> list[Deed]:
    """emptyRecycleBin: deleted records, named one by one, are gone for good with what went along."""
    wrong = {row: error for row, one in enumerate(ids) if (error := _shape_error(work, one, "D")) is not None}
    for name, rows in grouped(work, ids, wrong).items():
        wrong |= _not_binned(work, work.schema.objects[name], rows, ids)
    purge(work.database, {to18(one) for row, one in enumerate(ids) if row not in wrong})
    return deeds(ids, wrong)


def hard_delete(work: Work, ids: Sequence[str]) -> list[Deed]:
    """Delete past the bin (Bulk hardDelete)."""
    done = delete(work, ids)
    purge(work.database, {one.id for one in done if one.id is not None})
    return done


def expire(database: Database, now: datetime) -> None:
    """Purges what has been in the bin for 15 days; costs one look at an index when there is nothing to do."""
    due = instant(now - KEPT)
    if not database.rows("SELECT 1 FROM org_bin WHERE purged = 0 AND at < ? LIMIT 1", (due,)):
        return
    with database.transaction():
        sql = "SELECT id FROM org_bin WHERE purged = 0 AND at < ? AND id = root"
        purge(database, {row[0] for row in database.rows(sql, (due,))})
        database.run("DELETE FROM org_bin WHERE purged = 1 AND at < ?", (instant(now - _REMEMBERED),))


def purge(database: Database, roots: set[str]) -> None:
    """Removes deleted records and what their deletion took along, for good."""
    if not roots:
        return
    for name, pairs in _members(database, roots).items():
        marks = json.dumps([one for one, _ in pairs])
        database.run(f"DELETE FROM {quoted(name)} WHERE Id {_IN}", (marks,))  # noqa: S608 - a name from our schema
    marks = json.dumps(sorted(roots))
    database.run(f"UPDATE org_bin SET purged = 1 WHERE root {_IN}", (marks,))  # noqa: S608
    database.run(f"DELETE FROM org_released WHERE root {_IN}", (marks,))  # noqa: S608


def deletions(database: Database, obj: str, start: datetime, end: datetime) -> dict[str, str]:
    """Record id -> instant of deletion, from the delete log: rows in the bin, purged ones, and those without a bin."""
    sql = "SELECT id, at FROM org_bin WHERE object = ? AND at >= ? AND at <= ?"
    return dict(database.rows(sql, (obj, instant(start), instant(end))))


def _shape_error(work: Work, one: str, call: str) -> OrgError | None:
    if not is_valid(one):
        return errors.malformed_id_delete(one)
    obj = work.seen.of_id(one)
    if obj is None:
        return errors.invalid_cross_reference()
    return None if call in obj.calls else errors.not_undeletable(obj.name)


def _not_binned(work: Work, obj: SObject, rows: list[int], ids: Sequence[str]) -> dict[int, OrgError]:
    """What never existed, lives, or went along with another record has no place of its own in the bin."""
    wanted = [to18(ids[row]) for row in rows]
    known = existing(work.database, obj, wanted)
    sql = f"SELECT id, root FROM org_bin WHERE purged = 0 AND id {_IN}"  # noqa: S608
    root: dict[str, str] = dict(work.database.rows(sql, (json.dumps(wanted),)))
    locked = work.locks.held(work, obj, known)
    wrong: dict[int, OrgError] = {}
    seen: set[str] = set()
    for row, one in zip(rows, wanted, strict=True):
        if one not in known:
            wrong[row] = errors.invalid_cross_reference()
        elif root.get(one) != one or one in seen:
            wrong[row] = errors.not_in_bin()
        elif one in locked:
            wrong[row] = locked[one]
        seen.add(one)
    return wrong


def _members(database: Database, roots: Iterable[str]) -> Members:
    sql = f"SELECT object, id, root FROM org_bin WHERE purged = 0 AND root {_IN}"  # noqa: S608
    found: Members = {}
    for name, one, root in database.rows(sql, (json.dumps(sorted(roots)),)):
        found.setdefault(name, []).append((one, root))
    return found


def _refused(work: Work, members: Members) -> dict[str, OrgError]:
    """Roots that cannot come back: a key was given away meanwhile, or the master of a detail row is gone."""
    refused: dict[str, OrgError] = {}
    coming = {one for pairs in members.values() for one, _ in pairs}
    for name, pairs in members.items():
        obj = work.schema.objects[name]
        for field in obj.fields:
            if field.unique and field.stored:
                _taken(work, obj, field, pairs, refused)
            elif field.type == "reference" and field.on_delete == "cascade" and field.stored:
                _masterless(work, obj, field, pairs, coming, refused)
    return refused


def _taken(work: Work, obj: SObject, field: Field, pairs: list[tuple[str, str]], refused: dict[str, OrgError]) -> None:
    stored = fetch(work.database, obj, (one for one, _ in pairs), [field.name])
    taken = ids_of(work.database, obj, field, (row[0] for row in stored.values()))
    here: set[str] = set()
    for one, root in pairs:
        key = field.key(stored[one][0])
        if key is None or root in refused:
            continue
        others = taken.get(key, [])
        if others or key in here:
            refused[root] = errors.duplicate_value(field.name, others[0] if others else None)
        here.add(key)


def _masterless(
    work: Work,
    obj: SObject,
    field: Field,
    pairs: list[tuple[str, str]],
    coming: set[str],
    refused: dict[str, OrgError],
) -> None:
    stored = fetch(work.database, obj, (one for one, _ in pairs), [field.name])
    gone = _gone(work, {row[0] for row in stored.values() if row[0]} - coming)
    for one, root in pairs:
        if stored[one][0] in gone:
            refused.setdefault(root, errors.entity_is_deleted())


def _gone(work: Work, parents: set[str]) -> set[str]:
    """Those that are in the bin or do not exist any more."""
    groups: dict[str, set[str]] = {}
    for one in parents:
        obj = work.schema.of_id(one)
        groups.setdefault(obj.name if obj else "", set()).add(one)
    gone = groups.pop("", set())
    for name, ids in groups.items():
        known = existing(work.database, work.schema.objects[name], ids)
        gone |= {one for one in ids if known.get(one, True)}
    return gone


def _restore(work: Work, members: Members) -> None:
    """Rows back to life, keys and all; look-ups to what is gone by now are emptied."""
    for name, pairs in members.items():
        if not pairs:
            continue
        obj, ids = work.schema.objects[name], [one for one, _ in pairs]
        _revive(work, obj, ids)
        _claim_keys(work, obj, ids)
        work.database.run(f"DELETE FROM org_bin WHERE id {_IN}", (json.dumps(ids),))  # noqa: S608
    for name, pairs in members.items():
        if pairs:
            obj, ids = work.schema.objects[name], [one for one, _ in pairs]
            _drop_dangling(work, obj, ids)
            trail.restored(work, obj, ids)


def _revive(work: Work, obj: SObject, ids: list[str]) -> None:
    sets: dict[str, Any] = {"IsDeleted": 0}
    now = {"SystemModstamp": work.stamp, "LastModifiedDate": work.stamp, "LastModifiedById": work.user_id}
    sets |= {name: value for name, value in now.items() if obj.has(name)}
    if obj.has("MasterRecordId"):
        sets["MasterRecordId"] = None
    assigned = ", ".join(f"{quoted(name)} = ?" for name in sets)
    sql = f"UPDATE {quoted(obj.name)} SET {assigned} WHERE Id {_IN}"  # noqa: S608 - names from our schema
    work.database.run(sql, (*sets.values(), json.dumps(ids)))


def _claim_keys(work: Work, obj: SObject, ids: list[str]) -> None:
    for field in obj.fields:
        if field.indexed and field.stored:
            stored = fetch(work.database, obj, ids, [field.name])
            sql = f"UPDATE {quoted(obj.name)} SET {quoted(field.key_column)} = ? WHERE Id = ?"  # noqa: S608
            work.database.many(sql, [(field.key(row[0]), one) for one, row in stored.items()])


def _drop_dangling(work: Work, obj: SObject, ids: list[str]) -> None:
    for field in obj.fields:
        if field.type != "reference" or not (field.nillable and field.createable and field.stored):
            continue
        stored = fetch(work.database, obj, ids, [field.name])
        gone = _gone(work, {row[0] for row in stored.values() if row[0]})
        loose = [one for one, row in stored.items() if row[0] in gone]
        if loose:
            sql = f"UPDATE {quoted(obj.name)} SET {quoted(field.name)} = NULL WHERE Id {_IN}"  # noqa: S608
            work.database.run(sql, (json.dumps(loose),))


def _refill(work: Work, roots: Iterable[str]) -> None:
    """The look-ups the deletion had emptied; one that has another value by now keeps it."""
    marks = json.dumps(sorted(roots))
    sql = f"SELECT DISTINCT object, field FROM org_released WHERE root {_IN}"  # noqa: S608
    for name, field_name in work.database.rows(sql, (marks,)):
        obj = work.schema.find(name)
        field = obj.find(field_name) if obj else None
        if obj is None or field is None or not (field.custom or field.name in _REFILLED):
            continue
        column, stamped = quoted(field.name), ', "SystemModstamp" = ?' if obj.has("SystemModstamp") else ""
        living = ' AND NOT "IsDeleted"' if obj.bin else ""
        sql = (
            f"UPDATE {quoted(obj.name)} AS child SET {column} = released.parent{stamped} FROM org_released AS released"  # noqa: S608
            f" WHERE released.child = child.Id AND released.object = ? AND released.field = ? AND released.root {_IN}"
            f" AND child.{column} IS NULL{living}"
        )
        work.database.run(sql, (*((work.stamp,) if stamped else ()), name, field_name, marks))
    work.database.run(f"DELETE FROM org_released WHERE root {_IN}", (marks,))  # noqa: S608
