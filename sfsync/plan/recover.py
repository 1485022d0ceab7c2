"""Batches whose end nobody saw: a run was killed, or lost its connection, between intent and outcome.

An open intent whose value is visible on the written side counts as done: the base learns those cells. Otherwise it is
void, and the next plan decides anew. Nothing is ever sent again from here. Cells that were meant to be written and
are not there are *in doubt* for this one run: if they look like a conflict, a person decides.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from sfsync.errors import Unreachable
from sfsync.ledger import base, intents
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.plan.model import CREATE
from sfsync.sides.side import CREATED, MOVED, TEXT, UPDATED, Org, Records, Side, concat


def recover(ledger: Ledger, platform: Side, salesforce: Org, mapping: Mapping) -> pd.DataFrame:
    """Closes this mapping's open intents; returns the cells in doubt (frame: key, field)."""
    doubt = [pd.DataFrame({"key": pd.Series(dtype=TEXT), "field": pd.Series(dtype=TEXT)})]
    for intent in intents.open_intents(ledger, mapping.name):
        side = salesforce if intent.side == "salesforce" else platform
        for job_id in (intent.job_id or "").split(","):
            if job_id:
                _let_end(salesforce, job_id)
        found = _look(ledger, side, mapping, intent)
        meant = _meant(mapping, intent)
        visible = (meant != 0) & (_now(ledger, mapping, intent, found) == meant)
        _learn(ledger, mapping, intent, found, meant, visible)
        doubt.append(_unseen(mapping, intent, meant, visible))
    return pd.concat(doubt, ignore_index=True)


def _let_end(salesforce: Org, job_id: str) -> None:
    """A job nobody closed is aborted; one at work is waited for: what it writes must be there before we look."""
    for pause in (0.2, 0.5, 1, *[5] * 120):
        state = (salesforce.job_state(job_id) or {}).get("state")
        if state == "Open":
            salesforce.abort(job_id)
        if state not in ("Open", "UploadComplete", "InProgress"):
            return
        time.sleep(pause)
    raise Unreachable(
        "a bulk job of an earlier run is still at work",
        "JOB_RUNNING",
        job_id,
        "Run again when the org has finished it.",
    )


def _look(ledger: Ledger, side: Side, mapping: Mapping, intent: intents.Intent) -> Records:
    keys = intent.keys
    if intent.side == "platform":
        return side.fetch(mapping, keys)
    ids = base.ids_of(ledger, mapping.name, keys)
    parts = [side.fetch(mapping, ids.index, ids)] if len(ids) else []
    rest = keys[~keys.isin(ids.index)]
    if len(rest):
        parts.append(side.fetch(mapping, rest))
    return concat(mapping, parts)


def _meant(mapping: Mapping, intent: intents.Intent) -> np.ndarray:
    """The intent's digests (uint64 n x f) in the columns the mapping has today."""
    digests = np.zeros((len(intent), len(mapping.columns)), np.uint64)
    source = pd.Index(intent.columns).get_indexer(pd.Index(mapping.columns))
    digests[:, source >= 0] = intent.digests[:, source[source >= 0]]
    return digests


def _now(ledger: Ledger, mapping: Mapping, intent: intents.Intent, found: Records) -> np.ndarray:
    here = intent.keys.isin(found.values.index[~found.meta["deleted"].to_numpy(bool)])
    now = np.zeros((len(intent), len(mapping.columns)), np.uint64)
    if here.any():
        now[here] = ledger.digest.frame(found.values.reindex(intent.keys[here]), mapping)
    return now


def _learn(
    ledger: Ledger, mapping: Mapping, intent: intents.Intent, found: Records, meant: np.ndarray, visible: np.ndarray
) -> None:
    """Rows all of whose cells are there are done; of the others the base learns the cells that are there."""
    whole = (visible | (meant == 0)).all(axis=1) & visible.any(axis=1)
    some = visible.any(axis=1)
    meta = found.meta.reindex(intent.keys[some])
    on_salesforce = intent.side == "salesforce"
    known = base.Base.of(
        mapping.columns,
        intent.keys[some],
        np.where(visible, meant, np.uint64(0))[some],
        salesforce_id=meta["id"] if on_salesforce else None,
        salesforce_stamp=meta["stamp"] if on_salesforce else None,
        platform_stamp=None if on_salesforce else meta["stamp"],
    )
    base.advance(ledger, mapping.name, known)
    done = CREATED if intent.kind == CREATE else UPDATED
    outcomes = pd.DataFrame({"result": np.where(whole, done, MOVED)}, index=intent.keys)
    intents.close(ledger, intent.intent_id, outcomes)


def _unseen(mapping: Mapping, intent: intents.Intent, meant: np.ndarray, visible: np.ndarray) -> pd.DataFrame:
    rows, columns = np.nonzero((meant != 0) & ~visible)
    return pd.DataFrame(
        {
            "key": pd.Series(intent.keys.to_numpy()[rows], dtype=TEXT),
            "field": pd.Series(np.array(mapping.columns, dtype=object)[columns], dtype=TEXT),
        }
    )
