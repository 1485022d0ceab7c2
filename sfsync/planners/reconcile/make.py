"""Reconciles: for each mapping, parents first, both sides complete, compared by digests; what differs becomes a plan.

Nothing is taken from windows and no window moves. What differs is read anew and goes through the same merge as in a
sync, so a repair follows the same rules: owners, conflicts, holds, guards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.merge.align import NOT_OBSERVED
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header, MappingPlan, Segment
from sfsync.planners.reconcile import report
from sfsync.planners.reconcile.known import (
    BUCKETS,
    DIFFERENT,
    EQUAL,
    TWIN,
    UNMET,
    Known,
    Strangers,
    Sums,
    hashed,
    mixed,
    text_hashes,
)
from sfsync.planners.reconcile.look import acting, again
from sfsync.planners.sync import bucket as one
from sfsync.planners.sync import count, sayings, windows
from sfsync.planners.sync.gather import Spill, bucket_of, buckets_for
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.make import Progress, Sources, stamp
from sfsync.planners.sync.recall import Recall
from sfsync.sides.columns import within
from sfsync.sides.side import TEXT, Finding, Reader, Records, Window

LOOK_ROWS = 10_000  # records looked at together, and in one segment
AGAIN_ROWS = 20_000  # records of a mapping read twice in Salesforce; beyond, the check before each write must do
_MARKS = {"platform": np.uint64(0x9E3779B97F4A7C15), "salesforce": np.uint64(0xC2B2AE3D27D4EB4F)}
Report = dict[str, report.Part]


def reconcile(sources: Sources, folder: PlanFolder, *, progress: Progress = lambda *_: None) -> tuple[Header, Report]:
    """Compares all mappings of ``sources``; the plan in ``folder`` repairs what can be repaired. Reads only."""
    links = Links(sources.memory, sources.users, sources.parents)
    plans: dict[str, MappingPlan] = {}
    parts: Report = {}
    findings: list[Finding] = []
    for name, mapping in sources.mappings.items():
        with tempfile.TemporaryDirectory(dir=folder.path) as scratch:
            walk = _Walk(sources, mapping, links, Path(scratch), progress)
            plans[name] = walk.run(folder)
            parts[name] = walk.counts.finish()
            findings += walk.findings()
    findings += sayings.unknown_users(links)
    header = Header(
        kind="reconcile",
        as_of=sources.as_of,
        platform=sources.platform.identity(),
        org=sources.salesforce.identity(),
        order=tuple(sources.mappings),
        mappings=plans,
        findings=[sayings.note(f) for f in findings],
    )
    return folder.finish(header), parts


class _Walk:
    """One mapping: the platform as digests, Salesforce passing by, the closer look, sums."""

    def __init__(self, sources: Sources, mapping: Mapping, links: Links, scratch: Path, progress: Progress) -> None:
        self.sources, self.mapping, self.links, self.progress = sources, mapping, links, progress
        self.digest = sources.digest(mapping)
        self.known, self.sums = Known(scratch / "names"), Sums()
        self.strangers = Strangers()
        self.spill = Spill(mapping, scratch, "salesforce")
        self.windows = {name: self._since(name, side) for name, side in sources.sides.items()}
        self.counts = report.Tally({name: w.since for name, w in self.windows.items()})
        self.tally = count.Tally()
        self.standing = sources.standing(mapping)
        self.sizes = windows.sizes(self.standing, sources.memory.size(mapping))
        self.sizes.complete = dict.fromkeys(sources.sides, True)

    def run(self, folder: PlanFolder) -> MappingPlan:
        self._read()
        segments = 0
        for segment in self._segments():
            folder.add(segments, segment)
            segments += 1
        part, alike = self.counts.part, int((self.known.state == EQUAL).sum())
        part.platform, part.salesforce = len(self.known), int(self.sums.count.sum())
        part.buckets, part.differ = BUCKETS, self.known.sums.differing(self.sums)
        for side in self.sources.sides:
            self.tally.untouched(side, alike)
        return self._plan(segments)

    # -- reading --

    def _since(self, name: str, side: Reader) -> Window:
        """The window the next sync would read: what it delivers needs no reconcile."""
        return side.window(self.mapping, self.sources.watermark(self.mapping.name, name))

    def _read(self) -> None:
        """Both sides complete, over the cells both deliver. Salesforce's pages are begun first and end last."""
        ours = self.sources.platform.fetch(self.mapping, pd.Index([], dtype=TEXT, name="key")).observed
        pages = self._pages("salesforce")
        first = list(islice(pages, 1))
        common = ours.intersection(*(page.observed for page in first))
        for page in self._pages("platform"):
            live, rows = self._digested("platform", page, common)
            self.known.add(live, rows)
        self.known.close()
        self.spill.collect(self._suspects(page, common) for page in chain(first, pages))

    def _pages(self, name: str) -> Iterator[Records]:
        everything = Window(None, self.windows[name].until)
        for page in self.sources.sides[name].changes(self.mapping, everything):
            self.sizes.read[name] += len(page)
            self.progress(self.mapping.name, f"reading {name}", self.sizes.read[name])
            self._problems(name, page)
            yield page

    def _digested(self, name: str, page: Records, common: frozenset[str]) -> tuple[pd.Index, np.ndarray]:
        """Keys and rows of a page without deleted records; records with a problem are like none of the other side."""
        digests = self.digest(page.values[list(self.mapping.columns)])
        self.sizes.untouched(name, self.mapping.columns, digests)
        digests[:, [c not in common for c in self.mapping.columns]] = NOT_OBSERVED
        rows = mixed(page.values.index, digests)
        odd = within(page.values.index, page.problems["key"]) | page.meta["keyless"].to_numpy(bool)
        return page.values.index, np.where(odd, rows ^ _MARKS[name], rows)

    def _suspects(self, page: Records, common: frozenset[str]) -> Records:
        """The records of a page of Salesforce that are not as the platform has them, and deleted ones it knows."""
        keys, rows = self._digested("salesforce", page, common)
        hashes, ids = hashed(keys), text_hashes(page.meta["id"])
        live = ~page.meta["deleted"].to_numpy(bool)
        self.sums.add(hashes[live], rows[live])
        self.known.meet(hashes[live], rows[live], ids[live])
        here = self.known.place(hashes) >= 0
        self.strangers.add(hashes[live & ~here], ids[live & ~here])
        kept = np.where(live, self.known.states(hashes) != EQUAL, here)
        return Records(page.values[kept], page.meta[kept], page.observed, page.problems)

    def _problems(self, name: str, page: Records) -> None:
        self.tally.refused(name, int((page.problems["key"].fillna("") == "").sum()))
        twice = int(page.problems["key"][page.problems["code"] == "KEY_TWICE"].nunique())
        self.sizes.twice[name] += twice
        self.counts.part.twins[name] += twice

    # -- what differs --

    def _segments(self) -> Iterator[Segment]:
        self.counts.set_aside("twins", self.known.keys(TWIN))
        ours = self.known.keys(UNMET, DIFFERENT)
        several = buckets_for(max(self.spill.rows, len(ours)))
        where = bucket_of(ours, several)
        for number in range(several):
            theirs = self._single(self.spill.bucket(number, several))
            keys = ours[where == number].union(theirs.values.index)
            for start in range(0, len(keys), LOOK_ROWS):
                segment = self._look(keys[start : start + LOOK_ROWS], theirs)
                if len(segment.changes) or len(segment.base) or len(segment.issues):
                    yield segment

    def _single(self, theirs: Records) -> Records:
        """Without records that a later page showed to be equal, and without twins."""
        hashes = hashed(theirs.values.index)
        state, twins = self.known.states(hashes), self.strangers.twins(hashes)
        self.counts.set_aside("twins", theirs.values.index[twins])
        kept = (state != EQUAL) & (state != TWIN) & ~twins
        return Records(theirs.values[kept], theirs.meta[kept], theirs.observed, theirs.problems)

    def _look(self, keys: pd.Index, theirs: Records) -> Segment:
        """Reads the keys anew on the platform, and in Salesforce those for which that matters."""
        self.progress(self.mapping.name, "looking closer", self.counts.part.looked)
        memory, mapping = self.sources.memory, self.mapping
        platform, recall = self.sources.platform.fetch(mapping, keys), memory.recall(mapping, keys)
        draft = one.merge(mapping, platform, theirs, recall, keys, self.digest)
        wanted = acting(draft, recall, self.links)
        if wanted.any() and self.counts.part.again + wanted.sum() <= AGAIN_ROWS:
            self.counts.part.again += int(wanted.sum())
            begun = stamp(self.windows["salesforce"].until)
            found = again(self.sources, mapping, keys, wanted, _only(theirs, keys), recall, begun)
            self.counts.set_aside("astray", keys[found.astray])
            keys = keys[~found.astray]
            recall = memory.recall(mapping, keys) if found.astray.any() else recall
            draft = one.merge(mapping, platform, found.salesforce, recall, keys, self.digest)
        return self._segment(draft, recall)

    def _segment(self, draft: one.Draft, recall: Recall) -> Segment:
        segment = one.segment(draft, recall, self.links, self.sizes, self.digest)
        self.tally.add(draft, segment)
        self.counts.add(draft, segment, recall)
        windows.count(self.sizes, draft, segment)
        return segment

    # -- the result --

    def _plan(self, segments: int) -> MappingPlan:
        generation = self.sources.generation(self.mapping.name)
        return self.tally.plan(self.mapping, generation, segments)

    def findings(self) -> list[Finding]:
        """Guards, and what is left alone."""
        name, part = self.mapping.name, self.counts.part
        windows.look_back(self.sizes, name, self.sources.recently)
        return [
            *self.standing.findings,
            *guard.check(self.mapping, self.sizes),
            *sayings.nameless(self.mapping, self.tally.nameless["salesforce"]),
            *sayings.strangers(name, part.found["stranger"]),
            *sayings.vanished(name, part.found["vanished"]),
            *sayings.unkeyed(name, self.sources.salesforce.unkeyed.get(name, 0)),
            *sayings.twins(self.mapping, part.twins["salesforce"]),
            *sayings.astray(self.mapping, part.astray),
        ]


def _only(records: Records, keys: pd.Index) -> Records:
    mine = within(records.values.index, keys)
    return Records(records.values[mine], records.meta[mine], records.observed, records.problems)
