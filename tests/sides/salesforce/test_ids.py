"""Record ids in both forms."""

from __future__ import annotations

import pytest

from sfsync.sides.salesforce.ids import is_id, to15, to18


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("500000000000001", "500000000000001AAA"),
        ("001dM00003kRs59", "001dM00003kRs59QAC"),
        ("005dM00000awSFJ", "005dM00000awSFJQA2"),
    ],
)
def test_to18(short: str, full: str) -> None:
    assert to18(short) == full
    assert to18(full) == full
    assert to15(full) == short
    assert to15(short) == short


def test_other_text_is_left_alone() -> None:
    assert to18("") == ""
    assert to18("SF-000000000001") == "SF-000000000001"
    assert not is_id("SF-000000000001")
    assert to15("SF-000000000001") == "SF-000000000001"


def test_an_id_in_altered_case_is_not_made_one_of_another_record() -> None:
    assert to15("001dm00003krs59qac") == "001dm00003krs59qac"
    assert to15("001DM00003kRs59QAC") == "001DM00003kRs59QAC"
