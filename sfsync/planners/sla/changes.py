"""What a change of priority, tier or category does to the clocks of an open case (policy C.6)."""

from __future__ import annotations

import numpy as np

from sfsync.planners.sla import ladder, pauses, running
from sfsync.planners.sla.advance import miss_updates
from sfsync.planners.sla.state import Standing, calendar, target
from sfsync.planners.sla.words import (
    FOREVER,
    FR,
    L2,
    MINUTE,
    MIT,
    NONE,
    NU,
    P1,
    PARTNER,
    PIR,
    RES,
    Reason,
    State,
    Warned,
)

LATE = 15 * MINUTE  # a priority lowered so shortly before a due is told (W-DOWNGRADE-LATE)


def floor(s: Standing, rows: np.ndarray) -> np.ndarray:
    """The least priority the category of these cases allows, as they are now; words of harm allow P1 only."""
    found: np.ndarray = s.figures.floor[s.tier[rows], s.category[rows], s.incident[rows].astype(np.int64)]
    return np.where(s.harm[rows], P1, found)


def priority(s: Standing, rows: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> None:
    """A new priority; lowering stops at the floor of the category, or where the case stands if that is above it."""
    old = s.priority[rows]
    least = np.minimum(wanted, floor(s, rows))
    new = np.where(wanted < old, least, np.maximum(least, old))
    s.priority[rows] = new
    for change, mask in ((_raised, new < old), (_lowered, new > old)):
        if mask.any():
            change(s, rows[mask], at[mask])


def tier(s: Standing, rows: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> None:
    """A higher tier counts at once; a lower one leaves open cases as they are; from or to PARTNER is no change."""
    old = s.tier[rows]
    up = (wanted > old) & (wanted != PARTNER) & (old != PARTNER)
    rows, at = rows[up], at[up]
    if not len(rows):
        return
    s.tier[rows] = wanted[up]
    _set_path(s, rows, at)
    _sooner(s, FR, rows, at)
    _raised(s, rows, at)


def category(s: Standing, rows: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> None:
    """Another category: its floor may raise the priority; the path changes; the level stays or reaches L2."""
    s.category[rows] = wanted
    _set_path(s, rows, at)
    _to_floor(s, rows, at)


def words(s: Standing, rows: np.ndarray, at: np.ndarray, harm: np.ndarray) -> None:
    """Explicit words call L2 at once; those of harm (bool n) take path ``rg`` and P1, whatever people classify.

    A path of compliance stays: who works there must not be named by a change of it (policy C.7, rule 4).
    """
    some, since = rows[harm], at[harm]
    new = s.harm_at[some] < s.episode_at[some]  # the first of an episode
    s.harm[some], s.harm_at[some[new]] = True, since[new]
    _set_path(s, some, since)
    ladder.reach(s, L2, rows, at, Reason.WORDS)
    _to_floor(s, some, since)


def _to_floor(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    new, old = np.minimum(s.priority[rows], floor(s, rows)), s.priority[rows]
    s.priority[rows] = new
    if (new < old).any():
        _raised(s, rows[new < old], at[new < old])


def _set_path(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    own = s.figures.path[s.tier[rows], s.category[rows]]
    s.path[rows] = np.where(s.harm[rows] & ~s.figures.immune[own], s.figures.harm_path, own)
    now = s.figures.at_once[s.tier[rows], s.category[rows]]
    if now.any():
        ladder.reach(s, L2, rows[now], at[now], Reason.TRIGGER)


# -- more urgent --


def _raised(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """The full new target from here, but never later than what was promised; the ladder begins anew."""
    _sooner(s, MIT, rows, at)
    _sooner(s, RES, rows, at)
    _update_sooner(s, rows, at)
    done = s.mitigated[rows]
    ladder.lay(s, rows[~done], at[~done], np.zeros((~done).sum(), np.int64))
    ladder.after_mitigation(s, rows[done], at[done])


def _sooner(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray) -> None:
    length, cal, status = target(s, clock, rows), calendar(s, clock, rows), s.status[clock, rows]
    going = (status == State.RUNNING) & (length > 0)
    some = rows[going]
    new = running.add(s.figures, cal[going], at[going], length[going])
    s.due[clock, some] = np.minimum(s.due[clock, some], new)
    s.cal[clock, some] = cal[going]
    left = running.between(s.figures, cal[going], at[going], s.due[clock, some])
    s.total[clock, some] = np.maximum(left, 0)
    held = (status == State.PAUSED) & (length > 0)
    s.raised[clock, rows[held]], s.raised_cal[clock, rows[held]] = length[held], cal[held]
    fresh = np.isin(status, (State.NA, State.CANCELLED)) & (length > 0)
    if clock == FR:
        fresh &= ~s.answered[rows]
    if fresh.any():
        start(s, clock, rows[fresh], at[fresh])


def start(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray) -> None:
    """A clock begins with its full target; a breach of before stays, and the new due is there to steer by."""
    length, cal = target(s, clock, rows), calendar(s, clock, rows)
    s.total[clock, rows], s.cal[clock, rows], s.status[clock, rows] = length, cal, State.RUNNING
    held = (s.frozen if clock in (FR, PIR) else s.halted)[rows]
    waits = rows[held]
    s.due[clock, rows] = running.add(s.figures, cal, at, length)
    s.status[clock, waits], s.left[clock, waits] = State.PAUSED, FOREVER
    s.raised[clock, waits], s.raised_cal[clock, waits] = length[held], cal[held]


def _update_sooner(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    s.total[NU, rows], s.cal[NU, rows] = target(s, NU, rows), calendar(s, NU, rows)
    going = s.status[NU, rows] == State.RUNNING
    some = rows[going]
    new = running.add(s.figures, s.cal[NU, some], at[going], s.total[NU, some])
    s.due[NU, some] = np.minimum(s.due[NU, some], new)


# -- less urgent --


def _lowered(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """The full new target from the start with past pauses; MIT ends under P3 and P4; what was breached stays so."""
    _tell_late(s, rows, at)
    _longer(s, RES, rows)
    stays = target(s, MIT, rows) > 0
    _longer(s, MIT, rows[stays])
    ended = rows[~stays]
    going = np.isin(s.status[MIT, ended], (State.RUNNING, State.PAUSED))
    s.status[MIT, ended[going]] = State.CANCELLED
    s.raised[MIT, ended] = NONE
    s.total[NU, rows], s.cal[NU, rows] = target(s, NU, rows), calendar(s, NU, rows)
    free = rows[s.status[NU, rows] == State.RUNNING]
    pauses.count_from(s, free, s.update_at[free])
    s.status[NU, free[s.halted[free]]] = State.PAUSED  # it was due at the instant the pause began
    miss_updates(s, rows, at)
    done, used = s.mitigated[rows], _used(s, rows, at)
    ladder.lay(s, rows[~done], at[~done], used[~done])
    ladder.after_mitigation(s, rows[done], at[done])


def _tell_late(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    late = np.zeros(len(rows), bool)
    for clock in (MIT, RES):
        on = (s.status[clock, rows] == State.RUNNING) & (s.breached[clock, rows] == NONE)
        late |= on & (s.due[clock, rows] - at <= LATE)
    s.warned[rows[late & ~s.halted[rows]]] |= Warned.DOWNGRADE_LATE


def _used(s: Standing, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Running time of this episode until now, on the new RES calendar, without its pauses."""
    cal = calendar(s, RES, rows)
    until = np.where(s.halted[rows], s.halted_at[rows], at)
    return running.between(s.figures, cal, s.episode_at[rows], until) - s.paused[cal, rows]


def _longer(s: Standing, clock: int, rows: np.ndarray) -> None:
    rows = rows[np.isin(s.status[clock, rows], (State.RUNNING, State.PAUSED))]
    length, cal = target(s, clock, rows), calendar(s, clock, rows)
    s.cal[clock, rows], s.total[clock, rows], s.raised[clock, rows] = cal, length, NONE
    due = _from_the_start(s, rows, cal, length)
    holds = s.halted[rows] & (due > s.halted_at[rows])
    some = rows[holds]
    s.left[clock, some] = running.between(s.figures, cal[holds], s.halted_at[some], due[holds])
    s.due[clock, rows] = due
    s.status[clock, rows] = np.where(holds, State.PAUSED, State.RUNNING)


def _from_the_start(s: Standing, rows: np.ndarray, cal: np.ndarray, length: np.ndarray) -> np.ndarray:
    """When so much time has run since the episode began, without its pauses; what lies after it does not count."""
    due = running.add(s.figures, cal, s.episode_at[rows], length)
    place = np.full(s.n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    for paused, since, until in s.past:  # in the order of time, for each case
        mine = np.flatnonzero((place[paused] >= 0) & (since >= s.episode_at[paused]))
        mine = mine[since[mine] < due[place[paused[mine]]]]
        some = place[paused[mine]]
        lost = running.between(s.figures, cal[some], since[mine], until[mine])
        due[some] = running.add(s.figures, cal[some], due[some], lost)
    return due
