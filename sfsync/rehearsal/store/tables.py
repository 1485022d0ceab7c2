"""Tables for objects: one per object, a column per field, a look-up column per external id.

Values are stored as they leave the org: datetimes as ``2022-10-20T16:46:32.000+0000``, dates as ``2022-10-20``, so
that reading needs no conversion and text order is time order. Look-up columns hold the lower-cased key of rows that
are not deleted; deleting empties them, which frees the external id for reuse.
"""

from __future__ import annotations

from sfsync.rehearsal.schema.model import NUMBER_TYPES, Field, Schema, SObject
from sfsync.rehearsal.store import extras
from sfsync.rehearsal.store.database import Database

_AFFINITY = {"boolean": "INTEGER", "int": "INTEGER", "double": "REAL", "currency": "REAL", "percent": "REAL"}
_BINARY = frozenset({"id", "reference", "datetime", "date", "time", "boolean", "int", "double", "currency", "percent"})
_FEW = 3  # columns; more are added to an empty table by making it anew, for every ALTER reads the whole schema again
_UNINDEXED = frozenset({"OwnerId", "RecordTypeId", "CreatedById", "LastModifiedById", "ProfileId"})


def quoted(name: str) -> str:
    return f'"{name}"'


def prepare(database: Database) -> None:
    """Makes the org's own tables, if they are missing."""
    with database.transaction():
        database.run("CREATE TABLE IF NOT EXISTS org_counter (name TEXT PRIMARY KEY, last INTEGER NOT NULL)")
        database.run(
            "CREATE TABLE IF NOT EXISTS org_state (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
            " PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        extras.create(database)


def create(database: Database, schema: Schema) -> None:
    """Makes what is missing: tables, columns that the metadata has gained, indexes."""
    if not database.has("Organization"):
        database.extend(_statements(schema))
        return
    with database.transaction():
        for obj in schema.objects.values():
            if obj.stored:
                _create_object(database, obj)


def drop(database: Database, schema: Schema) -> None:
    """Empties the org; what is kept beside the rows goes as well, but deployed metadata stays."""
    with database.transaction():
        for obj in schema.objects.values():
            if obj.stored:
                database.run(f"DELETE FROM {quoted(obj.name)}")  # noqa: S608 - a name from our schema
        database.run("DELETE FROM org_counter")
        database.numbered.clear()
        database.run("DELETE FROM org_state WHERE kind NOT IN ('metadata', 'metadata prefix')")
        extras.empty(database)


def _statements(schema: Schema) -> tuple[str, ...]:
    """Everything a fresh org needs of tables and indexes."""
    stored = [obj for obj in schema.objects.values() if obj.stored]
    return tuple(one for obj in stored for one in (_table(obj), *_indexes(obj)))


def _create_object(database: Database, obj: SObject) -> None:
    present = {row[1] for row in database.rows(f"PRAGMA table_info({quoted(obj.name)})")}
    wanted = _all_columns(obj)
    missing = [name for name in wanted if name not in present]
    if len(missing) > _FEW and present and not database.rows(f"SELECT 1 FROM {quoted(obj.name)} LIMIT 1"):  # noqa: S608
        database.run(f"DROP TABLE {quoted(obj.name)}")
        present = set()
    if not present:
        database.run(_table(obj))
    for name in missing if present else ():
        database.run(f"ALTER TABLE {quoted(obj.name)} ADD COLUMN {wanted[name]}")
    if missing:
        index(database, obj)


def index(database: Database, obj: SObject) -> None:
    """Makes the indexes an object's table lacks."""
    for statement in _indexes(obj):
        database.run(statement)


def _table(obj: SObject) -> str:
    return f"CREATE TABLE {quoted(obj.name)} ({', '.join(_all_columns(obj).values())})"


def _all_columns(obj: SObject) -> dict[str, str]:
    return {name: column for field in obj.fields if field.stored for name, column in columns(field)}


def columns(field: Field) -> list[tuple[str, str]]:
    """The field's column and, if it has one, its look-up column: (name, definition)."""
    if field.name == "Id":
        return [("Id", '"Id" TEXT PRIMARY KEY')]
    found = [(field.name, column(field))]
    if field.indexed:
        found.append((field.key_column, f"{quoted(field.key_column)} TEXT"))
    return found


def column(field: Field) -> str:
    """The definition of the field's column."""
    collation = "BINARY" if field.type in _BINARY or field.case_sensitive else "NOCASE"
    default = " NOT NULL DEFAULT 0" if field.type == "boolean" else " DEFAULT 0" if _counts(field) else ""
    return f"{quoted(field.name)} {affinity(field)}{default} COLLATE {collation}"


def affinity(field: Field) -> str:
    """How the store keeps its values: TEXT, INTEGER or REAL."""
    return _AFFINITY.get(field.type, "TEXT")


def _counts(field: Field) -> bool:
    """A figure the platform keeps, which is never empty: members, likes, responses."""
    return field.type in NUMBER_TYPES and not field.nillable and not field.createable


def _indexes(obj: SObject) -> list[str]:
    # Stamps together with Id: readers page through a table in this order (wire reference 10).
    found = [_index(obj, "modstamp", '"SystemModstamp", "Id"')] if obj.has("SystemModstamp") else []
    if obj.has("CreatedDate"):
        found.append(_index(obj, "created", '"CreatedDate", "Id"'))
    if obj.bin:
        found.append(_index(obj, "deleted", '"Id"', ' WHERE "IsDeleted"'))
    for field in obj.fields:
        if field.indexed:
            found.append(_present(obj, field.name, field.key_column))
        elif field.type == "reference" and (field.child_name or field.name not in _UNINDEXED) and not field.person:
            found.append(_present(obj, field.name, field.name))
    return found


def _present(obj: SObject, name: str, column: str) -> str:
    """An index on the rows that have a value."""
    return _index(obj, name, quoted(column), f" WHERE {quoted(column)} IS NOT NULL")


def _index(obj: SObject, name: str, columns: str, where: str = "") -> str:
    title = quoted(f"{obj.name}~{name}")
    return f"CREATE INDEX IF NOT EXISTS {title} ON {quoted(obj.name)} ({columns}){where}"
