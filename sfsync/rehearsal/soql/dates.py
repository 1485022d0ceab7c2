"""Date literals: a table of units and steps, and the range each means at a given moment.

Source: wire reference 9.2. LAST_N_DAYS:n includes today; every other LAST_N_ and NEXT_N_ leaves the current unit
out. Ranges are in the user's time zone; weeks start as in the user's locale, fiscal years in the org's first
fiscal month.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.clock import instant

_FIRST, _LAST = date(1700, 1, 1), date(4000, 12, 31)
# Locales whose weeks begin on Sunday; all others begin on Monday.
_SUNDAY = frozenset(
    {"en_US", "en_CA", "en_AU", "en_IN", "ja_JP", "ja", "pt_BR", "zh_TW", "zh_HK", "ko_KR", "he_IL", "iw_IL"}
)
_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")


@dataclass(frozen=True, slots=True)
class Range:
    """From unit ``first`` to unit ``last`` counted from the current one (0), both included."""

    unit: str
    first: int
    last: int


_Make = Callable[[int], Range]


def _table() -> tuple[dict[str, Range], dict[str, _Make]]:
    fixed = {
        "YESTERDAY": Range("DAY", -1, -1),
        "TODAY": Range("DAY", 0, 0),
        "TOMORROW": Range("DAY", 1, 1),
        "LAST_90_DAYS": Range("DAY", -90, 0),
        "NEXT_90_DAYS": Range("DAY", 1, 90),
    }
    counted: dict[str, _Make] = {
        "LAST_N_DAYS": lambda n: Range("DAY", -n, 0),
        "NEXT_N_DAYS": lambda n: Range("DAY", 1, n),
        "N_DAYS_AGO": lambda n: Range("DAY", -n, -n),
    }
    for unit in _UNITS:
        fixed |= {
            f"LAST_{unit}": Range(unit, -1, -1),
            f"THIS_{unit}": Range(unit, 0, 0),
            f"NEXT_{unit}": Range(unit, 1, 1),
        }
        counted |= _counted(unit)
    return fixed, counted


def _counted(unit: str) -> dict[str, _Make]:
    return {
        f"LAST_N_{unit}S": lambda n: Range(unit, -n, -1),
        f"NEXT_N_{unit}S": lambda n: Range(unit, 1, n),
        f"N_{unit}S_AGO": lambda n: Range(unit, -n, -n),
    }


_FIXED, _COUNTED = _table()


def names() -> list[str]:
    """Every date literal, those that count with their ``:n``."""
    return [*_FIXED, *(f"{name}:n" for name in _COUNTED)]


def literal(text: str) -> Range | None:
    """The range of ``TODAY`` or ``LAST_N_DAYS:7``; None for a word that is no date literal."""
    name, colon, number = text.upper().partition(":")
    if not colon:
        return _FIXED.get(name)
    make = _COUNTED.get(name)
    return None if make is None else make(digits.number(number))


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a user counts days: time zone, locale (for weeks), first fiscal month."""

    zone: ZoneInfo
    locale: str = "en_US"
    fiscal_month: int = 1


def bounds(range_: Range, now: datetime, calendar: Calendar) -> tuple[date, date]:
    """First day, and the day after the last; kept within the years SOQL knows."""
    today = now.astimezone(calendar.zone).date()
    return _kept(range_, today, range_.first, calendar), _kept(range_, today, range_.last + 1, calendar)


def _kept(range_: Range, today: date, step: int, calendar: Calendar) -> date:
    try:
        return min(max(_start(range_.unit, today, step, calendar), _FIRST), _LAST)
    except (ValueError, OverflowError):
        return _FIRST if step < 0 else _LAST


def _start(unit: str, today: date, step: int, calendar: Calendar) -> date:
    if unit == "DAY":
        return today + timedelta(days=step)
    if unit == "WEEK":
        back = (today.weekday() + (calendar.locale in _SUNDAY)) % 7
        return today - timedelta(days=back) + timedelta(weeks=step)
    shift = calendar.fiscal_month - 1 if unit.startswith("FISCAL_") else 0
    length = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit.removeprefix("FISCAL_")]
    month = today.year * 12 + today.month - 1 - shift
    month = month - month % length + step * length + shift
    return date(month // 12, month % 12 + 1, 1)


def midnight(day_: date, zone: ZoneInfo) -> str:
    """The instant a day begins, as stored."""
    return instant(datetime.combine(day_, time.min, zone).astimezone(UTC))


def moment(text: str) -> str:
    """An unquoted dateTime, as stored. Raises OrgError MALFORMED_QUERY."""
    try:
        found = datetime.fromisoformat(text.upper())
        utc = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise errors.malformed_query(f"Invalid datetime: {text}") from None
    return _in_range(f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}.000+0000", text, "datetime")


def day(text: str) -> str:
    """An unquoted date, as stored. Raises OrgError MALFORMED_QUERY."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise errors.malformed_query(f"Invalid date: {text}") from None
    return _in_range(text, text, "date")


def _in_range(stored: str, text: str, kind: str) -> str:
    if re.match(r"(1[0-6]|0)", stored) or stored[:4] > "4000":
        raise errors.malformed_query(f"Invalid {kind}: {text}")
    return stored
