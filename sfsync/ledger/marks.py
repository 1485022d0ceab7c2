"""Marks: what the write history finds and counts records by, without unpacking what it says of them.

A mark is 64 bits: 61 of the keyed digest of the record's key, and in the lowest three how bad the outcome was
(``rank``). A batch keeps the marks of its records sorted. So whether a batch knows a record is a binary search, and
"every record once, under the worst that happened to it" is a merge of sorted numbers. That two of ten million records
share their 61 bits has a chance of one in fifty thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from sfsync.ledger.cmac import Cmac
from sfsync.ledger.keys import derive

# The worst thing that happened to a record on a side is its outcome; the order is that of the plan's own sums.
RANKS = {"conflict": 6, "failed": 5, "held": 4, "moved": 4, "unknown": 4, "created": 3, "deleted": 2, "updated": 1}
_BITS = 3
_RANK = (1 << _BITS) - 1
AT_ONCE = 1 << 20  # marks in memory at a time


def of(secret: bytes, keys: pa.Array, ranks: np.ndarray) -> bytes:
    """The sorted marks of a batch; ``ranks`` uint64, one per key."""
    return np.sort(_named(secret, keys) | ranks).astype("<u8").tobytes()


def of_key(secret: bytes, key: str) -> np.uint64:
    """The mark of one record, without a rank."""
    return np.uint64(_named(secret, pa.array([key]))[0])


def holds(marks: bytes, mark: np.uint64) -> bool:
    """Whether a record is among these."""
    found = np.frombuffer(marks, "<u8")
    place = int(np.searchsorted(found, mark))
    return place < len(found) and found[place] & ~np.uint64(_RANK) == mark


def worst(read: Callable[[], Iterable[bytes]], rows: int, only: int | None = None) -> np.ndarray:
    """How many records have which rank as their worst: eight counts.

    ``read`` goes through the batches, ``rows`` marks in all; it is called again and again, so that a run of any size
    is counted in the memory of ``AT_ONCE`` marks. ``only``: marks of this rank alone.
    """
    pieces = rows // AT_ONCE + 1
    limits = [i * (2**64 // pieces) & ~_RANK for i in range(pieces)]
    counts = np.zeros(_RANK + 1, np.int64)
    for low, high in zip(limits, [*limits[1:], None], strict=True):
        counts += _worst([_between(body, low, high) for body in read()], only)
    return counts


def _worst(parts: list[np.ndarray], only: int | None) -> np.ndarray:
    marks = np.concatenate([np.empty(0, np.uint64), *parts])
    if only is not None:
        marks = marks[marks & np.uint64(_RANK) == only]
    marks.sort()
    last = np.ones(len(marks), bool)  # of each record: ranks sort within it
    last[:-1] = marks[1:] >> np.uint64(_BITS) != marks[:-1] >> np.uint64(_BITS)
    return np.bincount((marks[last] & np.uint64(_RANK)).astype(np.int64), minlength=_RANK + 1)


def _between(body: bytes, low: int, high: int | None) -> np.ndarray:
    marks = np.frombuffer(body, "<u8")
    start = np.searchsorted(marks, np.uint64(low))
    stop = len(marks) if high is None else np.searchsorted(marks, np.uint64(high))
    return marks[start:stop].astype(np.uint64)


def _named(secret: bytes, keys: pa.Array) -> np.ndarray:
    tags = Cmac(derive(secret, "history")[:16]).tags(keys)
    return tags.view("<u8")[::2].astype(np.uint64) & ~np.uint64(_RANK)
