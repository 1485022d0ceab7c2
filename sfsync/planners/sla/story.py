"""The time line of one case: at each instant what happened, and which clock, due, level or priority changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.editions import Edition, evaluate
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, Events
from sfsync.planners.sla.words import CLOCKS, LISTS, MINUTE, NONE, PRIORITIES, STATES, TIERS, EventKind, Reason

MOST = 500  # steps; a case that was forgotten for months misses an update every half hour
SECOND = MINUTE // 60
Step = dict[str, Any]


def story(cases: Cases, events: Events, known: Sequence[Edition], as_of: int) -> list[Step]:
    """Of one case, from T0 to ``as_of``: ``at``, ``events`` (what happened), ``changes`` (what is so from then on).

    That a holiday became known late is one of the events.
    """
    figures, news = known[0].figures, [edition.known_from for edition in known[1:]]
    made: list[Step] = []
    at, before = int(cases.t0[0]), dict[str, Any]()
    while at <= as_of and len(made) < MOST:
        result, _ = evaluate(cases, events, known, at)
        now = _standing(result, figures)
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        happened = _names(events, at) + ["late holiday"] * (at in news)
        if changed or happened:
            made.append({"at": walltime.text(at // SECOND * SECOND), "events": happened, "changes": changed})
        before, at = now, _next(events, result, at, news)
    return made


def _next(events: Events, result: Result, at: int, news: Sequence[int]) -> int:
    """When something happens next: an event, or time alone. What falls due now is missed right after."""
    after = events.at[events.at > at]
    moments = [*([int(after.min())] if len(after) else []), *(new for new in news if new > at)]
    if result.next_at[0] != NONE:
        moments.append(max(int(result.next_at[0]), at + 1))
    return min(moments, default=int(np.iinfo(np.int64).max))


def _names(events: Events, at: int) -> list[str]:
    now = events.at == at
    both = sorted(zip(events.kind[now].tolist(), events.value[now].tolist(), strict=True))
    return [
        f"{LISTS[value]} words" if kind == EventKind.WORDS else EventKind(kind).name.lower() for kind, value in both
    ]


def _standing(result: Result, figures: Figures) -> dict[str, Any]:
    clocks = {
        name: {
            "state": STATES[result.state[0, c]],
            "due": walltime.text(int(result.due[0, c])),
            "breached_at": walltime.text(int(result.breached[0, c])),
        }
        for c, name in enumerate(CLOCKS)
        if STATES[result.state[0, c]] != "na"
    }
    reason = Reason(int(result.level_reason[0]))
    return {
        **clocks,
        "tier": TIERS[result.tier[0]],
        "priority": PRIORITIES[result.priority[0]],
        "path": figures.paths[result.path[0]],
        "level": {"level": int(result.level[0]), "reason": reason.name if reason else None},
    }
