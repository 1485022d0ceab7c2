"""A CSV read in pieces says the same as read whole."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from sfsync.sides.salesforce import blocks as module
from sfsync.sides.salesforce import tables
from sfsync.sides.salesforce.blocks import blocks

COLUMNS = ["Id", "Name", "Note__c"]


def made(rows: int) -> bytes:
    """Rows with embedded line ends, quotes, nulls and more than one byte to a character."""
    lines = [f'"{n:018}","Nome ""{n}"" è","riga\nuna, {n}"' if n % 3 else f"{n:018},," for n in range(rows)]
    return ("id,Name,Note__c\n" + "\n".join(lines) + ("\n" if lines else "")).encode()


@pytest.mark.parametrize("rows", [1, 6, 7, 8, 50])
def test_pieces_together_are_the_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 256)
    pieces = list(blocks(io.BytesIO(made(rows)), COLUMNS))
    assert max(map(len, pieces)) <= 7, "a piece is cut by its bytes"
    whole = tables.read(io.BytesIO(made(rows)), COLUMNS)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole[COLUMNS])


def test_a_column_the_csv_lacks_is_null() -> None:
    (piece,) = blocks(io.BytesIO(made(4)), ["Name", "Gone__c", "Id"])
    assert list(piece.columns) == ["Name", "Gone__c", "Id"]
    assert piece["Gone__c"].isna().all()


@pytest.mark.parametrize("text", [b"", b"Id,Name,Note__c\n"])
def test_an_empty_result_has_no_pieces(text: bytes) -> None:
    assert list(blocks(io.BytesIO(text), COLUMNS)) == []
