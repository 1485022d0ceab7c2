"""Repeat contacts: who asks again within the hour gets no second case and no second clock (requirement S3-14). Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.trace import OTHER, Trace, micros
from sfsync.planners.sla.words import FR, NONE, PARTNER

PREFIX = "repeat-"
SAME = ["account", "contact", "category"]


def candidates(trace: Trace, result: Result, figures: Figures, window: int, as_of: int) -> np.ndarray:
    """Positions of cases that may repeat another one: new, of a known requester, and touched by nobody so far.

    Retail partners' requests are counted at their intake; cases of compliance stand for themselves; what has no
    category yet is not the same as anything.
    """
    rows = trace.rows
    fresh = (rows["status"] == "New") & rows["policy"].isna() & rows["account"].notna()
    named = np.array(figures.categories, object)[result.category]
    mine = fresh.to_numpy(bool) & (result.tier != PARTNER) & (named != OTHER) & (result.stopped[:, FR] == NONE)
    mine &= ~figures.hold[result.category] & ~figures.immune[result.path] & (as_of - trace.cases.t0 <= 2 * window)
    return np.flatnonzero(mine)


def found(trace: Trace, rows: np.ndarray, there: pd.DataFrame, window: int) -> pd.DataFrame:
    """Which of these cases repeat which: frame case (position), first (id), key of the first may be null.

    ``there``: frame id, number, account, contact, category, received, created of open cases of the same accounts. The
    first is the earliest that was received within ``window`` (µs) before.
    """
    ours = trace.rows.iloc[rows][["id", "number", *SAME]].assign(case=rows, t0=trace.cases.t0[rows])
    begun = micros(there["received"].fillna(there["created"]))
    theirs = there[["id", "number", "key", "owner", *SAME]].assign(t0=begun)
    both = ours.merge(theirs, on=SAME, suffixes=("", "_first"))  # null equals null: a player without a contact
    gap = both["t0"] - both["t0_first"]
    earlier = (gap > 0) | ((gap == 0) & (both["number_first"] < both["number"]))
    both = both[earlier.to_numpy(bool) & (gap <= window).to_numpy(bool)]
    both = both.sort_values(["case", "t0_first", "number_first"]).drop_duplicates("case")
    repeats = both[~both["id_first"].isin(both["id"])]  # who repeats himself is nobody's first
    return repeats[["case", "id_first", "key", "number"]].rename(columns={"id_first": "first"}).reset_index(drop=True)
