"""FORMAT(): numbers, currencies, dates and times as the user's locale writes them.

Source: SOQL guide, FORMAT. A locale that is not in the table is written as en_US.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal.schema.model import Field


@dataclass(frozen=True, slots=True)
class Locale:
    """``date`` and ``clock`` in str.format fields of y m d and H h M p; ``money`` of the amount."""

    group: str
    point: str
    date: str
    clock: str
    money: str
    between: str = " "


_DAY_CLOCK = "{H:02d}:{M:02d}"
_LOCALES = {
    "en_US": Locale(",", ".", "{m}/{d}/{y}", "{h}:{M:02d} {p}", "${0}", ", "),
    "en_GB": Locale(",", ".", "{d:02d}/{m:02d}/{y}", _DAY_CLOCK, "£{0}", ", "),
    "it_IT": Locale(".", ",", "{d:02d}/{m:02d}/{y}", _DAY_CLOCK, "{0} €", ", "),
    "de_DE": Locale(".", ",", "{d:02d}.{m:02d}.{y}", _DAY_CLOCK, "{0} €", ", "),
    "fr_FR": Locale("\u202f", ",", "{d:02d}/{m:02d}/{y}", _DAY_CLOCK, "{0} €"),
    "es_ES": Locale(".", ",", "{d}/{m}/{y}", "{H}:{M:02d}", "{0} €", ", "),
}


def shower(field: Field, locale: str, zone: ZoneInfo) -> Callable[[Any], Any]:
    """The function that writes values of a field; other types than numbers and times stay as they are."""
    ways = _LOCALES.get(locale, _LOCALES["en_US"])
    if field.type in ("int", "double", "percent", "currency"):
        return lambda value: None if value is None else _number(field, value, ways)
    if field.type == "datetime":
        return lambda value: None if value is None else _moment(value, ways, zone)
    if field.type == "date":
        return lambda value: None if value is None else _date(datetime.fromisoformat(value), ways)
    if field.type == "time":
        return lambda value: None if value is None else _clock(time.fromisoformat(value.rstrip("Z")), ways)
    return lambda value: value


def _number(field: Field, value: float, ways: Locale) -> str:
    scale = 2 if field.type == "currency" and not field.scale else field.scale
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    text = f"{abs(exact):,.{scale}f}".translate(str.maketrans(",.", ways.group + ways.point))
    if field.type == "currency":
        text = ways.money.format(text)
    if field.type == "percent":
        text += "%"
    return f"-{text}" if exact < 0 else text


def _date(day: datetime, ways: Locale) -> str:
    return ways.date.format(y=day.year, m=day.month, d=day.day)


def _clock(at: datetime | time, ways: Locale) -> str:
    return ways.clock.format(H=at.hour, h=at.hour % 12 or 12, M=at.minute, p="AM" if at.hour < 12 else "PM")


def _moment(value: str, ways: Locale, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(value).astimezone(zone)
    return _date(local, ways) + ways.between + _clock(local, ways)
