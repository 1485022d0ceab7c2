"""Clocks as the fields of a case: canonical text, one column per computed field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.words import CLOCKS, NONE, PRIORITIES, STATES, Reason, State
from sfsync.sides.side import TEXT

WORST = ("breached", "critical", "warn", "running", "paused", "met", "cancelled", "na")


def values(result: Result, figures: Figures, hold: np.ndarray, as_of: int) -> pd.DataFrame:
    """The computed fields of n cases (text or null): dues, states, level, pause, policy. ``hold``: bool n, to be held.

    A pause under way is told by its beginning: seconds are those of pauses that are over, so that nothing of a waiting
    case changes from minute to minute.
    """
    made: dict[str, Sequence[str | None]] = {}
    for c, clock in enumerate(CLOCKS):
        made[f"{clock.lower()}_due"] = walltime.texts(_seconds(result.due[:, c]))
        made[f"{clock.lower()}_state"] = [STATES[s] for s in result.state[:, c]]
    made["sla_state"] = worst(result, as_of)
    made["sla_next_due"] = walltime.texts(_seconds(_earliest(result)))
    made["paused_seconds"] = [str(us // 1_000_000) for us in _past_pauses(result, as_of)]
    made["paused_since"] = walltime.texts(_seconds(result.paused_since))
    made["esc_level"] = [str(level) for level in result.level]
    made["esc_path"] = [figures.paths[p] for p in result.path]
    raised = result.level_reason != Reason.NONE
    made["esc_at"] = walltime.texts(_seconds(np.where(raised, result.level_at, NONE)))
    made["esc_reason"] = [Reason(r).name if r else None for r in result.level_reason]
    made["is_escalated"] = ["true" if level >= 2 else "false" for level in result.level]
    made["policy_version"] = [figures.version] * len(result)
    made["compliance_hold"] = ["true" if h else "false" for h in hold]
    made["reopen_count"] = [str(n) for n in result.reopens]
    made["case_priority"] = [PRIORITIES[p] for p in result.priority]
    return pd.DataFrame({n: pd.array(list(v), dtype=TEXT) for n, v in made.items()})


def worst(result: Result, as_of: int) -> list[str]:
    """The state a case is shown with: the worst of its clocks, with the marks that have passed."""
    state = result.state
    warned = {
        name: ((at != NONE) & (at <= as_of)).any(axis=1)
        for name, at in (("critical", result.critical_at), ("warn", result.warn_at))
    }
    masks = [
        (state == State.BREACHED).any(axis=1),
        warned["critical"],
        warned["warn"],
        *((state == one).any(axis=1) for one in (State.RUNNING, State.PAUSED, State.MET, State.CANCELLED)),
    ]
    found: list[str] = np.select(masks, WORST[:-1], WORST[-1]).tolist()
    return found


def _past_pauses(result: Result, as_of: int) -> np.ndarray:
    under_way = result.paused_since != NONE
    return result.paused_us - np.where(under_way, as_of - result.paused_since, 0)


def _earliest(result: Result) -> np.ndarray:
    """The next promise: the earliest due of a running clock."""
    last = np.iinfo(np.int64).max
    due = np.where(result.state == State.RUNNING, result.due, last).min(axis=1)
    return np.where(due == last, NONE, due)


def _seconds(at: np.ndarray) -> np.ndarray:
    """Salesforce keeps whole seconds of what is computed: a due is never shown later than it is."""
    return np.where(at == NONE, NONE, at // 1_000_000 * 1_000_000)
