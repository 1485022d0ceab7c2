"""sObject Collections: the shapes an item can take."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.composite.conftest import count, row
from tests.rehearsal.http.conftest import Client, V

MANY = f"{V}/composite/sobjects"


def codes(items: list[dict[str, Any]]) -> list[str | None]:
    return [None if one["success"] else one["errors"][0]["statusCode"] for one in items]


def test_upsert_by_id(org: Client) -> None:
    old = org.create("Contact", LastName="x")
    rows = [row("Contact", Id=old, LastName="y"), row("Contact", Id=None, LastName="z")]
    items = org.patch(f"{MANY}/Contact/Id", {"allOrNone": False, "records": rows}).json()
    assert [(one["success"], one["created"]) for one in items] == [(True, False), (True, True)]
    assert (items[0]["id"], items[1]["id"][:3]) == (old, "003")


def test_upsert_by_a_key_that_several_rows_carry(org: Client) -> None:
    for _ in range(2):
        org.create("Contact", LastName="x", Email="twice@example.com")
    rows = [
        row("Contact", Email="Twice@example.com", LastName="y"),
        row("Contact", Email="new@example.com", LastName="z"),
    ]
    items = org.patch(f"{MANY}/Contact/Email", {"records": rows}).json()
    assert codes(items) == ["DUPLICATE_EXTERNAL_ID", None]
    assert items[0]["errors"][0]["fields"] == ["Email"]


def test_upsert_all_or_none_says_created_where_it_would_have(org: Client) -> None:
    rows = [row("Account", SFS_Shop_Code__c="S1", Name="A"), row("Account", SFS_Shop_Code__c="S2")]
    good, bad = org.patch(f"{MANY}/Account/SFS_Shop_Code__c", {"allOrNone": True, "records": rows}).json()
    assert (good["created"], "id" in good, codes([good])) == (True, False, ["ALL_OR_NONE_OPERATION_ROLLED_BACK"])
    assert (bad["created"], codes([bad])) == (False, ["REQUIRED_FIELD_MISSING"])
    assert count(org, "Account") == 0


def test_upsert_of_an_unknown_object_or_another_type(org: Client) -> None:
    assert org.patch(f"{MANY}/Nope/Id", {"records": [row("Nope", Id=None)]}).status_code == 404
    items = org.patch(f"{MANY}/Account/Id", {"records": [row("Contact", Id=None, LastName="x")]}).json()
    assert codes(items) == ["INVALID_TYPE"]


def test_ids_of_another_object(org: Client) -> None:
    account = org.create("Account", Name="x")
    (item,) = org.patch(MANY, {"records": [row("Contact", id=account, LastName="x")]}).json()
    text = f"Contact ID: id value of incorrect type: {account}"
    assert item["errors"] == [{"statusCode": "MALFORMED_ID", "message": text, "fields": ["Id"]}]


def test_update_of_what_is_not_there(org: Client) -> None:
    gone = org.create("Account", Name="x")
    org.delete(f"{V}/sobjects/Account/{gone}")
    items = org.patch(MANY, {"records": [row("Account", Id=gone), row("Account", Id="001000000000001AAA")]}).json()
    assert codes(items) == ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"]


def test_attributes_anywhere_and_names_in_any_case(org: Client) -> None:
    records = [{"name": "x", "BILLINGCITY": "Oslo", "attributes": {"type": "account"}}]
    (item,) = org.post(f"{MANY}?whatever=1", {"records": records}).json()
    found = org.get(f"{MANY}/account?ids={item['id']}&fields=name,billingcity,account.name").json()
    assert found[0]["errorCode"] == "INVALID_FIELD"
    found = org.get(f"{MANY}/account?ids={item['id']}&fields=name,billingcity").json()
    assert list(found[0]) == ["attributes", "Name", "BillingCity", "Id"]


def test_an_unknown_type_spoils_its_items_only(org: Client) -> None:
    items = org.post(MANY, {"records": [row("Nope", Name="x"), row("Account", Name="x")]}).json()
    assert codes(items) == ["INVALID_TYPE", None]


def test_all_or_none_as_text(org: Client) -> None:
    items = org.post(MANY, {"allOrNone": "true", "records": [row("Account", Name="x"), row("Account")]}).json()
    assert codes(items) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]


def test_retrieve_2000_by_post(org: Client) -> None:
    one = org.create("Account", Name="x")
    ids = ["001000000000001AAA"] * 1999 + [one]
    found = org.post(f"{MANY}/Account", {"ids": ids, "fields": ["Name"]}).json()
    assert (len(found), found[0], found[-1]["Name"]) == (2000, None, "x")
    assert org.post(f"{MANY}/Account", {"ids": [*ids, one], "fields": ["Name"]}).status_code == 400


def test_ten_chunks_are_fine(org: Client) -> None:
    kinds = ["Account" if number % 2 else "Contact" for number in range(10)]
    rows = [row(kind, **({"Name": "x"} if kind == "Account" else {"LastName": "x"})) for kind in kinds]
    assert codes(org.post(MANY, {"records": rows}).json()) == [None] * 10


def test_fields_are_names(org: Client) -> None:
    one = org.create("Account", Name="x")
    for fields in (["Name FROM Contact"], ["Owner.Name, Id"], ["(SELECT Id FROM Contacts)"], [""], [1]):
        answer = org.post(f"{MANY}/Account", {"ids": [one], "fields": fields})
        assert answer.status_code == 400, fields


def test_ids_that_are_no_texts(org: Client) -> None:
    assert org.patch(MANY, {"records": [row("Account", Id=["x"])]}).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert org.post(f"{MANY}/Account", {"ids": [["x"]], "fields": ["Name"]}).status_code == 400
