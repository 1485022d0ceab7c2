"""Reads a window of one side and hands it out again in buckets of keys, so that memory does not grow with the table.

Up to ``MEMORY_ROWS`` rows stay in memory. Beyond, rows go to Parquet files by a hash of their key; a bucket is read
back whole, so both sides of one record always meet in the same bucket. Where one side fits into memory, nothing is
laid down: the other side's pages meet it as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sfsync.mapping.model import Mapping
from sfsync.sides.columns import within
from sfsync.sides.side import TEXT, Records, empty_problems, empty_records

MEMORY_ROWS = 30_000
BUCKET_ROWS = 10_000
SHARDS = 64  # files a side is cut into; a bucket is one shard or several


def buckets_for(rows: int) -> int:
    """How many buckets make one small enough to be planned in memory, and large enough to be worth a bulk job."""
    return min(SHARDS, max(1, -(-rows // BUCKET_ROWS)))


def bucket_of(keys: pd.Index, buckets: int) -> np.ndarray:
    """The bucket (int, n) of each key; the same for both sides and all runs."""
    return _shard_of(keys) * buckets // SHARDS


def _shard_of(keys: pd.Index) -> np.ndarray:
    hashed = pd.util.hash_array(np.asarray(keys, dtype=object), categorize=False)
    return (hashed % np.uint64(SHARDS)).astype(np.int64)


class Spill:
    """Records of one side of one mapping, collected once and read back by bucket."""

    def __init__(self, mapping: Mapping, folder: Path, name: str) -> None:
        self.mapping, self.folder, self.name = mapping, folder, name
        self.rows = 0
        self.spilled = False
        self.observed = frozenset(mapping.columns)
        self._parts: list[Records] = []
        self._problems: list[pd.DataFrame] = []
        self._held = self._flushes = 0

    def collect(self, parts: Iterable[Records]) -> Spill:
        """Takes everything ``parts`` yields."""
        for part in parts:
            self.rows += len(part)
            self._held += len(part)
            self.observed &= part.observed
            self._parts.append(part)
            self._problems.append(part.problems)
            if self._held > MEMORY_ROWS:
                self._flush()
        return self

    @property
    def nothing(self) -> bool:
        """True if no part came."""
        return not self._parts and not self.spilled

    def bucket(self, number: int, buckets: int) -> Records:
        """The records of one bucket; deletions stand before living records of the same key, which win."""
        parts = [self._cut(part, number, buckets) for part in self._parts]
        if self.spilled:
            shards = [s for s in range(SHARDS) if s * buckets // SHARDS == number]
            parts = [*(p for s in shards for p in self._read(s)), *parts]
        return self._one(parts, number, buckets)

    def _one(self, parts: list[Records], number: int, buckets: int) -> Records:
        problems = pd.concat([empty_problems(), *self._problems], ignore_index=True)
        problems = problems[bucket_of(pd.Index(problems["key"]), buckets) == number]
        parts = [p for p in parts if len(p)]
        if not parts:
            empty = empty_records(self.mapping)
            return Records(empty.values, empty.meta, self.observed, problems)
        values, meta = pd.concat([p.values for p in parts]), pd.concat([p.meta for p in parts])
        order = np.argsort(~meta["deleted"].to_numpy(bool), kind="stable")
        values, meta = values.iloc[order], meta.iloc[order]
        last = ~values.index.duplicated(keep="last")
        return Records(values[last], meta[last], self.observed, problems)

    def _cut(self, part: Records, number: int, buckets: int) -> Records:
        if buckets == 1:
            return part
        mask = bucket_of(part.values.index, buckets) == number
        return Records(part.values[mask], part.meta[mask], part.observed, part.problems)

    def _flush(self) -> None:
        values, meta = pd.concat([p.values for p in self._parts]), pd.concat([p.meta for p in self._parts])
        which = _shard_of(values.index)
        for number in np.unique(which):
            mask = which == number
            pq.write_table(_table(values[mask], meta[mask]), self._file(int(number), self._flushes))
        self._parts, self._held, self.spilled = [], 0, True
        self._flushes += 1

    def _file(self, number: int, flush: int) -> Path:
        return self.folder / f"{self.mapping.name}-{self.name}-{number:02}-{flush:04}.parquet"

    def _read(self, number: int) -> list[Records]:
        files = [self._file(number, flush) for flush in range(self._flushes)]
        return [_records(pq.read_table(f), self.observed) for f in files if f.exists()]


Meeting: TypeAlias = "tuple[Records, Records, pd.Index]"  # platform, salesforce, keys that wait


def paired(spills: dict[str, Spill], waiting: pd.Index) -> Iterator[Meeting]:
    """Bucket by bucket, both sides of a record in the same one."""
    spilled = any(s.spilled for s in spills.values())
    count = buckets_for(max(s.rows for s in spills.values())) if spilled else 1
    where = bucket_of(waiting, count)
    for number in range(count):
        platform, salesforce = (spills[n].bucket(number, count) for n in ("platform", "salesforce"))
        yield platform, salesforce, waiting[where == number]


def upto(pages: Iterator[Records], rows: int) -> Iterator[Records]:
    """The first pages, until they hold more than ``rows`` or end."""
    held = 0
    for page in pages:
        held += len(page)
        yield page
        if held > rows:
            return


def passing(order: tuple[str, str], small: Records, pages: Iterable[Records], waiting: pd.Index) -> Iterator[Meeting]:
    """The pages of the second side, each with what the first one has of its keys; at the end, what no page had.

    ``order`` names the sides of ``small`` and ``pages``. No key may come in two pages.
    """
    met, woken = np.zeros(len(small), bool), np.zeros(len(waiting), bool)
    observed = small.observed
    for page in pages:
        observed, keys = page.observed, page.values.index.append(pd.Index(page.problems["key"], dtype=TEXT))
        mine, awake = within(small.values.index, keys), within(waiting, keys)
        yield _meeting(order, _of(small, mine), page, waiting[awake])
        met |= mine
        woken |= awake
    rest = _of(small, ~met, problems=True)
    nothing = Records(small.values[:0], small.meta[:0], observed, empty_problems())
    if len(rest) or len(rest.problems) or not woken.all():
        yield _meeting(order, rest, nothing, waiting[~woken])


def _meeting(order: tuple[str, str], few: Records, many: Records, waiting: pd.Index) -> Meeting:
    sides = dict(zip(order, (few, many), strict=True))
    return sides["platform"], sides["salesforce"], waiting


def _of(records: Records, rows: np.ndarray, *, problems: bool = False) -> Records:
    """Some of the records; their problems too, or (``problems``) all that belong to no other record."""
    keys = records.values.index
    found = records.problems
    mine = within(found["key"], keys[rows]) | (~within(found["key"], keys) if problems else False)
    return Records(records.values[rows], records.meta[rows], records.observed, found[mine])


def _table(values: pd.DataFrame, meta: pd.DataFrame) -> pa.Table:
    both = pd.concat([values.add_prefix("v."), meta.add_prefix("m.")], axis=1)
    return pa.Table.from_pandas(both.rename_axis("key").reset_index(), preserve_index=False)


def _records(table: pa.Table, observed: frozenset[str]) -> Records:
    frame = table.to_pandas().set_index("key")
    frame.index = frame.index.astype(TEXT)
    values = frame.filter(regex=r"^v\.").rename(columns=lambda c: c[2:]).astype(TEXT)
    meta = frame.filter(regex=r"^m\.").rename(columns=lambda c: c[2:])
    flags = {"deleted", "keyless"}
    meta = meta.astype({c: "bool" if c in flags else TEXT for c in meta.columns})
    return Records(values, meta, observed, empty_problems())
