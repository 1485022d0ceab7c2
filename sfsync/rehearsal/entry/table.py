"""Routes of the ways in."""

from __future__ import annotations

from sfsync.rehearsal.entry import identity, oauth, web
from sfsync.rehearsal.routes import Route, free


def routes() -> list[Route]:
    return [
        free("POST", "/services/oauth2/token", "oauth.token", oauth.token, open_=True),
        free("GET", "/services/oauth2/token", "oauth.token", oauth.token, open_=True),
        free("POST", "/services/oauth2/introspect", "oauth.introspect", oauth.introspect, open_=True),
        free("GET", "/services/oauth2/authorize", "oauth.authorize", web.authorize, open_=True),
        free("GET", "/services/oauth2/revoke", "oauth.revoke", oauth.revoke, open_=True),
        free("POST", "/services/oauth2/revoke", "oauth.revoke", oauth.revoke, open_=True),
        free("GET", "/services/oauth2/userinfo", "oauth.userinfo", identity.userinfo, open_=True),
        free("POST", "/services/oauth2/userinfo", "oauth.userinfo", identity.userinfo, open_=True),
        free("GET", "/id/{org}/{user}", "oauth.identity", identity.identity, open_=True),
    ]
