"""One side as digests, and how the other side's pages meet it: 33 bytes of memory per record, names on disk.

A record's *hash* is its key's without upper and lower case (so Salesforce finds external ids); its *row* mixes the
key as it is written and the digests of its cells. Equal records have equal rows, whichever side they come from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sfsync.sides.side import TEXT

BUCKETS = 4_096
UNMET, EQUAL, DIFFERENT, TWIN = 0, 1, 2, 3  # what became of a record of the platform
_ROWS = 250_000  # names in one row group of the file


def hashed(keys: pd.Index) -> np.ndarray:
    """Hashes (uint64, n) of keys as Salesforce compares them: upper and lower case are one key."""
    return text_hashes(keys.str.lower())


def text_hashes(texts: pd.Index | pd.Series) -> np.ndarray:
    """Hashes (uint64, n) of texts; never 0."""
    return pd.util.hash_array(np.asarray(texts, dtype=object), categorize=False) | np.uint64(1)


def mixed(keys: pd.Index, digests: np.ndarray) -> np.ndarray:
    """One digest per record (uint64, n) of its key, as it is written, and its cells' digests (uint64, n x f)."""
    rows = text_hashes(keys)
    for column in range(digests.shape[1]):
        rows = (rows ^ digests[:, column]) * np.uint64(0xBF58476D1CE4E5B9)
        rows ^= rows >> np.uint64(31)
    return rows


class Sums:
    """Count and digest of each bucket of one side: two sides that hold the same records have the same sums."""

    def __init__(self) -> None:
        self.count = np.zeros(BUCKETS, np.int64)
        self.total = np.zeros(BUCKETS, np.uint64)  # wrapping sum of the rows, whatever their order

    def add(self, hashes: np.ndarray, rows: np.ndarray) -> None:
        """Adds records."""
        buckets = (hashes >> np.uint64(52)).astype(np.int64)
        self.count += np.bincount(buckets, minlength=BUCKETS)
        np.add.at(self.total, buckets, rows)

    def differing(self, other: Sums) -> int:
        """How many buckets do not hold the same records on both sides."""
        return int(((self.count != other.count) | (self.total != other.total)).sum())


class Known:
    """The platform's records: first ``add`` all, then ``close``, then let Salesforce's pages ``meet`` them."""

    def __init__(self, path: Path) -> None:
        self.sums = Sums()
        self._names = _Names(path)
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._hashes = self._rows = self._ids = np.zeros(0, np.uint64)
        self._order = np.zeros(0, np.int64)
        self.state = np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self.state)

    def add(self, keys: pd.Index, rows: np.ndarray) -> None:
        """One page: keys, and rows as ``mixed`` makes them."""
        hashes = hashed(keys)
        self.sums.add(hashes, rows)
        self._names.add(keys)
        self._parts.append((hashes, rows))

    def close(self) -> None:
        """All records are there; sorts them."""
        self._names.close()
        nothing = np.zeros(0, np.uint64)
        hashes, rows = (np.concatenate([nothing, *(p[n] for p in self._parts)]) for n in (0, 1))
        self._parts = []
        self._order = np.argsort(hashes, kind="stable")
        self._hashes, self._rows = hashes[self._order], rows[self._order]
        self._ids = np.zeros(len(hashes), np.uint64)
        self.state = np.zeros(len(hashes), np.uint8)

    def place(self, hashes: np.ndarray) -> np.ndarray:
        """Where each hash stands in ``state``, -1 where the platform has no such key."""
        if not len(self._hashes):
            return np.full(len(hashes), -1)
        found = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        return np.where(self._hashes[found] == hashes, found, -1)

    def meet(self, hashes: np.ndarray, rows: np.ndarray, ids: np.ndarray) -> None:
        """Living records of Salesforce, with hashes of their ids. Another id for a key that was met is a twin."""
        for some in _once(hashes):
            found = self.place(hashes[some])
            here, found = some[found >= 0], found[found >= 0]
            twin = (self.state[found] == TWIN) | ((self._ids[found] != 0) & (self._ids[found] != ids[here]))
            equal = self._rows[found] == rows[here]
            self.state[found] = np.where(twin, TWIN, np.where(equal, EQUAL, DIFFERENT))
            self._ids[found] = ids[here]

    def states(self, hashes: np.ndarray) -> np.ndarray:
        """The state (uint8) of each hash; a key the platform does not have is UNMET."""
        found = self.place(hashes)
        return np.where(found >= 0, self.state[found] if len(self.state) else 0, UNMET).astype(np.uint8)

    def keys(self, *states: int) -> pd.Index:
        """The keys in one of these states, as the platform writes them, sorted."""
        wanted = np.zeros(len(self), bool)
        wanted[self._order] = np.isin(self.state, states)
        return self._names.where(wanted)


class Strangers:
    """Living records of Salesforce that the platform does not know: which keys come with several ids."""

    def __init__(self) -> None:
        self._seen: list[np.ndarray] = []
        self._twins: np.ndarray | None = None

    def add(self, hashes: np.ndarray, ids: np.ndarray) -> None:
        """Records of a page."""
        if len(hashes):
            self._seen.append(np.column_stack([hashes, ids]))

    def twins(self, hashes: np.ndarray) -> np.ndarray:
        """Which hashes (bool) belong to several records."""
        if self._twins is None:
            pairs = np.unique(np.concatenate([np.zeros((0, 2), np.uint64), *self._seen]), axis=0)
            keys, records = np.unique(pairs[:, 0], return_counts=True)
            self._twins = keys[records > 1]
        return np.isin(hashes, self._twins)


def _once(hashes: np.ndarray) -> list[np.ndarray]:
    """Positions in as many rounds as needed for no hash to come twice in one (a page rarely holds twins)."""
    left, rounds = np.arange(len(hashes)), []
    while len(left):
        first = np.unique(hashes[left], return_index=True)[1]
        rounds.append(left[first])
        left = np.delete(left, first)
    return rounds


class _Names:
    """Keys in the order they came, on disk."""

    def __init__(self, path: Path) -> None:
        self._path, self._held, self._rows = path, list[pa.Array](), 0
        self._schema = pa.schema([("key", pa.large_string())])
        self._writer = pq.ParquetWriter(path, self._schema, use_dictionary=False, compression="zstd")

    def add(self, keys: pd.Index) -> None:
        self._held.append(pa.array(keys, pa.large_string(), from_pandas=True))
        self._rows += len(keys)
        if self._rows >= _ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def where(self, wanted: np.ndarray) -> pd.Index:
        """The keys at these positions (bool, all records), sorted."""
        parts, start = [self._schema.empty_table()], 0
        with pq.ParquetFile(self._path) as file:
            for number in range(file.num_row_groups):
                rows = file.metadata.row_group(number).num_rows
                mask = wanted[start : start + rows]
                if mask.any():
                    parts.append(file.read_row_group(number).filter(pa.array(mask)))
                start += rows
        found = pa.concat_tables(parts)["key"].to_pandas()
        return pd.Index(found, dtype=TEXT, name="key").sort_values()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.table([pa.concat_arrays(self._held)], schema=self._schema))
            self._held, self._rows = [], 0
