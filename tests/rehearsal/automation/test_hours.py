"""Business time: zones, clock changes, holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sfsync.rehearsal.automation.holidays import Holiday
from sfsync.rehearsal.automation.hours import Hours, NeverOpenError, span_of

_OFFICE = ((9 * 60, 17 * 60),) * 5 + (None, None)
_ROME = Hours(ZoneInfo("Europe/Rome"), _OFFICE)
_ALWAYS = Hours(ZoneInfo("Europe/Rome"), ((0, 1440),) * 7)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-02T09:00", 60, "2026-03-02T10:00"),  # Monday 10:00 in Rome
        ("2026-03-02T15:30", 60, "2026-03-03T08:30"),  # half an hour left on Monday
        ("2026-03-06T20:00", 60, "2026-03-09T09:00"),  # Friday evening to Monday
        ("2026-03-27T15:00", 120, "2026-03-30T08:00"),  # over the clock change of Sunday
        ("2026-03-02T05:00", 480, "2026-03-02T16:00"),  # before opening, to the very end of the day
    ],
)
def test_adding_minutes(start: str, minutes: int, end: str) -> None:
    assert _ROME.add(_utc(start), minutes * 60) == _utc(end)
    assert _ROME.between(_utc(start), _utc(end)) == minutes * 60


def test_a_day_on_which_the_clocks_change_has_its_real_length() -> None:
    assert _ALWAYS.between(_utc("2026-03-28T23:00"), _utc("2026-03-29T22:00")) == 23 * 3600
    assert _ALWAYS.between(_utc("2026-10-24T22:00"), _utc("2026-10-25T23:00")) == 25 * 3600
    assert _ALWAYS.add(_utc("2026-03-28T23:00"), 24 * 3600) == _utc("2026-03-29T23:00")


def test_closed_time_counts_nothing_and_backwards_is_negative() -> None:
    assert _ROME.between(_utc("2026-03-07T00:00"), _utc("2026-03-08T23:00")) == 0
    assert _ROME.between(_utc("2026-03-02T10:00"), _utc("2026-03-02T09:00")) == -3600


def test_hours_that_never_open() -> None:
    with pytest.raises(NeverOpenError):
        Hours(ZoneInfo("UTC"), (None,) * 7).add(_utc("2026-01-01T00:00"), 60)


def test_a_holiday_closes_its_day_or_a_part_of_it() -> None:
    whole = Hours(ZoneInfo("Europe/Rome"), _OFFICE, (Holiday(date(2026, 3, 2)),))
    assert whole.add(_utc("2026-03-02T09:00"), 60) == _utc("2026-03-03T08:01")
    morning = Hours(ZoneInfo("Europe/Rome"), _OFFICE, (Holiday(date(2026, 3, 2), (600, 720)),))
    assert morning.between(_utc("2026-03-02T08:00"), _utc("2026-03-02T16:00")) == 6 * 3600


def test_times_as_the_rows_tell_them() -> None:
    assert span_of("09:00:00.000Z", "17:30:00.000Z") == (540, 1050)
    assert span_of("00:00:00.000Z", "00:00:00.000Z") == (0, 1440)
    assert span_of("20:00:00.000Z", "00:00:00.000Z") == (1200, 1440)
    assert span_of(None, None) is None


@pytest.mark.parametrize(
    ("holiday", "days", "others"),
    [
        (
            Holiday(None, kind="RecursYearly", first=date(2020, 1, 1), day=25, month="December"),
            [date(2026, 12, 25), date(2020, 12, 25)],
            [date(2026, 12, 26), date(2019, 12, 25)],
        ),
        (
            Holiday(None, kind="RecursYearlyNth", first=date(2020, 1, 1), mask=32, instance="Fourth", month="November"),
            [date(2026, 11, 27)],
            [date(2026, 11, 20), date(2026, 10, 23)],
        ),
        (
            Holiday(None, kind="RecursMonthlyNth", first=date(2026, 1, 1), mask=2, instance="Last", interval=2),
            [date(2026, 1, 26), date(2026, 3, 30)],
            [date(2026, 2, 23), date(2026, 3, 23)],
        ),
        (
            Holiday(None, kind="RecursMonthly", first=date(2026, 1, 1), day=31),
            [date(2026, 1, 31), date(2026, 3, 31)],
            [date(2026, 2, 28)],
        ),
        (
            Holiday(None, kind="RecursWeekly", first=date(2026, 3, 4), mask=2 | 8, interval=2),
            [date(2026, 3, 4), date(2026, 3, 16), date(2026, 3, 18)],
            [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 11)],
        ),
        (
            Holiday(None, kind="RecursDaily", first=date(2026, 3, 1), last=date(2026, 3, 7), interval=3),
            [date(2026, 3, 1), date(2026, 3, 4), date(2026, 3, 7)],
            [date(2026, 3, 2), date(2026, 3, 10)],
        ),
        (
            Holiday(None, kind="RecursEveryWeekday", first=date(2026, 3, 2)),
            [date(2026, 3, 2), date(2026, 3, 6)],
            [date(2026, 3, 7)],
        ),
    ],
)
def test_recurring_holidays(holiday: Holiday, days: list[date], others: list[date]) -> None:
    assert all(map(holiday.falls, days))
    assert not any(map(holiday.falls, others))
