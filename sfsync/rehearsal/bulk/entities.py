"""What the Bulk APIs work on: every object but a few, known from the clients that read whole orgs."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.schema.model import Schema, SObject

# Of the objects of this org; the rows behind a status picklist of leads and the stages of deals are not among them.
_WITHOUT = frozenset({"CaseStatus", "RecentlyViewed", "TaskPriority", "TaskStatus"})


def entity(schema: Schema, name: str) -> SObject:
    """The object of a job. OrgError INVALIDENTITY (Bulk 1.0: InvalidEntity) for none, or one that has no bulk."""
    found = schema.find(name)
    if found is None or found.name in _WITHOUT:
        raise errors.invalid_entity(name)
    return found
