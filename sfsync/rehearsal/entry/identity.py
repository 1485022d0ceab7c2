"""Who the caller is: userinfo and the identity URL, with the keys an org shows (wire reference 2.1).

Both say in one word of plain text why they refuse, and take the token as a parameter too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import JSON_MEDIA, Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.sessions import Session, bearer
from sfsync.rehearsal.formats import XML, XML_MEDIA, document

_PLAIN = "text/plain;charset=UTF-8"
_SOAP = {"enterprise": "c", "metadata": "m", "partner": "u"}
_REST = ("sobjects", "search", "query", "recent")
_FEEDS = ("feeds", "groups", "users", "feed-items", "feed-elements")


def url(site: str, org_id: str, user_id: str) -> str:
    """The identity URL of a user."""
    return f"{site}/id/{org_id}/{user_id}"


def _session(context: Context, call: Call) -> Session | Reply:
    token = bearer(call.header("Authorization")) or call.params.get("oauth_token") or call.params.get("access_token")
    if not token:
        return _refused(403, "Missing_OAuth_Token")
    try:
        return context.sessions.check(token)
    except errors.OrgError:
        return _refused(403, "Bad_OAuth_Token")


def _refused(status: int, word: str) -> Reply:
    return Reply(status, text=word.encode(), media=_PLAIN)


def userinfo(context: Context, call: Call) -> Reply:
    """GET or POST /services/oauth2/userinfo"""
    session = _session(context, call)
    if isinstance(session, Reply):
        return session
    user, site, org_id = _user(context, session.user_id), context.site(call), context.org.org_id
    body = {
        "sub": url(site, org_id, session.user_id),
        "user_id": session.user_id,
        "organization_id": org_id,
        "preferred_username": user["Username"],
        "nickname": _nick(user),
        "name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "given_name": user.get("FirstName"),
        "family_name": user.get("LastName"),
        "zoneinfo": _zone(user),
        "photos": _photos(site),
        "profile": f"{site}/{session.user_id}",
        "picture": _photos(site)["picture"],
        "address": _address(user),
        "is_salesforce_integration_user": False,
        "urls": _urls(site, org_id, session.user_id),
        "active": bool(user.get("IsActive", True)),
        "user_type": "STANDARD",
        "language": user.get("LanguageLocaleKey") or "en_US",
        "locale": user.get("LocaleSidKey") or "en_US",
        "utcOffset": _offset(_zone(user)),
        "updated_at": (user.get("LastModifiedDate") or "").replace(".000+0000", "Z"),
    }
    return _written(call, "user", body)


def identity(context: Context, call: Call) -> Reply:
    """GET /id/{org}/{user}?format=json|xml|urlencoded"""
    session = _session(context, call)
    if isinstance(session, Reply):
        return session
    if call.args["org"][:15] != context.org.org_id[:15]:
        return _refused(403, "Wrong_Org")
    if call.args["user"][:15] != session.user_id[:15]:
        return _refused(404, "Bad_Id")
    return _written(call, "user", _identity(context, session.user_id, context.site(call)))


def _identity(context: Context, user_id: str, site: str) -> dict[str, Any]:
    user, org_id = _user(context, user_id), context.org.org_id
    return {
        "id": url(site, org_id, user_id),
        "asserted_user": True,
        "user_id": user_id,
        "organization_id": org_id,
        "username": user["Username"],
        "nick_name": _nick(user),
        "display_name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "first_name": user.get("FirstName"),
        "last_name": user.get("LastName"),
        "timezone": _zone(user),
        "photos": _photos(site),
        "addr_street": user.get("Street"),
        "addr_city": user.get("City"),
        "addr_state": user.get("State"),
        "addr_country": user.get("Country"),
        "addr_zip": user.get("PostalCode"),
        "mobile_phone": user.get("MobilePhone"),
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        "urls": _urls(site, org_id, user_id),
        "active": bool(user.get("IsActive", True)),
        "user_type": "STANDARD",
        "language": user.get("LanguageLocaleKey") or "en_US",
        "locale": user.get("LocaleSidKey") or "en_US",
        "utcOffset": _offset(_zone(user)),
        "last_modified_date": user.get("LastModifiedDate"),
        "is_app_installed": True,
    }


def _user(context: Context, user_id: str) -> dict[str, Any]:
    row: dict[str, Any] = context.org.retrieve("User", user_id)
    return row


def _nick(user: dict[str, Any]) -> str:
    return str(user.get("CommunityNickname") or user.get("Alias") or user["Username"])


def _zone(user: dict[str, Any]) -> str:
    return str(user.get("TimeZoneSidKey") or "GMT")


def _offset(zone: str) -> int:
    """Milliseconds east of UTC, summer time left out, as the vendor shows it."""
    try:
        now = datetime.now(UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    offset, summer = now.utcoffset(), now.dst()
    seconds = (offset.total_seconds() if offset else 0) - (summer.total_seconds() if summer else 0)
    return int(seconds * 1000)


def _photos(site: str) -> dict[str, str]:
    return {"picture": f"{site}/profilephoto/005/F", "thumbnail": f"{site}/profilephoto/005/T"}


def _address(user: dict[str, Any]) -> dict[str, str]:
    parts = {"street_address": "Street", "locality": "City", "region": "State", "postal_code": "PostalCode"}
    found = {name: user.get(field) for name, field in {**parts, "country": "Country"}.items()}
    return {name: value for name, value in found.items() if value}


def _urls(site: str, org_id: str, user_id: str) -> dict[str, str]:
    soap, rest = f"{site}/services/Soap", f"{site}/services/data/v{{version}}/"
    found = {name: f"{soap}/{letter}/{{version}}/{org_id[:15]}" for name, letter in _SOAP.items()}
    found["rest"] = rest
    found |= {name: f"{rest}{name}/" for name in _REST}
    found["tooling_soap"] = f"{soap}/T/{{version}}/{org_id[:15]}"
    found["tooling_rest"] = f"{rest}tooling/"
    found["profile"] = f"{site}/{user_id}"
    found |= {name.replace("-", "_"): f"{rest}chatter/{name}" for name in _FEEDS}
    found["custom_domain"] = site
    return found


def _written(call: Call, root: str, body: dict[str, Any]) -> Reply:
    form = call.params.get("format", call.format).lower()
    if form == XML:
        return Reply(200, text=document(root, body), media=XML_MEDIA)
    if form == "urlencoded":
        return Reply(200, text=urlencode(_flat(body)).encode(), media="application/x-www-form-urlencoded")
    return Reply(200, body, media=JSON_MEDIA)


def _flat(body: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested names joined by a dot; nulls left out."""
    found: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            found[prefix + name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found
