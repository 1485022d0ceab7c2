"""The sums: every record a side delivered has exactly one outcome on the other side.

``read = created + updated + archived + unchanged + held + failed + conflicts``, per mapping and per side written.
A record with several things to say about it counts under the first of: conflict, failed, held, created, updated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.plan.forecast import sent
from sfsync.plan.model import ADOPT, CREATE, DELETE, Count, MappingPlan, Segment
from sfsync.planners.sync.bucket import Draft
from sfsync.sides.columns import within

UNCHANGED, UPDATED, ARCHIVED, CREATED, HELD, FAILED, CONFLICT = range(7)
_WORDS = {
    UNCHANGED: "unchanged",
    UPDATED: "updated",
    ARCHIVED: "archived",
    CREATED: "created",
    HELD: "held",
    FAILED: "failed",
}
_OTHER = {"salesforce": "platform", "platform": "salesforce"}


@dataclass
class Tally:
    """Numbers of one mapping's plan, gathered bucket by bucket."""

    read: Counter[str] = field(default_factory=Counter)
    sides: dict[str, Counter[str]] = field(default_factory=lambda: {"salesforce": Counter(), "platform": Counter()})
    conflicts: int = 0
    lanes: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)  # changes to Salesforce by "lane kind"
    resolved: int = 0
    nameless: Counter[str] = field(default_factory=Counter)

    def untouched(self, delivered_by: str, records: int) -> None:
        """Records of a window that look exactly like the base."""
        self.read[delivered_by] += records
        self.sides[_OTHER[delivered_by]]["unchanged"] += records

    def refused(self, delivered_by: str, records: int) -> None:
        """Rows without a usable key."""
        self.read[delivered_by] += records
        self.sides[_OTHER[delivered_by]]["failed"] += records
        self.nameless[_OTHER[delivered_by]] += records

    def add(self, draft: Draft, segment: Segment) -> None:
        """Counts one bucket."""
        a = draft.aligned
        conflict = within(a.keys, segment.issues["key"][segment.issues["status"] == "conflict"])
        delivered = {"salesforce": a.p_here | a.bad | conflict, "platform": a.s_here | a.s_gone | conflict}
        self.conflicts += int(conflict.sum())
        for side, mask in delivered.items():
            outcome = np.where(conflict, CONFLICT, _outcomes(a.keys, segment, side))
            self.read[_OTHER[side]] += int(mask.sum())
            for code, count in zip(*np.unique(outcome[mask & ~conflict], return_counts=True), strict=True):
                self.sides[side][_WORDS[int(code)]] += int(count)
        self.lanes.update(segment.changes.rows["lane"].value_counts().to_dict())
        self.sent.update(sent(segment.changes.rows))
        self.resolved += int((segment.issues["status"] == "clear").sum())

    def plan(self, mapping: Mapping, generation: int, segments: int, **more: Any) -> MappingPlan:
        """The header's part for this mapping. ``more``: windows and footing, where the plan moves them."""
        return MappingPlan(
            columns=mapping.columns,
            digest=mapping.digest,
            generation=generation,
            read={n: self.read[n] for n in ("platform", "salesforce")},
            salesforce=self.count("salesforce"),
            platform=self.count("platform"),
            conflicts=self.conflicts,
            segments=segments,
            lanes=dict(self.lanes),
            sent=dict(sorted(self.sent.items())),
            resolved=self.resolved,
            nameless=dict(self.nameless),
            **{"windows": {}, **more},
        )

    def count(self, side: str) -> Count:
        """The numbers of one side written."""
        return Count(**self.sides[side])


def _outcomes(keys: pd.Index, segment: Segment, side: str) -> np.ndarray:
    outcome = np.full(len(keys), UNCHANGED)
    rows, issues = segment.changes.rows, segment.issues
    mine = rows[(rows["side"] == side) & (rows["kind"] != ADOPT)]
    marks = [(mine["key"], UPDATED)]
    marks += [(mine["key"][mine["kind"] == k], o) for k, o in ((DELETE, ARCHIVED), (CREATE, CREATED))]
    hits = issues[issues["side"].isin([side, "both"])]
    words = (("held", HELD), ("undone", HELD), ("failed", FAILED), ("refused", FAILED))
    marks += [(hits["key"][hits["status"] == word], outcome_) for word, outcome_ in words]
    for who, code in marks:
        outcome[within(keys, who)] = code
    return outcome
