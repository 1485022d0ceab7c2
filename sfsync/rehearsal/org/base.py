"""What every topic of the org stands on: the store, the schema, the clock, who is asking, and one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from sqlite3 import Connection, OperationalError
from typing import Any, TypeVar

from sfsync.rehearsal import errors, security, setup
from sfsync.rehearsal.automation import computed, formulas
from sfsync.rehearsal.clock import Clock
from sfsync.rehearsal.dml import bin as recycle_bin
from sfsync.rehearsal.dml import events as change_events
from sfsync.rehearsal.dml import mixed
from sfsync.rehearsal.dml.contention import Reckoning
from sfsync.rehearsal.dml.locks import Locks
from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.metadata.kept import Metadata
from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.security import Views
from sfsync.rehearsal.store import state, tables
from sfsync.rehearsal.store.database import Busy, Database

Read = TypeVar("Read")

_TOO_DEEP = re.compile(
    "Expression tree is too large|parser stack overflow|too many SQL variables|too many terms in|too many columns"
    "|at most 64 tables in a join"
)
WAIT_S = 10.0  # as long as Salesforce waits for a row lock


class Base:
    """``schema`` is replaced by a deploy: take it at call time, never keep it."""

    def __init__(self, data: Path, opened_with: Iterable[Component] = ()) -> None:
        self.data = data
        self.clock = Clock()
        self._database = Database(data / "org.db")
        self._database.offer(self._functions)
        self._views = Views(self._database)
        self._acting: ContextVar[str | None] = ContextVar("acting", default=None)
        tables.prepare(self._database)
        self.metadata = Metadata(self._database, opened_with)
        self.schema: Schema = self.metadata.schema()
        self._start()

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
        times = state.get(self._database, "org", "row_locks")
        self.locks.contention.reckoning = Reckoning(**times) if times else None
        selected = state.get(self._database, "org", "change_events") or {"objects": []}
        self._event_objects = frozenset(selected["objects"])
        self._audit = state.get(self._database, "org", "audit_fields") is not None
        self.files_dir.mkdir(exist_ok=True)

    def _functions(self, connection: Connection) -> None:
        """What computed fields need of the org, for one connection."""
        computed.install(connection, self.clock.now)
        formulas.install(connection, self.clock.now, lambda: self.schema)

    @property
    def files_dir(self) -> Path:
        """Folder for the bodies and results of bulk jobs."""
        return self.data / "files"

    # -- small things that outlive a restart, by kind and key ----------------------------------------------

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

    def is_active(self, user_id: str) -> bool:
        """Whether a user may work with the org."""
        with self._database.reader() as connection:
            row = connection.execute('SELECT "IsActive" FROM "User" WHERE Id = ?', (user_id,)).fetchone()
            return bool(row and row[0])

    # -- one transaction ----------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, strict: bool = False) -> Iterator[None]:
        """Joins the write calls of this thread; an exception undoes them all. May be nested.

        ``strict``: Salesforce sees one transaction too, so setup objects and others do not mix in it
        (MIXED_DML_OPERATION). OrgError UNABLE_TO_LOCK_ROW when another writer does not come to an end.
        """
        with self._writing():
            before = self._database.scratch.get(mixed.STRICT, False)
            self._database.scratch[mixed.STRICT] = before or strict
            try:
                yield
            finally:
                self._database.scratch[mixed.STRICT] = before

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The store's transaction; OrgError UNABLE_TO_LOCK_ROW for one that cannot be had in time."""
        try:
            with ExitStack() as stack:
                try:
                    stack.enter_context(self._database.transaction(WAIT_S))
                except Busy as busy:
                    raise errors.lock_not_obtained([]) from busy
                yield
        finally:
            if not self._database.in_own_transaction():
                self.locks.contention.rest()

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

    def expire(self) -> None:
        """Purges what has outlived its time by the org's clock: the bin after 15 days, change events after 72 hours."""
        recycle_bin.expire(self._database, self.clock.now())
        change_events.expire(self._database, self.clock.now())

    def _steady(self, read: Callable[[], Read]) -> Read:
        """A read that was planned just before the metadata changed, and finds other tables, is planned anew.

        What is nested deeper than the parser or SQLite can follow is refused.
        """
        while True:
            schema = self.schema
            try:
                return read()
            except RecursionError as deep:
                raise errors.query_too_complicated() from deep
            except OperationalError as failed:
                if _TOO_DEEP.search(str(failed)):
                    raise errors.query_too_complicated() from failed
                with self._database.alone():  # the schema is replaced before the lock of its change is given back
                    if self.schema is schema:
                        raise

    def _object(self, name: str, options: Options | None = None) -> SObject:
        """The object as the caller sees it: the user of a write, or who is acting."""
        found = (self.seen if options is None else self.schema_for(self._writer(options))).find(name)
        if found is None:
            raise errors.not_found()
        return found
