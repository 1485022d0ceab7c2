"""Batches whose end nobody saw: a run was killed, or lost its connection, between intent and outcome.

A Bulk job is found again by its id: one nobody started is aborted, one at work is waited for, and its result files say
row by row what became of it. What no job speaks of is looked at: an open intent whose value is visible on the written
side counts as done, the base learns those cells; otherwise the plan decides anew. Nothing is ever sent again from here.
Cells that were meant to be written and are not there are *in doubt* for this one run: if they look like a conflict, a
person decides. Their intent stays open until the run has asked (``over``): a run that dies before leaves the doubt to
the next one.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from sfsync.errors import Unreachable
from sfsync.faultpoints import hit
from sfsync.ledger import base, database, intents
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.plan.model import CREATE
from sfsync.sides.side import CREATED, DELETED, TEXT, UNKNOWN, UPDATED, Org, Records, Side, concat

MANY_ROWS = 5_000  # above it, reading what changed since the intent is cheaper than asking for records by name
CLOCKS_APART = timedelta(minutes=5)  # the ledger's clock against the org's
WRITTEN = (CREATED, UPDATED, DELETED)


def recover(ledger: Ledger, platform: Side, salesforce: Org, mapping: Mapping) -> pd.DataFrame | None:
    """Closes this mapping's open intents; returns the cells in doubt (frame: key, field), None if there are none."""
    doubt = []
    for intent in intents.open_intents(ledger, mapping.name):
        left = _by_jobs(ledger, salesforce, mapping, intent)
        if not len(left):
            continue
        found = _look(ledger, salesforce if left.side == "salesforce" else platform, mapping, left)
        meant = _meant(mapping, left)
        visible = (meant != 0) & (_now(ledger, mapping, left, found) == meant)
        _learn(ledger, mapping, left, found, meant, visible)
        doubt.append(_unseen(mapping, left, meant, visible))
    return pd.concat(doubt, ignore_index=True) if doubt else None


def over(ledger: Ledger, mapping: str, run_id: str) -> None:
    """Everything in doubt was asked: what earlier runs meant to write is void."""
    for intent in intents.open_intents(ledger, mapping):
        if intent.run_id != run_id:
            intents.void(ledger, intent.intent_id)


# -- what the jobs say ------------------------------------------------------------------------------------


def _by_jobs(ledger: Ledger, salesforce: Org, mapping: Mapping, intent: intents.Intent) -> intents.Intent:
    """The intent without the rows its Bulk jobs tell the end of; those are closed."""
    jobs = [job_id for job_id in (intent.job_id or "").split(",") if job_id]
    known = [job_id for job_id in jobs if _let_end(salesforce, job_id)]
    if not known:
        return intent
    hit("recover.ended")
    ids = base.ids_of(ledger, mapping.name, intent.keys).reindex(intent.keys)
    told = [salesforce.job_outcomes(mapping, job_id, intent.kind, intent.keys, ids) for job_id in known]
    outcomes = _one_each(pd.concat(told))
    if not len(outcomes):
        return intent
    _close(ledger, mapping, intent, outcomes)
    hit("recover.closed")
    return _rows(intent, ~intent.keys.isin(outcomes.index))


def _let_end(salesforce: Org, job_id: str) -> bool:
    """A job nobody started is aborted; one at work is waited for: what it writes must be there before we look.

    True if it ended and may have result files; False if it never began, or the org does not know it any more.
    """
    for pause in (0.2, 0.5, 1, *[5] * 120):
        state = (salesforce.job_state(job_id) or {}).get("state")
        if state == "Open":
            salesforce.abort(job_id)
        if state not in ("UploadComplete", "InProgress"):
            return state not in (None, "Open")
        time.sleep(pause)
    raise Unreachable(
        "a bulk job of an earlier run is still at work",
        "JOB_RUNNING",
        job_id,
        "Run again when the org has finished it.",
    )


def _one_each(told: pd.DataFrame) -> pd.DataFrame:
    """One outcome per row: the last job's, but what was written once is written."""
    told = told.iloc[np.argsort(told["result"].isin(WRITTEN).to_numpy(bool), kind="stable")]
    return told[~told.index.duplicated(keep="last")]


def _close(ledger: Ledger, mapping: Mapping, intent: intents.Intent, outcomes: pd.DataFrame) -> None:
    """Closes these rows; the base learns what was written of them."""
    gone = outcomes.index[(outcomes["result"] == DELETED).to_numpy(bool)]
    if len(gone):
        base.forget(ledger, mapping.name, gone)
    written = outcomes[outcomes["result"].isin((CREATED, UPDATED)).to_numpy(bool)]
    rows = _rows(intent, intent.keys.isin(written.index))
    ids = written["id"].reindex(rows.keys)
    known = base.Base.of(mapping.columns, rows.keys, _meant(mapping, rows), salesforce_id=ids)
    intents.close(ledger, intent.intent_id, outcomes, base=known)


def _rows(intent: intents.Intent, where: np.ndarray) -> intents.Intent:
    return replace(intent, keys=intent.keys[where], digests=intent.digests[where])


# -- what is there ----------------------------------------------------------------------------------------


def _look(ledger: Ledger, side: Side, mapping: Mapping, intent: intents.Intent) -> Records:
    keys = intent.keys
    if intent.side == "platform":
        return side.fetch(mapping, keys)
    if len(keys) > MANY_ROWS:
        return _changed_since(ledger, side, mapping, intent)
    ids = base.ids_of(ledger, mapping.name, keys)
    parts = [side.fetch(mapping, ids.index, ids)] if len(ids) else []
    rest = keys[~keys.isin(ids.index)]
    if len(rest):
        parts.append(side.fetch(mapping, rest))
    return concat(mapping, parts)


def _changed_since(ledger: Ledger, side: Side, mapping: Mapping, intent: intents.Intent) -> Records:
    """The intent's records among those changed since it was made: what it wrote must be there."""
    since = _org_time(ledger, side, mapping, intent) - CLOCKS_APART
    pages = side.changes(mapping, side.window(mapping, since))
    return concat(mapping, [_only(page, intent.keys) for page in pages])


def _org_time(ledger: Ledger, side: Side, mapping: Mapping, intent: intents.Intent) -> datetime:
    """The earliest that the org's clock may have shown when the intent was made, by either clock."""
    made = database.instant_of(intent.made_at)
    with ledger.reading() as connection:
        ago = database.clock(connection) - made
    return min(made, side.window(mapping, None).until - ago)


def _only(page: Records, keys: pd.Index) -> Records:
    mine = page.values.index.isin(keys)
    problems = page.problems[page.problems["key"].isin(keys)]
    return Records(page.values[mine], page.meta[mine], page.observed, problems)


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
    outcomes = pd.DataFrame({"result": np.where(whole, done, UNKNOWN)}, index=intent.keys)
    intents.close(ledger, intent.intent_id, outcomes)


def _unseen(mapping: Mapping, intent: intents.Intent, meant: np.ndarray, visible: np.ndarray) -> pd.DataFrame:
    rows, columns = np.nonzero((meant != 0) & ~visible)
    return pd.DataFrame(
        {
            "key": pd.Series(intent.keys.to_numpy()[rows], dtype=TEXT),
            "field": pd.Series(np.array(mapping.columns, dtype=object)[columns], dtype=TEXT),
        }
    )
