"""Routes of the REST API, in the order in which they are tried."""

from __future__ import annotations

from sfsync.rehearsal.rest import (
    actions,
    approvals,
    batch,
    changes,
    collections,
    composite,
    deploys,
    describe,
    graph,
    keyed,
    password,
    query,
    recent,
    records,
    search,
    tree,
    ui_api,
)
from sfsync.rehearsal.rest import resources as rest
from sfsync.rehearsal.routes import BOTH, ONLY_COMPOSITE, ROW_BODY, Route, data, free

_PACKAGE = frozenset({"application/json", "multipart/form-data"})


def routes() -> list[Route]:
    processes = [*approvals.routes(), *actions.routes()]
    return [*_about(), *_queries(), *_composites(), *_deploys(), *processes, *_rows()]


def _about() -> list[Route]:
    return [
        free("GET", "/services/data", "versions", rest.versions, open_=True),
        data("GET", "", "resources", rest.resources, within=BOTH),
        data("GET", "/limits", "limits", rest.limits, within=BOTH),
        data("GET", "/limits/recordCount", "limits.recordCount", rest.record_count, within=BOTH),
        data("GET", "/tabs", "tabs", rest.tabs, within=BOTH),
        data("GET", "/theme", "theme", rest.theme, within=BOTH),
        data("GET", "/recent", "recent", recent.recent, within=BOTH),
        *describe.routes(),
        *ui_api.routes(),
    ]


def _queries() -> list[Route]:
    return [
        data("GET", "/query", "query", query.query, within=BOTH, heavy=True),
        data("GET", "/queryAll", "queryAll", query.query_all, within=BOTH, heavy=True),
        data("GET", "/query/{locator}", "queryMore", query.more, within=BOTH, heavy=True),
        data("GET", "/queryAll/{locator}", "queryMore", query.more, within=BOTH, heavy=True),
        data("GET", "/search", "search", search.search, within=BOTH),
        data("GET", "/parameterizedSearch", "parameterizedSearch", search.parameterized, within=BOTH),
        data("POST", "/parameterizedSearch", "parameterizedSearch", search.parameterized, within=BOTH),
    ]


def _deploys() -> list[Route]:
    one = "/metadata/deployRequest/{id}"
    return [
        data("POST", "/metadata/deployRequest", "metadata.deploy", deploys.create, takes=_PACKAGE),
        data("GET", one, "metadata.checkDeployStatus", deploys.status, counted=False),
        data("PATCH", one, "metadata.cancelDeploy", deploys.cancel),
    ]


def _composites() -> list[Route]:
    heavy = {"within": ONLY_COMPOSITE, "heavy": True}
    one = "/composite/sobjects/{object}"
    return [
        data("GET", "/composite", "composite.resources", rest.composite_resources),
        data("POST", "/composite", "composite", composite.composite),
        data("POST", "/composite/batch", "composite.batch", batch.batch),
        data("POST", "/composite/graph", "composite.graph", graph.graph),
        data("POST", "/composite/tree/{object}", "composite.tree", tree.tree),
        data("POST", "/composite/sobjects", "collections.create", collections.create, **heavy),
        data("PATCH", "/composite/sobjects", "collections.update", collections.update, **heavy),
        data("DELETE", "/composite/sobjects", "collections.delete", collections.delete, **heavy),
        data("GET", one, "collections.retrieve", collections.retrieve, **heavy),
        data("POST", one, "collections.retrieve", collections.retrieve_many, **heavy),
        data("PATCH", one + "/{field}", "collections.upsert", collections.upsert, **heavy),
    ]


def _rows() -> list[Route]:
    one, by_id, by_field = "/sobjects/{object}", "/sobjects/{object}/{id}", "/sobjects/{object}/{field}/{value}"
    row = {"within": BOTH, "takes": ROW_BODY}
    return [
        data("POST", one, "create", records.create, **row),
        data("GET", f"{one}/updated", "updated", changes.updated, within=BOTH),
        data("GET", f"{one}/deleted", "deleted", changes.deleted, within=BOTH),
        *_passwords("/sobjects/User/{id}/password"),
        data("GET", by_id, "retrieve", records.read, within=BOTH),
        data("PATCH", by_id, "update", records.update, **row),
        data("DELETE", by_id, "delete", records.delete, within=BOTH),
        data("POST", by_id, "create", keyed.create_by_id, **row),
        data("GET", by_field, "retrieve", keyed.read_by, within=BOTH),
        data("PATCH", by_field, "upsert", keyed.upsert, **row),
        data("DELETE", by_field, "delete", keyed.delete_by, within=BOTH),
        *_paths(by_field + "/{path*}"),
    ]


def _passwords(path: str) -> list[Route]:
    return [
        data("GET", path, "password", password.status),
        data("POST", path, "password", password.change),
        data("DELETE", path, "password", password.reset),
    ]


def _paths(deeper: str) -> list[Route]:
    """Relationship paths of two steps and more."""
    return [
        data("GET", deeper, "retrieve", keyed.related, within=BOTH),
        data("PATCH", deeper, "update", keyed.related, within=BOTH, takes=ROW_BODY),
        data("DELETE", deeper, "delete", keyed.related, within=BOTH),
    ]
