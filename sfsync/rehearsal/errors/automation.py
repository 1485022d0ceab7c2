"""Errors of the rules an admin has configured (wire reference 6)."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.errors.base import OrgError


def custom_validation(message: str, field: str | None) -> OrgError:
    """A validation rule holds: its text, at its field or at the page."""
    return OrgError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, [] if field is None else [field])


def validation_invalid(rule: str, reason: str) -> OrgError:
    """The rule's formula cannot be computed for this row."""
    return OrgError("FIELD_CUSTOM_VALIDATION_EXCEPTION", f'Validation Formula "{rule}" Invalid ({reason})', [])


def duplicates_detected(result: dict[str, Any]) -> OrgError:
    """``result`` is the duplicateResult of the body; the text is the rule's."""
    return OrgError("DUPLICATES_DETECTED", result["errorMessage"], extra={"duplicateResult": result})


def invalid_assignment_rule(rule_id: str) -> OrgError:
    """Sforce-Auto-Assign or a job's assignmentRuleId names no rule of the object."""
    return OrgError("INVALID_ASSIGNMENT_RULE", f"invalid assignment rule id: {rule_id}")


def assignee_not_found(kind: str, name: str) -> OrgError:
    """The rule that applies gives the row to somebody the org does not have."""
    return OrgError("INVALID_CROSS_REFERENCE_KEY", f"Assignment rule: no {kind} named {name} found", ["OwnerId"])
