"""The org: everything its HTTP side may ask of it.

One ``Org`` owns one SQLite file and is used from several threads. A write call is one transaction; ``transaction()``
joins several. Queries see the last committed state (or, inside an own transaction, that transaction's).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import islice
from pathlib import Path
from shutil import rmtree
from sqlite3 import Connection, OperationalError
from typing import Any, TypeVar

from sfsync.rehearsal import errors, security, setup
from sfsync.rehearsal.automation import computed, formulas
from sfsync.rehearsal.clock import Clock
from sfsync.rehearsal.dml import bin as recycle_bin
from sfsync.rehearsal.dml import events as change_events
from sfsync.rehearsal.dml import exact, intake, mixed, remove, save, upsert
from sfsync.rehearsal.dml.batch import Batch, Deed
from sfsync.rehearsal.dml.locks import Locks
from sfsync.rehearsal.dml.merge import Merged, Refused, merge
from sfsync.rehearsal.dml.options import DEFAULT, QUIET, Options
from sfsync.rehearsal.dml.rules.users import set_licenses
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.metadata import change, package
from sfsync.rehearsal.metadata.component import Component, Key
from sfsync.rehearsal.metadata.kept import Metadata
from sfsync.rehearsal.schema import describe
from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.security import Views
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.lookup import Lookups
from sfsync.rehearsal.soql.run import QueryResult, Reading, plan
from sfsync.rehearsal.soql.session import session
from sfsync.rehearsal.store import state, tables
from sfsync.rehearsal.store.database import Busy, Database

SaveResult = Deed
Read = TypeVar("Read")

__all__ = ["Org", "QueryResult", "SaveResult"]

CHUNK = 200
WAIT_S = 10.0  # as long as Salesforce waits for a row lock


class _Undone(Exception):
    """Carries the results of an all-or-none call out of its transaction."""

    def __init__(self, results: list[SaveResult]) -> None:
        super().__init__()
        self.results = results


class Org:
    """See ``open``. After changing ``clock`` call ``save_clock``, so that it outlives a restart."""

    def __init__(self, data: Path, opened_with: Iterable[Component] = ()) -> None:
        self.data = data
        self.clock = Clock()
        self._described: dict[str, tuple[SObject, list[dict[str, Any]]]] = {}
        self._database = Database(data / "org.db")
        self._database.offer(self._functions)
        self._lookups = Lookups(self._database)
        self._views = Views(self._database)
        self._acting: ContextVar[str | None] = ContextVar("acting", default=None)
        tables.prepare(self._database)
        self.metadata = Metadata(self._database, opened_with)
        self.schema: Schema = self.metadata.schema()
        self._start()

    @staticmethod
    def open(data: Path, *, force_app: Path | None = None) -> Org:
        """Opens the org kept in folder ``data``, or makes a fresh one.

        ``force_app`` brings custom fields, record types and queues; fields it has gained since the last time are
        added. Raises SourceError for metadata the org does not understand.
        """
        data.mkdir(parents=True, exist_ok=True)
        return Org(data, package.read_folder(force_app) if force_app else ())

    def _start(self) -> None:
        tables.create(self._database, self.schema)
        saved = state.get(self._database, "org", "clock")
        if saved is not None:
            self.clock.load(saved)
        identity = setup.prepare(self._database, self.schema, self.clock.stamp())
        self.org_id: str = identity["org_id"]
        self.user_id: str = identity["user_id"]
        self.username: str = identity["username"]
        self.locks = Locks(self.state_list("lock").values(), self._keep_locks)
        selected = state.get(self._database, "org", "change_events") or {"objects": []}
        self._event_objects = frozenset(selected["objects"])
        self._audit = state.get(self._database, "org", "audit_fields") is not None
        self.files_dir.mkdir(exist_ok=True)

    def _functions(self, connection: Connection) -> None:
        """What computed fields need of the org, for one connection."""
        computed.install(connection, self.clock.now)
        formulas.install(connection, self.clock.now, lambda: self.schema)

    def close(self) -> None:
        self._database.close()

    def reset(self) -> None:
        """Back to a fresh org with the same schema; files and kept state go too, the clock runs true again."""
        tables.drop(self._database, self.schema)
        rmtree(self.files_dir, ignore_errors=True)
        self._views.clear()
        self.clock.load({"offset_s": 0.0, "frozen": None})
        self._start()

    def apply(
        self,
        changes: Mapping[Key, Component | None],
        *,
        keep: bool = True,
        renamed: tuple[str, str] | None = None,
    ) -> None:
        """Changes the org's metadata while it runs: None takes a component away. All or nothing, in one transaction.

        ``keep`` False only tries; ``renamed``: a custom object's old and new name, its rows stay. Raises SourceError
        and CannotChangeError.
        """
        with self._database.alone():
            work = self._work(QUIET)
            schema = change.apply(self._database, self.metadata, self.schema, changes, work, keep=keep, renamed=renamed)
            if schema is not None:
                self.schema, self._described = schema, {}

    @property
    def files_dir(self) -> Path:
        """Folder for the bodies and results of bulk jobs."""
        return self.data / "files"

    def save_clock(self) -> None:
        """Keeps the clock as it stands now; call it after changing ``clock``."""
        state.put(self._database, "org", "clock", self.clock.dump())

    # -- who is asking ------------------------------------------------------------------------------------

    @contextmanager
    def acting(self, user_id: str | None) -> Iterator[None]:
        """Within it, reading and writing go by the rights of this user; None is the administrator."""
        token = self._acting.set(user_id)
        try:
            yield
        finally:
            self._acting.reset(token)

    @property
    def acting_user(self) -> str:
        return self._acting.get() or self.user_id

    @property
    def acts_as_administrator(self) -> bool:
        """Whether who is asking may do everything."""
        return self.is_administrator(self._acting.get())

    @property
    def seen(self) -> Schema:
        """The schema as the acting user sees it."""
        return self.schema_for(self._acting.get())

    def schema_for(self, user_id: str | None) -> Schema:
        """The schema with the object and field rights of a user; all of it for administrators (and None)."""
        return self.schema if user_id is None else self._views.of(self.schema, user_id)

    def is_administrator(self, user_id: str | None) -> bool:
        """Whether a user may do everything, set-up included; None is the administrator."""
        if user_id is None:
            return True
        with self._database.reader() as connection:
            return security.read(connection, self.schema, user_id) is None

    # -- reading ------------------------------------------------------------------------------------------

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

    # -- writing ------------------------------------------------------------------------------------------

    def insert(
        self,
        object: str,
        rows: Sequence[dict[str, Any]],
        *,
        all_or_none: bool = False,
        options: Options = DEFAULT,
    ) -> list[SaveResult]:
        """Inserts rows; one result per row, in order."""

        def act(work: Work) -> list[SaveResult]:
            return save.insert(work, intake.from_rows(work.seen, self._object(object, options), rows))

        return self._write(act, all_or_none, options)

    def update(
        self,
        object: str,
        rows: Sequence[dict[str, Any]],
        *,
        all_or_none: bool = False,
        options: Options = DEFAULT,
    ) -> list[SaveResult]:
        """Updates rows by their ``Id``; one result per row, in order."""

        def act(work: Work) -> list[SaveResult]:
            return save.update(work, intake.from_rows(work.seen, self._object(object, options), rows))

        return self._write(act, all_or_none, options)

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

        def act(work: Work) -> list[SaveResult]:
            obj = self._object(object, options)
            return upsert.upsert(work, intake.from_rows(work.seen, obj, rows), upsert.key_field(obj, field))

        return self._write(act, all_or_none, options)

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
            with self._database.transaction(WAIT_S):
                return merge(self._work(options), self._object(object, options), master, losers)
        except Refused as refused:
            return Merged(None, False, errors=refused.errors)
        except Busy as busy:
            raise errors.lock_not_obtained([]) from busy

    def deletions(self, object: str, start: datetime, end: datetime) -> dict[str, str]:
        """Ids of records deleted in a span of time, purged ones too, with the instant of their deletion."""
        return recycle_bin.deletions(self._database, self._object(object).name, start, end)

    def expire(self) -> None:
        """Purges what has outlived its time by the org's clock: the bin after 15 days, change events after 72 hours."""
        recycle_bin.expire(self._database, self.schema, self.clock.now())
        change_events.expire(self._database, self.clock.now())

    def load_csv(
        self,
        object: str,
        operation: str,
        external_field: str | None,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        options: Options = QUIET,
    ) -> Iterator[SaveResult]:
        """Bulk load: ``operation`` is insert, update, upsert, delete or hardDelete; results in order of the rows.

        ``''`` leaves a field alone, ``#N/A`` empties it. Rows go in chunks of 200, each its own
        transaction; assignment rules run on request only.
        Raises OrgError before any row is read when the header names an unknown column.
        """
        obj = self._object(object, options)
        plan = intake.csv_header(self.schema, obj, header)
        act = self._bulk_act(obj, operation, external_field)
        return self._chunks(obj, plan, act, rows, options)

    def _bulk_act(
        self, obj: SObject, operation: str, external_field: str | None
    ) -> Callable[[Work, Batch], list[SaveResult]]:
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
        act: Callable[[Work, Batch], list[SaveResult]],
        rows: Iterable[Sequence[str]],
        options: Options,
    ) -> Iterator[SaveResult]:
        source = iter(rows)
        while chunk := list(islice(source, CHUNK)):
            batch = intake.from_csv(obj, plan, chunk)
            yield from self._write(lambda work, batch=batch: act(work, batch), False, options)  # type: ignore[misc]

    def _write(self, act: Callable[[Work], list[SaveResult]], all_or_none: bool, options: Options) -> list[SaveResult]:
        try:
            with self._database.transaction(WAIT_S):
                work = self._work(options)
                return _whole(act(work)) if all_or_none else act(work)
        except _Undone as undone:
            return [
                SaveResult(None, False, one.created, one.errors or [errors.rolled_back()]) for one in undone.results
            ]
        except Busy as busy:
            raise errors.lock_not_obtained([]) from busy

    def _work(self, options: Options) -> Work:
        writer = self._writer(options)
        return Work(
            self._database,
            self.schema,
            writer or self.user_id,
            self.clock.stamp(),
            options,
            self.schema_for(writer),
            self.locks,
            self._event_objects,
            self._audit,
        )

    def _writer(self, options: Options) -> str | None:
        return options.user_id or self._acting.get()

    @contextmanager
    def transaction(self, *, strict: bool = False) -> Iterator[None]:
        """Joins the write calls of this thread; an exception undoes them all. May be nested.

        ``strict``: Salesforce sees one transaction too, so setup objects and others do not mix in it
        (MIXED_DML_OPERATION). OrgError UNABLE_TO_LOCK_ROW when another writer does not come to an end.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(self._database.transaction(WAIT_S))
            except Busy as busy:
                raise errors.lock_not_obtained([]) from busy
            before = self._database.scratch.get(mixed.STRICT, False)
            self._database.scratch[mixed.STRICT] = before or strict
            try:
                yield
            finally:
                self._database.scratch[mixed.STRICT] = before

    def restore(self, object: str, rows: list[dict[str, Any]]) -> list[str]:
        """Writes rows as they are, Id and audit fields included (``dml.exact``). ValueError for what cannot be."""
        obj = self._object(object)
        with self._database.transaction():
            return exact.write(Work(self._database, self.schema, self.user_id, self.clock.stamp()), obj, rows)

    # -- small things that outlive a restart --------------------------------------------------------------

    def state_get(self, kind: str, key: str) -> dict[str, Any] | None:
        return state.get(self._database, kind, key)

    def state_put(self, kind: str, key: str, value: dict[str, Any]) -> None:
        state.put(self._database, kind, key, value)

    def state_delete(self, kind: str, key: str) -> None:
        state.delete(self._database, kind, key)

    def state_list(self, kind: str) -> dict[str, dict[str, Any]]:
        """All values of a kind by key, keys in order."""
        return dict(state.listed(self._database, kind))

    def _keep_locks(self, orders: list[dict[str, Any]]) -> None:
        with self._database.transaction():
            for key in self.state_list("lock"):
                self.state_delete("lock", key)
            for number, order in enumerate(orders):
                self.state_put("lock", f"{number:04}", order)

    def allow_audit_fields(self, allowed: bool) -> None:
        """The org's setting "Set Audit Fields upon Record Creation", off in a fresh org."""
        if allowed:
            state.put(self._database, "org", "audit_fields", {})
        else:
            state.delete(self._database, "org", "audit_fields")
        self._audit = allowed

    def set_licenses(self, name: str, total: int) -> None:
        """Gives the org so many user licences of a kind (``Salesforce``). Raises ValueError for an unknown kind."""
        set_licenses(self._database, name, total)

    # -- change events ------------------------------------------------------------------------------------

    def select_change_events(self, objects: Iterable[str]) -> list[str]:
        """Selects the objects that publish change events (none at first). Raises OrgError NOT_FOUND."""
        names = sorted({self._object(one).name for one in objects})
        state.put(self._database, "org", "change_events", {"objects": names})
        self._event_objects = frozenset(names)
        return names

    def events(
        self, channel: str = change_events.ALL, *, after: int = change_events.EVERYTHING, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Kept change events of a channel (``/data/ChangeEvents``, ``/data/AccountChangeEvent``), oldest first.

        ``after``: a replay id, -1 for the tip, -2 for everything of the last 72 hours. Each is ``{"replayId",
        "object", "payload"}``. Raises OrgError NOT_FOUND for a channel without an object.
        """
        change_events.expire(self._database, self.clock.now())
        named = {change_events.event_name(one): one for one in self.schema.objects}
        if channel == change_events.ALL:
            return change_events.read(self._database, None, after, limit)
        obj = named.get(channel.removeprefix("/data/"))
        if obj is None:
            raise errors.not_found()
        return change_events.read(self._database, [obj], after, limit)

    # -- inside -------------------------------------------------------------------------------------------

    def _steady(self, read: Callable[[], Read]) -> Read:
        """A read that was planned just before the metadata changed, and finds other tables, is planned anew."""
        while True:
            schema = self.schema
            try:
                return read()
            except OperationalError:
                with self._database.alone():  # the schema is replaced before the lock of its change is given back
                    if self.schema is schema:
                        raise

    def _object(self, name: str, options: Options | None = None) -> SObject:
        """The object as the caller sees it: the user of a write, or who is acting."""
        found = (self.seen if options is None else self.schema_for(self._writer(options))).find(name)
        if found is None:
            raise errors.not_found()
        return found


def _whole(results: list[SaveResult]) -> list[SaveResult]:
    if not all(one.success for one in results):
        raise _Undone(results)
    return results
