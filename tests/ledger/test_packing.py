"""Digests as bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sfsync.ledger import packing

DIGESTS = st.sampled_from([0, 1, 1, 1, 2, 2**63, 2**64 - 1])


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(0, 140), st.data())
def test_there_and_back(rows: int, fields: int, data: st.DataObject) -> None:
    digests = data.draw(hnp.arrays(np.uint64, (rows, fields), elements=DIGESTS, fill=st.just(1)))
    found = packing.unpacked(packing.packed(digests), fields)
    assert found.dtype == np.uint64 and found.tolist() == digests.tolist() and found.shape == digests.shape


def test_the_bytes_are_the_ones_described() -> None:
    assert packing.packed(np.array([[5, 1, 0], [1, 1, 1]], np.uint64)) == [
        bytes([0b101, *[0] * 7, 5, *[0] * 7, *[0] * 8]),
        bytes(8),
    ]
    assert len(packing.packed(np.full((1, 65), 1, np.uint64))[0]) == 16, "65 fields need two words of bits"


@pytest.mark.parametrize("row", [b"", b"\x01" * 7, bytes(16), bytes([1, *[0] * 7]), bytes([4, *[0] * 15])])
def test_bytes_of_another_shape_are_refused(row: bytes) -> None:
    with pytest.raises(ValueError):
        packing.unpacked([row], 2)
