"""When a clock runs: opening windows as instants, and running time as a monotone function of time (policy C.2).

All arithmetic is in UTC. The edges of a window are built from the wall time of each date, so they move with summer
time. ``instant`` gives the earliest instant: a target that ends exactly at closing is due at closing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from sfsync.planners.sla.walltime import micros
from sfsync.planners.sla.words import SECOND

FIRST_YEAR, LAST_YEAR = 2010, 2060  # windows are laid out for these years
DAY = 86_400 * SECOND
Window = tuple[time, time | None]  # local opening and closing; None: midnight at the end of the day


@dataclass(frozen=True)
class Calendar:
    """One calendar. ``opens`` and ``closes`` (int64 microseconds UTC, sorted); none: it always runs.

    ``day``   microseconds of one business day      ``before``  int64, time run before each window opens
    """

    code: str
    day: int
    opens: np.ndarray
    closes: np.ndarray
    before: np.ndarray

    @property
    def always(self) -> bool:
        """Whether it never stops."""
        return not len(self.opens)

    def running(self, at: np.ndarray) -> np.ndarray:
        """int64 n: how long it has run until each instant, in microseconds from its own origin; never falls."""
        if self.always:
            return at
        place = np.maximum(np.searchsorted(self.opens, at, side="right") - 1, 0)
        since = np.maximum(at - self.opens[place], 0)
        return self.before[place] + np.minimum(since, self.closes[place] - self.opens[place])

    def instant(self, run: np.ndarray) -> np.ndarray:
        """int64 n: the earliest instant at which it has run so long."""
        if self.always:
            return run
        # The window in which it gets there: the last one that began with less. Before the first one, its opening.
        place = np.clip(np.searchsorted(self.before, run, side="left") - 1, 0, len(self.opens) - 1)
        return self.opens[place] + np.maximum(run - self.before[place], 0)

    def add(self, at: np.ndarray, length: np.ndarray) -> np.ndarray:
        """int64 n: when so much running time has passed since ``at``."""
        return self.instant(self.running(at) + length)

    def between(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """int64 n: running time from ``start`` to ``end``."""
        return self.running(end) - self.running(start)


def always(code: str) -> Calendar:
    """A calendar that never stops: lengths are elapsed time. A business day on it is 24 hours."""
    none = np.zeros(0, np.int64)
    return Calendar(code, DAY, none, none, none)


def business(
    code: str,
    zone: ZoneInfo,
    windows: Sequence[Window],
    weekdays: Iterable[int],
    closed: Iterable[date],
    short: dict[date, Sequence[Window]] | None = None,
) -> Calendar:
    """A calendar of opening windows on weekdays (0 = Monday).

    ``closed``: holidays and declared closures; ``short``: days with windows of their own (half days), which open even
    on another weekday, but not on a closed day.
    """
    shut, open_on, half = set(closed), set(weekdays), short or {}
    edges = [
        (_instant(day, start, zone), _instant(day, end, zone))
        for day in _days()
        if day not in shut and (day in half or day.weekday() in open_on)
        for start, end in half.get(day, windows)
    ]
    opens, closes = np.array(edges, np.int64).reshape(-1, 2).T
    before = np.concatenate(([0], np.cumsum(closes - opens)[:-1]))
    return Calendar(code, sum(_length(w) for w in windows), opens, closes, before)


def _days() -> Iterable[date]:
    first = date(FIRST_YEAR, 1, 1)
    return (first + timedelta(days=n) for n in range((date(LAST_YEAR + 1, 1, 1) - first).days))


def _instant(day: date, at: time | None, zone: ZoneInfo) -> int:
    if at is None:
        day, at = day + timedelta(days=1), time()
    return micros(datetime.combine(day, at, zone).astimezone(UTC))


def _length(window: Window) -> int:
    start, end = ((w.hour * 60 + w.minute) * 60 + w.second if w else 86_400 for w in window)
    return (end - start) * SECOND
