"""Gives kept metadata back as a zip in metadata format (retrieve, Metadata API Developer Guide)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from sfsync.rehearsal import xml
from sfsync.rehearsal.metadata import jobs
from sfsync.rehearsal.metadata.component import Component, Key, join, text_of
from sfsync.rehearsal.metadata.kinds import BY_NAME, NAMESPACE, TOP
from sfsync.rehearsal.metadata.listing import file_of, listed, properties
from sfsync.rehearsal.metadata.package import MANIFEST, covers, zipped

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

_FOLDER = "unpackaged/"


@dataclass
class Found:
    """What a manifest names, and what of it is not there."""

    components: list[Component] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def start(org: Org, user: tuple[str, str], named: Sequence[Key], packages: Sequence[str], version: str) -> str:
    """Retrieves at once; returns the id to ask for the result by."""
    job = jobs.new_job(org, jobs.RETRIEVE)
    found = find(org, named)
    problems = found.problems + [f"No package named '{one}' found" for one in packages]
    files = {_FOLDER + name: raw for name, raw in _files(found.components, version).items()}
    result = {
        "done": True,
        "fileProperties": [properties(org, one, user, _FOLDER) for one in found.components],
        "id": job,
        "messages": [{"fileName": _FOLDER + MANIFEST, "problem": one} for one in problems],
        "status": "Succeeded",
        "success": True,
        "zipFile": base64.b64encode(zipped(files)).decode(),
    }
    jobs.keep(org, job, {"result": result})
    return job


def find(org: Org, named: Sequence[Key]) -> Found:
    """The components a manifest names; an object brings along what belongs to it."""
    wanted, found = set(named), Found()
    available = {one.key: one for kind in TOP for one in listed(org, kind.name)} | org.metadata.components
    objects_named = {name for kind, name in named if kind == "CustomObject"}
    for key, one in available.items():
        built_in = key not in org.metadata.components and key[1] not in objects_named
        if covers(wanted, one) and not built_in:
            found.components.append(one)
    got = {one.key for one in found.components}
    for kind, name in named:
        if kind not in BY_NAME:
            found.problems.append(f"Entity type: '{kind}' is unknown")
        elif name != "*" and (kind, name) not in got:
            found.problems.append(f"Entity of type '{kind}' named '{name}' cannot be found")
    return found


def _files(components: Sequence[Component], version: str) -> dict[str, bytes]:
    objects: dict[str, list[Component]] = {}
    files: dict[str, bytes] = {MANIFEST: manifest(components, version)}
    for one in components:
        if one.kind == "CustomObject" or BY_NAME[one.kind].parent:
            objects.setdefault(one.object, []).append(one)
        else:
            files[file_of(one.kind, one.name)] = text_of(one)
    for name, parts in objects.items():
        ordered = sorted(parts, key=lambda one: (one.kind != "CustomObject", one.name))
        files[file_of("CustomObject", name)] = xml.document(join(ordered), NAMESPACE)
    return files


def manifest(components: Sequence[Component], version: str) -> bytes:
    """The package.xml that names exactly these components."""
    by_type = {
        kind: sorted(one.name for one in components if one.kind == kind) for kind in {c.kind for c in components}
    }
    root = Element("Package")
    for kind in sorted(by_type):
        types = SubElement(root, "types")
        for name in by_type[kind]:
            SubElement(types, "members").text = name
        SubElement(types, "name").text = kind
    SubElement(root, "version").text = version
    return xml.document(root, NAMESPACE)
