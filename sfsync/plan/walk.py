"""The order in which a plan is written.

Compliance flags of all mappings first, then everything else parents before children, then the links of cycles.
Within a mapping Salesforce comes before the platform: a record born there gets its key before it gets a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import ADOPT, CREATE, DELETE, LANES, UPDATE, Changes, Segment, join

STEPS = (
    ("salesforce", ADOPT),
    ("salesforce", UPDATE),
    ("salesforce", CREATE),
    ("platform", UPDATE),
    ("platform", CREATE),
    ("platform", DELETE),
    ("salesforce", DELETE),
)

TOGETHER_ROWS = 16_000


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
    """Changes of one kind on one side of one mapping: one intent, one call of the side.

    ``fresh``: what they change was read a moment ago, not when a plan was made.
    """

    mapping: str
    side: str
    kind: str
    lane: str
    changes: Changes
    fresh: bool = False


def walk(folder: PlanFolder, rows: dict[str, int]) -> Iterator[Remember | Batch | Issues]:
    """Everything to be done, in order. ``rows``: per side, how many rows a batch may have.

    Small segments are written together: a hundred changes in twelve segments are one batch, not twelve.
    """
    assert folder.header is not None
    for lane in LANES:
        for name in folder.header.order:
            if lane == "main" or folder.header.mappings[name].lanes.get(lane):
                yield from _lane(folder, name, lane, rows)


def _lane(folder: PlanFolder, name: str, lane: str, rows: dict[str, int]) -> Iterator[Remember | Batch | Issues]:
    together: list[Segment] = []
    for segment in folder.segments(name):
        if lane == "main":
            yield Remember(name, segment)
        together.append(replace(segment, changes=segment.changes.select(lane=lane)))
        if sum(len(s.changes) for s in together) >= TOGETHER_ROWS:
            yield from _written(name, lane, together, rows)
            together = []
    yield from _written(name, lane, together, rows)


def _written(name: str, lane: str, segments: list[Segment], rows: dict[str, int]) -> Iterator[Batch | Issues]:
    if not segments:
        return
    columns = tuple(segments[0].changes.after.columns)
    yield from _batches(name, join(columns, [s.changes for s in segments]), lane, rows)
    if lane == "main":
        for segment in segments:
            yield Issues(name, segment)


def _batches(name: str, changes: Changes, lane: str, rows: dict[str, int]) -> Iterator[Batch]:
    sides, kinds = (set(changes.rows[name].unique()) for name in ("side", "kind"))
    for side, kind in STEPS:
        if side not in sides or kind not in kinds:
            continue
        chosen = changes.select(side=side, kind=kind)
        for start in range(0, len(chosen), rows[side]):
            mask = np.zeros(len(chosen), bool)
            mask[start : start + rows[side]] = True
            yield Batch(name, side, kind, lane, chosen.take(mask))
