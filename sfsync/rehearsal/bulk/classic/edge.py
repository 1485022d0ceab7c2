"""The way into Bulk 1.0: its own session header, its own errors (wire reference 2.3, 13).

Routes of this API are open for the gate: the session comes as X-SFDC-Session, and what is wrong is told with 400 and
an ``exceptionCode``, in JSON to who speaks JSON and in XML to everybody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk.classic import show
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.sessions import bearer
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.routes import Handler

log = logging.getLogger(__name__)
_CODES = {
    "INVALID_SESSION_ID": ("InvalidSessionId", "Invalid session id", 400),
    "REQUEST_LIMIT_EXCEEDED": ("ExceededQuota", None, 400),
    "INVALIDENTITY": ("InvalidEntity", None, 400),
    "JSON_PARSER_ERROR": ("ClientInputError", None, 400),
}


def speaks_json(call: Call) -> bool:
    """Whether the caller wants JSON where the job does not decide it."""
    media = call.header("Content-Type").lower()
    return "json" in media or ("xml" not in media and "json" in call.header("Accept").lower())


def token(call: Call) -> str:
    return call.header("X-SFDC-Session").strip() or bearer(call.header("Authorization"))


def endpoint(kind: str, handler: Callable[[Context, Call], Reply]) -> Handler:
    """A route's handler: session, limits and errors as this API has them."""

    def handle(context: Context, call: Call) -> Reply:
        try:
            session = context.sessions.check(token(call))
            _check_version(call)
            context.limits.spend(kind)
            with context.org.acting(session.user_id):
                return handler(context, replace(call, session=session))
        except OrgError as error:
            return _refusal(call, error)
        except Exception:
            log.exception("call.failed method=%s kind=%s", call.method, kind)
            return show.error(500, "Unknown", "An unexpected error occurred", json=speaks_json(call))

    return handle


def _check_version(call: Call) -> None:
    if not 31.0 <= float(call.version) <= 67.0 or not call.version.endswith(".0"):
        raise errors.OrgError("InvalidUrl", f"Destination URL not supported for API version {call.version}")


def _refusal(call: Call, error: OrgError) -> Reply:
    code, message, status = _CODES.get(error.code, (error.code, None, error.status))
    return show.error(status, code, message or error.message, json=speaks_json(call))
