"""Functions of dates, instants and times. Those that need the clock or the user's zone get it from ``evaluate``."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal.formula.function import NUMBER, Function
from sfsync.rehearsal.formula.values import Failure, Value

_DATE = frozenset({"date"})
_TIME = frozenset({"time"})
_INSTANT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})Z?\Z")


def _date_of(year: Decimal, month: Decimal, day: Decimal) -> Value:
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return Failure("Invalid date")


def _months_later(moment: Any, months: Decimal) -> Value:
    """The last day of a month stays the last day."""
    count = moment.year * 12 + moment.month - 1 + int(months)
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        return Failure("Date out of range")
    last = calendar.monthrange(year, month + 1)[1]
    at_end = moment.day == calendar.monthrange(moment.year, moment.month)[1]
    return moment.replace(year=year, month=month + 1, day=last if at_end else min(moment.day, last))


def date_value(zone: ZoneInfo) -> Callable[[Any], Value]:
    """DATEVALUE: an instant becomes the day it is for the user."""

    def act(one: Any) -> Value:
        if isinstance(one, datetime):
            return one.astimezone(zone).date()
        try:
            return date.fromisoformat(one) if re.fullmatch(r"\d{4}-\d\d-\d\d", one) else Failure("Invalid date")
        except ValueError:
            return Failure("Invalid date")

    return act


def _datetime_value(one: Any) -> Value:
    """DATETIMEVALUE: text and dates are read as GMT."""
    if isinstance(one, datetime):
        return one
    if isinstance(one, date):
        return datetime(one.year, one.month, one.day, tzinfo=UTC)
    match = _INSTANT.match(one)
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC) if match else Failure("Invalid datetime")  # type: ignore[misc,arg-type]
    except ValueError:
        return Failure("Invalid datetime")


def _time_value(one: Any) -> Value:
    if isinstance(one, datetime):
        return one.time()
    try:
        return time.fromisoformat(one)
    except ValueError:
        return Failure("Invalid time")


def _part(name: str) -> Callable[[Any], Value]:
    return lambda one: Decimal(getattr(one, name))


def functions() -> Sequence[Function]:
    text_or_moment = frozenset({"text", "date", "datetime"})
    return (
        Function("ADDMONTHS", (frozenset({"date", "datetime"}), NUMBER), lambda kinds: kinds[0], _months_later),
        Function("DATE", (NUMBER, NUMBER, NUMBER), "date", _date_of),
        Function("DATETIMEVALUE", (text_or_moment,), "datetime", _datetime_value),
        Function("DATEVALUE", (frozenset({"text", "datetime"}),), "date"),
        Function("DAY", (_DATE,), "number", _part("day")),
        Function("HOUR", (_TIME,), "number", _part("hour")),
        Function("MILLISECOND", (_TIME,), "number", lambda one: Decimal(one.microsecond // 1000)),
        Function("MINUTE", (_TIME,), "number", _part("minute")),
        Function("MONTH", (_DATE,), "number", _part("month")),
        Function("NOW", (), "datetime"),
        Function("SECOND", (_TIME,), "number", _part("second")),
        Function("TIMEVALUE", (frozenset({"text", "datetime"}),), "time", _time_value),
        Function("TODAY", (), "date"),
        Function("WEEKDAY", (_DATE,), "number", lambda one: Decimal(one.isoweekday() % 7 + 1)),
        Function("YEAR", (_DATE,), "number", _part("year")),
    )
