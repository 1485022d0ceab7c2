"""What an admin has configured to happen at a save: the hooks of ``save``, in the order in which they run.

Every hook gets the whole batch. Rows that failed earlier carry errors in ``batch.errors`` and are to be passed over;
``batch.fail`` refuses a row. ``old`` is None for an insert and the stored rows for an update: ``old["Field"]`` is a
column aligned with the batch, loaded when first asked for, ``old.ids`` the record ids. ``rows.whole`` merges both.
An object without rules costs a look into a dictionary.
"""

from __future__ import annotations

from sfsync.rehearsal.automation import assignment, orders, service, validation
from sfsync.rehearsal.automation import duplicates as matching
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work


def before(work: Work, batch: Batch, old: Stored | None) -> None:
    """Before-save automation: may change ``batch.columns``; system validation comes after it."""
    if batch.obj.name == "Case":
        service.before_case(work, batch, old)
    elif batch.obj.name == "CaseMilestone":
        service.before_milestone(work, batch, old)


def validate(work: Work, batch: Batch, old: Stored | None) -> None:
    """Validation rules: every rule that holds adds an error to its row."""
    automation = work.schema.automation
    rules = automation.validation.get(batch.obj.name) if automation else None
    if rules:
        validation.check(work, batch, old, rules)


def duplicates(work: Work, batch: Batch, old: Stored | None) -> None:
    """Duplicate rules."""
    automation = work.schema.automation
    rules = automation.duplicates.get(batch.obj.name) if automation else None
    if rules:
        matching.check(work, batch, old, rules)


def assign(work: Work, batch: Batch, old: Stored | None) -> None:
    """Assignment rules: may change OwnerId. Runs after validation, so that rules see the owner who was given."""
    if batch.obj.name in assignment.OBJECTS:
        automation = work.schema.automation
        assignment.run(work, batch, old, automation.assignment.get(batch.obj.name, ()) if automation else ())


def after(work: Work, batch: Batch, ids: list[str], old: Stored | None) -> None:
    """After the write, before history and change events: ``batch`` holds only the rows written, with their ids.

    ``old`` then holds only the columns that were asked for before the write.
    """
    if batch.obj.name == "Case":
        service.after_case(work, batch, ids, old)
    elif batch.obj.name == "CaseMilestone":
        service.after_milestone(work, ids)
    elif batch.obj.name == "BusinessHours":
        service.after_hours(work, batch, ids)
    orders.run(work, batch, ids)
