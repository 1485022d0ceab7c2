"""What a plan asks about its windows and its base: is the memory still about these two ends, and how much is too much.

The decisions are pure (``merge.footing``, ``merge.guard``); here they meet the plan that is being made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge.footing import Footing, Standing
from sfsync.merge.guard import Sizes
from sfsync.merge.verdict import Presence
from sfsync.plan.model import CREATE, UPDATE, Segment
from sfsync.planners.sync.bucket import Draft
from sfsync.planners.sync.recall import Recall
from sfsync.sides.columns import within

SIDES = ("salesforce", "platform")


def first_standing(mapping: Mapping) -> Standing:
    """A base that does not exist yet, between ends without a name."""
    return Standing(Footing.of(mapping, "", ""))


def sizes(standing: Standing, base: int) -> Sizes:
    """Empty sums over a base of so many records."""
    return Sizes(base=base, filling=standing.filling, missed=dict(standing.missing))


def count(sizes: Sizes, draft: Draft, segment: Segment) -> None:
    """Adds one bucket: updates (a known record made again is one) and known records a complete read lacks."""
    a, rows, touched = draft.aligned, segment.changes.rows, segment.changes.touched
    again = (rows["kind"] == CREATE) & within(rows["key"], a.keys[a.known])
    rewrites = ((rows["kind"] == UPDATE) | again).to_numpy(bool)
    for side in SIDES:
        mine = rewrites & (rows["side"] == side).to_numpy(bool)
        if mine.any():
            sizes.write(side, rows["key"][mine], touched[mine], a.mapping.columns)
    lost = {
        "platform": draft.presence == Presence.GONE_FROM_PLATFORM,
        "salesforce": (draft.presence == Presence.GONE_FROM_SALESFORCE) & ~a.s_gone,
    }
    for side, mask in lost.items():
        if sizes.complete.get(side):
            sizes.missing[side] += int(mask.sum())


def look_back(sizes: Sizes, mapping: str, recently: Callable[[str, str], int]) -> None:
    """Asks what was updated within a day, only for sides this plan would update."""
    for side in SIDES:
        if sizes.changed[side]:
            sizes.today[side] = recently(mapping, side)


def footing(standing: Standing, mapping: Mapping, observed: frozenset[str], sizes: Sizes) -> dict[str, Any]:
    """What the base stands on when this plan is done, as the header keeps it."""
    complete = all(sizes.complete.get(side) for side in SIDES)
    found = standing.after(mapping, observed, complete, {s: sizes.missing[s] for s in SIDES})
    return found.model_dump(mode="json")


def recalled(standing: Standing, mapping: Mapping, recall: Recall) -> Recall:
    """What still counts of what is remembered."""
    if not standing.fresh and not standing.gained:
        return recall
    digests = recall.digests.copy()
    forgotten = [standing.fresh or c in standing.gained for c in mapping.columns]
    digests[:, np.flatnonzero(forgotten)] = 0
    ids, state = recall.ids, recall.state
    if standing.fresh:
        ids, state = (pd.Series(pd.NA, index=s.index, dtype=s.dtype) for s in (ids, state))
    return replace(recall, digests=digests, ids=ids, state=state)
