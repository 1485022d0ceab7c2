"""Layouts an org has before anybody has drawn any: one page with every field, one compact layout with the name.

Shapes: vendor's REST guide, "sObject Layouts" and "sObject CompactLayouts"; SOAP guide, describeLayout().
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sfsync.rehearsal.ids import new_id
from sfsync.rehearsal.schema.describe import MASTER_ID, record_type_infos
from sfsync.rehearsal.schema.describe_field import describe_field, picklist_values
from sfsync.rehearsal.schema.model import Field, RecordTypeDef, SObject

_LAYOUT_PREFIX = "00h"
_COLUMNS = 2
_SYSTEM = ("Id", "IsDeleted", "SystemModstamp", "LastViewedDate", "LastReferencedDate")
Rows = Sequence[Sequence[Any]]


def layouts(obj: SObject, rows: Rows, version: str, number: int) -> dict[str, Any]:
    """All layouts of an object. ``rows``: record types (Id, Name, DeveloperName, IsActive); ``number`` tells the
    objects apart in layout ids. With record types there is a page for each, and ``layouts`` is null.
    """
    found = [_mapping(obj, info, number) for info in record_type_infos(obj, rows, version)]
    return {
        "layouts": None if rows else [layout(obj, number)],
        "recordTypeMappings": found,
        "recordTypeSelectorRequired": [bool(rows)],
    }


def _mapping(obj: SObject, info: dict[str, Any], number: int) -> dict[str, Any]:
    defined = next((one for one in obj.record_types if one.developer_name == info["developerName"]), None)
    more = {"layoutId": _layout_id(number), "picklistsForRecordType": _picklists(obj, defined)}
    return dict(sorted((info | more).items()))


def _picklists(obj: SObject, record_type: RecordTypeDef | None) -> list[dict[str, Any]]:
    """Every picklist with the values a record type offers, the Master all of them."""
    fields = [one for one in obj.fields if one.type in ("picklist", "multipicklist")]
    return [{"picklistName": one.name, "picklistValues": offered(one, record_type)} for one in fields]


def offered(field: Field, record_type: RecordTypeDef | None) -> list[dict[str, Any]]:
    """The picklist entries of a field under a record type."""
    entries = picklist_values(field)
    chosen = record_type.picklists.get(field.name) if record_type else None
    if chosen is None:
        return entries
    values, default = chosen
    return [one | {"defaultValue": one["value"] == default} for one in entries if one["value"] in values]


def _layout_id(number: int) -> str:
    return new_id(_LAYOUT_PREFIX, number)


def layout(obj: SObject, number: int) -> dict[str, Any]:
    """One page: the fields people may see, two in a row; system fields last and read-only."""
    shown = [one for one in obj.fields if one.name not in _SYSTEM and one.compound is None and not one.person]
    section = _section("Information", shown, _layout_id(number))
    editable = [one for one in shown if one.createable or one.updateable]
    return {
        "buttonLayoutSection": None,
        "detailLayoutSections": [section],
        "editLayoutSections": [_section("Information", editable, _layout_id(number))],
        "feedView": None,
        "highlightsPanelLayoutSection": None,
        "id": _layout_id(number),
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": {"quickActionListItems": []},
        "relatedContent": None,
        "relatedLists": [],
        "saveOptions": [],
    }


def _section(heading: str, fields: Sequence[Field], parent: str) -> dict[str, Any]:
    rows = [fields[start : start + _COLUMNS] for start in range(0, len(fields), _COLUMNS)]
    return {
        "collapsed": False,
        "columns": _COLUMNS,
        "heading": heading,
        "layoutRows": [{"layoutItems": [_item(one) for one in row], "numItems": len(row)} for row in rows],
        "layoutSectionId": None,
        "parentLayoutId": parent,
        "rows": len(rows),
        "tabOrder": "LeftToRight",
        "useCollapsibleSection": False,
        "useHeading": True,
    }


def _item(field: Field) -> dict[str, Any]:
    component = {
        "details": describe_field(field),
        "displayLines": 6 if field.long_text else 1,
        "tabOrder": 1,
        "type": "Field",
        "value": field.name,
    }
    return {
        "editableForNew": field.createable,
        "editableForUpdate": field.updateable,
        "label": field.label,
        "layoutComponents": [component],
        "placeholder": False,
        "required": field.required,
    }


def compact_layouts(obj: SObject, rows: Rows, version: str) -> dict[str, Any]:
    """The compact layout every object has: the name, nothing else."""
    base = f"/services/data/v{version}/sobjects/{obj.name}/describe/compactLayouts"
    names = [(row[0], row[1]) for row in rows] + [(MASTER_ID, "Master")]
    return {
        "compactLayouts": [_compact(obj)],
        "defaultCompactLayoutId": None,
        "recordTypeCompactLayoutMappings": [_compact_mapping(base, record_id, name) for record_id, name in names],
        "urls": {"primary": f"{base}/primary"},
    }


def _compact(obj: SObject) -> dict[str, Any]:
    items: Iterable[dict[str, Any]] = [_item(obj.name_field)] if obj.name_field else []
    return {
        "actions": [],
        "fieldItems": list(items),
        "id": None,
        "imageItems": [],
        "label": "System Default",
        "name": "SYSTEM",
        "objectType": obj.name,
    }


def primary_compact_layout(obj: SObject) -> dict[str, Any]:
    return _compact(obj)


def _compact_mapping(base: str, record_id: str, name: str) -> Mapping[str, Any]:
    return {
        "available": True,
        "compactLayoutId": None,
        "compactLayoutName": "SYSTEM",
        "recordTypeId": record_id,
        "recordTypeName": name,
        "urls": {"compactLayout": f"{base}/{record_id}"},
    }


def no_list_views(obj: SObject) -> dict[str, Any]:
    return {"done": True, "listviews": [], "nextRecordsUrl": None, "size": 0, "sobjectType": obj.name}
