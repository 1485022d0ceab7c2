"""Resources that came with a later API version: below it they are not there."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call

# Source: vendor, the pages of each resource.
BATCH, TREE, COMPOSITE, COLLECTIONS, COLLECTIONS_UPSERT, GRAPH = 34, 34, 38, 42, 46, 50


def check_since(call: Call, version: int) -> None:
    """OrgError NOT_FOUND for a call of an earlier version."""
    if float(call.version) < version:
        raise errors.not_found()
