"""The standard objects: what they are, that they hold together, that rows go in and come out."""

from __future__ import annotations

from typing import Any

import pytest

from sfsync.rehearsal.org import Org
from sfsync.rehearsal.schema import standard
from sfsync.rehearsal.schema.build import build
from sfsync.rehearsal.schema.model import Schema

SCHEMA: Schema = build(())
STORED = sorted(name for name, one in SCHEMA.objects.items() if one.stored)


@pytest.mark.parametrize(
    ("name", "prefix", "calls"),
    [
        ("Account", "001", "CUDNQRPS"),
        ("Contact", "003", "CUDNQRPS"),
        ("Opportunity", "006", "CUDNQRPS"),
        ("Lead", "00Q", "CUDNQRPS"),
        ("Group", "00G", "CUDQRPS"),
        ("GroupMember", "011", "CDQRP"),
        ("CaseMilestone", "555", "UQR"),
        ("MilestoneType", "557", "CUDQR"),
        ("SlaProcess", "552", "QRS"),
        ("EntityMilestone", "1EM", "UQRP"),
        ("BusinessHours", "01m", "CUQRPS"),
        ("DuplicateRecordSet", "0GK", "CUDNQRP"),
        ("Organization", "00D", "UQRP"),
        ("AsyncApexJob", "707", "QR"),
    ],
)
def test_prefixes_and_calls_are_the_recorded_ones(name: str, prefix: str, calls: str) -> None:
    found = SCHEMA.objects[name]
    assert (found.prefix, "".join(one for one in found.calls if one in "CUDNQRPS")) == (prefix, calls)


def test_every_name_is_there_once_and_every_reference_has_a_relationship() -> None:
    for one in SCHEMA.objects.values():
        names = [field.name.lower() for field in one.fields]
        assert len(names) == len(set(names)), one.name
        for field in one.fields:
            assert bool(field.reference_to) is (field.type == "reference"), f"{one.name}.{field.name}"
            assert set(field.reference_to) <= set(SCHEMA.objects), f"{one.name}.{field.name}"
            assert field.type != "reference" or field.relationship_name, f"{one.name}.{field.name}"


def test_child_names_of_a_parent_are_unambiguous() -> None:
    for one in SCHEMA.objects.values():
        names = [child.field.child_name for child in one.children if child.field.child_name]
        assert len(names) == len(set(names)), (one.name, sorted(names))


def test_a_restricted_picklist_offers_something() -> None:
    empty = [
        f"{one.name}.{field.name}"
        for one in SCHEMA.objects.values()
        for field in one.fields
        if field.restricted and field.createable and not field.values and field.name != "SobjectType"
    ]
    assert empty == []


def test_settings_are_the_callers_own() -> None:
    _, settings = standard.load()
    settings["closed_case_statuses"].append("Gone")
    assert standard.load()[1]["closed_case_statuses"] == ["Closed"]


def test_every_object_can_be_read(plain: Org) -> None:
    """All fields at once: no column is missing, no address without its parts."""
    for obj in (plain.schema.objects[name] for name in STORED if "Q" in plain.schema.objects[name].calls):
        fields = ", ".join(one.name for one in obj.fields)
        where = f" WHERE {obj.needs_filter[0]} = '069000000000000AAA'" if obj.needs_filter else ""
        for row in plain.query(f"SELECT {fields} FROM {obj.name}{where} LIMIT 1").records:
            assert list(row)[1:] == [one.name for one in obj.fields]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("Lead", {"LastName": "Ray", "Company": "Ray Ltd"}),
        ("Opportunity", {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-01"}),
        ("Product2", {"Name": "Chair"}),
        ("Campaign", {"Name": "Spring"}),
        ("Contract", {"AccountId": "@Account", "Status": "Draft"}),
        ("Order", {"AccountId": "@Account", "Status": "Draft", "EffectiveDate": "2026-03-01"}),
        ("Event", {"Subject": "Call", "DurationInMinutes": 30, "ActivityDateTime": "2026-03-01T10:00:00Z"}),
        ("Note", {"ParentId": "@Account", "Title": "Note"}),
        ("Attachment", {"ParentId": "@Account", "Name": "a.txt", "Body": "aGVsbG8="}),
        ("Topic", {"Name": "Chairs"}),
        ("Holiday", {"Name": "New Year", "ActivityDate": "2026-01-01", "IsAllDay": True}),
        ("Entitlement", {"Name": "Gold", "AccountId": "@Account"}),
        ("WorkOrder", {"Subject": "Fix", "AccountId": "@Account"}),
        ("PermissionSetGroup", {"DeveloperName": "Team", "MasterLabel": "Team", "Language": "en_US"}),
    ],
)
def test_rows_of_standard_objects(plain: Org, name: str, row: dict[str, Any]) -> None:
    account = plain.insert("Account", [{"Name": "Parent"}])[0].id
    row = {key: account if value == "@Account" else value for key, value in row.items()}
    made = plain.insert(name, [row])[0]
    assert made.success, made.errors
    assert str(made.id).startswith(SCHEMA.objects[name].prefix)


def test_an_address_is_put_together(plain: Org) -> None:
    one = plain.insert("Account", [{"Name": "A", "BillingCity": "Roma", "BillingLatitude": 41.5}])[0]
    row = plain.retrieve("Account", str(one.id), ["BillingAddress", "ShippingAddress"])
    assert row["ShippingAddress"] is None
    assert list(row["BillingAddress"].items()) == [
        ("city", "Roma"),
        ("country", None),
        ("geocodeAccuracy", None),
        ("latitude", 41.5),
        ("longitude", None),
        ("postalCode", None),
        ("state", None),
        ("street", None),
    ]


def test_a_row_shows_where_its_content_is(plain: Org) -> None:
    account = plain.insert("Account", [{"Name": "A"}])[0].id
    row = {"ParentId": account, "Name": "a.txt", "Body": "aGVsbG8="}
    one = str(plain.insert("Attachment", [row])[0].id)
    found = plain.retrieve("Attachment", one, ["Body"], version="62.0")
    assert found["Body"] == f"/services/data/v62.0/sobjects/Attachment/{one}/Body"


def test_an_address_is_not_written(plain: Org) -> None:
    made = plain.insert("Account", [{"Name": "A", "BillingAddress": "Roma"}])[0]
    assert not made.success


def test_status_rows_follow_the_picklists(plain: Org) -> None:
    found = plain.query("SELECT ApiName, IsClosed, IsDefault FROM CaseStatus ORDER BY SortOrder").records
    rows = [(row["ApiName"], row["IsClosed"], row["IsDefault"]) for row in found]
    assert rows[0] == ("New", False, True)
    assert rows[-1] == ("Closed", True, False)
    won = list(plain.query("SELECT ApiName, DefaultProbability FROM OpportunityStage WHERE IsWon = true").records)
    assert [(row["ApiName"], row["DefaultProbability"]) for row in won] == [("Closed Won", 100.0)]


def test_platform_figures_begin_at_zero(plain: Org) -> None:
    one = plain.insert("Topic", [{"Name": "Chairs"}])[0]
    assert plain.retrieve("Topic", str(one.id), ["TalkingAbout"])["TalkingAbout"] == 0


def test_histories_and_shares_belong_to_their_object() -> None:
    assert SCHEMA.objects["CaseHistory"].associate == ("History", "Case")
    assert SCHEMA.objects["OpportunityFieldHistory"].associate == ("History", "Opportunity")
    assert SCHEMA.objects["Case"].child("Histories").object == "CaseHistory"  # type: ignore[union-attr]
    assert SCHEMA.objects["Account"].child("Shares").object == "AccountShare"  # type: ignore[union-attr]
    assert not SCHEMA.objects["CaseChangeEvent"].stored


def test_a_fresh_org_reopens_as_it_was(plain: Org) -> None:
    one = plain.insert("Opportunity", [{"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-03-01"}])[0]
    again = Org.open(plain.data)
    try:
        assert again.retrieve("Opportunity", str(one.id), ["Name"])["Name"] == "D"
        indexes = again.query("SELECT COUNT() FROM OpportunityStage").total_size
        assert indexes == len(again.schema.settings["opportunity_stages"])
    finally:
        again.close()
