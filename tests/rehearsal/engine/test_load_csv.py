from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org, SaveResult

Ask = Callable[..., list[dict[str, Any]]]


def load(
    org: Org, object_name: str, operation: str, key: str | None, header: list[str], *rows: list[str]
) -> list[SaveResult]:
    return list(org.load_csv(object_name, operation, key, header, iter(rows)))


def test_an_empty_value_is_ignored_and_na_is_null(org: Org, ask: Ask) -> None:
    load(org, "Account", "insert", None, ["Name", "Site", "Phone"], ["a", "s", "1"])
    record = ask("SELECT Id FROM Account")[0]["Id"]
    load(org, "Account", "update", None, ["Id", "Name", "Site", "Phone"], [record, "", "#N/A", "2"])
    assert ask("SELECT Name, Site, Phone FROM Account") == [{"Name": "a", "Site": None, "Phone": "2"}]


def test_upsert_by_key_with_parents_by_key(org: Org, ask: Ask) -> None:
    load(org, "Account", "insert", None, ["Name", "Shop_Code__c"], ["Shop", "0001"])
    results = load(
        org,
        "Account",
        "upsert",
        "Player_Id__c",
        ["Player_Id__c", "LastName", "Signup_Shop__r.Shop_Code__c", "Blocked__c"],
        ["P-1", "Rossi", "0001", "true"],
        ["P-2", "Neri", "9999", ""],
        ["p-1", "Bianchi", "", ""],
        ["P-3", "", "", ""],
    )
    assert [one.success for one in results] == [True, False, False, False]
    assert results[1].errors[0].csv() == (
        "INVALID_FIELD:Foreign key external ID: 9999 not found for field Shop_Code__c in entity Account:--"
    )
    assert ask("SELECT Player_Id__c, Signup_Shop__r.Name, Blocked__c FROM Account WHERE Player_Id__c != null") == [
        {
            "Player_Id__c": "P-1",
            "Signup_Shop__r": {
                "attributes": {
                    "type": "Account",
                    "url": f"/services/data/v60.0/sobjects/Account/{ask('SELECT Id FROM Account')[0]['Id']}",
                },
                "Name": "Shop",
            },
            "Blocked__c": True,
        }
    ]


def test_a_typed_owner_column(org: Org, ask: Ask) -> None:
    results = load(org, "Case", "insert", None, ["Subject", "User:Owner.Username"], ["a", org.username])
    assert results[0].success, results[0].errors
    assert ask("SELECT OwnerId FROM Case") == [{"OwnerId": org.user_id}]


def test_an_unknown_column_fails_before_any_row(org: Org) -> None:
    def armed() -> Any:
        raise AssertionError("a row was read")
        yield []

    for name in ("Nope", "Nope__r.Shop_Code__c", "Signup_Shop__r.Nope", "Signup_Shop__r.Site"):
        with pytest.raises(OrgError) as caught:
            org.load_csv("Account", "insert", None, ["Name", name], armed())
        assert (caught.value.code, caught.value.message) == ("InvalidBatch", f"Field name not found : {name}")


def test_a_wrong_type_names_the_column_of_the_file(org: Org) -> None:
    result = load(org, "Account", "insert", None, ["Name", "Due__c"], ["a", "2003-04-"])[0]
    assert result.errors[0].csv() == (
        "INVALID_FIELD:Failed to deserialize field at col 1. Due to, '2003-04-' is not a valid value for the type "
        "xsd:date:Due__c --"
    )


def test_a_row_of_the_wrong_width_fails_alone(org: Org) -> None:
    results = load(org, "Account", "insert", None, ["Name", "Site"], ["a"], ["b", "s"], ["c", "s", "t"])
    assert [one.success for one in results] == [False, True, False]


def test_more_than_a_chunk_keeps_order_and_delete_takes_them_away(org: Org, ask: Ask) -> None:
    rows = [[f"n{number:04}", "x" * 81 if number % 150 == 7 else "ok"] for number in range(450)]
    results = load(org, "Account", "insert", None, ["Name", "Site"], *rows)
    assert [number for number, one in enumerate(results) if not one.success] == [7, 157, 307]
    assert [row["Name"] for row in ask("SELECT Name FROM Account ORDER BY Id")] == [
        name for name, site in rows if site == "ok"
    ]
    ids = [[str(one.id)] for one in results if one.success]
    assert all(one.success and not one.created for one in load(org, "Account", "delete", None, ["Id"], *ids))
    assert org.query("SELECT COUNT() FROM Account").total_size == 0
    assert org.query("SELECT COUNT() FROM Account", all_rows=True).total_size == 447
