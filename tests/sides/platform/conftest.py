"""A table without any constraint, for everything a strict schema would not allow, and a gate in front of PostgreSQL."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sfsync.mapping.model import Mapping
from sfsync.sides.platform import PlatformSide

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LOOSE_TABLE = """
    CREATE TABLE loose (code VARCHAR(32), name TEXT, flag BOOLEAN, points INTEGER, born DATE, seen TIMESTAMP,
                        consent BOOLEAN, consent_at TIMESTAMP, updated_at TIMESTAMP)
"""


def loose_mapping(**platform: Any) -> Mapping:
    """A mapping of the table ``loose``; ``platform`` overrides its platform part."""
    fields: dict[str, Any] = {
        "name": {"platform": "name", "salesforce": "Name", "owner": "newest"},
        "flag": {"platform": "flag", "salesforce": "Flag__c", "type": "boolean", "owner": "newest"},
        "points": {"platform": "points", "salesforce": "Points__c", "type": "integer", "owner": "newest"},
        "born": {"platform": "born", "salesforce": "Born__c", "type": "date", "owner": "newest"},
        "seen": {"platform": "seen", "salesforce": "Seen__c", "type": "instant", "owner": "newest"},
        "consent": {
            "platform": "consent",
            "salesforce": "Consent__c",
            "type": "boolean",
            "owner": "stricter",
            "stricter": False,
            "changed_at": "consent_at",
        },
    }
    return Mapping.model_validate(
        {
            "mapping": "loose",
            "platform": {"table": "loose", "key": "code", "settle": "PT0S", "overlap": "PT0S", **platform},
            "salesforce": {"object": "Account", "key": "Code__c"},
            "fields": fields,
        }
    )


LOOSE = loose_mapping()


def engine_of(url: str) -> sa.Engine:
    """The platform's own engine, none of ours."""
    return sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def run(url: str, *statements: str) -> None:
    """Do something to the database behind the side's back."""
    engine = engine_of(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """Look into the database without the side."""
    engine = engine_of(url)
    with engine.connect() as connection:
        rows = [tuple(r) for r in connection.exec_driver_sql(query)]
    engine.dispose()
    return rows


@pytest.fixture
def loose_url(platform_url: str) -> str:
    """The table ``loose`` on both databases."""
    run(platform_url, LOOSE_TABLE)
    return platform_url


@pytest.fixture
def loose_sqlite(sqlite_url: str) -> str:
    """The table ``loose`` on SQLite."""
    run(sqlite_url, LOOSE_TABLE)
    return sqlite_url


@pytest.fixture
def loose_postgres(postgres_url: str) -> str:
    """The table ``loose`` on PostgreSQL."""
    run(postgres_url, LOOSE_TABLE)
    return postgres_url


@pytest.fixture
def open_side() -> Iterator[Callable[[str], PlatformSide]]:
    """Opens platform sides and closes them after the test."""
    sides: list[PlatformSide] = []

    def open_(url: str) -> PlatformSide:
        sides.append(PlatformSide(url, as_of=NOW, hash_key=b"k" * 32))
        return sides[-1]

    yield open_
    for side in sides:
        side.close()


class Gate:
    """A socket in front of PostgreSQL that hangs up when the client sends certain words.

    ``cut`` are the words; ``deliver`` says whether the server still gets them; ``times`` how often to hang up.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder, self._server = folder, server
        self.cut, self.deliver, self.times = b"", False, 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, words: str, *, deliver: bool = False, times: int = 1) -> None:
        """Hang up at these words from now on."""
        self.cut, self.deliver, self.times = words.encode(), deliver, times

    def close(self) -> None:
        """No new connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self.times and self.cut in data:
                    self.times -= 1
                    client.shutdown(socket.SHUT_RDWR)
                    if self.deliver:
                        server.sendall(data)
                        server.shutdown(socket.SHUT_WR)
                        return  # the server finishes what it got; its answer finds nobody
                    break
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def gate(loose_postgres: str, run_folder: Path) -> Iterator[Gate]:
    """A gate in front of the test's own database."""
    import tempfile

    server = Path(str(sa.make_url(loose_postgres).query["host"])) / ".s.PGSQL.5432"
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        made = Gate(Path(folder), server)
        yield made
        made.close()


@pytest.fixture
def gate_url(gate: Gate, loose_postgres: str) -> str:
    """The test's database, seen through the gate."""
    return loose_postgres.split("?")[0] + f"?host={gate.folder}"
