"""The rows of one write as the database takes them: cut into batches, grouped by the columns they touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sfsync.errors import Defect
from sfsync.mapping import canon
from sfsync.mapping.model import Mapping
from sfsync.sides.columns import arrow
from sfsync.sides.platform.connect import SQLITE
from sfsync.sides.platform.refusals import Refusal
from sfsync.sides.side import FAILED, OUTCOME_COLUMNS, TEXT, UNKNOWN, Outcomes, Write


@dataclass(frozen=True)
class Rows:
    """What to write.

    keys     canonical keys, for the outcomes
    own      the keys as the table holds them
    columns  platform columns
    cells    one list per column
    touched  bool array rows x columns
    """

    kind: str
    keys: list[str]
    own: list[str]
    columns: tuple[str, ...]
    cells: tuple[list[Any], ...]
    touched: np.ndarray[Any, Any]

    def groups(self, positions: list[int]) -> Iterator[tuple[tuple[str, ...], list[int]]]:
        """The positions by the columns they touch; an update that touches nothing is in no group."""
        if not positions:
            return
        patterns, which = np.unique(self.touched[positions], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            names = tuple(c for c, touched in zip(self.columns, pattern, strict=True) if touched)
            if names or self.kind != "update":
                yield names, [positions[i] for i in np.flatnonzero(which.ravel() == number)]

    def column(self, name: str) -> list[Any]:
        """The cells of a column."""
        return self.cells[self.columns.index(name)]

    def values(self, position: int, names: tuple[str, ...]) -> dict[str, Any]:
        """The touched cells of one row by column name."""
        return {n: self.cells[self.columns.index(n)][position] for n in names}


def rows_of(mapping: Mapping, write: Write, dialect: str, own: list[str]) -> Rows:
    """The write's touched values as cells of the platform's columns; raises ``Defect`` for a field with no way back."""
    touched = np.asarray(write.touched, dtype=bool).reshape(len(write), len(write.values.columns))
    names = [n for i, n in enumerate(write.values.columns) if touched[:, i].any()]
    typed = canon.to_platform(mapping, write.values[names]) if names else {}
    columns = tuple(_column(mapping, n, typed) for n in names)
    if len(set(columns)) != len(columns) or mapping.platform.stamp in columns:
        raise Defect("two fields write the same platform column", "PLATFORM_WRITE", mapping.name)
    cells = tuple(_storable(typed[c], dialect) for c in columns)
    kept = touched[:, write.values.columns.isin(names)]
    return Rows(write.kind, arrow(write.keys).to_pylist() if len(write) else [], own, columns, cells, kept)


def _column(mapping: Mapping, name: str, typed: dict[str, list[Any]]) -> str:
    column = mapping.fields[name].columns[0]
    if len(mapping.fields[name].columns) != 1 or column not in typed:
        raise Defect(f"the field {name} cannot be written to the platform", "PLATFORM_WRITE", mapping.name)
    return column


def _storable(cells: list[Any], dialect: str) -> list[Any]:
    """SQLite has no dates: they are written as the text its own functions understand."""
    # Said by us and not by the driver: its adapters for dates are deprecated.
    if dialect != SQLITE or not isinstance(next((c for c in cells if c is not None), None), date):
        return cells
    texts = {c: _sqlite_text(c) for c in set(cells)}
    return [texts[c] for c in cells]


def _sqlite_text(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else cell


class Answers:
    """Outcomes of one batch, by position; every position gets exactly one."""

    def __init__(self, rows: Rows, positions: list[int]) -> None:
        self.rows, self.positions = rows, positions
        self.results: dict[int, str] = {}
        self._refusals: dict[int, Refusal] = {}
        self._stamps: dict[str, str | None] = {}

    def done(self, positions: Iterable[int], result: str) -> None:
        """The rows were written."""
        self.results.update(dict.fromkeys(positions, result))

    def failed(self, position: int, why: Refusal, result: str = FAILED) -> None:
        """The row was not written."""
        self.results[position], self._refusals[position] = result, why

    def stamp(self, stamps: dict[str, str | None]) -> None:
        """Add the stamps read back, by the table's own key."""
        self._stamps = stamps

    def outcomes(self) -> Outcomes:
        """The outcomes in the order of the rows; a position without an answer is ``unknown`` and has no stamp."""
        own = [self.rows.own[p] for p in self.positions]
        stamps = [self._stamps.get(k) if p in self.results else None for p, k in zip(self.positions, own, strict=True)]
        columns: dict[str, Any] = dict.fromkeys(OUTCOME_COLUMNS, pd.NA)
        columns |= {"result": [self.results.get(p, UNKNOWN) for p in self.positions], "id": own, "stamp": stamps}
        columns |= self._refused() if self._refusals else {}
        index = pd.Index(pd.array([self.rows.keys[p] for p in self.positions], dtype=TEXT), name="key")
        return Outcomes(pd.DataFrame({n: _texts(c, len(index)) for n, c in columns.items()}, index=index))

    def _refused(self) -> dict[str, list[str | None]]:
        """What is said of the rows that were refused."""
        found = [self._refusals.get(p) for p in self.positions]
        return {
            "code": [None if w is None else w.code for w in found],
            "fields": [None if w is None else ",".join(w.fields) for w in found],
            "kind_of_failure": [None if w is None else w.kind for w in found],
            "reason": [None if w is None else w.reason for w in found],
        }


def _texts(column: Any, count: int) -> Any:
    values = pa.nulls(count, pa.string()) if column is pd.NA else pa.array(column, pa.string())
    return pd.array(values, dtype=TEXT)
