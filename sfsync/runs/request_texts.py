"""Texts too long for their case go whole, secrets masked, to the sealed store of attachments."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.ledger import attachments
from sfsync.ledger.attachments import Long
from sfsync.planners.requests import longtext
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import Judged, Rules
from sfsync.runs.bench import Bench


def keep(bench: Bench, sheet: Sheet, found: Judged, rules: Rules, frame: pd.DataFrame, rows: np.ndarray) -> set[str]:
    """Keeps the texts of new and changed requests that were cut; the keys of their cases.

    ``rows``: their places in the file (int64 m); ``frame``: their cases (m x f, by key).
    """
    intake = rules.catalogue.intake
    full = frame["description"].str.len().ge(intake.description_length).fillna(False).to_numpy(bool)
    some = np.flatnonzero(full | found.marks.has(longtext.CODE)[rows])
    if not len(some):
        return set()
    keys, shown = frame.index[some].tolist(), frame["description"].iloc[some].fillna("").tolist()
    cut = [Long(keys[at], name, text) for at, name, text in longtext.whole(sheet, rules.catalogue, rows[some], shown)]
    attachments.keep(bench.ledger, cut, intake.purge_days)
    return {one.case_key for one in cut}
