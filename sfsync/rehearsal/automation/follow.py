"""Rows that stand for rules, calendars and processes of the metadata: what queries and ids can see of them.

``follow`` makes the missing ones and brings the others up to date; a fresh org has business hours around the clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sfsync.rehearsal.automation.calendars import STATE
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.automation_model import AutomationSource, BusinessHoursDef
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.tables import quoted

Row = dict[str, Any]
Sync = Callable[[Work, str, Sequence[str], Sequence[Row]], dict[Any, str]]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MIDNIGHT = "00:00:00.000Z"


def follow(work: Work, sync: Sync) -> None:
    """``sync(work, object, key fields, rows)`` writes rows and returns their ids by key."""
    source = work.schema.automation.source if work.schema.automation else AutomationSource()
    hours = _business_hours(work, source, sync)
    sync(work, "Holiday", ("Name",), [{"Name": one.name, **dict(one.values)} for one in source.holidays])
    for one in source.holidays:
        state.put(work.database, STATE, one.name, {"hours": list(one.hours)})
    _rules(work, source, sync)
    _processes(work, source, sync, hours)
    _indexes(work)


def _indexes(work: Work) -> None:
    """Fields of matching rules are looked up at every save of their object."""
    rules = work.schema.automation.duplicates.values() if work.schema.automation else ()
    matches = [match for several in rules for rule in several for match in rule.matches]
    for on, name in sorted({(match.to.name, there) for match in matches for _, there, _ in match.pairs}):
        index, column = quoted(f"{on}~match~{name}"), quoted(name)
        work.database.run(f"CREATE INDEX IF NOT EXISTS {index} ON {quoted(on)} ({column}) WHERE {column} IS NOT NULL")


def _business_hours(work: Work, source: AutomationSource, sync: Sync) -> dict[str, str]:
    wanted = [_hours(one) for one in source.business_hours]
    known = work.database.rows('SELECT 1 FROM "BusinessHours" WHERE "IsDefault"')
    if not known and not any(one["IsDefault"] for one in wanted):
        zone = work.database.rows('SELECT "TimeZoneSidKey" FROM "Organization" LIMIT 1')
        always = tuple((_MIDNIGHT, _MIDNIGHT) for _ in _DAYS)
        wanted.insert(0, _hours(BusinessHoursDef("Default", zone[0][0] if zone else "UTC", always, default=True)))
    for name in (one["Name"] for one in wanted if one["IsDefault"]):
        work.database.run('UPDATE "BusinessHours" SET "IsDefault" = 0 WHERE "IsDefault" AND "Name" <> ?', (name,))
    return {key[0]: found for key, found in sync(work, "BusinessHours", ("Name",), wanted).items()}


def _hours(one: BusinessHoursDef) -> Row:
    row: Row = {"Name": one.name, "IsActive": one.active, "IsDefault": one.default, "TimeZoneSidKey": one.time_zone}
    for day, span in zip(_DAYS, one.days, strict=True):
        row[f"{day}StartTime"], row[f"{day}EndTime"] = span or (None, None)
    return row


def _rules(work: Work, source: AutomationSource, sync: Sync) -> None:
    assignment = [
        {"Name": one.name, "SobjectType": one.object, "Active": one.active} for one in source.assignment_rules
    ]
    _only(work, "AssignmentRule", sync(work, "AssignmentRule", ("SobjectType", "Name"), assignment))
    duplicate = [
        {
            "DeveloperName": one.name,
            "MasterLabel": one.label,
            "SobjectType": one.object,
            "IsActive": one.active,
            "Language": "en_US",
        }
        for one in source.duplicate_rules
    ]
    _only(work, "DuplicateRule", sync(work, "DuplicateRule", ("SobjectType", "DeveloperName"), duplicate))


def _only(work: Work, name: str, ids: dict[Any, str]) -> None:
    """Rules live in metadata alone: what is not there any more goes."""
    sql = f'DELETE FROM "{name}" WHERE Id NOT IN (SELECT value FROM json_each(?))'  # noqa: S608 - fixed names
    work.database.run(sql, (json.dumps(list(ids.values())),))


def _processes(work: Work, source: AutomationSource, sync: Sync, hours: dict[str, str]) -> None:
    types = [
        {"Name": one.name, "Description": one.description, "RecurrenceType": one.recurrence}
        for one in source.milestone_types
    ]
    sync(work, "MilestoneType", ("Name",), types)
    processes = [
        {
            "Name": one.name,
            "NameNorm": one.name.lower(),
            "Description": one.description,
            "IsActive": one.active,
            "StartDateField": one.start_field,
            "SobjectType": one.object,
            "BusinessHoursId": hours.get(one.business_hours or ""),
        }
        for one in source.processes
    ]
    sync(work, "SlaProcess", ("Name",), processes)
