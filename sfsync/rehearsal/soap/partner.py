"""The partner API: POST /services/Soap/u/{version}, what admins' tools speak.

``OPERATIONS`` is all there is; anything else is refused by its name. Source: vendor, SOAP API core and describe calls.
"""

from __future__ import annotations

from typing import NoReturn

from sfsync.rehearsal import xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import passwords
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.resources import check_version
from sfsync.rehearsal.soap import login, partner_describe, partner_read, partner_write
from sfsync.rehearsal.soap.envelope import Fault, Message, Operation
from sfsync.rehearsal.soap.partner_call import with_headers
from sfsync.rehearsal.soap.partner_xml import as_fault
from sfsync.rehearsal.soap.partner_xml import instant as xsd_instant

NOT_HERE = ("convertLead", "sendEmail", "search", "process", "describeLayout", "describeTabs", "performQuickActions")


def get_user_info(context: Context, call: Call, message: Message) -> str:
    return xml.element("result", login.user_info(context, _caller(context, call)))


def get_server_timestamp(context: Context, call: Call, message: Message) -> str:
    return xml.element("result", {"timestamp": xsd_instant(instant(context.org.clock.now()))})


def invalidate_sessions(context: Context, call: Call, message: Message) -> str:
    """Ends sessions by their ids; one result for each."""
    ids = [(one.text or "").strip() for one in message.body.findall("sessionIds")]
    return xml.element("result", [{"success": context.sessions.revoke(one)} for one in ids])


# -- passwords ----------------------------------------------------------------------------------------------


def set_password(context: Context, call: Call, message: Message) -> str:
    """Fault INVALID_NEW_PASSWORD for a weak one."""
    user, password = _user(context, message), message.text("password")
    if not passwords.strong(password):
        text = "Your password must be at least 8 characters long and mix letters and numbers."
        raise as_fault(OrgError("INVALID_NEW_PASSWORD", text))
    passwords.put(context.org, user, password)
    return xml.element("result", "")


def reset_password(context: Context, call: Call, message: Message) -> str:
    return xml.element("result", {"password": passwords.reset(context.org, _user(context, message))})


def _user(context: Context, message: Message) -> str:
    try:
        return str(context.org.retrieve("User", message.text("userId"), ["Id"])["Id"])
    except OrgError as error:
        raise Fault("INVALID_ID_FIELD", f"invalid user id: {message.text('userId')}", "InvalidIdFault") from error


def _caller(context: Context, call: Call) -> str:
    return call.session.user_id if call.session else context.org.user_id


# -- the table ----------------------------------------------------------------------------------------------


def _refused(text: str) -> Operation:
    def refuse(context: Context, call: Call, message: Message) -> NoReturn:
        raise as_fault(OrgError("FUNCTIONALITY_NOT_ENABLED", text))

    return refuse


def _translated(act: Operation) -> Operation:
    """The operation under its session's rights and its message's headers, errors with the detail the WSDL gives."""

    def run(context: Context, call: Call, message: Message) -> str:
        try:
            _check_version(call.version)
            with context.org.acting(_caller(context, call)):
                return act(context, with_headers(call, message), message)
        except OrgError as error:
            raise as_fault(error) from error

    return run


def _check_version(version: str) -> None:
    try:
        check_version(version)
    except OrgError as error:
        raise OrgError("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL") from error


OPERATIONS: dict[str, Operation] = {
    name: _translated(act)
    for name, act in {
        "getUserInfo": get_user_info,
        "getServerTimestamp": get_server_timestamp,
        "invalidateSessions": invalidate_sessions,
        "setPassword": set_password,
        "resetPassword": reset_password,
        "query": partner_read.query,
        "queryAll": partner_read.query_all,
        "queryMore": partner_read.query_more,
        "retrieve": partner_read.retrieve,
        "getUpdated": partner_read.get_updated,
        "getDeleted": partner_read.get_deleted,
        "create": partner_write.create,
        "update": partner_write.update,
        "upsert": partner_write.upsert,
        "delete": partner_write.delete,
        "undelete": partner_write.undelete,
        "merge": partner_write.merge,
        "emptyRecycleBin": partner_write.empty_recycle_bin,
        "describeGlobal": partner_describe.describe_global,
        "describeSObject": partner_describe.describe_sobject,
        "describeSObjects": partner_describe.describe_sobjects,
        **{name: _refused(f"{name}() is not part of the rehearsal org") for name in NOT_HERE},
    }.items()
}

# The enterprise WSDL is made for the objects of one org, and this org has none: what does without objects is there.
_WITHOUT_OBJECTS = ("getUserInfo", "getServerTimestamp", "invalidateSessions", "setPassword", "resetPassword")
_INSTEAD = "{0}() is not part of the enterprise API of the rehearsal org; use the partner API at /services/Soap/u/"
ENTERPRISE_OPERATIONS: dict[str, Operation] = {
    name: act if name in _WITHOUT_OBJECTS else _refused(_INSTEAD.format(name)) for name, act in OPERATIONS.items()
}
