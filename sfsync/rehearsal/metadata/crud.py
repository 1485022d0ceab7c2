"""Metadata one component at a time: create, read, update, upsert, delete, rename (CRUD-based metadata calls).

Each component of a call stands for itself: one that is refused says why and the others go in.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.metadata.component import Component, Key, join, split
from sfsync.rehearsal.metadata.deploy import deploy
from sfsync.rehearsal.metadata.kinds import BY_NAME
from sfsync.rehearsal.metadata.listing import file_of, kind_of, listed
from sfsync.rehearsal.metadata.package import Package
from sfsync.rehearsal.metadata.results import Options

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

MOST = 10
Result = dict[str, Any]


def _limited(items: Sequence[Any]) -> None:
    if len(items) > MOST:
        text = f"The number of components in a call is limited to {MOST}: {len(items)} were given"
        raise errors.OrgError("LIMIT_EXCEEDED", text)


def save(org: Org, elements: Sequence[Element], action: str) -> list[Result]:
    """``action`` is create, update or upsert; an element says its type and full name itself."""
    _limited(elements)
    return [_saved(org, one, action) for one in elements]


def _saved(org: Org, element: Element, action: str) -> Result:
    name = xml.text(element, "fullName")
    kind = kind_of(xml.local(element.get("type", "")))
    there = (kind, name) in org.metadata.components
    problem = _wrong(kind, name, action, there=there)
    if problem is None:
        problem = _deployed(org, Package(components=_components(kind, name, element)))
    created = {"created": not there and problem is None} if action == "upsert" else {}
    return created | _result(name, problem)


def _wrong(kind: str, name: str, action: str, *, there: bool) -> tuple[str, str] | None:
    if not name:
        return "REQUIRED_FIELD_MISSING", "Required field is missing: fullName"
    if action == "create" and there:
        return "DUPLICATE_DEVELOPER_NAME", f"There is already a {kind} named {name}."
    if action == "update" and not there and name.endswith("__c"):
        return "INVALID_CROSS_REFERENCE_KEY", f"In field: fullName - no {kind} named {name} found"
    return None


def _components(kind: str, name: str, element: Element) -> list[Component]:
    root = Element(kind)
    root.extend(deepcopy(list(element)))
    file = file_of(kind, name)
    if BY_NAME[kind].parent:
        return [Component(kind, name, _short_named(root, name), file)]
    return list(split(BY_NAME[kind], name, root, file))


def _short_named(root: Element, name: str) -> Element:
    """A child is named by its object and itself here, and by itself alone inside its object's file."""
    full = root.find("fullName")
    if full is not None:
        full.text = name.partition(".")[2]
    return root


def _deployed(org: Org, package: Package) -> tuple[str, str] | None:
    """Deploys a little package; the first problem of it, if there is one."""
    outcome = deploy(org, package, Options())
    return ("INVALID_CROSS_REFERENCE_KEY", outcome.errors[0].problem) if outcome.errors else None


def _result(name: str, problem: tuple[str, str] | None) -> Result:
    if problem is None:
        return {"fullName": name, "success": True}
    return {"errors": {"message": problem[1], "statusCode": problem[0]}, "fullName": name, "success": False}


def delete(org: Org, kind: str, names: Sequence[str]) -> list[Result]:
    _limited(names)
    return [_deleted(org, (kind_of(kind), name)) for name in names]


def _deleted(org: Org, key: Key) -> Result:
    if key not in org.metadata.components:
        return _result(key[1], ("INVALID_CROSS_REFERENCE_KEY", f"no {key[0]} named {key[1]} found"))
    return _result(key[1], _deployed(org, Package(deletes_after=[key])))


def read(org: Org, kind: str, names: Sequence[str]) -> list[Element | None]:
    """The components, full name first; None for what is not there."""
    _limited(names)
    known = {one.name: one for one in listed(org, kind)}
    return [_read(org, known[name]) if name in known else None for name in names]


def _read(org: Org, one: Component) -> Element:
    parts = [one]
    if one.kind == "CustomObject":
        inside = (each for each in org.metadata.components.values() if BY_NAME[each.kind].parent)
        parts += sorted((each for each in inside if each.object == one.name), key=lambda each: each.name)
    root = join(parts) if one.kind == "CustomObject" else deepcopy(one.root)
    for full in root.findall("fullName"):
        root.remove(full)
    name = Element("fullName")
    name.text = one.name
    root.insert(0, name)
    return root


def rename(org: Org, kind: str, old: str, new: str) -> Result:
    """Renames a custom object; its rows, fields and the look-ups to it follow."""
    if kind_of(kind) != "CustomObject" or not old.endswith("__c") or not new.endswith("__c"):
        return _result(old, ("INVALID_OPERATION", "the rehearsal org renames custom objects only"))
    if (kind, old) not in org.metadata.components:
        return _result(old, ("INVALID_CROSS_REFERENCE_KEY", f"no CustomObject named {old} found"))
    if (kind, new) in org.metadata.components:
        return _result(old, ("DUPLICATE_DEVELOPER_NAME", f"There is already a CustomObject named {new}."))
    org.apply(_renamed(org, old, new), renamed=(old, new))
    return _result(old, None)


def _renamed(org: Org, old: str, new: str) -> dict[Key, Component | None]:
    changes: dict[Key, Component | None] = {}
    for key, one in org.metadata.components.items():
        inside = one.name == old or (BY_NAME[one.kind].parent and one.object == old)
        root = _pointing(one.root, old, new)
        name = new + one.name.removeprefix(old) if inside else one.name
        if inside:
            changes[key] = None
        if inside or root is not one.root:
            changes[(one.kind, name)] = Component(one.kind, name, root, file_of(one.kind, name))
    return changes


def _pointing(root: Element, old: str, new: str) -> Element:
    """The element with every mention of the object changed; the same element where there is none."""
    if not any(_names(one, old) for one in root.iter()):
        return root
    copy = deepcopy(root)
    for one in copy.iter():
        if _names(one, old):
            one.text = new + (one.text or "").strip().removeprefix(old)
    return copy


def _names(element: Element, object: str) -> bool:
    text = (element.text or "").strip()
    return text == object or text.startswith(f"{object}.")
