"""The state of many cases between two events: one array per quantity, one row or column per case."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases
from sfsync.planners.sla.words import FR, MIT, NONE, NU, PIR, RES, Reason, State


def _nothing(*shape: int) -> np.ndarray:
    return np.full(shape, NONE, np.int64)


@dataclass
class Standing:
    """Where n cases stand. Instants and lengths int64 microseconds, ``NONE`` where there is none.

    Per clock (5 x n, in the order of ``CLOCKS``)
    status   what the clock does, never BREACHED             due      when its time is used up
    left     running time to the due, while paused           total    running time it had when last set
    cal      the calendar it runs on                         stopped  when it was completed
    breached the first due that was missed (NU: the last)    raised   target of a raise made while paused,
                                                                      on ``raised_cal``

    Per rung (4 x n, in the order of ``RUNGS``)
    rung     when it was or will be reached                  reached  whether it was, in this episode
    rung_left running time to it, while paused               rung_reason  why it was reached
    """

    figures: Figures
    tier: np.ndarray
    priority: np.ndarray
    channel: np.ndarray
    category: np.ndarray
    path: np.ndarray
    incident: np.ndarray
    incident_parent: np.ndarray
    t0: np.ndarray
    n: int
    level: np.ndarray = field(init=False)
    level_at: np.ndarray = field(init=False)
    level_reason: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        n = self.n
        self.level = np.ones(n, np.int8)
        self.level_at, self.level_reason = self.t0.copy(), np.full(n, Reason.NONE, np.int8)
        self.status = np.full((5, n), State.NA, np.int8)
        self.due, self.left, self.total = _nothing(5, n), _nothing(5, n), _nothing(5, n)
        self.stopped, self.breached = _nothing(5, n), _nothing(5, n)
        self.cal, self.raised_cal = np.zeros((5, n), np.int8), np.zeros((5, n), np.int8)
        self.raised = _nothing(5, n)
        self.rung, self.rung_left, self.reached = _nothing(4, n), _nothing(4, n), np.zeros((4, n), bool)
        self.rung_reason = np.full((4, n), Reason.NONE, np.int8)
        self.open, self.resolved = np.ones(n, bool), np.zeros(n, bool)
        self.resolved_at, self.left_at_resolution = _nothing(n), _nothing(n)
        self.answered, self.mitigated = np.zeros(n, bool), np.zeros(n, bool)
        self.harm, self.harm_said = np.zeros(n, bool), np.zeros(n, bool)  # words of harm; said while it was resolved
        self.harm_at = _nothing(n)  # when the first of the latest episode took effect
        self.waiting, self.waiting_until = np.zeros(n, bool), _nothing(n)
        self.unheard = np.zeros(n, bool)  # waiting without a message: the clocks go on
        self.resumed_by_limit = _nothing(n)
        self.majeure = np.zeros(n, np.int16)  # declared windows that are open
        self.halted, self.halted_at = np.zeros(n, bool), _nothing(n)  # MIT, RES, NU and the ladder
        self.frozen, self.frozen_at = np.zeros(n, bool), _nothing(n)  # FR and PIR: force majeure only
        self.paused = np.zeros((len(self.figures.calendars), n), np.int64)  # this episode's pauses, per calendar
        self.paused_us = np.zeros(n, np.int64)
        self.past: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # pauses that are over: rows, from, to
        self.episode_at = self.t0.copy()
        self.episode, self.reopens = np.ones(n, np.int32), np.zeros(n, np.int32)
        self.update_at = self.t0.copy()  # what the next update is counted from
        self.updates_missed = np.zeros(n, np.int64)
        self.updates_due = np.zeros(n, np.int64)
        self.warned = np.zeros(n, np.int16)


def opened(cases: Cases, figures: Figures) -> Standing:
    """The cases at T0, before the clocks start: floors and paths are applied."""
    tier, category = cases.tier.astype(np.int64), cases.category.astype(np.int64)
    floor = figures.floor[tier, category, cases.incident.astype(np.int64)]
    return Standing(
        figures=figures,
        tier=tier.astype(np.int8),
        priority=np.minimum(cases.priority, floor).astype(np.int8),
        channel=cases.channel.astype(np.int16),
        category=cases.category.astype(np.int16),
        path=figures.path[tier, category].astype(np.int8),
        incident=cases.incident,
        incident_parent=cases.incident_parent,
        t0=cases.t0,
        n=len(cases),
    )


def target(s: Standing, clock: int, rows: np.ndarray) -> np.ndarray:
    """int64: the policy's target of these cases as they are now; 0 where it has none."""
    f, tier = s.figures, s.tier[rows]
    if clock == FR:
        channel = s.channel[rows]
        return np.where(channel >= 0, f.fr[tier, channel], 0)
    found: np.ndarray = {MIT: f.mit, RES: f.res, NU: f.nu, PIR: f.pir}[clock][tier, s.priority[rows]]
    return found


def calendar(s: Standing, clock: int, rows: np.ndarray) -> np.ndarray:
    """int8: the calendar on which the policy runs this clock for these cases as they are now."""
    f = s.figures
    of = {FR: f.fr_cal, MIT: f.mit_cal, RES: f.res_cal, NU: f.nu_cal, PIR: f.pir_cal}[clock]
    found: np.ndarray = of[s.tier[rows], s.priority[rows]]
    return found
