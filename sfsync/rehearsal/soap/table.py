"""Routes of the SOAP endpoints."""

from __future__ import annotations

from sfsync.rehearsal.routes import Route, free
from sfsync.rehearsal.soap import login, metadata, partner
from sfsync.rehearsal.soap.envelope import ENTERPRISE, METADATA, PARTNER, Operation, endpoint

_OPEN = frozenset({"login"})
ENTRY: dict[str, Operation] = {"login": login.login, "logout": login.logout}


def routes() -> list[Route]:
    """Sessions come in the message's header, so the edge asks for none; what follows a version is for show."""
    handler = endpoint(PARTNER, ENTRY | partner.OPERATIONS, open_=_OPEN)
    enterprise = endpoint(ENTERPRISE, ENTRY | partner.ENTERPRISE_OPERATIONS, open_=_OPEN)
    deploys = endpoint(METADATA, metadata.OPERATIONS, uncounted=metadata.FREE)
    return [
        free("POST", "/services/Soap/u/{version}", "soap", handler, open_=True),
        free("POST", "/services/Soap/u/{version}/{rest*}", "soap", handler, open_=True),
        free("POST", "/services/Soap/c/{version}", "soap.enterprise", enterprise, open_=True),
        free("POST", "/services/Soap/c/{version}/{rest*}", "soap.enterprise", enterprise, open_=True),
        free("POST", "/services/Soap/m/{version}", "metadata", deploys, open_=True),
        free("POST", "/services/Soap/m/{version}/{rest*}", "metadata", deploys, open_=True),
    ]
