"""What a side answered, made whole: exactly one outcome per row sent, whatever was lost on the way. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.plan.model import CREATE, Changes
from sfsync.plan.settle import Digest
from sfsync.sides import columns
from sfsync.sides.side import CREATED, MOVED, OUTCOME_COLUMNS, UNKNOWN, UPDATED, Records


def complete(keys: pd.Index, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One outcome per key (frame with ``OUTCOME_COLUMNS``); what no part answers for was not reached by the budget."""
    if not parts:
        found = columns.empty(OUTCOME_COLUMNS, keys)
    else:
        found = parts[0] if len(parts) == 1 else pd.concat(parts)
        if not found.index.is_unique:
            found = found[~found.index.duplicated(keep="last")]
        found = columns.rows(found, keys, OUTCOME_COLUMNS)
    unsent = found["result"].isna()
    if unsent.any():
        found = found.assign(result=found["result"].fillna(MOVED), code=found["code"].mask(unsent, "BUDGET"))
    return found


def judge_unknown(
    changes: Changes, outcomes: pd.DataFrame, read: Records | None, sent: np.ndarray, digest: Digest
) -> pd.DataFrame:
    """A lost reply: the row counts as written if what was sent is what the org holds now.

    ``sent``: digests (uint64 n x f) of ``changes.after``.
    """
    unknown = (outcomes["result"] == UNKNOWN).to_numpy(bool)
    if not unknown.any() or read is None:
        return outcomes
    there = columns.within(changes.keys, read.values.index) & unknown
    now = digest(columns.rows(read.values, changes.keys[there], changes.after.columns))
    equal = ((now == sent[there]) | (sent[there] == 0) | ~changes.touched[there]).all(axis=1)
    outcomes = outcomes.copy()
    seen = outcomes.index[there][equal]
    outcomes.loc[seen, "result"] = CREATED if (changes.rows["kind"] == CREATE).all() else UPDATED
    outcomes.loc[seen, "id"] = outcomes.loc[seen, "id"].fillna(read.meta["id"].reindex(seen))
    return outcomes
