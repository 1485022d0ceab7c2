"""Routes of the metadata API, SOAP and REST."""

from __future__ import annotations

from sfsync.rehearsal.rest import deploys
from sfsync.rehearsal.routes import Route, data, free
from sfsync.rehearsal.soap import metadata
from sfsync.rehearsal.soap.envelope import METADATA, endpoint

_TAKES = frozenset({"application/json", "multipart/form-data"})


def routes() -> list[Route]:
    soap = endpoint(METADATA, metadata.OPERATIONS, uncounted=metadata.FREE)
    one = "/metadata/deployRequest/{id}"
    return [
        free("POST", "/services/Soap/m/{version}", "metadata", soap, open_=True),
        free("POST", "/services/Soap/m/{version}/{rest*}", "metadata", soap, open_=True),
        data("POST", "/metadata/deployRequest", "metadata.deploy", deploys.create, takes=_TAKES),
        data("GET", one, "metadata.checkDeployStatus", deploys.status, counted=False),
        data("PATCH", one, "metadata.cancelDeploy", deploys.cancel),
    ]
