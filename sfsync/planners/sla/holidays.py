"""Italian public holidays (Law 260/1949 and later; 4 October from 2026: Law 151/2025)."""

from __future__ import annotations

from datetime import date, timedelta

_FIXED = ((1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26))
_SAINT_FRANCIS = (10, 4)
_SAINT_FRANCIS_FROM = 2026


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def italian(year: int) -> list[date]:
    """The national holidays of a year, in order. Easter is a Sunday anyway and is not listed."""
    days = [date(year, month, day) for month, day in _FIXED]
    days.append(easter(year) + timedelta(days=1))
    if year >= _SAINT_FRANCIS_FROM:
        days.append(date(year, *_SAINT_FRANCIS))
    return sorted(days)
