"""The metadata types the org knows: where their files lie, and whether they change anything here.

Folders and suffixes are the vendor's (Metadata API Developer Guide, "Metadata Types"). A type without effect on data
(layouts, tabs, …) is kept and given back, and its deploy carries a warning; any other type is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


@dataclass(frozen=True)
class Kind:
    """One metadata type. ``children``: element name inside its file -> type of the component found there.

    ``effect`` False: has no effect on data in this org. ``prefix`` begins the ids that list calls show.
    """

    name: str
    folder: str = ""
    suffix: str = ""
    effect: bool = True
    children: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""
    prefix: str = "0Mx"


_OBJECT_CHILDREN = MappingProxyType(
    {
        "fields": "CustomField",
        "recordTypes": "RecordType",
        "validationRules": "ValidationRule",
        "businessProcesses": "BusinessProcess",
        "listViews": "ListView",
        "compactLayouts": "CompactLayout",
        "webLinks": "WebLink",
        "fieldSets": "FieldSet",
    }
)

_KINDS = (
    Kind("CustomObject", "objects", "object", children=_OBJECT_CHILDREN, prefix="01I"),
    Kind("CustomField", suffix="field", parent="CustomObject", prefix="00N"),
    Kind("RecordType", suffix="recordType", parent="CustomObject", prefix="012"),
    Kind("ValidationRule", suffix="validationRule", parent="CustomObject", prefix="03d"),
    Kind("BusinessProcess", suffix="businessProcess", parent="CustomObject", effect=False, prefix="019"),
    Kind("ListView", suffix="listView", parent="CustomObject", effect=False, prefix="00B"),
    Kind("CompactLayout", suffix="compactLayout", parent="CustomObject", effect=False, prefix="0AH"),
    Kind("WebLink", suffix="webLink", parent="CustomObject", effect=False, prefix="00b"),
    Kind("FieldSet", suffix="fieldSet", parent="CustomObject", effect=False, prefix="0IX"),
    Kind("GlobalValueSet", "globalValueSets", "globalValueSet", prefix="0Nt"),
    Kind("StandardValueSet", "standardValueSets", "standardValueSet"),
    Kind("Queue", "queues", "queue", prefix="00G"),
    Kind("PermissionSet", "permissionsets", "permissionset", prefix="0PS"),
    Kind("Profile", "profiles", "profile", prefix="00e"),
    Kind("Settings", "settings", "settings"),
    Kind("DuplicateRule", "duplicateRules", "duplicateRule", prefix="0Bm"),
    Kind("MatchingRules", "matchingRules", "matchingRule", prefix="0JD"),
    Kind("AssignmentRules", "assignmentRules", "assignmentRules", prefix="01Q"),
    Kind("EntitlementProcess", "entitlementProcesses", "entitlementProcess", prefix="552"),
    Kind("MilestoneType", "milestoneTypes", "milestoneType", prefix="557"),
    Kind("Layout", "layouts", "layout", effect=False, prefix="00h"),
    Kind("CustomTab", "tabs", "tab", effect=False, prefix="01r"),
    Kind("CustomApplication", "applications", "app", effect=False, prefix="02u"),
    Kind("CustomLabels", "labels", "labels", effect=False, prefix="101"),
)
BY_NAME: Mapping[str, Kind] = MappingProxyType({one.name: one for one in _KINDS})
BY_SUFFIX: Mapping[str, Kind] = MappingProxyType({one.suffix: one for one in _KINDS})
# Children that a list call or a manifest may name, though they have no file of their own.
TOP = tuple(one for one in _KINDS if one.folder)

# Types that a manifest may list one by one, though the org keeps them with the file they stand in.
_INSIDE: Mapping[str, str] = MappingProxyType(
    {"AssignmentRule": "AssignmentRules", "MatchingRule": "MatchingRules", "CustomLabel": "CustomLabels"}
)


def whole(kind: str, name: str) -> tuple[str, str]:
    """The component that holds one listed by itself: AssignmentRule Case.Standard is in AssignmentRules Case."""
    if kind not in _INSIDE:
        return kind, name
    holder = _INSIDE[kind]
    return holder, name if name == "*" else holder if kind == "CustomLabel" else name.partition(".")[0]


def child_tag(name: str) -> str:
    """The element that holds a child component inside its parent's file: CustomField -> fields."""
    return next(tag for tag, kind in _OBJECT_CHILDREN.items() if kind == name)
