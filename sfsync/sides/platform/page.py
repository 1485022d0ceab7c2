"""Rows of the platform as Arrow columns of text, however they were read.

Two ways lead here. ``joined``: the database itself strings a column's cells together, and one long text per column
travels; that is the fast one, and it is taken only where nothing can be mistaken (``Odd`` is raised otherwise).
``listed``: row by row through the driver. Both give the same text for the same cell, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import layout
from sfsync.mapping.cells import Cells, as_text

SEPARATOR = "\x1f"
# How SQLite writes a number with a fraction (``CAST(x AS TEXT)``): not all of its digits, unlike the driver.
_REAL = r"^-?(\d+\.\d+(e[+-]\d+)?|Inf)$"
_REAL_FIRST, _REAL_LAST = b"0123456789-I", b"0123456789f"


class Odd(Exception):
    """These rows hold something that only the driver can read rightly."""


@dataclass(frozen=True)
class Page:
    """Some rows.

    own      keys as the table holds them; bytes that are not UTF-8 are spelt out (``\\udce9``)
    broken   bool per row: the key has such bytes
    stamp    change stamps, text as the database has it
    columns  name -> cells
    """

    own: pa.Array
    broken: np.ndarray
    stamp: pa.Array
    columns: dict[str, Cells]

    @staticmethod
    def plain(own: pa.Array, stamp: pa.Array, columns: dict[str, Cells]) -> Page:
        """Rows whose keys are all UTF-8."""
        return Page(own, np.zeros(len(own), dtype=bool), stamp, columns)

    def __len__(self) -> int:
        return len(self.own)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return sum(len(layout.body(c.values)) for c in self.columns.values())

    def sorted(self) -> Page:
        """The rows in the order of their keys."""
        return self.taken(pc.sort_indices(self.own))

    def taken(self, order: pa.Array) -> Page:
        """The rows at these places."""
        rows = order.to_numpy()
        if len(rows) == len(self) and (rows[1:] > rows[:-1]).all():
            return self
        columns = {n: c.taken(order) for n, c in self.columns.items()}
        return Page(self.own.take(order), self.broken[rows], self.stamp.take(order), columns)

    def and_(self, other: Page) -> Page:
        """These rows and then the other's, which has the same columns."""
        if not len(other):
            return self
        columns = {n: c.and_(other.columns[n]) for n, c in self.columns.items()}
        own, stamp = pa.concat_arrays([self.own, other.own]), pa.concat_arrays([self.stamp, other.stamp])
        return Page(own, np.concatenate([self.broken, other.broken]), stamp, columns)


def listed(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> Page:
    """Rows ``(key text, stamp, *columns)`` as the driver gives them."""
    cells = [list(c) for c in zip(*rows, strict=True)] or [[] for _ in range(2 + len(columns))]
    own = [str(k) for k in cells[0]]
    shown = [spelt_out(k) for k in own]
    broken = np.array([a is not b for a, b in zip(own, shown, strict=True)], dtype=bool)
    made = {n: as_text(c) for n, c in zip(columns, cells[2:], strict=True)}
    return Page(pa.array(shown, pa.string()), broken, as_text(cells[1]).values, made)


def spelt_out(text: str) -> str:
    """The same text, or one with bytes that are not UTF-8 spelt out, so that it can be stored and shown."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def joined(count: int, texts: Dict[str, str | bytes | None]) -> dict[str, pa.Array]:
    """The columns of ``count`` rows from their joined texts; empty cells are null. Raises ``Odd``."""
    return {name: _split(count, text or b"") for name, text in texts.items()}


def _split(count: int, text: str | bytes) -> pa.Array:
    data = _utf8(text)
    marked = np.frombuffer(data, dtype="uint8")
    breaks = np.flatnonzero(marked == ord(SEPARATOR)).astype("int32")
    if len(breaks) != max(count - 1, 0) or b"\0" in data:
        raise Odd
    if len(data) == len(breaks):
        return pa.nulls(count, pa.string())
    # The separators go; what begins after the n-th of them begins n bytes earlier.
    places = np.zeros(count + 1, "int32")
    places[1:-1] = breaks - np.arange(len(breaks), dtype="int32")
    places[-1] = len(data) - len(breaks)
    body = pa.py_buffer(data.translate(None, SEPARATOR.encode()))
    full = places[1:] > places[:-1]
    bits = None if full.all() else pa.py_buffer(np.packbits(full, bitorder="little"))
    return pa.StringArray.from_buffers(count, pa.py_buffer(places), body, bits)


def _utf8(text: str | bytes) -> bytes:
    try:
        if isinstance(text, str):
            return text.encode()
        if not text.isascii():
            text.decode("utf-8")
    except UnicodeError:
        raise Odd from None
    return text


def maybe_real(values: pa.Array) -> bool:
    """True if a cell looks like a number with a fraction in SQLite's spelling."""
    data = layout.body(values)
    if not ((data == ord(".")).any() or (data == ord("I")).any()):
        return False
    edges = layout.edges(values)
    half = len(edges) // 2
    if not (layout.allowed(_REAL_FIRST)[edges[:half]] & layout.allowed(_REAL_LAST)[edges[half:]]).any():
        return False
    return bool(pc.any(pc.match_substring_regex(values, _REAL)).as_py())
