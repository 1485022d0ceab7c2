"""Merge: one or two records go into a third of the same object, their children with them.

The master record takes the values it is given, the children of the others become its children, the others go to the
bin with MasterRecordId. It is one transaction: either all of it happens or nothing. Source: vendor, merge().
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import hierarchy, intake, save
from sfsync.rehearsal.dml.references import existing
from sfsync.rehearsal.dml.remove import bury, children_of
from sfsync.rehearsal.dml.rows import fetch
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.store.tables import quoted

MERGEABLE = frozenset({"Account", "Contact", "Lead"})
_MOST = 2
_IN = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class Merged:
    """What became of a merge: ids of the records that went, and of the children that moved."""

    id: str | None
    success: bool
    merged_ids: list[str] = field(default_factory=list)
    related_ids: list[str] = field(default_factory=list)
    errors: list[OrgError] = field(default_factory=list)


class Refused(Exception):
    """Ends a merge; what it has done so far is to be undone."""

    def __init__(self, found: list[OrgError]) -> None:
        super().__init__()
        self.errors = found


def merge(work: Work, obj: SObject, master: dict[str, Any], losers: Sequence[str]) -> Merged:
    """``master`` is the row to keep: its Id, and the values it is to have. ``obj`` as the user sees it.

    Raises Refused.
    """
    given = next((value for name, value in master.items() if name.lower() == "id"), None)
    keep, gone = _checked(work, obj, given, losers)
    if len([name for name in master if name != "attributes"]) > 1:
        _write_master(work, obj, master)
    obj = work.schema.objects[obj.name]
    moved = _move(work, obj, keep, gone)
    if obj.name == "Account":
        _merge_people(work, keep, gone)
    bury(work, obj, {one: one for one in gone})
    if obj.has("MasterRecordId"):
        sql = f'UPDATE {quoted(obj.name)} SET "MasterRecordId" = ? WHERE Id {_IN}'  # noqa: S608 - schema names
        work.database.run(sql, (keep, json.dumps(gone)))
    return Merged(keep, True, gone, moved)


def _checked(work: Work, obj: SObject, master: Any, losers: Sequence[str]) -> tuple[str, list[str]]:
    """The ids, if they can be merged."""
    if obj.name not in MERGEABLE:
        raise Refused([errors.not_mergeable(obj.name)])
    if not set("UD") <= set(obj.calls):
        raise Refused([errors.insufficient_access()])
    if not master:
        raise Refused([errors.id_missing()])
    for one in (master, *losers):
        if not is_valid(one) or one[:3] != obj.prefix:
            raise Refused([errors.malformed_id(f"{obj.label} ID", "Id", str(one))])
    keep, gone = to18(master), list(dict.fromkeys(to18(one) for one in losers))
    if not 1 <= len(gone) <= _MOST or keep in gone:
        raise Refused([errors.merge_count()])
    known = existing(work.database, obj, [keep, *gone])
    for one in (keep, *gone):
        if known.get(one, True):
            raise Refused([errors.entity_is_deleted() if one in known else errors.invalid_cross_reference()])
    _check_people(work, obj, [keep, *gone])
    if locked := work.locks.held(work, obj, [keep, *gone]):
        raise Refused(list(locked.values())[:1])
    return keep, gone


def _check_people(work: Work, obj: SObject, ids: list[str]) -> None:
    if not obj.has("IsPersonAccount"):
        return
    kinds = {bool(row[0]) for row in fetch(work.database, obj, ids, ["IsPersonAccount"]).values()}
    if len(kinds) > 1 or (obj.name == "Contact" and True in kinds):
        text = "Person accounts can be merged with other person accounts only"
        raise Refused([errors.invalid_person_account(text)])


def _write_master(work: Work, obj: SObject, master: dict[str, Any]) -> None:
    deed = save.update(work, intake.from_rows(work.seen, obj, [master]))[0]
    if not deed.success:
        raise Refused(deed.errors)


def _move(work: Work, obj: SObject, keep: str, gone: list[str]) -> list[str]:
    """Children of the losers become the master's; those nobody can write (history) go with their parent."""
    moved: list[str] = []
    for child in obj.children:
        other = work.schema.objects[child.object]
        if not (other.stored and child.field.stored and child.field.createable) or child.field.person:
            continue
        pairs = [pair for pair in children_of(work, child, gone) if not _is_mirror(work, obj, child, pair[0])]
        if pairs:
            ids = [one for one, _ in pairs]
            _reparent(work, child, ids, keep)
            moved += ids
    if hierarchy.loops(work, obj, [keep]):
        raise Refused([errors.circular()])
    return moved


def _is_mirror(work: Work, obj: SObject, child: Child, one: str) -> bool:
    """The contact behind a person account stays with its account."""
    if obj.name != "Account" or child.object != "Contact":
        return False
    stored = fetch(work.database, work.schema.objects["Contact"], [one], ["IsPersonAccount"])
    return bool(stored[one][0])


def _reparent(work: Work, child: Child, ids: list[str], keep: str) -> None:
    other = work.schema.objects[child.object]
    sets = {child.field.name: keep}
    now = {"SystemModstamp": work.stamp, "LastModifiedDate": work.stamp, "LastModifiedById": work.user_id}
    sets |= {name: value for name, value in now.items() if other.has(name)}
    assigned = ", ".join(f"{quoted(name)} = ?" for name in sets)
    sql = f"UPDATE {quoted(other.name)} SET {assigned} WHERE Id {_IN}"  # noqa: S608 - names from our schema
    work.database.run(sql, (*sets.values(), json.dumps(ids)))


def _merge_people(work: Work, keep: str, gone: list[str]) -> None:
    """What hangs on the contacts behind merged person accounts moves to the contact of the master."""
    account, contact = work.schema.objects["Account"], work.schema.objects["Contact"]
    found = fetch(work.database, account, [keep, *gone], ["PersonContactId"])
    main = found[keep][0]
    others = [row[0] for one, row in found.items() if one != keep and row[0]]
    if main and others:
        _move(work, contact, main, others)
