"""The rows behind status picklists: CaseStatus, LeadStatus, TaskStatus, TaskPriority, OpportunityStage.

Clients ask them which values close a record (Object Reference, "CaseStatus" and the others).
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.schema.model import Field, Schema

Row = dict[str, Any]
_OPEN = {
    "IsClosed": False,
    "IsWon": False,
    "DefaultProbability": 10.0,
    "ForecastCategory": "Pipeline",
    "ForecastCategoryName": "Pipeline",
}


def rows(schema: Schema) -> dict[str, list[Row]]:
    """Object -> its rows, in the order of the picklist; ``ApiName`` tells them apart."""
    settings = schema.settings
    closed = {"Case": settings["closed_case_statuses"], "Task": settings["closed_task_statuses"]}
    return {
        "CaseStatus": _rows(schema, "Case", "Status", "IsClosed", closed["Case"]),
        "TaskStatus": _rows(schema, "Task", "Status", "IsClosed", closed["Task"]),
        "TaskPriority": _rows(schema, "Task", "Priority", "IsHighPriority", ["High"]),
        "LeadStatus": _rows(schema, "Lead", "Status", "IsConverted", settings["converted_lead_statuses"]),
        "OpportunityStage": _stages(schema),
    }


def _rows(schema: Schema, on: str, name: str, flag: str, flagged: list[str]) -> list[Row]:
    field = _field(schema, on, name)
    return [_row(field, at) | {flag: value in flagged} for at, value in enumerate(field.values)]


def _row(field: Field, at: int) -> Row:
    value, labels = field.values[at], field.value_labels or field.values
    return {"ApiName": value, "MasterLabel": labels[at], "SortOrder": at + 1, "IsDefault": value == field.default}


def _stages(schema: Schema) -> list[Row]:
    """Stages say how likely and how final they are; one the settings do not know is open."""
    field = _field(schema, "Opportunity", "StageName")
    known = {one["MasterLabel"]: one for one in schema.settings["opportunity_stages"]}
    found = []
    for at, value in enumerate(field.values):
        row = _row(field, at) | _OPEN | known.get(value, {}) | {"IsActive": True}
        del row["IsDefault"]
        found.append(row | {"MasterLabel": (field.value_labels or field.values)[at]})
    return found


def _field(schema: Schema, on: str, name: str) -> Field:
    found = schema.objects[on].find(name)
    assert found is not None, f"{on}.{name}"
    return found
