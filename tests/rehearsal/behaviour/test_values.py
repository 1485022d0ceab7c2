from __future__ import annotations

import threading
from typing import Any

import pytest

from sfsync.rehearsal.dml.numbers import shaped
from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org
from tests.rehearsal.behaviour.conftest import Desk
from tests.rehearsal.behaviour.test_security import _USER, user


def refused(org: Org, object_name: str, **fields: Any) -> dict[str, Any]:
    result = org.insert(object_name, [fields])[0]
    assert not result.success
    return result.errors[0].item()


@pytest.mark.parametrize(
    ("display", "first"),
    [
        ("CL-{000000}", "CL-000007"),
        ("{0}", "7"),
        ("{YYYY}-{MM}/{DD} {00}", "2026-03/01 07"),
        ("{{x}} {YY}{000}", "{{x}} 26007"),
        ("A{00}%B", "A07%B"),
    ],
)
def test_display_formats(display: str, first: str) -> None:
    assert shaped(display, "2026-03-01T08:00:00.000+0000").format(7) == first


def test_auto_numbers_go_on_over_calls(desk: Desk) -> None:
    case = desk.made("Case", Subject="a")
    clocks = [desk.made("Clock__c", Case__c=case) for _ in range(2)]
    assert [desk.value("Clock__c", one, "Name") for one in clocks] == ["CL-000001", "CL-000002"]
    lead = desk.made("Lead", LastName="Rossi", FirstName="Anna", Company="Bar")
    assert desk.value("Lead", lead, "Name") == "Anna Rossi"


@pytest.mark.parametrize(("name", "value", "good"), [("BillingLatitude", 90, True), ("BillingLatitude", 90.5, False)])
def test_coordinates_stay_on_the_globe(org: Org, name: str, value: float, good: bool) -> None:
    assert org.insert("Account", [{"Name": "a", name: value}])[0].success is good


def test_an_opportunity_follows_its_stage(desk: Desk) -> None:
    names = ["IsClosed", "IsWon", "Probability", "ForecastCategory", "ExpectedRevenue", "FiscalYear", "FiscalQuarter"]
    deal = desk.made("Opportunity", Name="a", StageName="Prospecting", CloseDate="2026-05-01", Amount=200)
    row = desk.org.retrieve("Opportunity", deal, names)
    assert [row[name] for name in names] == [False, False, 10.0, "Pipeline", 20.0, 2026, 2]
    desk.changed("Opportunity", deal, Probability=35)
    assert desk.value("Opportunity", deal, "ExpectedRevenue") == 70.0
    desk.changed("Opportunity", deal, StageName="Closed Won")
    row = desk.org.retrieve("Opportunity", deal, names)
    assert [row[name] for name in names[:5]] == [True, True, 100.0, "Closed", 200.0]


def test_an_event_ends_after_its_duration(desk: Desk, org: Org) -> None:
    event = desk.made("Event", Subject="x", StartDateTime="2026-03-01T09:00:00Z", DurationInMinutes=90)
    assert desk.value("Event", event, "EndDateTime") == "2026-03-01T10:30:00.000+0000"
    desk.changed("Event", event, EndDateTime="2026-03-01T09:30:00Z")
    assert desk.value("Event", event, "DurationInMinutes") == 30
    desk.changed("Event", event, StartDateTime="2026-03-02T09:00:00Z")
    assert desk.value("Event", event, "EndDateTime") == "2026-03-02T09:30:00.000+0000"
    assert refused(org, "Event", Subject="x")["statusCode"] == "REQUIRED_FIELD_MISSING"
    ends = {"StartDateTime": "2026-03-01T09:00:00Z", "EndDateTime": "2026-03-01T08:00:00Z"}
    assert refused(org, "Event", Subject="x", **ends)["statusCode"] == "FIELD_INTEGRITY_EXCEPTION"


def test_an_activity_counts_for_the_account_of_what_it_is_about(desk: Desk) -> None:
    account = desk.made("Account", Name="a")
    deal = desk.made("Opportunity", Name="b", StageName="Prospecting", CloseDate="2026-05-01", AccountId=account)
    contact = desk.made("Contact", LastName="c", AccountId=account)
    start = {"StartDateTime": "2026-03-01T09:00:00Z", "DurationInMinutes": 5}
    made = [desk.made("Task", Subject="x", WhatId=deal), desk.made("Task", Subject="x", WhoId=contact)]
    assert [desk.value("Task", one, "AccountId") for one in made] == [account, account]
    event = desk.made("Event", Subject="x", WhatId=account, **start)
    assert desk.value("Event", event, "AccountId") == account
    desk.changed("Event", event, WhatId=None)
    assert desk.value("Event", event, "AccountId") is None


def test_an_inactive_user_owns_nothing_new(desk: Desk, org: Org) -> None:
    who = user(desk, "Standard User")
    account = desk.made("Account", Name="a", OwnerId=who)
    desk.changed("User", who, IsActive=False)
    item = refused(org, "Account", Name="b", OwnerId=who)
    assert (item["statusCode"], item["fields"]) == ("INACTIVE_OWNER_OR_USER", ["OwnerId"])
    assert item["message"] == f"operation performed with inactive user [{who[:15]}] as owner of account"
    desk.changed("Account", account, Name="c", OwnerId=who)


def test_a_queue_owns_only_what_it_serves(desk: Desk, org: Org) -> None:
    queue = desk.ask("SELECT Id FROM Group WHERE DeveloperName = 'DESK'")[0]["Id"]
    row = {"Subject": "a", "OwnerId": queue}
    assert org.insert("Case", [row], options=Options(auto_assign=False))[0].success
    lead = {"LastName": "a", "Company": "b", "OwnerId": queue}
    wrong = org.insert("Lead", [lead], options=Options(auto_assign=False))[0].errors[0]
    assert wrong.message == "Queue not associated with this SObject type"


def test_licences_run_out(desk: Desk, org: Org) -> None:
    org.set_licenses("Salesforce", 2)
    who = user(desk, "Standard User")
    profile = desk.value("User", who, "ProfileId")
    row = {**_USER, "Username": "second@operator.example", "ProfileId": profile}
    item = refused(org, "User", **row)
    assert (item["statusCode"], item["message"]) == ("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded")
    sleeping = desk.made("User", **row, IsActive=False)
    used = desk.ask("SELECT UsedLicenses FROM UserLicense WHERE Name = 'Salesforce'")
    assert used == [{"UsedLicenses": 2}]
    assert not org.update("User", [{"Id": sleeping, "IsActive": True}])[0].success
    desk.changed("User", who, IsActive=False)
    desk.changed("User", sleeping, IsActive=True)


def test_audit_fields_are_set_on_create_where_the_org_allows_it(desk: Desk, org: Org) -> None:
    who = user(desk, "Standard User")
    row = {"Name": "a", "CreatedDate": "2020-01-01T00:00:00Z", "CreatedById": who}
    assert refused(org, "Account", **row)["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    org.allow_audit_fields(True)
    results = org.insert("Account", [row, {"Name": "b"}])
    names = ["CreatedDate", "CreatedById", "LastModifiedDate", "SystemModstamp"]
    now = "2026-03-01T08:00:00.000+0000"
    shown = org.retrieve("Account", str(results[0].id), names)
    assert [shown[name] for name in names] == ["2020-01-01T00:00:00.000+0000", who, now, now]
    shown = org.retrieve("Account", str(results[1].id), names)
    assert [shown[name] for name in names] == [now, org.user_id, now, now]
    assert not org.update("Account", [{"Id": results[0].id, "CreatedDate": now}])[0].success
    assert refused(org, "Account", Name="c", SystemModstamp=now)["fields"] == ["SystemModstamp"]
    assert refused(org, "User", **_USER, CreatedDate=now)["fields"] == ["CreatedDate"]
    assert refused(org, "Account", Name="c", CreatedById=who[:-4] + "x")["fields"] == ["CreatedById"]


def test_a_record_type_offers_some_values_of_a_restricted_picklist(desk: Desk, org: Org) -> None:
    shop = desk.ask("SELECT Id FROM RecordType WHERE DeveloperName = 'Shop'")[0]["Id"]
    item = refused(org, "Account", Name="a", RecordTypeId=shop, Tier__c="GOLD")
    assert item == {
        "statusCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "message": "Tier: bad value for restricted picklist field: GOLD",
        "fields": ["Tier__c"],
    }
    account = desk.made("Account", Name="a", RecordTypeId=shop, Tier__c="SILVER")
    assert not org.update("Account", [{"Id": account, "Tier__c": "GOLD"}])[0].success
    desk.made("Account", Name="b", Tier__c="GOLD")


def test_a_writer_who_waits_too_long_gets_no_lock(desk: Desk, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfsync.rehearsal.org.base.WAIT_S", 0.01)
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with org.transaction():
            inside.set()
            done.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(5)
    account = {"Name": "a"}
    with pytest.raises(OrgError, match="UNABLE_TO_LOCK_ROW: unable to obtain exclusive access"):
        org.insert("Account", [account])
    done.set()
    holder.join()
    assert org.insert("Account", [account])[0].success


@pytest.mark.parametrize("given", ["", None])
def test_a_picklist_that_cannot_be_empty_takes_its_default(desk: Desk, given: str | None) -> None:
    lead = desk.made("Lead", LastName="Rossi", Company="Bar", Status=given)
    assert desk.value("Lead", lead, "Status") == "Open - Not Contacted"
    campaign = desk.made("Campaign", Name="a", Status=given)
    assert desk.value("Campaign", campaign, "Status") is None, "this one may be empty"


def test_how_many_were_sent_is_a_number_with_a_point(desk: Desk) -> None:
    campaign = desk.made("Campaign", Name="a", NumberSent=3)
    assert desk.value("Campaign", campaign, "NumberSent") == 3.0
    assert len(list(desk.org.query("SELECT Id FROM Campaign WHERE NumberSent >= 2.5").records)) == 1
