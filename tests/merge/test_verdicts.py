"""Verdicts of whole matrices against the table read aloud, one cell at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sfsync.merge import verdict
from sfsync.merge.verdict import Verdict


def read_aloud(p: int, s: int, b: int) -> Verdict:
    """The table of ``verdict.cells``, a line at a time."""
    if 0 in (p, s):
        return Verdict.NOT_OBSERVED
    if p == s == b:
        return Verdict.SAME
    if p == s:
        return Verdict.AGREE
    if b == 0:
        return Verdict.FIRST_MEETING
    if s == b:
        return Verdict.TO_SALESFORCE
    if p == b:
        return Verdict.TO_PLATFORM
    return Verdict.CONFLICT


ALL = list(product([0, 1, 2, 2**63, 2**64 - 1], repeat=3))
EXPECTED = np.array([read_aloud(*cell) for cell in ALL], np.int8)


@pytest.mark.parametrize("width", [1, 5, 25])
def test_every_combination_of_three_values(width: int) -> None:
    p, s, b = np.array(ALL, np.uint64).T.reshape(3, -1, width)
    found = verdict.cells(p, s, b)
    assert found.dtype == np.int8 and found.tolist() == EXPECTED.reshape(-1, width).tolist()


def test_more_cells_than_are_judged_at_a_time_in_any_order_of_memory() -> None:
    p, s, b = np.tile(np.array(ALL, np.uint64), (4_000, 1)).T.reshape(3, -1, 20)
    expected = np.tile(EXPECTED, 4_000).reshape(-1, 20)
    assert (verdict.cells(p, s, b) == expected).all()
    assert (verdict.cells(np.asfortranarray(p), s, b) == expected).all()
    assert (verdict.cells(p[::3, ::2], s[::3, ::2], b[::3, ::2]) == expected[::3, ::2]).all()


def test_no_records_and_no_fields() -> None:
    assert verdict.cells(*[np.zeros((0, 4), np.uint64)] * 3).shape == (0, 4)
    assert verdict.cells(*[np.zeros((4, 0), np.uint64)] * 3).shape == (4, 0)
