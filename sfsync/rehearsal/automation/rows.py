"""Rows as formulas and criteria read them: the values as they will be stored, parents, the user, the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, fetch, whole
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.formula import Value
from sfsync.rehearsal.formula.bind import Column, Step
from sfsync.rehearsal.formula.values import reader
from sfsync.rehearsal.schema.model import SObject

Raw = Callable[[str], list[Any]]


class Rows:
    """Implements ``formula.Columns``. ``raw`` gives a stored column by field name, ``before`` the one it replaces."""

    def __init__(self, work: Work, size: int, raw: Raw, before: Raw | None = None, *, creating: bool = False) -> None:
        self.size = size
        self.creating = creating
        self._work = work
        self._raw = raw
        self._before = before

    @staticmethod
    def saved(work: Work, batch: Batch, old: Stored | None) -> Rows:
        """The rows of a batch, merged with what is stored of them."""
        before = None if old is None else old.__getitem__
        return Rows(work, batch.size, lambda name: whole(batch, old, name), before, creating=old is None)

    @staticmethod
    def stored(work: Work, obj: SObject, ids: Sequence[str]) -> Rows:
        """Rows as the table holds them now."""
        return Rows(work, len(ids), Stored(work.database, obj, ids).__getitem__)

    @cached_property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._work.stamp).astimezone(UTC)

    @cached_property
    def zone(self) -> ZoneInfo:
        found = self._user("TimeZoneSidKey")
        return ZoneInfo(found or "UTC")

    def read(self, column: Column) -> list[Value]:
        if column.root != "row":
            first = [self._root(column.root)] * self.size
            raw = self._follow(first, self._root_object(column.root), column.steps, column.field.name)
        elif column.steps:
            parents = self._raw(column.steps[0].field.name)
            raw = self._follow(parents, column.steps[0].to, column.steps[1:], column.field.name)
        else:
            raw = self._raw(column.field.name)
        return list(map(reader(column.field.type), raw))

    def prior(self, column: Column) -> list[Value]:
        raw = self._raw if self._before is None else self._before
        return list(map(reader(column.field.type), raw(column.field.name)))

    def permitted(self, name: str) -> bool:
        return name in self._permissions

    def _follow(self, ids: list[Any], obj: SObject, steps: Sequence[Step], field: str) -> list[Any]:
        """The field of the rows that ``ids`` lead to, over further parents."""
        wanted = steps[0].field.name if steps else field
        known = {one for one in ids if one}
        found = fetch(self._work.database, obj, known, [wanted]) if known else {}
        values = [found.get(one, (None,))[0] if one else None for one in ids]
        return self._follow(values, steps[0].to, steps[1:], field) if steps else values

    def _root_object(self, name: str) -> SObject:
        return self._work.schema.objects[name]

    def _root(self, name: str) -> Any:
        """The id of the row behind a global."""
        if name == "User":
            return self._work.user_id
        if name == "Organization":
            rows = self._work.database.rows('SELECT Id FROM "Organization" LIMIT 1')
            return rows[0][0] if rows else None
        return self._user(f"{name}Id")

    def _user(self, field: str) -> Any:
        user = self._work.schema.objects["User"]
        found = fetch(self._work.database, user, [self._work.user_id], [field])
        return found.get(self._work.user_id, (None,))[0]

    @cached_property
    def _permissions(self) -> frozenset[str]:
        sql = (
            'SELECT s."Name" FROM "PermissionSetAssignment" a JOIN "PermissionSet" s ON s.Id = a."PermissionSetId"'
            ' WHERE a."AssigneeId" = ?'
        )
        held = {row[0] for row in self._work.database.rows(sql, (self._work.user_id,))}
        sets = (one for one in self._work.schema.permission_sets if one.name in held)
        return frozenset(name for one in sets for name in one.custom_permissions)
