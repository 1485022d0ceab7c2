"""What one write call knows: the store, the schema, who writes, at what instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.locks import Locks
from sfsync.rehearsal.dml.options import DEFAULT, Options
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.store.database import Database

if TYPE_CHECKING:
    from sfsync.rehearsal.dml.rows import Stored


@dataclass(frozen=True)
class Work:
    """``stamp`` is the instant of the save as stored; ``view`` the schema as the user sees it, None for all of it.

    ``event_objects`` are the objects selected for change events; ``audit``: audit fields may be
    set upon record creation.
    """

    database: Database
    schema: Schema
    user_id: str
    stamp: str
    options: Options = DEFAULT
    view: Schema | None = None
    locks: Locks = field(default_factory=Locks)
    event_objects: frozenset[str] = frozenset()
    audit: bool = False

    @property
    def seen(self) -> Schema:
        """Objects and fields with what the user may do with them."""
        return self.schema if self.view is None else self.view

    @cached_property
    def record_types(self) -> dict[str, dict[str, bool]]:
        """Object -> record type id -> is a person type; active ones, in the order they were made."""
        found: dict[str, dict[str, bool]] = {}
        sql = 'SELECT Id, "SobjectType", "IsPersonType" FROM "RecordType" WHERE "IsActive" ORDER BY Id'
        for record_id, obj, person in self.database.rows(sql):
            found.setdefault(obj, {})[record_id] = bool(person)
        return found

    @cached_property
    def default_case_owner(self) -> str | None:
        name = self.schema.settings.get("default_case_owner")
        sql = 'SELECT Id FROM "Group" WHERE "Type" = \'Queue\' AND "DeveloperName" = ?'
        rows = self.database.rows(sql, (name,)) if name else []
        return rows[0][0] if rows else None


class Rules:
    """The rules of an object without any; the others override what they need.

    ``needs`` names the columns an update has to load; ``optional`` the required fields the rules look after.
    """

    needs: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def before_insert(self, work: Work, batch: Batch) -> None:
        """May fill, change and refuse; runs on converted values."""

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        """``old`` holds the stored values of ``needs`` and of the batch's columns, aligned with the batch."""

    def after_insert(self, work: Work, batch: Batch, ids: list[str]) -> None:
        """Runs on the rows that were written."""

    def after_update(self, work: Work, batch: Batch, ids: list[str]) -> None:
        """Runs on the rows that were written."""
