"""What one written batch teaches the ledger. Pure: the batch, its outcomes and what was read back go in.

Automation in the org may change what was written. The value read back becomes the base, and the difference is
accepted for exactly these two values, so that it neither comes back as a false edit nor is written again for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.plan.model import CREATE, BaseRows, Cause, Changes
from sfsync.sides import columns as columns_
from sfsync.sides.side import CREATED, TEXT, UPDATED, Records

DONE = (CREATED, UPDATED)
Digest: TypeAlias = "Callable[[pd.DataFrame], np.ndarray]"


@dataclass(frozen=True)
class Settled:
    """Base rows for the records that were written, and cells the org changed on its own.

    ``differences`` frame: key, field, p and s (digests of what was sent and of what the org holds).
    """

    base: BaseRows
    differences: pd.DataFrame


def settle(
    mapping: Mapping, changes: Changes, outcomes: pd.DataFrame, read: Records | None, sent: np.ndarray, digest: Digest
) -> Settled:
    """For ``changes`` of one side and kind; ``outcomes`` indexed by key; ``read``: as read back, if it was.

    ``sent``: digests (uint64 n x f) of ``changes.after``.
    """
    outcomes = columns_.aligned(outcomes, changes.keys)
    ok = outcomes["result"].isin(DONE).to_numpy(bool)
    done, outcomes = changes.take(ok), outcomes if ok.all() else outcomes[ok]
    sent = np.where(done.cause != 0, sent if ok.all() else sent[ok], np.uint64(0))
    found = _read_back(mapping, done, read, sent, digest)
    seen = np.where(found != 0, found, sent) if found.any() else sent
    known = done.touched & (done.cause != Cause.DEFAULT)
    known |= (done.cause == Cause.BOTH_NULL) & (seen == sent)
    base = np.where(known, seen, np.uint64(0))
    return Settled(_base_rows(done, outcomes, base, read), _differences(mapping, done, sent, found))


def _read_back(mapping: Mapping, done: Changes, read: Records | None, sent: np.ndarray, digest: Digest) -> np.ndarray:
    """Digests of the cells sent as they are now, 0 where nobody looked. Only what differs is digested."""
    if read is None or not len(read):
        return np.zeros(done.cause.shape, np.uint64)
    keys = pd.Index(done.rows["key"], dtype=TEXT)
    now = columns_.rows(read.values, keys, mapping.columns)
    found = np.where(columns_.equal(done.after, now), sent, np.uint64(0))
    other = ((found == 0) & (done.cause != 0)).any(axis=1)
    if other.any():
        found[other] = np.where(done.cause[other] != 0, digest(now[other]), np.uint64(0))
    found[~columns_.within(keys, read.values.index)] = 0
    found[:, [c not in read.observed for c in mapping.columns]] = 0
    return found


def _base_rows(done: Changes, outcomes: pd.DataFrame, digests: np.ndarray, read: Records | None) -> BaseRows:
    keys = pd.Index(done.rows["key"], dtype=TEXT, name="key")
    salesforce = done.rows["side"] == "salesforce"
    stamps = outcomes["stamp"].reset_index(drop=True)
    if read is not None and len(read):
        back = columns_.aligned(read.meta[["stamp"]], keys)["stamp"].reset_index(drop=True)
        stamps = back.fillna(stamps)
    meta = pd.DataFrame(
        {
            "id": outcomes["id"].reset_index(drop=True).where(salesforce),
            "salesforce_stamp": stamps.where(salesforce),
            "platform_stamp": stamps.where(~salesforce),
            "state": "synced",
            "survivor": pd.NA,
        }
    )
    return BaseRows(keys, digests, meta.astype(TEXT))


def _differences(mapping: Mapping, done: Changes, sent: np.ndarray, found: np.ndarray) -> pd.DataFrame:
    differs = done.touched & (found != 0) & (found != sent) if found.any() else np.zeros((0, 0), bool)
    rows, columns = np.nonzero(differs)
    return pd.DataFrame(
        {
            "key": pd.Series(done.rows["key"].to_numpy()[rows], dtype=TEXT),
            "field": pd.Series(np.array(mapping.columns, dtype=object)[columns], dtype=TEXT),
            "p": sent[rows, columns],
            "s": found[rows, columns],
        }
    )


def moved(mapping: Mapping, changes: Changes, now: Records) -> np.ndarray:
    """Which rows (bool, n) must not be written: a touched cell is not what the plan saw, or the record is gone.

    Compare-and-set by value: another field that moved in between does not matter; the touched ones do.
    """
    if not len(changes):
        return np.zeros(0, bool)
    keys = pd.Index(changes.rows["key"], dtype=TEXT)
    is_new = (changes.rows["kind"] == CREATE).to_numpy(bool)
    gone = ~columns_.within(keys, now.values.index[~now.meta["deleted"].to_numpy(bool)])
    same = columns_.equal(changes.before, columns_.rows(now.values, keys, mapping.columns))
    differs = ~same & changes.touched & (changes.cause != Cause.CYCLE)
    differs[:, [c not in now.observed for c in mapping.columns]] = False
    return (gone | differs.any(axis=1)) & ~is_new
