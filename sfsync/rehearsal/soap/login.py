"""SOAP login, the oldest way in, over the partner or the enterprise API. Gone from version 65 (wire reference 2.2)."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import passwords
from sfsync.rehearsal.entry.oauth import whose
from sfsync.rehearsal.soap.envelope import ENTERPRISE, Fault, Message, session_of

LAST_VERSION = 64
_REFUSED = "Invalid username, password, security token; or user locked out."


def login(context: Context, call: Call, message: Message) -> str:
    """The login call. Fault LoginFault for wrong credentials."""
    if float(call.version) > LAST_VERSION:
        text = f"login() is not part of API version {call.version}; use an OAuth flow"
        raise errors.OrgError("UNSUPPORTED_API_VERSION", text)
    user = whose(context, message.text("username"), message.text("password"))
    if user is None:
        raise Fault("INVALID_LOGIN", _REFUSED, "LoginFault")
    org, site = context.org, context.site(call)
    kind = "c" if message.namespace == ENTERPRISE.namespace else "u"
    result = {
        "metadataServerUrl": f"{site}/services/Soap/m/{call.version}/{org.org_id[:15]}",
        "passwordExpired": passwords.expired(org, user),
        "sandbox": False,
        "serverUrl": f"{site}/services/Soap/{kind}/{call.version}/{org.org_id[:15]}",
        "sessionId": context.sessions.open(user, "soap"),
        "userId": user,
        "userInfo": user_info(context, user),
    }
    return xml.element("result", result)


def logout(context: Context, call: Call, message: Message) -> str:
    """Ends the session of the message."""
    context.sessions.end(session_of(context, message))
    return ""


def user_info(context: Context, user_id: str) -> dict[str, Any]:
    """What login and getUserInfo tell about a user, in the order of the vendor's WSDL."""
    wanted = ["Name", "Email", "Username", "UserType", "ProfileId", "UserRoleId", "TimeZoneSidKey", "LocaleSidKey"]
    obj = context.org.schema.objects["User"]
    user = context.org.retrieve("User", user_id, [one for one in wanted if obj.has(one)])
    return {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": "€",
        "orgAttachmentFileSizeLimit": 5242880,
        "orgDefaultCurrencyIsoCode": "EUR",
        "orgDefaultCurrencyLocale": "it_IT",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": True,
        "organizationId": context.org.org_id,
        "organizationMultiCurrency": False,
        "organizationName": "Rehearsal",
        "profileId": user.get("ProfileId"),
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": 7200,
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user.get("Email"),
        "userFullName": user.get("Name"),
        "userId": user_id,
        "userLanguage": "en_US",
        "userLocale": user.get("LocaleSidKey"),
        "userName": user.get("Username"),
        "userTimeZone": user.get("TimeZoneSidKey"),
        "userType": user.get("UserType"),
        "userUiSkin": "Theme3",
    }
