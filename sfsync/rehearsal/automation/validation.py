"""Validation rules: each rule that is true refuses its row, with its own text."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.automation.rules import ValidationRule
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.formula import Failure, evaluate


def check(work: Work, batch: Batch, old: Stored | None, rules: tuple[ValidationRule, ...]) -> None:
    """All rules on all rows that have no error yet: a row shows every rule it breaks."""
    good = batch.good()
    if not good:
        return
    rows = Rows.saved(work, batch, old)
    for rule in rules:
        found = evaluate(rule.formula, rows)
        for row in good:
            one = found[row]
            if isinstance(one, Failure):
                batch.fail(row, errors.validation_invalid(rule.name, one.reason))
            elif one is True:
                batch.fail(row, errors.custom_validation(rule.message, rule.field))
