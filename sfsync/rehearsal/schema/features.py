"""What of the schema shows to anybody: fields of features that this org has not switched on are kept, but not seen.

Person accounts are on once the metadata has a record type for them. Source: wire reference 15, "People and access",
and recorded describes of orgs without them.
"""

from __future__ import annotations

from dataclasses import replace

from sfsync.rehearsal.schema.model import Schema, SObject

_PERSON = "IsPersonAccount"


def shown(schema: Schema) -> Schema:
    """The schema without the fields of absent features; the very same one if none is absent."""
    if any(one.person for one in schema.objects["Account"].record_types):
        return schema
    return schema.with_objects(_without_people(one) for one in schema.objects.values())


def _without_people(obj: SObject) -> SObject:
    left = tuple(one for one in obj.fields if not one.person and one.name != _PERSON)
    return obj if len(left) == len(obj.fields) else replace(obj, fields=left)
