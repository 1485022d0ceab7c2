"""Who may own a record: active users, and queues that serve its object.

Source: wire reference 15 (queue); vendor, INACTIVE_OWNER_OR_USER. An update that leaves the owner alone is let through,
as it is with the permission "Update Records with Inactive Owners".
"""

from __future__ import annotations

import json
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError

_IN = "IN (SELECT value FROM json_each(?))"


def check(work: Work, batch: Batch, old: Stored | None) -> None:
    """Refuses rows whose new owner cannot own them."""
    given = batch.columns.get("OwnerId")
    field = batch.obj.find("OwnerId")
    if given is None or field is None or not {"User", "Group"} & set(field.reference_to):
        return
    strange = {one for one in given if isinstance(one, str) and one != work.user_id}
    if not strange:
        return
    bad = _inactive(work, batch, strange) | _queues(work, batch, strange)
    if not bad:
        return
    before: list[Any] = [None] * batch.size if old is None else old["OwnerId"]
    for row, one in enumerate(given):
        if one in bad and one != before[row] and row not in batch.errors:
            batch.fail(row, bad[one])


def _inactive(work: Work, batch: Batch, ids: set[str]) -> dict[str, OrgError]:
    sql = f'SELECT Id FROM "User" WHERE NOT "IsActive" AND Id {_IN}'  # noqa: S608 - no values in it
    rows = work.database.rows(sql, (json.dumps(sorted(ids)),))
    return {one: errors.inactive_owner(one, batch.obj.name) for (one,) in rows}


def _queues(work: Work, batch: Batch, ids: set[str]) -> dict[str, OrgError]:
    prefix = work.schema.objects["Group"].prefix
    queues = {one for one in ids if one.startswith(prefix)}
    if not queues:
        return {}
    sql = f'SELECT "QueueId" FROM "QueueSobject" WHERE "SobjectType" = ? AND "QueueId" {_IN}'  # noqa: S608
    serving = {one for (one,) in work.database.rows(sql, (batch.obj.name, json.dumps(sorted(queues))))}
    return {one: errors.queue_not_for_object() for one in queues - serving}
