"""Rows of digests as bytes: the digests of values, and one bit for each that is null.

A row is a row of words of 64 bits, little-endian: first one bit per field, lowest first, padded to whole words (1: the
digest follows, 0: the field is null), then the digests that follow. Half of what a wide record holds is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

_NULL = 1
_WORD = 8
_ROWS = 2_048  # rows at a time: what is at work fits into the processor's cache


def packed(digests: np.ndarray) -> list[bytes]:
    """Bytes of each row of digests (uint64, n x f)."""
    pieces = (digests[start : start + _ROWS] for start in range(0, len(digests), _ROWS))
    return [row for piece in pieces for row in _packed(piece)]


def _packed(digests: np.ndarray) -> list[bytes]:
    given = digests != _NULL
    bits = np.zeros((len(digests), _words(digests.shape[1])), "<u8")
    marked = np.packbits(given, axis=1, bitorder="little")
    bits.view(np.uint8)[:, : marked.shape[1]] = marked
    whole = np.hstack([bits, digests.astype("<u8", copy=False)])
    body = whole[np.hstack([np.ones(bits.shape, bool), given])].tobytes()
    ends = np.concatenate([[0], np.cumsum((given.sum(axis=1) + bits.shape[1]) * _WORD)]).tolist()
    return [body[start:end] for start, end in pairwise(ends)]


def unpacked(rows: Sequence[bytes], fields: int) -> np.ndarray:
    """The digests (uint64, n x ``fields``); raises ``ValueError`` for bytes that are not of so many fields."""
    width = _words(fields)
    lengths = np.array([len(r) for r in rows], np.int64)
    if (lengths % _WORD).any() or (lengths < width * _WORD).any():
        raise ValueError("no whole words")
    words = np.frombuffer(b"".join(rows), "<u8")
    first = (np.cumsum(lengths) - lengths) // _WORD
    places = first[:, None] + np.arange(width)
    marked = words[places].view(np.uint8).reshape(len(rows), width * _WORD)
    given = np.unpackbits(marked, axis=1, count=fields or None, bitorder="little").astype(bool)[:, :fields]
    if (given.sum(axis=1) + width != lengths // _WORD).any():
        raise ValueError("another number of digests than of bits")
    digests = np.full((len(rows), fields), _NULL, np.uint64)
    values = np.ones(len(words), bool)
    values[places] = False
    digests[given] = words[values]
    return digests


def _words(fields: int) -> int:
    return -(-fields // (8 * _WORD))
