"""Turns what callers send (JSON rows, CSV columns) into batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import ABSENT, Batch, Reference
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Field, Schema, SObject


def from_rows(schema: Schema, obj: SObject, rows: Sequence[dict[str, Any]]) -> Batch:
    """A batch of JSON rows. A wrong field name spoils only its row (wire reference section 7)."""
    batch = Batch(obj, len(rows))
    known: dict[str, Field | None] = {}
    for number, row in enumerate(rows):
        for name, value in row.items():
            if name == "attributes":
                continue
            if name not in known:
                known[name] = obj.find(name)
            target = known[name]
            if target is not None and not isinstance(value, dict):
                batch.column(target.name)[number] = value
            else:
                _put_reference(schema, batch, number, name, value)
    return batch


def _put_reference(schema: Schema, batch: Batch, row: int, name: str, value: Any) -> None:
    target = batch.obj.relation(name)
    if target is None or not isinstance(value, dict | None):
        batch.fail(row, errors.no_such_column_dml(name, batch.obj.name))
        return
    if value is None:
        batch.column(target.name)[row] = None
        return
    try:
        batch.column(target.name)[row] = _nested(schema, target, value)
    except OrgError as wrong:
        batch.fail(row, wrong)


def _nested(schema: Schema, target: Field, value: dict[str, Any]) -> Any:
    named = {key: one for key, one in value.items() if key != "attributes"}
    attributes = value.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    if kind is not None and not isinstance(kind, str):
        raise errors.attributes_required()
    if target.polymorphic and not kind:
        raise errors.attributes_required()
    parent = schema.find(kind or target.reference_to[0])
    if parent is None:
        raise OrgError("INVALID_TYPE", errors.not_supported(str(kind)))
    if len(named) != 1:
        raise errors.not_one_foreign_key(parent.name, len(named))
    ((key, one),) = named.items()
    if parent.name not in target.reference_to:
        raise errors.foreign_key_not_found(str(one), key, parent.name)
    return _reference(parent, key, one)


def _reference(parent: SObject, key: str, value: Any) -> Any:
    found = parent.find(key)
    if found is not None and found.name == "Id":
        return value
    if found is None:
        raise errors.no_such_column_dml(key, parent.name)
    if not found.indexed:
        raise errors.upsert_field_not_allowed(found.name, parent.name)
    if isinstance(value, list | dict):
        raise errors.json_parser("Cannot deserialize instance of string from START_OBJECT value")
    return Reference(parent.name, found.name, value)


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """One column of an uploaded file; ``reference`` is (object, field) for ``Account.SFS_Shop_Code__c``."""

    field: Field
    reference: tuple[str, str] | None = None


def csv_header(schema: Schema, obj: SObject, header: Sequence[str]) -> list[CsvColumn]:
    """Understands a header. Raises OrgError InvalidBatch for a column that does not exist."""
    if len({name.lower() for name in header}) < len(header):
        raise errors.invalid_batch("Duplicate column in the header of the file")
    return [_csv_column(schema, obj, name) for name in header]


def _csv_column(schema: Schema, obj: SObject, name: str) -> CsvColumn:
    found = obj.find(name)
    if found is not None:
        return CsvColumn(found)
    kind, _, path = name.rpartition(":")
    relation, dot, key = path.partition(".")
    target = obj.relation(relation) if dot else None
    parents = [] if target is None else _parents(schema, target, kind, key)
    if target is None or len(parents) != 1:
        raise errors.unknown_header_column(name)
    field = parents[0].find(key)
    if field is None or not (field.indexed or field.name == "Id"):
        raise errors.unknown_header_column(name)
    return CsvColumn(target, (parents[0].name, field.name))


def _parents(schema: Schema, target: Field, kind: str, key: str) -> list[SObject]:
    candidates = [schema.objects[name] for name in target.reference_to if name in schema.objects]
    named = [one for one in candidates if not kind or one.name.lower() == kind.lower()]
    usable = [one for one in named if (field := one.find(key)) and (field.indexed or field.name == "Id")]
    return usable or named[:1]


def from_csv(obj: SObject, plan: Sequence[CsvColumn], rows: Sequence[Sequence[str]]) -> Batch:
    """A batch of CSV rows: ``''`` is not mentioned, ``#N/A`` is null (wire reference section 11)."""
    width = len(plan)
    batch = Batch(obj, len(rows))
    if any(len(row) != width for row in rows):
        for number, row in enumerate(rows):
            if len(row) != width:
                batch.fail(number, _wrong_width(width, len(row)))
        rows = [[*row[:width], *[""] * (width - len(row))] for row in rows]
    for position, (column, values) in enumerate(zip(plan, zip(*rows, strict=True), strict=True)):
        batch.csv_columns[column.field.name] = position
        batch.columns[column.field.name] = _csv_values(column, values)
    return batch


def _csv_values(column: CsvColumn, values: Sequence[str]) -> list[Any]:
    if column.reference is None or column.reference[1] == "Id":
        return [ABSENT if one == "" else None if one == "#N/A" else one for one in values]
    to, key = column.reference
    known = {"": ABSENT, "#N/A": None}
    for one in set(values) - known.keys():
        known[one] = Reference(to, key, one)  # type: ignore[assignment]
    return [known[one] for one in values]


def _wrong_width(wanted: int, found: int) -> OrgError:
    text = f"Too many columns in row: header has {wanted}, row has {found}"
    return errors.invalid_batch(text if found > wanted else text.replace("many", "few"))
