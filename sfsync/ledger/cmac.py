"""AES-CMAC (RFC 4493, NIST SP 800-38B) of whole columns of text, without a Python object per value.

CMAC reads a message in blocks of 16 bytes, each encrypted together with the result of the one before. Here block i of
*all* messages is one array, cut out of the column's bytes by their offsets and encrypted in one call; messages that
are at their end drop out of the next round. So a column costs as many passes as its longest text has blocks, and a
pass costs some nanoseconds per row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

BLOCK = 16
_ROWS = 16_384  # rows at a time: what is at work fits into the processor's cache
_UNIT = "V16"  # one block
_GOES_ON = BLOCK + 1  # bytes left in a message that does not end with this block


class Cmac:
    """CMACs under one key (16 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - the chaining is CMAC's, done below
        self._kept, self._added = _ends(self._cipher.update(bytes(BLOCK)))

    def tags(self, texts: pa.Array, heads: np.ndarray | None = None) -> np.ndarray:
        """Tags (V16, n) of the UTF-8 bytes of ``texts`` (string or large_string, n); of a null: anything.

        ``heads`` (V16, n): 16 bytes each message begins with, before its text.
        """
        found = np.empty(len(texts), _UNIT)
        for start in range(0, len(texts), _ROWS):
            some = slice(start, start + _ROWS)
            data, starts, lengths = _bytes_of(texts[some])
            found[some] = self._chained(data, starts, lengths, None if heads is None else heads[some])
        return found

    def _chained(
        self, data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, heads: np.ndarray | None
    ) -> np.ndarray:
        """``data``: every 16 bytes of the column (V16), by the place of the first one."""
        if heads is None:
            state = self._encrypted(self._ended(data[starts], lengths))
            rows = np.flatnonzero(lengths > BLOCK)
            done = BLOCK
        else:
            state = self._encrypted(_xor(heads, self._added[np.where(lengths == 0, BLOCK, _GOES_ON)]))
            rows = np.flatnonzero(lengths > 0)
            done = 0
        while len(rows):
            left = lengths[rows] - done
            block = self._ended(data[starts[rows] + done], left)
            state[rows] = self._encrypted(_xor(block, state[rows]))
            rows, done = rows[left > BLOCK], done + BLOCK
        return state

    def _ended(self, block: np.ndarray, left: np.ndarray) -> np.ndarray:
        """A block as CMAC wants it: what is not the message's cut off, and the end marked if this is the end."""
        at = np.minimum(left, _GOES_ON)
        words = block.view(np.uint64)
        words &= self._kept.take(at).view(np.uint64)
        words ^= self._added.take(at).view(np.uint64)
        return block

    def _encrypted(self, blocks: np.ndarray) -> np.ndarray:
        out = np.empty((len(blocks) + 1) * BLOCK, np.uint8)  # the library asks for room for one more
        self._cipher.update_into(blocks.view(np.uint8).data, out.data)
        return out[:-BLOCK].view(_UNIT)


def _xor(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (some.view(np.uint64) ^ others.view(np.uint64)).view(_UNIT)


def _ends(zero: bytes) -> tuple[np.ndarray, np.ndarray]:
    """By the bytes that are left (0 to 16, 17 for more): which bytes of a block to keep, and what to add (xor) to it.

    RFC 4493, 2.3 and 2.4: a last block that is full takes the first subkey; one that is not is filled up with a bit of
    1 and zeros and takes the second. ``zero``: a block of zeros, encrypted.
    """
    whole, part = (bytes(k) for k in _subkeys(zero))
    kept = [b"\xff" * n + bytes(BLOCK - n) for n in range(BLOCK + 1)]
    added = [_marked(part, n) for n in range(BLOCK)] + [whole]
    return _units([*kept, b"\xff" * BLOCK]), _units([*added, bytes(BLOCK)])


def _subkeys(zero: bytes) -> Iterator[bytes]:
    number = int.from_bytes(zero, "big")
    for _ in range(2):
        number = (number << 1) & (2**128 - 1) ^ (0x87 if number >> 127 else 0)
        yield number.to_bytes(BLOCK, "big")


def _marked(subkey: bytes, place: int) -> bytes:
    return bytes(b ^ (0x80 if i == place else 0) for i, b in enumerate(subkey))


def _units(blocks: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(blocks), _UNIT)


def _bytes_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All 16 bytes in a row of the column (V16; they overlap), where each text starts in it, and its length."""
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, body = texts.buffers()
    places = np.frombuffer(offsets, wide, len(texts) + 1, texts.offset * wide().itemsize).astype(np.int64)
    first, last = int(places[0]), int(places[-1])
    own = np.zeros(last - first + BLOCK, np.uint8)  # a text near the end is read beyond it: never beyond our memory
    if last > first:
        own[: last - first] = np.frombuffer(body, np.uint8, last - first, first)
    starts = places[:-1] - first
    return np.ndarray((len(own) - BLOCK + 1,), _UNIT, own.data, 0, (1,)), starts, np.diff(places)
