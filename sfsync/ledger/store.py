"""The ledger as a whole: opening, whose it is, runs, watermarks, and throwing away what is old."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.elements import ColumnElement

from sfsync.errors import LedgerError
from sfsync.ledger import database
from sfsync.ledger.faults import place
from sfsync.ledger.keys import derive
from sfsync.ledger.tables import (
    ADDED,
    PG_SCHEMA,
    SCHEMA_VERSION,
    conflict,
    image,
    intent,
    meta,
    metadata,
    run,
    watermark,
    write_log,
)

if TYPE_CHECKING:
    from sfsync.ledger.digest import KeyedDigest
    from sfsync.sides.side import Finding


@dataclass(frozen=True)
class Ledger:
    """An open ledger. Safe to share between threads; every function of this package takes it first.

    ``folder`` holds before-images and the audit anchor; ``key`` (32 bytes or more) keys digests, images and audit;
    ``keep_days`` is how long images and write history are kept.
    """

    engine: Engine
    folder: Path
    key: bytes = field(repr=False)
    keep_days: int = 90

    @classmethod
    def open(cls, url: str, folder: Path, key: bytes, *, create: bool = True, keep_days: int = 90) -> Ledger:
        """Open, and make it if need be (``create``).

        Raises ``LedgerError``: LEDGER_MISSING, LEDGER_VERSION, LEDGER_KEY, LEDGER_DAMAGED, LEDGER_URL, LEDGER_DENIED;
        ``Unreachable`` if its database cannot be reached.
        """
        engine = database.connect(url)
        ledger = cls(engine, folder, key, keep_days)
        try:
            ledger._ready(create=create)
        except BaseException:
            engine.dispose()
            raise
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ledger

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()

    @property
    def digest(self) -> KeyedDigest:
        """Digests under this ledger's key."""
        from sfsync.ledger.digest import KeyedDigest  # frames: nobody who only looks needs them

        return KeyedDigest(self.key)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that writes: all or nothing, on disk at the end."""
        return database.transaction(self.engine, writes=True)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that reads one consistent state."""
        return database.transaction(self.engine, writes=False)

    def _ready(self, *, create: bool) -> None:
        if not create and self._is_missing():
            raise self._error("there is no ledger", "LEDGER_MISSING", "Check ledger.url, or run: sfsync sync")
        database.ready_file(self.engine)
        with self.writing() as connection:
            database.exclusive(connection, "schema")
            if not self._tables(connection):
                if not create:
                    raise self._error("there is no ledger", "LEDGER_MISSING", "Check ledger.url, or run: sfsync sync")
                self._make(connection)
            self._check(connection)
            self._add(connection)

    def _is_missing(self) -> bool:
        return self.engine.dialect.name == "sqlite" and not Path(str(self.engine.url.database)).exists()

    def _tables(self, connection: Connection) -> set[str]:
        schema = PG_SCHEMA if connection.dialect.name == "postgresql" else None
        return set(sa.inspect(connection).get_table_names(schema=schema))

    def _make(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.schema.CreateSchema(PG_SCHEMA, if_not_exists=True))
        metadata.create_all(connection, checkfirst=False)
        first = {"schema": SCHEMA_VERSION, "key": self._fingerprint()}
        database.upsert(connection, meta, {"name": list(first), "value": list(first.values())})

    def _add(self, connection: Connection) -> None:
        """Tables that came after the ledger was made."""
        lacking = {t.name for t in ADDED} - self._tables(connection)
        if lacking:
            metadata.create_all(connection, tables=[t for t in ADDED if t.name in lacking], checkfirst=False)

    def _check(self, connection: Connection) -> None:
        if "meta" not in self._tables(connection):
            raise self._error(
                "this database is not a ledger of sfsync", "LEDGER_DAMAGED", "Name another one in ledger.url."
            )
        version = get_meta(connection, "schema")
        if version != SCHEMA_VERSION:
            message = f"the ledger has schema {version or 'unknown'}, this sfsync works with schema {SCHEMA_VERSION}"
            step = "Use the sfsync that wrote it, or name a new ledger in ledger.url and run: sfsync plan --full"
            raise self._error(message, "LEDGER_VERSION", step)
        if not hmac.compare_digest(get_meta(connection, "key") or "", self._fingerprint()):
            step = "Bring back the key the ledger was made with (ledger.key, or the file ledger.key in its folder)."
            raise self._error("the ledger was made with another key", "LEDGER_KEY", step)

    def _fingerprint(self) -> str:
        return sha256(derive(self.key, "fingerprint")).hexdigest()[:32]

    def _error(self, message: str, code: str, step: str) -> LedgerError:
        return LedgerError(message, code, place(self.engine), step)

    # ── whose ledger it is

    def bind(self, platform_identity: str, org_identity: str) -> list[Finding]:
        """Tie the base to this database and this org the first time; later, findings of level error if they differ."""
        given = {"platform": platform_identity, "org": org_identity}
        with self.writing() as connection:
            database.upsert(connection, meta, {"name": list(given), "value": list(given.values())}, update={})
            bound = {name: get_meta(connection, name) for name in given}
        return [_other(name, str(bound[name]), given[name]) for name in given if bound[name] != given[name]]

    def ends(self) -> dict[str, str]:
        """``platform`` and ``org`` this ledger is tied to; empty if it is new."""
        with self.reading() as connection:
            found = {name: get_meta(connection, name) for name in ("platform", "org")}
        return {n: v for n, v in found.items() if v is not None}

    # ── runs

    def begin_run(self, command: str, as_of: datetime, actor: str, waived: Sequence[str] = ()) -> str:
        """Record that a run started; returns its id, which sorts by time (``20261122T150000Z-3f2a``).

        ``waived``: codes of guards a person let pass for this run.
        """
        with self.writing() as connection:
            now = database.clock(connection)
            taken = set(connection.scalars(sa.select(run.c.run_id).where(run.c.run_id >= f"{now:%Y%m%dT%H%M%SZ}")))
            run_id = next(i for i in _run_ids(now) if i not in taken)
            row: dict[str, Any] = {
                "run_id": run_id,
                "command": command,
                "actor": actor,
                "as_of": database.text_of(as_of),
            }
            row |= {"started_at": database.text_of(now), "host": socket.gethostname(), "pid": os.getpid()}
            row["summary"] = {"waived": sorted({w.upper() for w in waived})} if waived else None
            connection.execute(run.insert().values(**row))
        return run_id

    def end_run(self, run_id: str, exit_status: int, summary: Mapping[str, Any]) -> None:
        """Record how it ended. ``summary`` is JSON of counts, as in ``sync --json`` (``mappings`` by name)."""
        with self.writing() as connection:
            ended = {"ended_at": database.text_of(database.clock(connection)), "exit": int(exit_status)}
            begun = connection.scalar(sa.select(run.c.summary).where(run.c.run_id == run_id)) or {}
            connection.execute(run.update().where(run.c.run_id == run_id).values(**ended, summary={**begun, **summary}))

    def last_runs(self, mapping: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The newest runs first, as dictionaries; with ``mapping`` only those whose summary names it."""
        query = sa.select(run).order_by(run.c.started_at.desc(), run.c.run_id.desc())
        found: list[dict[str, Any]] = []
        with self.reading() as connection:
            for row in connection.execute(query).yield_per(100).mappings():
                if mapping is None or mapping in ((row["summary"] or {}).get("mappings") or {}):
                    found.append(dict(row))
                if len(found) >= limit:
                    break
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        """One run; raises ``LedgerError`` RUN_UNKNOWN."""
        with self.reading() as connection:
            row = connection.execute(sa.select(run).where(run.c.run_id == run_id)).mappings().first()
        if row is None:
            raise LedgerError("there is no such run", "RUN_UNKNOWN", run_id, "See the last runs: sfsync status")
        return dict(row)

    # ── watermarks

    def watermark(self, mapping: str, side: str) -> datetime | None:
        """Where this side's next window begins (before the overlap); None if it was never read."""
        query = sa.select(watermark.c.until).where(watermark.c.mapping == mapping, watermark.c.side == side)
        with self.reading() as connection:
            until = connection.scalar(query)
        return database.instant_of(until) if until else None

    def set_watermark(self, mapping: str, side: str, until: datetime, run_id: str) -> None:
        """Move it; call this after everything the window delivered is written, held or recorded as failed."""
        row = {"mapping": mapping, "side": side, "until": database.text_of(until), "run_id": run_id}
        with self.writing() as connection:
            database.upsert(connection, watermark, {k: [v] for k, v in row.items()})

    # ── age

    def now(self) -> datetime:
        """The ledger's own time: what is kept, and how long, goes by it and never by a run's ``as_of``."""
        with self.reading() as connection:
            return database.clock(connection)

    def prune(self, now: datetime) -> dict[str, int]:
        """Delete expired before-images and history older than ``keep_days``; returns counts by kind.

        Base, watermarks, open issues, decisions and the audit trail are never pruned.
        """
        old = database.text_of(now - timedelta(days=self.keep_days))
        with self.writing() as connection:
            files = list(connection.scalars(sa.select(image.c.file).where(image.c.expires_at <= database.text_of(now))))
            for file in files:
                (self.folder / file).unlink(missing_ok=True)
            counts = {name: connection.execute(rule).rowcount for name, rule in _pruning(old, database.text_of(now))}
        for folder in {(self.folder / f).parent for f in files}:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        return counts


def get_meta(connection: Connection, name: str) -> str | None:
    """A value of the meta table."""
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == name))


def _run_ids(now: datetime) -> Iterator[str]:
    while True:
        yield f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def _other(name: str, bound: str, given: str) -> Finding:
    from sfsync.sides.side import Finding

    code, what = ("OTHER_ORG", "org") if name == "org" else ("OTHER_DATABASE", "platform database")
    message = f"the ledger was built with {what} {bound}, this is {given}"
    step = f"Check the configuration. If the {what} was really replaced, name a new ledger in ledger.url."
    return Finding(code, message, "error", next_step=step)


def _pruning(old: str, now: str) -> list[tuple[str, sa.Delete]]:
    def gone(table: sa.Table, *conditions: ColumnElement[bool]) -> tuple[str, sa.Delete]:
        return table.name, table.delete().where(*conditions)

    used = sa.select(watermark.c.run_id)
    return [
        gone(image, image.c.expires_at <= now),
        gone(write_log, write_log.c.at < old),
        gone(intent, intent.c.state != "open", intent.c.made_at < old),
        gone(conflict, conflict.c.state == "closed", conflict.c.since < old),
        gone(run, run.c.started_at < old, run.c.run_id.not_in(used)),
    ]
