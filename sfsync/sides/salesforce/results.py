"""Outcomes of writes: one row per row written, built from whole columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.faults import Fault
from sfsync.sides.salesforce.ids import to18
from sfsync.sides.side import FAILED, MOVED, OUTCOME_COLUMNS, TEXT, UNKNOWN

LOST = Fault("REPLY_LOST", faults.UNKNOWN, "The connection was lost before Salesforce answered; it will be read back.")
MISCOUNTED = Fault("RESULT_MISSING", faults.UNKNOWN, "Salesforce's answer does not mention the record.")
TWO_RESULTS = Fault("RESULT_TWICE", faults.UNKNOWN, "Salesforce reported the record both as done and as failed.")
MOVED_FAULT = Fault("MOVED", faults.DATA, "Somebody changed the record since it was read; the next plan looks again.")


def outcome(result: str, record_id: str | None = None, fault: Fault | None = None) -> dict[str, Any]:
    """One outcome as a row."""
    row: dict[str, Any] = {"result": result, "id": to18(record_id) if record_id else None, "stamp": None}
    if fault is None:
        return {**row, "code": None, "fields": None, "kind_of_failure": None, "reason": None}
    kind = faults.TRANSIENT if fault.kind == faults.SESSION else fault.kind
    fields = ",".join(fault.fields) or None
    return {**row, "code": fault.code, "fields": fields, "kind_of_failure": kind, "reason": fault.reason}


def failed(fault: Fault, record_id: str | None = None) -> dict[str, Any]:
    """A refused row."""
    return outcome(FAILED, record_id, fault)


def unknown(fault: Fault = LOST) -> dict[str, Any]:
    """A row nobody knows about until it is read back."""
    return outcome(UNKNOWN, None, fault)


def table(keys: pd.Index, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Outcome rows indexed by key."""
    made = {c: pd.Series([r[c] for r in rows], dtype=TEXT) for c in OUTCOME_COLUMNS}
    return pd.DataFrame(made).set_axis(pd.Index(keys, dtype=TEXT, name="key"))


def retriable(rows: pd.DataFrame) -> np.ndarray:
    """Rows refused for a reason that passes (a lock, a busy moment); rows a job never reached wait for the next run."""
    kept_back = rows["code"].isin(["UNPROCESSED", "JOB_ABORTED", "UPLOAD_LOST"]).to_numpy(bool)
    return passing(rows) & ~kept_back


def passing(rows: pd.DataFrame) -> np.ndarray:
    """Failed rows whose reason passes (bool, n)."""
    kinds = rows["kind_of_failure"].isin([faults.LOCK, faults.TRANSIENT]).to_numpy(bool)
    mask: np.ndarray = kinds & (rows["result"] == FAILED).to_numpy(bool, na_value=False)
    return mask


def held(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows somebody kept locked to the last are not refused: they were not written, and the next run tries them."""
    locked = ((rows["result"] == FAILED) & (rows["kind_of_failure"] == faults.LOCK)).fillna(False).to_numpy(bool)
    return rows.assign(result=rows["result"].mask(locked, MOVED)) if locked.any() else rows
