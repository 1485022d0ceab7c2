"""The sweep's plan: the computed fields that differ from what both sides hold, and the rungs that fire now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping as SyncMapping
from sfsync.plan.model import ISSUE_COLUMNS, UPDATE, BaseRows, Cause, Changes, Segment
from sfsync.planners.sla import values as fields
from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.trace import Trace
from sfsync.planners.sla.variant import QUEUE
from sfsync.planners.sla.words import NONE, RUNGS, Reason
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records

RESUMED = "resumed"  # a pause came to its limit: its owner gets a task
Fired = Callable[[], set[tuple[str, int, str]]]


@dataclass(frozen=True)
class Sweep:
    """What the sweep found out about some cases.

    wanted   frame of the computed fields, in the order of ``trace.rows``
    rungs    frame case_id, episode, rung, key, path, reason, reached_at, silent: reached and not fired before
    """

    trace: Trace
    result: Result
    wanted: pd.DataFrame
    rungs: pd.DataFrame


def sweep(trace: Trace, result: Result, figures: Figures, fired: set[tuple[str, int, str]], as_of: int) -> Sweep:
    """Compares what the clocks say with the rungs that have fired."""
    hold = trace.rows["hold"].fillna(False).to_numpy(bool)
    wanted = fields.values(result, figures, hold, as_of)
    return Sweep(trace, result, wanted, _rungs(trace, result, figures, fired))


def _rungs(trace: Trace, result: Result, figures: Figures, fired: set[tuple[str, int, str]]) -> pd.DataFrame:
    parts = []
    for number, name in enumerate(RUNGS):
        rows = np.flatnonzero(result.reached[:, number])
        reasons = [Reason(r).name for r in result.rung_reason[rows, number]]
        parts.append(_fires(trace, result, figures, rows, name, result.rungs[rows, number], reasons))
    rows = np.flatnonzero(result.resumed_by_limit != NONE)
    parts.append(_fires(trace, result, figures, rows, RESUMED, result.resumed_by_limit[rows], ["LIMIT"] * len(rows)))
    found = pd.concat(parts, ignore_index=True)
    known = [key in fired for key in zip(found["case_id"], found["episode"], found["rung"], strict=True)]
    return found[~np.array(known, bool)].reset_index(drop=True)


def _fires(
    trace: Trace, result: Result, figures: Figures, rows: np.ndarray, name: str, at: np.ndarray, reasons: list[str]
) -> pd.DataFrame:
    """``silent``: the case is over; what it went through is recorded, but nobody is called any more."""
    return pd.DataFrame(
        {
            "case_id": trace.rows["id"].to_numpy(object)[rows],
            "episode": result.episode[rows].astype(int),
            "rung": name,
            "key": trace.rows["key"].to_numpy(object)[rows],
            "path": [figures.paths[p] for p in result.path[rows]],
            "reason": reasons,
            "reached_at": list(walltime.texts(at)),
            "silent": ~result.open[rows],
        }
    )


def owners(swept: Sweep, figures: Figures, queues: Mapping[str, str], outside: set[tuple[str, int]]) -> pd.Series:
    """The queue id each case goes to now (null: it stays): that of its level, when a rung of this level fires.

    Not where the level is outside the company, and not where compliance holds the case.
    """
    rows = swept.trace.rows
    made = pd.Series([None] * len(rows), dtype=object)
    new = set(zip(swept.rungs["case_id"], swept.rungs["rung"], strict=True))
    held = (swept.wanted["compliance_hold"] == "true").to_numpy(bool) | ~swept.result.open
    for i, (case_id, level, path) in enumerate(zip(rows["id"], swept.result.level, swept.result.path, strict=True)):
        stays = level < 2 or (case_id, f"L{level}") not in new or (figures.paths[path], int(level)) in outside
        if not stays and not held[i]:
            made[i] = queues.get(figures.owner_of(int(path), int(level)))
    return made.astype(TEXT)


def segment(mapping: SyncMapping, side: str, swept: Sweep, wanted: pd.DataFrame, now: Records) -> Segment:
    """Updates of one side: the cells of ``wanted`` (in the order of the cases) that differ from ``now``."""
    keys = pd.Index(swept.trace.rows["key"], dtype=TEXT, name="key")
    here = columns.within(keys, now.values.index)
    keys, wanted = keys[here], wanted[here].set_axis(keys[here])
    held, meta = columns.aligned(now.values, keys), now.meta.loc[keys]
    names = list(mapping.columns)
    after = wanted.reindex(columns=names).astype(TEXT)
    seen = np.array([n in now.observed and n in wanted.columns for n in names])
    mask = ~columns.equal(after, held[names]) & seen
    if QUEUE in names:  # an owner is only written where somebody is called
        mask[:, names.index(QUEUE)] &= after[QUEUE].notna().to_numpy(bool)
    rows = mask.any(axis=1)
    return Segment(
        mapping.name,
        _changes(side, keys[rows], after[rows], held[rows], meta[rows], mask[rows]),
        _none(names),
        _no_issues(),
        np.zeros((0, 2), np.uint64),
    )


def _changes(
    side: str, keys: pd.Index, after: pd.DataFrame, before: pd.DataFrame, meta: pd.DataFrame, mask: np.ndarray
) -> Changes:
    n = len(keys)
    rows = pd.DataFrame(
        {
            "key": keys.array,
            "side": side,
            "kind": UPDATE,
            "lane": "main",
            "id": meta["id"].array,
            "stamp": meta["stamp"].array,
        },
        index=pd.RangeIndex(n),
    ).astype(TEXT)
    return Changes(
        rows,
        columns.masked(after.reset_index(drop=True), mask),
        columns.masked(before.reset_index(drop=True), mask),
        np.where(mask, Cause.NEW, 0).astype(np.int8),
    )


def _none(names: list[str]) -> BaseRows:
    meta = columns.empty(("id", "salesforce_stamp", "platform_stamp", "state", "survivor"), pd.RangeIndex(0))
    return BaseRows(pd.Index([], dtype=TEXT, name="key"), np.zeros((0, len(names)), np.uint64), meta)


def _no_issues() -> pd.DataFrame:
    return columns.empty(ISSUE_COLUMNS, pd.RangeIndex(0))
