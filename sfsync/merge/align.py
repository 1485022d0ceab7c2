"""Puts what two sides delivered and what the ledger remembers side by side, row by row.

Short names, used in all of ``merge``: p platform, s salesforce, b base; n records, f fields. A digest matrix is
``uint64`` of shape n x f; 0 means *not observed* (or, for b, never agreed), 1 means null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records

NOT_OBSERVED = 0

Digest: TypeAlias = "Callable[[pd.DataFrame], np.ndarray]"


@dataclass(frozen=True)
class Aligned:
    """One row per key: values and digests of both sides, digests of the base.

    ``platform`` and ``salesforce`` are frames n x f (absent record: a row of NA); ``p``, ``s``, ``b`` their digests.
    ``p_here``, ``s_here``: the record exists; ``s_gone``: the org says it is deleted; ``known``: the base has it;
    ``bad``: the platform's record has a problem: of it only compliance flags may be written.
    """

    mapping: Mapping
    keys: pd.Index
    platform: pd.DataFrame
    salesforce: pd.DataFrame
    p_meta: pd.DataFrame
    s_meta: pd.DataFrame
    p: np.ndarray
    s: np.ndarray
    b: np.ndarray
    p_here: np.ndarray
    s_here: np.ndarray
    s_gone: np.ndarray
    known: np.ndarray
    bad: np.ndarray


def align(
    mapping: Mapping, platform: Records, salesforce: Records, base: np.ndarray, keys: pd.Index, digest: Digest
) -> Aligned:
    """Aligns on ``keys`` (n unique keys); ``base`` is n x f, a row of zeros where the base does not know the key."""
    p_frame, p_meta, p_here = _one_side(mapping, platform, keys)
    s_frame, s_meta, s_here = _one_side(mapping, salesforce, keys)
    p, s = _digests(p_frame, p_here, platform, digest), _digests(s_frame, s_here, salesforce, digest)
    gone = s_meta["deleted"].fillna(False).to_numpy(bool)
    s[gone] = NOT_OBSERVED
    _blank_problems(mapping, platform, keys, p)
    _blank_problems(mapping, salesforce, keys, s)
    return Aligned(
        mapping,
        keys,
        p_frame,
        s_frame,
        p_meta,
        s_meta,
        p,
        s,
        base,
        p_here,
        s_here & ~gone,
        gone,
        (base != NOT_OBSERVED).any(axis=1),
        columns.within(keys, platform.problems["key"]),
    )


def _one_side(mapping: Mapping, records: Records, keys: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    names = list(mapping.columns)
    if not len(records):
        return columns.empty(names, keys), records.meta.reindex(keys), np.zeros(len(keys), bool)
    frame, meta = records.values, records.meta
    if list(frame.columns) != names:
        frame = frame.reindex(columns=names).astype(TEXT)
    if frame.index.equals(keys):
        return frame, meta, np.ones(len(keys), bool)
    here = columns.within(keys, frame.index)
    return columns.aligned(frame, keys), columns.aligned(meta, keys), here


def _digests(frame: pd.DataFrame, here: np.ndarray, records: Records, digest: Digest) -> np.ndarray:
    """uint64 n x f; rows that are not here and columns that were not observed are 0."""
    digests = np.zeros(frame.shape, np.uint64)
    if here.all():
        digests = digest(frame)
    elif here.any():
        digests[here] = digest(frame[here])
    unseen = [i for i, c in enumerate(frame.columns) if c not in records.observed]
    if unseen:
        digests[:, unseen] = NOT_OBSERVED
    return digests


def _blank_problems(mapping: Mapping, records: Records, keys: pd.Index, digests: np.ndarray) -> None:
    """A value that cannot be made canonical was not observed; a problem of the whole record blanks all of it."""
    if not len(records.problems):
        return
    problems = records.problems[columns.within(records.problems["key"], keys)]
    rows = columns.places(problems["key"], keys)
    fields = pd.Index(mapping.columns).get_indexer(problems["field"].fillna(""))
    cells = fields >= 0
    digests[rows[cells], fields[cells]] = NOT_OBSERVED
    digests[rows[~cells]] = NOT_OBSERVED
