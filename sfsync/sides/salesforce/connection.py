"""simple-salesforce and requests, set up the way sfsync needs them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce as SimpleSalesforce

from sfsync.sides.salesforce.login import Grant


class Connection(SimpleSalesforce):
    """simple-salesforce bound to a grant, with its addresses on the scheme the instance really has."""

    def __init__(self, grant: Grant, version: str, http: requests.Session) -> None:
        super().__init__(session_id=grant.token, instance_url=grant.instance_url, version=version, session=http)
        for name in ("base_url", "apex_url", "bulk_url", "bulk2_url", "metadata_url", "tooling_url", "oauth2_url"):
            path = urlsplit(getattr(self, name)).path
            setattr(self, name, grant.instance_url.rstrip("/") + path)


class Http(requests.Session):
    """A requests session with a default time-out, no redirects and no .netrc (it would replace our token)."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self.auth = lambda request: request
        self._timeout = (min(30.0, timeout_s), timeout_s)
        pool = requests.adapters.HTTPAdapter(pool_maxsize=16)
        self.mount("https://", pool)
        self.mount("http://", pool)

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs.setdefault("timeout", self._timeout)
        kwargs["allow_redirects"] = False
        return super().request(method, url, **kwargs)
