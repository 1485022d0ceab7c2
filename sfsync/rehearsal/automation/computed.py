"""Fields whose values are computed when they are read: the state of milestones and entitlements by the org's clock.

``EXPRESSIONS`` are SQL with ``{0}`` for the row's alias, so that queries can select, filter and sort by them; the
functions they use are given to every connection by ``install``. A case that is stopped, or has left its process, is
seen as it was at that instant. Source: wire reference 15.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sfsync.rehearsal.automation import formulas
from sfsync.rehearsal.automation.calendars import Calendars
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.formula.values import moment
from sfsync.rehearsal.schema.model import SObject

_SEEN = (
    'COALESCE((SELECT CASE WHEN c_."IsStopped" THEN c_."StopStartDate" ELSE c_."SlaExitDate" END'
    ' FROM "Case" c_ WHERE c_.Id = {0}."CaseId"), org_now())'
)
_VIOLATED = f'(COALESCE({{0}}."CompletionDate", {_SEEN}) > {{0}}."TargetDate")'
_LEFT = f'milestone_time({{0}}."TargetDate", {{0}}."CompletionDate", {_SEEN}, {{0}}."BusinessHoursId", {{1}})'
_STATUS = (
    "(SELECT CASE WHEN COUNT(*) = 0 THEN NULL WHEN SUM(v_.late AND NOT v_.done) > 0 THEN 'Open Violation'"  # noqa: S608
    " WHEN SUM(v_.late) > 0 THEN 'Closed Violation' ELSE 'Compliant' END"
    f' FROM (SELECT {_VIOLATED.replace("{0}", "m_")} late, m_."IsCompleted" done FROM "CaseMilestone" m_'
    ' WHERE m_."CaseId" = {0}.Id) v_)'
)
_ENTITLEMENT = (
    'CASE WHEN {0}."StartDate" > org_today() THEN \'Inactive\' WHEN {0}."EndDate" < org_today()'
    " OR ({0}.\"IsPerIncident\" AND {0}.\"RemainingCases\" <= 0) THEN 'Expired' ELSE 'Active' END"
)
EXPRESSIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("CaseMilestone", "IsViolated"): _VIOLATED,
        ("CaseMilestone", "TimeRemainingInMins"): _LEFT.replace("{1}", "1"),
        ("CaseMilestone", "TimeSinceTargetInMins"): _LEFT.replace("{1}", "-1"),
        ("Case", "MilestoneStatus"): _STATUS,
        ("Entitlement", "Status"): _ENTITLEMENT,
    }
)


def with_expressions(obj: SObject) -> SObject:
    """The object with its computed fields marked as such."""
    given = {one.name: formulas.expression(obj, one) for one in obj.fields if one.formula is not None}
    given |= {name: sql for (on, name), sql in EXPRESSIONS.items() if on == obj.name}
    if not given:
        return obj
    fields = tuple(replace(one, expression=given[one.name]) if one.name in given else one for one in obj.fields)
    return replace(obj, fields=fields)


def install(connection: sqlite3.Connection, now: Callable[[], datetime]) -> None:
    """The functions that expressions call, on one connection. ``now`` tells the org's time."""

    def today() -> str:
        zone = connection.execute('SELECT "TimeZoneSidKey" FROM "Organization" LIMIT 1').fetchone()
        return now().astimezone(ZoneInfo(zone[0] if zone and zone[0] else "UTC")).date().isoformat()

    def milestone_time(target: str | None, done: str | None, seen: str, hours: str | None, sign: int) -> str | None:
        if target is None or done is not None or (seen > target) != (sign < 0):
            return None
        return _minutes_and_seconds(connection, hours, seen, target)

    connection.create_function("org_now", 0, lambda: instant(now()))
    connection.create_function("org_today", 0, today)
    connection.create_function("milestone_time", 5, milestone_time)


def _minutes_and_seconds(connection: sqlite3.Connection, hours: str | None, seen: str, target: str) -> str:
    """Business time between two instants, ``mm:ss``; minutes go beyond 59."""
    calendars = Calendars(lambda sql, values: connection.execute(sql, values).fetchall())
    first, last = sorted((moment(seen), moment(target)))  # type: ignore[type-var]
    assert first is not None and last is not None
    minutes, seconds = divmod(int(calendars.hours(hours).between(first, last)), 60)
    return f"{minutes:02d}:{seconds:02d}"
