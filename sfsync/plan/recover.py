"""Batches whose end nobody saw: a run was killed, or lost its connection, between intent and outcome.

An open intent whose value is visible on the written side counts as done: the base learns those cells. Otherwise it is
void, and the next plan decides anew. Nothing is ever sent again from here. Cells that were meant to be written and
are not there are *in doubt* for this one run: if they look like a conflict, a person decides.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.ledger import base, intents
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.sides.side import TEXT, Records, Side


def recover(ledger: Ledger, platform: Side, salesforce: Side, mapping: Mapping, run_id: str) -> pd.DataFrame:
    """Closes this mapping's open intents; returns the cells in doubt (frame: key, field)."""
    doubt = [pd.DataFrame({"key": pd.Series(dtype=TEXT), "field": pd.Series(dtype=TEXT)})]
    for intent in intents.open_intents(ledger, mapping.name):
        side = salesforce if intent.side == "salesforce" else platform
        if intent.job_id:
            salesforce.settle_job(intent.job_id)  # type: ignore[attr-defined]
        found = _look(ledger, side, mapping, intent)
        visible = _visible(ledger, mapping, intent, found)
        _learn(ledger, mapping, intent, found, visible, run_id)
        doubt.append(_unseen(mapping, intent, visible))
    return pd.concat(doubt, ignore_index=True)


def _look(ledger: Ledger, side: Side, mapping: Mapping, intent: intents.Intent) -> Records:
    keys = pd.Index(intent.keys, dtype=TEXT, name="key")
    if intent.side == "platform":
        return side.fetch(mapping, keys)
    ids = base.ids_of(ledger, mapping.name, keys)
    parts = [side.fetch(mapping, ids.index, ids)] if len(ids) else []
    rest = keys[~keys.isin(ids.index)]
    if len(rest):
        parts.append(side.fetch(mapping, rest))
    from sfsync.sides.side import concat

    return concat(mapping, parts)


def _visible(ledger: Ledger, mapping: Mapping, intent: intents.Intent, found: Records) -> np.ndarray:
    """bool n x f: the cell was to be written and holds exactly that value now."""
    keys = pd.Index(intent.keys, dtype=TEXT)
    here = keys.isin(found.values.index)
    now = np.zeros(intent.digests.shape, np.uint64)
    if here.any():
        now[here] = ledger.digest.frame(found.values.reindex(keys[here]), mapping)
    return (intent.digests != 0) & (now == intent.digests)


def _learn(
    ledger: Ledger, mapping: Mapping, intent: intents.Intent, found: Records, visible: np.ndarray, run_id: str
) -> None:
    rows = visible.any(axis=1)
    keys = pd.Index(intent.keys, dtype=TEXT, name="key")[rows]
    meta = found.meta.reindex(keys)
    on_salesforce = intent.side == "salesforce"
    learned = base.Base.of(
        mapping.columns,
        keys,
        np.where(visible, intent.digests, np.uint64(0))[rows],
        salesforce_id=meta["id"] if on_salesforce else None,
        salesforce_stamp=meta["stamp"] if on_salesforce else None,
        platform_stamp=None if on_salesforce else meta["stamp"],
    )
    intents.settle(ledger, intent, learned, run_id, done=bool(rows.any()))


def _unseen(mapping: Mapping, intent: intents.Intent, visible: np.ndarray) -> pd.DataFrame:
    rows, columns = np.nonzero((intent.digests != 0) & ~visible)
    return pd.DataFrame(
        {
            "key": pd.Series(np.array(intent.keys, dtype=object)[rows], dtype=TEXT),
            "field": pd.Series(np.array(mapping.columns, dtype=object)[columns], dtype=TEXT),
        }
    )
