"""Reads what an admin has configured to happen at a save: validation, matching, duplicate and assignment rules,
business hours and holidays, milestone types and entitlement processes.

``read(component)`` gives the part of one component (None for other types), ``join`` puts parts together;
``sfsync.rehearsal.automation.rules.bound`` looks their names up once the schema is whole. What the org cannot do is
refused here, by the name of the function, method or setting. Source: Metadata API Developer Guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal.formula.catalogue import catalogue
from sfsync.rehearsal.formula.parse import parse
from sfsync.rehearsal.formula.tree import Call, FormulaError, Node
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.schema import automation_model as model
from sfsync.rehearsal.xml import flag, text

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OPERATIONS = frozenset(
    {
        "equals",
        "notEqual",
        "lessThan",
        "greaterThan",
        "lessOrEqual",
        "greaterOrEqual",
        "contains",
        "notContain",
        "startsWith",
        "includes",
        "excludes",
    }
)
_RECURRENCES = frozenset({"none", "recursIndependently", "recursChained"})


def read(component: Component) -> model.AutomationSource | None:
    """What a component adds; None for types that are not read here. Raises SourceError."""
    reader = _READERS.get(component.kind)
    if reader is None and component.key == ("Settings", "BusinessHours"):
        reader = _calendar
    return model.AutomationSource(**reader(component)) if reader else None


def join(parts: Iterable[model.AutomationSource | None]) -> model.AutomationSource:
    """All parts as one."""
    found = [one for one in parts if one is not None]
    names = [one.name for one in fields(model.AutomationSource)]
    return model.AutomationSource(**{name: tuple(x for one in found for x in getattr(one, name)) for name in names})


def _validation(component: Component) -> dict[str, Any]:
    root = component.root
    rule = model.ValidationRuleDef(
        object=component.object,
        name=component.short,
        formula=formula(component, root, "errorConditionFormula"),
        message=text(root, "errorMessage"),
        display_field=text(root, "errorDisplayField") or None,
        active=flag(root, "active"),
    )
    return {"validation_rules": (rule,)}


def _matching(component: Component) -> dict[str, Any]:
    rules = tuple(_matching_rule(component, one) for one in component.root.findall("matchingRules"))
    return {"matching_rules": rules}


def _matching_rule(component: Component, root: Element) -> model.MatchingRuleDef:
    name, active = text(root, "fullName"), text(root, "ruleStatus") == "Active"
    items = []
    for one in root.findall("matchingRuleItems"):
        method = text(one, "matchingMethod", "Exact")
        if method != "Exact" and active:
            raise component.refuse(f"{name}: the rehearsal org has no matching method {method}, only Exact")
        items.append(model.MatchingItemDef(text(one, "fieldName"), text(one, "blankValueBehavior") == "MatchBlanks"))
    label = text(root, "label") or name
    return model.MatchingRuleDef(component.name, name, label, tuple(items), text(root, "booleanFilter"), active)


def _duplicate(component: Component) -> dict[str, Any]:
    root = component.root
    on_object, _, name = component.name.partition(".")
    matches = tuple(_match(one, on_object) for one in root.findall("duplicateRuleMatchRules"))
    rule = model.DuplicateRuleDef(
        object=on_object,
        name=name,
        label=text(root, "masterLabel") or name,
        matches=matches,
        alert_text=text(root, "alertText"),
        block_insert=text(root, "actionOnInsert") == "Block",
        block_update=text(root, "actionOnUpdate") == "Block",
        alert_insert=_alerts(root, "operationsOnInsert"),
        alert_update=_alerts(root, "operationsOnUpdate"),
        condition=_duplicate_filter(component, root.find("duplicateRuleFilter")),
        active=flag(root, "isActive"),
        order=int(text(root, "sortOrder") or 0),
    )
    return {"duplicate_rules": (rule,)}


def _alerts(root: Element, tag: str) -> bool:
    return any((one.text or "").strip().lower() == "alert" for one in root.findall(tag))


def _match(root: Element, on_object: str) -> model.DuplicateMatchDef:
    pairs = [(text(one, "inputField"), text(one, "outputField")) for one in root.findall("objectMapping/mappingFields")]
    target = text(root, "matchRuleSObjectType") or on_object
    return model.DuplicateMatchDef(target, text(root, "matchingRule").rpartition(".")[2], tuple(pairs))


def _duplicate_filter(component: Component, root: Element | None) -> model.Condition:
    if root is None:
        return model.Condition()
    items = root.findall("duplicateRuleFilterItems")
    on_object = component.name.partition(".")[0]
    for one in items:
        if text(one, "table", on_object) != on_object:
            raise component.refuse(f"the rehearsal org filters by fields of {on_object} only")
    items.sort(key=lambda one: int(text(one, "sortOrder") or 0))
    return model.Condition(tuple(_criterion(component, one) for one in items), text(root, "booleanFilter"))


def _assignment(component: Component) -> dict[str, Any]:
    if component.name not in ("Case", "Lead"):
        raise component.refuse(f"there are no assignment rules for {component.name}")
    rules = [
        model.AssignmentRuleDef(
            object=component.name,
            name=text(one, "fullName"),
            active=flag(one, "active"),
            entries=tuple(_entry(component, entry) for entry in one.findall("ruleEntry")),
        )
        for one in component.root.findall("assignmentRule")
    ]
    return {"assignment_rules": tuple(rules)}


def _entry(component: Component, root: Element) -> model.AssignmentEntryDef:
    kind = text(root, "assignedToType") or "User"
    if kind not in ("User", "Queue"):
        raise component.refuse(f"the rehearsal org assigns to users and queues only, not to {kind}")
    if root.find("team") is not None:
        raise component.refuse("the rehearsal org adds no case teams in assignment rules (team)")
    condition = _condition(component, root, "criteriaItems", "booleanFilter", "formula")
    return model.AssignmentEntryDef(condition, text(root, "assignedTo") or None, kind)


def _calendar(component: Component) -> dict[str, Any]:
    hours = tuple(_hours(one) for one in component.root.findall("businessHours"))
    return {"business_hours": hours, "holidays": tuple(_holiday(one) for one in component.root.findall("holidays"))}


def _hours(root: Element) -> model.BusinessHoursDef:
    days = [(text(root, f"{day}StartTime"), text(root, f"{day}EndTime")) for day in _DAYS]
    return model.BusinessHoursDef(
        name=text(root, "name"),
        time_zone=text(root, "timeZoneId") or "UTC",
        days=tuple((start, end) if start and end else None for start, end in days),
        active=flag(root, "active"),
        default=flag(root, "default"),
    )


def _holiday(root: Element) -> model.HolidayDef:
    """The settings file tells weekdays by name, the row by a mask: Sunday 1, Monday 2, … Saturday 64."""
    days = [(one.text or "").strip().lower() for one in root.findall("recurrenceDayOfWeek")]
    order = ("sunday", *_DAYS[:6])
    clock = [text(root, tag) for tag in ("startTime", "endTime")]
    values: dict[str, Any] = {
        "Description": text(root, "description") or None,
        "ActivityDate": text(root, "activityDate") or None,
        "IsAllDay": not all(clock),
        "StartTimeInMinutes": _minutes(clock[0]) if all(clock) else None,
        "EndTimeInMinutes": _minutes(clock[1]) if all(clock) else None,
        "IsRecurrence": flag(root, "isRecurring"),
        "RecurrenceStartDate": text(root, "recurrenceStartDate") or None,
        "RecurrenceEndDateOnly": text(root, "recurrenceEndDate") or None,
        "RecurrenceType": text(root, "recurrenceType") or None,
        "RecurrenceInterval": int(text(root, "recurrenceInterval") or 0) or None,
        "RecurrenceDayOfWeekMask": sum(1 << order.index(one) for one in days if one in order) or None,
        "RecurrenceDayOfMonth": int(text(root, "recurrenceDayOfMonth") or 0) or None,
        "RecurrenceInstance": text(root, "recurrenceInstance") or None,
        "RecurrenceMonthOfYear": text(root, "recurrenceMonthOfYear") or None,
    }
    closes = tuple((one.text or "").strip() for one in root.findall("businessHours"))
    return model.HolidayDef(text(root, "name"), closes, tuple(values.items()))


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])


def _milestone_type(component: Component) -> dict[str, Any]:
    recurrence = text(component.root, "recurrenceType") or "none"
    if recurrence not in _RECURRENCES:
        raise component.refuse(f"unknown recurrenceType {recurrence}")
    name = text(component.root, "name") or component.name
    return {"milestone_types": (model.MilestoneTypeDef(name, text(component.root, "description") or None, recurrence),)}


def _process(component: Component) -> dict[str, Any]:
    root = component.root
    on_object = text(root, "SObjectType") or "Case"
    if on_object != "Case":
        raise component.refuse(f"the rehearsal org has entitlement processes for cases only, not for {on_object}")
    leaves = _condition(component, root, "exitCriteriaFilterItems", "exitCriteriaBooleanFilter", "exitCriteriaFormula")
    process = model.EntitlementProcessDef(
        name=text(root, "name") or component.name,
        milestones=tuple(_milestone(component, one) for one in root.findall("milestones")),
        description=text(root, "description") or None,
        start_field=text(root, "entryStartDateField").removeprefix("Case.") or "SlaStartDate",
        exit=leaves if leaves != model.Condition() else None,
        business_hours=text(root, "businessHours") or None,
        active=flag(root, "active"),
    )
    return {"processes": (process,)}


def _milestone(component: Component, root: Element) -> model.MilestoneDef:
    name, minutes = text(root, "milestoneName"), text(root, "minutesToComplete")
    if text(root, "minutesCustomClass"):
        raise component.refuse(f"{name}: the rehearsal org runs no Apex to compute minutes (minutesCustomClass)")
    if not re.fullmatch("[0-9]{1,9}", minutes) or not int(minutes):
        raise component.refuse(f"{name}: minutesToComplete must be a positive whole number")
    _check_actions(component, root, name)
    return model.MilestoneDef(
        name=name,
        minutes=int(minutes),
        business_hours=text(root, "businessHours") or None,
        condition=_condition(
            component, root, "milestoneCriteriaFilterItems", "criteriaBooleanFilter", "milestoneCriteriaFormula"
        ),
        from_criteria=flag(root, "useCriteriaStartTime"),
    )


def _check_actions(component: Component, root: Element, name: str) -> None:
    """E-mails leave no trace in the org; what an action would write is not written here, so it is refused."""
    for one in (*root.findall("successActions"), *root.findall("timeTriggers/actions")):
        if text(one, "type") != "Alert":
            raise component.refuse(f"{name}: the rehearsal org runs no milestone actions of type {text(one, 'type')}")


# -- conditions -----------------------------------------------------------------------------------------------


def _condition(component: Component, root: Element, items: str, joined: str, tag: str) -> model.Condition:
    criteria = tuple(_criterion(component, one) for one in root.findall(items))
    text_of = formula(component, root, tag) if text(root, tag) else None
    return model.Condition(criteria, text(root, joined), text_of)


def _criterion(component: Component, root: Element) -> model.Criterion:
    operation = text(root, "operation")
    if operation not in _OPERATIONS:
        raise component.refuse(f"the rehearsal org has no criteria with operation {operation or '(none)'}")
    if text(root, "valueField"):
        raise component.refuse("the rehearsal org compares fields in criteria with values only (valueField)")
    path = text(root, "field")
    on_object = component.name.partition(".")[0] if component.kind != "EntitlementProcess" else "Case"
    return model.Criterion(path.removeprefix(f"{on_object}."), operation, text(root, "value"))


def formula(component: Component, root: Element, tag: str) -> str:
    """The text of a formula whose functions are all known."""
    source = text(root, tag)
    try:
        for name in _functions(parse(source)):
            if name not in catalogue():
                raise component.refuse(f"{tag}: Unknown function {name}. Check spelling.")
    except FormulaError as wrong:
        raise component.refuse(f"{tag}: {wrong}") from wrong
    return source


def _functions(node: Node) -> Iterable[str]:
    if isinstance(node, Call):
        yield node.name
        for one in node.args:
            yield from _functions(one)


_READERS: Mapping[str, Callable[[Component], dict[str, Any]]] = {
    "ValidationRule": _validation,
    "MatchingRules": _matching,
    "DuplicateRule": _duplicate,
    "AssignmentRules": _assignment,
    "MilestoneType": _milestone_type,
    "EntitlementProcess": _process,
}
