"""Reads metadata components: the custom half of the org's schema.

Components come from a force-app folder or from a deploy, in source or metadata format; here there is no difference.
What the org cannot do is refused with a clear sentence, because a field that behaves otherwise is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from sfsync.rehearsal.metadata.component import Component, SourceError
from sfsync.rehearsal.metadata.kinds import BY_NAME
from sfsync.rehearsal.schema import automation_source, field_source, naming
from sfsync.rehearsal.schema.automation_model import AutomationSource
from sfsync.rehearsal.schema.field_source import Entry
from sfsync.rehearsal.schema.model import Field, PermissionSetDef, QueueDef, RecordTypeDef
from sfsync.rehearsal.xml import flag, text

__all__ = ["CustomObject", "Entry", "Source", "SourceError", "read"]

_ENDINGS = ("__mdt", "__e", "__b", "__x", "__kav", "__xo")
_OBJECT_RIGHTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
ADMIN = "Admin"  # the metadata name of the System Administrator profile


@dataclass(frozen=True, slots=True)
class CustomObject:
    """``name_format`` is None where names are text. ``tracks`` says whether field history is kept."""

    name: str
    label: str
    plural: str
    name_label: str
    name_format: str | None
    description: str | None = None
    tracks: bool = False
    searchable: bool = True


@dataclass
class Source:
    """Everything that components say about the schema.

    ``standard``: fields of standard objects of which metadata changes something, with their component.
    ``offered``: (object, field) -> value -> values of the controlling field. ``histories``: enableHistory of
    standard objects.
    """

    objects: dict[str, CustomObject] = field(default_factory=dict)
    fields: dict[str, list[Field]] = field(default_factory=dict)
    record_types: list[RecordTypeDef] = field(default_factory=list)
    queues: list[QueueDef] = field(default_factory=list)
    permission_sets: list[PermissionSetDef] = field(default_factory=list)
    value_sets: dict[str, list[Entry]] = field(default_factory=dict)
    shared: dict[str, list[Entry]] = field(default_factory=dict)
    standard: dict[tuple[str, str], Component] = field(default_factory=dict)
    offered: dict[tuple[str, str], Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    histories: dict[str, bool] = field(default_factory=dict)
    automation: list[AutomationSource] = field(default_factory=list)


Refused = list[tuple[Component, str]]


def read(components: Iterable[Component], refused: Refused | None = None) -> Source:
    """What the components say. The first that says something impossible raises SourceError, or, where ``refused``
    is given, goes there with the reason and the others are read.
    """
    source = Source()
    for one in sorted(components, key=lambda one: one.kind != "GlobalValueSet"):  # fields name their values
        try:
            _READERS.get(one.kind, _other)(source, one)
        except SourceError as wrong:
            if refused is None:
                raise
            refused.append((one, wrong.problem))
    return source


# -- objects ----------------------------------------------------------------------------------------------


def _object(source: Source, one: Component) -> None:
    if not one.name.endswith("__c"):
        _standard_object(source, one)
        return
    misnamed = naming.problem("Object Name field", one.name)
    if misnamed:
        raise one.refuse(misnamed)
    if one.root.find("customSettingsType") is not None:
        raise one.refuse("the rehearsal org has no custom settings")
    for name in ("label", "pluralLabel"):
        if not text(one.root, name):
            raise one.refuse(f"Must specify a non-empty {name} for the CustomObject")
    auto = text(one.root, "nameField/type") == "AutoNumber"
    source.objects[one.name] = CustomObject(
        name=one.name,
        label=text(one.root, "label"),
        plural=text(one.root, "pluralLabel"),
        name_label=text(one.root, "nameField/label", "Name"),
        name_format=text(one.root, "nameField/displayFormat", "{0}") if auto else None,
        description=text(one.root, "description") or None,
        tracks=flag(one.root, "enableHistory"),
        searchable=flag(one.root, "enableSearch", True),
    )


def _standard_object(source: Source, one: Component) -> None:
    if one.name.endswith(_ENDINGS):
        raise one.refuse(f"the rehearsal org has no objects of the kind of {one.name}")
    if one.root.find("enableHistory") is not None:
        source.histories[one.name] = flag(one.root, "enableHistory")


def _field(source: Source, one: Component) -> None:
    if not one.short.endswith("__c"):
        source.standard[(one.object, one.short)] = one
        return
    found = field_source.read(one, source.shared)
    source.fields.setdefault(one.object, []).extend(found.fields)
    if found.offered:
        source.offered[(one.object, one.short)] = found.offered


def _record_type(source: Source, one: Component) -> None:
    label = text(one.root, "label")
    if not label:
        raise one.refuse("Required field is missing: label")
    source.record_types.append(
        RecordTypeDef(
            object=one.object,
            developer_name=one.short,
            label=label,
            description=text(one.root, "description") or None,
            active=flag(one.root, "active", True),
            picklists={text(each, "picklist"): _offered(each) for each in one.root.findall("picklistValues")},
        )
    )


def _offered(element: Element) -> tuple[tuple[str, ...], str | None]:
    """The values of a picklist that a record type offers; their names are percent-encoded."""
    values = [(unquote(text(one, "fullName")), flag(one, "default")) for one in element.findall("values")]
    return tuple(value for value, _ in values), next((value for value, default in values if default), None)


# -- value sets, queues, permissions ----------------------------------------------------------------------


def _global_values(source: Source, one: Component) -> None:
    source.shared[one.name] = field_source.entries(one.root, "customValue")


def _standard_values(source: Source, one: Component) -> None:
    source.value_sets[one.name] = field_source.entries(one.root, "standardValue")


def _queue(source: Source, one: Component) -> None:
    source.queues.append(
        QueueDef(
            developer_name=one.name,
            label=text(one.root, "name", one.name),
            objects=tuple(text(each, "sobjectType") for each in one.root.findall("queueSobject")),
            email=text(one.root, "email") or None,
        )
    )


def _permission_set(source: Source, one: Component) -> None:
    if not text(one.root, "label"):
        raise one.refuse("Required field is missing: label")
    granted = (each for each in one.root.findall("userPermissions") if flag(each, "enabled"))
    source.permission_sets.append(
        PermissionSetDef(
            name=one.name,
            label=text(one.root, "label"),
            description=text(one.root, "description") or None,
            permissions=tuple(f"Permissions{text(each, 'name')}" for each in granted),
            fields=tuple(
                (text(each, "field"), flag(each, "readable"), flag(each, "editable"))
                for each in one.root.findall("fieldPermissions")
            ),
            custom_permissions=tuple(
                text(each, "name") for each in one.root.findall("customPermissions") if flag(each, "enabled")
            ),
            objects=tuple(
                (text(each, "object"), frozenset(right for right in _OBJECT_RIGHTS if flag(each, _allow(right))))
                for each in one.root.findall("objectPermissions")
            ),
        )
    )


def _allow(right: str) -> str:
    """Metadata's word for a right: Read is allowRead, ViewAllRecords is viewAllRecords."""
    return right[0].lower() + right[1:] if right.endswith("Records") else f"allow{right}"


def _profile(source: Source, one: Component) -> None:
    """The administrator's profile may do everything already; other profiles' rights are not kept apart."""
    if one.name != ADMIN:
        raise one.refuse("the rehearsal org deploys no profile but Admin; grant rights with a permission set")


def _other(source: Source, one: Component) -> None:
    """Rules go to their own reader; layouts and the like change nothing here; the rest is refused by name."""
    automation = automation_source.read(one)
    if automation is not None:
        source.automation.append(automation)
    elif BY_NAME[one.kind].effect:
        raise one.refuse(f"Not available for deploy for this organization: the rehearsal org has no {one.kind}")


_READERS: Mapping[str, Callable[[Source, Component], None]] = MappingProxyType(
    {
        "CustomObject": _object,
        "CustomField": _field,
        "RecordType": _record_type,
        "GlobalValueSet": _global_values,
        "StandardValueSet": _standard_values,
        "Queue": _queue,
        "PermissionSet": _permission_set,
        "Profile": _profile,
    }
)
