"""Looks for explicit words in what the requesters of some cases wrote. The texts are not kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sfsync.planners.sla import spoken
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.trace import AUTOMATIC
from sfsync.runs.bench import Bench
from sfsync.sides.salesforce import texts
from sfsync.sides.salesforce.happened import Happened


def heard(bench: Bench, found: Happened, known: Figures) -> Happened:
    """The same cases with the words of the policy's lists that were written on them."""
    if not any(known.words) or not len(found.cases):
        return found
    pages = texts.written(bench.salesforce.queries, found.cases["id"].tolist())
    parts = [found.words, *(_found(page, known) for page in pages)]
    words = pd.concat([p for p in parts if len(p)], ignore_index=True) if any(map(len, parts)) else found.words
    begun = found.cases["received"].fillna(found.cases["created"]).set_axis(found.cases["id"])
    at = words["at"].fillna(words["id"].map(begun)).astype("datetime64[us, UTC]")
    return replace(found, words=words.assign(at=at))


def _found(page: pd.DataFrame, known: Figures) -> pd.DataFrame:
    """Frame id, at, value of one page of texts; an automatic answer is nobody's word."""
    automatic = page["headers"].astype("string").str.contains(AUTOMATIC).fillna(False).to_numpy(bool)
    page = page[~automatic]
    html = page["html"].where(page["text"].fillna("").str.strip() == "")
    said = spoken.own(page["text"].where(html.isna(), html.dropna().map(spoken.plain).reindex(page.index)))
    mine = spoken.holds(page["subject"], known.words) | spoken.holds(said, known.words)
    rows, lists = np.nonzero(mine)
    return page[["id", "at"]].iloc[rows].assign(value=lists.astype(np.int16))
