"""What the org made of records a large load created: seen when the next window delivers them. Pure.

A load of many records is not read back at once. Where a record it made has not changed since (its stamp lies in the
time of the load), a value other than the one that was sent is the work of automation: it becomes the base, and is
accepted as it is. Opt-outs and compliance flags are not: they follow the mapping's rule, which writes them again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping, Owner
from sfsync.merge.align import NOT_OBSERVED, Aligned


def unsettled(a: Aligned, loads: list[tuple[str, str, int]]) -> np.ndarray:
    """bool n x f: cells automation changed while a load was at work."""
    cells = np.zeros(a.s.shape, bool)
    fresh = _made_by(a.s_meta, loads) & a.s_here & a.known if loads and "created" in a.s_meta else cells[:, 0]
    if fresh.any():
        differs = (a.s[fresh] != a.b[fresh]) & (a.s[fresh] != NOT_OBSERVED) & (a.b[fresh] != NOT_OBSERVED)
        cells[fresh] = differs & ~_strict(a.mapping)
    return cells


def _made_by(meta: pd.DataFrame, loads: list[tuple[str, str, int]]) -> np.ndarray:
    made = np.zeros(len(meta), bool)
    created, stamp = meta["created"].fillna("~").to_numpy(object), meta["stamp"].fillna("~").to_numpy(object)
    for since, until, _ in loads:
        made |= (created >= since) & (created <= until) & (stamp <= until)
    return made


def _strict(mapping: Mapping) -> np.ndarray:
    return np.array([f.owner is Owner.STRICTER or f.lane == "compliance" for f in mapping.synced])
