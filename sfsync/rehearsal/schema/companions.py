"""Objects that follow from others: field histories, shares, change events (wire references 4, 14).

Histories and shares have rows. Change events are for describe alone; they use the very fields of their object, and
describe shows them as an event's (``EVENT``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sfsync.rehearsal.schema.model import Field, SObject

HISTORIES: tuple[str, ...] = (
    "Account",
    "Asset",
    "Campaign",
    "Case",
    "Contact",
    "Contract",
    "Entitlement",
    "Lead",
    "Opportunity",
)
HISTORIES += ("Order", "Product2", "ServiceContract", "WorkOrder")
# Object -> key prefix of its shares, calls; who sees whom is decided by an access level of the object's own.
_SHARES: Mapping[str, tuple[str, str]] = {
    "Account": ("00r", "CUDQR"),
    "Campaign": ("08s", "CUDQR"),
    "Case": ("01n", "CUDQR"),
    "Contact": ("03s", "QR"),
    "Lead": ("01o", "CUDQR"),
    "Opportunity": ("00t", "CUDQR"),
}
_EVENTS = frozenset(
    {
        "Account",
        "AccountContactRole",
        "Asset",
        "Campaign",
        "CampaignMember",
        "Case",
        "Contact",
        "Contract",
        "ContractLineItem",
        "EmailMessage",
        "Entitlement",
        "Event",
        "Lead",
        "Opportunity",
        "OpportunityContactRole",
        "Order",
        "OrderItem",
        "PricebookEntry",
        "Product2",
        "ServiceContract",
        "Task",
        "User",
        "WorkOrder",
    }
)
_NOT_IN_EVENTS = frozenset(
    {"Id", "IsDeleted", "SystemModstamp", "LastActivityDate", "LastViewedDate", "LastReferencedDate", "PhotoUrl"}
)
# What describe says of every field of a change event.
EVENT: dict[str, Any] = {
    "aggregatable": False,
    "createable": False,
    "defaultedOnCreate": False,
    "externalId": False,
    "filterable": False,
    "groupable": False,
    "idLookup": False,
    "nameField": False,
    "nillable": True,
    "permissionable": False,
    "queryByDistance": False,
    "relationshipName": None,
    "searchPrefilterable": False,
    "sortable": False,
    "unique": False,
    "updateable": False,
}
_EVENT_HEAD = (
    Field("Id", "id", "Change Event ID", 18),
    Field("ReplayId", "string", "Replay ID", 1000),
    Field("ChangeEventHeader", "complexvalue", "Change Event Header"),
)
_ID = Field("Id", "id", "Record ID", 18, nillable=False, defaulted=True, id_lookup=True, groupable=True, sortable=True)
_ACCESS = ("Read", "Edit", "All")


def add(objects: dict[str, SObject]) -> None:
    """Gives the objects their companions, where they have none yet."""
    for one in [*histories(objects), *shares(objects), *change_events(objects)]:
        objects.setdefault(one.name, one)


def histories(objects: Mapping[str, SObject]) -> Iterator[SObject]:
    """``CaseHistory`` and its like, of the standard objects that have one."""
    for name in HISTORIES:
        title = "OpportunityFieldHistory" if name == "Opportunity" else f"{name}History"
        label = f"{objects[name].label} {'Field ' if name == 'Opportunity' else ''}History"
        own = (_flag("IsDeleted", "Deleted"), _parent(objects[name], "Histories"), *_change())
        yield _companion(objects[name], "History", title, label, "017", "QRP", own)


def shares(objects: Mapping[str, SObject]) -> Iterator[SObject]:
    """``CaseShare`` and its like: who else may see a record."""
    for name, (prefix, calls) in _SHARES.items():
        of = objects[name]
        levels = ("Account", "Opportunity", "Case", "Contact") if name == "Account" else (name,)
        own = (_parent(of, "Shares"), _whom(), *(_level(one) for one in levels), *_share_end())
        found = _companion(of, "Share", f"{name}Share", f"{of.label} Share", prefix, calls, own)
        yield replace(found, own_prefix=True)


def change_events(objects: Mapping[str, SObject]) -> Iterator[SObject]:
    for of in [one for one in objects.values() if one.name in _EVENTS or (one.custom and one.stored)]:
        title = f"{of.name.removesuffix('__c')}__ChangeEvent" if of.custom else f"{of.name}ChangeEvent"
        computed = {one.name for one in of.fields if one.mirror is not None or one.formula is not None}
        kept = (one for one in of.fields if one.name not in _NOT_IN_EVENTS | computed)
        own = (*_EVENT_HEAD[1:], *kept)
        label = f"{of.label} Change Event"
        found = _companion(of, "ChangeEvent", title, label, "", "RT", own)
        yield replace(found, stored=False, fields=(_EVENT_HEAD[0], *own))


def _companion(
    of: SObject, kind: str, name: str, label: str, prefix: str, calls: str, own: tuple[Field, ...]
) -> SObject:
    return SObject(
        name=name,
        label=label,
        plural=label,
        prefix=prefix,
        calls=calls,
        fields=(_ID, *own),
        own_prefix=False,
        associate=(kind, of.name),
    )


def _flag(name: str, label: str) -> Field:
    return Field(name, "boolean", label, nillable=False, defaulted=True, groupable=True, sortable=True, default=False)


def _lookup(name: str, label: str, *to: str, **more: Any) -> Field:
    relation = name.removesuffix("Id")
    shape: dict[str, Any] = {"nillable": False, "groupable": True, "sortable": True, "relationship_name": relation}
    return Field(name, "reference", label, 18, reference_to=to, **{**shape, **more})


def _parent(of: SObject, children: str) -> Field:
    label = f"{of.label} ID"
    writable = children == "Shares"
    return _lookup(f"{of.name}Id", label, of.name, child_name=children, on_delete="cascade", createable=writable)


def _change() -> tuple[Field, ...]:
    def picklist(name: str, label: str, length: int, **more: Any) -> Field:
        return Field(name, "picklist", label, length, restricted=True, groupable=True, sortable=True, **more)

    return (
        _lookup("CreatedById", "Created By ID", "User", defaulted=True),
        Field("CreatedDate", "datetime", "Created Date", nillable=False, defaulted=True, sortable=True),
        picklist("Field", "Changed Field", 255, nillable=False),
        picklist("DataType", "Datatype", 40),
        Field("OldValue", "anyType", "Old Value", 255, filterable=False),
        Field("NewValue", "anyType", "New Value", 255, filterable=False),
    )


def _whom() -> Field:
    return _lookup("UserOrGroupId", "User/Group ID", "Group", "User", createable=True)


def _level(name: str) -> Field:
    values = ("None", *_ACCESS) if name != "Account" else _ACCESS
    return Field(
        f"{name}AccessLevel",
        "picklist",
        f"{name} Access",
        40,
        nillable=False,
        createable=True,
        updateable=True,
        defaulted=name != "Account",
        groupable=True,
        sortable=True,
        restricted=True,
        values=values,
        value_labels=values,
    )


def _share_end() -> tuple[Field, ...]:
    causes = ("Owner", "Manual", "Rule", "ImplicitChild", "ImplicitParent", "Team")
    cause = Field("RowCause", "picklist", "Row Cause", 40, createable=True, restricted=True, groupable=True)
    return (
        replace(cause, sortable=True, values=causes, value_labels=causes, default="Manual"),
        Field("LastModifiedDate", "datetime", "Last Modified Date", nillable=False, defaulted=True, sortable=True),
        _lookup("LastModifiedById", "Last Modified By ID", "User", defaulted=True),
        _flag("IsDeleted", "Deleted"),
    )
