from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.org import Org

Ask = Callable[..., list[dict[str, Any]]]


def made(org: Org, object_name: str, **fields: Any) -> str:
    result = org.insert(object_name, [fields])[0]
    assert result.success, result.errors
    return str(result.id)


def test_a_person_account_is_mirrored_in_a_contact(org: Org, ask: Ask, types: dict[str, str]) -> None:
    record = made(
        org, "Account", FirstName="Giulia", LastName="Ferri", PersonEmail="G@X.example", RecordTypeId=types["Player"]
    )
    row = org.retrieve("Account", record)
    assert (row["Name"], row["IsPersonAccount"], row["PersonEmail"]) == ("Giulia Ferri", True, "g@x.example")
    contact = org.retrieve("Contact", row["PersonContactId"])
    shown = {name: contact[name] for name in ("Name", "Email", "AccountId", "IsPersonAccount", "OwnerId")}
    assert shown == {
        "Name": "Giulia Ferri",
        "Email": "g@x.example",
        "AccountId": record,
        "IsPersonAccount": True,
        "OwnerId": org.user_id,
    }
    org.update("Account", [{"Id": record, "LastName": "Neri", "PersonEmail": None, "Operator_Code__pc": "OP1"}])
    assert ask("SELECT Name, Email, Operator_Code__c FROM Contact") == [
        {"Name": "Giulia Neri", "Email": None, "Operator_Code__c": "OP1"}
    ]
    assert org.retrieve("Account", record, ["Name"])["Name"] == "Giulia Neri"
    org.delete([record])
    assert ask("SELECT Id FROM Contact") == []


def test_persons_and_businesses_keep_apart(org: Org, types: dict[str, str]) -> None:
    person, shop = types["Player"], types["Shop"]
    rows = [
        {"Name": "x", "LastName": "y", "RecordTypeId": person},
        {"FirstName": "x", "RecordTypeId": person},
        {"Name": "x", "LastName": "y", "RecordTypeId": shop},
        {"Name": "x", "PersonEmail": "a@b.example", "RecordTypeId": shop},
        {"RecordTypeId": shop},
    ]
    errors = [one.errors[0] for one in org.insert("Account", rows)]
    assert [error.code for error in errors] == [
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "REQUIRED_FIELD_MISSING",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "REQUIRED_FIELD_MISSING",
    ]
    assert errors[0].message == "Account: bad field names on insert/update call: Name"
    assert errors[1].fields == ["LastName"]
    assert errors[4].fields == ["Name"]
    record = made(org, "Account", Name="Bar", RecordTypeId=shop)
    assert not org.update("Account", [{"Id": record, "RecordTypeId": person}])[0].success


def test_a_unique_contact_field_stays_unique_through_a_person(org: Org, types: dict[str, str]) -> None:
    made(org, "Contact", LastName="Rossi", Operator_Code__c="OP1")
    row = {"LastName": "Ferri", "RecordTypeId": types["Player"], "Operator_Code__pc": "op1"}
    assert org.insert("Account", [row])[0].errors[0].code == "DUPLICATE_VALUE"
    record = made(org, "Account", **(row | {"Operator_Code__pc": "op2"}))
    assert org.update("Account", [{"Id": record, "Operator_Code__pc": "OP2"}])[0].success
    assert org.update("Account", [{"Id": record, "Operator_Code__pc": "OP1"}])[0].errors[0].code == "DUPLICATE_VALUE"


def test_the_contact_of_a_person_is_read_only(org: Org, ask: Ask, types: dict[str, str]) -> None:
    made(org, "Account", LastName="Ferri", RecordTypeId=types["Player"])
    contact = ask("SELECT Id FROM Contact")[0]["Id"]
    assert org.update("Contact", [{"Id": contact, "LastName": "X"}])[0].errors[0].code == (
        "INVALID_PERSON_ACCOUNT_OPERATION"
    )
    assert not org.delete([contact])[0].success


def test_a_last_name_alone_makes_a_person(org: Org) -> None:
    record = made(org, "Account", LastName="Ferri")
    assert org.retrieve("Account", record, ["IsPersonAccount"])["IsPersonAccount"] is True


def test_a_case_gets_a_number_and_closes_with_its_status(org: Org) -> None:
    org.clock.freeze(datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    first, second = made(org, "Case", Subject="a"), made(org, "Case", Subject="b", Status="Closed")
    names = ["CaseNumber", "Status", "IsClosed", "ClosedDate", "IsClosedOnCreate", "OwnerId", "Priority"]
    row = org.retrieve("Case", first, names)
    assert [row[name] for name in names] == ["00001000", "New", False, None, False, org.user_id, "Medium"]
    row = org.retrieve("Case", second, names)
    assert [row[name] for name in names[:5]] == ["00001001", "Closed", True, "2026-03-01T08:00:00.000+0000", True]
    org.clock.advance(60)
    org.update("Case", [{"Id": first, "Status": "Closed"}, {"Id": second, "Subject": "c"}])
    assert org.retrieve("Case", first, ["ClosedDate"])["ClosedDate"] == "2026-03-01T08:01:00.000+0000"
    assert org.retrieve("Case", second, ["ClosedDate"])["ClosedDate"] == "2026-03-01T08:00:00.000+0000"
    org.update("Case", [{"Id": first, "Status": "Working"}])
    row = org.retrieve("Case", first, names)
    assert (row["IsClosed"], row["ClosedDate"], row["IsClosedOnCreate"]) == (False, None, False)


def test_a_case_takes_the_account_of_its_contact_and_shows_the_contacts_email(org: Org) -> None:
    account = made(org, "Account", Name="Shop")
    contact = made(org, "Contact", LastName="Rossi", Email="r@x.example", AccountId=account)
    case = made(org, "Case", Subject="a", ContactId=contact)
    row = org.retrieve("Case", case, ["AccountId", "ContactEmail"])
    assert (row["AccountId"], row["ContactEmail"]) == (account, "r@x.example")
    org.update("Contact", [{"Id": contact, "Email": "new@x.example"}])
    assert org.retrieve("Case", case, ["ContactEmail"])["ContactEmail"] == "new@x.example"


def test_comments_of_a_case_make_a_comment(org: Org, ask: Ask) -> None:
    case = made(org, "Case", Subject="a", Comments="first")
    org.update("Case", [{"Id": case, "Comments": "second"}])
    said = ask("SELECT CommentBody FROM CaseComment WHERE ParentId = '" + case + "' ORDER BY Id")
    assert [one["CommentBody"] for one in said] == ["first", "second"]
    assert org.retrieve("Case", case, ["Comments"])["Comments"] is None


def test_only_a_queue_that_serves_cases_may_own_one(org: Org, ask: Ask) -> None:
    queues = {one["DeveloperName"]: one["Id"] for one in ask("SELECT Id, DeveloperName FROM Group")}
    case = made(org, "Case", Subject="a", OwnerId=queues["DESK"])
    assert ask("SELECT Owner.Name, Owner.Type, Owner.Username FROM Case")[0]["Owner"] == {
        "attributes": {"type": "Name", "url": f"/services/data/v60.0/sobjects/Group/{queues['DESK']}"},
        "Name": "Desk",
        "Type": "Queue",
        "Username": None,
    }
    refused = org.update("Case", [{"Id": case, "OwnerId": queues["IDLE"]}])[0].errors[0]
    assert refused.message == "Queue not associated with this SObject type"
    account = org.insert("Account", [{"Name": "x", "OwnerId": queues["DESK"]}])[0].errors[0]
    assert account.code == "MALFORMED_ID"


@pytest.mark.parametrize(("auto_assign", "owner"), [(True, "Desk"), (False, "Integration User")])
def test_the_assignment_rule_takes_cases_unless_told_not_to(
    org: Org, ask: Ask, monkeypatch: pytest.MonkeyPatch, auto_assign: bool, owner: str
) -> None:
    assert isinstance(org.schema.settings, dict)
    monkeypatch.setitem(org.schema.settings, "default_case_owner", "DESK")
    org.insert("Case", [{"Subject": "a", "OwnerId": org.user_id}], options=Options(auto_assign=auto_assign))
    assert ask("SELECT Owner.Name FROM Case")[0]["Owner"]["Name"] == owner


def test_users_have_lower_case_names_that_are_unique_and_are_not_deleted(org: Org, ask: Ask) -> None:
    profile = ask("SELECT Id FROM Profile ORDER BY Id")[0]["Id"]
    row = {
        "Username": "Anna.Rossi@Operator.example",
        "Email": "a@operator.example",
        "FirstName": "Anna",
        "LastName": "Rossi",
        "Alias": "aross",
        "ProfileId": profile,
        "TimeZoneSidKey": "Europe/Rome",
        "LocaleSidKey": "it_IT",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "it",
    }
    results = org.insert("User", [row, row | {"Username": "ANNA.ROSSI@operator.example"}, row | {"Username": "anna"}])
    assert results[0].success, results[0].errors
    assert [one.errors[0].code for one in results[1:]] == ["DUPLICATE_USERNAME", "INVALID_EMAIL_ADDRESS"]
    user = org.retrieve("User", str(results[0].id), ["Username", "Name", "IsActive", "UserType"])
    assert [user[name] for name in ("Username", "Name", "IsActive", "UserType")] == [
        "anna.rossi@operator.example",
        "Anna Rossi",
        True,
        "Standard",
    ]
    assert not org.delete([str(results[0].id)])[0].success


def test_a_permission_set_is_assigned_once(org: Org) -> None:
    permission = made(org, "PermissionSet", Name="P", Label="P")
    row = {"AssigneeId": org.user_id, "PermissionSetId": permission}
    results = org.insert("PermissionSetAssignment", [row]) + org.insert("PermissionSetAssignment", [row])
    assert results[0].success
    assert results[1].errors[0].message == (
        f"Duplicate PermissionSetAssignment.  Assignee: {org.user_id[:15]}; Permission Set: {permission[:15]}"
    )


def test_a_task_follows_its_case(org: Org) -> None:
    account = made(org, "Account", Name="a")
    case = made(org, "Case", Subject="a", AccountId=account)
    task = made(org, "Task", Subject="Call", WhatId=case, Priority="High", Status="Completed")
    row = org.retrieve("Task", task, ["AccountId", "IsClosed", "IsHighPriority"])
    assert [row[name] for name in ("AccountId", "IsClosed", "IsHighPriority")] == [account, True, True]
