"""Whole columns of text frames as Arrow sees them: masks, equality and nulls without a Python object per cell."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.sides.side import TEXT


def arrow(values: pd.Series | pd.Index | pd.api.extensions.ExtensionArray) -> pa.Array:
    """A text column as one Arrow array (string or large_string); no copy where it is one already."""
    found = pa.array(getattr(values, "array", values), from_pandas=True)
    array = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return array if is_text else array.cast(pa.large_string())


def frame(columns: Dict[str, Any], index: pd.Index) -> pd.DataFrame:
    """A text frame of Arrow arrays."""
    return pd.DataFrame({n: pd.array(c, dtype=TEXT) for n, c in columns.items()}, index=index)


def empty(names: Sequence[str], index: pd.Index) -> pd.DataFrame:
    """A frame of nulls; the columns share their memory."""
    nothing = pd.array(pa.nulls(len(index), pa.large_string()), dtype=TEXT)
    return pd.DataFrame(dict.fromkeys(names, nothing), index=index, columns=list(names), copy=False)


def within(keys: pd.Index | pd.Series, among: pd.Index | pd.Series) -> np.ndarray:
    """bool n: which of these texts are among those. (``isin`` of pandas makes a Python object of each.)"""
    if not len(among) or not len(keys):
        return np.zeros(len(keys), bool)
    here, there = arrow(keys), arrow(among)
    if here.equals(there):
        return np.ones(len(keys), bool)
    found: np.ndarray = pc.is_in(here, value_set=there.cast(here.type)).to_numpy(zero_copy_only=False)
    return found


def places(wanted: pd.Index | pd.Series, among: pd.Index | pd.Series) -> np.ndarray:
    """int64 n: where each of these texts stands among those (the first place), -1 where it does not."""
    if not len(among) or not len(wanted):
        return np.full(len(wanted), -1, np.int64)
    here, there = arrow(wanted), arrow(among)
    if here.equals(there):
        return np.arange(len(here), dtype=np.int64)
    found = pc.fill_null(pc.index_in(here, value_set=there.cast(here.type)), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def union(*parts: pd.Index) -> pd.Index:
    """All keys of the parts once, in the order in which they come."""
    some = [arrow(p) for p in parts if len(p)]
    if not some:
        return pd.Index([], dtype=TEXT, name="key")
    joined = pa.chunked_array([a.cast(pa.large_string()) for a in some]).combine_chunks()
    return pd.Index(pd.array(pc.unique(joined), dtype=TEXT), name="key")


def rows(values: pd.DataFrame, keys: pd.Index, names: Sequence[str]) -> pd.DataFrame:
    """The rows of these keys and the columns of these names, in this order; null where there is none."""
    found = values if list(values.columns) == list(names) else values.reindex(columns=list(names)).astype(TEXT)
    return aligned(found, keys)


def aligned(values: pd.DataFrame, keys: pd.Index) -> pd.DataFrame:
    """The rows of these keys in this order; null where there is none. Columns are text or booleans."""
    if values.index is keys or values.index.equals(keys):
        return values
    where = places(keys, values.index)
    lost = where < 0
    if not lost.any():
        return values.take(where).set_axis(keys)
    taken = pa.array(np.where(lost, 0, where), mask=lost)
    return pd.DataFrame({str(n): _taken(values[n], taken) for n in values.columns}, index=keys, columns=values.columns)


def _taken(column: pd.Series, where: pa.Array) -> Any:
    values = pa.array(column)
    found = values.take(where) if len(values) else pa.nulls(len(where), values.type)
    return pd.array(found.to_pylist(), dtype="boolean") if column.dtype == bool else pd.array(found, dtype=TEXT)


def masked(values: pd.DataFrame, mask: np.ndarray) -> pd.DataFrame:
    """The frame with the cells where ``mask`` (bool n x f) holds, null elsewhere; columns it leaves whole stay."""
    made: dict[str, Any] = {}
    for i, name in enumerate(values.columns):
        column, wanted = values.iloc[:, i], mask[:, i]
        there = column.notna().to_numpy(bool)
        made[str(name)] = column.array if not (there & ~wanted).any() else _kept(column, wanted)
    return pd.DataFrame(made, index=values.index, columns=values.columns, copy=False)


def _kept(column: pd.Series, wanted: np.ndarray) -> Any:
    if not wanted.any():
        return pd.array(pa.nulls(len(column), pa.large_string()), dtype=TEXT)
    values = arrow(column)
    return pd.array(pc.if_else(pa.array(wanted), values, pa.scalar(None, values.type)), dtype=TEXT)


def equal(left: pd.DataFrame, right: pd.DataFrame) -> np.ndarray:
    """bool n x f: the same text, or null in both; rows by position, columns in the same order."""
    return _matrix(left.shape, [same(left.iloc[:, i], right.iloc[:, i]) for i in range(left.shape[1])])


def same(left: pd.Series, right: pd.Series) -> np.ndarray:
    """bool n: the same text, or null in both; by position."""
    nulls = left.isna().to_numpy(bool), right.isna().to_numpy(bool)
    alike: np.ndarray = nulls[0] & nulls[1]
    if not (nulls[0] | nulls[1]).all():
        found = pc.fill_null(pc.equal(arrow(left), arrow(right)), False)
        alike |= found.to_numpy(zero_copy_only=False)
    return alike


def _matrix(shape: tuple[int, ...], columns: Sequence[np.ndarray]) -> np.ndarray:
    made = np.zeros(shape, bool, order="F")
    for i, column in enumerate(columns):
        made[:, i] = column
    return made


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


def key_index(values: pa.Array) -> pd.Index:
    """Keys as the index of a frame."""
    return pd.Index(text_array(pa.chunked_array([values])), name="key")
