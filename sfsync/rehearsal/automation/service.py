"""What saving a case or a milestone does beyond its own rules: default hours, stopping the clock, completing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sfsync.rehearsal.automation import entitlements
from sfsync.rehearsal.automation.calendars import Calendars
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.formula.values import moment

_OPEN = (
    'SELECT Id, "CaseId", "StartDate", "TargetDate", "BusinessHoursId", "StoppedTimeInMins" FROM "CaseMilestone"'
    ' WHERE NOT "IsCompleted" AND "CaseId" IN (SELECT value FROM json_each(?))'
)
_LONGER = (
    'UPDATE "CaseMilestone" SET "TargetDate" = ?, "StoppedTimeInMins" = ?, "StoppedTimeInHrs" = ?,'
    ' "StoppedTimeInDays" = ?, "SystemModstamp" = ? WHERE Id = ?'
)


def before_case(work: Work, batch: Batch, old: Stored | None) -> None:
    """Business hours default to the org's; the clock of a stopped case has stood since now."""
    if old is None:
        given = batch.values("BusinessHoursId")
        if None in given:
            default = Calendars(work.database.rows).default
            batch.columns["BusinessHoursId"] = [one or default for one in given]
    if "IsStopped" not in batch.columns:
        return
    stopped = [bool(one) for one in whole(batch, old, "IsStopped")]
    since = [None] * batch.size if old is None else old["StopStartDate"]
    batch.columns["StopStartDate"] = [
        (before or work.stamp) if now else None for now, before in zip(stopped, since, strict=True)
    ]


def after_case(work: Work, batch: Batch, ids: Sequence[str], old: Stored | None) -> None:
    """Cases that go on again get the time back that they stood, then all follow their processes."""
    automation = work.schema.automation
    if automation is None or not automation.processes:
        return
    if old is not None and "IsStopped" in batch.columns:
        was = dict(zip(ids, old["StopStartDate"], strict=True))
        now = dict(zip(ids, batch.columns["StopStartDate"], strict=True))
        _resume(work, {one: since for one, since in was.items() if since and not now[one]})
    entitlements.follow(work, automation, ids)


def _resume(work: Work, since: dict[str, str]) -> None:
    """The open milestones of these cases (id -> stood since) have their targets moved by the business time stood."""
    if not since:
        return
    calendars = Calendars(work.database.rows)
    changes: list[tuple[Any, ...]] = []
    for record_id, case, start, target, hours, stopped in work.database.rows(_OPEN, (json.dumps(list(since)),)):
        stood = entitlements.elapsed(calendars, hours, max(since[case], start or since[case]), work.stamp)
        due = moment(target)
        if stood <= 0 or due is None:
            continue
        later = instant(calendars.hours(hours).add(due, stood))
        minutes = (stopped or 0) + stood / 60
        changes.append((later, *_in_all_units(minutes), work.stamp, record_id))
    work.database.many(_LONGER, changes)


def _in_all_units(minutes: float) -> tuple[float, float, float]:
    """Minutes, hours, days as the fields show them."""
    return (float(int(minutes)), round(minutes / 60, 2), round(minutes / 1440, 2))


def before_milestone(work: Work, batch: Batch, old: Stored | None) -> None:
    """A completion date completes; another start moves the target."""
    if old is None:
        return
    calendars = Calendars(work.database.rows)
    starts = whole(batch, old, "StartDate")
    if "StartDate" in batch.columns:
        batch.columns["TargetDate"] = [
            target if not start or start == before else entitlements.target(calendars, hours, start, minutes or 0)
            for start, before, target, hours, minutes in zip(
                starts,
                old["StartDate"],
                old["TargetDate"],
                old["BusinessHoursId"],
                old["TargetResponseInMins"],
                strict=True,
            )
        ]
    ends = whole(batch, old, "CompletionDate")
    batch.columns["IsCompleted"] = [one is not None for one in ends]
    taken = [
        entitlements.elapsed(calendars, hours, start, end) / 60
        for hours, start, end in zip(old["BusinessHoursId"], starts, ends, strict=True)
    ]
    _put(batch, "ElapsedTimeIn", taken, ends)
    stood = [one or 0 for one in old["StoppedTimeInMins"]]
    _put(batch, "ActualElapsedTimeIn", [a - b for a, b in zip(taken, stood, strict=True)], ends)


def _put(batch: Batch, name: str, minutes: Sequence[float], ends: Sequence[Any]) -> None:
    units = [_in_all_units(one) if end else (None, None, None) for one, end in zip(minutes, ends, strict=True)]
    for at, unit in enumerate(("Mins", "Hrs", "Days")):
        batch.columns[f"{name}{unit}"] = [one[at] for one in units]


def after_milestone(work: Work, ids: Sequence[str]) -> None:
    """Recurring milestones come again when one is completed."""
    automation = work.schema.automation
    if automation is not None and automation.processes:
        sql = 'SELECT DISTINCT "CaseId" FROM "CaseMilestone" WHERE Id IN (SELECT value FROM json_each(?))'
        cases = [row[0] for row in work.database.rows(sql, (json.dumps(list(ids)),))]
        entitlements.follow(work, automation, cases)


def after_hours(work: Work, batch: Batch, ids: Sequence[str]) -> None:
    """There is one default: hours that become it take over from the others."""
    chosen = [one for one, default in zip(ids, batch.values("IsDefault", False), strict=True) if default]
    if chosen:
        sql = 'UPDATE "BusinessHours" SET "IsDefault" = 0, "SystemModstamp" = ? WHERE "IsDefault" AND Id <> ?'
        work.database.run(sql, (work.stamp, chosen[-1]))
