"""Dates and times as people write them in a zone, or why they say nothing (domain requests D.4.2, rows 9-15)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

Said = tuple[str | None, tuple[str, ...]]

_DAY_FIRST = re.compile(
    r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4}|\d{2})(?:\s*[T, ]\s*(?:ore|h\.?|alle)?\s*(.+))?", re.I
)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(.+))?", re.I)
_TIME = re.compile(r"(\d{1,2})[:.,h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.I)
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d+))?")
_FIRST_SERIAL, _LAST_SERIAL = 40_000, 60_000
NO_TIME = "_NO-TIME"  # a mark of ours, never shown
_EPOCH = date(1899, 12, 30)  # of Excel's 1900 system, its leap year 1900 counted


@dataclass(frozen=True)
class Clock:
    """The zone of a profile, and today there."""

    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> date:
        """The civil date in the zone."""
        return self.now.astimezone(self.zone).date()

    def instant(self, text: str) -> Said:
        """UTC. A date alone is its midnight, with W-NOTIME."""
        found, time, codes = _day(_tidy(text))
        if found is None:
            return None, codes
        if time is None:
            silent = "W-SERIAL" in codes  # one warning says both
            return self._utc(datetime.combine(found, datetime.min.time()), (*codes, NO_TIME if silent else "W-NOTIME"))
        return self._timed(found, time, codes)

    def _timed(self, day: date, time: str, codes: tuple[str, ...]) -> Said:
        parts = _TIME.fullmatch(time.strip())
        if parts is None or int(parts[1]) > 23 or int(parts[2]) > 59 or int(parts[3] or 0) > 59:
            return None, ("E-DATE",)
        local = datetime(day.year, day.month, day.day, int(parts[1]), int(parts[2]), int(parts[3] or 0))  # noqa: DTZ001
        if parts[4]:
            return _text(local.replace(tzinfo=_offset(parts[4]))), codes
        return self._utc(local, codes)

    def _utc(self, local: datetime, codes: tuple[str, ...]) -> Said:
        """A missing hour is an hour later, a repeated one its first occurrence."""
        there = local.replace(tzinfo=self.zone)
        utc = there.astimezone(UTC)
        if utc.astimezone(self.zone).replace(tzinfo=None) != local:
            codes = (*codes, "W-TIME-GAP")
        elif there.utcoffset() != there.replace(fold=1).utcoffset():
            codes = (*codes, "W-TIME-AMBIG")
        return _text(utc), codes

    def date(self, text: str) -> Said:
        """A civil date; a time behind it does not matter."""
        found, _, codes = _day(_tidy(text))
        return (None if found is None else found.isoformat()), codes


def _tidy(text: str) -> str:
    return re.sub(r"[\s\u00a0\u200b\ufeff]+", " ", text).strip(" '")


def _day(text: str) -> tuple[date | None, str | None, tuple[str, ...]]:
    """The day, the text of the time behind it, and codes."""
    serial = _SERIAL.fullmatch(text)
    if serial:
        return _from_serial(int(serial[1]), serial[2])
    if iso := _ISO.fullmatch(text):
        return _made(int(iso[1]), int(iso[2]), int(iso[3]), iso[4], ())
    parts = _DAY_FIRST.fullmatch(text)
    if parts is None:
        return None, None, ("E-DATE",)
    short = len(parts[3]) == 2
    year = int(parts[3]) + (2000 if short else 0)
    return _made(year, int(parts[2]), int(parts[1]), parts[4], ("W-YEAR2",) if short else ())


def _made(
    year: int, month: int, day: int, time: str | None, codes: tuple[str, ...]
) -> tuple[date | None, str | None, tuple[str, ...]]:
    try:
        found = date(year, month, day)
    except ValueError:  # the thirteenth month: which of the two was meant, only the sender knows
        return None, None, ("E-DATE",)
    if not 1900 <= year <= 2199:
        return None, None, ("E-DATE",)
    return found, time, codes


def _from_serial(days: int, fraction: str | None) -> tuple[date | None, str | None, tuple[str, ...]]:
    if not _FIRST_SERIAL <= days <= _LAST_SERIAL:
        return None, None, ("E-DATE",)
    found = _EPOCH + timedelta(days=days)
    if not fraction:
        return found, None, ("W-SERIAL",)
    seconds = min(round(float(f"0.{fraction}") * 86_400), 86_399)
    return found, f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}", ("W-SERIAL",)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=min(minutes, 1_439) * (-1 if text[0] == "-" else 1)))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
