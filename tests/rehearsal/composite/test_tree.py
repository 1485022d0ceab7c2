"""composite/tree: records with their children, all or none."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.composite.conftest import count
from tests.rehearsal.http.conftest import Client, V

URL = f"{V}/composite/tree/Account"


def record(reference: str, kind: str = "Account", **fields: Any) -> dict[str, Any]:
    named = {"LastName": "x"} if kind == "Contact" else {"Name": "x"}
    return {"attributes": {"type": kind, "referenceId": reference}, **named, **fields}


def children(*records: dict[str, Any]) -> dict[str, Any]:
    return {"records": list(records)}


def test_nested_records_are_linked(org: Client) -> None:
    first = record("r1", Contacts=children(record("r2", "Contact"), record("r3", "Contact")))
    second = record("r4", childAccounts=children(record("r5")), Contacts=children(record("r6", "Contact")))
    answer = org.post(URL, {"records": [first, second]})
    assert answer.status_code == 201
    body = answer.json()
    assert body["hasErrors"] is False
    assert [one["referenceId"] for one in body["results"]] == ["r1", "r4", "r2", "r3", "r5", "r6"]
    ids = {one["referenceId"]: one["id"] for one in body["results"]}
    found = org.query("SELECT Id, AccountId FROM Contact")["records"]
    assert {one["Id"]: one["AccountId"] for one in found} == {
        ids["r2"]: ids["r1"],
        ids["r3"]: ids["r1"],
        ids["r6"]: ids["r4"],
    }
    parent = org.get(f"{V}/sobjects/Account/{ids['r5']}?fields=ParentId").json()
    assert parent["ParentId"] == ids["r4"]


def test_one_error_and_nothing_is_created(org: Client) -> None:
    bad = record("r2", "Contact", Email="no mail address")
    answer = org.post(URL, {"records": [record("r1", Contacts=children(bad))]})
    text = "Email: invalid email address: no mail address"
    error = {"statusCode": "INVALID_EMAIL_ADDRESS", "message": text, "fields": ["Email"]}
    assert answer.status_code == 400
    assert answer.json() == {"hasErrors": True, "results": [{"referenceId": "r2", "errors": [error]}]}
    assert count(org, "Account") == 0


def test_reference_ids(org: Client) -> None:
    answer = org.post(URL, {"records": [record("r1"), record("r1")]})
    errors = [
        {"statusCode": "INVALID_INPUT", "message": "Duplicate ReferenceId provided in the request.", "fields": []},
        {"statusCode": "PROCESSING_HALTED", "message": "Duplicate ReferenceId found: r1", "fields": []},
    ]
    assert answer.status_code == 400
    assert answer.json() == {"hasErrors": True, "results": [{"referenceId": "r1", "errors": errors}]}
    without = org.post(URL, {"records": [{"attributes": {"type": "Account"}, "Name": "x"}]}).json()
    text = "Include a reference ID for each record in the request."
    assert without == [{"message": text, "errorCode": "INVALID_INPUT"}]


def test_types(org: Client) -> None:
    untyped = org.post(URL, {"records": [{"attributes": {"referenceId": "r1"}, "Name": "x"}]}).json()
    assert untyped["results"][0]["errors"][0]["message"] == "Include an entity type for each record in the request."
    other = org.post(URL, {"records": [record("r1", "Contact")]}).json()
    assert other["results"][0]["errors"][0]["statusCode"] == "INVALID_INPUT"
    assert org.post(f"{V}/composite/tree/Nope", {"records": [record("r1", "Nope")]}).status_code == 404


def test_an_unknown_list_of_children(org: Client) -> None:
    answer = org.post(URL, {"records": [record("r1", Nope=children(record("r2")))]})
    error = answer.json()["results"][0]["errors"][0]
    assert (error["statusCode"], error["message"]) == (
        "INVALID_FIELD",
        "No such column 'Nope' on sobject of type Account",
    )


def test_limits(org: Client) -> None:
    deep = record("r5")
    for number in (4, 3, 2, 1):
        deep = record(f"r{number}", ChildAccounts=children(deep))
    assert org.post(URL, {"records": [deep]}).status_code == 201
    deeper = record("r0", ChildAccounts=children(deep))
    assert org.post(URL, {"records": [deeper]}).json()[0]["errorCode"] == "INVALID_INPUT"
    many = [record(f"r{number}") for number in range(201)]
    assert org.post(URL, {"records": many}).json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert org.post(URL, {"records": []}).status_code == 400
    assert count(org, "Account") == 5
