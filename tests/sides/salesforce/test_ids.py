"""Record ids in both forms."""

from __future__ import annotations

import pytest

from sfsync.sides.salesforce.ids import is_id, to18


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


def test_other_text_is_left_alone() -> None:
    assert to18("") == ""
    assert to18("SF-000000000001") == "SF-000000000001"
    assert not is_id("SF-000000000001")
