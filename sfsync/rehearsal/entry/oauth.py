"""The OAuth endpoints: token (JWT bearer, client credentials, password, refresh, code), introspect, revoke.

Errors are HTTP 400 with ``error`` and ``error_description`` in the words of wire reference 2.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import identity, jwt, passwords, web
from sfsync.rehearsal.entry.denied import NO_STORE, Denied
from sfsync.rehearsal.formats import XML, XML_MEDIA, document

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
# The vendor's own command line, known to every org, without a secret; it may use a refresh token it was given.
PUBLIC_CLIENT = "PlatformCLI"
SCOPE = "id api web refresh_token"
_REVOKED = "refresh_revoked"
Form = Mapping[str, str]


def _same(given: str | None, known: str) -> bool:
    return hmac.compare_digest((given or "").encode(), known.encode())


def _form(call: Call) -> dict[str, str]:
    """Parameters of the address and of the body; the body's win."""
    text = call.body.read().decode("utf-8", "replace")
    return {**call.params, **dict(parse_qsl(text, keep_blank_values=True))}


def token(context: Context, call: Call) -> Reply:
    """POST /services/oauth2/token"""
    if call.method != "POST":
        return Denied("invalid_request", "must use HTTP POST").reply()
    form = _form(call)
    grant = GRANTS.get(form.get("grant_type", ""), _unsupported)
    try:
        return _written(form, Reply(200, grant(context, call, form), headers=NO_STORE))
    except Denied as denied:
        return _written(form, denied.reply())


def _written(form: Form, reply: Reply) -> Reply:
    """JSON unless ``format`` says xml or urlencoded."""
    wanted = form.get("format", "").lower()
    if wanted == XML:
        return Reply(reply.status, text=document("OAuth", reply.value), media=XML_MEDIA, headers=reply.headers)
    if wanted == "urlencoded":
        text = urlencode(reply.value).encode()
        return Reply(reply.status, text=text, media="application/x-www-form-urlencoded", headers=reply.headers)
    return reply


def _client(context: Context, call: Call, form: Form, *, secret_needed: bool) -> None:
    key, secret = _basic(call) or (form.get("client_id"), form.get("client_secret"))
    if not _same(key, context.credentials.consumer_key):
        raise Denied("invalid_client_id", "client identifier invalid")
    if (secret_needed or secret) and not _same(secret, context.credentials.consumer_secret):
        raise Denied("invalid_client", "invalid client credentials")


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, text = call.header("Authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(text).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Denied("invalid_client", "invalid client credentials") from error
    return key, secret


def _jwt_bearer(context: Context, call: Call, form: Form) -> dict[str, Any]:
    try:
        found = jwt.claims(form.get("assertion", ""), context.credentials.public_key())
        if not _same(str(found.get("iss", "")), context.credentials.consumer_key):
            raise Denied("invalid_client_id", "client identifier invalid")
        jwt.check_times(found)
    except jwt.Refused as refused:
        raise Denied("invalid_grant", refused.reason) from refused
    if str(found.get("aud", "")).rstrip("/") not in {*LOGIN_HOSTS, context.instance_url, context.https_url}:
        raise Denied("invalid_grant", "audience is invalid")
    _check_subject(context, str(found.get("sub", "")))
    return _grant(context, call, "jwt-bearer", scope=True)


def _check_subject(context: Context, username: str) -> None:
    """Only the integration user is approved for the connected app."""
    if username.lower() == context.org.username.lower():
        return
    try:
        user = context.org.retrieve_by("User", "Username", username, ["Id", "IsActive"])
    except errors.OrgError as error:
        raise Denied("invalid_grant", "user hasn't approved this consumer") from error
    if not user["IsActive"]:
        raise Denied("invalid_grant", "inactive user")
    raise Denied("invalid_grant", "user hasn't approved this consumer")


def _client_credentials(context: Context, call: Call, form: Form) -> dict[str, Any]:
    if f"https://{call.header('Host')}" in LOGIN_HOSTS:
        raise Denied("invalid_grant", "request not supported on this domain")
    _client(context, call, form, secret_needed=True)
    return _signed(context, _grant(context, call, "client_credentials", scope=True))


def _password(context: Context, call: Call, form: Form) -> dict[str, Any]:
    _client(context, call, form, secret_needed=True)
    user_id = whose(context, form.get("username", ""), form.get("password", ""))
    if user_id is None or passwords.expired(context.org, user_id):
        raise Denied("invalid_grant", "authentication failure")
    return _signed(context, _grant(context, call, "password", user_id=user_id))


def _unsupported(context: Context, call: Call, form: Form) -> dict[str, Any]:
    raise Denied("unsupported_grant_type", "grant type not supported")


def _refresh(context: Context, call: Call, form: Form) -> dict[str, Any]:
    if form.get("client_id") != PUBLIC_CLIENT:
        _client(context, call, form, secret_needed=False)
    if not _refresh_good(context, form.get("refresh_token")):
        raise Denied("invalid_grant", "expired access/refresh token")
    return _signed(context, _grant(context, call, "refresh_token", scope=True))


def _refresh_good(context: Context, given: str | None) -> bool:
    known = _same(given, context.credentials.refresh_token)
    return known and context.org.state_get(_REVOKED, "standing") is None


def _code(context: Context, call: Call, form: Form) -> dict[str, Any]:
    """The secret may be left out where a code verifier proves who asked."""
    _client(context, call, form, secret_needed="code_verifier" not in form)
    web.redeem(context, form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier"))
    answer = _signed(context, _grant(context, call, "authorization_code", scope=True))
    return {**answer, "refresh_token": context.credentials.refresh_token}


GRANTS: dict[str, Callable[[Context, Call, Form], dict[str, Any]]] = {
    JWT_BEARER: _jwt_bearer,
    "authorization_code": _code,
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
}


def whose(context: Context, username: str, password: str) -> str | None:
    """The id of the active user whose password this is, alone or with the security token behind it; None if nobody's.

    The integration user begins with the password of the ready line, others once one is set for them.
    """
    known = context.credentials
    if _same(username.lower(), known.username.lower()):
        fits = passwords.fits(context.org, context.org.user_id, password, known.password, known.security_token)
        return context.org.user_id if fits else None
    try:
        user = context.org.retrieve_by("User", "Username", username, ["Id", "IsActive"])
    except errors.OrgError:
        return None
    fits = passwords.fits(context.org, user["Id"], password, None)
    return str(user["Id"]) if fits and user["IsActive"] else None


def _grant(
    context: Context, call: Call, origin: str, *, scope: bool = False, user_id: str | None = None
) -> dict[str, Any]:
    user_id, site = user_id or context.org.user_id, context.site(call)
    answer = {"access_token": context.sessions.open(user_id, origin)}
    if scope:
        answer["scope"] = SCOPE
    answer["instance_url"] = site
    answer["id"] = identity.url(site, context.org.org_id, user_id)
    answer["token_type"] = "Bearer"  # noqa: S105  (a word of the protocol)
    return answer


def _signed(context: Context, answer: dict[str, Any]) -> dict[str, Any]:
    issued_at = str(int(time.time() * 1000))
    mac = hmac.new(context.credentials.consumer_secret.encode(), (answer["id"] + issued_at).encode(), hashlib.sha256)
    return {**answer, "issued_at": issued_at, "signature": base64.b64encode(mac.digest()).decode()}


# -- what becomes of a token ------------------------------------------------------------------------------


def introspect(context: Context, call: Call) -> Reply:
    """POST /services/oauth2/introspect: whether a token is good, whose, and for how long."""
    form = _form(call)
    try:
        _client(context, call, form, secret_needed=True)
    except Denied as denied:
        return denied.reply()
    given = form.get("token", "")
    if _refresh_good(context, given):
        return Reply(200, _shown(context, context.org.user_id, "refresh_token", None), headers=NO_STORE)
    session = context.sessions.look(given)
    if session is None:
        return Reply(200, {"active": False}, headers=NO_STORE)
    ends = None if session.idle_s is None else int(session.used_at + session.idle_s)
    return Reply(200, _shown(context, session.user_id, "access_token", ends), headers=NO_STORE)


def _shown(context: Context, user_id: str, kind: str, ends: int | None) -> dict[str, Any]:
    now = int(time.time())
    body = {
        "active": True,
        "scope": SCOPE,
        "client_id": context.credentials.consumer_key,
        "username": context.org.retrieve("User", user_id, ["Username"])["Username"],
        "sub": identity.url(context.instance_url, context.org.org_id, user_id),
        "token_type": kind,
        "iat": now,
        "nbf": now,
    }
    return body if ends is None else {**body, "exp": ends}


def revoke(context: Context, call: Call) -> Reply:
    """GET or POST /services/oauth2/revoke: ends a session, or the use of the refresh token."""
    given = _form(call).get("token", "")
    if _refresh_good(context, given):
        context.org.state_put(_REVOKED, "standing", {"revoked": True})
        return nothing(200)
    if context.sessions.revoke(given):
        return nothing(200)
    return Denied("invalid_token", "invalid token").reply()
