"""Keyed digests: what the ledger remembers of a value instead of the value.

A digest is 64 bits, keyed with the ledger's key and the names of mapping and field, so that neither a dictionary of
likely values nor equal values of two fields can be read from the ledger. Values that come from few candidates
(``sensitive`` fields: a fiscal code, an opt-out) also take the record's key in, so that equal values of two records
look different. 0 means *not observed*, 1 means null; no value has these digests.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sfsync.mapping.model import Mapping

NOT_OBSERVED, NULL = np.uint64(0), np.uint64(1)
_FIRST_FREE = np.uint64(2)
_SAMPLE, _FEW = 2_000, 200  # a column with few distinct values is digested once per distinct value


def derive(key: bytes, purpose: str) -> bytes:
    """A key for one purpose from the ledger's key (HKDF-SHA-256, 32 bytes)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sfsync {purpose}".encode()).derive(key)


@dataclass(frozen=True)
class KeyedDigest:
    """Digests of canonical text under one ledger key."""

    key: bytes = field(repr=False)

    def frame(self, values: pd.DataFrame, mapping: Mapping) -> np.ndarray:
        """Digests, uint64 n x f in the order of ``mapping.columns``; a column that is missing gives 0.

        ``values`` is indexed by key, dtype text. One million cells take about half a second, two if sensitive.
        """
        digests = np.zeros((len(values), len(mapping.columns)), np.uint64)
        for column, spec in enumerate(mapping.synced):
            if spec.name in values.columns:
                digest = self._sensitive if spec.sensitive else self._plain
                digests[:, column] = digest(values[spec.name], f"{mapping.name}.{spec.name}")
        return digests

    def bound(self, mapping: Mapping) -> partial[np.ndarray]:
        """``frame`` for one mapping: a function of the values alone, as the merge takes it."""
        return partial(self.frame, mapping=mapping)

    def _plain(self, values: pd.Series, name: str) -> np.ndarray:
        array = pa.chunked_array([pa.array(values, type=pa.string(), from_pandas=True)]).combine_chunks()
        hash_key = base64.b64encode(derive(self.key, f"digest {name}")[:12]).decode()
        if len(array) > _SAMPLE and pc.count_distinct(array[:_SAMPLE]).as_py() <= _FEW:
            coded = array.dictionary_encode()
            known = _hashed(coded.dictionary, hash_key)
            digests = known[coded.indices.fill_null(0).to_numpy()] if len(known) else np.zeros(len(array), np.uint64)
        else:
            digests = _hashed(array.fill_null(""), hash_key)
        return _nulls(digests, array)

    def _sensitive(self, values: pd.Series, name: str) -> np.ndarray:
        array = pa.array(values, type=pa.string(), from_pandas=True)
        secret = derive(self.key, f"sensitive {name}")
        rows = zip(values.index, array.fill_null("").to_pylist(), strict=True)
        bodies = [blake2b(f"{len(k)}:{k}{v}".encode(), digest_size=8, key=secret).digest() for k, v in rows]
        return _nulls(np.frombuffer(b"".join(bodies), "<u8").astype(np.uint64), array)


def _hashed(array: pa.Array, hash_key: str) -> np.ndarray:
    objects = array.to_numpy(zero_copy_only=False)
    return pd.util.hash_array(objects.astype(object), hash_key=hash_key, categorize=False)


def _nulls(digests: np.ndarray, array: pa.Array) -> np.ndarray:
    digests = np.where(digests < _FIRST_FREE, digests + _FIRST_FREE, digests)
    digests[array.is_null().to_numpy(zero_copy_only=False)] = NULL
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
