"""Shadow mode: our clocks beside the milestones of Salesforce, and where they differ (policy C.11). Whole columns.

Milestones count in whole minutes, and by business hours and holidays of the org: differences are told, not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.trace import Trace, micros
from sfsync.planners.sla.words import CLOCKS, NONE, SECOND, State

DUE = "due differs"
VIOLATED_HERE, VIOLATED_THERE = "violated here, not there", "violated there, not here"
STOPPED_HERE, STOPPED_THERE = "stopped here, open there", "completed there, open here"
CANCELLED_HERE, NO_CLOCK = "cancelled here, open there", "no such clock here"
KINDS = (DUE, VIOLATED_HERE, VIOLATED_THERE, STOPPED_HERE, STOPPED_THERE, CANCELLED_HERE, NO_CLOCK)
COLUMNS = ("key", "case_id", "milestone_id", "milestone", "clock", "difference", "here", "there", "seconds")


@dataclass(frozen=True)
class Compared:
    """Some milestones beside their clocks.

    ids          of the milestones that were compared; agreeing: how many of them have no difference
    differences  frame of ``COLUMNS``: here, there are instants or words; seconds: how much later we are
    stopped      text by milestone id: when the clocks of open milestones have stopped
    """

    ids: list[str]
    agreeing: int
    differences: pd.DataFrame
    stopped: pd.Series


@dataclass(frozen=True)
class _Pairs:
    """Milestones and the cells of the result they belong to."""

    rows: pd.DataFrame
    state: np.ndarray
    due: np.ndarray
    stopped: np.ndarray
    breached: np.ndarray
    gone: np.ndarray  # bool: the case was cancelled before the clock stopped

    @property
    def running(self) -> np.ndarray:
        """bool: the promise is still to be kept, be it late or paused."""
        going = np.isin(self.state, (State.RUNNING, State.PAUSED, State.BREACHED))
        found: np.ndarray = going & (self.stopped == NONE) & ~self.gone
        return found


def last_ones(milestones: pd.DataFrame) -> pd.DataFrame:
    """One milestone per case and name: where it recurs, the one that started last."""
    ordered = milestones.sort_values(["case_id", "name", "start", "id"], kind="stable", na_position="first")
    return ordered.drop_duplicates(["case_id", "name"], keep="last")


def compare(milestones: pd.DataFrame, trace: Trace, result: Result, clocks: Mapping[str, str]) -> Compared:
    """Milestones (``sides.salesforce.milestones.read``) beside the clocks of their cases.

    ``clocks``: milestone name -> clock. Milestones of other names, and of cases that are not in ``trace``, are left
    out.
    """
    pairs = _pairs(milestones, trace, result, clocks)
    parts = [_different(pairs, kind) for kind in KINDS]
    found = pd.concat(parts, ignore_index=True).sort_values(["key", "milestone"], kind="stable", ignore_index=True)
    over = _stopped_here(pairs)
    ids = pd.Index(pairs.rows["id"][over], name="key")
    stopped = pd.Series(list(walltime.texts(_whole(pairs.stopped[over]))), index=ids, dtype=object)
    agreeing = len(pairs.rows) - found["milestone_id"].nunique()
    return Compared(pairs.rows["id"].tolist(), agreeing, found, stopped)


def _pairs(milestones: pd.DataFrame, trace: Trace, result: Result, clocks: Mapping[str, str]) -> _Pairs:
    place = pd.Series(np.arange(len(trace.rows)), index=trace.rows["id"])
    some = milestones["case_id"].isin(place.index) & milestones["name"].isin(list(clocks))
    rows = last_ones(milestones[some])
    case = rows["case_id"].map(place).to_numpy(np.int64)
    number = rows["name"].map({name: CLOCKS.index(clock) for name, clock in clocks.items()}).to_numpy(np.int64)
    keys = trace.rows["key"].to_numpy(object)[case]
    named = rows.assign(key=keys, clock=np.array(CLOCKS, object)[number]).reset_index(drop=True)
    state, stopped = result.state[case, number], result.stopped[case, number]
    over = ~result.open[case] & (result.resolved_at[case] == NONE) & (stopped == NONE)
    gone = (state == State.CANCELLED) | (over & (state == State.BREACHED))
    return _Pairs(named, state, result.due[case, number], stopped, result.breached[case, number], gone)


def _whole(at: np.ndarray) -> np.ndarray:
    """Salesforce keeps whole seconds of what we write and show."""
    return np.where(at == NONE, NONE, at // SECOND * SECOND)


# -- differences: which milestones, and what stands on both sides --


def _due(p: _Pairs) -> np.ndarray:
    return (p.due != NONE) & (_target(p) != NONE) & (_later(p) != 0)


def _target(p: _Pairs) -> np.ndarray:
    return _whole(micros(p.rows["target"]))


def _later(p: _Pairs) -> np.ndarray:
    """Seconds by which our due is later."""
    return (_whole(p.due) - _target(p)) // SECOND


def _violated_here(p: _Pairs) -> np.ndarray:
    return (p.breached != NONE) & ~_violated_in_org(p)


def _violated_there(p: _Pairs) -> np.ndarray:
    return (p.breached == NONE) & (p.state != State.NA) & _violated_in_org(p)


def _violated_in_org(p: _Pairs) -> np.ndarray:
    return p.rows["is_violated"].to_numpy(bool)


def _open_there(p: _Pairs) -> np.ndarray:
    return ~p.rows["is_completed"].to_numpy(bool)


def _stopped_here(p: _Pairs) -> np.ndarray:
    return (p.stopped != NONE) & _open_there(p)


def _stopped_there(p: _Pairs) -> np.ndarray:
    return p.running & ~_open_there(p)


def _cancelled_here(p: _Pairs) -> np.ndarray:
    return p.gone & _open_there(p)


def _no_clock(p: _Pairs) -> np.ndarray:
    return p.state == State.NA


_WHICH: dict[str, Callable[[_Pairs], np.ndarray]] = {
    DUE: _due,
    VIOLATED_HERE: _violated_here,
    VIOLATED_THERE: _violated_there,
    STOPPED_HERE: _stopped_here,
    STOPPED_THERE: _stopped_there,
    CANCELLED_HERE: _cancelled_here,
    NO_CLOCK: _no_clock,
}


def _different(pairs: _Pairs, kind: str) -> pd.DataFrame:
    mine = np.flatnonzero(_WHICH[kind](pairs))
    rows = pairs.rows.iloc[mine]
    here, there = (np.array(side, object)[mine] for side in _sides(pairs, kind))
    seconds = _later(pairs)[mine].tolist() if kind == DUE else [None] * len(mine)
    return pd.DataFrame(
        {
            "key": rows["key"].to_numpy(object),
            "case_id": rows["case_id"].to_numpy(object),
            "milestone_id": rows["id"].to_numpy(object),
            "milestone": rows["name"].to_numpy(object),
            "clock": rows["clock"].to_numpy(object),
            "difference": kind,
            "here": here,
            "there": there,
            "seconds": seconds,
        },
        dtype=object,
    )


def _sides(p: _Pairs, kind: str) -> tuple[list[str | None], list[str | None]]:
    """What to show of both sides: the instants that differ, or the other side's word where it has none."""
    count = len(p.rows)
    due, target = list(walltime.texts(_whole(p.due))), list(walltime.texts(_target(p)))
    if kind in (DUE, VIOLATED_THERE):
        return due, target
    if kind == VIOLATED_HERE:
        return list(walltime.texts(_whole(p.breached))), target
    if kind == STOPPED_HERE:
        return list(walltime.texts(_whole(p.stopped))), ["open"] * count
    if kind == STOPPED_THERE:
        return ["open"] * count, list(walltime.texts(_whole(micros(p.rows["completed"]))))
    word = "cancelled" if kind == CANCELLED_HERE else "none"
    return [word] * count, ["open" if one else "completed" for one in _open_there(p)]
