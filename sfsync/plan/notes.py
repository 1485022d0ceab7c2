"""Puts what could not be written into the ledger: holds, refusals, conflicts, and the write log that sums count."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.ledger import conflicts, history, issues, parked
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import COMPLIANCE
from sfsync.plan.model import Segment
from sfsync.plan.reasons import reason

_LOGGED = {"held": "held", "undone": "held", "failed": "failed", "refused": "failed", "conflict": "conflict"}


def record(ledger: Ledger, run_id: str, segment: Segment) -> None:
    """Notes a segment's issues and clears the ones that are over."""
    found, name = segment.issues, segment.mapping
    over = found["key"][found["status"] == "clear"]
    _holds(ledger, run_id, name, found[found["status"] == "held"], over)
    _failures(ledger, run_id, name, found[found["status"] == "failed"], over)
    in_conflict = (found["status"] == "conflict").to_numpy(bool)
    _conflicts(ledger, run_id, name, found[in_conflict], segment.issue_digests[in_conflict], over)
    _accept(ledger, run_id, name, found, segment.issue_digests)
    parked.close_decided(ledger, name, over)
    _log(ledger, run_id, name, found)


def hold(
    ledger: Ledger, run_id: str, mapping: str, side: str, kind: str, keys: pd.Index, code: str, lane: str = "main"
) -> None:
    """Holds rows that apply did not write."""
    if not len(keys):
        return
    issues.put_holds(ledger, run_id, mapping, [], pd.DataFrame({"reason": code}, index=keys))
    if lane == COMPLIANCE:
        wait(ledger, run_id, mapping, pd.Series(code, index=keys))
    rows = pd.DataFrame({"key": keys, "side": side, "kind": kind, "result": "held", "code": code})
    history.log(ledger, run_id, mapping, rows)


def wait(ledger: Ledger, run_id: str, mapping: str, codes: pd.Series) -> None:
    """Compliance changes that are not in Salesforce, and why, by key: ``status`` raises an alarm when they are late."""
    if len(codes):
        found = pd.DataFrame({"reason": codes.to_numpy(), "about": COMPLIANCE}, index=codes.index)
        issues.put_holds(ledger, run_id, mapping, [], found)


def _holds(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, over: pd.Series) -> None:
    if len(found) or len(over):
        rows = found.rename(columns={"code": "reason"}).set_index("key")[["reason", "waits_mapping", "waits_key"]]
        issues.put_holds(ledger, run_id, mapping, over, rows)


def _failures(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, over: pd.Series) -> None:
    for side in ("salesforce", "platform"):
        if len(over):
            issues.clear_failures(ledger, mapping, side, over)
    if len(found):
        rows = found.rename(columns={"field": "fields"}).set_index("key")[["code", "fields"]]
        rows = rows.assign(kind_of_failure="data", reason=rows["code"].map(reason))
        issues.fail(ledger, run_id, mapping, "salesforce", rows)


def _conflicts(
    ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, digests: np.ndarray, over: pd.Series
) -> None:
    if len(found) or len(over):
        cells = pd.DataFrame(
            {
                "key": found["key"].to_numpy(),
                "field": found["field"].fillna("").to_numpy(),
                "platform_digest": digests[:, 0],
                "salesforce_digest": digests[:, 1],
                "code": found["code"].to_numpy(),
                "platform_stamp": found["p_stamp"].to_numpy(),
                "salesforce_stamp": found["s_stamp"].to_numpy(),
            }
        )
        conflicts.meet(ledger, run_id, mapping, [*over, *found["key"]], cells)


def _accept(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, digests: np.ndarray) -> None:
    """Values automation put in place of what was sent: neither a false edit nor written again for ever."""
    here = (found["status"] == "automated").to_numpy(bool)
    if here.any():
        cells = found[here][["key", "field"]].assign(
            platform_digest=digests[here, 0], salesforce_digest=digests[here, 1]
        )
        conflicts.accept(ledger, run_id, mapping, cells, "automation")


def _log(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame) -> None:
    rows = found[found["status"].isin(list(_LOGGED))]
    both = rows["side"] == "both"
    rows = pd.concat([rows[~both], rows[both].assign(side="salesforce"), rows[both].assign(side="platform")])
    if len(rows):
        rows = rows.assign(kind="none", result=rows["status"].map(_LOGGED))
        history.log(ledger, run_id, mapping, rows)
