"""Upsert: rows whose key is known are updated, the others inserted."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import ABSENT, Batch, Deed, failed
from sfsync.rehearsal.dml.references import ids_of
from sfsync.rehearsal.dml.save import insert, update
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import Field, SObject


def key_field(obj: SObject, name: str) -> Field:
    """The field an upsert goes by. Raises OrgError when it is no external id, Id or idLookup field."""
    field = obj.find(name)
    if field is None or not (field.indexed or field.name == "Id"):
        raise errors.upsert_field_not_allowed(name, obj.name)
    return field


def upsert(work: Work, batch: Batch, field: Field) -> list[Deed]:
    """One result per row, in order. ``created`` tells inserts from updates, also for rows that failed."""
    if field.name == "Id":
        return _by_id(work, batch)
    for row, one in enumerate(batch.columns.get("Id", ())):
        if one is not ABSENT and one is not None:
            batch.fail(row, errors.id_in_body())
    batch.columns.pop("Id", None)
    targets = _targets(work, batch, field)
    return _split(work, batch, targets)


def _by_id(work: Work, batch: Batch) -> list[Deed]:
    given = batch.columns.get("Id", [None] * batch.size)
    return _split(work, batch, [None if one is ABSENT or one == "" else one for one in given])


def _targets(work: Work, batch: Batch, field: Field) -> list[str | None]:
    """The id each row will update, or None for an insert."""
    keys = [_key(field, one) for one in batch.column(field.name)]
    found = ids_of(work.database, batch.obj, field, keys)
    seen: set[str] = set()
    targets: list[str | None] = []
    for row, key in enumerate(keys):
        targets.append(_target(batch, field, row, key, found, seen))
    return targets


def _key(field: Field, value: Any) -> str | None:
    if value is ABSENT or value is None:
        return None
    text = value.strip() if isinstance(value, str) else value
    return None if text == "" else field.key(text)


def _target(
    batch: Batch, field: Field, row: int, key: str | None, found: dict[str, list[str]], seen: set[str]
) -> str | None:
    if key is None:
        batch.fail(row, errors.external_id_missing(field.name))
        return None
    if key in seen:
        batch.fail(row, errors.duplicate_external_id(str(batch.columns[field.name][row])))
        return None
    seen.add(key)
    ids = found.get(key, [])
    if len(ids) > 1:
        batch.fail(row, errors.multiple_choices(ids))
    return ids[0] if len(ids) == 1 else None


def _split(work: Work, batch: Batch, targets: list[str | None]) -> list[Deed]:
    deeds: list[Deed] = [failed(batch.errors.get(row, ())) for row in range(batch.size)]
    new = [row for row, one in enumerate(targets) if one is None and row not in batch.errors]
    old = [row for row, one in enumerate(targets) if one is not None and row not in batch.errors]
    if new:
        made = batch.take(new)
        made = Batch(made.obj, made.size, dict(made.columns), made.errors, made.csv_columns)
        made.columns.pop("Id", None)
        _place(deeds, new, insert(work, made))
    if old:
        changed = batch.take(old)
        columns = {**changed.columns, "Id": [targets[row] for row in old]}
        _place(deeds, old, update(work, Batch(changed.obj, changed.size, columns, {}, changed.csv_columns)))
    return deeds


def _place(deeds: list[Deed], rows: list[int], results: list[Deed]) -> None:
    for row, one in zip(rows, results, strict=True):
        deeds[row] = one
