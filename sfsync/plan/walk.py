"""The order in which a plan is written.

Compliance flags of all mappings first, then everything else parents before children, then the links of cycles.
Within a mapping Salesforce comes before the platform: a record born there gets its key before it gets a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import ADOPT, CREATE, DELETE, LANES, UPDATE, Changes, Segment

STEPS = (
    ("salesforce", ADOPT),
    ("salesforce", UPDATE),
    ("salesforce", CREATE),
    ("platform", UPDATE),
    ("platform", CREATE),
    ("platform", DELETE),
    ("salesforce", DELETE),
)


@dataclass(frozen=True)
class Remember:
    """A segment's agreements: nothing to write but to the ledger."""

    mapping: str
    segment: Segment


@dataclass(frozen=True)
class Issues:
    """What a segment cannot write, noted after what it could: a written record loses its old issues first."""

    mapping: str
    segment: Segment


@dataclass(frozen=True)
class Batch:
    """Changes of one kind on one side of one mapping: one intent, one call of the side."""

    mapping: str
    side: str
    kind: str
    lane: str
    changes: Changes


def walk(folder: PlanFolder, rows: dict[str, int]) -> Iterator[Remember | Batch | Issues]:
    """Everything to be done, in order. ``rows``: per side, how many rows a batch may have."""
    assert folder.header is not None
    for lane in LANES:
        for name in folder.header.order:
            if lane != "main" and not folder.header.mappings[name].lanes.get(lane):
                continue
            for segment in folder.segments(name):
                if lane == "main":
                    yield Remember(name, segment)
                yield from _batches(name, segment.changes.select(lane=lane), lane, rows)
                if lane == "main":
                    yield Issues(name, segment)


def _batches(name: str, changes: Changes, lane: str, rows: dict[str, int]) -> Iterator[Batch]:
    for side, kind in STEPS:
        chosen = changes.select(side=side, kind=kind)
        for start in range(0, len(chosen), rows[side]):
            mask = np.zeros(len(chosen), bool)
            mask[start : start + rows[side]] = True
            yield Batch(name, side, kind, lane, chosen.take(mask))
