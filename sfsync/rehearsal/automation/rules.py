"""All rules of an org, ready to run: every name in them has been found in the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sfsync.rehearsal.automation.criteria import BoundCondition, condition
from sfsync.rehearsal.formula import Formula, FormulaError, Scope, bind
from sfsync.rehearsal.formula.function import FIELD
from sfsync.rehearsal.formula.values import KINDS
from sfsync.rehearsal.schema.automation_model import (
    AssignmentRuleDef,
    AutomationSource,
    DuplicateRuleDef,
    EntitlementProcessDef,
    MatchingRuleDef,
    ValidationRuleDef,
)
from sfsync.rehearsal.schema.model import Field, Schema, SObject

_Made = TypeVar("_Made")


class RuleError(ValueError):
    """A rule that does not fit the schema; ``kind`` and ``name`` are the metadata component's."""

    def __init__(self, kind: str, name: str, problem: str) -> None:
        super().__init__(f"{kind} {name}: {problem}")
        self.kind, self.name, self.problem = kind, name, problem


@dataclass(frozen=True)
class ValidationRule:
    name: str
    formula: Formula
    message: str
    field: str | None


@dataclass(frozen=True)
class DuplicateRule:
    """``matches``: the matching rules with the object they look through and the fields they pair."""

    define: DuplicateRuleDef
    condition: BoundCondition
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Match:
    """``pairs``: field of the saved row, field of the compared object, blank matches."""

    rule: MatchingRuleDef
    to: SObject
    pairs: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class AssignmentRule:
    """``entries``: condition and index into the definition's entries."""

    define: AssignmentRuleDef
    conditions: tuple[BoundCondition, ...]


@dataclass(frozen=True)
class Process:
    """An entitlement process; ``milestones`` are the conditions in the definition's order."""

    define: EntitlementProcessDef
    leaves: BoundCondition | None
    milestones: tuple[BoundCondition, ...]


@dataclass(frozen=True)
class Automation:
    """By object, in the order in which they run; inactive validation and duplicate rules are left out."""

    source: AutomationSource
    validation: Mapping[str, tuple[ValidationRule, ...]]
    duplicates: Mapping[str, tuple[DuplicateRule, ...]]
    assignment: Mapping[str, tuple[AssignmentRule, ...]]
    processes: Mapping[str, Process]
    formulas: Mapping[tuple[str, str], Formula]


def bound(schema: Schema, source: AutomationSource) -> Automation | None:
    """The rules of a schema, None if there are none. Raises RuleError for a name or value that does not fit."""
    formulas = _formulas(schema)
    if not source and not formulas:
        return None
    return Automation(
        source,
        _grouped((one.object, _validation(schema, one)) for one in source.validation_rules if one.active),
        _duplicates(schema, source),
        _grouped((one.object, _assignment(schema, one)) for one in source.assignment_rules),
        {one.name: _process(schema, one) for one in source.processes},
        formulas,
    )


def _formulas(schema: Schema) -> dict[tuple[str, str], Formula]:
    """The formula fields of all objects, with results of the fields' own kinds."""
    found = {}
    for obj in schema.objects.values():
        for one in (field for field in obj.fields if field.formula is not None):
            found[obj.name, one.name] = _made(
                "CustomField", f"{obj.name}.{one.name}", partial(_field, schema, obj, one)
            )
    return found


def _field(schema: Schema, obj: SObject, one: Field) -> Formula:
    scope = Scope(schema, obj, FIELD)
    return bind(one.formula or "", scope, blank_as_zero=one.blank_as_zero, gives=KINDS.get(one.type, "text"))


def _grouped(pairs: Iterable[tuple[str, _Made]]) -> Mapping[str, tuple[_Made, ...]]:
    found: dict[str, tuple[_Made, ...]] = {}
    for name, one in pairs:
        found[name] = (*found.get(name, ()), one)
    return found


def _object(schema: Schema, kind: str, name: str, on: str) -> SObject:
    found = schema.find(on)
    if found is None:
        raise RuleError(kind, name, f"there is no object {on}")
    return found


def _made(kind: str, name: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except FormulaError as wrong:
        raise RuleError(kind, name, str(wrong)) from wrong


def _validation(schema: Schema, one: ValidationRuleDef) -> ValidationRule:
    kind, name = "ValidationRule", f"{one.object}.{one.name}"
    obj = _object(schema, kind, name, one.object)
    formula = _made(kind, name, lambda: bind(one.formula, Scope(schema, obj), gives="boolean"))
    shown = obj.find(one.display_field) if one.display_field else None
    if one.display_field and shown is None:
        raise RuleError(kind, name, f"errorDisplayField: Field {one.display_field} does not exist. Check spelling.")
    return ValidationRule(one.name, formula, one.message, shown.name if shown else None)


def _assignment(schema: Schema, one: AssignmentRuleDef) -> AssignmentRule:
    scope = Scope(schema, _object(schema, "AssignmentRules", one.object, one.object))
    conditions = [_made("AssignmentRules", one.object, partial(condition, e.condition, scope)) for e in one.entries]
    return AssignmentRule(one, tuple(conditions))


def _process(schema: Schema, one: EntitlementProcessDef) -> Process:
    kind, obj = "EntitlementProcess", _object(schema, "EntitlementProcess", one.name, one.object)
    scope = Scope(schema, obj)
    start = obj.find(one.start_field)
    if start is None or start.type != "datetime":
        raise RuleError(kind, one.name, f"entryStartDateField: {one.start_field} is no date/time field of {obj.name}")
    leave = one.exit
    leaves = None if leave is None else _made(kind, one.name, lambda: condition(leave, scope))
    milestones = [_made(kind, one.name, partial(condition, m.condition, scope)) for m in one.milestones]
    return Process(one, leaves, tuple(milestones))


def _duplicates(schema: Schema, source: AutomationSource) -> Mapping[str, tuple[DuplicateRule, ...]]:
    matching = {(one.object, one.name): one for one in source.matching_rules}
    active = sorted((one for one in source.duplicate_rules if one.active), key=lambda one: one.order)
    return _grouped((one.object, _duplicate(schema, one, matching)) for one in active)


def _duplicate(
    schema: Schema, one: DuplicateRuleDef, matching: Mapping[tuple[str, str], MatchingRuleDef]
) -> DuplicateRule:
    kind, name = "DuplicateRule", f"{one.object}.{one.name}"
    obj = _object(schema, kind, name, one.object)
    matches = []
    for match in one.matches:
        rule = matching.get((match.object, match.rule))
        if rule is None or not rule.active:
            raise RuleError(kind, name, f"there is no active matching rule {match.object}.{match.rule}")
        to = _object(schema, kind, name, match.object)
        matches.append(Match(rule, to, _pairs(name, obj, to, rule, {there: here for here, there in match.mapping})))
    return DuplicateRule(one, _made(kind, name, lambda: condition(one.condition, Scope(schema, obj))), tuple(matches))


def _pairs(
    name: str, obj: SObject, to: SObject, rule: MatchingRuleDef, mapping: Mapping[str, str]
) -> tuple[tuple[str, str, bool], ...]:
    pairs = []
    for item in rule.items:
        here, there = obj.find(mapping.get(item.field, item.field)), to.find(item.field)
        if here is None or there is None:
            raise RuleError("DuplicateRule", name, f"{rule.name}: Field {item.field} does not exist. Check spelling.")
        pairs.append((here.name, there.name, item.blank_matches))
    return tuple(pairs)
