"""What a batch must satisfy before it is written: access, required fields, unique values."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import ABSENT, Batch
from sfsync.rehearsal.dml.references import ids_of
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Field
from sfsync.rehearsal.store.database import Database

AUDIT = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})
# Objects whose audit fields can be given on create, beside all custom ones (vendor object reference, system fields).
_AUDITED = frozenset(
    {
        "Account",
        "Attachment",
        "CampaignMember",
        "Case",
        "CaseComment",
        "Contact",
        "ContentVersion",
        "Contract",
        "Event",
        "Lead",
        "Opportunity",
        "Task",
    }
)


def access(batch: Batch, *, creating: bool, audit: bool = False) -> None:
    """Fields a caller may not write: one error per row that names them all.

    ``audit``: the org lets audit fields be set upon record creation.
    """
    audit = audit and creating and (batch.obj.custom or batch.obj.name in _AUDITED)
    given = AUDIT if audit else frozenset()
    closed = [name for name in batch.columns if name not in given and not _writable(batch, name, creating)]
    if not closed:
        return
    for row in range(batch.size):
        named = [name for name in closed if batch.columns[name][row] is not ABSENT]
        if named:
            batch.fail(row, errors.read_only(named))
    for name in closed:
        del batch.columns[name]


def _writable(batch: Batch, name: str, creating: bool) -> bool:
    field = batch.obj.find(name)
    return field is not None and (field.createable if creating else field.updateable)


def required(batch: Batch, *, creating: bool, skip: frozenset[str] = frozenset()) -> None:
    """On create every required field has a value; on update none is emptied. ``skip``: left to the object's rules."""
    missing: dict[int, list[str]] = {}
    for field in batch.obj.fields:
        if field.nillable or field.type in ("boolean", "id") or field.name in skip:
            continue
        for row in _without(batch, field, creating):
            missing.setdefault(row, []).append(field.name)
    for row, names in missing.items():
        if row not in batch.errors:
            batch.fail(row, errors.required_missing(names))


def _without(batch: Batch, field: Field, creating: bool) -> list[int]:
    values = batch.columns.get(field.name)
    if values is None:
        return list(range(batch.size)) if creating and field.required else []
    if creating and field.required:
        return [row for row, one in enumerate(values) if one is None or one is ABSENT]
    if field.createable or field.updateable:
        return [row for row, one in enumerate(values) if one is None]
    return []


def unique(database: Database, batch: Batch, own_ids: list[str | None]) -> None:
    """No two rows with the same value in a unique field, neither here nor in the org. The first one wins."""
    for field in batch.obj.fields:
        if field.unique and field.name in batch.columns:
            _unique(database, batch, field, own_ids)


def _unique(database: Database, batch: Batch, field: Field, own_ids: list[str | None]) -> None:
    keys = [None if one is ABSENT else field.key(one) for one in batch.columns[field.name]]
    taken = ids_of(database, batch.obj, field, keys)
    here: dict[str, str | None] = {}
    for row, key in enumerate(keys):
        if key is None or row in batch.errors:
            continue
        others = [one for one in taken.get(key, ()) if one != own_ids[row]]
        if others or key in here:
            batch.fail(row, _duplicate(field, others[0] if others else here[key], batch.columns[field.name][row]))
        here.setdefault(key, own_ids[row])


def _duplicate(field: Field, other: str | None, value: Any) -> OrgError:
    if field.name == "Username":
        return errors.duplicate_username(str(value))
    return errors.duplicate_value(field.name, other)
