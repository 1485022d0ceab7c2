from __future__ import annotations

import pytest

from tests.rehearsal.soql.conftest import Ask, Refused


def test_rollup_adds_subtotals_and_a_total(ask: Ask) -> None:
    rows = ask("SELECT Priority, Origin, COUNT(Id) n FROM Case WHERE Origin != null GROUP BY ROLLUP(Priority, Origin)")
    assert [(row["Priority"], row["Origin"], row["n"]) for row in rows] == [
        ("High", "Phone", 1),
        ("High", "Web", 1),
        ("High", None, 2),
        ("Low", "Web", 1),
        ("Low", None, 1),
        (None, None, 3),
    ]


def test_cube_adds_every_combination(ask: Ask) -> None:
    rows = ask("SELECT Priority, Origin, COUNT(Id) n FROM Case WHERE Origin != null GROUP BY CUBE(Priority, Origin)")
    totals = {(row["Priority"], row["Origin"]): row["n"] for row in rows}
    assert len(rows) == 8
    assert totals[(None, "Web")] == 2
    assert totals[(None, None)] == 3


def test_grouping_tells_a_subtotal_from_an_empty_field(ask: Ask) -> None:
    soql = (
        "SELECT Origin, GROUPING(Origin) g, COUNT(Id) n FROM Case GROUP BY ROLLUP(Origin) HAVING GROUPING(Origin) = {}"
    )
    totals = ask(soql.format(1))
    assert totals == [{"Origin": None, "g": 1, "n": 4}]
    rows = ask(soql.format(0) + " ORDER BY COUNT(Id) DESC, Origin NULLS LAST")
    assert [(row["Origin"], row["g"], row["n"]) for row in rows] == [("Web", 0, 2), ("Phone", 0, 1), (None, 0, 1)]


def test_groups_sort_by_what_is_not_selected(ask: Ask) -> None:
    rows = ask("SELECT Origin FROM Case GROUP BY Origin ORDER BY COUNT(Id) DESC, Origin LIMIT 1")
    assert rows == [{"Origin": "Web"}]
    assert ask("SELECT Origin FROM Case GROUP BY Origin ORDER BY Origin LIMIT 1 OFFSET 1") == [{"Origin": "Phone"}]


def test_sums_keep_the_kind_of_number(ask: Ask) -> None:
    row = ask(
        "SELECT SUM(Limit__c) s, SUM(NumberOfEmployees) i, AVG(Limit__c) a, COUNT_DISTINCT(Tier__c) d FROM Account"
    )[0]
    assert row == {"s": 60.0, "i": None, "a": 20.0, "d": 2}


def test_parts_of_dates_in_both_clocks(ask: Ask) -> None:
    """23:30 UTC on a Tuesday is half past midnight of Wednesday in Rome."""
    soql = "SELECT {0} p FROM Account WHERE Seen__c != null GROUP BY {0}"

    def part(text: str) -> object:
        return ask(soql.format(text))[0]["p"]

    assert (part("HOUR_IN_DAY(Seen__c)"), part("HOUR_IN_DAY(convertTimezone(Seen__c))")) == (23, 0)
    assert (part("DAY_ONLY(Seen__c)"), part("DAY_ONLY(convertTimezone(Seen__c))")) == ("2026-03-17", "2026-03-18")
    assert (part("DAY_IN_WEEK(Seen__c)"), part("DAY_IN_YEAR(Seen__c)")) == (3, 76)
    assert (part("WEEK_IN_MONTH(Seen__c)"), part("WEEK_IN_YEAR(Seen__c)")) == (3, 11)
    assert (part("CALENDAR_QUARTER(Seen__c)"), part("FISCAL_YEAR(Seen__c)")) == (1, 2026)
    assert ask("SELECT Id FROM Account WHERE HOUR_IN_DAY(convertTimezone(Seen__c)) = 0") != []


def test_a_fiscal_year_of_its_own_is_named_after_its_end(ask: Ask, world: object) -> None:
    from sfsync.rehearsal.org import Org

    assert isinstance(world, Org)
    organization = ask("SELECT Id FROM Organization")[0]["Id"]
    world._database.run('UPDATE "Organization" SET "FiscalYearStartMonth" = 3 WHERE Id = ?', (organization,))
    soql = "SELECT FISCAL_YEAR(Due__c) y, FISCAL_QUARTER(Due__c) q, FISCAL_MONTH(Due__c) m FROM Account"
    by = " WHERE Due__c = TODAY GROUP BY FISCAL_YEAR(Due__c), FISCAL_QUARTER(Due__c), FISCAL_MONTH(Due__c)"
    assert ask(soql + by) == [{"y": 2027, "q": 1, "m": 1}]
    assert len(ask("SELECT Id FROM Account WHERE Due__c = THIS_FISCAL_QUARTER")) == 2


@pytest.mark.parametrize(
    ("soql", "text"),
    [
        ("SELECT Name, COUNT(Id) FROM Account", "Field must be grouped or aggregated: Name"),
        (
            "SELECT CALENDAR_YEAR(CreatedDate) FROM Account",
            "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)",
        ),
        (
            "SELECT Origin FROM Case GROUP BY Origin ORDER BY Subject",
            "Ordered field must be grouped or aggregated: Subject",
        ),
        (
            "SELECT COUNT(Id) FROM Case LIMIT 1",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        ("SELECT Account.Name, Contact.Name FROM Case GROUP BY Account.Name, Contact.Name", "duplicate alias: Name"),
        ("SELECT MAX(IsClosed) FROM Case", "field IsClosed does not support aggregate operator MAX"),
        ("SELECT SUM(Subject) FROM Case", "field Subject does not support aggregate operator SUM"),
        ("SELECT Subject s FROM Case", "only aggregate expressions use field aliasing"),
        ("SELECT DISTINCT Subject FROM Case", "only aggregate expressions use field aliasing"),
        ("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "Only root queries support aggregate expressions"),
        ("SELECT Origin, COUNT(Origin) FROM Case GROUP BY Origin", "Grouped field should not be aggregated: Origin"),
        ("SELECT COUNT(Id) FROM Case GROUP BY Description", "field 'Description' can not be grouped in a query call"),
        ("SELECT COUNT() FROM Case HAVING COUNT(Id) > 1", "unexpected token: 'HAVING'"),
    ],
)
def test_refusals(refused: Refused, soql: str, text: str) -> None:
    error = refused(soql)
    assert (error.code, error.message.rpartition("\n")[2]) == ("MALFORMED_QUERY", text)
