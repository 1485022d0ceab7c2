"""Reads a CustomField: metadata's words for a field become describe's (Metadata API Developer Guide, CustomField)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.schema import formula_source, naming
from sfsync.rehearsal.schema.model import Field
from sfsync.rehearsal.xml import flag, text

# metadata type -> describe type
TYPES: Mapping[str, str] = {
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
    "Location": "location",
}
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Picklist": 255, "Lookup": 18, "MasterDetail": 18}
_MOST_LENGTH = {"Text": 255, "EncryptedText": 175, "LongTextArea": 131_072, "Html": 131_072}
_ON_DELETE = {"Cascade": "cascade", "Restrict": "restrict", "SetNull": ""}
_NUMBERS = ("Number", "Currency", "Percent")
_MOST_DIGITS = 18
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_QUOTED = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a picklist's value set."""

    value: str
    label: str
    default: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Read:
    """A field as its file tells it. ``offered``: value -> values of the controlling field that offer it."""

    fields: tuple[Field, ...]
    offered: Mapping[str, tuple[str, ...]]


def entries(parent: Element, tag: str) -> list[Entry]:
    """The active values of a value set."""
    return list(_each_entry(parent, tag))


def _each_entry(parent: Element, tag: str) -> Iterator[Entry]:
    for one in parent.findall(tag):
        if flag(one, "isActive", True):
            value = text(one, "fullName")
            yield Entry(value, text(one, "label") or value, flag(one, "default"), flag(one, "closed"))


def read(component: Component, shared: Mapping[str, list[Entry]]) -> Read:
    """The field of a component; a geolocation has its two parts beside it. Raises SourceError.

    ``shared`` are the values of the global value sets.
    """
    root, kind = component.root, text(component.root, "type")
    _check(component, kind)
    if root.find("formula") is not None:
        return Read((formula_source.read(component),), {})
    values = _values(component, shared)
    field = Field(
        name=component.short,
        type=TYPES[kind],
        label=text(root, "label"),
        length=_length(component, kind),
        precision=_number(component, "precision"),
        scale=_number(component, "scale"),
        values=tuple(one.value for one in values),
        value_labels=tuple(one.label for one in values),
        default=_default(component, kind, values),
        custom=True,
        inline_help=text(root, "inlineHelpText") or None,
        html=kind == "Html",
        display_format=text(root, "displayFormat") or ("{0}" if kind == "AutoNumber" else None),
        tracked=flag(root, "trackHistory") or flag(root, "trackFeedHistory"),
        controller=text(root, "valueSet/controllingField") or None,
        **_flags(root, kind),
        **_reference(component, kind),
    )
    return Read(_with_parts(field, component) if kind == "Location" else (field,), _offered(root))


def _check(component: Component, kind: str) -> None:
    root = component.root
    misnamed = naming.problem("Custom Field API Name", component.short)
    if misnamed:
        raise component.refuse(misnamed)
    if kind not in TYPES:
        raise component.refuse(f"the rehearsal org has no fields of type {kind or '(none)'}")
    if not text(root, "label"):
        raise component.refuse("Must specify a non-empty label for the CustomField")
    if kind in ("Lookup", "MasterDetail") and not text(root, "referenceTo"):
        raise component.refuse(f"Must specify 'referenceTo' for a CustomField of type {kind}")
    if kind == "MasterDetail" and not component.object.endswith("__c"):
        raise component.refuse("Master-detail relationships are not allowed on standard objects")
    if kind in _NUMBERS and root.find("formula") is None:
        _check_digits(component, kind)


def _check_digits(component: Component, kind: str) -> None:
    for name in ("precision", "scale"):
        if component.root.find(name) is None:
            raise component.refuse(f"Must specify '{name}' for a CustomField of type {kind}")
    precision, scale = _number(component, "precision"), _number(component, "scale")
    if not 0 < precision <= _MOST_DIGITS or not 0 <= scale <= precision:
        raise component.refuse(f"precision {precision} and scale {scale} do not fit: at most 18 digits in all")


def _flags(root: Element, kind: str) -> dict[str, Any]:
    flat = kind not in ("LongTextArea", "Html", "MultiselectPicklist", "EncryptedText", "Location")
    long = kind in ("LongTextArea", "Html", "EncryptedText")
    auto, place = kind == "AutoNumber", kind == "Location"
    external = flag(root, "externalId")
    return {
        "nillable": not (flag(root, "required") or kind in ("Checkbox", "MasterDetail") or auto),
        "createable": not auto and not place,
        "updateable": not auto and not place and (kind != "MasterDetail" or flag(root, "reparentableMasterDetail")),
        "defaulted": kind == "Checkbox" or auto,
        "unique": flag(root, "unique"),
        "case_sensitive": flag(root, "caseSensitive"),
        "external_id": external,
        "id_lookup": external,
        "filterable": not long,
        "groupable": flat and kind not in (*_NUMBERS, "DateTime", "Time"),
        "sortable": flat,
        "auto_number": auto,
        "restricted": flag(root, "valueSet/restricted"),
    }


def _reference(component: Component, kind: str) -> dict[str, Any]:
    if kind not in ("Lookup", "MasterDetail"):
        return {}
    root = component.root
    child = text(root, "relationshipName")
    rule = "Cascade" if kind == "MasterDetail" else text(root, "deleteConstraint", "SetNull")
    if rule not in _ON_DELETE:
        raise component.refuse(f"'{rule}' is not a valid value for the enum 'DeleteConstraint'")
    found: dict[str, Any] = {
        "reference_to": (text(root, "referenceTo"),),
        "relationship_name": component.short.removesuffix("__c") + "__r",
        "child_name": f"{child}__r" if child else None,
        "on_delete": _ON_DELETE[rule],
    }
    if kind == "MasterDetail":
        order = int(text(root, "relationshipOrder", "0") or 0)
        told = {"relationshipOrder": order, "writeRequiresMasterRead": flag(root, "writeRequiresMasterRead")}
        found["shown"] = told
    return found


def _length(component: Component, kind: str) -> int:
    if kind == "AutoNumber":
        return 30
    if kind == "MultiselectPicklist":
        return 4099
    length, most = _number(component, "length", _LENGTHS.get(kind, 0)), _MOST_LENGTH.get(kind)
    if most and component.root.find("length") is None:
        raise component.refuse(f"Must specify 'length' for a CustomField of type {kind}")
    if most and not 0 < length <= most:
        raise component.refuse(f"Value of length must be between 1 and {most}")
    return length


def _number(component: Component, path: str, default: int = 0) -> int:
    found = text(component.root, path)
    try:
        return int(found) if found else default
    except ValueError as error:
        raise component.refuse(f"'{found}' is not a valid value for the type xsd:int") from error


def _default(component: Component, kind: str, values: list[Entry]) -> Any:
    """Checkboxes and picklists say theirs plainly; other types have a formula, of which literals are understood."""
    if kind == "Checkbox":
        return flag(component.root, "defaultValue")
    given = text(component.root, "defaultValue")
    if not given or values:
        return next((one.value for one in values if one.default), None)
    if TYPES[kind] in ("double", "currency", "percent") and _NUMBER.fullmatch(given):
        return float(given)
    quoted = _QUOTED.fullmatch(given)
    if quoted and TYPES[kind] not in ("date", "datetime", "time", "reference"):
        return quoted.group(1) or quoted.group(2)
    raise component.refuse(f"the rehearsal org takes literals as default values, not formulas: {given}")


def _values(component: Component, shared: Mapping[str, list[Entry]]) -> list[Entry]:
    root = component.root
    inline = root.find("valueSet/valueSetDefinition")
    if inline is not None:
        return _held(component, entries(inline, "value"))
    if (older := root.find("picklist")) is not None:  # the form of API versions before 38
        return _held(component, entries(older, "picklistValues"))
    name = text(root, "valueSet/valueSetName")
    if name and name not in shared:
        raise component.refuse(f"In field: valueSet - no GlobalValueSet named {name} found")
    if name:
        return shared[name]
    if text(root, "type") in ("Picklist", "MultiselectPicklist"):
        raise component.refuse("Must specify a valueSet for a CustomField of type Picklist")
    return []


def _held(component: Component, found: list[Entry]) -> list[Entry]:
    names = [one.value.lower() for one in found]
    twice = next((one.value for one in found if names.count(one.value.lower()) > 1), None)
    if twice is not None:
        raise component.refuse(f"Duplicate label: {twice}")
    return found


def _offered(root: Element) -> dict[str, tuple[str, ...]]:
    return {
        text(one, "valueName"): tuple((each.text or "").strip() for each in one.findall("controllingFieldValue"))
        for one in root.findall("valueSet/valueSettings")
    }


def _with_parts(whole: Field, component: Component) -> tuple[Field, ...]:
    """A geolocation and the two numbers it is kept in."""
    stem = whole.name.removesuffix("__c")
    made = [
        Field(
            name=f"{stem}__{part}__s",
            type="double",
            label=f"{whole.label} ({part})",
            precision=whole.scale + 3,
            scale=whole.scale,
            nillable=whole.nillable,
            createable=True,
            updateable=True,
            sortable=True,
            custom=True,
            compound=whole.name,
            tracked=whole.tracked,
        )
        for part in ("Latitude", "Longitude")
    ]
    keys = ("latitude", "longitude")
    parts = tuple((key, one.name) for key, one in zip(keys, made, strict=True))
    shown = {"displayLocationInDecimal": flag(component.root, "displayLocationInDecimal")}
    return (replace(whole, parts=parts, shown=shown, scale=0, precision=0), *made)
