"""What an admin has configured, as the metadata says it: names and formulas not looked up yet.

``sfsync.rehearsal.automation.rules.bound`` turns it into what runs at a save. Field names in criteria stand without
the object's name in front.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Criterion:
    """``operation`` in the metadata's words (equals, notEqual, lessThan, contains, startsWith, includes, within …)."""

    field: str
    operation: str
    value: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Criteria joined by ``filter`` ("1 AND (2 OR 3)", empty: all of them), or a formula. Neither: always true."""

    criteria: tuple[Criterion, ...] = ()
    filter: str = ""
    formula: str | None = None


@dataclass(frozen=True, slots=True)
class ValidationRuleDef:
    object: str
    name: str
    formula: str
    message: str
    display_field: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class MatchingItemDef:
    """``blank_matches``: two blank values count as equal."""

    field: str
    blank_matches: bool = False


@dataclass(frozen=True, slots=True)
class MatchingRuleDef:
    """Exact comparison of fields; ``filter`` joins the items, empty: all of them."""

    object: str
    name: str
    label: str
    items: tuple[MatchingItemDef, ...]
    filter: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class DuplicateMatchDef:
    """A matching rule of ``object``; ``mapping``: field of the saved row -> field of the compared object."""

    object: str
    rule: str
    mapping: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicateRuleDef:
    """``block_*``: the save is refused. ``alert_*``: it is refused unless the caller allows it."""

    object: str
    name: str
    label: str
    matches: tuple[DuplicateMatchDef, ...]
    alert_text: str = ""
    block_insert: bool = False
    block_update: bool = False
    alert_insert: bool = False
    alert_update: bool = False
    condition: Condition = Condition()
    active: bool = True
    order: int = 0


@dataclass(frozen=True, slots=True)
class AssignmentEntryDef:
    """``assigned_to`` is a queue's developer name or a username; None leaves the owner as it is."""

    condition: Condition
    assigned_to: str | None
    assigned_to_type: str


@dataclass(frozen=True, slots=True)
class AssignmentRuleDef:
    object: str
    name: str
    active: bool
    entries: tuple[AssignmentEntryDef, ...]


@dataclass(frozen=True, slots=True)
class BusinessHoursDef:
    """``days``: Monday to Sunday, (start, end) as ``09:00:00.000Z`` or None where closed; equal means all day."""

    name: str
    time_zone: str
    days: tuple[tuple[str, str] | None, ...]
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class HolidayDef:
    """``hours``: the business hours it closes; ``values``: the other columns of the Holiday row, by name."""

    name: str
    hours: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MilestoneTypeDef:
    """``recurrence``: none, recursIndependently or recursChained."""

    name: str
    description: str | None = None
    recurrence: str = "none"


@dataclass(frozen=True, slots=True)
class MilestoneDef:
    """``from_criteria``: the time runs from when the criteria were met, not from the start of the process."""

    name: str
    minutes: int
    business_hours: str | None = None
    condition: Condition = Condition()
    from_criteria: bool = False


@dataclass(frozen=True, slots=True)
class EntitlementProcessDef:
    """``start_field``: the Case field at whose instant the process starts. Without ``exit`` a closed case leaves."""

    name: str
    milestones: tuple[MilestoneDef, ...]
    description: str | None = None
    start_field: str = "CreatedDate"
    exit: Condition | None = None
    business_hours: str | None = None
    active: bool = True
    object: str = "Case"


@dataclass(frozen=True)
class AutomationSource:
    """Everything of this kind found in a metadata tree."""

    validation_rules: tuple[ValidationRuleDef, ...] = ()
    matching_rules: tuple[MatchingRuleDef, ...] = ()
    duplicate_rules: tuple[DuplicateRuleDef, ...] = ()
    assignment_rules: tuple[AssignmentRuleDef, ...] = ()
    business_hours: tuple[BusinessHoursDef, ...] = ()
    holidays: tuple[HolidayDef, ...] = ()
    milestone_types: tuple[MilestoneTypeDef, ...] = ()
    processes: tuple[EntitlementProcessDef, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))
