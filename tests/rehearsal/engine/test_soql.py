from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org

Ask = Callable[..., list[dict[str, Any]]]
Names = Callable[[str], list[str]]

_HINT = " Please reference your WSDL or the describe call for the appropriate names."


@pytest.fixture
def world(org: Org) -> Org:
    """Four accounts, two cases; the clock stands on Wednesday, 2026-03-18, 23:30 in Rome."""
    org.clock.freeze(datetime(2026, 3, 18, 22, 30, tzinfo=UTC))
    org.insert(
        "Account",
        [
            {"Name": "Alfa", "Shop_Code__c": "A1", "Limit__c": 10, "Due__c": "2026-03-18", "Channels__c": "Email"},
            {"Name": "beta", "Shop_Code__c": "B1", "Limit__c": 20, "Due__c": "2026-03-17", "Blocked__c": True},
            {"Name": "Forlì", "Site": "a_b", "Limit__c": 30, "Channels__c": "Email;Phone"},
            {"Name": "O'Neill\\", "Site": "aXb", "Due__c": "2026-02-28"},
        ],
    )
    alfa = org.find_by("Account", "Shop_Code__c", "a1")[0]
    org.insert("Contact", [{"LastName": "Rossi", "AccountId": alfa}, {"LastName": "Neri", "AccountId": alfa}])
    org.insert("Case", [{"Subject": "one", "AccountId": alfa, "Origin": "Web"}, {"Subject": "two"}])
    return org


@pytest.fixture
def names(world: Org) -> Names:
    def found(where: str) -> list[str]:
        return [row["Name"] for row in world.query(f"SELECT Name FROM Account WHERE {where} ORDER BY Id").records]

    return found


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Name = 'ALFA'", ["Alfa"]),
        ("Name = 'FORLÌ'", ["Forlì"]),
        ("Name LIKE '%LÌ'", ["Forlì"]),
        ("Name IN ('forlÌ', 'BETA')", ["beta", "Forlì"]),
        ("Name = 'O\\'Neill\\\\'", ["O'Neill\\"]),
        ("Name LIKE '%\\\\'", ["O'Neill\\"]),
        ("Site LIKE 'a_b'", ["Forlì", "O'Neill\\"]),
        ("Site LIKE 'a\\_b'", ["Forlì"]),
        ("Site = null", ["Alfa", "beta"]),
        ("Site = ''", ["Alfa", "beta"]),
        ("Site > ''", ["Forlì", "O'Neill\\"]),
        ("Site < null", []),
        ("Id > '' AND Name = 'beta'", ["beta"]),
        ("Id > '000000000000000AAA' AND Name = 'beta'", ["beta"]),
        ("Site != 'a_b'", ["Alfa", "beta", "O'Neill\\"]),
        ("NOT Site = 'a_b'", ["Alfa", "beta", "O'Neill\\"]),
        ("Site NOT IN ('a_b')", ["Alfa", "beta", "O'Neill\\"]),
        ("Site <> null AND NOT (Name LIKE 'f%' OR Blocked__c = true)", ["O'Neill\\"]),
        ("Shop_Code__c = 'a1'", ["Alfa"]),
        ("Shop_Code__c IN ('a1', 'b1', null)", ["Alfa", "beta", "Forlì", "O'Neill\\"]),
        ("Limit__c > 10 AND Limit__c <= 30", ["beta", "Forlì"]),
        ("Limit__c = 20.0", ["beta"]),
        ("Limit__c < 20", ["Alfa"]),
        ("Blocked__c = false", ["Alfa", "Forlì", "O'Neill\\"]),
        ("Due__c = TODAY", ["Alfa"]),
        ("Due__c = yesterday", ["beta"]),
        ("Due__c = LAST_N_DAYS:1", ["Alfa", "beta"]),
        ("Due__c = LAST_MONTH", ["O'Neill\\"]),
        ("Due__c < THIS_WEEK", ["O'Neill\\"]),
        ("Due__c >= THIS_WEEK", ["Alfa", "beta"]),
        ("Due__c = 2026-03-17", ["beta"]),
        ("Due__c = LAST_N_YEARS:99999", []),
        ("CreatedDate < NEXT_N_DAYS:999999999999 AND Name = 'Alfa'", ["Alfa"]),
        ("CreatedDate = TODAY AND Name = 'Alfa'", ["Alfa"]),
        ("CreatedDate > TODAY", []),
        ("CreatedDate >= 2026-03-18T23:30:00+01:00 AND Name = 'Alfa'", ["Alfa"]),
        ("Channels__c INCLUDES ('Email;Phone')", ["Forlì"]),
        ("Channels__c INCLUDES ('Email', 'Phone')", ["Alfa", "Forlì"]),
        ("Channels__c EXCLUDES ('Phone')", ["Alfa", "beta", "O'Neill\\"]),
        ("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'rossi')", ["Alfa"]),
        ("Id NOT IN (SELECT AccountId FROM Case)", ["beta", "Forlì", "O'Neill\\"]),
        ("Owner.Username LIKE 'integration%' AND Account.Name = 'beta'", ["beta"]),
        ("Parent.Blocked__c = false AND Name = 'beta'", ["beta"]),
        ("CALENDAR_YEAR(Due__c) = 2026 AND CALENDAR_MONTH(Due__c) = 2", ["O'Neill\\"]),
    ],
)
def test_conditions(names: Names, where: str, expected: list[str]) -> None:
    assert names(where) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Name", ["Alfa", "beta", "Forlì", "O'Neill\\"]),
        ("Name DESC", ["O'Neill\\", "Forlì", "beta", "Alfa"]),
        ("Limit__c", ["O'Neill\\", "Alfa", "beta", "Forlì"]),
        ("Limit__c DESC", ["O'Neill\\", "Forlì", "beta", "Alfa"]),
        ("Limit__c ASC NULLS LAST", ["Alfa", "beta", "Forlì", "O'Neill\\"]),
        ("Blocked__c DESC, Name DESC LIMIT 2 OFFSET 1", ["O'Neill\\", "Forlì"]),
    ],
)
def test_order(world: Org, order: str, expected: list[str]) -> None:
    found = world.query(f"SELECT Name FROM Account ORDER BY {order}")
    assert [row["Name"] for row in found.records] == expected
    assert found.total_size == len(expected)


def test_rows_come_in_select_order_with_schema_case(world: Org) -> None:
    found = world.query("select subject, account.NAME, id, account.owner.name from CASE order by subject")
    first, second = list(found.records)
    case, account = first["Id"], second["Account"]
    assert list(first) == ["attributes", "Subject", "Account", "Id"]
    assert first["attributes"] == {"type": "Case", "url": f"/services/data/v60.0/sobjects/Case/{case}"}
    assert account is None
    assert list(first["Account"]) == ["attributes", "Name", "Owner"]
    assert first["Account"]["Owner"]["Name"] == "Integration User"
    assert found.columns == ["Subject", "Account.Name", "Id", "Account.Owner.Name"]
    assert found.object == "Case"


def test_children_are_lists_or_null_and_limits_count_per_parent(world: Org, ask: Ask) -> None:
    rows = ask("SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name LIMIT 2")
    family = rows[0]["Contacts"]
    assert (family["totalSize"], family["done"]) == (2, True)
    assert [one["LastName"] for one in family["records"]] == ["Neri", "Rossi"]
    assert rows[1]["Contacts"] is None
    rows = ask("SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1) FROM Account ORDER BY Name")
    assert [one["LastName"] for one in rows[0]["Contacts"]["records"]] == ["Rossi"]
    case = ask("SELECT Id FROM Case WHERE Subject = 'one'")[0]["Id"]
    world.insert("Clock__c", [{"Case__c": case, "State__c": "running"}])
    rows = ask("SELECT Name, (SELECT Id, (SELECT State__c FROM Clocks__r) FROM Cases) FROM Account WHERE Name = 'Alfa'")
    assert rows[0]["Cases"]["records"][0]["Clocks__r"]["records"][0]["State__c"] == "running"


def test_typeof_shows_the_fields_of_the_branch(world: Org, ask: Ask) -> None:
    queue = ask("SELECT Id FROM Group WHERE DeveloperName = 'DESK'")[0]["Id"]
    case = ask("SELECT Id FROM Case WHERE Subject = 'two'")[0]["Id"]
    assert world.update("Case", [{"Id": case, "OwnerId": queue}])[0].success
    rows = ask("SELECT TYPEOF Owner WHEN User THEN Username, Alias ELSE Name END FROM Case ORDER BY Subject")
    assert list(rows[0]["Owner"]) == ["attributes", "Username", "Alias"]
    assert rows[0]["Owner"]["attributes"]["type"] == "User"
    assert rows[1]["Owner"]["Name"] == "Desk"
    assert rows[1]["Owner"]["attributes"]["type"] == "Group"


def test_counts_and_groups(world: Org, ask: Ask) -> None:
    counted = world.query("SELECT COUNT() FROM Account WHERE Limit__c > 10")
    assert (counted.total_size, list(counted.records)) == (2, [])
    assert world.query("SELECT COUNT() FROM Account LIMIT 3").total_size == 3
    assert list(world.query("SELECT COUNT(Id) FROM Account").records) == [
        {"attributes": {"type": "AggregateResult"}, "expr0": 4}
    ]
    row = ask("SELECT COUNT(Limit__c), SUM(Limit__c) total, AVG(Limit__c), MIN(Due__c), MAX(Name) FROM Account")[0]
    assert row == {"expr0": 3, "total": 60.0, "expr1": 20.0, "expr2": "2026-02-28", "expr3": "O'Neill\\"}
    rows = ask("SELECT Blocked__c, COUNT(Id) n FROM Account GROUP BY Blocked__c HAVING COUNT(Id) > 1")
    assert rows == [{"Blocked__c": False, "n": 3}]
    rows = ask("SELECT Account.Name, COUNT_DISTINCT(Origin) FROM Case GROUP BY Account.Name ORDER BY Account.Name")
    assert rows == [{"Name": None, "expr0": 0}, {"Name": "Alfa", "expr0": 1}]
    rows = ask(
        "SELECT CALENDAR_MONTH(Due__c) m, COUNT(Id) FROM Account GROUP BY CALENDAR_MONTH(Due__c) ORDER BY COUNT(Id)"
    )
    assert [row["m"] for row in rows][-1] == 3


def test_fields_expand_within_a_limit(world: Org, ask: Ask) -> None:
    row = ask("SELECT FIELDS(CUSTOM) FROM Clock__c LIMIT 1")
    assert row == []
    assert "Limit__c" in ask("SELECT FIELDS(ALL) FROM Account LIMIT 1")[0]
    assert "Limit__c" not in ask("SELECT FIELDS(STANDARD) FROM Account")[0]
    with pytest.raises(OrgError, match="LIMIT of at most 200"):
        world.query("SELECT FIELDS(ALL) FROM Account")


@pytest.mark.parametrize(
    ("query", "code", "place", "text"),
    [
        (
            "SELECT Id FROM Accout",
            "INVALID_TYPE",
            16,
            "sObject type 'Accout' is not supported. If you are attempting to use a custom object, be sure to append "
            "the '__c' after the entity name." + _HINT,
        ),
        (
            "SELECT Id, Foo FROM Account",
            "INVALID_FIELD",
            12,
            "No such column 'Foo' on entity 'Account'. If you are attempting to use a custom field, be sure to append "
            "the '__c' after the custom field name." + _HINT,
        ),
        (
            "SELECT Id, Foo.Name FROM Case",
            "INVALID_FIELD",
            12,
            "Didn't understand relationship 'Foo' in field path. If you are attempting to use a custom relationship, "
            "be sure to append the '__r' after the custom relationship name." + _HINT,
        ),
        (
            "SELECT Id FROM Account WHERE Name = 313",
            "INVALID_FIELD",
            30,
            "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account a WHERE a.Name = 313",
            "INVALID_FIELD",
            33,
            "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE Blocked__c = 'x'",
            "INVALID_FIELD",
            30,
            (
                "value of filter criterion for field 'Blocked__c' must be of type boolean and should not be "
                "enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            30,
            (
                "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be "
                "enclosed in quotes"
            ),
        ),
        (
            "SELECT Id FROM Case WHERE Description = 'x'",
            "INVALID_FIELD",
            27,
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT COUNT(Id) FROM Case GROUP BY LastModifiedDate",
            "MALFORMED_QUERY",
            37,
            "field 'LastModifiedDate' can not be grouped in a query call",
        ),
        ("SELECT Id FROM Case WHERE Id = '500x'", "INVALID_QUERY_FILTER_OPERATOR", 27, "invalid ID field: 500x"),
    ],
)
def test_errors_say_where(org: Org, query: str, code: str, place: int, text: str) -> None:
    with pytest.raises(OrgError) as caught:
        org.query(query)
    assert caught.value.code == code
    head, caret, where, rest = caught.value.message.rsplit("\n", 3)
    assert (where, rest) == (f"ERROR at Row:1:Column:{place}", text)
    snippet = head.strip("\n")
    assert query[place - 1 :].startswith(snippet[len(caret) - 1 :])
    assert "fields" not in caught.value.body()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT Id FROM Account WHERE Name = 'a' AND Site = 'b' OR Phone = 'c'", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account WHERE Name IS NULL", "unexpected token: 'IS'"),
        ("SELECT Id FROM Account WHERE Name = :x", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Account WHERE Id IN ()", "unexpected token: 'Id IN ()'"),
        ("SELECT FROM Account", "unexpected token: 'SELECT FROM'"),
        ("SELECT Id FROM Account WHERE Name = 'a\\z'", "Illegal escape sequence '\\z' in string literal"),
        ("SELECT Id FROM Account FOR UPDATE", "unexpected token: 'UPDATE'"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2020-52-12T12:12:00Z", "Invalid datetime: 2020-52-12T12:12:00Z"),
        ("SELECT Name, COUNT(Id) FROM Account", "Field must be grouped or aggregated: Name"),
        ("SELECT Id FROM Account WHERE Name = '" + "x" * 100_000 + "'", "SOQL statements can not be longer than"),
    ],
)
def test_malformed_queries(org: Org, query: str, text: str) -> None:
    with pytest.raises(OrgError) as caught:
        org.query(query, version="61.0")
    assert caught.value.code == "MALFORMED_QUERY"
    assert caught.value.message.rpartition("\n")[2].startswith(text)


def test_some_codes_depend_on_the_version(org: Org) -> None:
    with pytest.raises(OrgError) as caught:
        org.query("SELECT Id FROM Case WHERE Id = '500x'", version="61.0")
    assert caught.value.code == "MALFORMED_QUERY"
    with pytest.raises(OrgError, match="NUMBER_OUTSIDE_VALID_RANGE"):
        org.query("SELECT Id FROM Case OFFSET 2001")
    with pytest.raises(OrgError, match="duplicate field selected: Id"):
        org.query("SELECT Id, Name, id FROM Account")


def test_a_keyset_window_walks_the_index(world: Org, ask: Ask) -> None:
    rows = ask("SELECT Id, SystemModstamp FROM Account ORDER BY SystemModstamp, Id")
    stamp, second = rows[1]["SystemModstamp"].replace("+0000", "Z"), rows[1]["Id"]
    window = (
        f"SELECT Id FROM Account WHERE (SystemModstamp = {stamp} AND Id > '{second}' OR_ SystemModstamp > {stamp})"
        f" AND SystemModstamp <= 2026-03-18T22:30:00Z ORDER BY SystemModstamp, Id LIMIT 2000"
    )
    window = window.replace("(SystemModstamp =", "((SystemModstamp =").replace(" OR_", ") OR")
    assert [row["Id"] for row in ask(window)] == [row["Id"] for row in rows[2:]]
    with world.read(window) as reading:
        plan = " ".join(
            row[3]
            for row in reading.connection.execute(f"EXPLAIN QUERY PLAN {reading.level.rows()}", reading.level.values)
        )
    assert "Account~modstamp ((SystemModstamp,Id)>(?,?) AND SystemModstamp<?)" in plan
    assert "TEMP B-TREE" not in plan


def test_a_key_is_looked_up_by_its_index(world: Org) -> None:
    soql = "SELECT Id FROM Account WHERE Shop_Code__c IN ('A1', 'B1')"
    with world.read(soql) as reading:
        plan = " ".join(
            row[3]
            for row in reading.connection.execute(f"EXPLAIN QUERY PLAN {reading.level.rows()}", reading.level.values)
        )
    assert "USING INDEX Account~Shop_Code__c" in plan


def test_a_large_result_is_read_on_demand_while_others_write(org: Org) -> None:
    list(org.load_csv("Account", "insert", None, ["Name"], ([f"n{number}"] for number in range(4500))))
    found = org.query("SELECT Name FROM Account")
    assert found.total_size == 4500
    head = next(found.records)
    org.insert("Account", [{"Name": "late"}])
    rest = list(found.records)
    assert head["Name"] == "n0"
    assert len(rest) == 4499
    assert org.query("SELECT COUNT() FROM Account").total_size == 4501
