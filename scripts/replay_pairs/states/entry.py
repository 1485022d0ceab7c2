"""The ways in: each login as the recorded caller made it, with our org's credentials where his were right."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import jwt

from scripts.replay_pairs.stage import Stage
from scripts.replay_pairs.states.base import Preparation, Sent

_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _assertion(stage: Stage, sub: str, seconds: int) -> str:
    ready = stage.ready
    claims = {"iss": ready.consumer_key, "sub": sub, "aud": ready.instance_url, "exp": str(int(time.time()) + seconds)}
    return jwt.encode(claims, Path(ready.private_key_file).read_text("utf-8"), algorithm="RS256")


def _user(stage: Stage, *, active: bool) -> str:
    name = "somebody@rehearsal.example"
    stage.order("seed", {"records": {"User": [{"LastName": "Somebody", "Username": name, "IsActive": active}]}})
    return name


def _jwt(who: str, seconds: int = 120) -> Preparation:
    """``who``: approved, stranger or inactive."""

    def act(stage: Stage, sent: Sent) -> Sent:
        name = stage.ready.username if who == "approved" else _user(stage, active=who == "stranger")
        form = {"grant_type": _BEARER, "assertion": _assertion(stage, name, seconds)}
        return replace(sent, body=urlencode(form), token="")

    return act


def _form(**given: str) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        client = {"client_id": stage.ready.consumer_key, "client_secret": stage.ready.consumer_secret}
        return replace(sent, body=urlencode(client | given), token="")

    return act


def _on_login_host(stage: Stage, sent: Sent) -> Sent:
    sent = _form(grant_type="client_credentials")(stage, sent)
    return replace(sent, headers=sent.headers | {"Host": "login.salesforce.com"})


def _soap_login(stage: Stage, sent: Sent) -> Sent:
    ready = stage.ready
    body = sent.body.replace(">u<", f">{ready.username}<").replace(
        ">p+token<", f">{ready.password}{ready.security_token}<"
    )
    return replace(sent, body=body, token="")


def _soap_session(stage: Stage, sent: Sent) -> Sent:
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><e:Header>'
        "<SessionHeader><sessionId>wrong</sessionId></SessionHeader></e:Header><e:Body><getUserInfo/></e:Body></e:Envelope>"
    )
    return replace(sent, body=body, token="", headers={"Content-Type": "text/xml", "SOAPAction": '""'})


ENTRY: dict[str, Preparation] = {
    r"auth: jwt: consumer not approved": _jwt("stranger"),
    r"auth: jwt: exp in the past": _jwt("approved", -60),
    r"auth: jwt: inactive user": _jwt("inactive"),
    r"auth: jwt success": _jwt("approved"),
    r"auth: password: generic": _form(grant_type="password", username="u", password="p"),  # noqa: S106
    r"auth: refresh: dead": _form(grant_type="refresh_token", refresh_token="r"),  # noqa: S106
    r"auth: client_credentials on login": _on_login_host,
    r"auth: unknown consumer key": _form(grant_type="client_credentials", client_id="x"),
    r"auth: soap login success": _soap_login,
    r"auth: bulk/soap session fault": _soap_session,
}
