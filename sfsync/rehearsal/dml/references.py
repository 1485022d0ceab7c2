"""Parents: external ids are looked up, record ids are checked to exist and to be of a fitting object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch, Reference
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted


def ids_of(database: Database, obj: SObject, field: Field, values: Iterable[Any]) -> dict[str, list[str]]:
    """The living rows that carry these values: lower-cased key -> record ids."""
    keys = sorted({key for one in values if (key := field.key(one)) is not None})
    column = quoted(field.key_column)
    sql = f"SELECT {column}, Id FROM {quoted(obj.name)} WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608
    found: dict[str, list[str]] = {}
    for key, record_id in database.rows(sql, (json.dumps(keys),)) if keys else ():
        found.setdefault(key, []).append(record_id)
    return found


def existing(database: Database, obj: SObject, ids: Iterable[str]) -> dict[str, bool]:
    """Record id -> is in the recycle bin, for the ids that exist."""
    deleted = '"IsDeleted"' if obj.bin else "0"
    sql = f"SELECT Id, {deleted} FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
    return {record_id: bool(gone) for record_id, gone in database.rows(sql, (json.dumps(sorted(set(ids))),))}


def resolve(database: Database, schema: Schema, batch: Batch) -> None:
    """Replaces every Reference by the id it stands for; what is not found is an error of its row."""
    for name, values in batch.columns.items():
        wanted = {one for one in values if isinstance(one, Reference)}
        if not wanted:
            continue
        answers = _look_up(database, schema, wanted)
        for row, one in enumerate(values):
            if isinstance(one, Reference):
                answer = answers[one]
                values[row] = None if isinstance(answer, OrgError) else answer
                if isinstance(answer, OrgError):
                    batch.fail(row, answer)
        batch.columns[name] = values


def _look_up(database: Database, schema: Schema, wanted: set[Reference]) -> dict[Reference, str | OrgError | None]:
    answers: dict[Reference, str | OrgError | None] = {}
    for to, key in {(one.object, one.field) for one in wanted}:
        obj = schema.objects[to]
        field = obj.find(key)
        assert field is not None
        group = [one for one in wanted if (one.object, one.field) == (to, key)]
        found = ids_of(database, obj, field, (_plain(one) for one in group))
        for one in group:
            answers[one] = _answer(one, field, found.get(field.key(_plain(one)) or "", []))
    return answers


def _plain(one: Reference) -> Any:
    return one.value.strip() if isinstance(one.value, str) else one.value


def _answer(one: Reference, field: Field, ids: list[str]) -> str | OrgError | None:
    if _plain(one) in (None, ""):
        return None
    if not ids:
        return errors.foreign_key_not_found(str(one.value), field.name, one.object)
    if len(ids) > 1:
        return errors.ambiguous_external_id(field.name, str(one.value))
    return ids[0]


def check(database: Database, schema: Schema, batch: Batch) -> None:
    """Every id in a reference field belongs to an object the field may point at, and to a living row."""
    for name, values in batch.columns.items():
        field = batch.obj.find(name)
        if field is None or field.type != "reference" or not _given(field):
            continue
        ids = {one for one in values if isinstance(one, str)}
        bad = _bad_ids(database, schema, field, ids) if ids else {}
        if bad:
            for row, one in enumerate(values):
                if one in bad:
                    batch.fail(row, bad[one])


def _given(field: Field) -> bool:
    """Comes from the caller: what may be written, and audit fields where the org lets them be set."""
    return field.createable or field.updateable or field.name in ("CreatedById", "LastModifiedById")


def _bad_ids(database: Database, schema: Schema, field: Field, ids: set[str]) -> dict[str, OrgError]:
    bad: dict[str, OrgError] = {}
    groups: dict[str, set[str]] = {}
    for one in ids:
        obj = schema.of_id(one)
        if obj is None or obj.name not in field.reference_to:
            bad[one] = errors.malformed_id(field.label, field.name, one)
        else:
            groups.setdefault(obj.name, set()).add(one)
    for name, group in groups.items():
        known = existing(database, schema.objects[name], group)
        for one in group:
            if one not in known:
                bad[one] = errors.invalid_cross_reference(field.name)
            elif known[one]:
                bad[one] = errors.entity_is_deleted(field.name)
    return bad
