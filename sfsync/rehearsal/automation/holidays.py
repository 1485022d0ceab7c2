"""On which days a holiday falls (vendor, Object Reference: Holiday).

``RecurrenceDayOfWeekMask`` adds Sunday 1, Monday 2, Tuesday 4 … Saturday 64.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
MONTHS = (*_MONTHS, "November", "December")
_INSTANCES = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}
_WORKDAYS = 62


@dataclass(frozen=True, slots=True)
class Holiday:
    """``span``: minutes of the day from and to, None for the whole day. ``on`` is the day of a single holiday."""

    on: date | None
    span: tuple[int, int] | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None
    interval: int = 1
    mask: int = 0
    day: int = 0
    instance: str = "First"
    month: str = ""

    def falls(self, day: date) -> bool:
        """Whether ``day`` is this holiday."""
        if self.kind is None:
            return day == self.on
        first = self.first or self.on
        if first is None or day < first or (self.last is not None and day > self.last):
            return False
        return _KINDS[self.kind](self, day, first) if self.kind in _KINDS else False


def _in_mask(mask: int, day: date) -> bool:
    return bool(mask & (1 << (day.isoweekday() % 7)))


def _daily(one: Holiday, day: date, first: date) -> bool:
    return (day - first).days % max(one.interval, 1) == 0


def _every_weekday(one: Holiday, day: date, first: date) -> bool:
    return _in_mask(one.mask or _WORKDAYS, day)


def _weekly(one: Holiday, day: date, first: date) -> bool:
    weeks = (_sunday(day) - _sunday(first)).days // 7
    return weeks % max(one.interval, 1) == 0 and _in_mask(one.mask, day)


def _sunday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() % 7)


def _monthly(one: Holiday, day: date, first: date) -> bool:
    return _month_counts(one, day, first) and day.day == one.day


def _monthly_nth(one: Holiday, day: date, first: date) -> bool:
    return _month_counts(one, day, first) and _nth(one, day)


def _month_counts(one: Holiday, day: date, first: date) -> bool:
    months = (day.year - first.year) * 12 + day.month - first.month
    return months % max(one.interval, 1) == 0


def _nth(one: Holiday, day: date) -> bool:
    """The first, second, …, last of the days in the mask within its month."""
    last = calendar.monthrange(day.year, day.month)[1]
    fitting = [number for number in range(1, last + 1) if _in_mask(one.mask, day.replace(day=number))]
    place = _INSTANCES.get(one.instance, 0)
    return -len(fitting) <= place < len(fitting) and fitting[place] == day.day


def _yearly(one: Holiday, day: date, first: date) -> bool:
    return MONTHS[day.month - 1] == one.month and day.day == one.day


def _yearly_nth(one: Holiday, day: date, first: date) -> bool:
    return MONTHS[day.month - 1] == one.month and _nth(one, day)


_KINDS: dict[str, Callable[[Holiday, date, date], bool]] = {
    "RecursDaily": _daily,
    "RecursEveryWeekday": _every_weekday,
    "RecursWeekly": _weekly,
    "RecursMonthly": _monthly,
    "RecursMonthlyNth": _monthly_nth,
    "RecursYearly": _yearly,
    "RecursYearlyNth": _yearly_nth,
}
