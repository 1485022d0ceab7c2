"""Time passes: dues are missed, rungs are reached, pauses come to their limit."""

from __future__ import annotations

import numpy as np

from sfsync.planners.sla import ladder, pauses, running
from sfsync.planners.sla.state import Standing
from sfsync.planners.sla.words import FR, MIT, NONE, NU, PIR, RES, Reason, State

MISSED_UPDATES = 3  # the third missed update of an episode raises the level (policy C.5.3)


def advance(s: Standing, rows: np.ndarray, to: np.ndarray, resumes: np.ndarray) -> None:
    """All that happens by time alone until ``to``; a pause whose limit is ``to`` itself ends if ``resumes``."""
    limit = s.waiting_until[rows]
    over = s.waiting[rows] & ((limit < to) | (resumes & (limit == to)))
    if over.any():
        some, end = rows[over], limit[over]
        _pass(s, some, end)
        s.waiting[some], s.resumed_by_limit[some] = False, end
        pauses.settle(s, some, end)
    _pass(s, rows, to)


def _pass(s: Standing, rows: np.ndarray, to: np.ndarray) -> None:
    for clock in (FR, MIT, RES, PIR):
        due = s.due[clock, rows]
        late = (s.status[clock, rows] == State.RUNNING) & (due < to) & (s.breached[clock, rows] == NONE)
        if late.any():
            s.breached[clock, rows[late]] = due[late]
    miss_updates(s, rows, to)
    ladder.climb(s, rows, to)


def miss_updates(s: Standing, rows: np.ndarray, to: np.ndarray) -> None:
    """Each due before ``to`` is one breach, and the next is one interval later: all of them at once."""
    late = (s.status[NU, rows] == State.RUNNING) & (s.due[NU, rows] < to)
    rows, to = rows[late], to[late]
    if not len(rows):
        return
    f, cal, every = s.figures, s.cal[NU, rows], s.total[NU, rows]
    first = running.running(f, cal, s.due[NU, rows])
    count = (running.running(f, cal, to) - first) // every + 1
    count -= running.instant(f, cal, first + (count - 1) * every) >= to  # due now is not missed yet
    halted = s.halted[rows]  # it fell due at the instant the pause began
    count = np.where(halted, 1, count)
    last = running.instant(f, cal, first + (count - 1) * every)
    third = MISSED_UPDATES - 1 - s.updates_missed[rows]
    rising = (third >= 0) & (third < count)
    s.breached[NU, rows] = s.update_at[rows] = last
    s.due[NU, rows] = running.instant(f, cal, first + count * every)
    s.updates_missed[rows] += count
    s.updates_due[rows] += count
    s.status[NU, rows[halted]] = State.PAUSED
    if rising.any():
        at = running.instant(f, cal[rising], (first + third * every)[rising])
        ladder.rise(s, rows[rising], at, Reason.UPDATES_MISSED)
