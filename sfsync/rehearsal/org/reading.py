"""Reading: queries, describes, rows by id and by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import bin as recycle_bin
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.org.base import Base
from sfsync.rehearsal.schema import describe
from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.lookup import Lookups
from sfsync.rehearsal.soql.run import QueryResult, Reading, plan
from sfsync.rehearsal.soql.session import session


class Reads(Base):
    """All of it by the rights of the acting user."""

    def __init__(self, data: Path, opened_with: Iterable[Component] = ()) -> None:
        super().__init__(data, opened_with)
        self._described: dict[str, tuple[SObject, list[dict[str, Any]]]] = {}
        self._lookups = Lookups(self._database)

    def query(
        self, soql: str, *, all_rows: bool = False, version: str = "60.0", user_id: str | None = None
    ) -> QueryResult:
        """Runs a query; rows come lazily. Raises OrgError with Salesforce's texts.

        ``user_id``: whose rights, time zone and locale count; None is the user who is acting.
        """
        if all_rows:
            self.expire()
        return self._steady(lambda: QueryResult(self._database, self._plan(soql, all_rows, version, user_id)))

    def read(self, soql: str, *, all_rows: bool = False, version: str = "60.0", user_id: str | None = None) -> Reading:
        """A query as ``query``, in one snapshot from which pages are cut. Close it."""
        if all_rows:
            self.expire()
        return self._steady(lambda: Reading(self._database, self._plan(soql, all_rows, version, user_id)).pinned())

    def _plan(self, soql: str, all_rows: bool, version: str, user_id: str | None) -> Level:
        user = user_id or self._acting.get()
        schema = self.schema_for(user)
        asking = session(self._database, schema, self.clock.now(), user or self.user_id, version)
        return plan(asking, soql, all_rows=all_rows)

    def describe_global(self, version: str = "60.0") -> dict[str, Any]:
        return describe.all_objects(self.seen, version)

    def describe(self, name: str, version: str = "60.0", instance: str = "") -> dict[str, Any]:
        """``instance`` is the org's own address, for the pages it names. Raises OrgError NOT_FOUND."""
        obj = self._object(name)
        known = self._described.get(obj.name)
        if known is None or known[0] is not obj:
            known = self._described[obj.name] = (obj, describe.fields(obj))
        return describe.one_object(obj, self.record_type_rows(obj.name), version, instance, known[1])

    def record_type_rows(self, name: str) -> list[tuple[Any, ...]]:
        """The record types of an object, by name: (Id, Name, DeveloperName, IsActive)."""
        sql = 'SELECT Id, "Name", "DeveloperName", "IsActive" FROM "RecordType" WHERE "SobjectType" = ? ORDER BY "Name"'
        with self._database.reader() as connection:
            return connection.execute(sql, (name,)).fetchall()

    def retrieve(
        self, object: str, id: str, fields: Sequence[str] | None = None, *, version: str = "60.0"
    ) -> dict[str, Any]:
        """One row as REST shows it. Raises OrgError NOT_FOUND, or INVALID_FIELD for a wrong field."""
        obj = self._object(object)
        if not is_valid(id):
            raise errors.no_such_external_field(id)
        rows = self.retrieve_many(obj.name, [id], fields, version=version)
        if rows[0] is None:
            raise errors.not_found()
        return rows[0]

    def retrieve_by(
        self, object: str, field: str, value: str, fields: Sequence[str] | None = None, *, version: str = "60.0"
    ) -> dict[str, Any]:
        """One row by external id. Raises OrgError NOT_FOUND, or MULTIPLE_CHOICES with the ids."""
        ids = self.find_by(object, field, value)
        if not ids:
            raise errors.not_found()
        if len(ids) > 1:
            raise errors.multiple_choices(ids)
        return self.retrieve(object, ids[0], fields, version=version)

    def find_by(self, object: str, field: str, value: str) -> list[str]:
        """Ids of the living rows with this value in an external id or idLookup field."""
        return self._steady(lambda: self._find_by(object, field, value))

    def _find_by(self, object: str, field: str, value: str) -> list[str]:
        obj = self._object(object)
        found = obj.find(field)
        if found is None or not (found.indexed or found.name == "Id"):
            raise errors.no_such_external_field(field)
        if found.name == "Id":
            return [to18(value)] if is_valid(value) else []
        key = found.key(value.strip())
        sql = f'SELECT Id FROM "{obj.name}" WHERE "{found.key_column}" = ? ORDER BY Id'  # noqa: S608 - schema names
        with self._database.reader() as connection:
            return [row[0] for row in connection.execute(sql, (key,))]

    def retrieve_many(
        self, object: str, ids: Sequence[str], fields: Sequence[str] | None = None, *, version: str = "60.0"
    ) -> list[dict[str, Any] | None]:
        """Rows in the order of ``ids``; None for what is missing or deleted."""
        return self._steady(lambda: self._retrieve_many(object, ids, fields, version))

    def _retrieve_many(
        self, object: str, ids: Sequence[str], fields: Sequence[str] | None, version: str
    ) -> list[dict[str, Any] | None]:
        obj = self._object(object)
        names = list(fields) if fields is not None else [one.name for one in obj.fields]
        for name in names:
            if "." not in name and not obj.has(name):
                raise errors.no_such_column_dml(name, obj.name)
        if "id" not in {one.lower() for one in names}:
            names.append("Id")
        good = sorted({to18(one) for one in ids if is_valid(one) and one[:3] == obj.prefix})
        found: dict[str, dict[str, Any]] = {}
        if len(good) == 1:
            row = self._lookups.row(
                self.seen, obj, names, good[0], version, lambda soql: self._plan(soql, False, version, None)
            )
            return [row if is_valid(one) and to18(one) == good[0] else None for one in ids]
        for start in range(0, len(good), 500):
            listed = ", ".join(f"'{one}'" for one in good[start : start + 500])
            soql = f"SELECT {', '.join(names)} FROM {obj.name} WHERE Id IN ({listed})"  # noqa: S608 - SOQL, not SQL
            found |= {row["Id"]: row for row in self.query(soql, version=version).records}
        return [found.get(to18(one)) if is_valid(one) else None for one in ids]

    def deletions(self, object: str, start: datetime, end: datetime) -> dict[str, str]:
        """Ids of records deleted in a span of time, purged ones too, with the instant of their deletion."""
        return recycle_bin.deletions(self._database, self._object(object).name, start, end)
