"""What a change leaves behind, in the same transaction: field history and change events.

Every path that writes a row comes through here: saves, deletes, undeletes, merges, and the rows an object's rules
write beside it. ``columns`` hold only rows that were written, aligned with ``ids``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.rehearsal.dml import events, history
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import SObject

Columns = Mapping[str, list[Any]]


def inserted(work: Work, obj: SObject, ids: list[str]) -> None:
    history.created(work, obj, ids)
    events.created(work, obj, ids)


def watched(work: Work, obj: SObject, names: set[str]) -> set[str]:
    """The columns whose stored values ``updated`` has to be given."""
    return history.tracked(work.schema, obj) & names | (names if events.on(work, obj) else set())


def updated(work: Work, obj: SObject, ids: list[str], columns: Columns, old: Columns) -> None:
    """``old`` holds the values before the write of everything ``watched`` names."""
    history.changed(work, obj, ids, columns, old)
    events.updated(work, obj, ids, columns, old)


def deleted(work: Work, obj: SObject, ids: list[str]) -> None:
    events.gone(work, obj, ids, "DELETE")


def restored(work: Work, obj: SObject, ids: list[str]) -> None:
    events.created(work, obj, ids, "UNDELETE")
