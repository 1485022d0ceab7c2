from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.rehearsal.clock import Clock, instant
from sfsync.rehearsal.ids import is_valid, new_id, to18
from sfsync.rehearsal.org import Org


@pytest.mark.parametrize(
    ("id15", "id18"),
    [
        ("0012300000bVTph", "0012300000bVTphAAG"),
        ("012000000000000", "012000000000000AAA"),
        ("0059H0000059qXZ", "0059H0000059qXZQAY"),
        ("7509H0000016HP0", "7509H0000016HP0QAM"),
        ("750P0000006HoSQ", "750P0000006HoSQIA0"),
    ],
)
def test_the_checksum_of_a_record_id(id15: str, id18: str) -> None:
    assert to18(id15) == id18
    assert to18(id18) == id18


def test_an_altered_capital_spoils_an_18_character_id_but_not_a_15_character_one() -> None:
    assert not is_valid("0012300000bvTphAAG")
    assert is_valid("0012300000bvTph")
    assert not is_valid("0012300000bVTp")
    assert not is_valid("0012300000bVT-h")


@pytest.mark.parametrize("value", [None, 1, True, ["0012300000bVTph"], {"Id": "0012300000bVTph"}])
def test_what_is_no_text_is_no_id(value: object) -> None:
    assert not is_valid(value)


def test_a_list_in_place_of_an_id_spoils_its_row_only(org: Org) -> None:
    made = org.insert("Account", [{"Name": "x"}])[0].id
    bad, good = org.update("Account", [{"Id": [made], "Name": "y"}, {"Id": made, "Name": "y"}])
    assert [one.code for one in bad.errors] == ["MALFORMED_ID"]
    assert good.success


def test_ids_made_one_after_the_other_sort_that_way() -> None:
    ids = [new_id("001", number) for number in range(1, 5000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert all(map(is_valid, ids))


def test_a_frozen_clock_stands_until_it_is_advanced_and_outlives_a_restart(tmp_path: Path, force_app: Path) -> None:
    org = Org.open(tmp_path, force_app=force_app)
    org.clock.freeze(datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    org.clock.advance(90)
    org.save_clock()
    org.close()
    again = Org.open(tmp_path, force_app=force_app)
    assert instant(again.clock.now()) == "2026-03-01T08:01:30.000+0000"
    again.close()


def test_a_running_clock_shows_whole_seconds_of_the_moment_it_was_set_to() -> None:
    clock = Clock()
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    assert (clock.now() - datetime(2030, 1, 1, tzinfo=UTC)).total_seconds() in (-1, 0, 1)
    assert clock.now().microsecond == 0
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2030, 1, 1))  # noqa: DTZ001
