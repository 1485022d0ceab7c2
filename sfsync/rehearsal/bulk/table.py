"""Routes of the Bulk APIs."""

from __future__ import annotations

from sfsync.rehearsal.bulk import ingest, multipart, query, results
from sfsync.rehearsal.bulk.classic import table as classic
from sfsync.rehearsal.routes import JSON_BODY, Route, data


def routes() -> list[Route]:
    load, ask = "/jobs/ingest", "/jobs/query"
    return [
        data("GET", load, "bulk.ingest.list", ingest.list_all),
        data("POST", load, "bulk.ingest.create", ingest.create, takes=JSON_BODY | {multipart.MEDIA}),
        data("GET", load + "/{id}", "bulk.ingest.poll", ingest.read),
        data("PATCH", load + "/{id}", "bulk.ingest.change", ingest.change),
        data("DELETE", load + "/{id}", "bulk.ingest.delete", ingest.delete),
        data("PUT", load + "/{id}/batches", "bulk.ingest.upload", ingest.upload, takes=frozenset({"text/csv"})),
        data("GET", load + "/{id}/successfulResults", "bulk.ingest.results", results.successful),
        data("GET", load + "/{id}/failedResults", "bulk.ingest.results", results.failed),
        data("GET", load + "/{id}/unprocessedrecords", "bulk.ingest.results", results.unprocessed),
        data("GET", ask, "bulk.query.list", query.list_all),
        data("POST", ask, "bulk.query.create", query.create),
        data("GET", ask + "/{id}", "bulk.query.poll", query.read),
        data("PATCH", ask + "/{id}", "bulk.query.change", query.change),
        data("DELETE", ask + "/{id}", "bulk.query.delete", query.delete),
        data("GET", ask + "/{id}/results", "bulk.query.results", query.results),
        data("GET", ask + "/{id}/resultPages", "bulk.query.pages", query.result_pages),
        *classic.routes(),
    ]
