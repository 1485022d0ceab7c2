"""What a refused login means and what to do about it, per cause (wire reference 2.1, 2.2)."""

from __future__ import annotations

from sfsync.errors import LoginRefused
from sfsync.settings import Salesforce

_CAUSES: tuple[tuple[str, str], ...] = (  # part of the description, next step; the first match wins
    (
        "expired authorization code",
        "Check this machine's clock (NTP): the login token was expired already, or too new.",
    ),
    ("user hasn't approved", "In Setup, set the app's policy to admin approved and assign the user's permission set."),
    ("not admin approved", "In Setup, assign the app to the user's profile or permission set."),
    (
        "audience is invalid",
        (
            "Set salesforce.login_url to https://login.salesforce.com, https://test.salesforce.com "
            "(sandboxes) or the org's My Domain."
        ),
    ),
    (
        "invalid assertion",
        (
            "The private key does not belong to the certificate of the connected app, or the certificate "
            "has expired: upload the right one."
        ),
    ),
    ("inactive user", "The user is deactivated or frozen: activate it, or use another."),
    ("request not supported on this domain", "Set salesforce.instance_url to the org's My Domain."),
    ("no client credentials user", "In Setup, choose a Run As user for the app's client credentials flow."),
    ("expired access/refresh token", "Log in again; the stored token is no longer valid."),
    (
        "authentication failure",
        (
            "Check username, password and security token, and the user's login IP ranges and hours; "
            "the password flow may be switched off for the org."
        ),
    ),
)
_CODES: dict[str, str] = {
    "invalid_client_id": "Check salesforce.consumer_key; a new app may need ten minutes before it is known.",
    "invalid_client": "Check salesforce.consumer_secret.",
    "unsupported_grant_type": "Enable this OAuth flow for the app, or choose another salesforce.auth.",
    "invalid_app_access": "In Setup, assign the app to the user's profile or permission set.",
    "app_not_found": "Install the external client app in this org.",
    "unknown_error": "Salesforce asks to try again; check that TLS 1.2 or newer is used.",
    "rate_limit_exceeded": "Too many logins in an hour: wait, and let one session serve several commands.",
    "INVALID_LOGIN": "Check username, password and security token; the user may be locked out.",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "The password has expired: set a new one in Salesforce.",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "Add salesforce.security_token, or trust this machine's IP range in the org.",
    "API_DISABLED_FOR_ORG": "Use an edition with API access, or give the user the API Enabled permission.",
    "PASSWORD_LOCKOUT": "The user is locked out: unlock it in Setup.",
}


def refused(code: str, description: str) -> LoginRefused:
    """The login error for a cause; the org's own words are kept only where they are known to hold no values."""
    text = next((t for t, _ in _CAUSES if t in description), "")
    step = next((s for t, s in _CAUSES if t in description), _CODES.get(code, "Run: sfsync doctor"))
    said = f"{code}: {text}" if text else code
    return LoginRefused(f"Salesforce refused the login ({said})", code, "salesforce", step)


def session_ended(config: Salesforce) -> LoginRefused:
    """The token given by hand (or by a login just now) is not valid."""
    step = {
        "session": "Set a fresh token in SFSYNC_SALESFORCE__ACCESS_TOKEN.",
        "sf-cli": "Run: sf org login web   and try again.",
    }.get(config.auth, "Check that the user may use the REST API (permission API Enabled).")
    return LoginRefused("the session is not valid", "INVALID_SESSION_ID", "salesforce", step)
