"""Stored rows as columns: what a save compares with, and the rows as they will be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.rehearsal.dml.batch import ABSENT, Batch
from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted


class Stored(dict[str, list[Any]]):
    """The stored values of the rows of an update, field name -> column aligned with ``ids``.

    Columns named at the start come in one query; any other is loaded when asked for. None where there is no row.
    """

    def __init__(self, database: Database, obj: SObject, ids: Sequence[str | None], names: Iterable[str] = ()) -> None:
        super().__init__()
        self.ids = list(ids)
        self.obj = obj
        self._database: Database | None = database
        self._load(sorted(names))

    def __missing__(self, name: str) -> list[Any]:
        if self._database is None:
            raise LookupError(f"{self.obj.name}.{name} has to be asked for before the write")
        self._load([name])
        return self[name]

    def _load(self, names: Sequence[str]) -> None:
        if not names or self._database is None:
            return
        stored = fetch(self._database, self.obj, (one for one in self.ids if one is not None), names)
        empty = (None,) * len(names)
        rows = [stored.get(one or "", empty) for one in self.ids]
        for at, name in enumerate(names):
            self[name] = [row[at] for row in rows]

    def need(self, names: Iterable[str]) -> None:
        """Loads these columns too, in one query."""
        self._load(sorted(set(names) - self.keys()))

    def take(self, rows: Sequence[int]) -> Stored:
        """The same for some of the rows, with the columns loaded so far and no others: the write may be over."""
        part = Stored.__new__(Stored)
        part._database, part.obj = None, self.obj
        if len(rows) == len(self.ids):
            part.ids = self.ids
            part.update(self)
            return part
        part.ids = [self.ids[row] for row in rows]
        part.update({name: [values[row] for row in rows] for name, values in self.items()})
        return part


def fetch(database: Database, obj: SObject, ids: Iterable[str], names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Record id -> values of ``names``, for the rows that exist; names are the schema's own."""
    columns = ", ".join(["Id", *map(quoted, names)])
    sql = f"SELECT {columns} FROM {quoted(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))"  # noqa: S608
    return {row[0]: row[1:] for row in database.rows(sql, (json.dumps(list(ids)),))}


def whole(batch: Batch, old: Stored | None, name: str) -> list[Any]:
    """The column as it will be stored: the batch's value, or the old one where the batch has none."""
    if old is None:
        return batch.values(name)
    new = batch.columns.get(name)
    if new is None:
        return old[name]
    if ABSENT not in new:
        return new
    return [before if now is ABSENT else now for now, before in zip(new, old[name], strict=True)]
