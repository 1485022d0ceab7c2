"""Tables for objects: one per object, a column per field, a look-up column per external id.

Values are stored as they leave the org: datetimes as ``2022-10-20T16:46:32.000+0000``, dates as ``2022-10-20``, so
that reading needs no conversion and text order is time order. Look-up columns hold the lower-cased key of rows that
are not deleted; deleting empties them, which frees the external id for reuse.
"""

from __future__ import annotations

from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.store import extras
from sfsync.rehearsal.store.database import Database

_AFFINITY = {"boolean": "INTEGER", "int": "INTEGER", "double": "REAL", "currency": "REAL", "percent": "REAL"}
_BINARY = frozenset({"id", "reference", "datetime", "date", "time", "boolean", "int", "double", "currency", "percent"})
_UNINDEXED = frozenset({"OwnerId", "RecordTypeId", "CreatedById", "LastModifiedById", "ProfileId"})


def quoted(name: str) -> str:
    return f'"{name}"'


def create(database: Database, schema: Schema) -> None:
    """Makes what is missing: tables, columns that force-app has gained, indexes, the org's own tables."""
    with database.transaction():
        database.run("CREATE TABLE IF NOT EXISTS org_counter (name TEXT PRIMARY KEY, last INTEGER NOT NULL)")
        database.run(
            "CREATE TABLE IF NOT EXISTS org_state (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
            " PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        for obj in schema.objects.values():
            if obj.stored:
                _create_object(database, obj)


def drop(database: Database, schema: Schema) -> None:
    """Empties the org; state kept under kind ``org`` goes as well."""
    with database.transaction():
        for obj in schema.objects.values():
            if obj.stored:
                database.run(f"DELETE FROM {quoted(obj.name)}")  # noqa: S608 - a name from our schema
        database.run("DELETE FROM org_counter")
        database.run("DELETE FROM org_state")
        extras.empty(database)


def _create_object(database: Database, obj: SObject) -> None:
    table = quoted(obj.name)
    wanted = {name: column for field in obj.fields if field.stored for name, column in _columns(field)}
    present = {row[1] for row in database.rows(f"PRAGMA table_info({table})")}
    if not present:
        database.run(f"CREATE TABLE {table} ({', '.join(wanted.values())})")
    elif missing := wanted.keys() - present:
        for name in wanted:
            if name in missing:
                database.run(f"ALTER TABLE {table} ADD COLUMN {wanted[name]}")
    _create_indexes(database, obj)


def _columns(field: Field) -> list[tuple[str, str]]:
    """The field's column and, if it has one, its look-up column: (name, definition)."""
    if field.name == "Id":
        return [("Id", '"Id" TEXT PRIMARY KEY')]
    columns = [(field.name, _column(field))]
    if field.indexed:
        columns.append((field.key_column, f"{quoted(field.key_column)} TEXT"))
    return columns


def _column(field: Field) -> str:
    collation = "BINARY" if field.type in _BINARY or field.case_sensitive else "NOCASE"
    default = " NOT NULL DEFAULT 0" if field.type == "boolean" else ""
    return f"{quoted(field.name)} {_AFFINITY.get(field.type, 'TEXT')}{default} COLLATE {collation}"


def _create_indexes(database: Database, obj: SObject) -> None:
    def index(name: str, columns: str, where: str = "") -> None:
        title = quoted(f"{obj.name}~{name}")
        database.run(f"CREATE INDEX IF NOT EXISTS {title} ON {quoted(obj.name)} ({columns}){where}")

    if obj.has("SystemModstamp"):
        index("modstamp", '"SystemModstamp", "Id"')
    for field in obj.fields:
        if field.indexed:
            column = quoted(field.key_column)
            index(field.name, column, f" WHERE {column} IS NOT NULL")
        elif field.type == "reference" and (field.child_name or field.name not in _UNINDEXED) and not field.person:
            column = quoted(field.name)
            index(field.name, column, f" WHERE {column} IS NOT NULL")
