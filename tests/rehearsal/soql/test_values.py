from __future__ import annotations

import pytest

from sfsync.rehearsal.org import Org
from tests.rehearsal.soql.conftest import Ask, Refused


def names(ask: Ask, rest: str) -> list[str]:
    return [row["Name"] for row in ask(f"SELECT Name FROM Account {rest}")]


def test_fields_functions(ask: Ask, refused: Refused) -> None:
    row = ask("SELECT FIELDS(ALL) FROM Account WHERE Name = 'Delta' LIMIT 200")[0]
    assert {"Id", "Name", "Shop_Code__c", "BillingAddress", "BillingCity"} <= row.keys()
    assert "Name" not in ask("SELECT Id, FIELDS(CUSTOM) FROM Account LIMIT 1")[0]
    assert (
        ask("SELECT Id, (SELECT FIELDS(STANDARD) FROM Contacts) FROM Account LIMIT 1")[0]["Contacts"]["totalSize"] == 3
    )
    assert refused("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201").message.endswith("a LIMIT of at most 200")
    assert refused("SELECT Id, FIELDS(STANDARD) FROM Account").message == "duplicate field selected: Id"
    assert refused("SELECT FIELDS(CUSTOM) FROM Profile LIMIT 9").message.endswith(
        "in at least one field being selected."
    )
    assert refused("SELECT FIELDS(SOME) FROM Profile").message.endswith("unexpected token: 'SOME'")


def test_labels_in_select_where_and_order(ask: Ask) -> None:
    rows = ask(
        "SELECT Name, Tier__c, toLabel(Tier__c) label FROM Account WHERE Tier__c != null ORDER BY toLabel(Tier__c)"
    )
    assert [(row["Tier__c"], row["label"]) for row in rows] == [("STANDARD", "Standard"), ("VIP", "Vip")]
    assert ask("SELECT toLabel(Tier__c) FROM Account WHERE toLabel(Tier__c) LIKE 'vi%'") == [{"Tier__c": "Vip"}]
    assert names(ask, "WHERE toLabel(Tier__c) IN ('standard', 'none')") == ["Gamma"]


def test_formats_go_by_the_users_locale(ask: Ask, world: Org, refused: Refused) -> None:
    soql = (
        "SELECT FORMAT(Limit__c) money, FORMAT(Due__c) d, FORMAT(Seen__c), FORMAT(Name), Limit__c FROM Account "
        "WHERE Name = 'Beta'"
    )
    assert ask(soql)[0] == {
        "money": "20,00 €",
        "d": "17/03/2026",
        "Seen__c": "18/03/2026, 00:30",
        "Name": "Beta",
        "Limit__c": 20.0,
    }
    assert world.update("User", [{"Id": world.user_id, "LocaleSidKey": "en_US"}])[0].success
    row = ask(soql)[0]
    assert (row["money"], row["d"], row["Seen__c"]) == ("$20.00", "3/17/2026", "3/18/2026, 12:30 AM")
    assert ask("SELECT FORMAT(MIN(Due__c)) earliest FROM Account") == [{"earliest": "3/17/2026"}]
    assert refused("SELECT Id FROM Account WHERE FORMAT(Limit__c) = 'x'").message.endswith("unexpected token: '('")
    assert refused("SELECT convertCurrency(Limit__c) FROM Account").code == "INVALID_FIELD"


def test_weeks_begin_as_in_the_users_locale(ask: Ask, world: Org) -> None:
    """The clock stands on Wednesday, March 18; in Italy the week began on Monday, in America on Sunday."""
    world.update(
        "Account", [{"Id": ask("SELECT Id FROM Account WHERE Name = 'Beta'")[0]["Id"], "Due__c": "2026-03-15"}]
    )
    assert names(ask, "WHERE Due__c = THIS_WEEK") == ["Alfa"]
    world.update("User", [{"Id": world.user_id, "LocaleSidKey": "en_US"}])
    assert names(ask, "WHERE Due__c = THIS_WEEK ORDER BY Name") == ["Alfa", "Beta"]


def test_the_users_time_zone_counts(ask: Ask, world: Org) -> None:
    """22:30 UTC: already Thursday in Tokyo."""
    assert names(ask, "WHERE Due__c = TODAY") == ["Alfa"]
    world.update("User", [{"Id": world.user_id, "TimeZoneSidKey": "Asia/Tokyo"}])
    assert names(ask, "WHERE Due__c = YESTERDAY") == ["Alfa"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("WHERE Name = 'Alf\\u0061'", ["Alfa"]),
        ("WHERE\n\tName\r\n=\t'Alfa'\n", ["Alfa"]),
        ("WHERE Account . Name = 'Alfa'", ["Alfa"]),
        ("a WHERE a.Name = 'Alfa'", ["Alfa"]),
        ("AS a WHERE a.Name = 'Alfa'", ["Alfa"]),
        ("WHERE (((Name = 'Alfa')))", ["Alfa"]),
        ("WHERE NOT (Name = 'Alfa' OR NOT Name LIKE '%a') AND Limit__c > 20", ["Gamma"]),
        ("WHERE (Name = 'Alfa' AND Limit__c = 10) OR (Name = 'Beta')", ["Alfa", "Beta"]),
        ("WHERE Seen__c >= 2026-03-18T00:30:00+01:00", ["Beta"]),
        ("WHERE Seen__c = 2026-03-17T23:30:00.000+0000", ["Beta"]),
        ("WHERE Limit__c IN (1e1, 20.00, null)", ["Alfa", "Beta", "Delta"]),
        ("WHERE Due__c IN (TODAY, 2026-03-17)", ["Alfa", "Beta"]),
        ("WHERE Due__c != TODAY", ["Beta", "Gamma", "Delta"]),
        ("WHERE Channels__c INCLUDES ('Phone', 'Fax')", ["Gamma"]),
        (
            "WHERE Id IN (SELECT AccountId FROM Case) AND Id NOT IN (SELECT AccountId FROM Contact)",
            ["Beta"],
        ),
        ("USING SCOPE everything WHERE Name = 'Alfa'", ["Alfa"]),
        ("USING SCOPE mine WHERE Name = 'Alfa' LIMIT 1 FOR VIEW FOR REFERENCE", ["Alfa"]),
        ("WHERE Name = 'Alfa' UPDATE TRACKING, VIEWSTAT", ["Alfa"]),
        ("WHERE IsDeleted = false AND Name = 'Alfa'", ["Alfa"]),
        ("WHERE IsDeleted = true", []),
        ("ORDER BY Limit__c DESC NULLS LAST LIMIT 1", ["Gamma"]),
        ("ORDER BY Tier__c DESC, Name DESC LIMIT 2", ["Delta", "Beta"]),
        ("LIMIT 0", []),
        ("WHERE Name = 'Alfa' LIMIT 99999999999999999999", ["Alfa"]),
        ("WHERE Limit__c < 99999999999999999999 AND Limit__c IN (10, 1e400)", ["Alfa"]),
        ("WHERE RecordTypeId <= '' ", []),
    ],
)
def test_conditions_of_all_kinds(ask: Ask, world: Org, where: str, found: list[str]) -> None:
    assert names(ask, where) == found
    with world.read(f"SELECT Id FROM Account {where}") as reading:
        assert reading.count() == len(found)


def test_scope_mine_leaves_others_rows_out(ask: Ask, world: Org) -> None:
    queue = ask("SELECT Id FROM Group WHERE DeveloperName = 'DESK'")[0]["Id"]
    case = ask("SELECT Id FROM Case WHERE Subject = 'one'")[0]["Id"]
    assert world.update("Case", [{"Id": case, "OwnerId": queue}])[0].success
    assert len(ask("SELECT Id FROM Case USING SCOPE mine")) == 3


def test_deleted_rows_show_in_query_all_only(ask: Ask, world: Org) -> None:
    case = ask("SELECT Id FROM Case WHERE Subject = 'one'")[0]["Id"]
    world.delete([case])
    assert ask("SELECT Id FROM Case WHERE Subject = 'one'") == []
    assert ask("SELECT IsDeleted FROM Case WHERE Subject = 'one'", all_rows=True) == [{"IsDeleted": True}]
    assert world.query("SELECT COUNT() FROM Case").total_size == 3
    assert world.query("SELECT COUNT() FROM Case WHERE Id = '" + case + "'").total_size == 0
    assert world.query("SELECT COUNT() FROM Case", all_rows=True).total_size == 4


def test_objects_with_names_of_the_grammar(ask: Ask) -> None:
    assert ask("SELECT Id FROM Group GROUP BY Id ORDER BY Id LIMIT 1") != []
    assert ask("select id from group limit 1") != []


def test_a_price_is_called_what_its_product_is_called(org: Org) -> None:
    product = org.insert("Product2", [{"Name": "soap", "ProductCode": "S1"}])[0].id
    book = next(org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true").records)["Id"]
    assert org.insert("PricebookEntry", [{"Product2Id": product, "Pricebook2Id": book, "UnitPrice": 3}])[0].success
    soql = "SELECT Name, SUM(UnitPrice) price FROM PricebookEntry WHERE ProductCode = 's1' GROUP BY Name"
    assert [(one["Name"], one["price"]) for one in org.query(soql).records] == [("soap", 3.0)]


def test_picklist_values_sort_as_in_setup(ask: Ask, world: Org) -> None:
    """High, Medium, Low; then what is not in the list (SOQL guide, ORDER BY)."""
    world.insert("Case", [{"Subject": "five", "Priority": "Medium"}, {"Subject": "six", "Priority": "Absurd"}])
    order = ["High", "High", "Medium", "Medium", "Low", "Absurd"]
    assert [row["Priority"] for row in ask("SELECT Priority FROM Case ORDER BY Priority")] == order
    assert [row["Priority"] for row in ask("SELECT Priority FROM Case ORDER BY Priority DESC")] == order[::-1]
    grouped = ask("SELECT Priority FROM Case GROUP BY Priority ORDER BY Priority DESC LIMIT 2")
    assert [row["Priority"] for row in grouped] == ["Absurd", "Low"]
    ends = ask("SELECT MIN(Priority) low, MAX(Priority) high FROM Case WHERE Priority != 'Absurd'")
    assert ends == [{"low": "High", "high": "Low"}]
    assert ask("SELECT MAX(Priority) m FROM Case") == [{"m": "Absurd"}]
    assert ask("SELECT MAX(Priority) m FROM Case WHERE Subject = 'none'") == [{"m": None}]


def test_empty_relationships_come_first_whatever_is_asked(ask: Ask) -> None:
    rows = ask("SELECT AccountId FROM Case ORDER BY AccountId NULLS LAST")
    assert rows[0]["AccountId"] is None and rows[-1]["AccountId"] is not None


def test_letters_written_as_surrogates(ask: Ask, world: Org, refused: Refused) -> None:
    world.insert("Account", [{"Name": "Eta 😀"}])
    assert names(ask, "WHERE Name = 'Eta \\ud83d\\ude00'") == ["Eta 😀"]
    for half in ("\\ud83d", "\ud83d"):  # escaped, and as it comes in a body of JSON
        assert refused(f"SELECT Id FROM Account WHERE Name LIKE '%{half}'").code == "MALFORMED_QUERY"
