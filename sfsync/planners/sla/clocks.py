"""The clocks of cases: a pure function of what happened, the policy and an instant (policy C.4, rule 8).

Cases are columns. First the first event of every case is applied, then the second of every case that has one, and so
on; a million cases of five events are five steps over arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from sfsync.planners.sla import ladder, running, steps
from sfsync.planners.sla.advance import advance
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, Events, rounds, usable
from sfsync.planners.sla.state import Standing, opened
from sfsync.planners.sla.words import FR, MIT, NONE, NU, PIR, RES, State

NEVER = np.iinfo(np.int64).max
TOGETHER = 1 << 16  # cases at a time: their state stays in the processor's cache, and memory does not grow


@dataclass(frozen=True)
class Result:
    """Where n cases stand at an instant. int64 microseconds UTC, ``NONE`` where there is none.

    state, due, stopped, breached, warn_at, critical_at   n x 5, in the order of ``CLOCKS``; state is ``State``
    rungs, reached, rung_reason                           n x 4, in the order of ``RUNGS``
    level_reason                                          ``Reason``; warnings: ``Warned``
    harm_at                                               when words of harm took effect
    next_at                                               when time alone next changes something
    """

    tier: np.ndarray
    priority: np.ndarray
    category: np.ndarray
    path: np.ndarray
    level: np.ndarray
    level_at: np.ndarray
    level_reason: np.ndarray
    state: np.ndarray
    due: np.ndarray
    stopped: np.ndarray
    breached: np.ndarray
    warn_at: np.ndarray
    critical_at: np.ndarray
    rungs: np.ndarray
    reached: np.ndarray
    rung_reason: np.ndarray
    episode: np.ndarray
    episode_at: np.ndarray
    reopens: np.ndarray
    updates_missed: np.ndarray
    updates_due: np.ndarray
    paused_since: np.ndarray
    paused_us: np.ndarray
    resumed_by_limit: np.ndarray
    resolved_at: np.ndarray
    open: np.ndarray
    harm_at: np.ndarray
    warnings: np.ndarray
    next_at: np.ndarray

    def __len__(self) -> int:
        return len(self.level)


def evaluate(cases: Cases, events: Events, figures: Figures, as_of: int) -> Result:
    """All clocks of all cases at ``as_of`` (int64 microseconds UTC), whatever the order of the events."""
    whole = _Result(len(cases))
    for number, mine in enumerate(events.parts(TOGETHER, len(cases))):
        start = number * TOGETHER
        some = cases.part(start, start + TOGETHER)
        used, warned = usable(some, mine, as_of)
        s = _standing(some, used, figures, as_of)
        s.warned |= warned
        whole.put(start, _result(s, as_of))
    return whole.done()


class _Result:
    """A result that is filled part by part, so that no part is held twice."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._columns: dict[str, np.ndarray] = {}

    def put(self, start: int, part: Result) -> None:
        for field in fields(Result):
            values: np.ndarray = getattr(part, field.name)
            if field.name not in self._columns:
                self._columns[field.name] = np.empty((self._count, *values.shape[1:]), values.dtype)
            self._columns[field.name][start : start + len(values)] = values

    def done(self) -> Result:
        return Result(**self._columns)


def _standing(cases: Cases, events: Events, figures: Figures, as_of: int) -> Standing:
    s = opened(cases, figures)
    steps.begin(s)
    for turn in rounds(events, len(cases)):
        steps.happen(s, events.take(turn))
    now = np.maximum(s.t0, as_of)
    advance(s, np.arange(s.n), now, np.ones(s.n, bool))
    return s


def _result(s: Standing, as_of: int) -> Result:
    state, due, breached = _shown(s, as_of)
    warn_at, critical_at = _marks(s, state)
    rungs, reached = s.rung.T.copy(), s.reached.T.copy()
    ahead = np.where(reached, NONE, rungs)
    return Result(
        tier=s.tier,
        priority=s.priority,
        category=s.category,
        path=s.path,
        level=s.level,
        level_at=s.level_at,
        level_reason=s.level_reason,
        state=state,
        due=due,
        stopped=np.where(state == State.NA, NONE, s.stopped.T),
        breached=breached,
        warn_at=warn_at,
        critical_at=critical_at,
        rungs=rungs,
        reached=reached,
        rung_reason=s.rung_reason.T.copy(),
        episode=s.episode,
        episode_at=s.episode_at,
        reopens=s.reopens,
        updates_missed=s.updates_missed,
        updates_due=s.updates_due,
        paused_since=s.halted_at,
        paused_us=s.paused_us + np.where(s.halted, as_of - s.halted_at, 0),
        resumed_by_limit=s.resumed_by_limit,
        resolved_at=np.where(s.resolved, s.resolved_at, NONE),
        open=s.open,
        harm_at=s.harm_at,
        warnings=s.warned,
        next_at=_next(s, (np.where(state == State.RUNNING, due, NONE), warn_at, critical_at, ahead), as_of),
    )


def _shown(s: Standing, as_of: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State, due and breach as people read them (policy C.12): a breach comes before all, but NU only counts them."""
    status, breached = s.status.T.copy(), s.breached.T.copy()
    for clocks, since in (((MIT, RES, NU), s.halted_at), ((FR, PIR), s.frozen_at)):
        for clock in clocks:  # due at the instant its pause began: paused now, missed right after
            now = (since == as_of) & (s.due[clock] == as_of) & (status[:, clock] == State.RUNNING)
            status[now, clock] = State.PAUSED
    state = np.where(breached != NONE, State.BREACHED, status).astype(np.int8)
    state[:, NU] = status[:, NU]
    blank = (state == State.NA) | (state == State.CANCELLED) | (state == State.PAUSED)
    return state, np.where(blank, NONE, s.due.T), breached


def _marks(s: Standing, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When a running clock warns and turns critical: percentages of its time; none for promises of seconds."""
    f = s.figures
    warn, critical = np.full((s.n, 5), NONE), np.full((s.n, 5), NONE)
    for clock in range(5):
        rows = np.flatnonzero((state[:, clock] == State.RUNNING) & (s.total[clock] >= f.min_target))
        for made, percent in ((warn, f.warn_pct), (critical, f.critical_pct)):
            made[rows, clock] = _mark(s, clock, rows, percent)
    return _own_mark(s, state, warn), critical


def _mark(s: Standing, clock: int, rows: np.ndarray, percent: int) -> np.ndarray:
    total, cal = s.total[clock, rows], s.cal[clock, rows]
    before = total - ladder.share(total, percent)
    run = running.running(s.figures, cal, s.due[clock, rows])
    return running.instant(s.figures, cal, run - before)


def _own_mark(s: Standing, state: np.ndarray, warn: np.ndarray) -> np.ndarray:
    """A first response may have an aim of its own before its due (policy C.3: e-mail of STANDARD)."""
    aim = np.where(s.channel >= 0, s.figures.fr_warn[s.tier, s.channel], 0)
    rows = np.flatnonzero((aim > 0) & (state[:, FR] == State.RUNNING))
    cal = s.cal[FR, rows]
    run = running.running(s.figures, cal, s.due[FR, rows])
    warn[rows, FR] = running.instant(s.figures, cal, run - np.maximum(s.total[FR, rows] - aim[rows], 0))
    return warn


def _next(s: Standing, coming: tuple[np.ndarray, ...], as_of: int) -> np.ndarray:
    """The earliest instant from ``as_of`` on of those in ``coming`` (each n x k), or the limit of a pause."""
    limit = np.where(s.waiting, s.waiting_until, NONE)[:, None]
    every = np.hstack([limit, *coming])
    first = np.where(every < as_of, NEVER, every).min(axis=1)
    return np.where(first == NEVER, NONE, first)


def joined(parts: Sequence[Result]) -> Result:
    """Several results as one, in their order."""
    if len(parts) == 1:
        return parts[0]
    return Result(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Result)})
