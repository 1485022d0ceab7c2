"""Routes of Bulk 1.0."""

from __future__ import annotations

from sfsync.rehearsal.bulk.classic import batches, orders
from sfsync.rehearsal.bulk.classic.edge import endpoint
from sfsync.rehearsal.routes import Handler, Route, free

ASYNC = "/services/async/{version}/job"


def routes() -> list[Route]:
    one, batch = "/{id}", "/{id}/batch/{batch}"
    return [
        _route("POST", "", "bulk1.job.create", orders.create),
        _route("GET", one, "bulk1.job.poll", orders.read),
        _route("POST", one, "bulk1.job.change", orders.change),
        _route("GET", one + "/spec", "bulk1.job.spec", orders.spec),
        _route("POST", one + "/spec", "bulk1.job.spec", orders.spec),
        _route("GET", one + "/batch", "bulk1.batch.list", batches.list_all),
        _route("POST", one + "/batch", "bulk1.batch.create", batches.add),
        _route("GET", batch, "bulk1.batch.poll", batches.read_batch),
        _route("GET", batch + "/request", "bulk1.batch.request", batches.request),
        _route("GET", batch + "/result", "bulk1.batch.result", batches.result),
        _route("GET", batch + "/result/{result}", "bulk1.batch.rows", batches.rows),
    ]


def _route(method: str, path: str, kind: str, handler: Handler) -> Route:
    """The session comes in this API's own header, so the gate asks for none."""
    return free(method, ASYNC + path, kind, endpoint(kind, handler), open_=True)
