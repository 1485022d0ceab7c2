"""Passwords of users: sobjects/User/{id}/password (vendor: sObject User Password)."""

from __future__ import annotations

from sfsync.rehearsal.call import Call, Reply, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import passwords
from sfsync.rehearsal.errors import OrgError


def _user(context: Context, call: Call) -> str:
    """OrgError 404 for no such user."""
    return str(context.org.retrieve("User", call.args["id"], ["Id"])["Id"])


def status(context: Context, call: Call) -> Reply:
    """GET: whether the password has run out."""
    return Reply(200, {"isExpired": passwords.expired(context.org, _user(context, call))})


def change(context: Context, call: Call) -> Reply:
    """POST {"NewPassword": …}: 204. OrgError INVALID_NEW_PASSWORD for a weak one."""
    user, body = _user(context, call), call.body.object()
    given = next((value for name, value in body.items() if name.lower() == "newpassword"), None)
    if not isinstance(given, str) or not passwords.strong(given):
        text = "Your password must be at least 8 characters long and mix letters and numbers."
        raise OrgError("INVALID_NEW_PASSWORD", text)
    passwords.put(context.org, user, given)
    return nothing()


def reset(context: Context, call: Call) -> Reply:
    """DELETE: a new password, to be changed at once; the old one is no good any more."""
    return Reply(200, {"NewPassword": passwords.reset(context.org, _user(context, call))})
