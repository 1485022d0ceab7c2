"""What of a package the org would refuse, component by component, in the vendor's words where they are known.

``unknown reference`` texts read ``In field: field - no CustomField named Account.X__c found``, as deploys of real orgs
report them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from sfsync.rehearsal.metadata.component import Component, Key
from sfsync.rehearsal.schema import source as metadata
from sfsync.rehearsal.schema import standard
from sfsync.rehearsal.schema.build import VALUE_SETS, person_name
from sfsync.rehearsal.schema.model import Field
from sfsync.rehearsal.schema.source import Refused, Source
from sfsync.rehearsal.xml import flag, text

_MOST_MASTERS = 2
Known = Mapping[str, Mapping[str, Field]]


def refusals(components: Mapping[Key, Component], deployed: set[Key]) -> Refused:
    """Components that cannot be, with the reason. References are looked at for the deployed ones only."""
    refused: Refused = []
    source = metadata.read(components.values(), refused)
    known = _known(source)
    for key in sorted(deployed & components.keys()):
        one = components[key]
        check = _CHECKS.get(one.kind)
        refused += [(one, problem) for problem in (check(one, known) if check else ())]
    refused += _orphans(components, known)
    refused += _twins(components, deployed)
    refused += _crowded(components, deployed)
    return refused


def _known(source: Source) -> Known:
    """Objects and their fields as they would be."""
    objects, _ = standard.load()
    found = {one.name: {field.name: field for field in one.fields} for one in objects}
    found |= {name: {"RecordTypeId": Field("RecordTypeId", "reference", "")} for name in source.objects}
    for name, fields in source.fields.items():
        found.setdefault(name, {}).update({one.name: one for one in fields})
    person = {person_name(one.name): one for one in source.fields.get("Contact", ())}
    found["Account"].update(person)
    for name in source.fields.keys() - source.objects.keys() - {one.name for one in objects}:
        del found[name]  # fields of an object that is not there
    return found


def _orphans(components: Mapping[Key, Component], known: Known) -> Iterator[tuple[Component, str]]:
    """Look-ups whose object is about to go."""
    for one in components.values():
        target = text(one.root, "referenceTo") if one.kind == "CustomField" else ""
        if target and target not in known:
            yield one, f"In field: referenceTo - no CustomObject named {target} found"


def _twins(components: Mapping[Key, Component], deployed: set[Key]) -> Iterator[tuple[Component, str]]:
    """Custom objects and fields whose name is there already but for capitals, which do not count."""
    named: dict[Key, list[Key]] = {}
    for kind, name in sorted(components, key=lambda key: (key in deployed, key)):
        if kind in ("CustomObject", "CustomField"):
            named.setdefault((kind, name.lower()), []).append((kind, name))
    for (_, first), *others in named.values():
        for one in (components[key] for key in others if key in deployed):
            what = "a field" if one.kind == "CustomField" else "an object"
            yield one, f"There is already {what} named {first.rpartition('.')[2]}"


def _crowded(components: Mapping[Key, Component], deployed: set[Key]) -> Iterator[tuple[Component, str]]:
    """Relationships whose name their parent gives to another's children, and details of more than two masters."""
    children: dict[tuple[str, str], Component] = {}
    masters: dict[str, int] = {}
    for key in sorted(components, key=lambda key: (key in deployed, key)):
        one = components[key]
        target, name = text(one.root, "referenceTo"), text(one.root, "relationshipName")
        if one.kind != "CustomField" or not target:
            continue
        first = children.setdefault((target, name.lower()), one)
        if name and first is not one and key in deployed:
            yield one, f"There is already a Child Relationship named {name} on {target}."
        masters[one.object] = masters.get(one.object, 0) + (text(one.root, "type") == "MasterDetail")
        if masters[one.object] > _MOST_MASTERS and text(one.root, "type") == "MasterDetail" and key in deployed:
            yield one, f"{one.object} would have more than {_MOST_MASTERS} master-detail relationships"


def _object(name: str) -> str:
    return "Account" if name == "PersonAccount" else name


# -- by type ----------------------------------------------------------------------------------------------


def _field(one: Component, known: Known) -> Iterator[str]:
    if one.object not in known:
        yield f"In field: fullName - no CustomObject named {one.object} found"
    elif not one.short.endswith("__c") and one.short not in known[one.object]:
        yield f"no CustomField named {one.name} found"
    if text(one.root, "type") == "MasterDetail" and text(one.root, "referenceTo") == one.object:
        yield "An object cannot be its own master"
    controlling = text(one.root, "valueSet/controllingField")
    if controlling and controlling not in known.get(one.object, {}):
        yield f"In field: controllingField - no CustomField named {one.object}.{controlling} found"


def _record_type(one: Component, known: Known) -> Iterator[str]:
    fields = known.get(_object(one.object))
    if fields is None:
        yield f"In field: fullName - no CustomObject named {one.object} found"
        return
    for each in one.root.findall("picklistValues"):
        name = text(each, "picklist")
        if name not in fields and name not in _VALUE_SET_FIELDS:
            yield f"In field: picklist - no CustomField named {one.object}.{name} found"


_VALUE_SET_FIELDS = frozenset(name for _, name in VALUE_SETS.values())


def _permission_set(one: Component, known: Known) -> Iterator[str]:
    for each in one.root.findall("objectPermissions"):
        if text(each, "object") not in known:
            yield f"In field: object - no CustomObject named {text(each, 'object')} found"
    for each in one.root.findall("fieldPermissions"):
        name = text(each, "field")
        on, _, short = name.partition(".")
        found = known.get(on, {}).get(short)
        if found is None:
            yield f"In field: field - no CustomField named {name} found"
        elif found.custom and not found.nillable and found.type != "boolean":
            yield f"You cannot deploy to a required field: {name}"
    for each in one.root.findall("userPermissions"):
        if f"Permissions{text(each, 'name')}" not in known["PermissionSet"]:
            yield f"Unknown user permission: {text(each, 'name')}"
    for each in one.root.findall("recordTypeVisibilities"):
        if not flag(each, "visible") and flag(each, "default"):
            yield f"Record type {text(each, 'recordType')} is not visible, so it cannot be the default"


def _queue(one: Component, known: Known) -> Iterator[str]:
    if not text(one.root, "name"):
        yield "Required field is missing: name"
    for each in one.root.findall("queueSobject"):
        if text(each, "sobjectType") not in known:
            yield f"In field: sobjectType - no CustomObject named {text(each, 'sobjectType')} found"


def _standard_values(one: Component, known: Known) -> Iterator[str]:
    if one.name not in VALUE_SETS:
        yield f"In field: fullName - no StandardValueSet named {one.name} found"


def _child(one: Component, known: Known) -> Iterator[str]:
    if _object(one.object) not in known:
        yield f"In field: fullName - no CustomObject named {one.object} found"


def _custom_object(one: Component, known: Known) -> Iterator[str]:
    if one.name not in known and one.name != "PersonAccount" and not one.name.endswith("__c"):
        yield f"In field: fullName - no CustomObject named {one.name} found"


_CHECKS: Mapping[str, Callable[[Component, Known], Iterator[str]]] = MappingProxyType(
    {
        "CustomObject": _custom_object,
        "CustomField": _field,
        "RecordType": _record_type,
        "PermissionSet": _permission_set,
        "Queue": _queue,
        "StandardValueSet": _standard_values,
        "ValidationRule": _child,
        "BusinessProcess": _child,
        "ListView": _child,
        "CompactLayout": _child,
        "WebLink": _child,
        "FieldSet": _child,
    }
)
