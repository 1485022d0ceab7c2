"""What a batch costs in API calls, from the same numbers its writer works with."""

from __future__ import annotations

from sfsync.sides.salesforce import collections, lanes, soql
from sfsync.sides.salesforce.frames import View
from sfsync.sides.salesforce.query import TOGETHER
from sfsync.sides.salesforce.ways import Ways

IN_COLLECTIONS = collections.ROUNDS[0] * collections.TOGETHER  # rows of one call
JOB_CALLS = 6  # create, upload, start, two looks, results; refused and unprocessed rows would be two more
_ID = len(soql.encoded(soql.quote("0" * 15))) + len(soql.encoded(","))


def cost(view: View, ways: Ways, kind: str, rows: int) -> dict[str, int]:
    """Calls by way for one batch of ``rows`` records."""
    in_collections = rows <= ways.small_rows or view.mapping.salesforce.auto_assign
    return {
        "check": 0 if kind == "create" else fetch(view, rows),
        "collections": -(-rows // IN_COLLECTIONS) if in_collections else 0,
        "bulk": 0 if in_collections else JOB_CALLS * -(-rows // lanes.JOB_ROWS),
        "settle": 0 if kind == "delete" else fetch(view, rows),
    }


def fetch(view: View, rows: int) -> int:
    """Calls that read so many records by id."""
    room = soql.URL_CHARS - len(soql.encoded(soql.select(view.selected, view.info.name, "()")))
    asks = -(-rows // min(max(room, 1_000) // _ID, view.info.page_rows(view.paths)))
    return -(-asks // TOGETHER)
