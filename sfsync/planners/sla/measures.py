"""Figures of a period: attainment, first response, escalations, missed updates, reports (metrics F.4, F.10, F.14-F.16).

Every figure has numerator and denominator. A denominator of zero gives no figure, never 0 or 100. Where force majeure
was declared, promises kept stand twice: with it, and as they would be had it not been declared; the breaches it waives
are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd

from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases
from sfsync.planners.sla.words import CLOCKS, FR, L2, L3, L4, NONE, NU, PIR, SECOND, TIERS, Reason, State

FEW = 30  # fewer cases than this are shown, but greyed
PERCENTILES = (50, 75, 90, 95, 99)
DIMENSIONS = ("tier", "channel", "category")
LEFT_OUT = ("duplicate", "spam", "opened_in_error")  # why cancelled: such cases are nobody's figures
UNDECLARED = ", without force majeure"
_PROMISES = tuple((c, clock) for c, clock in enumerate(CLOCKS) if c != NU)  # NU is counted apart


@dataclass(frozen=True)
class Period:
    """From ``start`` (inclusive) to ``end`` (exclusive), microseconds UTC."""

    start: int
    end: int

    def holds(self, at: np.ndarray) -> np.ndarray:
        """bool: instants in the period."""
        found: np.ndarray = (at != NONE) & (at >= self.start) & (at < self.end)
        return found


def percent(numerator: int, denominator: int) -> str:
    """With one decimal, half up; ``n/a`` where there is nothing to divide by."""
    if not denominator:
        return "n/a"
    share = Decimal(100 * numerator) / Decimal(denominator)
    return str(share.quantize(Decimal("0.1"), ROUND_HALF_UP))


def measures(
    cases: Cases,
    result: Result,
    figures: Figures,
    period: Period,
    by: str | None,
    undeclared: Result | None = None,
    quiet: np.ndarray | None = None,
    waived: np.ndarray | None = None,
) -> pd.DataFrame:
    """Columns metric, group, numerator, denominator, value, few; one row per metric and group (``by`` a dimension).

    ``undeclared``: the same cases without any force majeure, if some was declared. ``quiet`` (bool per case): in quiet
    mode, whose updates go to the host; they are not counted (F.15). ``waived`` (int64 n x 5): dues whose breach a late
    holiday undid; None: no such holiday is known.
    """
    groups = _groups(cases, result, figures, by)
    loud = np.ones(len(cases), bool) if quiet is None else ~quiet
    shares = [*_shares(cases, result, period, loud), *(_second_line(result, undeclared, period) if undeclared else ())]
    shares += _late(result, waived, period) if waived is not None else ()
    rows = [
        {
            "metric": metric,
            "group": str(name),
            "numerator": int(top[mine].sum()),
            "denominator": int(bottom[mine].sum()),
        }
        for metric, top, bottom in shares
        for name in sorted(set(groups))
        if (mine := groups == name).any()
    ]
    found = pd.DataFrame(rows, columns=["metric", "group", "numerator", "denominator"])
    found["value"] = [percent(n, d) for n, d in zip(found["numerator"], found["denominator"], strict=True)]
    found["few"] = found["denominator"] < FEW
    return found


def _groups(cases: Cases, result: Result, figures: Figures, by: str | None) -> np.ndarray:
    if by is None:
        return np.full(len(cases), "all", object)
    words, numbers = {
        "tier": (TIERS, result.tier),
        "channel": ((*figures.channels, "unknown"), cases.channel),
        "category": (figures.categories, result.category),
    }[by]
    return np.array(words, object)[numbers]


def _shares(
    cases: Cases, result: Result, period: Period, loud: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Metric, numerator and denominator per case."""
    yield from _attainment(result, period)
    opened = period.holds(cases.t0)
    for rung, name in ((L2, "L2"), (L3, "L3"), (L4, "L4")):
        reached = result.reached[:, rung] & opened
        yield f"reached {name}", reached, opened
        yield f"reached {name} by trigger", reached & (result.rung_reason[:, rung] == Reason.TRIGGER), reached
    yield "next updates missed", result.updates_missed * (opened & loud), result.updates_due * (opened & loud)


def _attainment(result: Result, period: Period, how: str = "") -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Promises kept, per clock and per case; ``how`` ends each metric's name."""
    whole = np.ones(len(result), bool)
    counted_any = np.zeros(len(result), bool)
    for c, clock in _PROMISES:
        met = (result.state[:, c] == State.MET) & period.holds(result.stopped[:, c])
        missed = period.holds(result.breached[:, c])
        yield ("PIR on time" if c == PIR else f"{clock} kept") + how, met, met | missed
        whole &= ~missed
        counted_any |= met | missed
    yield "all clocks of a case kept" + how, whole & counted_any, counted_any


def _second_line(result: Result, undeclared: Result, period: Period) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Attainment had no force majeure been declared, and the breaches of it that the declaration waives."""
    yield from _attainment(undeclared, period, UNDECLARED)
    for c, clock in _PROMISES:
        missed = period.holds(undeclared.breached[:, c])
        yield f"{clock} breaches waived", missed & (result.breached[:, c] == NONE), missed


def _late(result: Result, waived: np.ndarray, period: Period) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Breaches of the period that are none because of a holiday that became known late, out of all there were (F.4)."""
    for c, clock in _PROMISES:
        gone = period.holds(waived[:, c])
        yield f"{clock} breaches waived by a late holiday", gone, gone | period.holds(result.breached[:, c])


def first_responses(cases: Cases, result: Result, figures: Figures, period: Period) -> pd.DataFrame:
    """Seconds to the first response per tier and channel: nearest-rank percentiles; ``waiting``: no answer yet."""
    rows = []
    asked = period.holds(cases.t0) & (result.state[:, FR] != State.NA)
    seconds = (result.stopped[:, FR] - cases.t0) / SECOND
    for tier, channel in sorted(
        {(int(t), int(c)) for t, c in zip(result.tier[asked], cases.channel[asked], strict=True)}
    ):
        mine = asked & (result.tier == tier) & (cases.channel == channel)
        answered = np.sort(seconds[mine & (result.stopped[:, FR] != NONE)])
        ranks = {f"p{p}": _rank(answered, p) for p in PERCENTILES}
        mean = round(float(answered.mean()), 1) if len(answered) else None
        most = float(answered[-1]) if len(answered) else None
        name = {"tier": TIERS[tier], "channel": figures.channels[channel], "answered": len(answered)}
        rows.append({**name, "waiting": int(mine.sum()) - len(answered), **ranks, "max": most, "mean": mean})
    return pd.DataFrame(rows)


def _rank(ordered: np.ndarray, percentile: int) -> float | None:
    """Nearest rank: the smallest value that at least so many percent do not exceed."""
    if not len(ordered):
        return None
    return float(ordered[max(-(-percentile * len(ordered) // 100) - 1, 0)])
