"""The OAuth endpoints: token (JWT bearer, client credentials, password, refresh), revoke, userinfo, identity.

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
from urllib.parse import parse_qsl

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import jwt

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
_NO_STORE = {"Cache-Control": "no-store"}
Form = Mapping[str, str]


class Denied(Exception):
    """A refused login: ``error`` and ``description`` of the answer."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def _same(given: str | None, known: str) -> bool:
    return hmac.compare_digest((given or "").encode(), known.encode())


def token(context: Context, call: Call) -> Reply:
    """POST /services/oauth2/token"""
    form = dict(parse_qsl(call.body.read().decode("utf-8", "replace"), keep_blank_values=True))
    grant = _GRANTS.get(form.get("grant_type", ""), _unsupported)
    try:
        return Reply(200, grant(context, call, form), headers=_NO_STORE)
    except Denied as denied:
        body = {"error": denied.error, "error_description": denied.description}
        return Reply(400, body, headers=_NO_STORE)


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
    if str(found.get("aud", "")).rstrip("/") not in {*LOGIN_HOSTS, context.instance_url}:
        raise Denied("invalid_grant", "audience is invalid")
    _check_subject(context, str(found.get("sub", "")))
    return _grant(context, "jwt-bearer", scope=True)


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
    _client(context, call, form, secret_needed=True)
    return _signed(context, _grant(context, "client_credentials", scope=True))


def _password(context: Context, call: Call, form: Form) -> dict[str, Any]:
    _client(context, call, form, secret_needed=True)
    if not password_fits(context, form.get("username", ""), form.get("password", "")):
        raise Denied("invalid_grant", "authentication failure")
    return _signed(context, _grant(context, "password"))


def _unsupported(context: Context, call: Call, form: Form) -> dict[str, Any]:
    raise Denied("unsupported_grant_type", "grant type not supported")


def _refresh(context: Context, call: Call, form: Form) -> dict[str, Any]:
    _client(context, call, form, secret_needed=False)
    if not _same(form.get("refresh_token"), context.credentials.refresh_token):
        raise Denied("invalid_grant", "expired access/refresh token")
    return _signed(context, _grant(context, "refresh_token", scope=True))


_GRANTS: dict[str, Callable[[Context, Call, Form], dict[str, Any]]] = {
    JWT_BEARER: _jwt_bearer,
    "client_credentials": _client_credentials,
    "password": _password,
    "refresh_token": _refresh,
}


def password_fits(context: Context, username: str, password: str) -> bool:
    """The password alone, or with the security token behind it, as clients outside trusted ranges send it."""
    known = context.credentials
    user_fits = _same(username.lower(), known.username.lower())
    plain = _same(password, known.password)
    with_token = _same(password, known.password + known.security_token)
    return user_fits and (plain or with_token)


def _grant(context: Context, origin: str, *, scope: bool = False) -> dict[str, Any]:
    answer = {"access_token": context.sessions.open(context.org.user_id, origin)}
    if scope:
        answer["scope"] = "id api web refresh_token"
    answer["instance_url"] = context.instance_url
    answer["id"] = _identity_url(context)
    answer["token_type"] = "Bearer"  # noqa: S105  (a word of the protocol)
    return answer


def _signed(context: Context, answer: dict[str, Any]) -> dict[str, Any]:
    issued_at = str(int(time.time() * 1000))
    mac = hmac.new(context.credentials.consumer_secret.encode(), (answer["id"] + issued_at).encode(), hashlib.sha256)
    return {**answer, "issued_at": issued_at, "signature": base64.b64encode(mac.digest()).decode()}


def _identity_url(context: Context) -> str:
    return f"{context.instance_url}/id/{context.org.org_id}/{context.org.user_id}"


def revoke(context: Context, call: Call) -> Reply:
    """GET or POST /services/oauth2/revoke: ends a session."""
    form = dict(parse_qsl(call.body.read().decode("utf-8", "replace"))) if call.method == "POST" else call.params
    if context.sessions.revoke(form.get("token", "")):
        return nothing(200)
    return Reply(400, {"error": "invalid_token", "error_description": "invalid token"}, headers=_NO_STORE)


def userinfo(context: Context, call: Call) -> Reply:
    """GET /services/oauth2/userinfo"""
    user = _user(context)
    site, org_id = context.instance_url, context.org.org_id
    body = {
        "sub": _identity_url(context),
        "user_id": context.org.user_id,
        "organization_id": org_id,
        "preferred_username": context.org.username,
        "nickname": user.get("CommunityNickname") or user.get("Alias") or context.org.username,
        "name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "given_name": user.get("FirstName"),
        "family_name": user.get("LastName"),
        "zoneinfo": user.get("TimeZoneSidKey") or "Europe/Rome",
        "photos": {},
        "profile": f"{site}/{context.org.user_id}",
        "address": {},
        "is_salesforce_integration_user": True,
        "urls": _urls(site, org_id),
        "active": True,
        "user_type": "STANDARD",
        "language": user.get("LanguageLocaleKey") or "en_US",
        "locale": user.get("LocaleSidKey") or "en_US",
        "updated_at": (user.get("LastModifiedDate") or "").replace(".000+0000", "Z"),
    }
    return Reply(200, body)


def identity(context: Context, call: Call) -> Reply:
    """GET /id/{org}/{user}"""
    if call.args["org"][:15] != context.org.org_id[:15] or call.args["user"][:15] != context.org.user_id[:15]:
        raise errors.OrgError("Bad_Id", "Bad_Id", status=403)
    user = _user(context)
    body = {
        "id": _identity_url(context),
        "asserted_user": True,
        "user_id": context.org.user_id,
        "organization_id": context.org.org_id,
        "username": context.org.username,
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "first_name": user.get("FirstName"),
        "last_name": user.get("LastName"),
        "urls": _urls(context.instance_url, context.org.org_id),
        "active": True,
        "user_type": "STANDARD",
    }
    return Reply(200, body)


def _user(context: Context) -> dict[str, Any]:
    row: dict[str, Any] = context.org.retrieve("User", context.org.user_id)
    return row


def _urls(site: str, org_id: str) -> dict[str, str]:
    rest = f"{site}/services/data/v{{version}}/"
    return {
        "partner": f"{site}/services/Soap/u/{{version}}/{org_id[:15]}",
        "rest": rest,
        "sobjects": f"{rest}sobjects/",
        "query": f"{rest}query/",
        "custom_domain": site,
    }
