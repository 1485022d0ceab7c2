"""The web server flow without a web page: whoever knows the consumer key is the integration user and has agreed.

``authorize`` sends the browser back at once, and only to loopback: nothing leaves this machine. Codes are good once,
for a quarter of an hour.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.entry.denied import Denied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfsync.rehearsal.context import Context

CODE_LIFE = timedelta(minutes=15)
_KIND = "oauth_code"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def authorize(context: Context, call: Call) -> Reply:
    """GET /services/oauth2/authorize?response_type=code&client_id&redirect_uri[&state&code_challenge]: a redirect."""
    asked = call.params
    target = asked.get("redirect_uri", "")
    try:
        _check(context, asked)
    except Denied as denied:
        return denied.reply()
    answer = {"code": _issue(context, target, asked.get("code_challenge"))}
    if "state" in asked:
        answer["state"] = asked["state"]
    glue = "&" if urlsplit(target).query else "?"
    return Reply(302, empty=True, headers={"Location": f"{target}{glue}{urlencode(answer)}"})


def _check(context: Context, asked: Mapping[str, str]) -> None:
    if not hmac.compare_digest(asked.get("client_id", "").encode(), context.credentials.consumer_key.encode()):
        raise Denied("invalid_client_id", "client identifier invalid")
    _check_target(asked.get("redirect_uri", ""))
    if asked.get("response_type") != "code":
        raise Denied("unsupported_response_type", "response type not supported")
    if asked.get("code_challenge_method", "S256") != "S256":
        raise Denied("invalid_request", "code challenge method not supported")


def _check_target(target: str) -> None:
    try:
        found = urlsplit(target)
        fits = found.scheme in ("http", "https") and found.hostname in _LOOPBACK and not found.fragment
    except ValueError:
        fits = False
    if not fits or any(one in target for one in "\r\n"):
        raise Denied("redirect_uri_mismatch", "redirect_uri must match configuration")


def _issue(context: Context, target: str, challenge: str | None) -> str:
    code = "aPrx" + secrets.token_urlsafe(48)
    born = context.org.clock.now().isoformat()
    context.org.state_put(_KIND, _digest(code), {"redirect_uri": target, "challenge": challenge, "born": born})
    return code


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def redeem(context: Context, code: str, target: str, verifier: str | None) -> None:
    """Uses a code up. Denied when it is unknown, used, too old, or was given to somebody else."""
    with context.org.transaction():
        kept = context.org.state_get(_KIND, _digest(code))
        context.org.state_delete(_KIND, _digest(code))
    if kept is None:
        raise Denied("invalid_grant", "invalid authorization code")
    if context.org.clock.now() - datetime.fromisoformat(kept["born"]) > CODE_LIFE:
        raise Denied("invalid_grant", "expired authorization code")
    if target != kept["redirect_uri"]:
        raise Denied("redirect_uri_mismatch", "redirect_uri must match configuration")
    if kept["challenge"] is not None and not _answers(verifier or "", kept["challenge"]):
        raise Denied("invalid_grant", "invalid code verifier")


def _answers(verifier: str, challenge: str) -> bool:
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return hmac.compare_digest(made.encode(), challenge.rstrip("=").encode())
