"""Hierarchies that must not run in circles: parent accounts, parent cases, whom a contact reports to.

Source: vendor help, account hierarchy; merge(), "cyclical relationship". Custom look-ups to the own object may loop.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.store.tables import quoted

_FIELDS = {
    "Account": "ParentId",
    "Asset": "ParentId",
    "Campaign": "ParentId",
    "Case": "ParentId",
    "Contact": "ReportsToId",
    "User": "ManagerId",
    "UserRole": "ParentRoleId",
    "WorkOrder": "ParentWorkOrderId",
}


def check(work: Work, batch: Batch, old: Stored | None) -> None:
    """Refuses rows that would stand above themselves; a new row cannot, having no children yet."""
    name = _FIELDS.get(batch.obj.name)
    if old is None or name is None or name not in batch.columns:
        return
    rows = {own: row for row, own in enumerate(old.ids) if own and row not in batch.errors}
    wanted = {own: one for own, row in rows.items() if isinstance(one := batch.columns[name][row], str)}
    # A refused row keeps its old parent, which may close another circle.
    while looping := _looping(work, batch.obj, name, wanted) if wanted else set():
        for own in looping:
            batch.fail(rows[own], errors.circular())
            del wanted[own]


def loops(work: Work, obj: SObject, ids: Iterable[str]) -> bool:
    """Whether one of these stored records stands above itself."""
    name = _FIELDS.get(obj.name)
    if name is None or not obj.has(name):
        return False
    sql = f"SELECT Id, {quoted(name)} FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
    stored = {one: parent for one, parent in work.database.rows(sql, (json.dumps(list(ids)),)) if parent}
    return bool(_looping(work, obj, name, stored))


def _looping(work: Work, obj: SObject, name: str, wanted: dict[str, str]) -> set[str]:
    """Of child -> new parent, the children met again on the way up."""
    above = dict(wanted)
    ahead = set(wanted.values()) - above.keys()
    sql = f"SELECT Id, {quoted(name)} FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
    while ahead:
        found: dict[str, str | None] = dict(work.database.rows(sql, (json.dumps(sorted(ahead)),)))
        above |= {one: parent for one, parent in found.items() if parent}
        ahead = {parent for parent in found.values() if parent} - above.keys()
    return {one for one in wanted if _meets_itself(one, above)}


def _meets_itself(start: str, above: dict[str, str]) -> bool:
    seen: set[str] = set()
    step = above.get(start)
    while step is not None and step not in seen:
        if step == start:
            return True
        seen.add(step)
        step = above.get(step)
    return False
