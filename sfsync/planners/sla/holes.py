"""Holes of a policy that its types do not show: lengths, dates and calendars that do not go together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from sfsync.planners.sla.calendar import DAY, FIRST_YEAR, LAST_YEAR
from sfsync.planners.sla.durations import Duration
from sfsync.planners.sla.holidays import italian

if TYPE_CHECKING:
    from sfsync.planners.sla.policy import Policy

ON_CALL = "C24"  # the calendar of a partner's P1 under partner_p1_oncall


def holes(policy: Policy) -> Iterator[str]:
    """One sentence for each, beginning with its place."""
    yield from _days(policy)
    yield from _late_days(policy)
    yield from _own_calendars(policy)
    if policy.warnings.critical <= policy.warnings.warn:
        yield "warnings.critical: it comes before warn; give a higher percentage"
    if any(not name.strip() for name in policy.milestones):
        yield "milestones: one has no name; write the name of the milestone in Salesforce"


def _days(policy: Policy) -> Iterator[str]:
    if not policy.business_day.days:
        yield "business_day.days: there is none, a business calendar would never open"
    for name, years in policy.holidays.items():
        for year, days in years.items():
            yield from (f"holidays.{name}.{year}: {day} is no day; write 12-25" for day in days if not _is(year, day))
    for code, spec in policy.calendars.items():
        for day, windows in spec.half_days.items():
            if any(end is None or start < end for (_, end), (start, _) in pairwise(windows)):
                yield f"calendars.{code}.half_days.{day}: its windows overlap or are out of order"


def _is(year: int, day: str) -> bool:
    try:
        date.fromisoformat(f"{year}-{day}")
    except ValueError:
        return False
    return True


def _late_days(policy: Policy) -> Iterator[str]:
    """Each must close something that was open; a day of a list and of a calendar of one name would be either."""
    seen = set()
    for n, late in enumerate(policy.late_holidays):
        name, place = late.calendar, f"late_holidays.{n}"
        spec = policy.calendars.get(name)
        if name in policy.holidays and spec:
            yield f"{place}.calendar: {name} is a list of holidays and a calendar; rename one"
        elif name not in policy.holidays and not spec:
            yield f"{place}.calendar: there is no list of holidays and no calendar {name}"
        elif spec and spec.kind == "always":
            yield f"{place}.calendar: {name} always runs, it cannot be closed"
        elif (late.day, name) in seen or _is_closed(policy, name, late.day):
            yield f"{place}.day: {late.day} is closed on {name} already; name it once"
        if not FIRST_YEAR <= late.day.year <= LAST_YEAR:
            yield f"{place}.day: {late.day} is no day of {FIRST_YEAR} to {LAST_YEAR}"
        if not late.reason.strip():
            yield f"{place}.reason: say why the day is closed"
        seen.add((late.day, name))


def _is_closed(policy: Policy, name: str, day: date) -> bool:
    """Whether the file, or the law where a list lacks the year, closes that day without it."""
    if name in policy.calendars:
        spec = policy.calendars[name]
        return day in spec.closures or (spec.holidays in policy.holidays and _is_closed(policy, spec.holidays, day))
    years = policy.holidays[name]
    return f"{day:%m-%d}" in years[day.year] if day.year in years else day in italian(day.year)


def _own_calendars(policy: Policy) -> Iterator[str]:
    """A first response and a rung run on the calendar of their clock; another one would count for nothing."""
    for tier, spec in policy.tiers.items():
        if spec.partner_p1_oncall and ON_CALL not in policy.calendars:
            yield f"tiers.{tier}.partner_p1_oncall: there is no calendar {ON_CALL}"
        for channel, aim in spec.FR.items():
            lengths = (aim,) if isinstance(aim, Duration) else (aim.warn, aim.due)
            yield from (f"tiers.{tier}.FR.{channel}: {_OTHER}" for one in lengths if one.calendar)
            if len(lengths) == 2 and lengths[0].micros(DAY) >= lengths[1].micros(DAY):
                yield f"tiers.{tier}.FR.{channel}: it warns when it is due or later"
        for priority, rungs in spec.ladder.items():
            for rung, length in rungs.items():
                if length.calendar:
                    yield f"tiers.{tier}.ladder.{priority}.{rung}: {_OTHER}"


_OTHER = "this runs on the calendar of its clock; leave out the @"
