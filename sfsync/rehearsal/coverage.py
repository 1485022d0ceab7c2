"""What the rehearsal org answers, read off the route table, and what it knows that it does not."""

from __future__ import annotations

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context

# Resources of a real org that this one refuses with 404 NOT_FOUND.
NOT_ANSWERED = (
    "GET /services/data/v{version}/sobjects/{object}/updated",
    "GET /services/data/v{version}/sobjects/{object}/deleted",
    "GET /services/data/v{version}/sobjects/{object}/{id}/{relationship}",
    "GET /services/data/v{version}/recent",
    "GET /services/data/v{version}/search",
    "GET /services/data/v{version}/tooling",
    "GET /services/data/v{version}/query?explain",
    "POST /services/data/v{version}/composite/graph",
    "POST /services/data/v{version}/composite/tree/{object}",
    "POST /services/async/{version}/job (content types ZIP_CSV, ZIP_JSON, ZIP_XML; transformation specs)",
    "POST /services/Soap/u/{version} (all but login)",
    "POST /services/Soap/m/{version} (Apex, flows, custom settings and metadata types, profiles other than Admin)",
    "POST /services/Soap/m/{version} (kept without effect: layouts, tabs, list views, applications, labels, …)",
    "POST /services/Soap/m/{version} (of rules: matching methods other than Exact, milestone actions, case teams)",
    "POST /services/Soap/m/{version} (in formulas: $Setup, $Label, $CustomMetadata; $User in formula fields)",
    "GET /services/data/v{version}/sobjects/DuplicateRecordSet (rows made by duplicate rules that report)",
    "GET /cometd, Pub/Sub API (events)",
)


def coverage(context: Context, call: Call) -> Reply:
    """GET /rehearsal/coverage"""
    routes = [route for route in context.table.routes() if not route.pattern.startswith("/rehearsal")]
    answered = [
        {"method": route.method, "path": route.pattern, "kind": route.kind, "counted": route.counted}
        for route in routes
    ]
    return Reply(200, {"answered": answered, "not_answered": list(NOT_ANSWERED)})
