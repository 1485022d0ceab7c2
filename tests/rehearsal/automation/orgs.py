"""Orgs with metadata of their own, given as the elements of metadata files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfsync.rehearsal.metadata.component import Component, parse
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.schema import automation_source
from sfsync.rehearsal.schema.automation_model import AutomationSource

Piece = tuple[str, str, str]


def component(kind: str, name: str, inside: str) -> Component:
    return Component(kind, name, parse("test.xml", f"<{kind}>{inside}</{kind}>".encode()), "test.xml")


def source(*pieces: Piece) -> AutomationSource:
    """``pieces``: (metadata type, full name, what stands inside its element)."""
    return automation_source.join(automation_source.read(component(*one)) for one in pieces)


@contextmanager
def org_with(folder: Path, *pieces: Piece) -> Iterator[Org]:
    folder.mkdir(exist_ok=True)
    org = Org(folder, [component(*one) for one in pieces])
    try:
        yield org
    finally:
        org.close()


def validation_rule(name: str, formula: str, message: str, *, field: str = "", active: bool = True) -> Piece:
    display = f"<errorDisplayField>{field}</errorDisplayField>" if field else ""
    inside = (
        f"<active>{str(active).lower()}</active><errorConditionFormula><![CDATA[{formula}]]></errorConditionFormula>"
        f"{display}<errorMessage>{message}</errorMessage>"
    )
    return ("ValidationRule", name, inside)


def codes(deed: Any) -> list[str]:
    return [one.code for one in deed.errors]


def matching_rules(on: str, name: str, *fields: str, logic: str = "", blank: str = "NullNotAllowed") -> Piece:
    items = "".join(
        f"<matchingRuleItems><blankValueBehavior>{blank}</blankValueBehavior><fieldName>{one}</fieldName>"
        "<matchingMethod>Exact</matchingMethod></matchingRuleItems>"
        for one in fields
    )
    logic = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    inside = f"<fullName>{name}</fullName><label>{name}</label>{logic}{items}<ruleStatus>Active</ruleStatus>"
    return ("MatchingRules", on, f"<matchingRules>{inside}</matchingRules>")


def duplicate_rule(name: str, match: str, *, block: bool, extra: str = "", on: str = "") -> Piece:
    """A rule that blocks, or one that warns, on insert and update."""
    action = "Block" if block else "Allow"
    alert = (
        "" if block else "<operationsOnInsert>Alert</operationsOnInsert><operationsOnUpdate>Alert</operationsOnUpdate>"
    )
    target = f"<matchRuleSObjectType>{on}</matchRuleSObjectType>" if on else ""
    inside = (
        f"<actionOnInsert>{action}</actionOnInsert><actionOnUpdate>{action}</actionOnUpdate>{alert}"
        f"<alertText>Look twice</alertText>{extra}<duplicateRuleMatchRules>{target}<matchingRule>{match}</matchingRule>"
        "</duplicateRuleMatchRules><isActive>true</isActive><masterLabel>Twice</masterLabel><sortOrder>1</sortOrder>"
    )
    return ("DuplicateRule", name, inside)


def assignment_rule(name: str, *entries: str, active: bool = True) -> str:
    inside = "".join(f"<ruleEntry>{one}</ruleEntry>" for one in entries)
    flag = str(active).lower()
    return f"<assignmentRule><fullName>{name}</fullName><active>{flag}</active>{inside}</assignmentRule>"


def criterion(field: str, operation: str, value: str, tag: str = "criteriaItems") -> str:
    return f"<{tag}><field>{field}</field><operation>{operation}</operation><value>{value}</value></{tag}>"


def queue(name: str, *objects: str) -> Piece:
    served = "".join(f"<queueSobject><sobjectType>{one}</sobjectType></queueSobject>" for one in objects)
    return ("Queue", name, f"<name>{name}</name>{served}")
