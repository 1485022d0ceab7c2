"""Reading one row by its id without planning the query anew each time: a row of an Account is two hundred fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.run import QueryResult
from sfsync.rehearsal.store.database import Database

_MOST = 256
_SOME_ID = "000000000000000AAA"


class Lookups:
    """Plans of ``SELECT fields FROM X WHERE Id = …`` by object and fields, kept while the schema stays as it is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plans: dict[tuple[str, tuple[str, ...], str, int], tuple[Schema, Level]] = {}

    def row(
        self,
        schema: Schema,
        obj: SObject,
        names: Sequence[str],
        record_id: str,
        version: str,
        plan: Callable[[str], Level],
    ) -> dict[str, Any] | None:
        """The living row, or None. ``schema`` as the asking user sees it; ``plan`` makes what is not yet known."""
        key = (obj.name, tuple(names), version, id(schema))
        known = self._plans.get(key)
        if known is None or known[0] is not schema:
            soql = f"SELECT {', '.join(names)} FROM {obj.name} WHERE Id = '{_SOME_ID}'"  # noqa: S608 - SOQL, not SQL
            known = (schema, plan(soql))
            if len(self._plans) >= _MOST:
                self._plans.clear()
            self._plans[key] = known
        level = known[1]
        values = {name: record_id if value == _SOME_ID else value for name, value in level.values.items()}
        return next(iter(QueryResult(self._database, replace(level, values=values)).records), None)
