"""The 57 keys describe shows of a field (wire reference 4), worked out from the field; what does not follow from its
other properties is kept with it as ``shown``.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.schema.model import COMPOUND_TYPES, NUMBER_TYPES, Field

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "long": "xsd:long",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType",
    "complexvalue": "urn:ChangeEventHeader",
}
_WITHOUT_BYTES = NUMBER_TYPES | COMPOUND_TYPES | {"boolean", "long", "date", "datetime", "time", "base64"}
_ONE_BYTE = frozenset({"id", "reference"})


def describe_field(one: Field) -> dict[str, Any]:
    """All keys in the order recorded (by name)."""
    found: dict[str, Any] = {
        "aggregatable": one.type not in ("boolean", "base64", *COMPOUND_TYPES) and not one.long_text,
        "aiPredictionField": False,
        "autoNumber": one.auto_number,
        "byteLength": _bytes(one),
        "calculated": one.formula is not None,
        "calculatedFormula": one.formula,
        "cascadeDelete": one.custom and one.on_delete == "cascade",
        "caseSensitive": one.case_sensitive,
        "compoundFieldName": one.compound,
        "controllerName": one.controller,
        "createable": one.createable,
        "custom": one.custom,
        "defaultValue": one.default if one.type == "boolean" or one.values else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": one.defaulted,
        "dependentPicklist": one.controller is not None,
        "deprecatedAndHidden": False,
        "digits": one.digits,
        "displayLocationInDecimal": False,
        "encrypted": one.type == "encryptedstring",
        "externalId": one.external_id,
        "extraTypeInfo": _extra(one),
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": one.blank_as_zero,
        "groupable": one.groupable,
        "highScaleNumber": False,
        "htmlFormatted": one.html,
        "idLookup": one.id_lookup,
        "inlineHelpText": one.inline_help,
        "label": one.label,
        "length": one.length,
        "mask": None,
        "maskType": None,
        "name": one.name,
        "nameField": one.name_field,
        "namePointing": one.polymorphic,
        "nillable": one.nillable,
        "permissionable": _permissionable(one),
        "picklistValues": picklist_values(one),
        "polymorphicForeignKey": one.polymorphic,
        "precision": one.precision,
        "queryByDistance": one.type in COMPOUND_TYPES,
        "referenceTargetField": None,
        "referenceTo": list(one.reference_to),
        "relationshipName": one.relationship_name,
        "relationshipOrder": 0 if one.custom and one.on_delete == "cascade" else None,
        "restrictedDelete": one.custom and one.on_delete == "restrict",
        "restrictedPicklist": one.restricted,
        "scale": one.scale,
        "searchPrefilterable": one.type == "reference" and (one.createable or one.updateable),
        "soapType": _SOAP.get(one.type, "xsd:string"),
        "sortable": one.sortable,
        "type": one.type,
        "unique": one.unique,
        "updateable": one.updateable,
        "writeRequiresMasterRead": False,
    }
    return {**found, **one.shown} if one.shown else found


def _bytes(one: Field) -> int:
    if one.type in _WITHOUT_BYTES:
        return 0
    return one.length if one.type in _ONE_BYTE else one.length * 3


def _extra(one: Field) -> str | None:
    if one.type == "textarea":
        return "richtextarea" if one.html else "plaintextarea"
    return "personname" if one.compound == "Name" else None


def _permissionable(one: Field) -> bool:
    """Field-level security can take it away: nothing that is required, names the record or is kept by the platform."""
    if one.name_field or not one.nillable:
        return False
    return bool(one.createable or one.updateable or one.custom or one.type in COMPOUND_TYPES)


def picklist_values(one: Field) -> list[dict[str, Any]]:
    """``picklistValues`` of a field, each with the controlling values it is valid for."""
    labels = one.value_labels or one.values
    valid_for = one.valid_for or (None,) * len(one.values)
    return [
        {"active": True, "defaultValue": value == one.default, "label": label, "validFor": bits, "value": value}
        for value, label, bits in zip(one.values, labels, valid_for, strict=True)
    ]
