"""Routes of the SOAP endpoints."""

from __future__ import annotations

from sfsync.rehearsal.routes import Route, free
from sfsync.rehearsal.soap import login
from sfsync.rehearsal.soap.envelope import PARTNER, Operation, endpoint

_OPEN = frozenset({"login"})
_PARTNER: dict[str, Operation] = {"login": login.login, "logout": login.logout}


def routes() -> list[Route]:
    """Sessions come in the message's header, so the edge asks for none."""
    partner = endpoint(PARTNER, _PARTNER, open_=_OPEN)
    return [
        free("POST", "/services/Soap/u/{version}", "soap", partner, open_=True),
        free("POST", "/services/Soap/u/{version}/{org}", "soap", partner, open_=True),
    ]
