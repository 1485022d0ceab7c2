"""Writing: saves, deletes, merges, bulk loads; one result per row, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import bin as recycle_bin
from sfsync.rehearsal.dml import exact, intake, remove, save, upsert
from sfsync.rehearsal.dml.batch import Batch, Deed
from sfsync.rehearsal.dml.locks import locks_parent, lose
from sfsync.rehearsal.dml.merge import Merged, Refused, merge
from sfsync.rehearsal.dml.options import DEFAULT, QUIET, Options
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.org.base import Base
from sfsync.rehearsal.schema.model import Field, SObject

SaveResult = Deed
CHUNK = 200

Act = Callable[[Work, Batch], list[SaveResult]]


class _Undone(Exception):
    """Carries the results of an all-or-none call out of its transaction."""

    def __init__(self, results: list[SaveResult]) -> None:
        super().__init__()
        self.results = results


class Writes(Base):
    """Each call is one transaction, or joins the one that is open. ``options`` are the headers of the call."""

    def insert(
        self,
        object: str,
        rows: Sequence[dict[str, Any]],
        *,
        all_or_none: bool = False,
        options: Options = DEFAULT,
    ) -> list[SaveResult]:
        """Inserts rows; one result per row, in order."""
        return self._save(save.insert, object, rows, all_or_none, options)

    def update(
        self,
        object: str,
        rows: Sequence[dict[str, Any]],
        *,
        all_or_none: bool = False,
        options: Options = DEFAULT,
    ) -> list[SaveResult]:
        """Updates rows by their ``Id``; one result per row, in order."""
        return self._save(save.update, object, rows, all_or_none, options)

    def upsert(
        self,
        object: str,
        field: str,
        rows: Sequence[dict[str, Any]],
        *,
        all_or_none: bool = False,
        options: Options = DEFAULT,
    ) -> list[SaveResult]:
        """Updates or inserts rows by an external id, idLookup field or Id.

        A key that several rows carry gives that row an error MULTIPLE_CHOICES (status 300, ids in ``fields``).
        Raises OrgError when ``field`` cannot be used as a key.
        """

        def act(work: Work, batch: Batch) -> list[SaveResult]:
            return upsert.upsert(work, batch, upsert.key_field(batch.obj, field))

        return self._save(act, object, rows, all_or_none, options)

    def _save(
        self, act: Act, object: str, rows: Sequence[dict[str, Any]], all_or_none: bool, options: Options
    ) -> list[SaveResult]:
        """The object is looked up inside the transaction: a deploy may change it until then."""

        def saved(work: Work) -> list[SaveResult]:
            return act(work, intake.from_rows(work.seen, self._object(object, options), rows))

        return self._write(saved, all_or_none, options)

    def delete(self, ids: Sequence[str], *, all_or_none: bool = False, options: Options = DEFAULT) -> list[SaveResult]:
        """Puts rows, of one or several objects, into the recycle bin."""
        return self._write(lambda work: remove.delete(work, ids), all_or_none, options)

    def undelete(
        self, ids: Sequence[str], *, all_or_none: bool = False, options: Options = DEFAULT
    ) -> list[SaveResult]:
        """Brings rows back from the recycle bin, with what their deletion took along."""
        self.expire()
        return self._write(lambda work: recycle_bin.undelete(work, ids), all_or_none, options)

    def empty_recycle_bin(self, ids: Sequence[str], *, options: Options = DEFAULT) -> list[SaveResult]:
        """Removes deleted rows for good."""
        return self._write(lambda work: recycle_bin.empty(work, ids), False, options)

    def hard_delete(
        self, ids: Sequence[str], *, all_or_none: bool = False, options: Options = DEFAULT
    ) -> list[SaveResult]:
        """Deletes rows for good, past the recycle bin."""
        return self._write(lambda work: recycle_bin.hard_delete(work, ids), all_or_none, options)

    def merge(
        self, object: str, master: dict[str, Any], losers: Sequence[str], *, options: Options = DEFAULT
    ) -> Merged:
        """Merges one or two records into ``master`` (its Id, and the values it is to have); one transaction."""
        try:
            with self._writing():
                return merge(self._work(options), self._object(object, options), master, losers)
        except Refused as refused:
            return Merged(None, False, errors=refused.errors)

    def load_csv(
        self,
        object: str,
        operation: str,
        external_field: str | None,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        options: Options = QUIET,
        late: Mapping[int, int] | None = None,
    ) -> Iterator[SaveResult]:
        """Bulk load: ``operation`` is insert, update, upsert, delete or hardDelete; results in order of the rows.

        ``''`` leaves a field alone, ``#N/A`` empties it. Rows go in chunks of 200, each its own
        transaction; assignment rules run on request only. ``late``: rows (by number) that do not get the lock of the
        parent in a column (by number) in time.
        Raises OrgError before any row is read when the header names an unknown column.
        """
        obj = self._object(object, options)
        plan = intake.csv_header(self.schema, obj, header)
        act = self._bulk_act(obj, operation, external_field)
        return self._chunks(obj, plan, act, rows, options, late or {})

    def parent_columns(self, object: str, header: Sequence[str]) -> list[int]:
        """The columns of an upload that name a parent which a save of the row locks."""
        plan = intake.csv_header(self.schema, self._object(object), header)
        return [place for place, column in enumerate(plan) if locks_parent(column.field)]

    def _bulk_act(self, obj: SObject, operation: str, external_field: str | None) -> Act:
        if operation == "insert":
            return save.insert
        if operation == "update":
            return save.update
        if operation == "upsert":
            key = upsert.key_field(obj, external_field or "Id")
            return lambda work, batch: upsert.upsert(work, batch, key)
        if operation in ("delete", "hardDelete"):
            away = remove.delete if operation == "delete" else recycle_bin.hard_delete
            return lambda work, batch: away(work, [one or "" for one in batch.values("Id", "")])
        raise errors.invalid_batch(f"Unknown operation {operation}")

    def _chunks(
        self,
        obj: SObject,
        plan: list[intake.CsvColumn],
        act: Act,
        rows: Iterable[Sequence[str]],
        options: Options,
        late: Mapping[int, int],
    ) -> Iterator[SaveResult]:
        source = iter(rows)
        start = 0
        while chunk := list(islice(source, CHUNK)):
            batch = intake.from_csv(obj, plan, chunk)
            places = range(start, start + len(chunk)) if late else ()
            lost = {place - start: plan[late[place]].field for place in places if place in late}
            start += len(chunk)

            def save_chunk(work: Work, batch: Batch = batch, lost: dict[int, Field] = lost) -> list[SaveResult]:
                lose(work, batch, lost)
                return act(work, batch)

            yield from self._write(save_chunk, False, options)

    def _write(self, act: Callable[[Work], list[SaveResult]], all_or_none: bool, options: Options) -> list[SaveResult]:
        try:
            with self._writing():
                work = self._work(options)
                return _whole(act(work)) if all_or_none else act(work)
        except _Undone as undone:
            return [
                SaveResult(None, False, one.created, one.errors or [errors.rolled_back()]) for one in undone.results
            ]

    def restore(self, object: str, rows: list[dict[str, Any]]) -> list[str]:
        """Writes rows as they are, Id and audit fields included (``dml.exact``). ValueError for what cannot be."""
        obj = self._object(object)
        with self._database.transaction():
            return exact.write(Work(self._database, self.schema, self.user_id, self.clock.stamp()), obj, rows)


def _whole(results: list[SaveResult]) -> list[SaveResult]:
    if not all(one.success for one in results):
        raise _Undone(results)
    return results
