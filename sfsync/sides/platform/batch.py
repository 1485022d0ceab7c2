"""The rows of one write as the database takes them: cut into batches, grouped by the columns they touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import Defect
from sfsync.mapping import canon
from sfsync.mapping.model import Mapping
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
    return Rows(write.kind, [str(k) for k in write.keys], own, columns, cells, kept)


def _column(mapping: Mapping, name: str, typed: dict[str, list[Any]]) -> str:
    column = mapping.fields[name].columns[0]
    if len(mapping.fields[name].columns) != 1 or column not in typed:
        raise Defect(f"the field {name} cannot be written to the platform", "PLATFORM_WRITE", mapping.name)
    return column


def _storable(cells: list[Any], dialect: str) -> list[Any]:
    """SQLite has no dates: they are written as the text its own functions understand."""
    # Said by us and not by the driver: its adapters for dates are deprecated.
    if dialect != SQLITE or not any(isinstance(c, date) for c in cells):
        return cells
    return [_sqlite_text(c) for c in cells]


def _sqlite_text(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else cell


@dataclass
class Answers:
    """Outcomes of one batch, by position; every position gets exactly one."""

    rows: Rows
    positions: list[int]
    found: dict[int, dict[str, Any]] = field(default_factory=dict)

    def done(self, position: int, result: str) -> None:
        """The row was written."""
        self.found[position] = {"result": result, "id": self.rows.own[position]}

    def failed(self, position: int, why: Refusal, result: str = FAILED) -> None:
        """The row was not written."""
        self.found[position] = {
            "result": result,
            "id": self.rows.own[position],
            "code": why.code,
            "fields": ",".join(why.fields),
            "kind_of_failure": why.kind,
            "reason": why.reason,
        }

    def stamp(self, stamps: dict[str, str | None]) -> None:
        """Add the stamps read back, by the table's own key."""
        for position, row in self.found.items():
            row["stamp"] = stamps.get(self.rows.own[position])

    def outcomes(self) -> Outcomes:
        """The outcomes in the order of the rows; a position without an answer is ``unknown``."""
        rows = [self.found.get(p, {"result": UNKNOWN, "id": self.rows.own[p]}) for p in self.positions]
        index = pd.Index(pd.array([self.rows.keys[p] for p in self.positions], dtype=TEXT), name="key")
        columns = {c: pd.array([r.get(c) for r in rows], dtype=TEXT) for c in OUTCOME_COLUMNS}
        return Outcomes(pd.DataFrame(columns, index=index))
