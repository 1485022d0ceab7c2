"""Cases in entitlement processes, by the org's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.org import Org
from tests.rehearsal.automation.orgs import Piece, codes, criterion, org_with, source

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_OFFICE = "".join(
    f"<{day}StartTime>09:00:00.000Z</{day}StartTime><{day}EndTime>17:00:00.000Z</{day}EndTime>" for day in _DAYS
)
_HOURS = (
    "Settings",
    "BusinessHours",
    (
        "<businessHours><active>true</active><default>true</default><name>Office</name>"
        f"<timeZoneId>Europe/Rome</timeZoneId>{_OFFICE}</businessHours>"
        "<holidays><name>Fair</name><activityDate>2026-03-04</activityDate><businessHours>Office</businessHours></holidays>"
    ),
)
_OPEN = criterion("Case.Status", "equals", "New,Working", "milestoneCriteriaFilterItems")
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Rome


def milestone(name: str, minutes: int, inside: str = "") -> str:
    return (
        f"<milestones><milestoneName>{name}</milestoneName><minutesToComplete>{minutes}</minutesToComplete>{inside}"
        "</milestones>"
    )


def process(*milestones: str, start: str = "Case.CreatedDate", inside: str = "") -> Piece:
    return (
        "EntitlementProcess",
        "gold",
        (
            f"<SObjectType>Case</SObjectType><active>true</active><entryStartDateField>{start}</entryStartDateField>{inside}"
            f"{''.join(milestones)}<name>Gold</name>"
        ),
    )


def milestone_type(name: str, recurrence: str = "none") -> Piece:
    return ("MilestoneType", name, f"<recurrenceType>{recurrence}</recurrenceType>")


@contextmanager
def gold(folder: Path, *pieces: Piece, hours: Piece = _HOURS) -> Iterator[tuple[Org, str]]:
    """An org on Monday morning, with an entitlement to the process Gold."""
    with org_with(folder, hours, *pieces) as org:
        org.clock.freeze(MONDAY)
        account = org.insert("Account", [{"Name": "A"}])[0].id
        found = next(iter(org.query("SELECT Id FROM SlaProcess WHERE Name = 'Gold'").records))
        row = {"Name": "Gold", "AccountId": account, "SlaProcessId": found["Id"]}
        yield org, str(org.insert("Entitlement", [row])[0].id)


def case(org: Org, entitlement: str, **more: Any) -> str:
    made = org.insert("Case", [{"Subject": "x", "EntitlementId": entitlement} | more])[0]
    assert made.success, made.errors
    return str(made.id)


def look(org: Org, fields: str, obj: str = "CaseMilestone", rest: str = "ORDER BY Id") -> list[tuple[Any, ...]]:
    names = fields.split()
    rows = org.query(f"SELECT {', '.join(names)} FROM {obj} {rest}").records
    return [tuple(row[name] for name in names) for row in rows]


_SIMPLE = (milestone_type("Answer"), process(milestone("Answer", 120)))


def test_a_case_gets_its_milestone_with_a_target_in_business_time(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        org.clock.freeze(datetime(2026, 3, 2, 15, 0, tzinfo=UTC))  # 16:00 in Rome
        case(org, entitlement)
        assert look(org, "StartDate TargetDate TargetResponseInMins TargetResponseInHrs IsCompleted IsViolated") == [
            ("2026-03-02T15:00:00.000+0000", "2026-03-03T09:00:00.000+0000", 120, 2.0, False, False)
        ]
        assert look(org, "SlaStartDate SlaExitDate MilestoneStatus", "Case") == [
            ("2026-03-02T15:00:00.000+0000", None, "Compliant")
        ]


def test_time_left_and_time_since_go_with_the_clock(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        case(org, entitlement)
        fields = "IsViolated TimeRemainingInMins TimeSinceTargetInMins"
        assert look(org, fields) == [(False, "120:00", None)]
        org.clock.advance(90 * 60 + 15)
        assert look(org, fields) == [(False, "29:45", None)]
        org.clock.advance(40 * 60)
        assert look(org, fields) == [(True, None, "10:15")]
        assert look(org, "MilestoneStatus", "Case") == [("Open Violation",)]
        assert look(org, "IsCompleted", rest="WHERE IsViolated = true") == [(False,)]


def test_a_holiday_of_the_hours_moves_the_target(tmp_path: Path) -> None:
    with gold(tmp_path, milestone_type("Solve"), process(milestone("Solve", 16 * 60))) as (org, entitlement):
        case(org, entitlement)
        assert look(org, "TargetDate") == [("2026-03-05T09:00:00.000+0000",)]


def test_completing_a_milestone(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        case(org, entitlement)
        org.clock.advance(3 * 3600)
        record_id = look(org, "Id")[0][0]
        assert org.update("CaseMilestone", [{"Id": record_id, "CompletionDate": "2026-03-02T10:30:00Z"}])[0].success
        assert look(org, "IsCompleted IsViolated TimeRemainingInMins ElapsedTimeInMins ElapsedTimeInHrs") == [
            (True, False, None, 90.0, 1.5)
        ]
        org.update("CaseMilestone", [{"Id": record_id, "CompletionDate": "2026-03-02T11:30:00Z"}])
        assert look(org, "IsViolated") == [(True,)]
        assert look(org, "MilestoneStatus", "Case") == [("Closed Violation",)]
        org.update("CaseMilestone", [{"Id": record_id, "CompletionDate": None}])
        assert look(org, "IsCompleted ElapsedTimeInMins") == [(False, None)]


def test_milestones_are_made_by_processes_alone(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        case_id = case(org, entitlement)
        record_id = look(org, "Id")[0][0]
        refused = [*org.insert("CaseMilestone", [{"CaseId": case_id}]), *org.delete([record_id])]
        assert [codes(one) for one in refused] == [["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]] * 2
        for name, value in (("TargetDate", "2026-03-02T10:30:00Z"), ("IsCompleted", True), ("StoppedTimeInMins", 5)):
            closed = org.update("CaseMilestone", [{"Id": record_id, name: value}])[0]
            assert codes(closed) == ["INVALID_FIELD_FOR_INSERT_UPDATE"], name
        assert org.update("CaseMilestone", [{"Id": record_id, "StartDate": "2026-03-02T10:00:00Z"}])[0].success
        assert look(org, "TargetDate") == [("2026-03-02T12:00:00.000+0000",)]


def test_criteria_bring_a_milestone_and_take_an_open_one_away(tmp_path: Path) -> None:
    pieces = (
        milestone_type("Answer"),
        process(milestone("Answer", 60, _OPEN + "<useCriteriaStartTime>true</useCriteriaStartTime>")),
    )
    with gold(tmp_path, *pieces) as (org, entitlement):
        record = case(org, entitlement, Status="Escalated")
        assert look(org, "Id") == []
        org.clock.advance(1800)
        org.update("Case", [{"Id": record, "Status": "Working"}])
        assert look(org, "StartDate") == [("2026-03-02T09:30:00.000+0000",)]
        org.update("Case", [{"Id": record, "Status": "Escalated"}])
        assert look(org, "Id") == []


def test_a_milestone_without_own_start_runs_from_the_start_of_the_process(tmp_path: Path) -> None:
    with gold(tmp_path, milestone_type("Answer"), process(milestone("Answer", 60, _OPEN))) as (org, entitlement):
        record = case(org, entitlement, Status="Escalated")
        org.clock.advance(1800)
        org.update("Case", [{"Id": record, "Status": "Working"}])
        assert look(org, "StartDate") == [("2026-03-02T09:00:00.000+0000",)]


@pytest.mark.parametrize(
    ("recurrence", "starts"),
    [
        ("none", ["09:00"]),
        ("recursIndependently", ["09:00", "09:30"]),
        ("recursChained", ["09:00", "10:00"]),
    ],
)
def test_recurrence(tmp_path: Path, recurrence: str, starts: list[str]) -> None:
    with gold(tmp_path, milestone_type("Update", recurrence), process(milestone("Update", 60))) as (org, entitlement):
        case(org, entitlement)
        org.clock.advance(1800)
        org.update("CaseMilestone", [{"Id": look(org, "Id")[0][0], "CompletionDate": "2026-03-02T09:30:00Z"}])
        assert [one[0][11:16] for one in look(org, "StartDate")] == starts


def test_closing_leaves_the_process_and_stops_its_clock(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        record = case(org, entitlement)
        org.clock.advance(3600)
        org.update("Case", [{"Id": record, "Status": "Closed"}])
        org.clock.advance(36_000)
        assert look(org, "SlaExitDate MilestoneStatus", "Case") == [("2026-03-02T10:00:00.000+0000", "Compliant")]
        assert look(org, "IsCompleted IsViolated TimeRemainingInMins") == [(False, False, "60:00")]
        org.update("Case", [{"Id": record, "Status": "Working"}])
        assert look(org, "SlaExitDate", "Case") == [(None,)]
        assert look(org, "IsViolated") == [(True,)]


def test_exit_criteria_replace_closing(tmp_path: Path) -> None:
    leave = criterion("Case.Reason", "equals", "Other", "exitCriteriaFilterItems")
    with gold(tmp_path, milestone_type("Answer"), process(milestone("Answer", 60), inside=leave)) as (org, entitlement):
        record = case(org, entitlement, Status="Closed")
        assert look(org, "SlaExitDate", "Case") == [(None,)]
        org.update("Case", [{"Id": record, "Reason": "Other"}])
        assert look(org, "SlaExitDate", "Case") == [("2026-03-02T09:00:00.000+0000",)]


def test_a_stopped_case_stands_still_and_gets_its_time_back(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        record = case(org, entitlement)
        org.clock.advance(1800)
        org.update("Case", [{"Id": record, "IsStopped": True}])
        assert look(org, "StopStartDate", "Case") == [("2026-03-02T09:30:00.000+0000",)]
        org.clock.advance(3 * 3600)
        assert look(org, "IsViolated TimeRemainingInMins TargetDate") == [
            (False, "90:00", "2026-03-02T11:00:00.000+0000")
        ]
        org.update("Case", [{"Id": record, "IsStopped": False}])
        assert look(org, "StopStartDate", "Case") == [(None,)]
        assert look(org, "IsViolated TimeRemainingInMins TargetDate StoppedTimeInMins") == [
            (False, "90:00", "2026-03-02T14:00:00.000+0000", 180.0)
        ]


def test_a_case_enters_late_and_leaves_with_its_entitlement(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        record = str(org.insert("Case", [{"Subject": "x"}])[0].id)
        org.clock.advance(1800)
        assert look(org, "SlaStartDate MilestoneStatus", "Case") == [(None, None)]
        org.update("Case", [{"Id": record, "EntitlementId": entitlement}])
        assert look(org, "SlaStartDate", "Case") == [("2026-03-02T09:00:00.000+0000",)]
        assert len(look(org, "Id")) == 1
        org.update("Case", [{"Id": record, "EntitlementId": None}])
        assert look(org, "SlaStartDate", "Case") == [(None,)]
        assert look(org, "Id") == []


def test_an_entitlements_status_goes_by_its_dates(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        seen = []
        for row in ({}, {"StartDate": "2026-03-03"}, {"StartDate": "2026-02-01", "EndDate": "2026-03-01"}):
            org.update("Entitlement", [{"Id": entitlement} | row])
            seen += look(org, "Status", "Entitlement")
        assert seen == [("Active",), ("Inactive",), ("Expired",)]


def test_cases_have_the_orgs_business_hours_unless_told_others(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        case(org, entitlement)
        rows = org.query("SELECT BusinessHours.Name FROM Case").records
        assert [one["BusinessHours"]["Name"] for one in rows] == ["Office"]


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (milestone("A", 60, "<minutesCustomClass>X</minutesCustomClass>"), "A: the rehearsal org runs no Apex"),
        (milestone("A", 0), "A: minutesToComplete must be a positive whole number"),
        (
            milestone("A", 9, "<timeTriggers><actions><name>x</name><type>FieldUpdate</type></actions></timeTriggers>"),
            "A: the rehearsal org runs no milestone actions of type FieldUpdate",
        ),
        ("<SObjectType>WorkOrder</SObjectType>", "entitlement processes for cases only"),
    ],
)
def test_what_the_org_cannot_do_is_refused(inside: str, text: str) -> None:
    with pytest.raises(SourceError, match=text):
        source(("EntitlementProcess", "gold", inside))


def test_business_hours_come_from_the_milestone_else_the_process_else_the_case(tmp_path: Path) -> None:
    always = "".join(
        f"<{day}StartTime>00:00:00.000Z</{day}StartTime><{day}EndTime>00:00:00.000Z</{day}EndTime>"
        for day in (*_DAYS, "saturday", "sunday")
    )
    entry = f"<businessHours><active>true</active><name>{{}}</name><timeZoneId>UTC</timeZoneId>{always}</businessHours>"
    hours = (*_HOURS[:2], _HOURS[2] + entry.format("Own") + entry.format("Process"))
    own = milestone("Own", 60, "<businessHours>Own</businessHours>")
    for folder, inside, expected in (
        ("a", "<businessHours>Process</businessHours>", ["Own", "Process"]),
        ("b", "", ["Own", "Office"]),
    ):
        pieces = (milestone_type("Own"), milestone_type("Plain"), process(own, milestone("Plain", 60), inside=inside))
        with gold(tmp_path / folder, *pieces, hours=hours) as (org, entitlement):
            case(org, entitlement)
            rows = org.query("SELECT BusinessHours.Name FROM CaseMilestone ORDER BY Id").records
            assert [one["BusinessHours"]["Name"] for one in rows] == expected


def test_the_milestones_of_a_deleted_case_go_with_it(tmp_path: Path) -> None:
    with gold(tmp_path, *_SIMPLE) as (org, entitlement):
        record = case(org, entitlement)
        assert org.delete([record])[0].success
        assert look(org, "Id") == []
        assert org.undelete([record])[0].success
        assert len(look(org, "Id")) == 1


def test_there_is_one_default_of_business_hours(tmp_path: Path) -> None:
    org = Org(tmp_path)
    org.insert("BusinessHours", [{"Name": "New", "IsActive": True, "IsDefault": True, "TimeZoneSidKey": "Europe/Rome"}])
    assert look(org, "Name", "BusinessHours", "WHERE IsDefault = true") == [("New",)]
    org.insert("Case", [{"Subject": "x"}])
    assert [one["BusinessHours"]["Name"] for one in org.query("SELECT BusinessHours.Name FROM Case").records] == ["New"]
    org.close()
