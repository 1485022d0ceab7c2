"""Tables follow a schema that changes while rows are there: columns and look-up columns come, change and go."""

from __future__ import annotations

from collections.abc import Iterable

from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.store import tables
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted

_CHUNK = 10_000


class CannotChangeError(ValueError):
    """The rows that are there forbid a change; ``object`` and ``field`` name the component to blame."""

    def __init__(self, object: str, field: str, problem: str) -> None:
        super().__init__(f"{object}.{field}: {problem}")
        self.object = object
        self.field = field
        self.problem = problem


def change(database: Database, old: Schema, new: Schema) -> None:
    """From one schema to another, inside the caller's transaction. Raises CannotChangeError."""
    for obj in old.objects.values():
        if obj.stored and obj.name not in new.objects:
            database.run(f"DROP TABLE {quoted(obj.name)}")
    for obj in new.objects.values():
        before = old.objects.get(obj.name)
        if obj.stored and before is not None and before.fields != obj.fields:
            _change_object(database, before, obj)
    tables.create(database, new)
    for obj in new.objects.values():
        before = old.objects.get(obj.name)
        if obj.stored and before is not None and before.fields != obj.fields:
            tables.index(database, obj)
            _fill_keys(database, before, obj)


def rename(database: Database, old: str, new: str) -> None:
    """Gives a table another name; its rows and columns stay."""
    database.run(f"ALTER TABLE {quoted(old)} RENAME TO {quoted(new)}")
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    for (name,) in database.rows(sql, (new,)):
        database.run(f"DROP INDEX {quoted(name)}")


def _change_object(database: Database, old: SObject, new: SObject) -> None:
    before = {one.name: one for one in old.fields if one.stored}
    after = {one.name: one for one in new.fields if one.stored}
    for name in before.keys() - after.keys():
        _drop(database, new.name, [column for column, _ in tables.columns(before[name])])
    for name in before.keys() & after.keys():
        _change_field(database, new.name, before[name], after[name])


def _change_field(database: Database, table: str, old: Field, new: Field) -> None:
    if old.indexed and (not new.indexed or old.case_sensitive != new.case_sensitive):
        _drop(database, table, [old.key_column])
    if tables.column(old) == tables.column(new):
        return
    if not _fits(old, new) and _has_values(database, table, old):
        raise CannotChangeError(table, new.name, "Cannot change type due to existing data")
    aside = f"{new.name}~before"
    _drop_indexes(database, table, {new.name})
    database.run(f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(old.name)} TO {quoted(aside)}")
    database.run(f"ALTER TABLE {quoted(table)} ADD COLUMN {tables.column(new)}")
    if _fits(old, new):
        database.run(f"UPDATE {quoted(table)} SET {quoted(new.name)} = {quoted(aside)}")  # noqa: S608 - schema names
    _drop(database, table, [aside])


def _fits(old: Field, new: Field) -> bool:
    """The values of one type can stay as they are in the other."""
    return tables.affinity(old) == tables.affinity(new) and (old.type in _DATED) == (new.type in _DATED)


_DATED = frozenset({"date", "datetime", "time", "reference"})


def _has_values(database: Database, table: str, field: Field) -> bool:
    wanted = f"{quoted(field.name)} IS NOT NULL" if field.type != "boolean" else f"{quoted(field.name)}"
    return bool(database.rows(f"SELECT 1 FROM {quoted(table)} WHERE {wanted} LIMIT 1"))  # noqa: S608 - schema names


def _drop(database: Database, table: str, columns: Iterable[str]) -> None:
    named = set(columns)
    _drop_indexes(database, table, named)
    for name in sorted(named):
        database.run(f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(name)}")


def _drop_indexes(database: Database, table: str, columns: set[str]) -> None:
    """Indexes that name one of the columns, in their keys or their condition."""
    marks = [quoted(one) for one in columns]
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    for name, text in database.rows(sql, (table,)):
        if any(mark in text.partition(" ON ")[2] for mark in marks):
            database.run(f"DROP INDEX {quoted(name)}")


# -- look-up columns --------------------------------------------------------------------------------------


def _fill_keys(database: Database, old: SObject, new: SObject) -> None:
    """Rows that are there already are found by a field that has become an external id."""
    for field in new.fields:
        before = old.find(field.name)
        if field.name == "Id" or not field.indexed or before is None:
            continue
        fresh = not before.indexed or before.case_sensitive != field.case_sensitive
        if fresh:
            _fill_key(database, new, field)
        if field.unique and (fresh or not before.unique):
            _check_unique(database, new, field)


def _fill_key(database: Database, obj: SObject, field: Field) -> None:
    living = ' AND "IsDeleted" = 0' if obj.has("IsDeleted") else ""
    column, last = quoted(field.name), 0
    read = (
        f"SELECT rowid, {column} FROM {quoted(obj.name)}"  # noqa: S608 - schema names
        f" WHERE rowid > ? AND {column} IS NOT NULL{living} ORDER BY rowid LIMIT {_CHUNK}"
    )
    write = f"UPDATE {quoted(obj.name)} SET {quoted(field.key_column)} = ? WHERE rowid = ?"  # noqa: S608
    while rows := database.rows(read, (last,)):
        database.many(write, [(field.key(value), row) for row, value in rows])
        last = rows[-1][0]


def _check_unique(database: Database, obj: SObject, field: Field) -> None:
    key = quoted(field.key_column)
    sql = f"SELECT 1 FROM {quoted(obj.name)} WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1 LIMIT 1"  # noqa: S608
    if database.rows(sql):
        raise CannotChangeError(obj.name, field.name, "Cannot set field to unique because there are duplicate values")
