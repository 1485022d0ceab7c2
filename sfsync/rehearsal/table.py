"""All routes of the rehearsal org, in the order in which they are tried."""

from __future__ import annotations

from sfsync.rehearsal import control, coverage
from sfsync.rehearsal.bulk import table as bulk
from sfsync.rehearsal.entry import table as entry
from sfsync.rehearsal.rest import apex
from sfsync.rehearsal.rest import table as rest
from sfsync.rehearsal.routes import Route, Table, free
from sfsync.rehearsal.soap import table as soap


def build() -> Table:
    """The route table."""
    return Table(
        [
            *entry.routes(),
            *soap.routes(),
            *bulk.routes(),
            *rest.routes(),
            *apex.routes(),
            *_control(),
        ]
    )


def _control() -> list[Route]:
    routes = [
        free(method, f"/rehearsal/{path}", "control", handler, open_=False)
        for (method, path), handler in control.HANDLERS.items()
    ]
    return [*routes, free("GET", "/rehearsal/coverage", "control", coverage.coverage, open_=False)]
