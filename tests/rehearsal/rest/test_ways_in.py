"""Token formats, the code flow, introspection, passwords, userinfo and the identity URL."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import requests

from sfsync.rehearsal.serve import Ready
from tests.rehearsal.http.conftest import Client, V

CALLBACK = "http://localhost:1717/OauthRedirect"


def post(org: Client, path: str, **form: str) -> requests.Response:
    return requests.post(f"{org.ready.instance_url}/services/oauth2/{path}", data=form, timeout=30)


def client(ready: Ready) -> dict[str, str]:
    return {"client_id": ready.consumer_key, "client_secret": ready.consumer_secret}


def authorize(org: Client, **more: str) -> requests.Response:
    asked = {"response_type": "code", "client_id": org.ready.consumer_key, "redirect_uri": CALLBACK, **more}
    url = f"{org.ready.instance_url}/services/oauth2/authorize"
    return requests.get(url, params=asked, allow_redirects=False, timeout=30)


def code_of(answer: requests.Response) -> str:
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def redeem(org: Client, code: str, **more: str) -> requests.Response:
    form = {**client(org.ready), "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more}
    return post(org, "token", **form)


class TestCodes:
    def test_a_code_is_good_once(self, org: Client) -> None:
        answer = authorize(org, state="s 1")
        assert parse_qs(urlsplit(answer.headers["Location"]).query)["state"] == ["s 1"]
        body = redeem(org, code_of(answer)).json()
        assert {"access_token", "refresh_token", "signature", "scope", "instance_url", "id", "issued_at"} <= set(body)
        again = redeem(org, code_of(answer))
        assert again.json() == {"error": "invalid_grant", "error_description": "invalid authorization code"}

    def test_verifier(self, org: Client) -> None:
        verifier = "v" * 64
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        wrong = redeem(org, code_of(authorize(org, code_challenge=challenge)), code_verifier="w" * 64)
        assert wrong.json()["error_description"] == "invalid code verifier"
        code = code_of(authorize(org, code_challenge=challenge))
        form = {"client_id": org.ready.consumer_key, "grant_type": "authorization_code", "code": code}
        assert post(org, "token", **form, redirect_uri=CALLBACK, code_verifier=verifier).status_code == 200

    def test_old_codes(self, org: Client) -> None:
        code = code_of(authorize(org))
        org.control("clock", {"advance_s": 16 * 60})
        assert redeem(org, code).json()["error_description"] == "expired authorization code"

    @pytest.mark.parametrize(
        ("asked", "error"),
        [
            ({"redirect_uri": "https://elsewhere.example/x"}, "redirect_uri_mismatch"),
            ({"redirect_uri": "http://localhost.elsewhere.example/x"}, "redirect_uri_mismatch"),
            ({"client_id": "3MVG9unknown"}, "invalid_client_id"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ],
    )
    def test_refusals(self, org: Client, asked: dict[str, str], error: str) -> None:
        answer = authorize(org, **asked)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


class TestTokens:
    def test_the_answer_is_not_to_be_kept(self, org: Client) -> None:
        answer = post(org, "token", grant_type="client_credentials", **client(org.ready))
        assert answer.headers["Cache-Control"] == "no-store"
        assert "expires_in" not in answer.json()
        assert "Sforce-Limit-Info" not in answer.headers

    def test_get_is_refused(self, org: Client) -> None:
        answer = requests.get(f"{org.ready.instance_url}/services/oauth2/token", timeout=30)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_formats(self, org: Client) -> None:
        form = {"grant_type": "client_credentials", **client(org.ready)}
        assert (
            ElementTree.fromstring(post(org, "token", format="xml", **form).content).findtext("token_type") == "Bearer"
        )
        assert parse_qs(post(org, "token", format="urlencoded", **form).text)["token_type"] == ["Bearer"]

    def test_the_vendors_command_line_refreshes(self, org: Client) -> None:
        form = {"grant_type": "refresh_token", "client_id": "PlatformCLI"}
        assert post(org, "token", **form, refresh_token=org.ready.refresh_token).status_code == 200
        assert post(org, "token", **form, refresh_token="5Aepwrong").status_code == 400
        assert authorize(org, client_id="PlatformCLI").json()["error"] == "invalid_client_id"

    def test_a_revoked_refresh_token(self, org: Client) -> None:
        assert post(org, "revoke", token=org.ready.refresh_token).status_code == 200
        form = {"grant_type": "refresh_token", "refresh_token": org.ready.refresh_token, **client(org.ready)}
        assert post(org, "token", **form).json()["error_description"] == "expired access/refresh token"

    def test_introspect(self, org: Client) -> None:
        asked = client(org.ready)
        opened = post(org, "token", grant_type="client_credentials", **asked).json()["access_token"]
        shown = post(org, "introspect", token=opened, **asked).json()
        assert (shown["active"], shown["username"]) == (True, org.ready.username)
        assert 7100 < shown["exp"] - shown["iat"] <= 7200
        post(org, "revoke", token=opened)
        assert post(org, "introspect", token=opened, **asked).json() == {"active": False}
        wrong = {**asked, "client_secret": "no"}
        assert post(org, "introspect", token=opened, **wrong).json()["error"] == "invalid_client"


class TestPasswords:
    @pytest.fixture
    def user(self, org: Client) -> Iterator[str]:
        yield str(org.query("SELECT Id FROM User WHERE IsActive = true LIMIT 1")["records"][0]["Id"])

    def login(self, org: Client, password: str) -> int:
        form = {"grant_type": "password", "username": org.ready.username, "password": password}
        return post(org, "token", **form, **client(org.ready)).status_code

    def test_set(self, org: Client, user: str) -> None:
        url = f"{V}/sobjects/User/{user}/password"
        assert org.get(url).json() == {"isExpired": False}
        assert self.login(org, org.ready.password) == 200
        assert org.post(url, {"NewPassword": "Other-word-1"}).status_code == 204
        assert (self.login(org, org.ready.password), self.login(org, "Other-word-1")) == (400, 200)
        assert self.login(org, "Other-word-1" + org.ready.security_token) == 200

    def test_weak(self, org: Client, user: str) -> None:
        answer = org.post(f"{V}/sobjects/User/{user}/password", {"NewPassword": "short1"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_NEW_PASSWORD")

    def test_reset(self, org: Client, user: str) -> None:
        url = f"{V}/sobjects/User/{user}/password"
        made = org.delete(url).json()["NewPassword"]
        assert org.get(url).json() == {"isExpired": True}
        assert self.login(org, made) == 400
        assert org.get(f"{V}/sobjects/User/005000000000000AAA/password").status_code == 404


class TestWhoAmI:
    def test_userinfo_has_every_key(self, org: Client) -> None:
        body = org.get("/services/oauth2/userinfo").json()
        keys = (
            "sub user_id organization_id preferred_username nickname name email email_verified given_name family_name"
            " zoneinfo photos profile picture address is_salesforce_integration_user urls active user_type language"
            " locale utcOffset updated_at"
        )
        assert list(body) == keys.split()
        assert list(body["urls"])[:3] == ["enterprise", "metadata", "partner"]
        assert body["utcOffset"] % 900_000 == 0

    def test_identity_formats(self, org: Client) -> None:
        url = org.get("/services/oauth2/userinfo").json()["sub"]
        body: dict[str, Any] = org.get(url).json()
        assert (body["username"], body["id"]) == (org.ready.username, url)
        xml = ElementTree.fromstring(org.get(f"{url}?format=xml").content)
        assert (xml.tag, xml.findtext("username")) == ("user", org.ready.username)
        assert parse_qs(org.get(f"{url}?format=urlencoded").text)["username"] == [org.ready.username]
        by_parameter = requests.get(url, params={"oauth_token": org.ready.access_token}, timeout=30)
        assert by_parameter.json()["username"] == org.ready.username

    def test_identity_refusals(self, org: Client) -> None:
        url = org.get("/services/oauth2/userinfo").json()["sub"]
        missing = requests.get(url, timeout=30)
        assert (missing.status_code, missing.text) == (403, "Missing_OAuth_Token")
        bad = requests.get(url, headers={"Authorization": "Bearer no"}, timeout=30)
        assert (bad.status_code, bad.text) == (403, "Bad_OAuth_Token")
        other = url.rsplit("/", 1)[0] + "/005000000000000AAA"
        assert (org.get(other).status_code, org.get(other).text) == (404, "Bad_Id")


def test_sessions_of_who_is_no_longer_active(org: Client) -> None:
    fields = {"Alias": "gone", "Email": "gone@x.example", "Username": "gone@x.example", "LastName": "G"}
    places = {"TimeZoneSidKey": "Europe/Rome", "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US"}
    profile = org.query("SELECT Id FROM Profile WHERE Name = 'Standard User'")["records"][0]["Id"]
    user = org.create("User", **fields, **places, EmailEncodingKey="UTF-8", ProfileId=profile)
    head = {"Authorization": f"Bearer {org.control('sessions', {'username': fields['Username']})['access_token']}"}
    assert org.get(f"{V}/limits", headers=head).status_code == 200
    assert org.patch(f"{V}/sobjects/User/{user}", {"IsActive": False}).status_code == 204
    assert org.get(f"{V}/limits", headers=head).json()[0]["errorCode"] == "INVALID_SESSION_ID"


def test_an_assignment_needs_a_permission_set(org: Client) -> None:
    user = org.query("SELECT Id FROM User LIMIT 1")["records"][0]["Id"]
    answer = org.post(f"{V}/sobjects/PermissionSetAssignment", {"AssigneeId": user})
    assert answer.json()[0]["message"] == "Required fields are missing: [PermissionSetId]"
