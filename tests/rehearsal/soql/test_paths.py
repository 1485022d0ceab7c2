from __future__ import annotations

import pytest

from sfsync.rehearsal.org import Org
from tests.rehearsal.soql.conftest import Ask, Refused


def test_polymorphic_parents_by_their_type(ask: Ask) -> None:
    rows = ask("SELECT Subject, What.Name, What.Type, Who.Name, Owner.Name FROM Task ORDER BY Subject")
    assert rows[0]["What"]["Name"] == "Alfa"
    assert rows[0]["What"]["Type"] == "Account"
    assert rows[0]["What"]["attributes"]["type"] == "Name"
    assert rows[0]["What"]["attributes"]["url"].startswith("/services/data/v60.0/sobjects/Account/001")
    assert rows[0]["Who"]["Name"] == "Rossi"
    assert rows[1]["What"]["Type"] == "Case"
    assert (rows[1]["Who"], rows[2]["What"]) == (None, None)
    assert [row["Subject"] for row in ask("SELECT Subject FROM Task WHERE What.Type = 'Account'")] == ["a"]
    assert [row["Subject"] for row in ask("SELECT Subject FROM Task WHERE What.Type IN ('account', 'Case')")] == [
        "a",
        "b",
    ]
    assert [row["Subject"] for row in ask("SELECT Subject FROM Task WHERE Who.Name = 'rossi'")] == ["a"]


def test_the_name_object_has_relationships_of_its_own(ask: Ask) -> None:
    row = ask("SELECT Owner.Profile.Name, Owner.Username FROM Case LIMIT 1")[0]
    assert row["Owner"]["Profile"]["Name"] == "System Administrator"
    assert ask("SELECT Id FROM Case WHERE Owner.Profile.Name = 'Nobody'") == []


def test_typeof_without_else_leaves_the_others_bare(ask: Ask) -> None:
    rows = ask(
        "SELECT TYPEOF What WHEN Account THEN Name, Phone WHEN Case THEN CaseNumber END FROM Task ORDER BY Subject"
    )
    assert list(rows[0]["What"]) == ["attributes", "Name", "Phone"]
    assert rows[1]["What"]["CaseNumber"].isdigit()
    assert rows[2]["What"] is None


def test_aliases_of_relationships(ask: Ask) -> None:
    rows = ask("SELECT c.Subject, a.Name FROM Case c, c.Account a WHERE a.Name = 'beta' ORDER BY a.Name")
    assert [(row["Subject"], row["Account"]["Name"]) for row in rows] == [("three", "Beta")]
    assert ask("SELECT COUNT(Id) n FROM Case c, c.Account a, a.Owner o WHERE o.IsActive = true")[0]["n"] == 3


def test_children_of_children_and_their_parents(ask: Ask) -> None:
    row = ask(
        "SELECT Id, (SELECT Subject, Account.Name, (SELECT Subject FROM Tasks) FROM Cases ORDER BY Subject) "
        "FROM Account LIMIT 1"
    )[0]
    assert [one["Subject"] for one in row["Cases"]["records"]] == ["one", "two"]
    assert row["Cases"]["records"][0]["Account"]["Name"] == "Alfa"
    assert row["Cases"]["records"][0]["Tasks"]["records"][0]["Subject"] == "b"
    assert row["Cases"]["records"][1]["Tasks"] is None


def test_children_are_cut_per_parent(ask: Ask) -> None:
    rows = ask(
        "SELECT Name, (SELECT LastName FROM Account.Contacts ORDER BY LastName LIMIT 1 OFFSET 1) "
        "FROM Account ORDER BY Name"
    )
    assert [one["LastName"] for one in rows[0]["Contacts"]["records"]] == ["Rossi"]
    assert (rows[0]["Contacts"]["totalSize"], rows[0]["Contacts"]["done"]) == (1, True)


def test_addresses_come_as_objects(ask: Ask, refused: Refused) -> None:
    rows = ask("SELECT Name, BillingAddress FROM Account WHERE Name IN ('Delta', 'Alfa') ORDER BY Name")
    assert rows[0]["BillingAddress"] is None
    assert rows[1]["BillingAddress"]["city"] == "Roma"
    assert rows[1]["BillingAddress"]["latitude"] == 41.9
    error = refused("SELECT Id FROM Account WHERE BillingAddress = 'Roma'")
    assert error.message.endswith("Address fields can only be filtered using Distance expressions")


def test_distances(ask: Ask) -> None:
    milan = "DISTANCE(BillingAddress, GEOLOCATION(45.46, 9.19), 'km')"
    rows = ask(f"SELECT Name, {milan} FROM Account WHERE {milan} < 500 ORDER BY {milan}")
    assert [row["Name"] for row in rows] == ["Delta"]
    assert 470 < rows[0]["expr0"] < 485
    assert ask(f"SELECT Name FROM Account WHERE {milan} > 500") == []
    assert ask(f"SELECT Name FROM Account WHERE {milan.replace('km', 'mi')} > 290") != []


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        (
            "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account",
            "INVALID_FIELD",
            "SOQL statements cannot follow more than 5 levels of relationships from child to parent.",
        ),
        (
            "SELECT Id, (SELECT Id FROM Nothing) FROM Account",
            "INVALID_TYPE",
            "Didn't understand relationship 'Nothing' in FROM part",
        ),
        ("SELECT Id FROM Account, Contact", "MALFORMED_QUERY", "A driving SObject type has already been set"),
        (
            "SELECT Name, (SELECT Id FROM Contacts), (SELECT Id FROM Contacts) FROM Account",
            "INVALID_FIELD",
            "duplicate field selected: Contacts",
        ),
        (
            "SELECT Id, TYPEOF What WHEN User THEN Name END FROM Task",
            "INVALID_TYPE",
            "sObject type 'User' is not supported",
        ),
        (
            "SELECT Id FROM Task WHERE What.Industry = 'x'",
            "INVALID_FIELD",
            "No such column 'Industry' on entity 'Name'",
        ),
    ],
)
def test_refusals(refused: Refused, soql: str, code: str, text: str) -> None:
    error = refused(soql)
    assert error.code == code
    assert error.message.rpartition("\n")[2].startswith(text)


def test_depth_of_subqueries_goes_by_version(org: Org, refused: Refused) -> None:
    two = "SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Cases) FROM Account"
    assert list(org.query(two, version="58.0").records) == []
    assert refused(two, version="57.0").message.endswith("more than 1 level away from the root entity object.")
    six = "SELECT Id FROM ChildAccounts"
    for _ in range(4):
        six = f"SELECT Id, ({six}) FROM ChildAccounts"
    assert refused(f"SELECT Id, ({six}) FROM Account").message.endswith(
        "more than 4 levels away from the root entity object."
    )


@pytest.mark.parametrize(
    "end", ["LinkedEntityId IN (SELECT Id FROM Case)", "ContentDocumentId IN (SELECT Id FROM ContentDocument)"]
)
def test_links_to_files_can_be_asked_for_by_a_semi_join(ask: Ask, refused: Refused, end: str) -> None:
    assert ask(f"SELECT ContentDocumentId FROM ContentDocumentLink WHERE {end}") == []
    outside = end.replace(" IN ", " NOT IN ")
    assert refused(f"SELECT Id FROM ContentDocumentLink WHERE {outside}").code == "MALFORMED_QUERY"
