"""The partner API goes by the rights of the session's user."""

from __future__ import annotations

from tests.rehearsal.http.conftest import Client, V
from tests.rehearsal.soap.partner import Partner, sobject, someone

FEW = "Minimum Access - API Only Integrations"


def test_what_is_not_seen_does_not_exist(org: Client) -> None:
    someone(org, FEW)
    partner = Partner(org)
    partner.token = org.control("sessions", {"username": "else@rehearsal.example"})["access_token"]
    fault = partner.fault("query", "<queryString>SELECT Id FROM Account</queryString>")
    assert fault.findtext("faultcode") == "sf:INVALID_TYPE"
    assert partner.fault("create", sobject("Account", Name="x")).findtext("faultcode") == "sf:INVALID_TYPE"
    fault = partner.fault("describeSObject", "<sObjectType>Account</sObjectType>")
    assert fault.findtext("faultcode") == "sf:INVALID_TYPE"
    assert org.get(f"{V}/sobjects/Account").status_code == 200
