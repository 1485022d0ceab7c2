"""What metadata an org has: the types (describeMetadata), the components of a type (listMetadata)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from sfsync.rehearsal import errors
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.metadata.kinds import BY_NAME, TOP
from sfsync.rehearsal.metadata.results import component_id

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org


def describe() -> dict[str, Any]:
    """DescribeMetadataResult: only the types this org takes."""
    return {
        "metadataObjects": [_described(one.name) for one in TOP],
        "organizationNamespace": "",
        "partialSaveAllowed": True,
        "testRequired": False,
    }


def _described(name: str) -> dict[str, Any]:
    kind = BY_NAME[name]
    return {
        "childXmlNames": sorted(kind.children.values()),
        "directoryName": kind.folder,
        "inFolder": False,
        "metaFile": False,
        "suffix": kind.suffix,
        "xmlName": kind.name,
    }


def kind_of(name: str) -> str:
    """The type's own spelling. OrgError INVALID_TYPE for one the org does not have."""
    if name not in BY_NAME:
        raise errors.OrgError("INVALID_TYPE", f"INVALID_TYPE: Cannot use: {name} in this organization")
    return name


def listed(org: Org, kind: str) -> list[Component]:
    """The components of a type, by name; standard objects and profiles are there without having been deployed."""
    found = {one.name: one for one in org.metadata.components.values() if one.kind == kind_of(kind)}
    for one in _built_in(org, kind):
        found.setdefault(one.name, one)
    return [found[name] for name in sorted(found)]


def _built_in(org: Org, kind: str) -> Iterator[Component]:
    if kind != "CustomObject":
        return
    for obj in org.schema.objects.values():
        if obj.custom or obj.setup or not obj.stored or "__" in obj.name or "C" not in obj.calls:
            continue
        root = Element("CustomObject")
        for tag, text in (("label", obj.label), ("pluralLabel", obj.plural)):
            SubElement(root, tag).text = text
        yield Component(kind, obj.name, root, file_of(kind, obj.name))


def file_of(kind: str, name: str) -> str:
    """Where a component lies in a package in metadata format."""
    one = BY_NAME[kind]
    if one.parent:
        return file_of(one.parent, name.partition(".")[0])
    return f"{one.folder}/{name}.{one.suffix}"


def properties(org: Org, one: Component, user: tuple[str, str], folder: str = "") -> dict[str, Any]:
    """FileProperties of a component. The org keeps no author: what it has belongs to the caller and to its start."""
    born = org.clock.stamp()
    return {
        "createdById": user[0],
        "createdByName": user[1],
        "createdDate": born,
        "fileName": folder + file_of(one.kind, one.name),
        "fullName": one.name,
        "id": component_id(one.kind, one.name),
        "lastModifiedById": user[0],
        "lastModifiedByName": user[1],
        "lastModifiedDate": born,
        "manageableState": "unmanaged",
        "type": one.kind,
    }
