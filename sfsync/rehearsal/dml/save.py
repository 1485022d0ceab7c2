"""Insert and update of a batch: the steps of a save in Salesforce's order of execution.

1 system validation of what was sent (fields, types, parents) and defaults; 2 the object's own rules and before-save
automation; 3 system validation again (required, unique); 4 validation rules; 5 duplicate rules; 6 assignment rules;
7 the write; 8 what follows it. Source: vendor, "Triggers and Order of Execution".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import automation, checks, hierarchy, mixed, numbers, owners, record_types, references, trail
from sfsync.rehearsal.dml.batch import ABSENT, Batch, Deed, failed
from sfsync.rehearsal.dml.convert import convert
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.rules.registry import rules_of
from sfsync.rehearsal.dml.work import Rules, Work
from sfsync.rehearsal.dml.write import insert_columns, update_columns
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.store.state import new_ids


def insert(work: Work, batch: Batch) -> list[Deed]:
    """Inserts the good rows; the others come back with their errors."""
    closed = mixed.clash(work, batch.obj) if "C" in batch.obj.calls else errors.not_creatable(batch.obj.name)
    if closed is not None:
        return [failed([closed])] * batch.size
    for row, one in enumerate(batch.columns.pop("Id", ())):
        if one is not ABSENT and one is not None:
            batch.fail(row, errors.id_in_body())
    rules = rules_of(batch.obj.name)
    _prepare(work, batch, creating=True)
    _defaults(work, batch)
    numbers.fill(work, batch)
    rules.before_insert(work, batch)
    automation.before(work, batch, None)
    _check(work, batch, None, rules)
    return _insert_good(work, batch, rules)


def _check(work: Work, batch: Batch, old: Stored | None, rules: Rules) -> None:
    """Steps 3 to 6: what stands between the row and the table."""
    checks.required(batch, creating=old is None, skip=rules.optional)
    checks.unique(work.database, batch, [None] * batch.size if old is None else old.ids)
    hierarchy.check(work, batch, old)
    owners.check(work, batch, old)
    record_types.check(work, batch, old)
    automation.validate(work, batch, old)
    automation.duplicates(work, batch, old)
    automation.assign(work, batch, old)
    work.locks.refuse(work, batch, () if old is None else old.ids)


def _prepare(work: Work, batch: Batch, *, creating: bool) -> None:
    references.resolve(work.database, work.schema, batch)
    checks.access(batch, creating=creating, audit=work.audit)
    batch.obj = work.schema.objects[batch.obj.name]
    convert(batch)
    references.check(work.database, work.schema, batch)
    _check_record_type(work, batch)


def _check_record_type(work: Work, batch: Batch) -> None:
    valid = work.record_types.get(batch.obj.name, {}) if "RecordTypeId" in batch.columns else {}
    for row, one in enumerate(batch.columns.get("RecordTypeId", ())):
        if isinstance(one, str) and one not in valid:
            batch.fail(row, errors.bad_record_type())


def _defaults(work: Work, batch: Batch) -> None:
    """What was not given; a picklist that cannot be empty (the status of a lead) also takes it for an empty value."""
    for field in batch.obj.fields:
        value = field.default
        if value is None or value is False:
            continue
        never = field.type == "picklist" and not field.nillable
        given = batch.column(field.name)
        batch.columns[field.name] = [value if one is ABSENT or (never and one is None) else one for one in given]
    owner = batch.obj.find("OwnerId")
    if owner is not None and owner.createable:
        batch.columns["OwnerId"] = [one or work.user_id for one in batch.values("OwnerId")]


def _insert_good(work: Work, batch: Batch, rules: Rules) -> list[Deed]:
    good = batch.good()
    ids = new_ids(work.database, batch.obj.prefix, len(good)) if good else []
    written = batch.take(good)
    if good:
        insert_columns(work, batch.obj, ids, written.columns)
        rules.after_insert(work, written, ids)
        automation.after(work, written, ids, None)
        trail.inserted(work, batch.obj, ids)
    return _deeds(batch, good, ids, created=True)


def _deeds(batch: Batch, good: Sequence[int], ids: Sequence[str], *, created: bool) -> list[Deed]:
    by_row = dict(zip(good, ids, strict=True))
    return [
        Deed(by_row[row], True, created, []) if row in by_row else failed(batch.errors[row])
        for row in range(batch.size)
    ]


def update(work: Work, batch: Batch) -> list[Deed]:
    """Updates the good rows by their ``Id`` column."""
    closed = mixed.clash(work, batch.obj) if "U" in batch.obj.calls else errors.not_updateable(batch.obj.name)
    if closed is not None:
        return [failed([closed])] * batch.size
    ids = _own_ids(work, batch)
    rules = rules_of(batch.obj.name)
    _prepare(work, batch, creating=False)
    old = Stored(work.database, batch.obj, ids, set(batch.columns) | rules.needs)
    rules.before_update(work, batch, old)
    automation.before(work, batch, old)
    _check(work, batch, old, rules)
    good = batch.good()
    if good:
        _update_good(work, batch, rules, old, good)
    return _deeds(batch, good, [str(ids[row]) for row in good], created=False)


def _update_good(work: Work, batch: Batch, rules: Rules, old: Stored, good: list[int]) -> None:
    for name in batch.columns:
        batch.columns[name] = whole(batch, old, name)
    old.need(trail.watched(work, batch.obj, set(batch.columns)))
    written, before = batch.take(good), old.take(good)
    own = [str(one) for one in before.ids]
    update_columns(work, batch.obj, own, written.columns)
    rules.after_update(work, written, own)
    automation.after(work, written, own, before)
    trail.updated(work, batch.obj, own, written.columns, before)


def _own_ids(work: Work, batch: Batch) -> list[str | None]:
    """The ids of the rows to change; None where there is an error instead."""
    ids: list[str | None] = []
    given = batch.columns.pop("Id", [ABSENT] * batch.size)
    shaped = {to18(one) for one in given if isinstance(one, str) and is_valid(one)}
    known = references.existing(work.database, batch.obj, shaped) if shaped else {}
    seen: set[str] = set()
    for row, one in enumerate(given):
        error = _id_error(batch.obj, one, known, seen)
        if error is not None:
            batch.fail(row, error)
        ids.append(None if error is not None else to18(one))
    return ids


def _id_error(obj: SObject, one: Any, known: dict[str, bool], seen: set[str]) -> errors.OrgError | None:
    if one is ABSENT or one is None or one == "":
        return errors.id_missing()
    if not is_valid(one) or one[:3] != obj.prefix:
        return errors.malformed_id(f"{obj.label} ID", "Id", str(one))
    record_id = to18(one)
    if record_id not in known:
        return errors.invalid_cross_reference(status=404)
    if known[record_id]:
        return errors.entity_is_deleted()
    if record_id in seen:
        return errors.duplicate_id_in_call(record_id)
    seen.add(record_id)
    return None
