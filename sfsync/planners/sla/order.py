"""The order in which open cases are worked (policy C.5.4). Pure, over columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfsync.planners.sla.words import NONE, PARTNER, STANDARD, VIP, VVIP

FIRST = ("breached", "critical", "warn")  # states before all others, which are one
TIERS_FIRST = (VVIP, VIP, PARTNER, STANDARD)
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Waiting:
    """n open cases.

    state            object: the worst state of a case's clocks, as ``values.worst`` names it, or None
    over             int64, microseconds: how long the case is over a due; counts for breached ones
    priority, tier   int: numbers of ``PRIORITIES`` and ``TIERS``; -1: none that is known, which comes last
    next_due, t0     int64, microseconds UTC; ``NONE`` where there is none, which comes last
    key              object: the source key
    """

    state: np.ndarray
    over: np.ndarray
    priority: np.ndarray
    tier: np.ndarray
    next_due: np.ndarray
    t0: np.ndarray
    key: np.ndarray


def order(cases: Waiting) -> np.ndarray:
    """int64 n: the positions of the cases, the one to be worked first at the front.

    Breached ones first, by longest over; critical; warn; then by priority, tier, earliest next due, earliest T0, key.
    """
    known = {name: number for number, name in enumerate(FIRST)}
    kind = np.array([known.get(s, len(FIRST)) for s in cases.state], np.int8)
    over = np.where(kind == 0, -cases.over, 0)
    priority = np.where(cases.priority < 0, 99, cases.priority)
    tier = np.array([*np.argsort(TIERS_FIRST), 99])[cases.tier]
    due, t0 = (np.where(at == NONE, _LAST, at) for at in (cases.next_due, cases.t0))
    found: np.ndarray = np.lexsort((cases.key.astype(str), t0, due, tier, priority, over, kind))
    return found


def over(due: np.ndarray, breached: np.ndarray, stopped: np.ndarray, as_of: int) -> np.ndarray:
    """int64 n: how long each case was over the dues it missed, the longest; all n x clocks.

    A clock that was stopped (``stopped`` is not ``NONE``) was over until then. A due that a reopening or a lower
    priority set anew counts as it is now.
    """
    until = np.where(stopped == NONE, as_of, np.minimum(stopped, as_of))
    late = np.where(breached & (due != NONE), until - due, 0)
    found: np.ndarray = np.maximum(late, 0).max(axis=1)
    return found
