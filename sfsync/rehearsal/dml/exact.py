"""Rows written as they are: ids, audit fields, deleted ones too. For setting an org to a known state.

No rule runs, no parent has to exist and nothing follows from the rows (no history, no events). Values are still
converted, so that a row reads as if the org had made it.
"""

from __future__ import annotations

import json
from typing import Any

from sfsync.rehearsal.dml.batch import ABSENT, Batch
from sfsync.rehearsal.dml.convert import convert
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.dml.write import rights_move
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.model import Field, SObject
from sfsync.rehearsal.store.state import new_ids
from sfsync.rehearsal.store.tables import quoted

_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_ACTORS = ("CreatedById", "LastModifiedById")


def write(work: Work, obj: SObject, rows: list[dict[str, Any]]) -> list[str]:
    """Writes rows of one object, replacing those whose Id is there; returns their ids. Raises ValueError."""
    batch = Batch(obj, len(rows))
    ids = _ids(work, obj, rows)
    for number, row in enumerate(rows):
        for name, value in row.items():
            if name.lower() not in ("id", "attributes"):
                batch.column(_field(obj, name).name)[number] = value
    convert(batch)
    _refuse(obj, batch)
    _store(work, obj, ids, batch)
    return ids


def _ids(work: Work, obj: SObject, rows: list[dict[str, Any]]) -> list[str]:
    given = [row.get("Id") for row in rows]
    for one in given:
        if one is not None and not (is_valid(one) and work.schema.of_id(one) is obj):
            raise ValueError(f"{one} is no id of {obj.name}")
    made = iter(new_ids(work.database, obj.prefix, given.count(None)) if None in given else ())
    return [to18(one) if one else next(made) for one in given]


def _field(obj: SObject, name: str) -> Field:
    found = obj.find(name)
    if found is None:
        raise ValueError(f"{obj.name} has no field {name}")
    return found


def _refuse(obj: SObject, batch: Batch) -> None:
    for row, wrong in sorted(batch.errors.items()):
        first: OrgError = wrong[0]
        raise ValueError(f"row {row + 1} of {obj.name} was refused: {first}; nothing was loaded")


def _store(work: Work, obj: SObject, ids: list[str], batch: Batch) -> None:
    whole: dict[str, list[Any]] = {"Id": list(ids)}
    for field in obj.fields:
        if field.name in batch.columns or field.type == "boolean":
            empty = False if field.type == "boolean" else None
            whole[field.name] = [empty if one in (ABSENT, None) else one for one in batch.column(field.name)]
    for names, value in ((_STAMPS, work.stamp), (_ACTORS, work.user_id)):
        for name in names:
            if obj.has(name):
                whole[name] = [one or value for one in whole.get(name, [None] * batch.size)]
    _add_keys(obj, whole)
    columns, marks = ", ".join(map(quoted, whole)), ", ".join("?" * len(whole))
    sql = f"INSERT OR REPLACE INTO {quoted(obj.name)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our schema
    work.database.many(sql, zip(*whole.values(), strict=True))
    _note_deleted(work, obj, whole)
    rights_move(work, obj)


def _note_deleted(work: Work, obj: SObject, whole: dict[str, list[Any]]) -> None:
    """Rows that come as deleted lie in the bin as if they had been deleted at their last change."""
    gone = whole.get("IsDeleted", [False] * len(whole["Id"]))
    stamps = whole.get("SystemModstamp", [work.stamp] * len(gone))
    work.database.run(
        "DELETE FROM org_bin WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([one for one, dead in zip(whole["Id"], gone, strict=True) if not dead]),),
    )
    work.database.many(
        "INSERT OR REPLACE INTO org_bin (id, object, root, at, purged) VALUES (?, ?, ?, ?, 0)",
        [(one, obj.name, one, at) for one, dead, at in zip(whole["Id"], gone, stamps, strict=True) if dead],
    )


def _add_keys(obj: SObject, whole: dict[str, list[Any]]) -> None:
    """Look-up columns hold living rows only."""
    gone = whole.get("IsDeleted", [False] * len(whole["Id"]))
    for field in obj.fields:
        if field.indexed and field.name in whole:
            pairs = zip(whole[field.name], gone, strict=True)
            whole[field.key_column] = [None if dead else field.key(one) for one, dead in pairs]
