"""Assignment rules of cases and leads: the first entry that fits gives the row its owner.

They run when the caller does not switch them off (Sforce-Auto-Assign, on by default over REST), on insert and on
update, or when he names a rule, which may then be an inactive one. A row that no entry of the active rule takes goes
to the default owner of the org's settings. Source: wire reference 5 (headers on writes) and 11 (assignmentRuleId).
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.rehearsal import errors
from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.automation.rules import AssignmentRule
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.ids import to18

OBJECTS = frozenset({"Case", "Lead"})


def run(work: Work, batch: Batch, old: Stored | None, rules: Sequence[AssignmentRule]) -> None:
    """Gives the good rows their owners."""
    if work.options.assignment_rule is None:
        if not work.options.auto_assign:
            return
        rule = next((one for one in rules if one.define.active), None)
    else:
        rule = _named(work, batch, rules, work.options.assignment_rule)
    rows = batch.good()
    if rule is not None:
        rows = _entries(work, batch, old, rule, rows)
    if work.options.assignment_rule is None:
        _default(work, batch, old, rows)


def _named(work: Work, batch: Batch, rules: Sequence[AssignmentRule], rule_id: str) -> AssignmentRule | None:
    """The rule with this id; without one no row is saved."""
    sql = 'SELECT "Name" FROM "AssignmentRule" WHERE Id = ? AND "SobjectType" = ?'
    found = work.database.rows(sql, (to18(rule_id), batch.obj.name))
    rule = next((one for one in rules if found and one.define.name == found[0][0]), None)
    if rule is None:
        for row in batch.good():
            batch.fail(row, errors.invalid_assignment_rule(rule_id))
    return rule


def _entries(work: Work, batch: Batch, old: Stored | None, rule: AssignmentRule, rows: Sequence[int]) -> list[int]:
    """Goes through the entries in their order; returns the rows that none has taken."""
    left = list(rows)
    values = Rows.saved(work, batch, old)
    for entry, condition in zip(rule.define.entries, rule.conditions, strict=True):
        if not left:
            break
        holds = condition.holds(values)
        taken = [row for row in left if holds[row]]
        if taken and entry.assigned_to is not None:
            _give(work, batch, old, taken, entry.assigned_to_type, entry.assigned_to)
        left = [row for row in left if not holds[row]]
    return left


def _give(work: Work, batch: Batch, old: Stored | None, rows: Sequence[int], kind: str, name: str) -> None:
    table, column = ("Group", "DeveloperName") if kind == "Queue" else ("User", "Username")
    queue = " AND \"Type\" = 'Queue'" if kind == "Queue" else ""
    sql = f'SELECT Id FROM "{table}" WHERE "{column}" = ? COLLATE NOCASE{queue}'  # noqa: S608 - fixed names
    found = work.database.rows(sql, (name,))
    if not found:
        for row in rows:
            batch.fail(row, errors.assignee_not_found(kind, name))
        return
    _own(batch, old, rows, found[0][0])


def _default(work: Work, batch: Batch, old: Stored | None, rows: Sequence[int]) -> None:
    owner = work.default_case_owner if batch.obj.name == "Case" else None
    if owner is not None:
        _own(batch, old, rows, owner)


def _own(batch: Batch, old: Stored | None, rows: Sequence[int], owner: str) -> None:
    if not rows:
        return
    owners = list(whole(batch, old, "OwnerId"))
    for row in rows:
        owners[row] = owner
    batch.columns["OwnerId"] = owners
