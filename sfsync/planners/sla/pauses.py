"""Pauses: clocks keep the running time they have left, and get it back at the resume (policy C.4).

Waiting for the requester stops MIT, RES, NU and the ladder ("halted"). A declared force majeure stops FR and PIR too
("frozen"). Overlapping reasons are one pause.
"""

from __future__ import annotations

import numpy as np

from sfsync.planners.sla import ladder, running
from sfsync.planners.sla.state import Standing, calendar
from sfsync.planners.sla.words import FOREVER, FR, L2, L3, L4, MIT, NONE, NU, PIR, PREALERT, RES, State


def settle(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """Starts and ends pauses as the cases' state now wants it."""
    majeure = (s.majeure[rows] > 0) & ~s.figures.immune[s.path[rows]]
    wanted, is_so = s.open[rows] & (s.waiting[rows] | majeure), s.halted[rows]
    for change, mask in ((halt, wanted & ~is_so), (release, is_so & ~wanted)):
        if mask.any():
            change(s, rows[mask], at[mask])
    is_so = s.frozen[rows]
    for change, mask in ((_freeze, majeure & ~is_so), (_thaw, is_so & ~majeure)):
        if mask.any():
            change(s, rows[mask], at[mask])


def halt(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """MIT, RES, NU and the ladder stop. What falls due at this very instant is not held back."""
    s.halted[rows], s.halted_at[rows] = True, at
    for clock in (MIT, RES, NU):
        _pause(s, clock, rows, at)
    for rung in (PREALERT, L2, L3, L4):
        ahead = ~s.reached[rung, rows] & (s.rung[rung, rows] != NONE)
        some = rows[ahead]
        left = running.between(s.figures, s.cal[RES, some], at[ahead], s.rung[rung, some])
        s.rung_left[rung, some], s.rung[rung, some] = left, NONE


def _pause(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray) -> None:
    held = (s.status[clock, rows] == State.RUNNING) & (s.due[clock, rows] > at)
    some = rows[held]
    s.left[clock, some] = running.between(s.figures, s.cal[clock, some], at[held], s.due[clock, some])
    s.status[clock, some] = State.PAUSED


def release(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """They go on; a new interval begins for NU, unless the pause had no length."""
    pending = s.mitigated[rows] & (s.raised[RES, rows] != NONE)
    for clock in (MIT, RES):
        _resume(s, clock, rows, at)
    _next_update(s, rows, at)
    for rung in (PREALERT, L2, L3, L4):
        ahead = s.rung_left[rung, rows] != NONE
        some = rows[ahead]
        s.rung[rung, some] = running.add(s.figures, calendar(s, RES, some), at[ahead], s.rung_left[rung, some])
        s.rung_left[rung, some] = NONE
    since = s.halted_at[rows]
    for number in range(len(s.figures.calendars)):
        of = np.full(len(rows), number, np.int8)
        s.paused[number, rows] += running.between(s.figures, of, since, at)
    s.paused_us[rows] += at - since
    s.past.append((rows, since, at))
    s.halted[rows], s.halted_at[rows] = False, NONE
    if pending.any():
        ladder.after_mitigation(s, rows[pending], at[pending])


def _resume(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray) -> None:
    """due = resume + what was left; if the case was raised meanwhile, its new target from here where that is sooner."""
    held = s.status[clock, rows] == State.PAUSED
    some, now = rows[held], at[held]
    s.status[clock, some] = State.RUNNING
    known = s.left[clock, some] != FOREVER
    mine = some[known]
    s.due[clock, mine] = running.add(s.figures, s.cal[clock, mine], now[known], s.left[clock, mine])
    raised = s.raised[clock, some] != NONE
    if raised.any():
        _sooner(s, clock, some[raised], now[raised], known[raised])


def _sooner(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray, known: np.ndarray) -> None:
    cal = s.raised_cal[clock, rows]
    new = running.add(s.figures, cal, at, s.raised[clock, rows])
    due = np.where(known, np.minimum(s.due[clock, rows], new), new)
    s.due[clock, rows], s.cal[clock, rows], s.raised[clock, rows] = due, cal, NONE
    s.total[clock, rows] = running.between(s.figures, cal, at, due)


def _next_update(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    held = s.status[NU, rows] == State.PAUSED
    s.status[NU, rows[held]] = State.RUNNING
    long = held & (at > s.halted_at[rows])
    if long.any():
        count_from(s, rows[long], at[long])
    short = held & ~long  # a raise of that very instant counts all the same
    if short.any():
        some = rows[short]
        new = running.add(s.figures, s.cal[NU, some], at[short], s.total[NU, some])
        s.due[NU, some] = np.minimum(s.due[NU, some], new)


def count_from(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """The next update is due one interval after ``at``."""
    s.due[NU, rows] = running.add(s.figures, s.cal[NU, rows], at, s.total[NU, rows])
    s.update_at[rows] = at


def _freeze(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    s.frozen[rows], s.frozen_at[rows] = True, at
    for clock in (FR, PIR):
        _pause(s, clock, rows, at)


def _thaw(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    s.frozen[rows], s.frozen_at[rows] = False, NONE
    for clock in (FR, PIR):
        _resume(s, clock, rows, at)
