"""A project's metadata as the zip a deploy takes: source format (a file per piece) to metadata format.

Fields, record types, rules of an object go into the one file of that object; other files keep their content and lose
``-meta.xml``. Source: Metadata API Developer Guide, "Deploying and Retrieving Metadata with the Zip File".
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sfsync.errors import ConfigError

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_SOURCE = "-meta.xml"
_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
# suffix of a piece of an object -> (element inside the object's file, metadata type)
_PIECES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "field": ("fields", "CustomField"),
        "recordType": ("recordTypes", "RecordType"),
        "validationRule": ("validationRules", "ValidationRule"),
        "businessProcess": ("businessProcesses", "BusinessProcess"),
        "listView": ("listViews", "ListView"),
        "compactLayout": ("compactLayouts", "CompactLayout"),
        "webLink": ("webLinks", "WebLink"),
        "fieldSet": ("fieldSets", "FieldSet"),
    }
)
# suffix of a file -> (folder in the zip, metadata type)
_FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "queue": ("queues", "Queue"),
        "permissionset": ("permissionsets", "PermissionSet"),
        "profile": ("profiles", "Profile"),
        "standardValueSet": ("standardValueSets", "StandardValueSet"),
        "globalValueSet": ("globalValueSets", "GlobalValueSet"),
        "layout": ("layouts", "Layout"),
        "tab": ("tabs", "CustomTab"),
        "app": ("applications", "CustomApplication"),
        "labels": ("labels", "CustomLabels"),
        "settings": ("settings", "Settings"),
        "duplicateRule": ("duplicateRules", "DuplicateRule"),
        "matchingRule": ("matchingRules", "MatchingRules"),
        "assignmentRules": ("assignmentRules", "AssignmentRules"),
        "entitlementProcess": ("entitlementProcesses", "EntitlementProcess"),
        "milestoneType": ("milestoneTypes", "MilestoneType"),
    }
)


@dataclass(frozen=True)
class Package:
    """``archive`` is the zip; ``members`` the full names by metadata type, as in its manifest."""

    archive: bytes
    members: Mapping[str, tuple[str, ...]]

    @property
    def size(self) -> int:
        """How many components are in it."""
        return sum(map(len, self.members.values()))


def pack(folder: Path, version: str) -> Package:
    """Everything below a source folder (``force-app``). ConfigError METADATA_… for what cannot be packed."""
    if not folder.is_dir():
        step = "Give the project's metadata folder, as: sfsync org deploy force-app"
        raise ConfigError("there is no such folder", "METADATA_NONE", str(folder), step)
    draft = _Draft()
    for path in sorted(folder.rglob(f"*{_SOURCE}")):
        draft.add(path)
    if not draft.members:
        step = "Metadata in source format has names like X__c.field-meta.xml."
        raise ConfigError("there is no metadata in this folder", "METADATA_NONE", str(folder), step)
    members = {kind: tuple(sorted(names)) for kind, names in sorted(draft.members.items())}
    return Package(_zipped(draft.files() | {"package.xml": _manifest(members, version)}), members)


class _Draft:
    """A package while its files are read."""

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}
        self._objects: dict[str, Element] = {}
        self._others: dict[str, bytes] = {}

    def add(self, path: Path) -> None:
        stem, _, suffix = path.name.removesuffix(_SOURCE).rpartition(".")
        if suffix == "object":
            self._shell(path, stem)
        elif suffix in _PIECES:
            self._piece(path, stem, suffix)
        elif suffix in _FILES:
            folder, kind = _FILES[suffix]
            self._others[f"{folder}/{stem}.{suffix}"] = path.read_bytes()
            self._name(kind, unquote(stem))
        else:
            step = "Deploy this folder with: sf project deploy start; or leave that file out."
            raise ConfigError("sfsync deploys no metadata of this kind", "METADATA_UNKNOWN", str(path), step)

    def _shell(self, path: Path, name: str) -> None:
        self._object(name)[:0] = list(_root(path))
        self._name("CustomObject", name)

    def _piece(self, path: Path, stem: str, suffix: str) -> None:
        tag, kind = _PIECES[suffix]
        name, root = path.parent.parent.name, _root(path)
        piece = SubElement(self._object(name), tag)
        piece.extend(list(root))
        self._name(kind, f"{name}.{root.findtext('fullName') or unquote(stem)}")

    def _object(self, name: str) -> Element:
        return self._objects.setdefault(name, Element("CustomObject", xmlns=NAMESPACE))

    def _name(self, kind: str, name: str) -> None:
        self.members.setdefault(kind, set()).add(name)

    def files(self) -> dict[str, bytes]:
        """The files of the zip; like elements of an object stand together, as the API wants them."""
        whole = {}
        for name, root in self._objects.items():
            root[:] = sorted(root, key=lambda one: one.tag)
            whole[f"objects/{name}.object"] = _document(root)
        return whole | self._others


def _root(path: Path) -> Element:
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - the project's own files
    except ElementTree.ParseError as wrong:
        raise ConfigError(f"not well-formed XML ({wrong})", "METADATA_BROKEN", str(path), "Mend the file.") from wrong
    for one in root.iter():
        one.tag = one.tag.rpartition("}")[2]
    return root


def _manifest(members: Mapping[str, tuple[str, ...]], version: str) -> bytes:
    root = Element("Package", xmlns=NAMESPACE)
    for kind, names in members.items():
        types = SubElement(root, "types")
        for name in names:
            SubElement(types, "members").text = name
        SubElement(types, "name").text = kind
    SubElement(root, "version").text = version
    return _document(root)


def _document(root: Element) -> bytes:
    ElementTree.indent(root, "    ")
    return _HEAD + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """The same files make the same bytes, so that a repeated deploy is seen to be one."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()
