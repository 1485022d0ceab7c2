"""Every request's way through the org: faults, session, version, media type, limits, then its handler.

Synchronous and free of sockets; the edge runs it in a worker thread.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

from sfsync.rehearsal import errors, formats
from sfsync.rehearsal.call import Body, Call, Reply, refusal, understood
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.sessions import bearer
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.faults import Fault
from sfsync.rehearsal.rest.composite import refused_envelope
from sfsync.rehearsal.rest.resources import check_version
from sfsync.rehearsal.routes import DATA, ROW_BODY, Route

log = logging.getLogger(__name__)
CONTROL = "/rehearsal/"
_BEFORE = ("latency", "clock_skew", "drop_before", "status", "limit", "expire_session")
_AFTER = ("drop_after", "truncate")
_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})
_UPLOAD = frozenset({"text/csv"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"
_NO_TYPE = (
    b"<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN(db=1703,api=LOGIN_OAUTH_INVALID_TOKEN)</faultcode>"
    b"<error>Failed: Invalid Token</error></response>"
)


@dataclass(frozen=True)
class Outcome:
    """What goes back: the reply, the Sforce-Limit-Info value, and what a fault does to the connection.

    ``breaks`` is None, ``drop`` (close without an answer) or ``truncate`` (close in the middle of it).
    """

    reply: Reply
    usage: str | None = None
    breaks: str | None = None


def answer(context: Context, call: Call, subject: str) -> Outcome:
    """Answers a call. ``subject`` is ``METHOD path?query``, what fault patterns are matched with."""
    faulty = not call.path.startswith(CONTROL)
    hits = context.faults.strike(subject, _BEFORE) if faulty else []
    for hit in hits:
        time.sleep(hit.ms / 1000 if hit.kind == "latency" else 0)
        if hit.kind == "drop_before":
            return Outcome(Reply(), breaks="drop")
        if hit.kind == "status":
            return Outcome(_ordered(hit))
        if hit.kind == "limit":
            return Outcome(_ordered(replace(hit, status=403, body=None)))
        if hit.kind == "clock_skew":
            _skew(context, hit.ms)
        if hit.kind == "expire_session":
            context.sessions.revoke(call.header("X-SFDC-Session") or bearer(call.header("Authorization")))
    outcome = _handled(context, call)
    after = context.faults.strike(subject, _AFTER) if faulty else []
    if not after:
        return outcome
    return replace(outcome, breaks="drop" if after[0].kind == "drop_after" else "truncate")


def _skew(context: Context, millis: int) -> None:
    context.org.clock.advance(millis / 1000)
    context.org.save_clock()


def _ordered(fault: Fault) -> Reply:
    """The answer a ``status`` fault asks for; without a body, the vendor's own for that status."""
    if isinstance(fault.body, str):
        return Reply(fault.status, text=fault.body.encode(), media="text/html;charset=UTF-8", headers=fault.headers)
    body = fault.body if fault.body is not None else [_usual(fault.status).body()]
    return Reply(fault.status, body, headers=fault.headers)


def _usual(status: int) -> OrgError:
    usual = {401: errors.session_expired, 403: errors.request_limit, 404: errors.not_found}
    if status in usual:
        return usual[status]()
    return errors.server_unavailable() if status == 503 else errors.unknown_exception(_error_id())


def _error_id() -> str:
    return f"{secrets.randbelow(10**9)}-{secrets.randbelow(10**6)} ({-secrets.randbelow(10**9)})"


def _handled(context: Context, call: Call) -> Outcome:
    usage, kind = None, ""
    try:
        route, call = _admit(context, call)
        kind = route.kind
        if route.pattern.startswith(DATA):
            with understood():
                reply = _data(context, route, call)
            return Outcome(formats.written(call, kind, reply), context.limits.usage())
        with understood():
            reply = route.handler(context, call)
    except OrgError as error:
        reply = refused_envelope(error) or refusal(error, call.base)
        usage = context.limits.usage() if call.path.startswith("/services/data/v") else None
    except Exception:
        log.exception("call.failed method=%s", call.method)
        reply = refusal(errors.unknown_exception(_error_id()))
    return Outcome(formats.written(call, kind, reply), usage)


def _data(context: Context, route: Route, call: Call) -> Reply:
    """A call of the REST API: its version, its body's media type, its price, then its handler."""
    check_version(call.version)
    untyped = _check_media(route, call)
    if untyped is not None:
        return untyped
    _spend(context, route)
    with context.org.acting(call.session.user_id if call.session else None):
        return route.handler(context, _plain_body(call))


def _plain_body(call: Call) -> Call:
    """The call with its body as handlers take it: JSON in UTF-8. OrgError for one that cannot be made so."""
    media, _, more = call.header("Content-Type").partition(";")
    if call.method not in _WITH_BODY or media.strip().lower() not in ROW_BODY:
        return call
    if media.strip().lower() == "application/xml":
        return replace(call, body=Body(value=formats.row(call.body.read())))
    charset = _CHARSET.search(more)
    if charset is None or charset[1].lower() in ("utf-8", "utf8"):
        return call
    try:
        text = call.body.read().decode(charset[1])
    except (LookupError, UnicodeDecodeError) as error:
        raise errors.unsupported_media_type(call.header("Content-Type")) from error
    return replace(call, body=Body(BytesIO(text.encode())))


def _admit(context: Context, call: Call) -> tuple[Route, Call]:
    """The route and the call with its session. Without a valid token nobody learns which paths exist."""
    method = call.method
    if method == "POST" and "_HttpMethod" in call.params:
        method = call.params["_HttpMethod"].upper()
    missing: OrgError | None = None
    route, args = None, {}
    try:
        route, found = context.table.find(method, call.path)
        args = dict(found)
    except OrgError as error:
        missing = error
    session = None if route is not None and route.open else _session(context, call)
    if route is None:
        raise missing or errors.not_found()
    return route, replace(call, method=method, args=args, session=session)


def _session(context: Context, call: Call) -> Any:
    return context.sessions.check(bearer(call.header("Authorization")))


def _spend(context: Context, route: Route) -> None:
    if route.counted:
        context.limits.spend(route.kind)


def _check_media(route: Route, call: Call) -> Reply | None:
    """The body's media type. OrgError 415; a body of no type at all is taken for an odd login (wire reference 2.3)."""
    if call.method not in _WITH_BODY:
        return None
    media = call.header("Content-Type").partition(";")[0].strip().lower()
    if media in (_UPLOAD if route.kind == "bulk.ingest.upload" else route.takes):
        return None
    if media in ("", _FORM):
        if call.body.is_empty():
            raise errors.body_required()
        return Reply(401, text=_NO_TYPE, media="text/html; charset=UTF-8", headers={"Sfdc-OAuth-Error": "1703"})
    raise errors.unsupported_media_type(media)
