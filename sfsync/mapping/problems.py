"""Problems of one side's rows: (key, field, code), collected over whole columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import cells as c
from sfsync.mapping.cells import Cells, as_mask
from sfsync.mapping.model import Mapping
from sfsync.mapping.types import lower, text
from sfsync.sides.side import TEXT


class Problems:
    """Collects (key, field, code) rows."""

    def __init__(self, keys: pa.Array) -> None:
        self._keys = keys
        self._parts: list[pd.DataFrame] = []

    def add(self, field: str, code: str, rows: np.ndarray) -> None:
        if rows.any():
            keys = pd.array(pc.fill_null(self._keys.filter(pa.array(rows)), ""), dtype=TEXT)
            self._parts.append(pd.DataFrame({"key": keys, "field": field, "code": code}))

    def keys(self, pattern: str | None) -> None:
        """Keys that are null, come twice (Salesforce compares without case), have blanks around or break the rule."""
        trimmed = text(self._keys).values
        empty = as_mask(pc.is_null(trimmed))
        self.add("", c.KEY_NULL, empty)
        self.add("", c.KEY_TWICE, _twice(lower(trimmed)) & ~empty)
        odd = as_mask(pc.not_equal(trimmed, self._keys))
        if pattern:
            odd |= as_mask(pc.invert(pc.match_substring_regex(trimmed, f"^(?:{pattern})$")))
        self.add("", c.VALUE_FORMAT, odd & ~empty)

    def cells(self, columns: dict[str, Cells]) -> None:
        for name, cells in columns.items():
            for code, rows in cells.faults:
                self.add(name, code, rows)

    def exclusive(self, mapping: Mapping, columns: dict[str, Cells]) -> None:
        """References of which at most one may be set."""
        for group in mapping.exclusive:
            count = sum(as_mask(pc.is_valid(columns[n].values)).astype("int8") for n in group if n in columns)
            self.add("", c.TWO_PARENTS, np.asarray(count > 1))

    def frame(self) -> pd.DataFrame:
        parts = (
            pd.concat(self._parts, ignore_index=True) if self._parts else pd.DataFrame(columns=["key", "field", "code"])
        )
        return parts.astype(TEXT).drop_duplicates(ignore_index=True)


def _twice(values: pa.Array) -> np.ndarray:
    """Which values occur more than once."""
    coded = values.dictionary_encode(null_encoding="encode")
    if len(coded.dictionary) == len(values):
        return np.zeros(len(values), dtype=bool)
    places = coded.indices.to_numpy()
    return np.asarray(np.bincount(places)[places] > 1)
