"""The ladder of escalation: rungs are placed, reached, and never given back inside an episode (policy C.5.1)."""

from __future__ import annotations

import numpy as np

from sfsync.planners.sla import running
from sfsync.planners.sla.state import Standing, calendar
from sfsync.planners.sla.words import L2, L3, L4, NONE, PREALERT, RES, SECOND, Reason, State

TOP = 4  # the highest level
AFTER_MITIGATION_PCT = 75  # where L3 stands once a case is mitigated, in percent of RES (rule E3)


def share(length: np.ndarray, percent: int) -> np.ndarray:
    """That percentage of a time, rounded up to the whole second (policy C.12)."""
    return -(-(length * percent) // (100 * SECOND)) * SECOND


def lay(s: Standing, rows: np.ndarray, at: np.ndarray, used: np.ndarray) -> None:
    """Places the rungs of the present tier and priority, ``used`` running time after their start; at ``at``."""
    f, tier, priority = s.figures, s.tier[rows], s.priority[rows]
    _place(s, PREALERT, rows, at, f.prealert[tier, priority], used)
    for rung in (L2, L3, L4):
        _place(s, rung, rows, at, f.rung[tier, priority, rung - 1], used)


def after_mitigation(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """Replaces the rungs not reached yet by L3 and L4 at percentages of the RES time in force (rule E3)."""
    total = s.total[RES, rows]
    paused = s.status[RES, rows] == State.PAUSED
    left = np.where(paused, s.left[RES, rows], running.between(s.figures, s.cal[RES, rows], at, s.due[RES, rows]))
    used = total - left
    unsure = paused & (s.raised[RES, rows] != NONE)  # what is in force shows at the resume
    none = np.zeros(len(rows), np.int64)
    _place(s, PREALERT, rows, at, none, used)
    _place(s, L2, rows, at, none, used)
    _place(s, L3, rows, at, np.where(unsure, 0, np.maximum(share(total, AFTER_MITIGATION_PCT), 1)), used)
    top = s.figures.rung[s.tier[rows], s.priority[rows], L4 - 1] > 0
    _place(s, L4, rows, at, np.where(unsure | ~top, 0, np.maximum(total, 1)), used)


def _place(s: Standing, rung: int, rows: np.ndarray, at: np.ndarray, length: np.ndarray, used: np.ndarray) -> None:
    """One rung ``length`` running time from the start (0: there is none). One that has passed is reached now."""
    fresh = ~s.reached[rung, rows]
    if rung == PREALERT:
        fresh &= s.level[rows] == 1  # nobody is warned of what has come
    s.rung[rung, rows[~s.reached[rung, rows]]] = NONE
    s.rung_left[rung, rows] = NONE
    there, ahead = fresh & (length > 0), length - used
    passed = there & (ahead <= 0)
    if passed.any():
        reach(s, rung, rows[passed], at[passed], Reason.TIME)
    coming = there & (ahead > 0)
    halted = coming & s.halted[rows]
    s.rung_left[rung, rows[halted]] = ahead[halted]
    free = coming & ~halted
    if free.any():
        some = rows[free]
        s.rung[rung, some] = running.add(s.figures, calendar(s, RES, some), at[free], ahead[free])


def reach(s: Standing, rung: int, rows: np.ndarray, at: np.ndarray, reason: Reason) -> None:
    """These cases reach the rung, unless they had; the level follows and never falls (rule E2)."""
    new = ~s.reached[rung, rows]
    s.rung[rung, rows[new]], s.reached[rung, rows[new]] = at[new], True
    s.rung_left[rung, rows[new]], s.rung_reason[rung, rows[new]] = NONE, reason
    if rung != PREALERT:
        _lift(s, rows, np.full(len(rows), rung + 1, np.int8), at, reason)


def _lift(s: Standing, rows: np.ndarray, level: np.ndarray, at: np.ndarray, reason: Reason) -> None:
    up = s.level[rows] < level
    some = rows[up]
    s.level[some], s.level_at[some], s.level_reason[some] = level[up], at[up], reason
    late = some[~s.reached[PREALERT, some]]
    s.rung[PREALERT, late] = s.rung_left[PREALERT, late] = NONE


def climb(s: Standing, rows: np.ndarray, to: np.ndarray) -> None:
    """Rungs whose instant has come are reached (rule E1: inclusive)."""
    going = s.open[rows] & ~s.halted[rows]
    for rung in (PREALERT, L2, L3, L4):
        at = s.rung[rung, rows]
        hit = going & (at != NONE) & (at <= to) & ~s.reached[rung, rows]
        if hit.any():
            reach(s, rung, rows[hit], at[hit], Reason.TIME)


def rise(s: Standing, rows: np.ndarray, at: np.ndarray, reason: Reason) -> None:
    """One level up at ``at``, after the rungs of that instant; not beyond the top."""
    climb(s, rows, at)
    for level in range(1, TOP):
        mine = s.level[rows] == level
        if mine.any():
            reach(s, level, rows[mine], at[mine], reason)
            rows, at = rows[~mine], at[~mine]


def begin_again(s: Standing, rows: np.ndarray) -> None:
    """A new episode: no rung is reached; the level stays."""
    for rung in (PREALERT, L2, L3, L4):
        s.reached[rung, rows] = False
        s.rung[rung, rows] = s.rung_left[rung, rows] = NONE
    s.mitigated[rows] = False


def end(s: Standing, rows: np.ndarray) -> None:
    """The ladder stops (rule E8): what was not reached never will be."""
    for rung in (PREALERT, L2, L3, L4):
        ahead = rows[~s.reached[rung, rows]]
        s.rung[rung, ahead] = s.rung_left[rung, ahead] = NONE
