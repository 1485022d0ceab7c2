"""How many API calls writing a plan will take, before its first write. Pure: the plan's header and the org's rates.

The rates are the org side's own (``Org.cost``), so a forecast changes when the way of writing does. Rows refused for a
lock, rows that moved and jobs that take long cost more than this; results that need not be read cost less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.plan.model import Header, MappingPlan
from sfsync.plan.walk import TOGETHER_ROWS

Cost = Callable[[Mapping, str, int], dict[str, int]]  # mapping, kind, rows of one batch -> calls by way
Forecast = dict[str, dict[str, dict[str, int]]]


def forecast(header: Header, mappings: dict[str, Mapping], cost: Cost) -> Forecast:
    """Calls by mapping, lane and way: ``check`` (compare-and-set), ``collections``, ``bulk``, ``settle`` (read back).

    Mappings and lanes that write nothing to Salesforce are left out.
    """
    found: Forecast = {}
    for name, part in header.mappings.items():
        for sent, rows in part.sent.items():
            lane, _, kind = sent.partition(" ")
            calls = Counter(found.setdefault(name, {}).get(lane, {}))
            for size in _batches(part, rows):
                calls.update(cost(mappings[name], kind, size))
            found[name][lane] = dict(calls)
    return found


def sent(rows: pd.DataFrame) -> dict[str, int]:
    """Changes to Salesforce by "lane kind", of ``Changes.rows``: what a forecast is made from."""
    mine = rows[rows["side"] == "salesforce"]
    return {str(k): int(v) for k, v in (mine["lane"] + " " + mine["kind"]).value_counts().sort_index().items()}


def total(found: Forecast) -> int:
    """All calls of a forecast."""
    return sum(calls for lanes in found.values() for ways in lanes.values() for calls in ways.values())


def _batches(part: MappingPlan, rows: int) -> Iterator[int]:
    """Sizes of the batches ``walk`` makes of so many rows, if they are spread evenly over the segments."""
    segment = max(1, -(-rows // max(part.segments, 1)))
    size = max(segment, -(-TOGETHER_ROWS // segment) * segment) if rows > TOGETHER_ROWS else rows
    while rows > 0:
        yield min(size, rows)
        rows -= size
