"""Rows of the platform as ``Records``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import canon
from sfsync.mapping.cells import Cells, nulls
from sfsync.mapping.model import FieldSpec, Mapping
from sfsync.sides.platform.keys import KeyBook
from sfsync.sides.platform.page import Page
from sfsync.sides.platform.stamps import iso_texts
from sfsync.sides.platform.tables import Table
from sfsync.sides.side import TEXT, Records, empty_problems

KEY_NULL, KEY_TWICE, TEXT_ENCODING = "KEY_NULL", "KEY_TWICE", "TEXT_ENCODING"


@dataclass(frozen=True)
class Maker:
    """Everything needed to make records of one table's rows."""

    mapping: Mapping
    table: Table
    columns: tuple[str, ...]
    as_of: datetime
    hash_key: bytes

    def records(self, page: Page, book: KeyBook) -> Records:
        """The rows as records; two rows of exactly one key become one, reported as KEY_TWICE."""
        plain, problems = _keys(page, book)
        keys = pd.Index(pd.array(plain, dtype=TEXT), name="key")
        columns = {n: page.columns.get(n, Cells(nulls(len(page)))) for n in canon.platform_columns(self.mapping)}
        raw, meta = canon.Raw(plain, columns), self._meta(keys, page)
        once = ~keys.duplicated(keep="last")
        if not once.all():
            rows = pa.array(np.flatnonzero(once))
            raw, meta = canon.Raw(raw.keys.take(rows), {n: c.taken(rows) for n, c in columns.items()}), meta[once]
        made = canon.from_platform(self.mapping, raw, as_of=self.as_of, hash_key=self.hash_key)
        found = made.problems[made.problems["field"].isin(["", *self.observed])]
        every = pd.concat([problems, found], ignore_index=True).drop_duplicates(ignore_index=True)
        return Records(made.values, meta, self.observed, every)

    @property
    def observed(self) -> frozenset[str]:
        """The fields all of whose columns could be read."""
        return frozenset(f.name for f in self.mapping.synced if self._readable(f))

    def _readable(self, field: FieldSpec) -> bool:
        return {*field.columns, *field.given} - {self.table.key_name} <= set(self.columns)

    def _meta(self, keys: pd.Index, page: Page) -> pd.DataFrame:
        n = len(keys)
        columns: dict[str, Any] = {
            "id": pd.array(page.own, dtype=TEXT),
            "stamp": pd.array(iso_texts(page.stamp), dtype=TEXT),
            "deleted": np.zeros(n, dtype=bool),
            "survivor": pd.array(nulls(n), dtype=TEXT),
            "keyless": np.zeros(n, dtype=bool),
        }
        for field in self.mapping.synced:
            if field.changed_at:
                known = page.columns.get(field.changed_at, Cells(nulls(n)))
                columns[f"changed_at.{field.name}"] = pd.array(iso_texts(known.values), dtype=TEXT)
        return pd.DataFrame(columns, index=keys)


def _keys(page: Page, book: KeyBook) -> tuple[pa.Array, pd.DataFrame]:
    """Keys without the blanks around them, and the problems of keys that cannot be used as they are.

    A twin keeps its blanks: otherwise two rows would look like one.
    """
    twin = book.is_twin(page.own)
    plain = pc.if_else(pa.array(twin), page.own, pc.utf8_trim(page.own, " "))
    marked = ((twin, KEY_TWICE), (page.broken, TEXT_ENCODING))
    parts = [problems(plain.filter(pa.array(mask)), code) for mask, code in marked if mask.any()]
    return plain, pd.concat([empty_problems(), *parts], ignore_index=True)


def problems(keys: pa.Array | pd.Index, code: str) -> pd.DataFrame:
    """One problem of the whole record per key."""
    return pd.DataFrame(
        {"key": pd.array(keys, dtype=TEXT), "field": pd.array([""] * len(keys), dtype=TEXT), "code": code}
    ).astype({"code": TEXT})


def keyless(records: Records, count: int) -> Records:
    """The records with one KEY_NULL problem more per row that has no key."""
    lost = problems(pd.Index([""] * count, dtype=TEXT), KEY_NULL)
    found = pd.concat([records.problems, lost], ignore_index=True)
    return Records(records.values, records.meta, records.observed, found)


def in_order(records: Records, own: Sequence[str]) -> Records:
    """The records in the order of these keys, as the table holds them."""
    places = pd.Index(records.meta["id"]).get_indexer(pd.Index(own, dtype=TEXT))
    order = places[places >= 0]
    return Records(records.values.iloc[order], records.meta.iloc[order], records.observed, records.problems)
