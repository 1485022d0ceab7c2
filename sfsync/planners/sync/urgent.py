"""The plan of a run whose budget does not reach for a whole one: compliance flags, and nothing else.

Finding them costs no API call: the platform's window is read, and cells of the compliance lane that differ from what
both sides last agreed on are of interest. Only those records are then read in Salesforce and merged as in any plan.
Windows do not move, so the next run sees everything again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import UPDATE, BaseRows, Count, Header, MappingPlan, Segment, WindowNote
from sfsync.planners.sync import bucket as one
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.make import Sources
from sfsync.planners.sync.sayings import note
from sfsync.sides.side import TEXT, Finding, Records, Window

LANE = "compliance"
TOGETHER = 10_000  # records merged at a time


def make(sources: Sources, folder: PlanFolder) -> Header:
    """Plans the compliance changes of all mappings of ``sources``; reads only. No change at all is an empty plan."""
    links = Links(sources.memory, sources.users)
    parts: dict[str, MappingPlan] = {}
    findings: list[Finding] = []
    for mapping in sources.mappings.values():
        if any(f.lane == LANE for f in mapping.synced):
            parts[mapping.name], found = _plan(sources, mapping, links, folder)
            findings += found
    header = Header(
        kind=LANE,
        as_of=sources.as_of,
        platform=sources.platform.identity(),
        org=sources.salesforce.identity(),
        order=tuple(parts),
        mappings=parts,
        findings=[note(f) for f in findings],
    )
    return folder.finish(header)


def _plan(sources: Sources, mapping: Mapping, links: Links, folder: PlanFolder) -> tuple[MappingPlan, list[Finding]]:
    window = sources.platform.window(mapping, sources.watermark(mapping.name, "platform"))
    sizes = guard.Sizes(base=sources.memory.size(mapping))
    keys = _differing(sources, mapping, window)
    segments = 0
    for start in range(0, len(keys), TOGETHER):
        segment = _segment(sources, mapping, links, keys[start : start + TOGETHER])
        sizes.changed["salesforce"] += len(segment.changes)
        if len(segment.changes):
            folder.add(segments, segment)
            segments += 1
    count = sizes.changed["salesforce"]
    part = MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=sources.generation(mapping.name),
        windows={"platform": WindowNote(since=window.since, until=window.until)},
        read={"platform": count, "salesforce": 0},
        salesforce=Count(updated=count),
        platform=Count(),
        conflicts=0,
        segments=segments,
        lanes={LANE: count} if count else {},
        sent={f"{LANE} {UPDATE}": count} if count else {},
    )
    return part, guard.check(mapping, sizes)


def _differing(sources: Sources, mapping: Mapping, window: Window) -> pd.Index:
    """Keys of records both sides know, of which a compliance cell is not what they last agreed on."""
    waiting = pd.Index(sources.memory.open_keys(mapping), dtype=TEXT, name="key")
    found: list[pd.Index] = []
    for records in _records(sources, mapping, window, waiting):
        keys = records.values.index
        recall = sources.memory.recall(mapping, keys)
        urgent = np.array([f.lane == LANE and f.name in records.observed for f in mapping.synced])
        now = sources.digest(mapping)(records.values[list(mapping.columns)])
        differs = ((now != recall.digests) & urgent).any(axis=1)
        known = (recall.ids.notna() & recall.state.eq("synced").fillna(False)).to_numpy(bool)
        found.append(keys[differs & known])
    empty = pd.Index([], dtype=TEXT, name="key")
    return empty.append(found).unique().sort_values()


def _records(sources: Sources, mapping: Mapping, window: Window, waiting: pd.Index) -> Iterator[Records]:
    """What the window delivers, and what an earlier run left waiting."""
    for records in chain(sources.platform.changes(mapping, window), [sources.platform.fetch(mapping, waiting)]):
        if len(records):
            yield records


def _segment(sources: Sources, mapping: Mapping, links: Links, keys: pd.Index) -> Segment:
    """These records merged as in any plan; of what would be written only the compliance lane is kept."""
    digest, recall = sources.digest(mapping), sources.memory.recall(mapping, keys)
    platform = sources.platform.fetch(mapping, keys)
    salesforce = sources.salesforce.fetch(mapping, keys, recall.ids.dropna())
    draft = one.merge(mapping, platform, salesforce, recall, keys, digest)
    segment = one.segment(draft, recall, links, guard.Sizes(), digest)
    none = np.zeros(len(segment.base), bool)
    return replace(
        segment,
        changes=segment.changes.select(side="salesforce", lane=LANE),
        base=BaseRows(segment.base.keys[none], segment.base.digests[none], segment.base.meta[none]),
        issues=segment.issues.iloc[:0],
        issue_digests=segment.issue_digests[:0],
    )
