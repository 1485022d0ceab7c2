"""What a case must have before it is closed (domain model B.5, policy C.10). Pure; all that lacks is told together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.plan.reasons import CLOSING
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.trace import Trace
from sfsync.planners.sla.words import NONE, PIR

RUNG = "closed"
RG = "rg"
GATES = tuple(CLOSING)


def missing(
    trace: Trace, result: Result, policy: Policy, figures: Figures, recoveries: pd.DataFrame, as_of: int
) -> pd.DataFrame:
    """bool frame n x code: what each case lacks. ``recoveries``: frame id, event, state, terms, delivered, correction,
    report of the cases.
    """
    rows = trace.rows
    named = pd.Series(np.array(figures.categories, object)[result.category])
    judged, booked = named.isin(policy.close.outcome), named.isin(policy.close.report)
    asked = np.array(figures.paths, object)[result.path] == RG
    pir_due = (result.due[:, PIR] != NONE) & (result.due[:, PIR] <= as_of) | (result.breached[:, PIR] != NONE)
    found = {
        "E-CLOSE-OUTCOME": judged & rows["outcome"].isna(),
        "E-CLOSE-POLICY": judged & rows["policy_ref"].isna(),
        "E-CLOSE-REPORT": booked & rows["report_ref"].isna(),
        "E-CLOSE-RG": asked & rows["rg_offered"].isna(),
        "E-CLOSE-INCIDENT": (rows["channel"] == "onsite") & rows["incident_ref"].isna(),
        "E-CLOSE-PIR": pir_due & ~rows["pir_whole"].astype(bool),
        "E-CLOSE-CHILD": rows["open_child"].astype(bool),
        "E-CLOSE-HOLD": rows["hold"].fillna(False).astype(bool),
    }
    for gate, ids in _unmade(recoveries).items():
        found[gate] = found.get(gate, False) | rows["id"].isin(ids)
    alive = (rows["status"] != "Cancelled").to_numpy(bool)
    return pd.DataFrame({gate: np.asarray(found[gate], bool) & alive for gate in GATES}, index=rows.index)


def _unmade(recoveries: pd.DataFrame) -> dict[str, pd.Series]:
    """By gate the cases whose recovery lacks it."""
    some = recoveries[~recoveries["state"].isin(("refused", "failed"))]
    correction, gesture = some["event"] == "billing_error", some["event"] == "partner_p1_breach"
    lacks = {
        "E-CLOSE-APPROVAL": some["state"] == "proposed",
        "E-CLOSE-TERMS": some["terms"].isna(),
        "E-CLOSE-DELIVERED": ~correction & ~gesture & some["delivered"].isna(),
        "E-CLOSE-CORRECTION": correction & some["correction"].isna(),
        "E-CLOSE-REPORT": correction & some["report"].isna(),
    }
    return {gate: some["id"][mask.to_numpy(bool)] for gate, mask in lacks.items()}


def closed(trace: Trace, lacks: pd.DataFrame) -> np.ndarray:
    """Positions of the cases that are closed and should not be."""
    mine: np.ndarray = (trace.rows["status"] == "Closed").to_numpy(bool) & lacks.any(axis=1).to_numpy(bool)
    return np.flatnonzero(mine)


def words(lacks: pd.DataFrame, rows: np.ndarray) -> list[str]:
    """What each of these cases lacks, by comma."""
    names = np.array(lacks.columns, object)
    return [",".join(names[mask]) for mask in lacks.to_numpy(bool)[rows]]


def sentence(lacking: str) -> str:
    """The same for people."""
    return "; ".join(listed(lacking))


def listed(lacking: str) -> list[str]:
    """Each with its code."""
    return [f"{CLOSING[code]} [{code}]" for code in lacking.split(",") if code]
