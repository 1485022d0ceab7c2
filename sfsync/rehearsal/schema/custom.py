"""What every custom object has without being told: id, name, owner, system fields, its key prefix, its history."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from sfsync.rehearsal.ids import base62
from sfsync.rehearsal.schema.model import Field, SObject
from sfsync.rehearsal.schema.source import CustomObject

_PREFIXES = 3844  # 62 * 62: "a" and two characters


def custom_object(custom: CustomObject, prefix: str, *, owned: bool) -> SObject:
    """The object without its own fields. Details of a master-detail relationship are not ``owned``."""
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
    owner = (_owner(),) if owned else ()
    return SObject(
        name=custom.name,
        label=custom.label,
        plural=custom.plural,
        prefix=prefix,
        calls="CUDNQRPLT" + ("S" if custom.searchable else ""),
        fields=(_id("Record ID"), *owner, _flag("IsDeleted", "Deleted"), name_field, *_audit()),
        custom=True,
    )


def history(tracked: SObject) -> SObject:
    """``X__History`` of a custom object (Object Reference, "Custom Objects: StandardObjectNameHistory")."""

    def plain(name: str, type_: str, label: str, length: int = 0, **more: Any) -> Field:
        return Field(name, type_, label, length, sortable=True, **more)

    parent = replace(
        _user("ParentId", f"{tracked.label} ID", "Parent"),
        reference_to=(tracked.name,),
        child_name="Histories",
        on_delete="cascade",
        defaulted=False,
    )
    by = replace(_user("CreatedById", "Created By ID", "CreatedBy"), reference_to=("User",))
    return SObject(
        name=f"{tracked.name.removesuffix('__c')}__History",
        label=f"{tracked.label} History",
        plural=f"{tracked.label} History",
        prefix="017",
        calls="QRP",
        own_prefix=False,
        associate=("History", tracked.name),
        fields=(
            _id("History ID"),
            _flag("IsDeleted", "Deleted"),
            parent,
            by,
            plain("CreatedDate", "datetime", "Created Date", nillable=False, defaulted=True),
            plain("Field", "picklist", "Changed Field", 255, nillable=False, restricted=True, groupable=True),
            plain("DataType", "picklist", "Datatype", 40, restricted=True, groupable=True),
            Field("OldValue", "anyType", "Old Value", 255, filterable=False),
            Field("NewValue", "anyType", "New Value", 255, filterable=False),
        ),
    )


def prefix(name: str, taken: set[str]) -> str:
    """A key prefix that depends on the name alone, so that adding an object moves no other's ids."""
    number = zlib.crc32(name.encode()) % _PREFIXES
    while (prefix := "a" + base62(number, 2)) in taken:
        number = (number + 1) % _PREFIXES
    return prefix


def _id(label: str) -> Field:
    return Field("Id", "id", label, 18, nillable=False, defaulted=True, id_lookup=True, groupable=True, sortable=True)


def _flag(name: str, label: str) -> Field:
    return Field(name, "boolean", label, nillable=False, defaulted=True, groupable=True, sortable=True, default=False)


def _owner() -> Field:
    return replace(
        _user("OwnerId", "Owner ID", "Owner"), createable=True, updateable=True, reference_to=("Group", "User")
    )


def record_type_id() -> Field:
    """What an object gains with its first record type."""
    return replace(
        _user("RecordTypeId", "Record Type ID", "RecordType"),
        nillable=True,
        defaulted=False,
        createable=True,
        updateable=True,
        reference_to=("RecordType",),
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
