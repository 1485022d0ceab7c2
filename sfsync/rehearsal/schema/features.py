"""What of the schema shows to anybody: fields of features that this org has not switched on are kept, but not seen.

Person accounts are on once the metadata has a record type for them; an object has a RecordTypeId once it has a record
type. Source: wire reference 15, "People and access", and recorded describes of orgs without either.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields, replace

from sfsync.rehearsal.schema.model import Field, Schema, SObject

_PERSON = "IsPersonAccount"


def shown(schema: Schema, typed: Set[str]) -> Schema:
    """The schema without the fields of absent features; the very same one if none is absent.

    ``typed``: the objects that have record types.
    """
    people = any(one.person for one in schema.objects["Account"].record_types)
    hidden = {name: found for name, one in schema.objects.items() if (found := _hidden(one, people, name in typed))}
    if not hidden:
        return schema
    whole = [_without(one, hidden.get(one.name, frozenset())) for one in schema.objects.values()]
    kept = {
        one.name: getattr(schema, one.name)
        for one in fields(schema)
        if one.name not in ("objects", "settings") and not one.name.startswith("_")
    }
    return Schema.of(whole, schema.settings, **kept)


def _hidden(obj: SObject, people: bool, typed: bool) -> frozenset[str]:
    def gone(one: Field) -> bool:
        return (not people and (one.person or one.name == _PERSON)) or (not typed and one.name == "RecordTypeId")

    return frozenset(one.name for one in obj.fields if gone(one))


def _without(obj: SObject, names: frozenset[str]) -> SObject:
    return replace(obj, fields=tuple(one for one in obj.fields if one.name not in names)) if names else obj
