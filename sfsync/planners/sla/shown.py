"""Clocks as people and scripts read them: words and instants in place of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.words import CLOCKS, P1, PREALERT, PRIORITIES, RUNGS, STATES, TIERS, VIP, WARNINGS, State

Waivers = Mapping[int, Mapping[str, dict[str, Any]]]


def told(
    result: Result, figures: Figures, notes: Sequence[Sequence[str]], waivers: Waivers | None = None
) -> Iterator[dict[str, Any]]:
    """One object per case: tier, priority, path, level, clocks, ladder, warnings. ``notes``: codes known before.

    ``waivers``: by case (position) and clock, what stands in ``breach_waived``.
    """
    blank = result.state == State.NA
    columns = {
        "due": _columns(result.due),
        "stopped_at": _columns(result.stopped),
        "breached_at": _columns(np.where(blank, np.iinfo(np.int64).min, result.breached)),
    }
    rungs = _columns(result.rungs)
    for i in range(len(result)):
        tier, priority = int(result.tier[i]), int(result.priority[i])
        clocks: dict[str, dict[str, Any]] = {
            name: {"state": STATES[result.state[i, c]], **{what: column[c][i] for what, column in columns.items()}}
            for c, name in enumerate(CLOCKS)
        }
        for name, waiver in (waivers or {}).get(i, {}).items():
            clocks[name]["breach_waived"] = waiver
        warned = frozenset(notes[i]) | {code for bit, code in WARNINGS.items() if result.warnings[i] & bit}
        yield {
            "tier": TIERS[tier],
            "priority": PRIORITIES[priority],
            "path": figures.paths[result.path[i]],
            "level": int(result.level[i]),
            "clocks": clocks,
            "ladder": {
                name: rungs[r][i]
                for r, name in enumerate(RUNGS)
                if r != PREALERT or rungs[r][i] or (tier == VIP and priority == P1)
            },
            "warnings": sorted(warned),
        }


def _columns(values: np.ndarray) -> list[Sequence[str | None]]:
    return [walltime.texts(values[:, i]) for i in range(values.shape[1])]
