"""Values a record type offers: a restricted picklist takes no other in a row of that record type.

Source: wire reference 6 (INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST). Defaults of a record type belong to its page
layout and do not apply to rows that come by API; unrestricted picklists take any value.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import ABSENT, Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import Field

Offers = dict[str, dict[str, frozenset[str]]]
"""Record type id -> field name -> values."""


def check(work: Work, batch: Batch, old: Stored | None) -> None:
    """Refuses values that the row's record type does not offer."""
    if not any(one.picklists for one in batch.obj.record_types):
        return
    named = {name for one in batch.obj.record_types for name in one.picklists}
    fields = [field for name in named & batch.columns.keys() if (field := batch.obj.find(name)) and field.restricted]
    if not fields:
        return
    offers = _offers(work, batch)
    types = whole(batch, old, "RecordTypeId")
    for field in fields:
        _check(batch, field, types, offers)


def _offers(work: Work, batch: Batch) -> Offers:
    sql = 'SELECT Id, "DeveloperName" FROM "RecordType" WHERE "SobjectType" = ?'
    ids = {name: one for one, name in work.database.rows(sql, (batch.obj.name,))}
    return {
        ids[one.developer_name]: {name: frozenset(values) for name, (values, _) in one.picklists.items()}
        for one in batch.obj.record_types
        if one.developer_name in ids
    }


def _check(batch: Batch, field: Field, types: list[Any], offers: Offers) -> None:
    for row, value in enumerate(batch.columns[field.name]):
        offered = offers.get(types[row], {}).get(field.name)
        if offered is None or value is ABSENT or value is None or row in batch.errors:
            continue
        chosen = value.split(";") if field.type == "multipicklist" else [value]
        wrong = next((one for one in chosen if one not in offered), None)
        if wrong is not None:
            batch.fail(row, errors.bad_picklist_value(field.label, field.name, wrong))
