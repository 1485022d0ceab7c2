"""Entitlement processes: cases enter one with their entitlement, get its milestones, and leave it.

A case enters the process of its entitlement at the instant its start field tells; it leaves when the exit criteria
hold, or without any when it is closed, and comes back when they hold no more. While it is in, every milestone whose
criteria hold is on the case; one whose criteria hold no more goes, unless it is completed. Business hours are those
of the milestone, else of the process, else of the case. Source: wire reference 15; vendor, "Milestone
Recurrence Types", "Add a Milestone to an Entitlement Process", "How Business Hours Work in Entitlement Management".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.rehearsal.automation.calendars import Calendars
from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.automation.rules import Automation, Process
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.dml.write import insert_columns
from sfsync.rehearsal.formula.values import moment
from sfsync.rehearsal.schema.automation_model import MilestoneDef
from sfsync.rehearsal.store.state import new_ids

Row = dict[str, Any]

_CASE = ("Id", "EntitlementId", "SlaStartDate", "SlaExitDate", "IsClosed", "BusinessHoursId")
_ENTITLED = (
    'SELECT e.Id, p."Name", p."BusinessHoursId", p."IsActive"'
    ' FROM "Entitlement" e JOIN "SlaProcess" p ON p.Id = e."SlaProcessId"'
    ' WHERE e.Id IN (SELECT value FROM json_each(?)) AND NOT e."IsDeleted"'
)
_ON_CASES = (
    'SELECT m.Id, m."CaseId", t."Name", m."IsCompleted", m."TargetDate" FROM "CaseMilestone" m'
    ' JOIN "MilestoneType" t ON t.Id = m."MilestoneTypeId"'
    ' WHERE m."CaseId" IN (SELECT value FROM json_each(?)) ORDER BY m.Id'
)


@dataclass(frozen=True, slots=True)
class _Entitled:
    process: Process
    process_hours: str | None


@dataclass(frozen=True, slots=True)
class _Present:
    """A milestone that is on a case."""

    id: str
    name: str
    completed: bool
    target: str | None


@dataclass(frozen=True, slots=True)
class _New:
    case: Row
    milestone: MilestoneDef
    start: str


def follow(work: Work, automation: Automation, cases: Sequence[str]) -> None:
    """Brings the cases to where their processes have them now; call it after they, or their milestones, are saved."""
    if not automation.processes:
        return
    rows = _cases(work, automation, cases)
    if not rows:
        return
    entitled = _entitled(work, automation, rows)
    present = _present(work, rows)
    _enter(work, rows, entitled)
    _leave(work, rows, entitled)
    for name in {one.process.define.name for one in entitled.values()}:
        inside = [row for row in rows if _in(row, entitled, name)]
        if inside:
            _milestones(work, automation, automation.processes[name], inside, entitled, present)
    _without_process(work, rows, entitled, present)


def _cases(work: Work, automation: Automation, ids: Sequence[str]) -> list[Row]:
    """The cases that have an entitlement, or had one."""
    starts = {one.define.start_field for one in automation.processes.values()}
    names = [*_CASE, *sorted(starts - set(_CASE))]
    columns = ", ".join(f'"{name}"' for name in names)
    sql = (
        f'SELECT {columns} FROM "Case" WHERE Id IN (SELECT value FROM json_each(?))'  # noqa: S608 - schema names
        ' AND ("EntitlementId" IS NOT NULL OR "SlaStartDate" IS NOT NULL)'
    )
    return [dict(zip(names, row, strict=True)) for row in work.database.rows(sql, (json.dumps(list(ids)),))]


def _entitled(work: Work, automation: Automation, rows: Sequence[Row]) -> dict[str, _Entitled]:
    """Entitlement id -> its process, if it is active."""
    wanted = sorted({row["EntitlementId"] for row in rows if row["EntitlementId"]})
    found = {}
    for record_id, name, process_hours, active in work.database.rows(_ENTITLED, (json.dumps(wanted),)):
        if active and name in automation.processes:
            found[record_id] = _Entitled(automation.processes[name], process_hours)
    return found


def _present(work: Work, rows: Sequence[Row]) -> dict[str, list[_Present]]:
    found: dict[str, list[_Present]] = {}
    ids = json.dumps([row["Id"] for row in rows])
    for record_id, case, name, completed, target in work.database.rows(_ON_CASES, (ids,)):
        found.setdefault(case, []).append(_Present(record_id, name, bool(completed), target))
    return found


def _in(row: Row, entitled: Mapping[str, _Entitled], name: str) -> bool:
    one = entitled.get(row["EntitlementId"])
    return one is not None and one.process.define.name == name and row["SlaStartDate"] and not row["SlaExitDate"]


def _enter(work: Work, rows: Sequence[Row], entitled: Mapping[str, _Entitled]) -> None:
    """A case without a start gets that of the field its process goes by."""
    changed = []
    for row in rows:
        one = entitled.get(row["EntitlementId"])
        if one is None or row["SlaStartDate"] is not None:
            continue
        field = one.process.define.start_field
        row["SlaStartDate"] = work.stamp if field == "SlaStartDate" else row[field]
        changed.append((row["SlaStartDate"], row["Id"]))
    work.database.many('UPDATE "Case" SET "SlaStartDate" = ? WHERE Id = ?', changed)


def _leave(work: Work, rows: Sequence[Row], entitled: Mapping[str, _Entitled]) -> None:
    changed = []
    for process in {one.process.define.name: one.process for one in entitled.values()}.values():
        mine = [row for row in rows if row["EntitlementId"] in entitled]
        mine = [row for row in mine if entitled[row["EntitlementId"]].process is process and row["SlaStartDate"]]
        gone = _left(work, process, mine)
        for row, out in zip(mine, gone, strict=True):
            if out != (row["SlaExitDate"] is not None):
                row["SlaExitDate"] = work.stamp if out else None
                changed.append((row["SlaExitDate"], row["Id"]))
    work.database.many('UPDATE "Case" SET "SlaExitDate" = ? WHERE Id = ?', changed)


def _left(work: Work, process: Process, rows: Sequence[Row]) -> list[bool]:
    if process.leaves is None or not rows:
        return [bool(row["IsClosed"]) for row in rows]
    return process.leaves.holds(_stored(work, rows))


def _stored(work: Work, rows: Sequence[Row]) -> Rows:
    return Rows.stored(work, work.schema.objects["Case"], [row["Id"] for row in rows])


# -- milestones -----------------------------------------------------------------------------------------------


def _milestones(
    work: Work,
    automation: Automation,
    process: Process,
    rows: Sequence[Row],
    entitled: Mapping[str, _Entitled],
    present: Mapping[str, list[_Present]],
) -> None:
    """Makes and takes away the milestones of cases that are in a process."""
    recurrence = {one.name: one.recurrence for one in automation.source.milestone_types}
    values = _stored(work, rows)
    new: list[_New] = []
    gone: list[str] = []
    for milestone, condition in zip(process.define.milestones, process.milestones, strict=True):
        for row, holds in zip(rows, condition.holds(values), strict=True):
            mine = [one for one in present.get(row["Id"], ()) if one.name == milestone.name]
            gone += [one.id for one in mine if not holds and not one.completed]
            if holds and _due(mine, recurrence.get(milestone.name, "none")):
                start = _start(work, row, milestone, mine, recurrence.get(milestone.name, "none"))
                new.append(_New(row, milestone, start))
    _take_away(work, gone)
    _make(work, new, entitled)


def _due(mine: Sequence[_Present], recurrence: str) -> bool:
    """Once, or again whenever no occurrence is open."""
    return not mine or (recurrence != "none" and all(one.completed for one in mine))


def _start(work: Work, row: Row, milestone: MilestoneDef, mine: Sequence[_Present], recurrence: str) -> str:
    """A later occurrence starts now; in a chain not before the target of the one before."""
    if mine:
        chained = recurrence == "recursChained" and mine[-1].target
        return max(work.stamp, str(mine[-1].target)) if chained else work.stamp
    return work.stamp if milestone.from_criteria else str(row["SlaStartDate"])


def _take_away(work: Work, ids: Sequence[str]) -> None:
    work.database.many('DELETE FROM "CaseMilestone" WHERE Id = ?', [(one,) for one in ids])


def _without_process(
    work: Work, rows: Sequence[Row], entitled: Mapping[str, _Entitled], present: Mapping[str, list[_Present]]
) -> None:
    """A case that has lost its process is in none, and keeps only completed milestones of another one."""
    out = [row for row in rows if row["EntitlementId"] not in entitled]
    work.database.many(
        'UPDATE "Case" SET "SlaStartDate" = NULL, "SlaExitDate" = NULL WHERE Id = ?',
        [(row["Id"],) for row in out if row["EntitlementId"] is None],
    )
    gone = []
    for row in rows:
        one = entitled.get(row["EntitlementId"])
        names = {each.name for each in one.process.define.milestones} if one else set()
        gone += [each.id for each in present.get(row["Id"], ()) if not each.completed and each.name not in names]
    _take_away(work, gone)


def _make(work: Work, new: Sequence[_New], entitled: Mapping[str, _Entitled]) -> None:
    if not new:
        return
    types: dict[str, str] = dict(work.database.rows('SELECT "Name", Id FROM "MilestoneType"'))
    named: dict[str, str] = dict(work.database.rows('SELECT "Name", Id FROM "BusinessHours"'))
    calendars = Calendars(work.database.rows)
    hours = [_hours_of(one, entitled, named, calendars) for one in new]
    targets = [
        target(calendars, hours_id, one.start, one.milestone.minutes) for one, hours_id in zip(new, hours, strict=True)
    ]
    minutes = [one.milestone.minutes for one in new]
    obj = work.schema.objects["CaseMilestone"]
    columns: dict[str, list[Any]] = {
        "CaseId": [one.case["Id"] for one in new],
        "MilestoneTypeId": [types.get(one.milestone.name) for one in new],
        "StartDate": [one.start for one in new],
        "TargetDate": targets,
        "BusinessHoursId": hours,
        "TargetResponseInMins": minutes,
        "TargetResponseInHrs": [round(one / 60, 2) for one in minutes],
        "TargetResponseInDays": [round(one / 1440, 2) for one in minutes],
    }
    insert_columns(work, obj, new_ids(work.database, obj.prefix, len(new)), columns)


def _hours_of(
    one: _New, entitled: Mapping[str, _Entitled], named: Mapping[str, str], calendars: Calendars
) -> str | None:
    grant = entitled[one.case["EntitlementId"]]
    candidates = (
        named.get(one.milestone.business_hours or ""),
        grant.process_hours,
        one.case["BusinessHoursId"],
    )
    return next((each for each in candidates if each), calendars.default)


def target(calendars: Calendars, hours_id: str | None, start: str, minutes: float) -> str:
    """The instant by which a milestone of so many minutes has to be completed."""
    begun = moment(start)
    assert begun is not None
    return instant(calendars.hours(hours_id).add(begun, minutes * 60))


def elapsed(calendars: Calendars, hours_id: str | None, start: str | None, end: str | None) -> float:
    """Business seconds between two stored instants; 0 where one is missing."""
    first, last = moment(start), moment(end)
    if first is None or last is None:
        return 0.0
    return calendars.hours(hours_id).between(first, last)
