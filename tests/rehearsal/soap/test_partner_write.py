"""create, update, upsert, delete, undelete, merge and the headers that change them."""

from __future__ import annotations

import pytest

from tests.rehearsal.http.conftest import Client, V
from tests.rehearsal.soap.partner import P, Partner, names, sobject, value

WHOLE = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"


def count(org: Client, name: str = "Account") -> int:
    return int(org.query(f"SELECT COUNT() FROM {name}")["totalSize"])


def test_create(org: Client, partner: Partner) -> None:
    rows = sobject("Account", Name="A &amp; B", NumberOfEmployees="12") + sobject("Contact", FirstName="x")
    good, bad = partner.call("create", rows)
    assert names(good) == ["id", "success"]
    assert names(bad) == ["errors", "id", "success"]
    assert (value(bad, "id"), value(bad, "success")) == (None, "false")
    assert names(bad[0]) == ["fields", "message", "statusCode"]
    assert value(bad, "errors/message") == "Required fields are missing: [LastName]"
    found = org.query("SELECT Id, Name, NumberOfEmployees FROM Account")["records"][0]
    assert (found["Id"], found["Name"], found["NumberOfEmployees"]) == (value(good, "id"), "A & B", 12)


def test_as_jsforce_sends_it(partner: Partner) -> None:
    """Its namespace for the records is not the WSDL's; local names are what counts."""
    spaces = ' xmlns="urn:partner.soap.sforce.com" xmlns:ns1="sobject.partner.soap.sforce.com"'
    (made,) = partner.call("create", sobject("Account", "ns1:sObjects", Name="x"), spaces=spaces)
    assert value(made, "success") == "true"


def test_all_or_none(org: Client, partner: Partner) -> None:
    rows = sobject("Account", Name="x") + sobject("Account")
    good, bad = partner.call("create", rows, WHOLE)
    assert value(good, "errors/statusCode") == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert (value(good, "id"), value(bad, "errors/statusCode")) == (None, "REQUIRED_FIELD_MISSING")
    assert count(org) == 0


def test_update_and_fields_to_null(org: Client, partner: Partner) -> None:
    one = org.create("Account", Name="x", Phone="1", Website="w")
    nil = '<Website xsi:nil="true"/>'
    row = (
        f"<sObjects><type>Account</type><fieldsToNull>Phone</fieldsToNull><Id>{one}</Id><Name>y</Name>{nil}</sObjects>"
    )
    (result,) = partner.call("update", row)
    assert value(result, "success") == "true"
    found = org.get(f"{V}/sobjects/Account/{one}?fields=Name,Phone,Website").json()
    assert (found["Name"], found["Phone"], found["Website"]) == ("y", None, "w")


def test_upsert(org: Client, partner: Partner) -> None:
    key = "<externalIDFieldName>SFS_Shop_Code__c</externalIDFieldName>"
    row = sobject("Account", Name="x", SFS_Shop_Code__c="S1")
    (made,) = partner.call("upsert", key + row)
    (found,) = partner.call("upsert", key + row)
    assert names(made) == ["created", "id", "success"]
    assert (value(made, "created"), value(found, "created")) == ("true", "false")
    assert value(made, "id") == value(found, "id")
    fault = partner.fault("upsert", "<externalIDFieldName>Phone</externalIDFieldName>" + row)
    assert fault.findtext("faultcode") == "sf:INVALID_FIELD"
    assert count(org) == 1


def test_a_parent_by_external_id(org: Client, partner: Partner) -> None:
    org.create("Account", Name="x", SFS_Shop_Code__c="S1")
    parent = sobject("Account", "Account", SFS_Shop_Code__c="S1")
    row = f"<sObjects><type>Contact</type><LastName>y</LastName>{parent}</sObjects>"
    (made,) = partner.call("create", row)
    assert value(made, "success") == "true"
    assert org.query("SELECT Account.Name FROM Contact")["records"][0]["Account"]["Name"] == "x"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (sobject("Nope", Name="x"), "INVALID_TYPE"),
        (sobject("Account", Name="x", Nope="y"), "INVALID_FIELD"),
        (sobject("Contact", LastName="x", Birthdate="yesterday"), "INVALID_FIELD"),
    ],
)
def test_what_cannot_be_read_refuses_the_call(org: Client, partner: Partner, row: str, code: str) -> None:
    fault = partner.fault("create", sobject("Account", Name="good") + row)
    assert fault.findtext("faultcode") == f"sf:{code}"
    assert count(org) == 0


def test_at_most_200(partner: Partner) -> None:
    fault = partner.fault("create", sobject("Account", Name="x") * 201)
    assert fault.findtext("faultcode") == "sf:EXCEEDED_ID_LIMIT"
    text = "EXCEEDED_ID_LIMIT: record limit reached. cannot submit more than 200 records into this call"
    assert fault.findtext("faultstring") == text


def test_delete_undelete_and_empty(org: Client, partner: Partner) -> None:
    one = org.create("Account", Name="x")
    ids = f"<ids>{one}</ids>"
    (gone,) = partner.call("delete", ids)
    assert (names(gone), value(gone, "id"), count(org)) == (["id", "success"], one, 0)
    (again,) = partner.call("delete", ids)
    assert value(again, "errors/statusCode") == "ENTITY_IS_DELETED"
    (back,) = partner.call("undelete", ids)
    assert (value(back, "success"), count(org)) == ("true", 1)
    partner.call("delete", ids)
    (emptied,) = partner.call("emptyRecycleBin", ids)
    assert value(emptied, "success") == "true"
    other = org.create("Account", Name="y")
    (by_old_name,) = partner.call("delete", f"<id>{other}</id>")
    assert (value(by_old_name, "success"), count(org)) == ("true", 0)
    (too_late,) = partner.call("undelete", ids)
    assert value(too_late, "success") == "false"


@pytest.mark.parametrize("tag", ["request", "mergeRequests"])
def test_merge(org: Client, partner: Partner, tag: str) -> None:
    """``request`` is the WSDL's name, ``mergeRequests`` is jsforce's."""
    master, loser = org.create("Account", Name="A"), org.create("Account", Name="B")
    contact = org.create("Contact", LastName="x", AccountId=loser)
    inside = sobject("Account", "masterRecord", Id=master, Phone="1") + f"<recordToMergeIds>{loser}</recordToMergeIds>"
    (result,) = partner.call("merge", f"<{tag}>{inside}</{tag}>")
    assert names(result) == ["id", "mergedRecordIds", "success", "updatedRelatedIds"]
    assert (value(result, "id"), value(result, "mergedRecordIds")) == (master, loser)
    assert value(result, "updatedRelatedIds") == contact
    assert org.get(f"{V}/sobjects/Account/{master}?fields=Phone").json()["Phone"] == "1"


def test_merge_refused(org: Client, partner: Partner) -> None:
    one = org.create("Account", Name="A")
    inside = sobject("Account", "masterRecord", Id=one) + f"<recordToMergeIds>{one}</recordToMergeIds>"
    (result,) = partner.call("merge", f"<request>{inside}</request>")
    assert (value(result, "success"), value(result, "id")) == ("false", None)
    assert result.find(f"{P}errors") is not None


def test_truncation_is_asked_for(org: Client, partner: Partner) -> None:
    row = sobject("Account", Name="x" * 300)
    (refused,) = partner.call("create", row)
    assert value(refused, "errors/statusCode") == "STRING_TOO_LONG"
    header = (
        "<AllowFieldTruncationHeader><allowFieldTruncation>true</allowFieldTruncation></AllowFieldTruncationHeader>"
    )
    (made,) = partner.call("create", row, header)
    assert value(made, "success") == "true"
    assert org.query("SELECT Name FROM Account")["records"][0]["Name"] == "x" * 255


def test_assignment_only_when_asked(org: Client, partner: Partner) -> None:
    row = sobject("Case", Subject="x")
    rule = "<AssignmentRuleHeader><useDefaultRule>true</useDefaultRule></AssignmentRuleHeader>"
    (mine,), (assigned,) = partner.call("create", row), partner.call("create", row, rule)
    owners = {one["Id"]: one["OwnerId"] for one in org.query("SELECT Id, OwnerId FROM Case")["records"]}
    assert owners[str(value(mine, "id"))][:3] == "005"
    rest = org.get(f"{V}/sobjects/Case/{org.create('Case', Subject='x')}?fields=OwnerId").json()["OwnerId"]
    assert owners[str(value(assigned, "id"))] == rest
