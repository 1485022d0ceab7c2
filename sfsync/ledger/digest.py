"""Keyed digests: what the ledger remembers of a value instead of the value.

A digest is 64 bits: the first eight bytes, read little-endian, of the AES-CMAC (``cmac``) of the canonical text in
UTF-8, under a key derived from the ledger's key and the names of mapping and field. So neither a dictionary of likely
values nor equal values of two fields can be read from the ledger. Before values that come from few candidates
(``sensitive`` fields: a fiscal code, an opt-out) stands a tag of the record's key (its CMAC, all 16 bytes, under a key
of the mapping), so that equal values of two records look different. 0 means *not observed*, 1 means null; a value
whose digest would be 0 or 1 has 2 or 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.ledger.cmac import Cmac
from sfsync.ledger.keys import derive
from sfsync.mapping.model import Mapping
from sfsync.sides.columns import arrow

NOT_OBSERVED, NULL, _FIRST_FREE = 0, 1, 2
_SAMPLE, _FEW = 2_000, 200  # a column with few distinct values is digested once per distinct value


@dataclass(frozen=True)
class KeyedDigest:
    """Digests of canonical text under one ledger key."""

    key: bytes = field(repr=False)
    _cmacs: dict[str, Cmac] = field(default_factory=dict, init=False, repr=False, compare=False)  # by purpose

    def frame(self, values: pd.DataFrame, mapping: Mapping) -> np.ndarray:
        """Digests, uint64 n x f in the order of ``mapping.columns``; a column that is missing gives 0.

        ``values`` is indexed by key, dtype text. A million cells take about 25 milliseconds.
        """
        digests = np.zeros((len(values), len(mapping.columns)), np.uint64)
        here = [(i, f) for i, f in enumerate(mapping.synced) if f.name in values.columns]
        records = self._records(values.index, mapping) if any(f.sensitive for _, f in here) else None
        for column, spec in here:
            texts, name = arrow(values[spec.name]), f"{mapping.name}.{spec.name}"
            if spec.sensitive:
                digests[:, column] = _observed(self._cmac(f"sensitive {name}"), texts, records)
            else:
                digests[:, column] = _plain(self._cmac(f"digest {name}"), texts)
        return digests

    def bound(self, mapping: Mapping) -> partial[np.ndarray]:
        """``frame`` for one mapping: a function of the values alone, as the merge takes it."""
        return partial(self.frame, mapping=mapping)

    def _records(self, keys: pd.Index, mapping: Mapping) -> np.ndarray:
        return self._cmac(f"records {mapping.name}").tags(arrow(keys))

    def _cmac(self, purpose: str) -> Cmac:
        if purpose not in self._cmacs:
            self._cmacs[purpose] = Cmac(derive(self.key, purpose)[:16])
        return self._cmacs[purpose]


def _plain(cmac: Cmac, texts: pa.Array) -> np.ndarray:
    if len(texts) > _SAMPLE and pc.count_distinct(texts[:_SAMPLE]).as_py() <= _FEW:
        coded = texts.dictionary_encode(null_encoding="encode")
        return _observed(cmac, coded.dictionary)[coded.indices.to_numpy()]
    return _observed(cmac, texts)


def _observed(cmac: Cmac, texts: pa.Array, heads: np.ndarray | None = None) -> np.ndarray:
    """Digests (uint64, n) of values that were delivered; only those that are not null cost a look."""
    if not texts.null_count:
        return _shortened(cmac.tags(texts, heads))
    digests = np.full(len(texts), NULL, np.uint64)
    if texts.null_count < len(texts):
        here = texts.is_valid().to_numpy(zero_copy_only=False)
        digests[here] = _shortened(cmac.tags(texts.drop_null(), None if heads is None else heads[here]))
    return digests


def _shortened(tags: np.ndarray) -> np.ndarray:
    digests = tags.view("<u8")[::2].astype(np.uint64)
    digests[digests < _FIRST_FREE] += np.uint64(_FIRST_FREE)
    return digests


def of_rows(digests: np.ndarray) -> pd.Series:
    """One digest per row (16 hexadecimal digits), of a digest matrix n x f; untouched cells should be 0 in it.

    Failures and holds keep it: the same row need not be tried twice.
    """
    mixed = np.full(len(digests), 0x9E3779B97F4A7C15, np.uint64)
    for column in range(digests.shape[1]):
        mixed = (mixed ^ digests[:, column]) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(31)
    return pd.Series(hexed(mixed))


def hexed(digests: np.ndarray) -> list[str]:
    """Digests as 16 hexadecimal digits each (SQL integers have a sign, digests have none)."""
    body = np.ascontiguousarray(digests, ">u8").tobytes().hex()
    return [body[i : i + 16] for i in range(0, len(body), 16)]
