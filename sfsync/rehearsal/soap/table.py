"""Routes of the SOAP endpoints."""

from __future__ import annotations

from sfsync.rehearsal.routes import Route, free
from sfsync.rehearsal.soap import login


def routes() -> list[Route]:
    return [free("POST", "/services/Soap/u/{version}", "soap.login", login.login, open_=True)]
