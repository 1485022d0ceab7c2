"""Windows on an index: served by the index, counted exactly from either side."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.rehearsal.org import Org

Rows = list[tuple[str, str]]


@pytest.fixture
def rows(org: Org) -> Rows:
    """(stamp as SOQL writes it, id) in order: five moments, forty rows each, some of them deleted."""
    for step in range(5):
        org.clock.freeze(org.clock.now() + timedelta(minutes=step))
        org.insert("Account", [{"Name": f"{step} {number}"} for number in range(40)])
    found = [(row["SystemModstamp"], row["Id"]) for row in org.query("SELECT SystemModstamp, Id FROM Account").records]
    found.sort()
    org.delete([one for _, one in found[::7]])
    return sorted((stamp.replace("+0000", "Z"), one) for number, (stamp, one) in enumerate(found) if number % 7)


def plan(org: Org, soql: str) -> str:
    with org.read(soql) as reading:
        steps = reading.connection.execute(f"EXPLAIN QUERY PLAN {reading.level.rows()}", reading.level.values)
        return " ".join(row[3] for row in steps)


def check(org: Org, where: str, expected: Rows) -> None:
    soql = f"SELECT Id, SystemModstamp FROM Account WHERE {where} ORDER BY SystemModstamp, Id"
    with org.read(soql) as reading:
        assert reading.count() == len(expected), where
        assert [row["Id"] for row in reading.records(reading.rows())] == [one for _, one in expected]


@pytest.mark.parametrize("place", [0, 3, 60, 100, 150, -1])
def test_every_window_is_counted_exactly(org: Org, rows: Rows, place: int) -> None:
    stamp, record = rows[place]
    after = f"(SystemModstamp = {stamp} AND Id > '{record}') OR SystemModstamp > {stamp}"
    before = f"SystemModstamp < {stamp} OR (Id < '{record}' AND SystemModstamp = {stamp})"
    check(org, after, [one for one in rows if one > (stamp, record)])
    check(org, before, [one for one in rows if one < (stamp, record)])
    check(org, f"({after}) AND SystemModstamp <= {rows[-1][0]}", [one for one in rows if one > (stamp, record)])
    check(org, f"SystemModstamp > {stamp}", [one for one in rows if one[0] > stamp])
    check(org, f"SystemModstamp >= {stamp} AND IsDeleted = false", [one for one in rows if one[0] >= stamp])
    check(org, f"SystemModstamp >= {rows[0][0]} AND SystemModstamp < {stamp}", [one for one in rows if one[0] < stamp])
    check(org, f"SystemModstamp > {stamp} AND SystemModstamp < {rows[0][0]}", [])
    check(org, f"Id > '{record}'", [one for one in rows if one[1] > record])


def test_conditions_that_only_look_like_a_window(org: Org, rows: Rows) -> None:
    stamp, record = rows[60]
    other = rows[100][0]
    mixed = [one for one in rows if (one[0] == other and one[1] > record) or one[0] > stamp]
    check(org, f"(SystemModstamp = {other} AND Id > '{record}') OR SystemModstamp > {stamp}", mixed)
    wrong = [one for one in rows if (one[0] == stamp and one[1] < record) or one[0] > stamp]
    check(org, f"(SystemModstamp = {stamp} AND Id < '{record}') OR SystemModstamp > {stamp}", wrong)
    check(org, f"SystemModstamp > {stamp} AND SystemModstamp >= {other}", [one for one in rows if one[0] >= other])


@pytest.mark.parametrize(
    ("rest", "served"),
    [
        (
            "WHERE ((SystemModstamp = {0} AND Id > '{1}') OR SystemModstamp > {0}) ORDER BY SystemModstamp, Id",
            "SEARCH t0 USING INDEX Account~modstamp ((SystemModstamp,Id)>(?,?))",
        ),
        ("WHERE SystemModstamp > {0} ORDER BY SystemModstamp, Id", "Account~modstamp (SystemModstamp>?)"),
        ("WHERE CreatedDate >= {0}", "SEARCH t0 USING INDEX Account~created (CreatedDate>?)"),
        ("WHERE CreatedDate >= {0} ORDER BY CreatedDate DESC, Id DESC", "Account~created (CreatedDate>?)"),
        ("WHERE Id > '{1}' ORDER BY Id", "sqlite_autoindex_Account_1 (Id>?)"),
        ("WHERE Shop_Code__c IN ('a', 'b')", "Account~Shop_Code__c"),
        ("WHERE Signup_Shop__c = '{1}'", "Account~Signup_Shop__c"),
        ("ORDER BY Id", "sqlite_autoindex_Account_1"),
    ],
)
def test_indexes_serve_rows_in_order(org: Org, rest: str, served: str) -> None:
    found = plan(
        org, f"SELECT Id, Name, Owner.Name FROM Account {rest.format('2026-01-01T00:00:00Z', '001Rh0000000001IAA')}"
    )
    assert served in found
    assert "TEMP B-TREE" not in found


def test_the_count_of_everything_walks_no_table(org: Org) -> None:
    with org.read("SELECT Id FROM Account") as reading:
        steps = reading.connection.execute(f"EXPLAIN QUERY PLAN {reading.level.count()}", reading.level.values)
        found = [row[3] for row in steps]
    assert any("COVERING INDEX" in one for one in found)
    assert "SCAN t0" not in found
