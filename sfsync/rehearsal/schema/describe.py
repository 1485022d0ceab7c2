"""Describe answers in REST's shape: every key Salesforce shows (wire reference section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.rehearsal.schema.model import Child, Field, Schema, SObject

VERSION = "60.0"
_MASTER_ID = "012000000000000AAA"
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
}
_CALLS = {
    "createable": "C",
    "updateable": "U",
    "deletable": "D",
    "undeletable": "N",
    "queryable": "Q",
    "retrieveable": "R",
    "replicateable": "P",
    "searchable": "S",
}


def all_objects(schema: Schema, version: str = VERSION) -> dict[str, Any]:
    """The describe-global answer."""
    entries = [summary(schema.objects[name], version) for name in sorted(schema.objects)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def summary(obj: SObject, version: str = VERSION) -> dict[str, Any]:
    """An object's entry in describe-global."""
    business = obj.custom or obj.name in ("Account", "Contact", "Case", "Asset", "Task")
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": "C" in obj.calls,
        "custom": obj.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": "D" in obj.calls,
        "deprecatedAndHidden": False,
        "feedEnabled": obj.name in ("Account", "Contact", "Case", "Asset", "Task", "User"),
        "hasSubtypes": obj.name in ("Account", "Contact"),
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": obj.prefix,
        "label": obj.label,
        "labelPlural": obj.plural,
        "layoutable": business,
        "mergeable": obj.name in ("Account", "Contact", "Case"),
        "mruEnabled": business,
        "name": obj.name,
        "queryable": "Q" in obj.calls,
        "replicateable": "P" in obj.calls,
        "retrieveable": "R" in obj.calls,
        "searchable": "S" in obj.calls,
        "triggerable": business,
        "undeletable": "N" in obj.calls,
        "updateable": "U" in obj.calls,
        "urls": _urls(obj, version, short=True),
    }


def _urls(obj: SObject, version: str, *, short: bool) -> dict[str, str]:
    base = f"/services/data/v{version}/sobjects/{obj.name}"
    urls = {
        "compactLayouts": f"{base}/describe/compactLayouts",
        "rowTemplate": base + "/{ID}",
        "approvalLayouts": f"{base}/describe/approvalLayouts",
        "listviews": f"{base}/listviews",
        "describe": f"{base}/describe",
        "quickActions": f"{base}/quickActions",
        "layouts": f"{base}/describe/layouts",
        "sobject": base,
    }
    if short:
        return urls
    more = {"uiDetailTemplate": "/{ID}", "uiEditTemplate": "/{ID}/e", "uiNewRecord": f"/{obj.prefix}/e"}
    return urls | {"defaultValues": f"{base}/defaultValues?recordTypeId&fields"} | more


def one_object(obj: SObject, record_types: Iterable[Sequence[Any]], version: str = VERSION) -> dict[str, Any]:
    """The describe answer of one object; ``record_types`` are rows (Id, Name, DeveloperName, IsActive)."""
    head = summary(obj, version) | {
        "actionOverrides": [],
        "childRelationships": [_child(one) for one in obj.children],
        "compactLayoutable": obj.custom or "S" in obj.calls,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field(one, obj) for one in obj.fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(obj, list(record_types), version),
        "searchLayoutable": "S" in obj.calls,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {obj.plural.lower()}", "name": "everything"}],
        "urls": _urls(obj, version, short=False),
    }
    return dict(sorted(head.items()))


def _child(one: Child) -> dict[str, Any]:
    return {
        "cascadeDelete": one.field.on_delete == "cascade",
        "childSObject": one.object,
        "deprecatedAndHidden": False,
        "field": one.field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": one.field.child_name,
        "restrictedDelete": one.field.on_delete == "restrict",
    }


def _record_types(obj: SObject, rows: list[Sequence[Any]], version: str) -> list[dict[str, Any]]:
    master = (_MASTER_ID, "Master", "Master", True)
    return [_record_type(obj, row, version, master=row is master) for row in (*rows, master)]


def _record_type(obj: SObject, row: Sequence[Any], version: str, *, master: bool) -> dict[str, Any]:
    record_id, name, developer_name, active = row
    return {
        "active": bool(active),
        "available": bool(active),
        "defaultRecordTypeMapping": master,
        "developerName": developer_name,
        "master": master,
        "name": name,
        "recordTypeId": record_id,
        "urls": {"layout": f"/services/data/v{version}/sobjects/{obj.name}/describe/layouts/{record_id}"},
    }


def field(one: Field, obj: SObject) -> dict[str, Any]:
    """The 57 keys of a field."""
    text = one.type not in ("boolean", "int", "double", "currency", "percent", "date", "datetime", "time")
    return {
        "aggregatable": not one.long_text and one.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": one.auto_number,
        "byteLength": one.length if one.type in ("id", "reference") else one.length * 3 if text else 0,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": one.on_delete == "cascade",
        "caseSensitive": one.case_sensitive,
        "compoundFieldName": one.compound,
        "controllerName": None,
        "createable": one.createable,
        "custom": one.custom,
        "defaultValue": one.default if one.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": one.defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": one.digits,
        "displayLocationInDecimal": False,
        "encrypted": one.type == "encryptedstring",
        "externalId": one.external_id,
        "extraTypeInfo": _extra(one, obj),
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
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
        "permissionable": one.custom and one.nillable,
        "picklistValues": _values(one),
        "polymorphicForeignKey": one.polymorphic,
        "precision": one.precision,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(one.reference_to),
        "relationshipName": one.relationship_name,
        "relationshipOrder": 0 if one.custom and one.on_delete == "cascade" else None,
        "restrictedDelete": one.on_delete == "restrict",
        "restrictedPicklist": one.restricted,
        "scale": one.scale,
        "searchPrefilterable": one.type == "reference" and one.createable,
        "soapType": _SOAP.get(one.type, "xsd:string"),
        "sortable": one.sortable,
        "type": one.type,
        "unique": one.unique,
        "updateable": one.updateable,
        "writeRequiresMasterRead": False,
    }


def _extra(one: Field, obj: SObject) -> str | None:
    if one.type == "textarea":
        return "richtextarea" if one.html else "plaintextarea"
    if one.name == "Name" and obj.name in ("Account", "Contact", "User"):
        return {"Account": "switchablepersonname", "Contact": "personname", "User": "personname"}[obj.name]
    return None


def _values(one: Field) -> list[dict[str, Any]]:
    labels = one.value_labels or one.values
    return [
        {"active": True, "defaultValue": value == one.default, "label": label, "validFor": None, "value": value}
        for value, label in zip(one.values, labels, strict=True)
    ]
