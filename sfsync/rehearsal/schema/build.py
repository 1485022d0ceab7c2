"""Puts the schema together: standard objects, metadata on top, and what follows from both."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sfsync.rehearsal.automation import computed, rules
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.schema import automation_source, companions, custom, standard
from sfsync.rehearsal.schema import source as metadata
from sfsync.rehearsal.schema.model import Child, Field, RecordTypeDef, Schema, SObject
from sfsync.rehearsal.schema.source import Source, SourceError
from sfsync.rehearsal.xml import flag, text

# Which field a standard value set fills.
VALUE_SETS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "CaseStatus": ("Case", "Status"),
        "CasePriority": ("Case", "Priority"),
        "CaseOrigin": ("Case", "Origin"),
        "CaseType": ("Case", "Type"),
        "CaseReason": ("Case", "Reason"),
        "AccountType": ("Account", "Type"),
        "Industry": ("Account", "Industry"),
        "AccountRating": ("Account", "Rating"),
        "AssetStatus": ("Asset", "Status"),
        "TaskStatus": ("Task", "Status"),
        "TaskPriority": ("Task", "Priority"),
        "TaskType": ("Task", "Type"),
        "Salutation": ("Contact", "Salutation"),
        "LeadSource": ("Contact", "LeadSource"),
    }
)
_CLOSED = {"CaseStatus": "closed_case_statuses", "TaskStatus": "closed_task_statuses"}
Objects = dict[str, SObject]


def build(components: Iterable[Component] = (), prefixes: Mapping[str, str] | None = None) -> Schema:
    """The schema of an org with this metadata. Raises SourceError.

    ``prefixes`` are the key prefixes that custom objects have already; without one an object gets a prefix that
    depends on its name, so that the same metadata makes the same ids everywhere.
    """
    listed, settings = standard.load()
    objects = {one.name: one for one in listed}
    components = list(components)
    if not components:
        return _assembled(objects, settings)
    source = metadata.read(components)
    _add_value_sets(objects, settings, source)
    _add_objects(objects, source, prefixes or {})
    _add_fields(objects, source)
    _change_standard(objects, source)
    _add_record_types(objects, settings, source.record_types)
    _add_dependencies(objects, source)
    schema = _assembled(objects, settings, queues=tuple(source.queues), permission_sets=tuple(source.permission_sets))
    return _with_rules(schema, source, components)


def _with_rules(schema: Schema, source: Source, components: Iterable[Component]) -> Schema:
    """Rules can name any field, so they come when the schema is whole."""
    try:
        return replace(schema, automation=rules.bound(schema, automation_source.join(source.automation)))
    except rules.RuleError as wrong:
        file = next((one.file for one in components if one.key == (wrong.kind, wrong.name)), wrong.name)
        raise SourceError(file, wrong.problem, (wrong.kind, wrong.name)) from wrong


# -- picklists --------------------------------------------------------------------------------------------


def _add_value_sets(objects: Objects, settings: dict[str, Any], source: Source) -> None:
    for name, entries in source.value_sets.items():
        if name in _CLOSED:
            settings[_CLOSED[name]] = [one.value for one in entries if one.closed]
        if name not in VALUE_SETS:
            continue
        on, field_name = VALUE_SETS[name]
        default = next((one.value for one in entries if one.default), None)
        _change(
            objects,
            on,
            field_name,
            values=tuple(one.value for one in entries),
            value_labels=tuple(one.label for one in entries),
            default=default,
        )


def _change(objects: Objects, on: str, field_name: str, **changes: Any) -> None:
    fields = tuple(replace(one, **changes) if one.name == field_name else one for one in objects[on].fields)
    objects[on] = replace(objects[on], fields=fields)


def _add_dependencies(objects: Objects, source: Source) -> None:
    """Which values of a dependent picklist are offered with which value of its controlling field."""
    for (on, name), offered in source.offered.items():
        obj = objects[on]
        dependent = next(one for one in obj.fields if one.name == name)
        controlling = obj.find(dependent.controller or "")
        if controlling is None:
            raise SourceError(f"{on}.{name}", f"no CustomField named {on}.{dependent.controller} found")
        all_values = ("false", "true") if controlling.type == "boolean" else controlling.values
        bits = tuple(_bitmap([each in offered.get(value, ()) for each in all_values]) for value in dependent.values)
        _change(objects, on, name, valid_for=bits, controller=controlling.name)


def _bitmap(bits: list[bool]) -> str:
    """``validFor``: a bit per controlling value, the first one highest (Object Reference, PicklistEntry)."""
    packed = bytearray((len(bits) + 7) // 8 or 1)
    for place, bit in enumerate(bits):
        packed[place // 8] |= bit << (7 - place % 8)
    return base64.b64encode(bytes(packed)).decode()


# -- objects and fields -----------------------------------------------------------------------------------


def _add_objects(objects: Objects, source: Source, prefixes: Mapping[str, str]) -> None:
    taken = {one.prefix for one in objects.values()} | set(prefixes.values())
    for told in source.objects.values():
        prefix = prefixes.get(told.name) or custom.prefix(told.name, taken)
        taken.add(prefix)
        detail = any("relationshipOrder" in (one.shown or ()) for one in source.fields.get(told.name, ()))
        made = objects[told.name] = custom.custom_object(told, prefix, owned=not detail)
        if told.tracks:
            history = custom.history(made)
            objects[history.name] = history


def _add_fields(objects: Objects, source: Source) -> None:
    for name, fields in source.fields.items():
        if name not in objects:
            raise SourceError(name, f"there are fields for {name}, an object this org does not have")
        for one in fields:
            for parent in one.reference_to:
                if parent not in objects:
                    raise SourceError(
                        f"{name}.{one.name}", f"In field: referenceTo - no CustomObject named {parent} found"
                    )
        kept = source.histories.get(name, True)
        added = tuple(one if kept else replace(one, tracked=False) for one in fields)
        objects[name] = replace(objects[name], fields=objects[name].fields + added)


def _change_standard(objects: Objects, source: Source) -> None:
    """Metadata of standard fields: what an admin may change about them."""
    for (on, name), component in source.standard.items():
        if on not in objects or objects[on].find(name) is None:
            raise component.refuse(f"no CustomField named {on}.{name} found")
        changes: dict[str, Any] = {}
        if component.root.find("trackHistory") is not None:
            changes["tracked"] = flag(component.root, "trackHistory")
        if help_text := text(component.root, "inlineHelpText"):
            changes["inline_help"] = help_text
        _change(objects, on, name, **changes)


def _add_record_types(objects: Objects, settings: dict[str, Any], found: Iterable[RecordTypeDef]) -> None:
    people: dict[str, list[str]] = settings["person_record_types"]
    for one in found:
        # The source format keeps person record types in a folder of their own, though they are Account's.
        on = "Account" if one.object == "PersonAccount" else one.object
        if on not in objects:
            raise SourceError(f"{one.object}.{one.developer_name}", f"no CustomObject named {on} found")
        named = one.developer_name in people.get(on, [])
        person = one.object == "PersonAccount" or (on == "Account" and (one.person or named))
        typed = replace(one, object=on, person=person)
        objects[on] = replace(objects[on], record_types=(*objects[on].record_types, typed))
        if not objects[on].has("RecordTypeId"):
            objects[on] = replace(objects[on], fields=(*objects[on].fields, custom.record_type_id()))


# -- the whole --------------------------------------------------------------------------------------------


def _assembled(objects: Objects, settings: dict[str, Any], **more: Any) -> Schema:
    objects.update((name, computed.with_expressions(one)) for name, one in objects.items())
    _add_person_fields(objects, settings)
    companions.add(objects)
    names = tuple(sorted(name for name, one in objects.items() if one.stored))
    for on in ("QueueSobject", "RecordType"):
        _change(objects, on, "SobjectType", values=names, value_labels=names)
    inside, outside = _children(objects, stored=True), _children(objects, stored=False)
    whole = [
        replace(one, children=tuple(inside.get(one.name, ())), outside=tuple(outside.get(one.name, ())))
        for one in objects.values()
    ]
    return Schema.of(whole, settings, **more)


def _children(objects: Objects, *, stored: bool) -> dict[str, list[Child]]:
    """Parent -> its child relationships, from objects with rows or from those without."""
    found: dict[str, list[Child]] = {}
    for one in objects.values():
        for field in one.fields if one.stored is stored else ():
            for parent in field.reference_to:
                found.setdefault(parent, []).append(Child(one.name, field))
    return found


def _add_person_fields(objects: Objects, settings: dict[str, Any]) -> None:
    """Every custom field of Contact also shows on Account, as ``X__pc`` (wire reference section 15)."""
    account = objects["Account"]
    mirrored: dict[str, str] = dict(settings["person_mirror"])
    added = []
    for one in objects["Contact"].fields:
        if one.custom and one.stored:
            name = person_name(one.name)
            mirrored[name] = one.name
            added.append(_person_copy(one, name))
    settings["person_mirror"] = mirrored
    objects["Account"] = replace(account, fields=account.fields + tuple(added))


def person_name(name: str) -> str:
    """``X__c`` of Contact is ``X__pc`` on Account; a part of a geolocation, ``X__Latitude__s``, ``X__Latitude__ps``."""
    return name.removesuffix("__c") + "__pc" if name.endswith("__c") else name.removesuffix("__s") + "__ps"


def _person_copy(field: Field, name: str) -> Field:
    relation = field.relationship_name and field.relationship_name.removesuffix("__r") + "__pr"
    return replace(
        field, name=name, person=True, relationship_name=relation, child_name=None, on_delete="", compound=None
    )
