"""The clocks: a million cases of five events, and due dates against the libraries people would take.

Prints ratios from one run; libraries that are not installed are said to be missing.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from sfsync.planners.sla import holidays
from sfsync.planners.sla.clocks import evaluate
from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.inputs import Cases, Events
from sfsync.planners.sla.policy import load
from sfsync.planners.sla.words import SECOND, EventKind

POLICY = Path(__file__).parents[2] / "mappings" / "sla.yaml"
NOW = 1_790_000_000 * SECOND
DAY = 86_400 * SECOND
ROME = ZoneInfo("Europe/Rome")
KINDS = (
    EventKind.FIRST_RESPONSE,
    EventKind.PUBLIC_UPDATE,
    EventKind.PAUSE,
    EventKind.RESUME,
    EventKind.PRIORITY,
)
HOURS = 20  # two business days of ten hours


def main(arguments: list[str]) -> int:
    """``scripts/bench sla``."""
    parser = argparse.ArgumentParser(prog="scripts/bench sla")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--dues", type=int, default=2_000, help="due dates for each library")
    options = parser.parse_args(arguments)
    known = figures(load(POLICY)[-1])
    _evaluate("open cases of five events", options.cases, known, span_days=5)
    _evaluate("thirty days of 4,000 cases a day", 120_000, known, span_days=30)
    _against(options.dues, known)
    return 0


def _evaluate(what: str, count: int, known: Figures, span_days: int) -> None:
    cases, events = _made(count, known, span_days)
    began, cpu = time.perf_counter(), time.process_time()
    evaluate(cases, events, known, NOW)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:>9,} {what}: {wall:.2f} s, CPU {used:.2f} s, {1e6 * wall / count:.1f} us a case, peak {peak:.0f} MB")


def _made(count: int, known: Figures, span_days: int) -> tuple[Cases, Events]:
    dice = np.random.default_rng(1)
    t0 = NOW - dice.integers(0, span_days * 86_400, count) * SECOND
    cases = Cases(
        dice.choice(4, count, p=[0.6, 0.05, 0.05, 0.3]).astype(np.int16),
        dice.integers(0, 4, count).astype(np.int16),
        dice.integers(0, len(known.channels), count).astype(np.int16),
        dice.integers(0, len(known.categories), count).astype(np.int16),
        t0,
        np.zeros(count, bool),
        np.zeros(count, bool),
    )
    case = np.repeat(np.arange(count), len(KINDS))
    at = t0[case] + (dice.random(len(case)) * (NOW - t0[case])).astype(np.int64)
    kind = np.tile(np.array(KINDS, np.int16), count)
    value = np.where(kind == EventKind.PRIORITY, dice.integers(0, 4, len(case)), 1).astype(np.int16)
    return cases, Events(case, at, kind, value, np.ones(len(case), bool))


# -- due dates --


def _against(count: int, known: Figures) -> None:
    """Two business days from a random instant, on desk hours with holidays."""
    dice = np.random.default_rng(2)
    starts = NOW - dice.integers(0, 365 * 86_400, count) * SECOND
    desk = next(c for c in known.calendars if c.code == "CDESK")
    length = np.full(count, HOURS * 3600 * SECOND)
    ours = _timed(lambda: desk.add(np.repeat(starts, 100), np.repeat(length, 100))) / 100
    print(f"\n{count:,} due dates, {HOURS} desk hours ahead: ours {1e6 * ours / count:.2f} us each")
    local = [datetime.fromtimestamp(s // SECOND, UTC).astimezone(ROME).replace(tzinfo=None) for s in starts.tolist()]
    for name, library in LIBRARIES.items():
        try:
            work = library(local)
        except ImportError:
            print(f"  {name:<28} not installed here")
            continue
        print(f"  {name:<28} {_timed(work) / ours:>10,.0f} x ours")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _closed() -> list[date]:
    return [day for year in range(2024, 2030) for day in holidays.italian(year)]


def _pandas(starts: list[datetime]) -> Callable[[], object]:
    calendar = pd.offsets.CustomBusinessHour(n=HOURS, start="08:00", end="18:00", holidays=_closed())
    return lambda: [pd.Timestamp(s) + calendar for s in starts]


def _businesstimedelta(starts: list[datetime]) -> Callable[[], object]:
    library = importlib.import_module("businesstimedelta")
    days = library.WorkDayRule(start_time=clock_time(8), end_time=clock_time(18), working_days=[0, 1, 2, 3, 4], tz=ROME)
    off = library.HolidayRule(dict.fromkeys(_closed(), "holiday"), tz=ROME)
    delta = library.BusinessTimeDelta(library.Rules([days, off]), hours=HOURS)
    return lambda: [s.replace(tzinfo=ROME) + delta for s in starts]


def _business_duration(starts: list[datetime]) -> Callable[[], object]:
    library = importlib.import_module("business_duration")  # it only subtracts: the way back from two days later

    def work() -> object:
        closed = dict.fromkeys(_closed(), "holiday")
        return [
            library.businessDuration(
                s, s + timedelta(days=2), clock_time(8), clock_time(18), holidaylist=closed, unit="hour"
            )
            for s in starts
        ]

    return work


def _workalendar(starts: list[datetime]) -> Callable[[], object]:
    calendar = importlib.import_module("workalendar.europe").Italy()  # whole days only
    return lambda: [calendar.add_working_days(s.date(), 2) for s in starts]


LIBRARIES: dict[str, Callable[[list[datetime]], Callable[[], object]]] = {
    "pandas CustomBusinessHour": _pandas,
    "businesstimedelta": _businesstimedelta,
    "business-duration": _business_duration,
    "workalendar (days only)": _workalendar,
}
