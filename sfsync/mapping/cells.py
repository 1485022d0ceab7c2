"""Columns of cells: text in Arrow arrays, with the faults found on the way.

Raw values come as a driver or a JSON parser gave them; ``as_text`` makes one Arrow string array of them without
looking at single values where the column is of one kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import layout

TEXT_ENCODING, VALUE_TYPE, VALUE_FORMAT = "TEXT_ENCODING", "VALUE_TYPE", "VALUE_FORMAT"
VALUE_TOO_LONG, VALUE_RANGE, VALUE_UNKNOWN = "VALUE_TOO_LONG", "VALUE_RANGE", "VALUE_UNKNOWN"
KEY_NULL, KEY_TWICE, REQUIRED, TWO_PARENTS = "KEY_NULL", "KEY_TWICE", "REQUIRED", "TWO_PARENTS"

_UNREADABLE = object()
_WHOLE = b"-0123456789"


Faults: TypeAlias = "tuple[tuple[str, np.ndarray], ...]"


@dataclass(frozen=True)
class Cells:
    """One column: ``values`` is an Arrow string array, ``faults`` are (code, bool array of the rows) pairs."""

    values: pa.Array
    faults: Faults = ()

    def fault(self, code: str, rows: pa.Array | np.ndarray) -> Cells:
        """The same cells with these rows nulled and noted under the code; no rows, no change."""
        mask = as_mask(rows)
        if not mask.any():
            return self
        nulled = pc.if_else(pa.array(mask), pa.scalar(None, pa.string()), self.values)
        return Cells(nulled, (*self.faults, (code, mask)))

    def then(self, step: Callable[[pa.Array], Cells]) -> Cells:
        """The cells after one more step, its faults added to the earlier ones."""
        after = step(self.values)
        return Cells(after.values, (*self.faults, *after.faults))

    def taken(self, places: pa.Array) -> Cells:
        """The cells at these places."""
        taken = [(code, mask[places.to_numpy()]) for code, mask in self.faults]
        return Cells(self.values.take(places), tuple((code, mask) for code, mask in taken if mask.any()))

    def and_(self, other: Cells) -> Cells:
        """These cells and then the other's."""
        before, after = np.zeros(len(self.values), dtype=bool), np.zeros(len(other.values), dtype=bool)
        faults = [(code, np.concatenate([mask, after])) for code, mask in self.faults]
        faults += [(code, np.concatenate([before, mask])) for code, mask in other.faults]
        return Cells(pa.concat_arrays([self.values, other.values]), tuple(faults))

    @property
    def faulty(self) -> np.ndarray:
        """Rows with any fault."""
        rows = np.zeros(len(self.values), dtype=bool)
        for _, mask in self.faults:
            rows |= mask
        return rows


def as_mask(rows: pa.Array | np.ndarray) -> np.ndarray:
    """A NumPy bool array; null counts as False."""
    if isinstance(rows, np.ndarray):
        return rows
    return np.asarray(flat(pc.fill_null(rows, False)).to_numpy(zero_copy_only=False), dtype=bool)


def flat(values: Any) -> pa.Array:
    """One contiguous array."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def nulls(count: int) -> pa.Array:
    """So many null cells."""
    return pa.nulls(count, pa.string())


def by_distinct(values: pa.Array, work: Callable[[str], str | None]) -> pa.Array:
    """``work`` on every distinct value once; null stays null."""
    coded = flat(values).dictionary_encode()
    done = pa.array([work(v) for v in coded.dictionary.to_pylist()], pa.string())
    return done.take(coded.indices)


def where_matching(values: pa.Array, pattern: str, work: Callable[[str], str | None]) -> pa.Array:
    """``work`` on the values that match the (RE2) pattern; the others stay as they are."""
    rows = as_mask(pc.match_substring_regex(values, pattern))
    if not rows.any():
        return values
    mask = pa.array(rows)
    return flat(pc.replace_with_mask(values, mask, by_distinct(values.filter(mask), work)))


def unless(values: pa.Array, done: pa.Array, step: Callable[[pa.Array], Cells]) -> Cells:
    """``step`` on the values that are not ``done`` already; null stays null."""
    rest = as_mask(pc.invert(done))
    if not rest.any():
        return Cells(values)
    if rest.all():
        return step(values)
    after = step(values.filter(pa.array(rest)))
    return Cells(flat(pc.replace_with_mask(values, rest, after.values)), _spread(after.faults, rest))


def _spread(faults: Faults, rows: np.ndarray) -> Faults:
    """Faults of chosen rows as faults of all rows."""
    made = []
    for code, mask in faults:
        whole = np.zeros(len(rows), dtype=bool)
        whole[rows] = mask
        made.append((code, whole))
    return tuple(made)


FEW, SAMPLE = 128, 1024


def few_values(values: pa.Array) -> pa.DictionaryArray | None:
    """The column by its distinct values, null being one of them; None if they are many (judged by the first rows)."""
    if len(values) <= 2 * SAMPLE or pc.count_distinct(values.slice(0, SAMPLE), mode="all").as_py() > FEW:
        return None
    coded = values.dictionary_encode(null_encoding="encode")
    return coded if len(coded.dictionary) * 4 <= len(values) else None


def as_text(raw: pd.Series | pa.Array | list[Any]) -> Cells:
    """Raw values as text: booleans ``true``/``false``, whole numbers without a point, instants in UTC with ``Z``.

    Text that is not Unicode (lone surrogates, undecodable bytes, NUL) is a TEXT_ENCODING fault; nested values are a
    VALUE_TYPE fault.
    """
    try:
        values = raw if isinstance(raw, pa.Array) else flat(pa.array(raw, from_pandas=True))
        cells = Cells(_typed(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError, OverflowError):
        cells = _one_by_one(raw)
    return cells.fault(TEXT_ENCODING, pc.match_substring(cells.values, "\x00"))


def _typed(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_large_string(kind):
        return _from_its_start(flat(pc.cast(values, pa.string())))
    if pa.types.is_timestamp(kind):
        return _instants(values)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(values)
    if pa.types.is_dictionary(kind):
        return _typed(values.dictionary_decode())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_time(kind):
        raise pa.ArrowTypeError("not a column of plain values")
    return flat(pc.cast(values, pa.string()))


def _from_its_start(values: pa.Array) -> pa.Array:
    """The same, its bytes beginning at 0: Arrow lower-cases a slice that was cast into texts out of bounds."""
    return pa.concat_arrays([values, values[:0]]) if len(values) and layout.offsets(values)[0] else values


def _instants(values: pa.Array) -> pa.Array:
    seconds = pc.floor_temporal(values, unit="second") if values.type.unit != "s" else values
    plain = pc.cast(pc.cast(seconds, pa.timestamp(values.type.unit)), pa.timestamp("s"))
    text = pc.replace_substring(pc.cast(plain, pa.string()), " ", "T")
    return flat(pc.binary_join_element_wise(text, "Z", ""))


def _numbers(values: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):
        whole = pc.equal(values, pc.floor(values))
        if as_mask(pc.fill_null(whole, True)).all() and not as_mask(pc.greater(pc.abs(values), 2.0**53)).any():
            return pc.cast(pc.cast(values, pa.int64()), pa.string())
    return pa.array([_plain(v) for v in values.to_pylist()], pa.string())


def _plain(value: Any) -> str | None:
    if value is None or value != value:
        return None
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_numbers(texts: pa.Array) -> pa.Array:
    """Numbers as a database writes them (``5.00``, ``1e+20``, ``NaN``) in the form ``as_text`` gives numbers."""
    if layout.only(texts, _WHOLE):
        return texts
    return by_distinct(texts, lambda number: _plain(Decimal(number)))


def _one_by_one(raw: pd.Series | pa.Array | list[Any]) -> Cells:
    values = raw if isinstance(raw, list) else raw.tolist()
    texts = [_single(v) for v in values]
    nested = np.array([t is _UNREADABLE and not isinstance(v, str | bytes) for t, v in zip(texts, values, strict=True)])
    garbled = np.array([t is _UNREADABLE and isinstance(v, str | bytes) for t, v in zip(texts, values, strict=True)])
    column = pa.array([None if t is _UNREADABLE else t for t in texts], pa.string())
    return Cells(column).fault(VALUE_TYPE, nested).fault(TEXT_ENCODING, garbled)


def _single(value: Any) -> Any:
    """One value as text, None, or the mark for a value that has no text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | Decimal | np.floating):
        return _plain(value if isinstance(value, Decimal) else float(value))
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date | int | np.integer):
        return str(value)
    return _decoded(value)


def _instant(value: datetime) -> str:
    moment = value.astimezone(UTC) if value.tzinfo else value
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def _decoded(value: Any) -> Any:
    try:
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value).decode("utf-8")
        if isinstance(value, str):
            value.encode("utf-8")
            return str(value)
    except UnicodeError:
        return _UNREADABLE
    return _UNREADABLE
