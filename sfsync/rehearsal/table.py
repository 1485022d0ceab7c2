"""All routes of the rehearsal org, in the order in which they are tried."""

from __future__ import annotations

from sfsync.rehearsal import (
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    control,
    coverage,
    oauth,
    query,
    records,
    rest,
    soap,
)
from sfsync.rehearsal.composite import BATCH, COMPOSITE
from sfsync.rehearsal.routes import DATA, Handler, Route, Table

_BOTH = frozenset({COMPOSITE, BATCH})
_ONLY_COMPOSITE = frozenset({COMPOSITE})


def build() -> Table:
    """The route table."""
    return Table([*_entry(), *_about(), *_queries(), *_composites(), *_rows(), *_bulk(), *_control()])


def _data(method: str, path: str, kind: str, handler: Handler, **more: object) -> Route:
    return Route(method, DATA + path, kind, handler, **more)  # type: ignore[arg-type]


def _free(method: str, path: str, kind: str, handler: Handler, *, open_: bool) -> Route:
    return Route(method, path, kind, handler, counted=False, open=open_)


def _entry() -> list[Route]:
    return [
        _free("GET", "/services/data", "versions", rest.versions, open_=True),
        _free("POST", "/services/oauth2/token", "oauth.token", oauth.token, open_=True),
        _free("GET", "/services/oauth2/revoke", "oauth.revoke", oauth.revoke, open_=True),
        _free("POST", "/services/oauth2/revoke", "oauth.revoke", oauth.revoke, open_=True),
        _free("GET", "/services/oauth2/userinfo", "oauth.userinfo", oauth.userinfo, open_=False),
        _free("GET", "/id/{org}/{user}", "oauth.identity", oauth.identity, open_=False),
        _free("POST", "/services/Soap/u/{version}", "soap.login", soap.login, open_=True),
    ]


def _about() -> list[Route]:
    return [
        _data("GET", "", "resources", rest.resources, within=_BOTH),
        _data("GET", "/limits", "limits", rest.limits, within=_BOTH),
        _data("GET", "/limits/recordCount", "limits.recordCount", rest.record_count, within=_BOTH),
        _data("GET", "/sobjects", "describe.global", rest.describe_global, within=_BOTH),
        _data("GET", "/sobjects/{object}/describe", "describe", rest.describe, within=_BOTH),
    ]


def _queries() -> list[Route]:
    return [
        _data("GET", "/query", "query", query.query, within=_BOTH, heavy=True),
        _data("GET", "/queryAll", "queryAll", query.query_all, within=_BOTH, heavy=True),
        _data("GET", "/query/{locator}", "queryMore", query.more, within=_BOTH, heavy=True),
        _data("GET", "/queryAll/{locator}", "queryMore", query.more, within=_BOTH, heavy=True),
    ]


def _composites() -> list[Route]:
    heavy = {"within": _ONLY_COMPOSITE, "heavy": True}
    one = "/composite/sobjects/{object}"
    return [
        _data("GET", "/composite", "composite.resources", rest.composite_resources),
        _data("POST", "/composite", "composite", composite.composite),
        _data("POST", "/composite/batch", "composite.batch", composite.batch),
        _data("POST", "/composite/sobjects", "collections.create", collections.create, **heavy),
        _data("PATCH", "/composite/sobjects", "collections.update", collections.update, **heavy),
        _data("DELETE", "/composite/sobjects", "collections.delete", collections.delete, **heavy),
        _data("GET", one, "collections.retrieve", collections.retrieve, **heavy),
        _data("POST", one, "collections.retrieve", collections.retrieve_many, **heavy),
        _data("PATCH", one + "/{field}", "collections.upsert", collections.upsert, **heavy),
    ]


def _rows() -> list[Route]:
    one, by_id, by_field = "/sobjects/{object}", "/sobjects/{object}/{id}", "/sobjects/{object}/{field}/{value}"
    return [
        _data("GET", one, "describe.basic", rest.basic, within=_BOTH),
        _data("POST", one, "create", records.create, within=_BOTH),
        _data("GET", by_id, "retrieve", records.read, within=_BOTH),
        _data("PATCH", by_id, "update", records.update, within=_BOTH),
        _data("DELETE", by_id, "delete", records.delete, within=_BOTH),
        _data("POST", by_id, "create", records.create_by_id, within=_BOTH),
        _data("GET", by_field, "retrieve", records.read_by, within=_BOTH),
        _data("PATCH", by_field, "upsert", records.upsert, within=_BOTH),
        _data("DELETE", by_field, "delete", records.delete_by, within=_BOTH),
    ]


def _bulk() -> list[Route]:
    load, ask = "/jobs/ingest", "/jobs/query"
    return [
        _data("GET", load, "bulk.ingest.list", bulk_ingest.list_all),
        _data("POST", load, "bulk.ingest.create", bulk_ingest.create),
        _data("GET", load + "/{id}", "bulk.ingest.poll", bulk_ingest.read),
        _data("PATCH", load + "/{id}", "bulk.ingest.change", bulk_ingest.change),
        _data("DELETE", load + "/{id}", "bulk.ingest.delete", bulk_ingest.delete),
        _data("PUT", load + "/{id}/batches", "bulk.ingest.upload", bulk_ingest.upload),
        _data("GET", load + "/{id}/successfulResults", "bulk.ingest.results", bulk_ingest.successful),
        _data("GET", load + "/{id}/failedResults", "bulk.ingest.results", bulk_ingest.failed),
        _data("GET", load + "/{id}/unprocessedrecords", "bulk.ingest.results", bulk_ingest.unprocessed),
        _data("GET", ask, "bulk.query.list", bulk_query.list_all),
        _data("POST", ask, "bulk.query.create", bulk_query.create),
        _data("GET", ask + "/{id}", "bulk.query.poll", bulk_query.read),
        _data("PATCH", ask + "/{id}", "bulk.query.change", bulk_query.change),
        _data("DELETE", ask + "/{id}", "bulk.query.delete", bulk_query.delete),
        _data("GET", ask + "/{id}/results", "bulk.query.results", bulk_query.results),
        _data("GET", ask + "/{id}/resultPages", "bulk.query.pages", bulk_query.result_pages),
    ]


def _control() -> list[Route]:
    routes = [
        _free(method, f"/rehearsal/{path}", "control", handler, open_=False)
        for (method, path), handler in control.HANDLERS.items()
    ]
    return [*routes, _free("GET", "/rehearsal/coverage", "control", coverage.coverage, open_=False)]
