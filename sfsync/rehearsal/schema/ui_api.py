"""What the User Interface API tells of an object: its info, and picklist values by record type.

Shapes: vendor, User Interface API Developer Guide, "Object Info", "Field", "Picklist Values".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.rehearsal.schema.describe import MASTER_ID, pages
from sfsync.rehearsal.schema.describe_field import describe_field
from sfsync.rehearsal.schema.layouts import offered
from sfsync.rehearsal.schema.model import Child, Field, RecordTypeDef, Schema, SObject

_TYPES = {
    "multipicklist": "MultiPicklist",
    "datetime": "DateTime",
    "textarea": "TextArea",
    "combobox": "ComboBox",
    "encryptedstring": "EncryptedString",
    "id": "Reference",
    "anyType": "AnyType",
}
_AS_DESCRIBED = (
    "calculated compoundFieldName controllerName createable custom defaultedOnCreate digits externalId extraTypeInfo"
    " filterable filteredLookupInfo highScaleNumber htmlFormatted inlineHelpText label length maskType nameField"
    " polymorphicForeignKey precision referenceTargetField relationshipName scale searchPrefilterable sortable unique"
    " updateable"
)
Rows = Iterable[Sequence[Any]]


def object_info(schema: Schema, obj: SObject, record_types: Rows) -> dict[str, Any]:
    """``record_types`` are rows (Id, Name, DeveloperName, IsActive)."""
    kind, parent = obj.associate or (None, None)
    found: dict[str, Any] = {
        "apiName": obj.name,
        "associateEntityType": kind,
        "associateParentEntity": parent,
        "childRelationships": [_child(one) for one in obj.children if one.field.child_name],
        "compactLayoutable": "compactLayouts" in pages(obj),
        "createable": "C" in obj.calls,
        "custom": obj.custom,
        "defaultRecordTypeId": MASTER_ID,
        "deletable": "D" in obj.calls,
        "dependentFields": _dependents(obj),
        "feedEnabled": "F" in obj.calls,
        "fields": {one.name: _field(schema, one) for one in obj.fields},
        "keyPrefix": obj.prefix if obj.own_prefix else None,
        "label": obj.label,
        "labelPlural": obj.plural,
        "layoutable": "L" in obj.calls,
        "mruEnabled": "V" in obj.calls,
        "nameFields": _name_fields(obj),
        "queryable": "Q" in obj.calls,
        "recordTypeInfos": {one["recordTypeId"]: one for one in _record_types(record_types)},
        "searchLayoutable": "layouts" in pages(obj) and "S" in obj.calls,
        "searchable": "S" in obj.calls,
        "themeInfo": None,
        "updateable": "U" in obj.calls,
    }
    return dict(sorted((found | {"eTag": _tag(found)}).items()))


def _tag(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _child(one: Child) -> dict[str, Any]:
    return {
        "childObjectApiName": one.object,
        "fieldName": one.field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": one.field.child_name,
    }


def _dependents(obj: SObject) -> dict[str, Any]:
    """Controlling field -> dependent field -> what depends on that, and so on."""

    def below(name: str | None) -> dict[str, Any]:
        return {one.name: below(one.name) for one in obj.fields if name is not None and one.controller == name}

    top = {one.controller for one in obj.fields if one.controller} - {one.name for one in obj.fields if one.controller}
    return {str(name): below(name) for name in sorted(filter(None, top))}


def _name_fields(obj: SObject) -> list[str]:
    """The name, and the parts it is put together from."""
    if obj.name_field is None:
        return []
    parts = {one.name for one in obj.fields if one.compound == "Name" and not one.person}
    return [obj.name_field.name, *(one for one in ("FirstName", "LastName") if one in parts)]


def _record_types(rows: Rows) -> list[dict[str, Any]]:
    master = (MASTER_ID, "Master", "Master", True)
    return [
        {
            "available": bool(row[3]),
            "defaultRecordTypeMapping": row is master,
            "master": row is master,
            "name": row[1],
            "recordTypeId": row[0],
        }
        for row in (*rows, master)
    ]


def _field(schema: Schema, one: Field) -> dict[str, Any]:
    described = describe_field(one)
    found: dict[str, Any] = {name: described[name] for name in _AS_DESCRIBED.split()}
    found |= {
        "apiName": one.name,
        "compound": bool(one.parts),
        "compoundComponentName": one.name if one.compound else None,
        "controllingFields": [one.controller] if one.controller else [],
        "dataType": _TYPES.get(one.type, one.type[:1].upper() + one.type[1:]),
        "defaultValue": one.default if one.type == "boolean" else None,
        "reference": one.type == "reference",
        "referenceToInfos": [_target(schema, name) for name in one.reference_to],
        "required": one.required,
    }
    return dict(sorted(found.items()))


def _target(schema: Schema, name: str) -> dict[str, Any]:
    found = schema.find(name)
    return {"apiName": name, "nameFields": _name_fields(found) if found else []}


# -- picklist values --------------------------------------------------------------------------------------


def picklist_values(obj: SObject, field: Field, record_type: RecordTypeDef | None, url: str) -> dict[str, Any]:
    """The values of one field under a record type (None: the Master)."""
    entries = [_entry(one) for one in offered(field, record_type)]
    default = next((one for one, raw in zip(entries, offered(field, record_type), strict=True) if _chosen(raw)), None)
    found = {
        "controllerValues": _controllers(obj, field),
        "defaultValue": default,
        "url": url,
        "values": entries,
    }
    return dict(sorted((found | {"eTag": _tag(found)}).items()))


def all_picklist_values(obj: SObject, record_type: RecordTypeDef | None, url: str) -> dict[str, Any]:
    """Every picklist of an object under a record type."""
    fields = [one for one in obj.fields if one.type in ("picklist", "multipicklist")]
    values = {one.name: picklist_values(obj, one, record_type, f"{url}/{one.name}") for one in fields}
    return {"eTag": _tag(values), "picklistFieldValues": values}


def _chosen(entry: dict[str, Any]) -> bool:
    return bool(entry["defaultValue"])


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "attributes": None,
        "label": entry["label"],
        "validFor": _places(entry["validFor"]),
        "value": entry["value"],
    }


def _places(bits: str | None) -> list[int]:
    """The set bits of a ``validFor`` bitmap, first bit 0."""
    data = base64.b64decode(bits) if bits else b""
    return [at for at in range(len(data) * 8) if data[at // 8] >> (7 - at % 8) & 1]


def _controllers(obj: SObject, field: Field) -> dict[str, int]:
    controller = obj.find(field.controller) if field.controller else None
    if controller is None:
        return {}
    values = ("false", "true") if controller.type == "boolean" else controller.values
    return {value: at for at, value in enumerate(values)}
