"""SOAP login, the oldest way in: POST /services/Soap/u/{version}. Gone from version 65 (wire reference 2.2).

Clients find the fault by the literal tags ``sf:exceptionCode`` and ``sf:exceptionMessage``.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, unescape

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.oauth import password_fits

MEDIA = "text/xml;charset=UTF-8"
LAST_VERSION = 64
_FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>"
    '<detail><sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
    "<sf:exceptionMessage>{text}</sf:exceptionMessage></sf:{kind}></detail>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)
_LOGIN = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><loginResponse><result>'
    "<metadataServerUrl>{site}/services/Soap/m/{version}/{org}</metadataServerUrl>"
    "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
    "<serverUrl>{site}/services/Soap/u/{version}/{org}</serverUrl>"
    "<sessionId>{session}</sessionId><userId>{user}</userId><userInfo>"
    "<organizationId>{org18}</organizationId><organizationMultiCurrency>false</organizationMultiCurrency>"
    '<sessionSecondsValid>7200</sessionSecondsValid><userDefaultCurrencyIsoCode xsi:nil="true"/>'
    "<userId>{user}</userId><userName>{username}</userName><userType>Standard</userType>"
    "</userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"
)


def _text(body: str, tag: str) -> str | None:
    found = re.search(rf"<(?:\w+:)?{tag}(?:\s[^>]*)?>(.*?)</(?:\w+:)?{tag}>", body, re.DOTALL)
    return unescape(found.group(1), {"&quot;": '"', "&apos;": "'"}) if found else None


def _fault(code: str, text: str, kind: str = "LoginFault") -> Reply:
    body = _FAULT.format(code=code, text=escape(text), kind=kind)
    return Reply(500, text=body.encode(), media=MEDIA)


def login(context: Context, call: Call) -> Reply:
    """The login call; every other SOAP call of this address is refused."""
    body = call.body.read().decode("utf-8", "replace")
    username, password = _text(body, "username"), _text(body, "password")
    if username is None or password is None:
        return _fault("UNKNOWN_EXCEPTION", "No operation available for this request", "UnexpectedErrorFault")
    if float(call.version) > LAST_VERSION:
        text = f"login() is not part of API version {call.version}; use an OAuth flow"
        return _fault("UNSUPPORTED_API_VERSION", text, "UnexpectedErrorFault")
    if not password_fits(context, username, password):
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    return Reply(200, text=_welcome(context, call).encode(), media=MEDIA)


def _welcome(context: Context, call: Call) -> str:
    org = context.org
    return _LOGIN.format(
        site=context.instance_url,
        version=call.version,
        org=org.org_id[:15],
        org18=org.org_id,
        session=context.sessions.open(org.user_id, "soap"),
        user=org.user_id,
        username=escape(org.username),
    )
