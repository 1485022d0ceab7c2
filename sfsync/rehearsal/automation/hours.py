"""Business time: how long the hours of an org are open between two instants, and when so much of it has passed.

Hours are wall-clock times in the hours' own zone. Lengths are real ones: a day on which the clocks change has an hour
more or less, if the hours are open then. Source: vendor, Apex ``BusinessHours.add`` and ``diff``; wire reference 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sfsync.rehearsal.automation.holidays import Holiday

Span = tuple[int, int]

_MINUTES_A_DAY = 24 * 60
_FURTHEST = timedelta(days=3660)


class NeverOpenError(ValueError):
    """The hours do not open within ten years."""


@dataclass(frozen=True)
class Hours:
    """``week``: Monday to Sunday, the minutes of the day from and to, None where closed; to 1440 is midnight."""

    zone: ZoneInfo
    week: tuple[Span | None, ...]
    holidays: tuple[Holiday, ...] = ()

    def add(self, start: datetime, seconds: float) -> datetime:
        """The instant at which ``seconds`` of business time have passed since ``start``. Raises NeverOpenError."""
        left = timedelta(seconds=seconds)
        if left <= timedelta(0):
            return start
        for begin, end in self._open(start):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        raise NeverOpenError

    def between(self, start: datetime, end: datetime) -> float:
        """Business seconds from ``start`` to ``end``; negative when ``end`` comes first."""
        if end < start:
            return -self.between(end, start)
        total = timedelta(0)
        for begin, stop in self._open(start):
            if begin >= end:
                break
            total += min(stop, end) - begin
        return total.total_seconds()

    def _open(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open stretches from ``start`` on, in UTC, in order."""
        start = start.astimezone(UTC)
        day, last = start.astimezone(self.zone).date(), start + _FURTHEST
        while self._at(day, 0) < last:
            for begin, end in self._spans(day):
                opens, closes = self._at(day, begin), self._at(day, end)
                if closes > start:
                    yield max(opens, start), closes
            day += timedelta(days=1)

    def _spans(self, day: date) -> list[Span]:
        """What is open of a day after its holidays."""
        usual = self.week[day.weekday()]
        spans = [] if usual is None else [usual]
        for one in self.holidays:
            if spans and one.falls(day):
                spans = [] if one.span is None else [part for span in spans for part in _without(span, one.span)]
        return spans

    def _at(self, day: date, minute: int) -> datetime:
        """The instant of a wall-clock time; 1440 is the start of the next day."""
        if minute >= _MINUTES_A_DAY:
            day, minute = day + timedelta(days=1), 0
        wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self.zone)
        return wall.astimezone(UTC)


def _without(span: Span, closed: Span) -> list[Span]:
    parts = [(span[0], min(span[1], closed[0])), (max(span[0], closed[1]), span[1])]
    return [part for part in parts if part[0] < part[1]]


def span_of(start: str | None, end: str | None) -> Span | None:
    """``09:00:00.000Z`` to ``17:30:00.000Z`` as minutes; both blank is closed, both equal the whole day."""
    if not start or not end:
        return None
    first, last = _minutes(start), _minutes(end)
    return (0, _MINUTES_A_DAY) if first == last else (first, last or _MINUTES_A_DAY)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])
