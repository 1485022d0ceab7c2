"""How a text column lies in memory: cheap tests on all its bytes at once.

Most columns are well kept already. One look at the bytes shows that nothing in a column can need a rule (trimming,
NFC, upper case), and the rule's walk over the single values is left out. A test may say no where yes were right
(bytes of null rows count, too), never the other way round.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

BLANK, CONTROL = 0x20, 0x1F  # the highest byte that may be a blank or control character in ASCII
NOT_ASCII = 0x80
# Below U+0300 (first byte 0xCC in UTF-8) every text is in NFC: combining marks begin there.
FIRST_COMBINING = 0xCC


def offsets(values: pa.Array) -> np.ndarray:
    """Where each value begins, and where the last one ends: int32, one more than there are values."""
    if not len(values):
        return np.zeros(1, dtype="int32")
    buffer = values.buffers()[1]
    return np.frombuffer(buffer, dtype="int32", count=len(values) + 1, offset=4 * values.offset)


def body(values: pa.Array) -> np.ndarray:
    """All bytes of the column (uint8); ``offsets`` count from the first byte of its whole buffer, see ``edges``."""
    places = offsets(values)
    buffer = values.buffers()[2] if len(values) else None
    if buffer is None or places[0] == places[-1]:
        return np.zeros(0, dtype="uint8")
    return np.frombuffer(buffer, dtype="uint8", count=int(places[-1] - places[0]), offset=int(places[0]))


def lengths(values: pa.Array) -> np.ndarray:
    """Bytes of each value (int32); of a null row nothing can be said."""
    return np.diff(offsets(values))


def longest(values: pa.Array) -> int:
    """Bytes of the longest value; no value has more characters."""
    return int(lengths(values).max(initial=0))


def edges(values: pa.Array) -> np.ndarray:
    """First and last bytes of the values that are not empty (uint8)."""
    places, data = offsets(values), body(values)
    full = places[1:] > places[:-1]
    first, last = places[:-1][full] - places[0], places[1:][full] - places[0] - 1
    return np.concatenate([data[first], data[last]])


def is_ascii(values: pa.Array) -> bool:
    """True if every byte is ASCII."""
    return bool(body(values).max(initial=0) < NOT_ASCII)


@cache
def allowed(characters: bytes) -> np.ndarray:
    """A set of bytes as a table of 256 bools."""
    table = np.zeros(256, dtype=bool)
    table[np.frombuffer(characters, dtype="uint8")] = True
    return table


def only(values: pa.Array, characters: bytes) -> bool:
    """True if every byte of the column is one of these."""
    return bool(allowed(characters)[body(values)].all())


def matrix(values: pa.Array, width: int) -> np.ndarray | None:
    """The values that are not null as rows of ``width`` bytes; None unless every one of them has so many."""
    whole = values.drop_null() if values.null_count else values
    if not (lengths(whole) == width).all():
        return None
    return body(whole).reshape(len(whole), width)


def from_matrix(rows: np.ndarray, like: pa.Array) -> pa.Array:
    """Text of rows of bytes (ASCII), null where ``like`` is null; ``rows`` has one row per value that is not."""
    valid = np.asarray(like.is_valid()) if like.null_count else None
    ends = np.arange(1, len(like) + 1) if valid is None else np.cumsum(valid)
    places = np.concatenate([[0], ends * rows.shape[1]]).astype("int32")
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.StringArray.from_buffers(len(like), pa.py_buffer(places), data, bits)
