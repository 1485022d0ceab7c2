"""A piece of a frame has the values of the whole, whatever memory it shares with it."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from sfsync.mapping.cells import as_text
from sfsync.mapping.types import CANONICAL, FieldType
from sfsync.sides.side import TEXT


@pytest.mark.parametrize("kind", [FieldType.EMAIL, FieldType.TEXT, FieldType.CODE, FieldType.PHONE])
@pytest.mark.parametrize("start", [0, 6, 9])
def test_a_slice_has_the_values_of_the_whole(kind: FieldType, start: int) -> None:
    whole = pd.Series([f"Anna{n}@Posta.example" if kind is FieldType.EMAIL else f"+3902555010{n}" for n in range(10)])
    whole = whole.astype(TEXT)
    piece = as_text(whole.iloc[start:]).values
    piece.validate(full=True)
    done = CANONICAL[kind](piece).values
    done.validate(full=True)
    assert pa.array(done).to_pylist() == CANONICAL[kind](as_text(whole).values).values.to_pylist()[start:]
