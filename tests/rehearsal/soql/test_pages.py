"""Pages of long results: by ids, stable under writes, across restarts (wire reference 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.locators import Asked, Locators, Page
from sfsync.rehearsal.org import Org
from tests.rehearsal.soql.conftest import Refused

ASKED = Asked("SELECT Id, Name FROM Account ORDER BY Name", size=200)


def fill(org: Org, count: int) -> None:
    list(org.load_csv("Account", "insert", None, ["Name"], ([f"n{number:05d}"] for number in range(count))))


def pages(locators: Locators, first: Page) -> Iterator[Page]:
    yield first
    while first.following:
        first = locators.more(first.following)
        yield first


def names(page: Page) -> list[str]:
    return [row["Name"] for row in page.records]


@pytest.fixture
def locators(org: Org) -> Locators:
    return Locators(org)


def test_pages_tell_the_whole_size_and_follow_each_other(org: Org, locators: Locators) -> None:
    fill(org, 450)
    found = list(pages(locators, locators.first(ASKED)))
    assert [len(page.records) for page in found] == [200, 200, 50]
    assert {page.total for page in found} == {450}
    assert [name for page in found for name in names(page)] == [f"n{number:05d}" for number in range(450)]
    assert (
        found[0].following is not None and found[0].following.startswith("0r8") and found[0].following.endswith("-200")
    )
    assert len(found[0].following) == 22


def test_what_happens_meanwhile_does_not_move_the_pages(org: Org, locators: Locators) -> None:
    fill(org, 450)
    first = locators.first(ASKED)
    ids = {row["Name"]: row["Id"] for row in org.query("SELECT Id, Name FROM Account").records}
    org.insert("Account", [{"Name": "n00000x"}])
    org.update("Account", [{"Id": ids["n00449"], "Name": "n00000"}, {"Id": ids["n00210"], "Name": "zz"}])
    org.delete([ids["n00001"], ids["n00300"]])
    seen = [row["Id"] for page in pages(locators, first) for row in page.records]
    assert len(seen) == len(set(seen)) == 450
    second = locators.more(str(first.following))
    assert names(second)[10] == "zz"


def test_rows_gone_for_good_leave_a_gap_and_nothing_else(org: Org, locators: Locators) -> None:
    fill(org, 450)
    first = locators.first(ASKED)
    ids = [row["Id"] for row in org.query("SELECT Id FROM Account ORDER BY Name").records]
    list(org.load_csv("Account", "hardDelete", None, ["Id"], ([one] for one in (ids[200], ids[399]))))
    second, third = list(pages(locators, first))[1:]
    assert (len(second.records), len(third.records)) == (198, 50)


def test_the_snapshot_of_a_long_result_waits_for_its_second_page(org: Org, locators: Locators) -> None:
    fill(org, 10_500)
    first = locators.first(replace(ASKED, size=2000))
    org.insert("Account", [{"Name": "a"}])
    found = [name for page in pages(locators, first) for name in names(page)]
    assert found == [f"n{number:05d}" for number in range(10_500)]


def test_a_long_result_whose_snapshot_is_lost_shows_no_row_twice(org: Org, locators: Locators) -> None:
    fill(org, 10_500)
    asked = replace(ASKED, size=2000)
    first = locators.first(asked)
    org.insert("Account", [{"Name": "a"}])
    again = Locators(org)
    found = [name for page in pages(again, first) for name in names(page)]
    assert len(found) == len(set(found)) == 10_501
    assert found[:2001] == [*(f"n{number:05d}" for number in range(2000)), "a"]


def test_cursors_outlive_a_restart_even_in_the_middle_of_writing(org: Org, locators: Locators, tmp_path: Path) -> None:
    fill(org, 450)
    kept, lost = str(locators.first(ASKED).following), str(locators.first(ASKED).following)
    (org.files_dir / "locators" / f"{lost.partition('-')[0]}.ids").unlink()
    again = Locators(org)
    assert names(again.more(kept)) == names(again.more(lost)) == [f"n{number:05d}" for number in range(200, 400)]


@pytest.mark.parametrize(
    "locator", ["nothing", "0r8000000000000000-2000", "{0}", "{0}-x", "{0}-450", "{0}-99999999999"]
)
def test_unknown_places_are_refused(org: Org, locators: Locators, locator: str) -> None:
    fill(org, 450)
    name = str(locators.first(ASKED).following).partition("-")[0]
    with pytest.raises(OrgError, match="INVALID_QUERY_LOCATOR: invalid query locator"):
        locators.more(locator.format(name))


def test_a_cursor_is_for_the_user_who_asked(org: Org, locators: Locators) -> None:
    fill(org, 201)
    following = str(locators.first(replace(ASKED, user_id=org.user_id)).following)
    assert len(locators.more(following, org.user_id).records) == 1
    with pytest.raises(OrgError, match="INVALID_QUERY_LOCATOR"):
        locators.more(following, "005000000000000AAA")


def test_cursors_live_two_days(org: Org, locators: Locators) -> None:
    fill(org, 201)
    following = str(locators.first(ASKED).following)
    org.clock.freeze(org.clock.now() + timedelta(days=2, minutes=1))
    with pytest.raises(OrgError, match="INVALID_QUERY_LOCATOR"):
        locators.more(following)


def test_long_texts_make_shorter_pages(org: Org, locators: Locators) -> None:
    fill(org, 1100)
    one = locators.first(Asked("SELECT Id, Description FROM Account"))
    two = locators.first(Asked("SELECT Id, Description, Note__c FROM Account"))
    assert (len(one.records), len(two.records)) == (1000, 200)


def test_children_count_toward_the_page_and_have_cursors_of_their_own(org: Org, locators: Locators) -> None:
    big, small = [one.id for one in org.insert("Account", [{"Name": "big"}, {"Name": "small"}])]
    rows = [{"LastName": f"c{number:03d}", "AccountId": big} for number in range(450)]
    assert all(one.success for one in org.insert("Contact", [*rows, {"LastName": "x", "AccountId": small}]))
    inside = "(SELECT LastName, (SELECT Id FROM Cases) FROM Contacts ORDER BY LastName)"
    soql = f"SELECT Name, {inside} FROM Account ORDER BY Name"
    first = locators.first(Asked(soql, size=200))
    family: dict[str, Any] = first.records[0]["Contacts"]
    assert list(family) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (family["totalSize"], family["done"], len(family["records"])) == (450, False, 200)
    assert len(first.records) == 1
    assert first.total == 2
    assert names(locators.more(str(first.following))) == ["small"]
    inner = locators.more(family["nextRecordsUrl"].rpartition("/")[2])
    found = [row["LastName"] for page in pages(locators, inner) for row in page.records]
    assert found == [f"c{number:03d}" for number in range(200, 450)]
    assert inner.total == 450
    assert list(inner.records[0]) == ["attributes", "LastName", "Cases"]


def test_groups_cannot_be_paged(org: Org, locators: Locators) -> None:
    fill(org, 2001)
    with pytest.raises(OrgError, match="EXCEEDED_ID_LIMIT: Aggregate query does not support queryMore"):
        locators.first(Asked("SELECT Name, COUNT(Id) FROM Account GROUP BY Name"))
    assert len(locators.first(Asked("SELECT Name FROM Account GROUP BY Name LIMIT 2000")).records) == 2000


def test_a_query_inside_a_transaction_sees_its_changes(org: Org, locators: Locators) -> None:
    with org.transaction():
        fill(org, 250)
        first = locators.first(ASKED)
        assert names(locators.more(str(first.following)))[-1] == "n00249"


def test_the_total_is_exact_whatever_has_been_deleted(org: Org, refused: Refused) -> None:
    fill(org, 300)
    ids = [row["Id"] for row in org.query("SELECT Id FROM Account ORDER BY Name").records]
    org.delete(ids[:50])
    later = "SELECT Id FROM Account WHERE Id > '{0}' ORDER BY Id"
    for soql, total in [
        ("SELECT Id FROM Account", 250),
        (later.format(ids[20]), 250),
        (later.format(ids[99]), 200),
        ("SELECT Id FROM Account WHERE Name < 'n00060'", 10),
        ("SELECT Id FROM Account WHERE CreatedDate >= TODAY AND CreatedDate < TOMORROW", 250),
        ("SELECT Id FROM Account WHERE SystemModstamp > TODAY", 0),
        ("SELECT Id FROM Account LIMIT 220 OFFSET 40", 210),
        ("SELECT Id FROM Account LIMIT 205 OFFSET 10", 205),
    ]:
        with org.read(soql) as reading:
            assert reading.count() == total, soql
