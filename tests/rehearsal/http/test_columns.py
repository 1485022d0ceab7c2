"""query?columns=true: what a query's columns are, as tables on a screen are drawn from."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.http.conftest import Client, V


def columns(org: Client, soql: str) -> dict[str, Any]:
    answer = org.get(f"{V}/query", params={"q": soql, "columns": "true"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_fields_and_parents(org: Client) -> None:
    found = columns(org, "SELECT Id, c.Subject, Account.Name, Account.Owner.Name, Owner.Name, IsClosed FROM Case c")
    assert (found["entityName"], found["keyPrefix"], found["idSelected"], found["groupBy"]) == (
        "Case",
        "500",
        True,
        False,
    )
    names = [one["columnName"] for one in found["columnMetadata"]]
    assert names == ["Id", "Subject", "Account", "Owner", "IsClosed"]
    account = found["columnMetadata"][2]
    assert [one["columnName"] for one in account["joinColumns"]] == ["Name", "Owner"]
    assert account["joinColumns"][1]["joinColumns"][0]["columnName"] == "Name"
    assert found["columnMetadata"][4]["booleanType"] is True


def test_groups_and_children(org: Client) -> None:
    found = columns(org, "SELECT Status, COUNT(Id), MAX(CreatedDate) newest FROM Case GROUP BY Status")
    shown = [(one["columnName"], one["displayName"], one["aggregate"]) for one in found["columnMetadata"]]
    assert shown == [("Status", "Status", False), ("expr0", "COUNT(Id)", True), ("newest", "MAX(CreatedDate)", True)]
    child = columns(org, "SELECT Name, (SELECT LastName FROM Contacts) FROM Account")["columnMetadata"][1]
    assert (child["columnName"], child["aggregate"]) == ("Contacts", True)
    assert [one["columnName"] for one in child["joinColumns"]] == ["LastName"]


def test_a_wrong_query_is_refused(org: Client) -> None:
    answer = org.get(f"{V}/query", params={"q": "SELECT Nme FROM Account", "columns": "true"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
