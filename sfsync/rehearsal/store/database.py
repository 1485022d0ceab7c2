"""One SQLite file: a writer that everybody shares in turn, readers of their own.

DURABILITY: write-ahead log with synchronous=NORMAL. What a call has acknowledged is in the log file and survives
the death of the process (kill -9); only a power cut may take the last moments, which a rehearsal can bear.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfsync.rehearsal.store import blank

Row = tuple[Any, ...]


class Busy(Exception):
    """Another transaction has held the store too long."""


class Database:
    """Connections and transactions. A write transaction belongs to the thread that opened it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        self._depth = 0
        self.committed = 0  # moves with every committed change: what was read since it moved last is still so
        self.numbered: dict[str, int] = {}  # the last number each counter gave, whatever became of its transaction
        self.scratch: dict[str, Any] = {}  # of the open transaction: what its calls have to know of each other
        self._install: Callable[[sqlite3.Connection], None] = lambda connection: None
        self._idle: list[sqlite3.Connection] = []  # readers between two queries; list operations are atomic
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode=WAL")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False, timeout=60)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.create_function("fold", 1, _fold, deterministic=True)
        self._install(connection)
        return connection

    def offer(self, install: Callable[[sqlite3.Connection], None]) -> None:
        """Gives SQL functions of the org's own to every connection; call it before the org is shared."""
        self._install = install
        for connection in (self._writer, *self._idle):
            install(connection)

    @contextmanager
    def transaction(self, wait_s: float | None = None) -> Iterator[None]:
        """Re-entrant: the outermost is a transaction, inner ones are savepoints. An exception rolls back.

        Raises Busy when another thread's transaction has not ended after ``wait_s`` seconds.
        """
        if not self._lock.acquire(timeout=-1 if wait_s is None else wait_s):
            raise Busy
        try:
            name = f"level_{self._depth}"
            if self._depth == 0:
                self.scratch = {}
            self._writer.execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._roll_back(name)
                raise
            self._depth -= 1
            self._writer.execute("COMMIT" if self._depth == 0 else f"RELEASE {name}")
            self._settle()
        finally:
            self._lock.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other thread writes meanwhile; for what has to change together with a commit."""
        with self._lock:
            yield

    def _settle(self) -> None:
        if self._depth == 0:
            self.committed = self._writer.total_changes

    def _roll_back(self, name: str) -> None:
        if self._depth == 0:
            self._writer.execute("ROLLBACK")
        else:
            self._writer.execute(f"ROLLBACK TO {name}")
            self._writer.execute(f"RELEASE {name}")

    def run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One statement on the writer; call it inside ``transaction`` when more than one belongs together."""
        with self._lock:
            cursor = self._writer.execute(sql, values)
            self._settle()
            return cursor

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        with self._lock:
            found = self._writer.execute(sql, values).fetchall()
            self._settle()
            return found

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        with self._lock:
            self._writer.executemany(sql, values)
            self._settle()

    def has(self, table: str) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def extend(self, statements: tuple[str, ...]) -> None:
        """Runs the statements that make a fresh org's tables; fast from the second time on in a process."""
        with self._lock:
            blank.extend(self._writer, statements)

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one committed state; inside an own transaction, the writer with its own changes."""
        if self.in_own_transaction():
            yield self._writer
            return
        connection = self._idle.pop() if self._idle else self._connect()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")
            self._idle.append(connection)

    def in_own_transaction(self) -> bool:
        """True while the calling thread has a write transaction open."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._depth > 0
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            self._writer.close()


def _fold(text: str | None) -> str | None:
    return text.casefold() if isinstance(text, str) else text
