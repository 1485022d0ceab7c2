"""Reads Salesforce's own source format: the custom half of the org's schema.

Understands objects (custom ones, fields, record types), queues, permission sets, standard and global value sets.
A formula field is refused with a clear error, because the org does not calculate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sfsync.rehearsal.schema.model import Field, PermissionSetDef, QueueDef, RecordTypeDef

_NAMESPACE = re.compile(r"\{[^}]*\}")
_PERSON_COMMENT = re.compile(r"<!--[^>]*person[\s_-]*(?:type|account)", re.IGNORECASE)

# metadata type -> describe type
_TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Html": "textarea",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Time": "time",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "AutoNumber": "string",
    "EncryptedText": "encryptedstring",
}
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Picklist": 255, "Lookup": 18, "MasterDetail": 18}
_ON_DELETE = {"Cascade": "cascade", "Restrict": "restrict", "SetNull": ""}


class SourceError(ValueError):
    """A metadata file says something this org cannot do; the text names the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a picklist's value set."""

    value: str
    label: str
    default: bool
    closed: bool


@dataclass(frozen=True, slots=True)
class CustomObject:
    name: str
    label: str
    plural: str
    name_label: str
    name_format: str | None


@dataclass(frozen=True)
class Source:
    """Everything found below a force-app folder."""

    objects: dict[str, CustomObject]
    fields: dict[str, list[Field]]
    record_types: list[RecordTypeDef]
    queues: list[QueueDef]
    permission_sets: list[PermissionSetDef]
    value_sets: dict[str, list[Entry]]


def read(folder: Path) -> Source:
    """Reads ``folder`` (force-app or anything above or below it). Raises SourceError, FileNotFoundError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give the force-app folder of the project")
    shared = {_stem(path): _entries(_root(path), "customValue") for path in _found(folder, "globalValueSet")}
    fields: dict[str, list[Field]] = {}
    for path in _found(folder, "field"):
        fields.setdefault(path.parent.parent.name, []).append(_field(path, shared))
    customs = [_custom_object(path) for path in _found(folder, "object") if _stem(path).endswith("__c")]
    return Source(
        objects={one.name: one for one in customs},
        fields=fields,
        record_types=[_record_type(path) for path in _found(folder, "recordType")],
        queues=[_queue(path) for path in _found(folder, "queue")],
        permission_sets=[_permission_set(path) for path in _found(folder, "permissionset")],
        value_sets={_stem(path): _entries(_root(path), "standardValue") for path in _found(folder, "standardValueSet")},
    )


def _found(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{kind}-meta.xml"))


def _stem(path: Path) -> str:
    return path.name.split(".", 1)[0]


def _root(path: Path) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - our own project's files
    except ElementTree.ParseError as wrong:
        raise SourceError(f"{path} is not well-formed XML ({wrong}); mend the file") from wrong
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    return root


def _text(element: ElementTree.Element, path: str, default: str = "") -> str:
    found = element.findtext(path)
    return default if found is None else found.strip()


def _flag(element: ElementTree.Element, path: str) -> bool:
    return _text(element, path).lower() == "true"


def _number(element: ElementTree.Element, path: str, default: int = 0) -> int:
    return int(_text(element, path) or default)


def _field(path: Path, shared: dict[str, list[Entry]]) -> Field:
    root = _root(path)
    kind = _text(root, "type")
    if root.find("formula") is not None or kind not in _TYPES:
        raise SourceError(f"{path}: the rehearsal org has no fields of type {kind or 'unknown'} or with a formula")
    entries = _picklist(root, shared)
    return Field(
        name=_text(root, "fullName") or _stem(path),
        type=_TYPES[kind],
        label=_text(root, "label"),
        length=_length(root, kind),
        precision=_number(root, "precision"),
        scale=_number(root, "scale"),
        values=tuple(one.value for one in entries),
        value_labels=tuple(one.label for one in entries),
        default=_default(root, kind, entries),
        custom=True,
        inline_help=_text(root, "inlineHelpText") or None,
        html=kind == "Html",
        display_format=_text(root, "displayFormat") or None,
        **_flags(root, kind),
        **_reference(root, kind),
    )


def _flags(root: ElementTree.Element, kind: str) -> dict[str, Any]:
    flat = kind not in ("LongTextArea", "Html", "MultiselectPicklist", "EncryptedText")
    long = kind in ("LongTextArea", "Html", "EncryptedText")
    auto = kind == "AutoNumber"
    external = _flag(root, "externalId")
    return {
        "nillable": not (_flag(root, "required") or kind in ("Checkbox", "MasterDetail") or auto),
        "createable": not auto,
        "updateable": not auto and (kind != "MasterDetail" or _flag(root, "reparentableMasterDetail")),
        "defaulted": kind == "Checkbox" or auto,
        "unique": _flag(root, "unique"),
        "case_sensitive": _flag(root, "caseSensitive"),
        "external_id": external,
        "id_lookup": external,
        "filterable": not long,
        "groupable": flat and kind not in ("Number", "Currency", "Percent", "DateTime", "Time"),
        "sortable": flat,
        "auto_number": auto,
        "restricted": _flag(root, "valueSet/restricted"),
    }


def _reference(root: ElementTree.Element, kind: str) -> dict[str, Any]:
    if kind not in ("Lookup", "MasterDetail"):
        return {}
    name = _text(root, "fullName")
    child = _text(root, "relationshipName")
    rule = "Cascade" if kind == "MasterDetail" else _text(root, "deleteConstraint", "SetNull")
    return {
        "reference_to": (_text(root, "referenceTo"),),
        "relationship_name": name.removesuffix("__c") + "__r",
        "child_name": f"{child}__r" if child else None,
        "on_delete": _ON_DELETE.get(rule, ""),
    }


def _length(root: ElementTree.Element, kind: str) -> int:
    if kind == "AutoNumber":
        return 30
    if kind == "MultiselectPicklist":
        return 4099
    return _number(root, "length", _LENGTHS.get(kind, 0))


def _default(root: ElementTree.Element, kind: str, entries: list[Entry]) -> Any:
    if kind == "Checkbox":
        return _flag(root, "defaultValue")
    return next((one.value for one in entries if one.default), None)


def _picklist(root: ElementTree.Element, shared: dict[str, list[Entry]]) -> list[Entry]:
    inline = root.find("valueSet/valueSetDefinition")
    if inline is not None:
        return _entries(inline, "value")
    return shared.get(_text(root, "valueSet/valueSetName"), [])


def _entries(parent: ElementTree.Element, tag: str) -> list[Entry]:
    return list(_each_entry(parent, tag))


def _each_entry(parent: ElementTree.Element, tag: str) -> Iterator[Entry]:
    for one in parent.findall(tag):
        if _text(one, "isActive", "true").lower() == "true":
            value = _text(one, "fullName")
            yield Entry(value, _text(one, "label") or value, _flag(one, "default"), _flag(one, "closed"))


def _custom_object(path: Path) -> CustomObject:
    root = _root(path)
    name = _stem(path)
    label = _text(root, "label", name)
    return CustomObject(
        name=name,
        label=label,
        plural=_text(root, "pluralLabel", label),
        name_label=_text(root, "nameField/label", "Name"),
        name_format=_text(root, "nameField/displayFormat") or None,
    )


def _record_type(path: Path) -> RecordTypeDef:
    root = _root(path)
    name = _text(root, "fullName") or _stem(path)
    return RecordTypeDef(
        object=path.parent.parent.name,
        developer_name=name,
        label=_text(root, "label", name),
        description=_text(root, "description") or None,
        active=_text(root, "active", "true").lower() == "true",
        person=bool(_PERSON_COMMENT.search(path.read_text("utf-8"))),
    )


def _queue(path: Path) -> QueueDef:
    root = _root(path)
    return QueueDef(
        developer_name=_stem(path),
        label=_text(root, "name", _stem(path)),
        objects=tuple(_text(one, "sobjectType") for one in root.findall("queueSobject")),
        email=_text(root, "email") or None,
    )


def _permission_set(path: Path) -> PermissionSetDef:
    root = _root(path)
    granted = (one for one in root.findall("userPermissions") if _flag(one, "enabled"))
    return PermissionSetDef(
        name=_stem(path),
        label=_text(root, "label", _stem(path)),
        description=_text(root, "description") or None,
        permissions=tuple(f"Permissions{_text(one, 'name')}" for one in granted),
    )
