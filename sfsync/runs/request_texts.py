"""Texts too long for their case go whole, secrets masked, to the sealed store of attachments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.ledger import attachments
from sfsync.ledger.attachments import Long
from sfsync.planners.requests import longtext
from sfsync.planners.requests.repeat import CHANGED, NEW
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import Judged, Rules
from sfsync.runs.bench import Bench


def keep(bench: Bench, sheet: Sheet, found: Judged, rules: Rules, frame: pd.DataFrame, what: np.ndarray) -> set[str]:
    """Keeps the texts of new and changed requests that were cut; the keys of their cases.

    ``frame``: the cases of all rows (n x f, by key); ``what``: new, changed …, object n.
    """
    intake = rules.catalogue.intake
    full = frame["description"].str.len().ge(intake.description_length).fillna(False).to_numpy(bool)
    rows = np.flatnonzero(np.isin(what.astype(str), (NEW, CHANGED)) & (full | found.marks.has(longtext.CODE)))
    if not len(rows):
        return set()
    keys, shown = frame.index[rows].tolist(), frame["description"].iloc[rows].fillna("").tolist()
    cut = [Long(keys[at], name, text) for at, name, text in longtext.whole(sheet, rules.catalogue, rows, shown)]
    attachments.keep(bench.ledger, cut, intake.purge_days)
    return {one.case_key for one in cut}
