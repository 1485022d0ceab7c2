"""One side as a reconcile remembers it: a digest per bucket in memory, a digest and a name per record on disk.

The same for both sides, so that equal records give equal numbers: a record's *hash* is its key's without upper and
lower case (as Salesforce finds external ids), its *row* mixes the key as it is written and the digests of the cells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sfsync.sides.side import TEXT

BUCKETS = 4_096
_SCHEMA = pa.schema(
    [("hash", pa.uint64()), ("row", pa.uint64()), ("key", pa.large_string()), ("id", pa.large_string())]
)
_PAGES = 25  # pages of a side in one row group of the file: few groups to seek through, little to hold


def hashed(keys: pd.Index) -> np.ndarray:
    """Hashes (uint64, n) of keys as Salesforce compares them: upper and lower case are one key."""
    return _text_hashes(keys.str.lower())


def mixed(keys: pd.Index, digests: np.ndarray) -> np.ndarray:
    """One digest per record (uint64, n) of its key, as it is written, and its cells' digests (uint64, n x f)."""
    rows = _text_hashes(keys)
    for column in range(digests.shape[1]):
        rows = (rows ^ digests[:, column]) * np.uint64(0xBF58476D1CE4E5B9)
        rows ^= rows >> np.uint64(31)
    return rows


def bucket_of(hashes: np.ndarray) -> np.ndarray:
    """The bucket (int, n) of each hash."""
    return (hashes % np.uint64(BUCKETS)).astype(np.int64)


def _text_hashes(keys: pd.Index) -> np.ndarray:
    return pd.util.hash_array(np.asarray(keys, dtype=object), categorize=False)


class Index:
    """The records of one side, written down page by page.

    ``count`` (int64) and ``total`` (uint64, the wrapping sum of the rows) per bucket; ``records``: all of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self.count = np.zeros(BUCKETS, np.int64)
        self.total = np.zeros(BUCKETS, np.uint64)
        self.records = 0

    def add(self, keys: pd.Index, ids: pd.Series, rows: np.ndarray) -> None:
        """One page: keys and the side's own ids (text), rows as ``mixed`` makes them."""
        hashes = hashed(keys)
        buckets = bucket_of(hashes)
        self.records += len(keys)
        self.count += np.bincount(buckets, minlength=BUCKETS)
        np.add.at(self.total, buckets, rows)
        columns = [pa.array(hashes), pa.array(rows), _texts(keys), _texts(ids)]
        self._held.append(pa.Table.from_arrays(columns, schema=_SCHEMA))
        if len(self._held) == _PAGES:
            self._flush()

    def close(self) -> None:
        """Writes what is left; the index can be read from now on."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def differing(self, other: Index) -> np.ndarray:
        """Numbers of the buckets that do not hold the same records on both sides."""
        return np.flatnonzero((self.count != other.count) | (self.total != other.total))

    def within(self, buckets: np.ndarray) -> pd.DataFrame:
        """The records of these buckets: hash, row (uint64), key, id (text), in the order they were read."""
        wanted = np.zeros(BUCKETS, bool)
        wanted[buckets] = True
        parts = [_SCHEMA.empty_table()]
        if self._writer is not None:
            with pq.ParquetFile(self._path) as file:
                parts += [_only(file.read_row_group(n), wanted) for n in range(file.num_row_groups)]
        return pa.concat_tables(parts).to_pandas(types_mapper=_types)

    def _flush(self) -> None:
        if not self._held:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, _SCHEMA, use_dictionary=False, compression="zstd")
        self._writer.write_table(pa.concat_tables(self._held).combine_chunks())
        self._held = []


def _only(table: pa.Table, wanted: np.ndarray) -> pa.Table:
    return table.filter(pa.array(wanted[bucket_of(table["hash"].to_numpy())]))


def _texts(values: pd.Index | pd.Series) -> pa.Array:
    return pa.array(values, pa.large_string(), from_pandas=True)


def _types(kind: pa.DataType) -> pd.StringDtype | None:
    return TEXT if pa.types.is_large_string(kind) else None
