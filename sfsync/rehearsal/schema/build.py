"""Puts the schema together: standard objects, force-app on top, and what follows from both."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sfsync.rehearsal.ids import base62
from sfsync.rehearsal.schema import source as force_app_source
from sfsync.rehearsal.schema import standard
from sfsync.rehearsal.schema.model import Child, Field, RecordTypeDef, Schema, SObject

# Which field a standard value set fills.
_VALUE_SETS = {
    "CaseStatus": ("Case", "Status"),
    "CasePriority": ("Case", "Priority"),
    "CaseOrigin": ("Case", "Origin"),
    "CaseType": ("Case", "Type"),
    "CaseReason": ("Case", "Reason"),
    "AccountType": ("Account", "Type"),
    "Industry": ("Account", "Industry"),
    "AccountRating": ("Account", "Rating"),
    "AssetStatus": ("Asset", "Status"),
    "TaskStatus": ("Task", "Status"),
    "TaskPriority": ("Task", "Priority"),
    "TaskType": ("Task", "Type"),
    "Salutation": ("Contact", "Salutation"),
    "LeadSource": ("Contact", "LeadSource"),
}
_CLOSED = {"CaseStatus": "closed_case_statuses", "TaskStatus": "closed_task_statuses"}


def build(force_app: Path | None) -> Schema:
    """The schema of an org with the metadata of ``force_app``. Raises SourceError."""
    objects, settings = standard.load()
    if force_app is None:
        return _assembled({one.name: one for one in objects}, settings)
    source = force_app_source.read(force_app)
    by_name = {one.name: one for one in objects}
    _add_value_sets(by_name, settings, source)
    for custom in source.objects.values():
        by_name[custom.name] = _custom_object(custom, {one.prefix for one in by_name.values()})
    _add_fields(by_name, source.fields)
    _add_record_types(by_name, settings, source.record_types)
    return _assembled(by_name, settings, queues=tuple(source.queues), permission_sets=tuple(source.permission_sets))


def _add_value_sets(objects: dict[str, SObject], settings: dict[str, Any], source: force_app_source.Source) -> None:
    for name, entries in source.value_sets.items():
        if name in _CLOSED:
            settings[_CLOSED[name]] = [one.value for one in entries if one.closed]
        if name not in _VALUE_SETS:
            continue
        on, field_name = _VALUE_SETS[name]
        default = next((one.value for one in entries if one.default), None)
        _change(
            objects,
            on,
            field_name,
            values=tuple(one.value for one in entries),
            value_labels=tuple(one.label for one in entries),
            default=default,
        )


def _change(objects: dict[str, SObject], on: str, field_name: str, **changes: Any) -> None:
    fields = tuple(replace(one, **changes) if one.name == field_name else one for one in objects[on].fields)
    objects[on] = replace(objects[on], fields=fields)


def _add_fields(objects: dict[str, SObject], found: dict[str, list[Field]]) -> None:
    for name, fields in found.items():
        if name not in objects:
            raise force_app_source.SourceError(f"force-app has fields for {name}, an object this org does not have")
        objects[name] = replace(objects[name], fields=objects[name].fields + tuple(fields))


def _add_record_types(objects: dict[str, SObject], settings: dict[str, Any], found: Iterable[RecordTypeDef]) -> None:
    people: dict[str, list[str]] = settings["person_record_types"]
    for one in found:
        # The source format keeps person record types in a folder of their own, though they are Account's.
        on = "Account" if one.object == "PersonAccount" else one.object
        named = one.developer_name in people.get(on, [])
        person = one.object == "PersonAccount" or (on == "Account" and (one.person or named))
        typed = replace(one, object=on, person=person)
        objects[on] = replace(objects[on], record_types=(*objects[on].record_types, typed))


def _custom_object(custom: force_app_source.CustomObject, taken: set[str]) -> SObject:
    auto = custom.name_format is not None
    name_field = Field(
        name="Name",
        type="string",
        label=custom.name_label,
        length=80,
        nillable=not auto,
        createable=not auto,
        updateable=not auto,
        defaulted=True,
        groupable=True,
        sortable=True,
        id_lookup=True,
        name_field=True,
        auto_number=auto,
        display_format=custom.name_format,
    )
    return SObject(
        name=custom.name,
        label=custom.label,
        plural=custom.plural,
        prefix=_prefix(custom.name, taken),
        calls="CUDNQRPS",
        fields=(_id(custom.label), _owner(), _flag("IsDeleted", "Deleted"), name_field, *_audit()),
        custom=True,
    )


def _prefix(name: str, taken: set[str]) -> str:
    """A key prefix that depends on the name alone, so that adding an object moves no other's ids."""
    number = zlib.crc32(name.encode()) % 3844
    while (prefix := "a" + base62(number, 2)) in taken:
        number = (number + 1) % 3844
    return prefix


def _id(label: str) -> Field:
    return Field(
        "Id", "id", f"{label} ID", 18, nillable=False, defaulted=True, id_lookup=True, groupable=True, sortable=True
    )


def _flag(name: str, label: str) -> Field:
    return Field(name, "boolean", label, nillable=False, defaulted=True, groupable=True, sortable=True, default=False)


def _owner() -> Field:
    return replace(
        _user("OwnerId", "Owner ID", "Owner"), createable=True, updateable=True, reference_to=("Group", "User")
    )


def _user(name: str, label: str, relation: str) -> Field:
    return Field(
        name,
        "reference",
        label,
        18,
        nillable=False,
        defaulted=True,
        groupable=True,
        sortable=True,
        reference_to=("User",),
        relationship_name=relation,
    )


def _audit() -> tuple[Field, ...]:
    def moment(name: str, label: str) -> Field:
        return Field(name, "datetime", label, nillable=False, defaulted=True, sortable=True)

    return (
        moment("CreatedDate", "Created Date"),
        _user("CreatedById", "Created By ID", "CreatedBy"),
        moment("LastModifiedDate", "Last Modified Date"),
        _user("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
        moment("SystemModstamp", "System Modstamp"),
    )


def _assembled(objects: dict[str, SObject], settings: dict[str, Any], **more: Any) -> Schema:
    _add_person_fields(objects, settings)
    names = tuple(sorted(objects))
    for on in ("QueueSobject", "RecordType"):
        _change(objects, on, "SobjectType", values=names, value_labels=names)
    children: dict[str, list[Child]] = {}
    for one in objects.values():
        for field in one.fields:
            for parent in field.reference_to:
                children.setdefault(parent, []).append(Child(one.name, field))
    whole = [replace(one, children=tuple(children.get(one.name, ()))) for one in objects.values()]
    return Schema.of(whole, settings, **more)


def _add_person_fields(objects: dict[str, SObject], settings: dict[str, Any]) -> None:
    """Every custom field of Contact also shows on Account, as ``X__pc`` (wire reference section 15)."""
    account = objects["Account"]
    mirrored: dict[str, str] = dict(settings["person_mirror"])
    added = []
    for one in objects["Contact"].fields:
        if one.custom:
            name = one.name.removesuffix("__c") + "__pc"
            mirrored[name] = one.name
            added.append(_person_copy(one, name))
    settings["person_mirror"] = mirrored
    objects["Account"] = replace(account, fields=account.fields + tuple(added))


def _person_copy(field: Field, name: str) -> Field:
    relation = field.relationship_name and field.relationship_name.removesuffix("__r") + "__pr"
    return replace(field, name=name, person=True, relationship_name=relation, child_name=None, on_delete="")
