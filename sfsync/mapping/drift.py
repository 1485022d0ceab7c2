"""Drift: what a mapping needs and an end does not have. Pure; each side hands in what it knows of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sfsync.mapping.canon import platform_columns
from sfsync.mapping.model import FieldSpec, FieldType, Mapping, Owner
from sfsync.sides.side import Finding

# Salesforce types that hold a canonical type without loss.
_TEXTS = {"string", "textarea", "picklist", "combobox", "url", "encryptedstring", "id", "reference"}
_FITTING: dict[FieldType, set[str]] = {
    FieldType.TEXT: _TEXTS,
    FieldType.CODE: _TEXTS,
    FieldType.EMAIL: {"email", "string"},
    FieldType.PHONE: {"phone", "string"},
    FieldType.PICKLIST: {"picklist", "combobox", "string"},
    FieldType.MULTIPICKLIST: {"multipicklist"},
    FieldType.BOOLEAN: {"boolean"},
    FieldType.INTEGER: {"int", "double", "long"},
    FieldType.MONEY: {"currency", "double"},
    FieldType.DATE: {"date"},
    FieldType.INSTANT: {"datetime"},
}
# Parts of SQL type names (PostgreSQL, SQLite) that hold a canonical type.
_SQL: dict[FieldType, str] = {
    FieldType.BOOLEAN: r"BOOL|TINYINT|BIT",
    FieldType.INTEGER: r"INT|NUMERIC|DECIMAL",
    FieldType.MONEY: r"INT|NUMERIC|DECIMAL",
    FieldType.DATE: r"DATE|TIMESTAMP",
    FieldType.INSTANT: r"TIMESTAMP|DATETIME",
}
_TEXT_SQL = r"CHAR|TEXT|STRING|CLOB|UUID"

Describe = dict[str, Any]


def check_platform(mapping: Mapping, columns: dict[str, str]) -> list[Finding]:
    """Findings about the platform's table; ``columns`` are its column names with their SQL type names."""
    return [*_missing_columns(mapping, columns), *_column_types(mapping, columns), *_unlisted(mapping, columns)]


def _missing_columns(mapping: Mapping, columns: dict[str, str]) -> Iterator[Finding]:
    table = mapping.platform.table
    needed = [mapping.platform.key, mapping.platform.stamp, *platform_columns(mapping)]
    computed = [c for f in mapping.fields.values() if f.owner is Owner.COMPUTED for c in f.columns]
    for name in dict.fromkeys([*needed, *computed]):
        if name not in columns:
            step = "add the column to the platform, or take it out of the mapping"
            yield _finding(mapping, "COLUMN_MISSING", f"{table} has no column {name}", f"{table}.{name}", step)


def _column_types(mapping: Mapping, columns: dict[str, str]) -> Iterator[Finding]:
    for field in mapping.synced:
        if len(field.columns) != 1 or field.transform or field.columns[0] not in columns:
            continue
        name, kind = field.columns[0], columns[field.columns[0]].upper()
        where = f"{mapping.platform.table}.{name}"
        if not re.search(_SQL.get(field.type, _TEXT_SQL), kind):
            step = f"values that are no {field.type} become problems of their records; change the type on one side"
            message = f"{where} is {kind}, the mapping expects {field.type}"
            yield _finding(mapping, "COLUMN_TYPE", message, where, step, "warning")
        yield from _narrow(mapping, field, where, kind)


def _narrow(mapping: Mapping, field: FieldSpec, where: str, kind: str) -> Iterator[Finding]:
    size = re.search(r"CHAR[A-Z ]*\((\d+)\)", kind)
    if size and field.to_platform and field.length and field.length > int(size[1]):
        message = f"{where} holds {size[1]} characters, {field.name} may have {field.length}"
        step = f"write `length: {size[1]}` at {field.name}, or widen the column"
        yield _finding(mapping, "COLUMN_SHORT", message, where, step, "warning")


def _unlisted(mapping: Mapping, columns: dict[str, str]) -> Iterator[Finding]:
    """Columns nobody has decided about: they are not read, and a person should know."""
    used = [c for f in mapping.fields.values() for c in (*f.columns, *f.given, f.changed_at)]
    known = {*used, *mapping.never, mapping.platform.key, mapping.platform.stamp}
    for name in sorted(set(columns) - known):
        step = "map it, or list it under `never`; until then it does not exist for sfsync"
        where = f"{mapping.platform.table}.{name}"
        yield _finding(mapping, "COLUMN_UNLISTED", f"{where} is neither mapped nor kept back", where, step, "info")


def check_salesforce(mapping: Mapping, describe: Describe, related: dict[str, Describe]) -> list[Finding]:
    """Findings about the object.

    ``describe`` is its REST describe; ``related`` those of the objects it refers to, by name (an object that is not
    there is not checked). An empty ``describe`` means the object is unknown to this user.
    """
    name = mapping.salesforce.object
    if not describe:
        step = "deploy the metadata with `sfsync org deploy`, or give the integration user the permission set"
        return [_finding(mapping, "OBJECT_MISSING", f"the org shows no object {name}", name, step)]
    fields = {f["name"]: f for f in describe["fields"]}
    found = [*_object(mapping, describe), *_key(mapping, fields), *_record_types(mapping, describe)]
    for field in mapping.fields.values():
        if field.salesforce and field.salesforce != mapping.salesforce.key:
            found += _field(mapping, field, fields, describe, related)
    return found


def _object(mapping: Mapping, describe: Describe) -> Iterator[Finding]:
    name = mapping.salesforce.object
    for ability in ("createable", "updateable", "queryable"):
        if not describe.get(ability, True):
            step = f"assign the permission set SFS_Integration: the user needs this right on {name}"
            yield _finding(mapping, "OBJECT_ACCESS", f"{name} is not {ability} for this user", name, step)
    names = {f["name"] for f in describe["fields"]}
    if mapping.salesforce.as_ == "person_account" and name == "Account" and "IsPersonAccount" not in names:
        step = f"switch Person Accounts on, or write `as: contact` in {mapping.name}.yaml"
        yield _finding(mapping, "NO_PERSON_ACCOUNTS", "the org has no Person Accounts", name, step)


def _key(mapping: Mapping, fields: dict[str, Describe]) -> Iterator[Finding]:
    key, where = mapping.salesforce.key, f"{mapping.salesforce.object}.{mapping.salesforce.key}"
    spec = fields.get(key)
    if spec is None:
        yield _missing(mapping, where)
        return
    if not spec.get("externalId") or not spec.get("unique"):
        step = "mark the field External ID and Unique (case-insensitive), or deploy the metadata again"
        yield _finding(mapping, "KEY_NOT_UNIQUE", f"{where} is no unique external id", where, step)
    elif spec.get("caseSensitive"):
        step = "make it case-insensitive: keys are compared without case"
        yield _finding(mapping, "KEY_CASE", f"{where} is case-sensitive", where, step, "warning")
    if not spec.get("createable"):
        yield _read_only(mapping, where, "createable")


def _record_types(mapping: Mapping, describe: Describe) -> Iterator[Finding]:
    infos = {i.get("developerName"): i for i in describe.get("recordTypeInfos", [])}
    name = mapping.salesforce.object
    for wanted in mapping.salesforce.record_types:
        if wanted not in infos:
            step = "deploy the record types, and add them to the integration user's permission set"
            yield _finding(mapping, "RECORD_TYPE", f"{name} has no record type {wanted}", f"{name}.{wanted}", step)
        elif not infos[wanted].get("available", True) and wanted not in mapping.salesforce.read:
            step = "assign the permission set SFS_Integration, which makes the record type available"
            message = f"record type {wanted} of {name} is not available to this user"
            yield _finding(mapping, "RECORD_TYPE", message, f"{name}.{wanted}", step)


def _field(
    mapping: Mapping, field: FieldSpec, fields: dict[str, Describe], describe: Describe, related: dict[str, Describe]
) -> Iterator[Finding]:
    assert field.salesforce
    if "." in field.salesforce:
        yield from _lookup(mapping, field, describe, related)
        return
    for name in (field.salesforce, *field.also, *([field.fallback] if field.fallback else [])):
        where, spec = f"{mapping.salesforce.object}.{name}", fields.get(name)
        if spec is None:
            yield _missing(mapping, where, "error" if field.synced or field.owner is Owner.COMPUTED else "info")
        elif name != field.fallback:
            yield from _access(mapping, field, where, spec)
            yield from _fit(mapping, field, where, spec)


def _access(mapping: Mapping, field: FieldSpec, where: str, spec: Describe) -> Iterator[Finding]:
    """May we write what we mean to write: at creation (seed) and later (unless Salesforce owns it)."""
    if not field.synced and field.owner is not Owner.COMPUTED:
        return
    theirs = field.owner is Owner.SALESFORCE
    if (field.seed or not theirs) and not spec.get("createable"):
        yield _read_only(mapping, where, "createable")
    if not theirs and not spec.get("updateable"):
        yield _read_only(mapping, where, "updateable")


def _fit(mapping: Mapping, field: FieldSpec, where: str, spec: Describe) -> Iterator[Finding]:
    if spec["type"] not in _FITTING.get(field.type, _TEXTS):
        step = "change the field's type in Salesforce, or `type:` in the mapping"
        message = f"{where} is {spec['type']}, the mapping says {field.type}"
        yield _finding(mapping, "FIELD_TYPE", message, where, step)
        return
    room = spec.get("length") or 0
    if field.length and spec["type"] in ("string", "textarea", "email", "phone", "url") and room < field.length:
        step = f"write `length: {room}` at {field.name}, or lengthen the field"
        message = f"{where} holds {room} characters, the mapping allows {field.length}"
        yield _finding(mapping, "FIELD_SHORT", message, where, step)
    yield from _picklist(mapping, field, where, spec)


def _picklist(mapping: Mapping, field: FieldSpec, where: str, spec: Describe) -> Iterator[Finding]:
    active = {v["value"] for v in spec.get("picklistValues", []) if v.get("active", True)}
    lacking = [v for v in field.values if v not in active]
    if not lacking or spec["type"] not in ("picklist", "multipicklist"):
        return
    strict = bool(spec.get("restrictedPicklist"))
    step = f"add the values to {where}" + (": it is restricted and refuses others" if strict else "")
    message = f"{where} lacks the values {', '.join(lacking)}"
    yield _finding(mapping, "PICKLIST_VALUES", message, where, step, "error" if strict else "warning")


def _lookup(mapping: Mapping, field: FieldSpec, describe: Describe, related: dict[str, Describe]) -> Iterator[Finding]:
    """``Account.SFS_Shop_Code__c``: the lookup exists, points to the object, whose field identifies one record."""
    assert field.salesforce
    relation, _, identifying = field.salesforce.rpartition(".")
    where = f"{mapping.salesforce.object}.{relation}"
    spec = next((f for f in describe["fields"] if f.get("relationshipName") == relation), None)
    if spec is None:
        yield _missing(mapping, where)
        return
    yield from _access(mapping, field, where, spec)
    targets = [related[t] for t in spec.get("referenceTo", []) if t in related]
    if not targets:
        return
    matches = [f for t in targets for f in t["fields"] if f["name"] == identifying]
    step = f"let {field.name} point to the object that has {identifying}, or deploy that field"
    if not matches:
        message = f"{where} points to {', '.join(spec['referenceTo'])}, which has no {identifying}"
        yield _finding(mapping, "LOOKUP_TARGET", message, where, step)
    elif not any(m.get("externalId") or m.get("idLookup") for m in matches):
        message = f"{identifying} cannot identify the parent of {where}"
        yield _finding(mapping, "LOOKUP_TARGET", message, where, f"mark {identifying} External ID and Unique")


def _missing(mapping: Mapping, where: str, level: str = "error") -> Finding:
    step = "deploy the metadata with `sfsync org deploy`, or give the integration user read and edit on the field"
    return _finding(mapping, "FIELD_MISSING", f"the org shows no field {where}", where, step, level)


def _read_only(mapping: Mapping, where: str, ability: str) -> Finding:
    step = "assign the permission set SFS_Integration, or give the field's edit permission to the integration user"
    return _finding(mapping, "FIELD_READ_ONLY", f"{where} is not {ability} for this user", where, step)


def _finding(mapping: Mapping, code: str, message: str, where: str, step: str, level: str = "error") -> Finding:
    return Finding(code, message, level, mapping.name, where, step)
