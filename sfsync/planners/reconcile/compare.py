"""Two indexes side by side: the buckets that differ, and in them the records that do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.planners.reconcile.index import Index
from sfsync.sides.side import TEXT

TOGETHER = 250_000  # records of differing buckets held at once


@dataclass(frozen=True)
class Suspects:
    """Records that look different, sorted by key.

    keys       as either side writes them
    ids        their ids in Salesforce (text by key, NA: not there)
    twins      keys of which Salesforce holds several living records (they are not among ``keys``)
    equal      how many records of these buckets are the same on both sides
    again      how many rows of Salesforce were read twice (a record changed while the pages were read)
    """

    keys: pd.Index
    ids: pd.Series
    twins: pd.Index
    equal: int
    again: int


def suspects(platform: Index, salesforce: Index, buckets: np.ndarray) -> Iterator[Suspects]:
    """The records that differ in these buckets, as many buckets at a time as fit."""
    for group in _groups(platform.count + salesforce.count, buckets):
        yield _compare(platform.within(group), salesforce.within(group))


def _groups(sizes: np.ndarray, buckets: np.ndarray) -> list[np.ndarray]:
    """The buckets in groups that hold about ``TOGETHER`` records."""
    if not len(buckets):
        return []
    number = np.cumsum(sizes[buckets]) // TOGETHER
    return np.split(buckets, np.flatnonzero(np.diff(number)) + 1)


def _compare(platform: pd.DataFrame, salesforce: pd.DataFrame) -> Suspects:
    read = len(salesforce)
    salesforce = salesforce.drop_duplicates(["hash", "id"], keep="last")  # a later page is newer
    several = salesforce["hash"].duplicated(keep=False)
    twins, single = salesforce[several], salesforce[~several]
    both = platform.merge(single, on=["hash", "row"], how="outer", indicator="met", suffixes=("", "_s"))
    same = both["met"] == "both"
    hashes = both["hash"][~same]
    hashes = hashes[~hashes.isin(twins["hash"])]
    ours, theirs = (frame[frame["hash"].isin(hashes)] for frame in (platform, single))
    keys = pd.Index(pd.concat([ours["key"], theirs["key"]]).unique(), dtype=TEXT, name="key").sort_values()
    ids = theirs.drop_duplicates("key", keep="last").set_index("key")["id"].reindex(keys).astype(TEXT)
    return Suspects(keys, ids, _names(platform, twins), int(same.sum()), read - len(salesforce))


def _names(platform: pd.DataFrame, twins: pd.DataFrame) -> pd.Index:
    """Each key with twins once, as the platform writes it where it knows it."""
    known = platform[platform["hash"].isin(twins["hash"])]
    named = pd.concat([known, twins]).drop_duplicates("hash")["key"]
    return pd.Index(named, dtype=TEXT, name="key").sort_values()
