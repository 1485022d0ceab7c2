"""What Salesforce gives a new record of its own (a case's number) belongs on the platform too, in the same run.

Pure: what was read back and what the platform holds go in, changes to the platform come out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping, Owner
from sfsync.plan.model import UPDATE, Cause, Changes, no_changes
from sfsync.sides.side import TEXT, Records


def given_at_birth(mapping: Mapping) -> list[int]:
    """Columns whose value only Salesforce can give: it owns them, and the platform never sends one."""
    return [n for n, f in enumerate(mapping.synced) if f.to_platform and f.owner is Owner.SALESFORCE and not f.seed]


def echo(mapping: Mapping, read: Records, now: Records, digest: Callable[[pd.DataFrame], np.ndarray]) -> Changes:
    """Changes to the platform for records just created (``read``), where it does not hold (``now``) their values."""
    keys = read.values.index[read.values.index.isin(now.values.index)]
    new, old = read.values.reindex(keys), now.values.reindex(keys)
    differs = (digest(new) != digest(old)) & new.notna().to_numpy(bool)
    given = given_at_birth(mapping)
    differs[:, [n for n in range(differs.shape[1]) if n not in given]] = False
    rows = differs.any(axis=1)
    if not rows.any():
        return no_changes(mapping.columns)
    return _changes(keys[rows], new[rows], old[rows], differs[rows])


def _changes(keys: pd.Index, new: pd.DataFrame, old: pd.DataFrame, differs: np.ndarray) -> Changes:
    rows = pd.DataFrame({"key": keys, "side": "platform", "kind": UPDATE, "lane": "main", "id": keys, "stamp": pd.NA})
    mask = pd.DataFrame(differs, columns=new.columns)
    return Changes(
        rows.astype(TEXT),
        new.reset_index(drop=True).where(mask).astype(TEXT),
        old.reset_index(drop=True).where(mask).astype(TEXT),
        np.where(differs, Cause.FIRST_MEETING, 0).astype(np.int8),
    )
