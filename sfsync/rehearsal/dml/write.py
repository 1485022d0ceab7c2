"""The last step: columns into the table, with ids, look-up keys and system fields."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.dml.batch import ABSENT
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import Field, SObject
from sfsync.rehearsal.security import COUNTER, DECIDING
from sfsync.rehearsal.store.state import take
from sfsync.rehearsal.store.tables import quoted


def insert_columns(work: Work, obj: SObject, ids: list[str], columns: dict[str, list[Any]]) -> None:
    """Writes new rows. ABSENT becomes the field's empty value."""
    rights_move(work, obj)
    size = len(ids)
    whole: dict[str, list[Any]] = {"Id": ids}
    for name, values in columns.items():
        field = _field(obj, name)
        empty = bool(field.default) if field.type == "boolean" else None
        whole[name] = [empty if one is ABSENT or one is None else one for one in values]
        if field.indexed:
            whole[field.key_column] = [field.key(one) for one in whole[name]]
    for name, value in _system(work, obj, creating=True).items():
        given = columns.get(name)
        whole[name] = [value] * size if given is None else [value if one in (ABSENT, None) else one for one in given]
    names = ", ".join(map(quoted, whole))
    marks = ", ".join("?" * len(whole))
    sql = f"INSERT INTO {quoted(obj.name)} ({names}) VALUES ({marks})"  # noqa: S608 - names from our schema
    work.database.many(sql, zip(*whole.values(), strict=True))


def update_columns(work: Work, obj: SObject, ids: list[str], columns: dict[str, list[Any]]) -> None:
    """Writes into existing rows. A column may not hold ABSENT for rows that have an old value to keep."""
    rights_move(work, obj)
    whole: dict[str, list[Any]] = {}
    for name, values in columns.items():
        field = _field(obj, name)
        whole[name] = [None if one is ABSENT else one for one in values]
        if field.indexed:
            whole[field.key_column] = [field.key(one) for one in whole[name]]
    for name, value in _system(work, obj, creating=False).items():
        whole[name] = [value] * len(ids)
    if not whole:
        return
    sets = ", ".join(f"{quoted(name)} = ?" for name in whole)
    sql = f"UPDATE {quoted(obj.name)} SET {sets} WHERE Id = ?"  # noqa: S608 - names from our schema
    work.database.many(sql, zip(*whole.values(), ids, strict=True))


def rights_move(work: Work, obj: SObject) -> None:
    """Tells the kept views of users that rights may have changed."""
    if obj.name in DECIDING:
        take(work.database, COUNTER, 1)


def _field(obj: SObject, name: str) -> Field:
    field = obj.find(name)
    assert field is not None, f"{obj.name}.{name}"
    return field


def _system(work: Work, obj: SObject, *, creating: bool) -> dict[str, str]:
    """SystemModstamp moves at every save, whatever has changed."""
    values = {"LastModifiedDate": work.stamp, "LastModifiedById": work.user_id, "SystemModstamp": work.stamp}
    if creating:
        values |= {"CreatedDate": work.stamp, "CreatedById": work.user_id}
    return {name: value for name, value in values.items() if obj.has(name)}
