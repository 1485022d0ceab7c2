"""The order of work: every tie of the key, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfsync.planners.sla.order import Waiting, order, over
from sfsync.planners.sla.words import NONE, P1, P2, P4, PARTNER, STANDARD, VIP, VVIP

USUAL = {"state": "running", "over": 0, "priority": P2, "tier": VIP, "next_due": 100, "t0": 10, "key": "b"}
TYPES = {"state": object, "key": object, "priority": np.int8, "tier": np.int8}


def waiting(rows: list[dict[str, Any]]) -> Waiting:
    """Cases as columns."""
    return Waiting(**{n: np.array([{**USUAL, **r}[n] for r in rows], TYPES.get(n, np.int64)) for n in USUAL})


@pytest.mark.parametrize(
    ("tie", "first_to_last"),
    [
        ("breached, critical, warn, the others", [{"state": s} for s in ("breached", "critical", "warn", "running")]),
        (
            "breached by longest over",
            [{"state": "breached", "over": n, "key": k} for n, k in ((9, "c"), (8, "b"), (1, "a"))],
        ),
        (
            "over before priority",
            [{"state": "breached", "over": 2, "priority": P4}, {"state": "breached", "over": 1, "priority": P1}],
        ),
        ("critical before priority", [{"state": "critical", "priority": P4}, {"state": "warn", "priority": P1}]),
        ("over only counts when breached", [{"over": 1, "priority": P1}, {"over": 5, "priority": P2}]),
        (
            "the others are one class",
            [{"state": "paused", "priority": P1}, {"state": "running"}, {"state": None, "priority": P4}],
        ),
        ("priority before tier", [{"priority": P1, "tier": STANDARD}, {"priority": P2, "tier": VVIP}]),
        ("an unknown priority last", [{"priority": P4}, {"priority": -1}]),
        ("tier", [{"tier": t, "next_due": 9 - n} for n, t in enumerate((VVIP, VIP, PARTNER, STANDARD, -1))]),
        ("next due before T0", [{"next_due": 50, "t0": 20}, {"next_due": 51, "t0": 10}]),
        ("none due last", [{"next_due": 50}, {"next_due": NONE}]),
        ("T0 before key", [{"t0": 10, "key": "b"}, {"t0": 11, "key": "a"}]),
        ("key", [{"key": "PL-1"}, {"key": "PL-10"}, {"key": "PL-2"}]),
    ],
)
def test_each_tie(tie: str, first_to_last: list[dict[str, Any]]) -> None:
    n = len(first_to_last)
    assert order(waiting(first_to_last)).tolist() == list(range(n)), tie
    assert order(waiting(first_to_last[::-1])).tolist() == list(range(n))[::-1], tie


def test_nobody_waits() -> None:
    assert order(waiting([])).tolist() == []


def test_how_long_a_case_is_over() -> None:
    due = np.array([[10, 40, 90], [10, 40, NONE], [10, NONE, 200], [10, 40, 90]])
    breached = np.array([[True, True, False], [True, False, False], [True, False, True], [False, False, False]])
    stopped = np.array([[15, NONE, NONE], [15, NONE, NONE], [NONE, NONE, NONE], [NONE, NONE, NONE]])
    assert over(due, breached, stopped, 100).tolist() == [60, 5, 90, 0]
