"""Sessions, users, passwords and refusals of the partner API."""

from __future__ import annotations

from datetime import datetime

import requests

from tests.rehearsal.http.conftest import Client
from tests.rehearsal.soap.partner import Partner, names, someone, value


def test_login_then_work_then_logout(org: Client) -> None:
    ready, partner = org.ready, Partner(org)
    given = f"<username>{ready.username}</username><password>{ready.password}{ready.security_token}</password>"
    (result,) = partner.call("login", given)
    partner.token = str(value(result, "sessionId"))
    partner.url = str(value(result, "serverUrl"))
    (user,) = partner.call("getUserInfo")
    assert value(user, "userId") == value(result, "userId")
    partner.call("logout")
    fault = partner.fault("getUserInfo")
    text = "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"
    assert (fault.findtext("faultcode"), fault.findtext("faultstring")) == ("sf:INVALID_SESSION_ID", text)


def test_user_info(org: Client, partner: Partner) -> None:
    (user,) = partner.call("getUserInfo")
    assert names(user) == sorted(names(user))
    assert value(user, "userName") == org.ready.username


def test_server_timestamp(org: Client, partner: Partner) -> None:
    org.control("clock", {"now": "2026-03-01T08:00:00Z", "freeze": True})
    (result,) = partner.call("getServerTimestamp")
    assert datetime.fromisoformat(str(value(result, "timestamp"))) == datetime.fromisoformat("2026-03-01T08:00:00Z")


def test_passwords(org: Client, partner: Partner) -> None:
    user = str(value(partner.call("getUserInfo")[0], "userId"))
    asked = f"<userId>{user}</userId>"
    (result,) = partner.call("resetPassword", asked)
    assert len(str(value(result, "password"))) >= 8
    partner.call("setPassword", asked + "<password>Another1word</password>")
    given = f"<username>{org.ready.username}</username><password>Another1word{org.ready.security_token}</password>"
    assert partner.call("login", given)
    fault = partner.fault("setPassword", asked + "<password>weak</password>")
    assert fault.findtext("faultcode") == "sf:INVALID_NEW_PASSWORD"
    fault = partner.fault("setPassword", "<userId>005000000000001AAA</userId><password>Another1word</password>")
    assert fault.findtext("faultcode") == "sf:INVALID_ID_FIELD"


def test_somebody_else_logs_in(org: Client, partner: Partner) -> None:
    user = someone(org, "Standard User")
    (reset,) = partner.call("resetPassword", f"<userId>{user}</userId>")
    given = f"<username>else@rehearsal.example</username><password>{value(reset, 'password')}</password>"
    (result,) = partner.call("login", given)
    assert (value(result, "userId"), value(result, "passwordExpired")) == (user, "true")
    partner.token = str(value(result, "sessionId"))
    assert value(partner.call("getUserInfo")[0], "userName") == "else@rehearsal.example"


def test_sessions_can_be_ended(org: Client, partner: Partner) -> None:
    ready = org.ready
    given = f"<username>{ready.username}</username><password>{ready.password}{ready.security_token}</password>"
    token = str(value(partner.call("login", given)[0], "sessionId"))
    first, second = partner.call("invalidateSessions", f"<sessionIds>{token}</sessionIds><sessionIds>x</sessionIds>")
    assert (value(first, "success"), value(second, "success")) == ("true", "false")
    partner.token = token
    assert partner.fault("getUserInfo").findtext("faultcode") == "sf:INVALID_SESSION_ID"


def test_refused_by_name(org: Client, partner: Partner) -> None:
    fault = partner.fault("sendEmail")
    assert fault.findtext("faultcode") == "sf:FUNCTIONALITY_NOT_ENABLED"
    assert "sendEmail" in str(fault.findtext("faultstring"))
    assert partner.fault("inventedCall").findtext("faultcode") == "sf:UNKNOWN_EXCEPTION"


def enterprise(org: Client, operation: str, inside: str = "", token: str = "") -> requests.Response:
    text = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:enterprise.soap.sforce.com">'
        f"<e:Header><sf:SessionHeader><sf:sessionId>{token}</sf:sessionId></sf:SessionHeader></e:Header>"
        f"<e:Body><sf:{operation}>{inside}</sf:{operation}></e:Body></e:Envelope>"
    )
    return org.call("POST", "/services/Soap/c/60.0", data=text, headers={"Content-Type": "text/xml", "SOAPAction": "x"})


def test_the_enterprise_api_lets_in_and_refuses_the_rest_by_name(org: Client) -> None:
    ready = org.ready
    given = (
        f"<sf:username>{ready.username}</sf:username><sf:password>{ready.password}{ready.security_token}</sf:password>"
    )
    inside = enterprise(org, "login", given).text
    assert "<soapenv:Body><loginResponse><result><metadataServerUrl>" in inside
    assert f"<serverUrl>{ready.instance_url}/services/Soap/c/60.0/00D" in inside
    token = inside.partition("<sessionId>")[2].partition("<")[0]
    assert f"<userName>{ready.username}</userName>" in enterprise(org, "getUserInfo", token=token).text
    refused = enterprise(org, "query", "<sf:queryString>SELECT Id FROM Account</sf:queryString>", token)
    assert (refused.status_code, "sf:FUNCTIONALITY_NOT_ENABLED" in refused.text) == (500, True)
    assert "/services/Soap/u/" in refused.text
    wrong = enterprise(org, "login", "<sf:username>x</sf:username><sf:password>y</sf:password>").text
    assert 'xmlns:sf="urn:fault.enterprise.soap.sforce.com"' in wrong
    assert "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in wrong


def test_versions(org: Client) -> None:
    assert Partner(org, "66.0").call("getServerTimestamp")
    fault = Partner(org, "20.0").fault("getServerTimestamp")
    assert fault.findtext("faultcode") == "sf:UNSUPPORTED_API_VERSION"
    for more in ("00D000000000001", "00D000000000001/0DF00000000001", "deployRequest/0Af000000000001AAA"):
        assert Partner(org, f"60.0/{more}").call("getServerTimestamp")
