"""What was decided is written once, and only while it stands; what automation made of a write is decided here too.

A plan may be hours old when it is applied, and a person may decide otherwise while a run is under way. So the rows of
a batch that carry decisions are claimed in the ledger just before the batch's intent is opened: what nobody stands by
any more drops out and meets the next plan; what is claimed nobody can decide otherwise until its outcome is known.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd

from sfsync.ledger import conflicts, rulings
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping, Owner
from sfsync.plan.model import CREATE, BaseRows, Cause, Changes
from sfsync.sides.side import TEXT, Finding

WITHDRAWN = "WITHDRAWN"  # the hold of a row whose decision no longer stands
_WINNER = {"salesforce": "platform", "platform": "salesforce"}  # side written -> whose value wins


def withdrawn(
    ledger: Ledger,
    run_id: str,
    mapping: Mapping,
    as_of: datetime,
    changes: Changes,
    digest: Callable[[pd.DataFrame], np.ndarray],
) -> np.ndarray:
    """Rows (bool, n; all of one side and kind) that must not be written, because a decision in them was taken back.

    The others are claimed for this run.
    """
    if not len(changes):
        return np.zeros(0, bool)
    side, kind = changes.rows["side"].iloc[0], changes.rows["kind"].iloc[0]
    if kind == CREATE:
        lost = ~conflicts.claim_records(ledger, run_id, mapping.name, changes.keys, ("platform",))
        return lost if side == "salesforce" else np.zeros(len(changes), bool)
    rows, columns = np.nonzero(changes.cause == Cause.DECIDED)
    lost = np.zeros(len(changes), bool)
    if len(rows):
        cells = _cells(mapping, side, changes, rows, columns, digest)
        stands = rulings.claim(ledger, run_id, mapping, as_of, cells, _WINNER[side])
        lost[rows[~stands]] = True
    return lost


def _cells(
    mapping: Mapping,
    side: str,
    changes: Changes,
    rows: np.ndarray,
    columns: np.ndarray,
    digest: Callable[[pd.DataFrame], np.ndarray],
) -> pd.DataFrame:
    """The decided cells as the ledger names conflicts."""
    few, place = np.unique(rows, return_inverse=True)
    mask = np.zeros(len(changes), bool)
    mask[few] = True
    some = changes.take(mask)
    source, target = (digest(some.keyed(f))[place, columns] for f in (some.after, some.before))
    p, s = (source, target) if side == "salesforce" else (target, source)
    names = np.array(mapping.columns, dtype=object)[columns]
    cells = pd.DataFrame({"key": some.rows["key"].to_numpy()[place], "field": names}, dtype=TEXT)
    return cells.assign(platform_digest=p, salesforce_digest=s)


def let_go(ledger: Ledger, run_id: str, mapping: str, rows: BaseRows) -> BaseRows:
    """The rows without those that would be let go (detached) though whoever decided that took it back."""
    detached = (rows.meta["state"] == "detached").fillna(False).to_numpy(bool)
    if not detached.any():
        return rows
    keep = np.ones(len(rows), bool)
    keep[detached] = conflicts.claim_records(ledger, run_id, mapping, rows.keys[detached], ("salesforce", "keep"))
    return BaseRows(rows.keys[keep], rows.digests[keep], rows.meta[keep].reset_index(drop=True))


def settle_differences(ledger: Ledger, run_id: str, mapping: Mapping, found: pd.DataFrame) -> None:
    """Cells the org changed right after they were written (frame as ``conflicts.meet`` takes it): accepted as they are.

    Not so an opt-out: accepting would let a machine lift it. It stays open, is written again by every run, and a person
    finds it in the inbox.
    """
    strict = found["field"].isin([f.name for f in mapping.synced if f.owner is Owner.STRICTER]).to_numpy(bool)
    if not strict.all():
        conflicts.accept(ledger, run_id, mapping.name, found[~strict], "automation")
    if strict.any():
        kept = found[strict].assign(code=conflicts.NOT_KEPT)
        conflicts.meet(ledger, run_id, mapping.name, [], kept)


def automated(mapping: Mapping, name: str, count: int) -> Finding:
    """What people are told about such cells of one field."""
    text = f"automation in the org changed {name} of {count:,} records right after they were written"
    if mapping.fields[name].owner is Owner.STRICTER:
        step = "Change the automation: an opt-out is not given up, every run writes it again. See: sfsync conflicts"
        return Finding("NOT_KEPT", text, "warning", mapping.name, next_step=step)
    step = "The org's value was accepted; change the automation or the field's owner in the mapping."
    return Finding("AUTOMATION", text, "info", mapping.name, next_step=step)
