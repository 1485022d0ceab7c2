"""Raw columns on their way to canonical ones: each made text once, few-valued ones worked on by distinct value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from sfsync.mapping.cells import Cells, as_text, few_values
from sfsync.mapping.types import text


@dataclass(frozen=True)
class Raw:
    """Rows of one side as text, before any rule.

    keys     Arrow string array
    columns  name -> ``Cells`` of the same length
    """

    keys: pa.Array
    columns: dict[str, Cells]

    @staticmethod
    def of(frame: pd.DataFrame) -> Raw:
        """A frame indexed by key, values as a driver or a parser gave them."""
        return Raw(as_text(frame.index.to_series()).values, {str(n): as_text(frame[n]) for n in frame.columns})


class Source:
    """The columns of ``raw``; ``key`` is the name by which a field may ask for the keys themselves."""

    def __init__(self, raw: Raw, key: str = "") -> None:
        self.raw = raw
        self._key = key
        self._done: dict[str, Cells] = {}
        self._coded: dict[str, tuple[Cells, pa.Array] | None] = {}

    def has(self, name: str) -> bool:
        """True if the column was delivered."""
        return name in self.raw.columns

    def column(self, name: str) -> Cells:
        """A column as trimmed text."""
        if name not in self._done:
            coded = self._few(name)
            self._done[name] = coded[0].taken(coded[1]) if coded else _trimmed(self._given(name))
        return self._done[name]

    def each(self, names: Sequence[str], work: Callable[[Sequence[Cells]], Cells]) -> Cells:
        """``work`` on these columns, cell by cell; on one column of few values it is done once for each of them."""
        coded = self._few(names[0]) if len(names) == 1 else None
        if coded:
            return work([coded[0]]).taken(coded[1])
        return work([self.column(n) for n in names])

    def _given(self, name: str) -> Cells:
        if name == self._key and not self.has(name):
            return Cells(self.raw.keys)
        return self.raw.columns[name]

    def _few(self, name: str) -> tuple[Cells, pa.Array] | None:
        """The distinct values of a column as trimmed text, and each row's place among them."""
        if name not in self._coded:
            given = self._given(name)
            coded = None if given.faults else few_values(given.values)
            self._coded[name] = None if coded is None else (_trimmed(Cells(coded.dictionary)), coded.indices)
        return self._coded[name]


def _trimmed(cells: Cells) -> Cells:
    return Cells(text(cells.values).values, cells.faults)
