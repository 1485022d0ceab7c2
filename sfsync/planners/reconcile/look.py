"""The closer look: records that seemed to differ, read anew from both sides, so that only what still differs counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.planners.sync.make import Sources
from sfsync.sides.side import TEXT, Records, concat, empty_problems

META = ("id", "stamp", "deleted", "survivor", "keyless")


@dataclass
class Tombstones:
    """Deleted records of Salesforce as they were read: no values, but who survived them."""

    parts: list[pd.DataFrame] = field(default_factory=list)

    def add(self, records: Records) -> None:
        """Keeps the deleted ones of a page."""
        gone = records.meta[records.meta["deleted"].to_numpy(bool)]
        if len(gone):
            self.parts.append(gone[list(META)])

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def of(self, mapping: Mapping, keys: pd.Index) -> Records:
        """Those of these keys, the last of each, without values."""
        found = [part[part.index.isin(keys)] for part in self.parts]
        meta = pd.concat(found) if found else pd.DataFrame(columns=list(META), index=keys[:0])
        meta = meta[~meta.index.duplicated(keep="last")]
        columns = list(mapping.columns)
        values = pd.DataFrame(pd.NA, index=meta.index, columns=columns, dtype=TEXT)
        return Records(values, meta, frozenset(columns), empty_problems())


@dataclass(frozen=True)
class Look:
    """Records of both sides as they are now.

    ``astray`` (bool per key): it lives in Salesforce, but not as a record of this mapping with this key.
    """

    platform: Records
    salesforce: Records
    astray: np.ndarray


def look(
    sources: Sources, mapping: Mapping, keys: pd.Index, ids: pd.Series, known: pd.Series, dead: Tombstones, begun: str
) -> Look:
    """Reads ``keys`` anew.

    ``ids``: their ids as the complete read of Salesforce found them (NA: it did not); ``known``: as the ledger
    remembers them; ``begun``: the stamp from which on a change may have come after that read.
    """
    platform = sources.platform.fetch(mapping, keys)
    salesforce = sources.salesforce.fetch(mapping, keys, ids)
    unseen = ids.isna().to_numpy(bool)
    older = salesforce.meta["stamp"].reindex(keys) < begun
    astray = unseen & older.fillna(False).to_numpy(bool)
    lost = unseen & ~keys.isin(salesforce.values.index)
    astray |= keys.isin(_renamed(sources, mapping, known[lost].dropna()))
    return Look(platform, concat(mapping, [dead.of(mapping, keys), salesforce]), astray)


def _renamed(sources: Sources, mapping: Mapping, ids: pd.Series) -> pd.Index:
    """Keys whose record still lives under the id the ledger knows: its key was changed or taken away."""
    if not len(ids):
        return ids.index
    return sources.salesforce.fetch(mapping, ids.index, ids).values.index
