"""A drill: one case goes through the ladder on a clock of its own; nothing is sent, nobody is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result, evaluate
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, no_events
from sfsync.planners.sla.policy import Drill
from sfsync.planners.sla.words import CLOCKS, NONE, NU, PRIORITIES, RUNGS, TIERS, State

_LEVEL = {"L2_prealert": 2, "L2": 2, "L3": 3, "L4": 4}


@dataclass(frozen=True)
class Played:
    """What would happen, in order: instant, what, who is called; ``faults``: what is wrong with it."""

    steps: list[dict[str, Any]]
    faults: list[str]

    @property
    def passed(self) -> bool:
        """Whether the ladder did what it promises."""
        return not self.faults


def play(drill: Drill, figures: Figures, t0: int) -> Played:
    """The drill's case from ``t0`` (microseconds UTC) until nothing more comes by itself.

    The clock is moved from one instant to the next; what the engine said would come must have come.
    """
    cases = _case(drill, figures, t0)
    now = evaluate(cases, no_events(), figures, t0)
    path = int(now.path[0])
    steps = [_step(t0, f"case begins on path {figures.paths[path]}, {PRIORITIES[now.priority[0]]}", figures, path, 1)]
    faults: list[str] = []
    for at, what, rung in _coming(now):
        then = evaluate(cases, no_events(), figures, at + (0 if rung >= 0 else 1))
        level = _LEVEL[RUNGS[rung]] if rung >= 0 else int(then.level[0])
        steps.append(_step(at, what, figures, path, level))
        faults += _faults(then, rung, what)
    if not any(s["what"].endswith("L2") for s in steps):
        faults.append("nobody is called at L2")
    return Played(steps, faults)


def _case(drill: Drill, figures: Figures, t0: int) -> Cases:
    numbers = (
        TIERS.index(drill.tier),
        PRIORITIES.index(drill.priority),
        figures.channels.index(drill.channel),
        figures.categories.index(drill.category),
    )
    tier, priority, channel, category = (np.array([n], np.int16) for n in numbers)
    alone = np.zeros(1, bool)
    return Cases(tier, priority, channel, category, np.array([t0], np.int64), alone, alone)


def _coming(now: Result) -> list[tuple[int, str, int]]:
    """Dues and rungs the engine foretells at T0; rungs by number, dues as -1. Next updates repeat and are left out."""
    found = [(int(at), f"reaches {name}", r) for r, name in enumerate(RUNGS) if (at := now.rungs[0, r]) != NONE]
    found += [
        (int(now.due[0, c]), f"{clock} is due", -1)
        for c, clock in enumerate(CLOCKS)
        if c != NU and now.state[0, c] == State.RUNNING
    ]
    return sorted(found)


def _step(at: int, what: str, figures: Figures, path: int, level: int) -> dict[str, Any]:
    return {"at": walltime.text(at), "what": what, "level": level, "calls": figures.owner_of(path, level)}


def _faults(then: Result, rung: int, what: str) -> list[str]:
    if rung >= 0 and not then.reached[0, rung]:
        return [f"{what} was foretold and did not come"]
    if rung < 0 and not (then.breached[0] != NONE).any():
        return [f"{what} passed and nothing was breached"]
    return []
