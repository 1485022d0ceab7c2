"""Text columns between frames and Arrow, without an object per value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.sides.side import TEXT


def arrow(values: pd.Series | pd.Index) -> pa.Array:
    """A text column as one Arrow array (string or large_string), without a copy where it is one already."""
    found = pa.array(values.array, from_pandas=True)
    array = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return array if is_text else array.cast(pa.large_string())


def texts(values: Any, count: int) -> Any:
    """``values`` (a column, a list, one text for all, or None: all null) as an extension array of text, ``count`` long.

    By position: a column of another index must not be joined by label.
    """
    if values is None or isinstance(values, str):
        scalar = pa.scalar(values, pa.large_string())
        return text_array(pa.chunked_array([pa.repeat(scalar, count)]))
    if isinstance(values, pd.Series | pd.Index):
        values = values.array
    return pd.array(values if hasattr(values, "dtype") else list(values), dtype=TEXT)


def text_array(values: pa.ChunkedArray) -> Any:
    """An extension array of text over Arrow's own memory."""
    return pd.StringDtype("pyarrow").__from_arrow__(values)


def keys(values: pa.Array) -> pd.Index:
    """Keys as the index of a frame."""
    return pd.Index(text_array(pa.chunked_array([values])), name="key")


def places(wanted: pd.Index, among: pd.Index) -> np.ndarray:
    """Where each of ``wanted`` stands in ``among`` (int64, n; the first place; -1: nowhere)."""
    if not len(among):
        return np.full(len(wanted), -1, np.int64)
    here, there = arrow(wanted), arrow(among)
    if len(here) == len(there) and here.type == there.type and here.equals(there) and among.is_unique:
        return np.arange(len(here), dtype=np.int64)
    return pc.index_in(here, value_set=there.cast(here.type)).fill_null(-1).to_numpy().astype(np.int64)
