"""Leases: one run at a time per name, with a fencing token against a holder that only seemed dead.

A lease lasts ``ttl`` and is prolonged by a heartbeat thread. It can be taken over when it has expired, or when its
holder ran on this very machine (same boot, same process namespace) and its process is gone. The token grows with
every holder; ``fence`` inside a transaction makes sure that nobody took over meanwhile.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync import faultpoints
from sfsync.errors import LeaseHeld, SfsyncError
from sfsync.ledger import database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import lease

TTL = timedelta(seconds=90)


@dataclass
class Lease:
    """A lease that was acquired. As a context manager it beats until the end and then lets go."""

    ledger: Ledger
    name: str
    token: int
    ttl: timedelta
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _lost: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def __enter__(self) -> Lease:
        self._thread = threading.Thread(target=self._beat, name=f"lease {self.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        with suppress(SfsyncError):  # it expires by itself; the error on its way out matters more
            self.release()

    def check(self) -> None:
        """Raises ``LeaseHeld`` LEASE_LOST if another run took over; call it before every batch."""
        if self._lost.is_set():
            raise self._loss()

    def fence(self, connection: Connection) -> None:
        """Prolong by ``ttl`` inside a transaction: what it commits is committed by the holder, or raises LEASE_LOST."""
        until = database.text_of(database.clock(connection) + self.ttl)
        if connection.execute(self._mine().values(expires_at=until)).rowcount != 1:
            self._lost.set()
            raise self._loss()

    def prolong(self) -> None:
        """``fence`` in a transaction of its own."""
        with self.ledger.writing() as connection:
            self.fence(connection)

    def release(self) -> None:
        """Let go; the token stays, so that the next holder's is greater."""
        with self.ledger.writing() as connection:
            connection.execute(self._mine().values(holder=None, expires_at=""))

    def _mine(self) -> sa.Update:
        return lease.update().where(lease.c.name == self.name, lease.c.token == self.token)

    def _beat(self) -> None:
        """Beats three times per ``ttl``; a failed beat (the database is away) is tried again at the next one."""
        while not self._stop.wait(self.ttl.total_seconds() / 3):
            with suppress(SfsyncError):
                self.prolong()
            if self._lost.is_set():
                return

    def _loss(self) -> LeaseHeld:
        step = "Look whether the other run does well (sfsync status), then run again; nothing written is lost."
        return LeaseHeld("another run took over the lease while this one stood still", "LEASE_LOST", self.name, step)


def acquire(ledger: Ledger, name: str, *, ttl: timedelta = TTL, run_id: str | None = None) -> Lease:
    """Take the lease; raises ``LeaseHeld`` LEASE_HELD with holder (host, process, since when) if somebody has it."""
    me = {"host": socket.gethostname(), "machine": _machine(), "pid": os.getpid(), "run_id": run_id}
    with ledger.writing() as connection:
        now = database.clock(connection)
        first: dict[str, list[Any]] = {"name": [name], "token": [0], "expires_at": [""]}
        database.upsert(connection, lease, first, update={})
        row = connection.execute(sa.select(lease).where(lease.c.name == name).with_for_update()).one()
        if row.holder and not _stale(row.holder, row.expires_at, now):
            raise _held(name, row.holder)
        taken = {"holder": me | {"started": database.text_of(now)}, "token": row.token + 1}
        until = database.text_of(now + ttl)
        connection.execute(lease.update().where(lease.c.name == name).values(**taken, expires_at=until))
    faultpoints.hit("ledger.lease.taken")
    return Lease(ledger, name, row.token + 1, ttl)


def holder(ledger: Ledger, name: str) -> dict[str, Any] | None:
    """Who holds the lease now (host, pid, started, run_id), or None."""
    with ledger.reading() as connection:
        now = database.clock(connection)
        row = connection.execute(sa.select(lease).where(lease.c.name == name)).first()
    return None if row is None or not row.holder or _stale(row.holder, row.expires_at, now) else dict(row.holder)


def _stale(held_by: dict[str, Any], expires_at: str, now: datetime) -> bool:
    if expires_at <= database.text_of(now):
        return True
    return bool(held_by["machine"]) and held_by["machine"] == _machine() and not alive(int(held_by["pid"]))


def _held(name: str, held_by: dict[str, Any]) -> LeaseHeld:
    who = f"process {held_by['pid']} on {held_by['host']}, since {held_by['started']}"
    message = f"another run is under way: {who}"
    if held_by.get("run_id"):
        message += f" (run {held_by['run_id']})"
    return LeaseHeld(message, "LEASE_HELD", name, "Wait until it ends, or end that process; then run again.")


def alive(pid: int) -> bool:
    """True if a process with this id runs on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _machine() -> str:
    """This boot and process namespace, in which a process id means one process; empty where that is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
