"""The partner API goes by the rights of the session's user."""

from __future__ import annotations

from tests.rehearsal.http.conftest import Client, V
from tests.rehearsal.soap.partner import Partner, sobject


def someone(org: Client) -> str:
    profile = org.query("SELECT Id FROM Profile WHERE Name != 'System Administrator' AND Name != 'Standard User'")
    found = profile["records"]
    assert found, "the org has a profile without rights"
    org.create(
        "User",
        Username="someone@rehearsal.example",
        LastName="Someone",
        Email="someone@example.com",
        Alias="some",
        ProfileId=found[0]["Id"],
        TimeZoneSidKey="Europe/Rome",
        LocaleSidKey="it_IT",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
    )
    return str(org.control("sessions", {"username": "someone@rehearsal.example"})["access_token"])


def test_what_is_not_seen_does_not_exist(org: Client) -> None:
    partner = Partner(org)
    partner.token = someone(org)
    fault = partner.fault("query", "<queryString>SELECT Id FROM Account</queryString>")
    assert fault.findtext("faultcode") == "sf:INVALID_TYPE"
    assert partner.fault("create", sobject("Account", Name="x")).findtext("faultcode") == "sf:INVALID_TYPE"
    assert org.get(f"{V}/sobjects/Account").status_code == 200
