"""Problems of one side's rows: (key, field, code), collected over whole columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import cells as c
from sfsync.mapping.cells import Cells, as_mask, as_text
from sfsync.mapping.model import Mapping
from sfsync.mapping.types import text
from sfsync.sides.side import TEXT


class Problems:
    """Collects (key, field, code) rows."""

    def __init__(self, index: pd.Index) -> None:
        self._keys = as_text(index.to_series()).values
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
        folded = pd.Series(pc.utf8_lower(trimmed).to_numpy(zero_copy_only=False))
        self.add("", c.KEY_TWICE, folded.duplicated(keep=False).to_numpy() & ~empty)
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
