"""Reconciles: for each mapping, parents first, both sides complete, compared by digests; what differs becomes a plan.

Nothing is taken from windows and no window moves. What differs is read anew and goes through the same merge as in a
sync, so a repair follows the same rules: owners, conflicts, holds, guards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.merge.align import NOT_OBSERVED
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header, MappingPlan, Segment
from sfsync.planners.reconcile import report
from sfsync.planners.reconcile.compare import Suspects, suspects
from sfsync.planners.reconcile.index import BUCKETS, Index, mixed
from sfsync.planners.reconcile.look import Tombstones, look
from sfsync.planners.sync import bucket as one
from sfsync.planners.sync import count, sayings
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.make import Progress, Sources
from sfsync.sides.side import TEXT, Finding, Reader, Records, Window

LOOK_ROWS = 10_000  # records looked at together, and in one segment
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
    """One mapping: two indexes, the buckets that differ, the closer look, sums."""

    def __init__(self, sources: Sources, mapping: Mapping, links: Links, scratch: Path, progress: Progress) -> None:
        self.sources, self.mapping, self.links, self.progress = sources, mapping, links, progress
        self.digest = sources.digest(mapping)
        self.indexes = {name: Index(scratch / name) for name in sources.sides}
        self.windows = {name: self._since(name, side) for name, side in sources.sides.items()}
        self.counts = report.Tally({name: w.since for name, w in self.windows.items()})
        self.tally = count.Tally()
        self.sizes = guard.Sizes(base=sources.memory.size(mapping), complete=dict.fromkeys(sources.sides, True))
        self.dead = Tombstones()

    def run(self, folder: PlanFolder) -> MappingPlan:
        self._read()
        platform, salesforce = self.indexes["platform"], self.indexes["salesforce"]
        buckets = platform.differing(salesforce)
        alike = int(platform.count.sum() - platform.count[buckets].sum())
        segments = again = 0
        for found in suspects(platform, salesforce, buckets):
            self.counts.set_aside("twins", found.twins)
            alike, again = alike + found.equal, again + found.again
            for segment in self._segments(found):
                folder.add(segments, segment)
                segments += 1
        part = self.counts.part
        part.platform, part.salesforce = platform.records, salesforce.records - again
        part.buckets, part.differ = BUCKETS, len(buckets)
        for side in self.sources.sides:
            self.tally.untouched(side, alike)
        return self._plan(segments)

    # -- reading --

    def _since(self, name: str, side: Reader) -> Window:
        """The window the next sync would read: what it delivers needs no reconcile."""
        return side.window(self.mapping, self.sources.watermark(self.mapping.name, name))

    def _read(self) -> None:
        """Both sides into their indexes, over the cells that both deliver. Salesforce first: its job takes longer."""
        ours = self.sources.platform.fetch(self.mapping, pd.Index([], dtype=TEXT, name="key")).observed
        pages = self._pages("salesforce")
        first = next(pages, None)
        common = ours if first is None else ours & first.observed
        self._index("salesforce", chain([] if first is None else [first], pages), common)
        self._index("platform", self._pages("platform"), common)

    def _pages(self, name: str) -> Iterator[Records]:
        everything = Window(None, self.windows[name].until)
        for part in self.sources.sides[name].changes(self.mapping, everything):
            self.sizes.read[name] += len(part)
            self.progress(self.mapping.name, f"reading {name}", self.sizes.read[name])
            yield part

    def _index(self, name: str, pages: Iterator[Records], common: frozenset[str]) -> None:
        index = self.indexes[name]
        unseen = [n for n, c in enumerate(self.mapping.columns) if c not in common]
        for page in pages:
            self._problems(name, page)
            self.dead.add(page)
            live = ~page.meta["deleted"].to_numpy(bool)
            values, meta = page.values[live], page.meta[live]
            digests = self.digest(values[list(self.mapping.columns)])
            self.sizes.untouched(name, self.mapping.columns, digests)
            digests[:, unseen] = NOT_OBSERVED
            rows = mixed(values.index, digests)
            odd = values.index.isin(page.problems["key"]) | meta["keyless"].to_numpy(bool)
            index.add(values.index, meta["id"], np.where(odd, rows ^ _MARKS[name], rows))
        index.close()

    def _problems(self, name: str, page: Records) -> None:
        self.tally.refused(name, int((page.problems["key"].fillna("") == "").sum()))
        twice = int(page.problems["key"][page.problems["code"] == "KEY_TWICE"].nunique())
        self.sizes.twice[name] += twice
        self.counts.part.twins[name] += twice

    # -- what differs --

    def _segments(self, found: Suspects) -> Iterator[Segment]:
        for start in range(0, len(found.keys), LOOK_ROWS):
            some = slice(start, start + LOOK_ROWS)
            self.progress(self.mapping.name, "looking closer", start)
            segment = self._look(found.keys[some], found.ids.iloc[some])
            if len(segment.changes) or len(segment.base) or len(segment.issues):
                yield segment

    def _look(self, keys: pd.Index, ids: pd.Series) -> Segment:
        recall = self.sources.memory.recall(self.mapping, keys)
        begun = self.windows["salesforce"].until.strftime("%Y-%m-%dT%H:%M:%SZ")
        now = look(self.sources, self.mapping, keys, ids, recall.ids, self.dead, begun)
        if now.astray.any():
            self.counts.set_aside("astray", keys[now.astray])
            keys = keys[~now.astray]
            recall = self.sources.memory.recall(self.mapping, keys)
        draft = one.merge(self.mapping, now.platform, now.salesforce, recall, keys, self.digest)
        segment = one.segment(draft, recall, self.links, self.sizes, self.digest)
        self.tally.add(draft, segment)
        self.counts.add(draft, segment, recall)
        for side in self.sources.sides:
            self.sizes.changed[side] += count.changed(draft, segment, side)
        return segment

    # -- the result --

    def _plan(self, segments: int) -> MappingPlan:
        return MappingPlan(
            columns=self.mapping.columns,
            digest=self.mapping.digest,
            generation=self.sources.generation(self.mapping.name),
            windows={},
            read={n: self.tally.read[n] for n in ("platform", "salesforce")},
            salesforce=self.tally.count("salesforce"),
            platform=self.tally.count("platform"),
            conflicts=self.tally.conflicts,
            segments=segments,
            lanes=dict(self.tally.lanes),
            resolved=self.tally.resolved,
            nameless=dict(self.tally.nameless),
        )

    def findings(self) -> list[Finding]:
        """Guards, and what is left alone."""
        name, part = self.mapping.name, self.counts.part
        return [
            *guard.check(self.mapping, self.sizes),
            *sayings.nameless(self.mapping, self.tally.nameless["salesforce"]),
            *sayings.strangers(name, part.found["stranger"]),
            *sayings.vanished(name, part.found["vanished"]),
            *sayings.unkeyed(name, self.sources.salesforce.unkeyed.get(name, 0)),
            *_twins(self.mapping, part.twins["salesforce"]),
            *_astray(self.mapping, part.astray),
        ]


def _twins(mapping: Mapping, keys: int) -> list[Finding]:
    if not keys:
        return []
    text = f"{keys:,} {mapping.name} keys belong to several records in Salesforce; those were left alone"
    step = f"Merge them in Salesforce, and make {mapping.salesforce.key} unique."
    return [Finding("TWINS", text, mapping=mapping.name, next_step=step)]


def _astray(mapping: Mapping, records: int) -> list[Finding]:
    if not records:
        return []
    text = f"{records:,} {mapping.name} records live in Salesforce under another key or record type; left alone"
    step = f"Look at their {mapping.salesforce.key} and record type: sfsync explain {mapping.name} KEY"
    return [Finding("ASTRAY", text, mapping=mapping.name, next_step=step)]
