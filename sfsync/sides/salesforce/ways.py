"""From how many rows on which way is taken; the defaults are where the larger way costs fewer calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfsync.sides.salesforce.lanes import Shape


@dataclass(frozen=True)
class Ways:
    """Numbers of rows.

    small_rows   up to here writes go in collections, above it in Bulk jobs
    ranges_from  above this expectation a window is read in ranges, five to a call
    bulk_from    above this a window is read by a Bulk query
    settle_from  above this records just written are read back by a Bulk query
    shape        of a Bulk job: the rows of a batch as the org cuts them, and of a whole job
    """

    small_rows: int = 5_000
    ranges_from: int = 2_000
    bulk_from: int = 20_000
    settle_from: int = 12_000
    shape: Shape = field(default_factory=Shape)
