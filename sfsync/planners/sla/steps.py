"""What each kind of event does to a case (policy C.4 and C.12)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sfsync.planners.sla import changes, ladder, pauses, running
from sfsync.planners.sla.advance import advance
from sfsync.planners.sla.inputs import Events
from sfsync.planners.sla.state import Standing, calendar, target
from sfsync.planners.sla.words import (
    FR,
    HARM,
    L2,
    L3,
    L4,
    MIT,
    NONE,
    NU,
    P2,
    PIR,
    RES,
    EventKind,
    Reason,
    State,
    Warned,
)

THIRD = 3  # the third reopening of a case raises the level (policy C.5.3)


def begin(s: Standing) -> None:
    """T0: the clocks start; triggers put the case on L2 at once."""
    rows = np.arange(s.n)
    for clock in (FR, MIT, RES, NU):
        begun = rows[target(s, clock, rows) > 0]
        changes.start(s, clock, begun, s.t0[begun])
    ladder.lay(s, rows, s.t0, np.zeros(s.n, np.int64))
    now = s.figures.at_once[s.tier, s.category]
    ladder.reach(s, L2, rows[now], s.t0[now], Reason.TRIGGER)


def happen(s: Standing, events: Events) -> None:
    """One event of each of some cases: time passes until it, then it takes effect, then pauses start or end."""
    rows, at = events.case, events.at
    advance(s, rows, at, events.kind >= EventKind.RESUME)
    for kind in np.unique(events.kind):
        mine = events.kind == kind
        _EFFECTS[EventKind(kind)](s, events.take(mine))
    pauses.settle(s, rows, at)


def _only(events: Events, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return events.case[which], events.at[which]


def _stop(s: Standing, clock: int, rows: np.ndarray, at: np.ndarray) -> None:
    """The promise is kept, or at last done with. One that was paused shows no due any more."""
    status = s.status[clock, rows]
    going = np.isin(status, (State.RUNNING, State.PAUSED))
    some = rows[going]
    blank = some[(status[going] == State.PAUSED) & (s.breached[clock, some] == NONE)]
    s.due[clock, blank] = NONE
    s.status[clock, some], s.stopped[clock, some] = State.MET, at[going]


def _first_response(s: Standing, events: Events) -> None:
    rows, at = _only(events, s.open[events.case] | s.resolved[events.case])
    _stop(s, FR, rows, at)
    s.answered[rows] = True


def _public_update(s: Standing, events: Events) -> None:
    rows, at = _only(events, s.open[events.case] & (s.status[NU, events.case] == State.RUNNING))
    pauses.count_from(s, rows, at)
    s.updates_due[rows] += 1


def _mitigated(s: Standing, events: Events) -> None:
    rows, at = _only(events, s.open[events.case] & (s.priority[events.case] <= P2))
    _stop(s, MIT, rows, at)
    new = ~s.mitigated[rows]
    s.mitigated[rows] = True
    ladder.after_mitigation(s, rows[new], at[new])


def _resolved(s: Standing, events: Events) -> None:
    rows, at = _only(events, s.open[events.case])
    shown, paused = s.due[:, rows].copy(), s.status[:, rows] == State.PAUSED
    halted = s.halted[rows]
    pauses.release(s, rows[halted], at[halted])  # a pause ended by the resolution counts as resumed there
    left = running.between(s.figures, s.cal[RES, rows], at, s.due[RES, rows])
    s.left_at_resolution[rows] = np.maximum(left, 0)
    for clock in (MIT, RES):
        _stop(s, clock, rows, at)
        kept = np.where(s.breached[clock, rows] != NONE, shown[clock], NONE)
        s.due[clock, rows] = np.where(paused[clock], kept, s.due[clock, rows])
    s.status[NU, rows] = State.CANCELLED
    s.open[rows], s.resolved[rows], s.resolved_at[rows] = False, True, at
    s.waiting[rows] = s.unheard[rows] = False
    ladder.end(s, rows)
    _ask_report(s, rows, at)


def _ask_report(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """The post-incident report of a P1 or P2, unless one was delivered before."""
    f, tier = s.figures, s.tier[rows]
    wanted = (s.priority[rows] <= P2) & (target(s, PIR, rows) > 0)
    wanted &= ~f.pir_incident_only[tier] | s.incident_parent[rows]
    wanted &= s.stopped[PIR, rows] == NONE
    some = rows[wanted]
    s.breached[PIR, some] = NONE
    changes.start(s, PIR, some, at[wanted])


def _pir_delivered(s: Standing, events: Events) -> None:
    _stop(s, PIR, *_only(events, s.resolved[events.case]))


def _cancelled(s: Standing, events: Events) -> None:
    rows, at = _only(events, s.open[events.case])
    halted = s.halted[rows]
    s.paused_us[rows[halted]] += (at - s.halted_at[rows])[halted]
    for clock in (FR, MIT, RES, NU):
        going = np.isin(s.status[clock, rows], (State.RUNNING, State.PAUSED))
        s.status[clock, rows[going]] = State.CANCELLED
    s.open[rows] = s.waiting[rows] = s.halted[rows] = False
    s.halted_at[rows] = NONE
    ladder.end(s, rows)


def _pause(s: Standing, events: Events) -> None:
    going_on = events.value == 0  # waiting for somebody else: the promise is the operator's
    s.waiting[events.case[going_on]] = s.unheard[events.case[going_on]] = False
    new = ~going_on & s.open[events.case] & ~s.waiting[events.case] & ~s.unheard[events.case]
    valid = events.sent & s.answered[events.case]
    unheard = events.case[new & ~valid]
    s.unheard[unheard] = True  # judged at its start: another pause status continues it as it is
    s.warned[unheard] |= Warned.PAUSE_NOMSG
    rows, at = _only(events, new & valid)
    f, priority = s.figures, s.priority[rows]
    cal = np.where(f.max_pause_cal[priority] >= 0, f.max_pause_cal[priority], calendar(s, RES, rows)).astype(np.int8)
    s.waiting[rows] = True
    s.waiting_until[rows] = running.add(f, cal, at, f.max_pause[priority])


def _resume(s: Standing, events: Events) -> None:
    s.waiting[events.case] = s.unheard[events.case] = False


def _force_majeure(s: Standing, events: Events) -> None:
    s.majeure[events.case] += 1


def _force_majeure_end(s: Standing, events: Events) -> None:
    s.majeure[events.case] -= 1


def _reopened(s: Standing, events: Events) -> None:
    soon = events.at - s.resolved_at[events.case] <= s.figures.reopen_window
    rows, at = _only(events, s.resolved[events.case] & soon)
    s.open[rows], s.resolved[rows], s.mitigated[rows] = True, False, False
    s.reopens[rows] += 1
    s.episode[rows] += 1
    s.episode_at[rows], s.updates_missed[rows], s.paused[:, rows] = at, 0, 0
    _resolve_again(s, rows, at)
    s.status[NU, rows] = State.RUNNING
    pauses.count_from(s, rows, at)
    going = np.isin(s.status[PIR, rows], (State.RUNNING, State.PAUSED))
    s.status[PIR, rows[going]] = State.CANCELLED
    _step_up(s, rows, at)
    said = s.harm_said[rows]
    s.harm_said[rows] = False
    changes.words(s, rows[said], at[said], said[said])


def _resolve_again(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """RES has what was left, at least a share of its target; one that breached stays so and gets a due to steer by."""
    least = ladder.share(target(s, RES, rows), s.figures.reopen_floor_pct)
    length = np.maximum(s.left_at_resolution[rows], least)
    s.due[RES, rows] = running.add(s.figures, s.cal[RES, rows], at, length)
    s.total[RES, rows], s.stopped[RES, rows], s.status[RES, rows] = length, NONE, State.RUNNING


def _step_up(s: Standing, rows: np.ndarray, at: np.ndarray) -> None:
    """At least L2; the third reopening one level more. The other rungs come at their times from here."""
    ladder.begin_again(s, rows)
    before = s.level[rows]
    ladder.lay(s, rows, at, np.zeros(len(rows), np.int64))
    ladder.reach(s, L2, rows, at, Reason.REOPENED)
    third = s.reopens[rows] == THIRD
    for rung in (L3, L4):  # one above the level before, which counts as 2 at least
        mine = third & (np.maximum(before, 2) == rung)
        ladder.reach(s, rung, rows[mine], at[mine], Reason.REOPENED)


def _tier(s: Standing, events: Events) -> None:
    some = events.take(s.open[events.case])
    changes.tier(s, some.case, some.at, some.value)


def _category(s: Standing, events: Events) -> None:
    some = events.take(s.open[events.case])
    changes.category(s, some.case, some.at, some.value)


def _priority(s: Standing, events: Events) -> None:
    some = events.take(s.open[events.case])
    changes.priority(s, some.case, some.at, some.value)


def _words(s: Standing, events: Events) -> None:
    """What is written on a resolved case has its effect when that reopens it."""
    rows, harm = events.case, events.value == HARM
    s.harm_said[rows[harm & s.resolved[rows]]] = True
    now = s.open[rows]
    changes.words(s, rows[now], events.at[now], harm[now])


_EFFECTS: dict[EventKind, Callable[[Standing, Events], None]] = {
    EventKind.FIRST_RESPONSE: _first_response,
    EventKind.PUBLIC_UPDATE: _public_update,
    EventKind.MITIGATED: _mitigated,
    EventKind.RESOLVED: _resolved,
    EventKind.CANCELLED: _cancelled,
    EventKind.PIR_DELIVERED: _pir_delivered,
    EventKind.PAUSE: _pause,
    EventKind.FORCE_MAJEURE: _force_majeure,
    EventKind.RESUME: _resume,
    EventKind.FORCE_MAJEURE_END: _force_majeure_end,
    EventKind.REOPENED: _reopened,
    EventKind.TIER: _tier,
    EventKind.CATEGORY: _category,
    EventKind.PRIORITY: _priority,
    EventKind.WORDS: _words,
}
