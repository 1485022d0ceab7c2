"""What came of the records that were looked at: each counts once, under the first heading that holds."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from sfsync.mapping.model import FieldType
from sfsync.merge.verdict import Presence, Verdict
from sfsync.plan.model import ADOPT, CREATE, UPDATE, Changes, Segment
from sfsync.planners.sync.bucket import Draft
from sfsync.planners.sync.recall import Recall

SHOWN = 20  # keys named under each heading
# The headings of a record, the first that holds wins. Those of ``REPAIRS`` are written by the plan.
HEADINGS = (
    "conflict",  # both sides changed, or a person must decide about a deletion
    "failed",  # refused, or a value that cannot be used
    "held",  # waits for its parent, or was undone by a person
    "due",  # in the next sync's window anyway
    "missed",  # no window shows the change
    "missing",  # on the platform only, and was never seen in Salesforce
    "born",  # in Salesforce only, and gets a row on the platform
    "keyless",  # in both, but has no key in Salesforce yet
    "deleted",  # deleted in Salesforce, and left at that
    "vanished",  # agreed on once, no longer on the platform
    "stranger",  # in Salesforce, unknown to the platform
    "accepted",  # a difference that a person, or the org's automation, was granted
    "left",  # a difference that the mapping lets neither side correct
    "settled",  # equal at the second look: it changed while it was read
)
REPAIRS = ("missed", "missing", "born", "keyless")
_SAME = (Verdict.SAME, Verdict.AGREE, Verdict.NOT_OBSERVED)


class Cells(BaseModel):
    """A field that no window corrected: the side to be written, how many records, whether it is a link."""

    field: str
    writes_to: str
    records: int
    link: bool


class Part(BaseModel):
    """One mapping's part of a reconcile, numbers in records.

    ``platform``, ``salesforce``: living records read. ``looked`` = the sum of ``found``; ``again``: those
    read twice in Salesforce. ``unrecorded``: conflicts,
    failures and holds among them that the ledger did not know. ``twins``: keys that occur more than once.
    ``astray``: in Salesforce, but under another key or another record type. ``keys``: the first of each heading.
    """

    platform: int = 0
    salesforce: int = 0
    buckets: int = 0
    differ: int = 0
    looked: int = 0
    again: int = 0
    found: dict[str, int] = Field(default_factory=lambda: dict.fromkeys(HEADINGS, 0))
    unrecorded: int = 0
    twins: dict[str, int] = Field(default_factory=lambda: {"platform": 0, "salesforce": 0})
    astray: int = 0
    fields: list[Cells] = Field(default_factory=list)
    keys: dict[str, list[str]] = Field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Records that no ordinary sync would have brought into step."""
        repairs = sum(self.found[h] for h in REPAIRS)
        return repairs + self.unrecorded + sum(self.twins.values()) + self.astray


class Tally:
    """Fills a ``Part``, bucket by bucket."""

    def __init__(self, marks: dict[str, datetime | None]) -> None:
        """``marks``: per side, where the next sync's window begins (None: it reads everything)."""
        self.part = Part()
        self._marks = {side: None if m is None else m.strftime("%Y-%m-%dT%H:%M:%SZ") for side, m in marks.items()}
        self._cells: Counter[tuple[str, str, bool]] = Counter()

    def add(self, draft: Draft, segment: Segment, recall: Recall) -> None:
        """Counts records that were looked at."""
        a = draft.aligned
        due = self._due(draft) | recall.open
        headings = _headings(draft, segment, due)
        self.part.looked += len(a.keys)
        for number, name in enumerate(HEADINGS):
            self._name(name, a.keys[headings == number])
            self.part.found[name] += int((headings == number).sum())
        issues = headings <= HEADINGS.index("held")
        self.part.unrecorded += int((issues & ~due).sum())
        self._count_cells(draft, segment.changes, a.keys[headings == HEADINGS.index("missed")])

    def set_aside(self, heading: str, keys: pd.Index) -> None:
        """Records that no plan touches: ``astray``, or ``twins`` in Salesforce."""
        self._name(heading, keys)
        if heading == "twins":
            self.part.twins["salesforce"] += len(keys)
        else:
            self.part.astray += len(keys)

    def finish(self) -> Part:
        """The finished part."""
        self.part.fields = [
            Cells(field=field, writes_to=side, records=records, link=link)
            for (field, side, link), records in sorted(self._cells.items())
        ]
        return self.part

    def _due(self, draft: Draft) -> np.ndarray:
        """Records the next window of a side delivers (bool, n); rows without a stamp are in every window."""
        a = draft.aligned
        due = np.zeros(len(a.keys), bool)
        for side, meta, here in (("platform", a.p_meta, a.p_here), ("salesforce", a.s_meta, a.s_here | a.s_gone)):
            mark = self._marks[side]
            late = np.ones(len(a.keys), bool) if mark is None else (meta["stamp"] >= mark).fillna(True).to_numpy(bool)
            due |= late & here
        return due

    def _count_cells(self, draft: Draft, changes: Changes, keys: pd.Index) -> None:
        mine = changes.take((changes.rows["kind"] == UPDATE).to_numpy(bool) & changes.keys.isin(keys))
        for side in ("salesforce", "platform"):
            counts = mine.select(side=side).touched.sum(axis=0)
            for spec, count in zip(draft.aligned.mapping.synced, counts, strict=True):
                if count:
                    self._cells[spec.name, side, spec.type is FieldType.REFERENCE] += int(count)

    def _name(self, heading: str, keys: pd.Index) -> None:
        if len(keys):
            named = self.part.keys.setdefault(heading, [])
            named += [str(k) for k in keys[: SHOWN - len(named)]]


def _headings(draft: Draft, segment: Segment, due: np.ndarray) -> np.ndarray:
    """The heading (int, n) of each record; what is set later stands earlier in ``HEADINGS``."""
    a, rows, issues = draft.aligned, segment.changes.rows, segment.issues
    presence = draft.presence
    differs = ~np.isin(draft.verdicts, _SAME) & (presence == Presence.BOTH)[:, None]
    marks = [
        ("left", differs.any(axis=1)),
        ("accepted", (differs & draft.decided).any(axis=1)),
        ("stranger", presence == Presence.NEW_IN_SALESFORCE),
        ("vanished", presence == Presence.GONE_FROM_PLATFORM),
        ("deleted", presence == Presence.GONE_FROM_SALESFORCE),
        ("keyless", a.keys.isin(rows["key"][rows["kind"] == ADOPT])),
        ("born", a.keys.isin(rows["key"][(rows["kind"] == CREATE) & (rows["side"] == "platform")])),
        ("missing", a.keys.isin(rows["key"][(rows["kind"] == CREATE) & (rows["side"] == "salesforce")])),
        ("missed", a.keys.isin(rows["key"][rows["kind"] == UPDATE]) & (presence == Presence.BOTH)),
    ]
    found = np.full(len(a.keys), HEADINGS.index("settled"))
    for name, mask in marks:
        found[mask] = HEADINGS.index(name)
    found[due & np.isin(found, [HEADINGS.index(h) for h in REPAIRS])] = HEADINGS.index("due")
    for name, words in (("held", ("held", "undone")), ("failed", ("failed", "refused")), ("conflict", ("conflict",))):
        found[a.keys.isin(issues["key"][issues["status"].isin(words)])] = HEADINGS.index(name)
    return found
