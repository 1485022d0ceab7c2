"""The ways in: OAuth flows, SOAP login, sessions, userinfo."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

from tests.rehearsal.http.conftest import Client, V

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def token(org: Client, **form: str) -> requests.Response:
    return requests.post(f"{org.ready.instance_url}/services/oauth2/token", data=form, timeout=30)


def assertion(org: Client, key: str | None = None, **changes: Any) -> str:
    claims = {
        "iss": org.ready.consumer_key,
        "sub": org.ready.username,
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
    }
    key = key or Path(org.ready.private_key_file).read_text("ascii")
    return jwt.encode({**claims, **changes}, key, algorithm="RS256", headers={"alg": "RS256"})


def refused(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]


class TestJwtBearer:
    @pytest.mark.parametrize("as_number", [False, True])
    def test_opens_a_session(self, org: Client, as_number: bool) -> None:
        changes = {"exp": int(time.time()) + 60} if as_number else {}
        answer = token(org, grant_type=JWT_BEARER, assertion=assertion(org, **changes))
        body = answer.json()
        assert list(body) == ["access_token", "scope", "instance_url", "id", "token_type"]
        assert answer.headers["Cache-Control"] == "no-store"
        head = {"Authorization": f"Bearer {body['access_token']}"}
        assert requests.get(body["instance_url"] + V, headers=head, timeout=30).status_code == 200
        assert requests.get(body["id"], headers=head, timeout=30).json()["username"] == org.ready.username

    def test_takes_the_instance_as_audience(self, org: Client) -> None:
        answer = token(org, grant_type=JWT_BEARER, assertion=assertion(org, aud=org.ready.instance_url))
        assert answer.status_code == 200

    @pytest.mark.parametrize(("ahead", "good"), [(300, True), (-10_000, True), (-240_000, False), (240_000, False)])
    def test_takes_milliseconds_as_the_vendors_command_line_sends_them(
        self, org: Client, ahead: int, good: bool
    ) -> None:
        sent = assertion(org, exp=int(time.time() * 1000) + ahead)
        assert (token(org, grant_type=JWT_BEARER, assertion=sent).status_code == 200) is good

    @pytest.mark.parametrize(
        ("changes", "error", "text"),
        [
            ({"exp": str(int(time.time()) - 10)}, "invalid_grant", "expired authorization code"),
            ({"exp": str(int(time.time()) + 7200)}, "invalid_grant", "expired authorization code"),
            ({"aud": "https://elsewhere.example"}, "invalid_grant", "audience is invalid"),
            ({"iss": "unknown"}, "invalid_client_id", "client identifier invalid"),
            ({"sub": "nobody@x.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ],
    )
    def test_refuses_wrong_claims(self, org: Client, changes: dict[str, str], error: str, text: str) -> None:
        answer = token(org, grant_type=JWT_BEARER, assertion=assertion(org, **changes))
        assert refused(answer) == (400, error, text)

    def test_refuses_an_inactive_user(self, org: Client) -> None:
        org.control("seed", {"name": "operator"})
        gone = assertion(org, sub="stefano.villa@operator.example")
        assert refused(token(org, grant_type=JWT_BEARER, assertion=gone))[2] == "inactive user"

    def test_refuses_a_signature_of_another_key(self, org: Client) -> None:
        good = assertion(org)
        other = assertion(org, jti="2")
        forged = ".".join([*good.split(".")[:2], other.split(".")[2]])
        assert refused(token(org, grant_type=JWT_BEARER, assertion=forged))[2] == "invalid assertion"
        assert refused(token(org, grant_type=JWT_BEARER, assertion="a.b.c"))[2] == "invalid assertion"
        assert refused(token(org, grant_type=JWT_BEARER, assertion=""))[2] == "invalid assertion"


class TestOtherFlows:
    def test_client_credentials_by_body_and_by_header(self, org: Client) -> None:
        ready = org.ready
        url = f"{ready.instance_url}/services/oauth2/token"
        form = {"grant_type": "client_credentials"}
        in_body = {**form, "client_id": ready.consumer_key, "client_secret": ready.consumer_secret}
        assert requests.post(url, data=in_body, timeout=30).json()["token_type"] == "Bearer"
        basic = (ready.consumer_key, ready.consumer_secret)
        body = requests.post(url, data=form, auth=basic, timeout=30).json()
        assert body["issued_at"].isdecimal()
        assert body["access_token"].startswith("00D")
        assert "!" in body["access_token"]
        wrong = requests.post(url, data=form, auth=(ready.consumer_key, "no"), timeout=30)
        assert refused(wrong) == (400, "invalid_client", "invalid client credentials")
        unknown = requests.post(url, data=form, auth=("no", "no"), timeout=30)
        assert refused(unknown) == (400, "invalid_client_id", "client identifier invalid")

    def test_password_with_and_without_security_token(self, org: Client) -> None:
        ready = org.ready
        form = {
            "grant_type": "password",
            "client_id": ready.consumer_key,
            "client_secret": ready.consumer_secret,
            "username": ready.username,
        }
        assert token(org, **form, password=ready.password).status_code == 200
        assert token(org, **form, password=ready.password + ready.security_token).status_code == 200
        assert refused(token(org, **form, password="no")) == (400, "invalid_grant", "authentication failure")

    def test_refresh(self, org: Client) -> None:
        form = {"grant_type": "refresh_token", "client_id": org.ready.consumer_key}
        assert "refresh_token" not in token(org, **form, refresh_token=org.ready.refresh_token).json()
        dead = token(org, **form, refresh_token="no")
        assert refused(dead) == (400, "invalid_grant", "expired access/refresh token")

    def test_unknown_grant(self, org: Client) -> None:
        assert refused(token(org, grant_type="x"))[:2] == (400, "unsupported_grant_type")

    def test_revoke_ends_the_session(self, org: Client) -> None:
        opened = token(org, grant_type=JWT_BEARER, assertion=assertion(org)).json()["access_token"]
        head = {"Authorization": f"Bearer {opened}"}
        url = org.ready.instance_url
        assert requests.get(url + f"{V}/limits", headers=head, timeout=30).status_code == 200
        revoke = requests.post(f"{url}/services/oauth2/revoke", data={"token": opened}, timeout=30)
        assert (revoke.status_code, revoke.content) == (200, b"")
        assert requests.get(url + f"{V}/limits", headers=head, timeout=30).status_code == 401


class ToLoopback(requests.adapters.HTTPAdapter):
    """simple-salesforce always says https; the rehearsal org listens without TLS on loopback."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **more)


def soap(org: Client, password: str, version: str = "59.0") -> tuple[str, str]:
    session = requests.Session()
    session.mount("https://", ToLoopback())
    address = org.ready.instance_url.removeprefix("http://")
    # The library appends ".salesforce.com" to the domain; a fragment keeps the address ours.
    return SalesforceLogin(
        session=session,
        username=org.ready.username,
        password=password,
        security_token="",
        domain=f"{address}/services/Soap/u/{version}#",
        sf_version=version,
    )


class TestSoapLogin:
    def test_login(self, org: Client) -> None:
        session_id, instance = soap(org, org.ready.password + org.ready.security_token)
        assert org.ready.instance_url.endswith(instance)
        head = {"Authorization": f"Bearer {session_id}"}
        assert requests.get(org.ready.instance_url + V, headers=head, timeout=30).status_code == 200

    def test_fault_is_understood_by_clients(self, org: Client) -> None:
        with pytest.raises(SalesforceAuthenticationFailed) as caught:
            soap(org, "wrong")
        assert caught.value.code == "INVALID_LOGIN"
        assert caught.value.auth_message.startswith("Invalid username, password, security token;")

    def test_is_gone_from_version_65(self, org: Client) -> None:
        with pytest.raises(SalesforceAuthenticationFailed) as caught:
            soap(org, org.ready.password, "65.0")
        assert caught.value.code == "UNSUPPORTED_API_VERSION"


class TestSessions:
    @pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer no"}, {"Authorization": "Basic eDp5"}])
    def test_no_session(self, org: Client, header: dict[str, str]) -> None:
        for path in (f"{V}/limits", f"{V}/nowhere", "/rehearsal/stats", "/nowhere"):
            answer = requests.get(org.ready.instance_url + path, headers=header, timeout=30)
            assert answer.status_code == 401
            assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]

    def test_the_word_oauth_is_as_good_as_bearer(self, org: Client) -> None:
        head = {"Authorization": f"OAuth {org.ready.access_token}"}
        assert requests.get(org.ready.instance_url + V, headers=head, timeout=30).status_code == 200

    def test_userinfo(self, org: Client) -> None:
        body = org.get("/services/oauth2/userinfo").json()
        assert body["preferred_username"] == org.ready.username
        assert body["organization_id"].startswith("00D")
        assert body["user_id"].startswith("005")
