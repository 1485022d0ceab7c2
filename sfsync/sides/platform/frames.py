"""Rows of the platform as ``Records``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from sfsync.mapping import canon
from sfsync.mapping.model import FieldSpec, Mapping
from sfsync.sides.platform.keys import KeyBook
from sfsync.sides.platform.tables import Table, iso, moments
from sfsync.sides.side import TEXT, Records, empty_problems

KEY_NULL, KEY_TWICE, TEXT_ENCODING = "KEY_NULL", "KEY_TWICE", "TEXT_ENCODING"


@dataclass(frozen=True)
class Maker:
    """Everything needed to make records of one table's rows ``(key text, stamp, *columns)``."""

    mapping: Mapping
    table: Table
    columns: tuple[str, ...]
    as_of: datetime
    hash_key: bytes

    def records(self, rows: Sequence[Sequence[Any]], book: KeyBook) -> Records:
        """The rows as records; two rows of exactly one key become one, reported as KEY_TWICE."""
        cells = [list(c) for c in zip(*rows, strict=True)] or [[] for _ in range(2 + len(self.columns))]
        own = pd.Series(cells[0], dtype=object)
        keys, problems = _keys(own, book)
        raw = pd.DataFrame(dict(zip(self.columns, map(_objects, cells[2:]), strict=True)), index=range(len(own)))
        raw = raw.reindex(columns=canon.platform_columns(self.mapping)).set_axis(keys)
        meta = self._meta(keys, own, cells[1], raw)
        once = ~keys.duplicated(keep="last")
        made = canon.from_platform(self.mapping, raw[once], as_of=self.as_of, hash_key=self.hash_key)
        found = made.problems[made.problems["field"].isin(["", *self.observed])]
        every = pd.concat([problems, found], ignore_index=True).drop_duplicates(ignore_index=True)
        return Records(made.values, meta[once], self.observed, every)

    @property
    def observed(self) -> frozenset[str]:
        """The fields all of whose columns could be read."""
        return frozenset(f.name for f in self.mapping.synced if self._readable(f))

    def _readable(self, field: FieldSpec) -> bool:
        return {*field.columns, *field.given} - {self.table.key_name} <= set(self.columns)

    def _meta(self, keys: pd.Index, own: pd.Series, stamps: list[Any], raw: pd.DataFrame) -> pd.DataFrame:
        n = len(keys)
        columns: dict[str, Any] = {
            "id": pd.array(_writable(own), dtype=TEXT),
            "stamp": pd.array(iso(moments(stamps)), dtype=TEXT),
            "deleted": pd.array([False] * n, dtype="bool"),
            "survivor": pd.array([pd.NA] * n, dtype=TEXT),
            "keyless": pd.array([False] * n, dtype="bool"),
        }
        for field in self.mapping.synced:
            if field.changed_at:
                columns[f"changed_at.{field.name}"] = pd.array(iso(moments(raw[field.changed_at].tolist())), dtype=TEXT)
        return pd.DataFrame(columns, index=keys)


def _objects(cells: list[Any]) -> pd.Series:
    return pd.Series(cells, dtype=object)


def _keys(own: pd.Series, book: KeyBook) -> tuple[pd.Index, pd.DataFrame]:
    """Keys without the blanks around them, and the problems of keys that cannot be used as they are.

    A twin keeps its blanks: otherwise two rows would look like one.
    """
    twin = book.is_twin(own).to_numpy()
    plain = own.where(twin, own.str.strip(" "))
    safe = pd.Series(_writable(plain), dtype=object)
    index = pd.Index(pd.array(safe, dtype=TEXT), name="key")
    broken = (safe != plain).to_numpy()
    parts = [problems(index[mask], code) for mask, code in ((twin, KEY_TWICE), (broken, TEXT_ENCODING)) if mask.any()]
    return index, pd.concat([empty_problems(), *parts], ignore_index=True)


def _writable(texts: pd.Series) -> list[Any]:
    """Texts with bytes that are not UTF-8 spelt out, so that they can be stored and shown."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return [t.encode("utf-8", "backslashreplace").decode() for t in texts]
    return texts.tolist()


def problems(keys: pd.Index, code: str) -> pd.DataFrame:
    """One problem of the whole record per key."""
    return pd.DataFrame(
        {"key": pd.array(keys, dtype=TEXT), "field": pd.array([""] * len(keys), dtype=TEXT), "code": code}
    ).astype({"code": TEXT})


def keyless(records: Records, count: int) -> Records:
    """The records with one KEY_NULL problem more per row that has no key."""
    lost = problems(pd.Index([""] * count, dtype=TEXT), KEY_NULL)
    found = pd.concat([records.problems, lost], ignore_index=True)
    return Records(records.values, records.meta, records.observed, found)
