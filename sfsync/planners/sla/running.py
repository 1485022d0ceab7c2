"""Running time, case by case on its own calendar, many cases at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sfsync.planners.sla.calendar import Calendar
from sfsync.planners.sla.figures import Figures

Each = Callable[[Calendar, np.ndarray], np.ndarray]


def _by_calendar(figures: Figures, cal: np.ndarray, values: np.ndarray, work: Each) -> np.ndarray:
    if not len(values):
        return values
    first = int(cal[0])
    if (cal == first).all():
        return work(figures.calendars[first], values)
    made = values.copy()
    for number, calendar in enumerate(figures.calendars):
        mine = np.flatnonzero(cal == number)
        if mine.size:
            made[mine] = work(calendar, values[mine])
    return made


def running(figures: Figures, cal: np.ndarray, at: np.ndarray) -> np.ndarray:
    """int64 n: the time each calendar has run until ``at``, in microseconds from a fixed origin."""
    return _by_calendar(figures, cal, at, Calendar.running)


def instant(figures: Figures, cal: np.ndarray, run: np.ndarray) -> np.ndarray:
    """int64 n: the earliest instant at which each calendar has run so long."""
    return _by_calendar(figures, cal, run, Calendar.instant)


def add(figures: Figures, cal: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
    """int64 n: ``at`` plus so much running time."""
    return instant(figures, cal, running(figures, cal, at) + length)


def between(figures: Figures, cal: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """int64 n: running time from ``start`` to ``end`` (negative where ``end`` comes first)."""
    return running(figures, cal, end) - running(figures, cal, start)
