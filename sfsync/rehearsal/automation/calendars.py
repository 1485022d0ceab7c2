"""The business hours of an org as its rows tell them.

A holiday of the metadata closes the hours it names. Which hours a holiday made over the API belongs to can only be
said in the setup pages, which an org on loopback does not have: it closes all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal.automation.holidays import Holiday
from sfsync.rehearsal.automation.hours import Hours, span_of

Ask = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

STATE = "holiday hours"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIMES = ", ".join(f'"{day}StartTime", "{day}EndTime"' for day in _DAYS)
_HOURS = f'SELECT Id, "Name", "IsDefault", "TimeZoneSidKey", {_TIMES} FROM "BusinessHours"'  # noqa: S608 - fixed names
_HOLIDAYS = (
    'SELECT h."Name", h."ActivityDate", h."IsAllDay", h."StartTimeInMinutes", h."EndTimeInMinutes", h."IsRecurrence",'
    ' h."RecurrenceType", h."RecurrenceStartDate", h."RecurrenceEndDateOnly", h."RecurrenceInterval",'
    ' h."RecurrenceDayOfWeekMask", h."RecurrenceDayOfMonth", h."RecurrenceInstance", h."RecurrenceMonthOfYear", s.value'
    ' FROM "Holiday" h LEFT JOIN org_state s ON s.kind = ? AND s.key = h."Name"'
)


class Calendars:
    """Business hours by id; looks into the tables once, when first asked. ``ask`` runs SQL."""

    def __init__(self, ask: Ask) -> None:
        rows = ask(_HOURS, ())
        self._rows = {row[0]: row for row in rows}
        self._holidays = tuple(ask(_HOLIDAYS, (STATE,)))
        self.default: str | None = next((row[0] for row in rows if row[2]), None)

    def hours(self, record_id: str | None) -> Hours:
        """The hours with this id, else the default ones, else around the clock."""
        row = self._rows.get(record_id or "") or self._rows.get(self.default or "")
        return _hours(row[1:], self._holidays) if row else _hours((None, True, "UTC", *["00:00"] * 14), ())


@lru_cache(maxsize=256)
def _hours(row: tuple[Any, ...], holidays: tuple[tuple[Any, ...], ...]) -> Hours:
    name, _, zone, *times = row
    week = tuple(span_of(times[at], times[at + 1]) for at in range(0, 14, 2))
    mine = tuple(_holiday(one) for one in holidays if one[-1] is None or name in json.loads(one[-1])["hours"])
    return Hours(ZoneInfo(zone or "UTC"), week, mine)


def _holiday(row: tuple[Any, ...]) -> Holiday:
    _, on, all_day, start, end, repeats, kind, first, last, interval, mask, day, instance, month, _ = row
    return Holiday(
        on=_day(on),
        span=None if all_day or start is None or end is None else (int(start), int(end)),
        kind=kind if repeats else None,
        first=_day(first),
        last=_day(last),
        interval=int(interval or 1),
        mask=int(mask or 0),
        day=int(day or 0),
        instance=instance or "First",
        month=month or "",
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
