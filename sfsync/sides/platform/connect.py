"""Opens the operator's database and turns its connection failures into our errors.

No text made here holds the URL, the login or a driver's message: they may carry a password or a value.
"""

from __future__ import annotations

import hashlib
import sqlite3
from operator import methodcaller
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from sfsync.errors import ConfigError, LoginRefused, SfsyncError, SideError, Unreachable

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
WRITES = "sfsync_writes"  # execution option: this transaction will write


def parse(url: SecretStr | str) -> sa.URL:
    """The URL, with the driver we ship; raises ``ConfigError`` for one we cannot use."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    text = text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text
    try:
        made = sa.make_url(text)
        backend = made.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise _url_error("the platform's URL cannot be understood") from None
    if backend == SQLITE:
        return made.set(drivername="sqlite")
    if backend == POSTGRESQL:
        return made.set(drivername="postgresql+psycopg")
    raise _url_error(f"platforms on {backend} are not supported")


def _url_error(message: str) -> ConfigError:
    step = "Write platform.url like sqlite:///platform.db or postgresql://user@host/database"
    return ConfigError(message, "PLATFORM_URL", "platform.url", step)


def place(url: sa.URL) -> str:
    """Which database this is, for people: no user, no password, no query."""
    if url.get_backend_name() == SQLITE:
        return f"sqlite {url.database or ':memory:'}"
    port = f":{url.port}" if url.port else ""
    return f"postgresql {url.host or 'local'}{port}/{url.database or ''}"


def identity(url: sa.URL) -> str:
    """A stable name of the database, the same whoever logs in: dialect and a digest of host, port and database."""
    backend = url.get_backend_name()
    if backend == SQLITE:
        parts = [str(Path(url.database).resolve()) if url.database else ""]
    else:
        host = url.host or str(url.query.get("host", ""))
        parts = [host.lower(), str(url.port or url.query.get("port", 5432)), url.database or ""]
    return f"{backend}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"


def open_engine(url: sa.URL) -> sa.Engine:
    """An engine whose transactions are real on SQLite and whose text of instants is UTC and ISO on PostgreSQL."""
    if url.get_backend_name() == SQLITE:
        patience = {} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT_S}
        engine = sa.create_engine(url, hide_parameters=True, connect_args=patience)
        sa.event.listen(engine, "do_connect", _existing_file)
        sa.event.listen(engine, "connect", _sqlite_connected)
        sa.event.listen(engine, "begin", _sqlite_begin)
        return engine
    args = {"application_name": "sfsync"}
    if "connect_timeout" not in url.query:
        args["connect_timeout"] = str(CONNECT_TIMEOUT_S)
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=args)
    sa.event.listen(engine, "connect", _postgresql_connected)
    sa.event.listen(engine, "begin", _postgresql_begin)
    return engine


def _existing_file(_dialect: Any, _record: Any, args: list[Any], _kw: dict[str, Any]) -> None:
    """SQLite would make an empty database of a mistyped name; a platform that is not there is an error."""
    name = str(args[0]) if args else ""
    if name and name != ":memory:" and not name.startswith("file:") and not Path(name).is_file():
        raise SideError(
            "the platform's database file does not exist",
            "PLATFORM_FILE",
            f"sqlite {name}",
            "Correct platform.url, or make the demo's database first.",
        )


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own way breaks savepoints
    # Text that is not UTF-8 must not end a read: it arrives with lone surrogates and becomes its record's problem.
    connection.text_factory = methodcaller("decode", "utf-8", "surrogateescape")
    connection.execute("PRAGMA foreign_keys = ON")


def _sqlite_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_connected(connection: Any, _record: Any) -> None:
    """Dates and instants arrive as text, so that infinity or the year 12000 cannot stop a read."""
    from psycopg.types.string import TextLoader

    for name in ("date", "timestamp", "timestamptz"):
        connection.adapters.register_loader(name, TextLoader)


def _postgresql_begin(connection: sa.Connection) -> None:
    # Per transaction, so that it also holds behind a pooler that shares sessions.
    connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'")


def is_disconnect(error: Exception) -> bool:
    """True if the connection is gone (or never came to be): the same statement may work on a new one."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    lost = state[:2] == "08" or state in {"57P01", "57P02", "57P03"}
    refused = isinstance(error, sa.exc.OperationalError) and not state and not _is_sqlite(error)
    return error.connection_invalidated or lost or refused


def is_busy(error: Exception) -> bool:
    """True if another transaction was in the way (lock, deadlock, serialisation)."""
    orig = getattr(error, "orig", None)
    name = getattr(orig, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or getattr(orig, "sqlstate", None) in {
        "40001",
        "40P01",
        "55P03",
    }


def _is_sqlite(error: DBAPIError) -> bool:
    return isinstance(error.orig, sqlite3.Error)


REFUSALS = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")


def translate(error: Exception, where: str) -> SfsyncError:
    """Our error for a failure that is not about one row; the driver's words stay out of it."""
    text = str(getattr(error, "orig", error)).lower()
    if is_busy(error):
        step = "Let the other program finish and run again."
        return Unreachable("another program keeps the database locked", "PLATFORM_UNREACHABLE", where, step)
    if is_disconnect(error):
        return _connection_error(text, where)
    if "not a database" in text or "malformed" in text:
        return SideError("the file is not a readable SQLite database", "PLATFORM_FILE", where, "Correct platform.url.")
    if "unable to open" in text:
        step = "Check that this user may open the file and its folder."
        return Unreachable("the database file cannot be opened", "PLATFORM_UNREACHABLE", where, step)
    if getattr(getattr(error, "orig", None), "sqlstate", None) == "42501" or "permission denied" in text:
        step = "Grant SELECT, INSERT and UPDATE on the table to the user of platform.url."
        return SideError("the database refuses access to a table", "PLATFORM_PERMISSION", where, step)
    step = "Run: sfsync doctor"
    return SideError(f"the database cannot do this ({kind_of(error)})", "PLATFORM_FAILED", where, step)


def _connection_error(text: str, where: str) -> SfsyncError:
    if "database" in text and "does not exist" in text:
        return SideError("there is no such database", "PLATFORM_DATABASE", where, "Correct platform.url.")
    if any(words in text for words in REFUSALS):
        step = "Check user and password of platform.url (SFSYNC_PLATFORM__URL)."
        return LoginRefused("the database refuses the login", "PLATFORM_LOGIN", where, step)
    step = "Check platform.url and that the database is running; the next run goes on where this one stopped."
    return Unreachable("the database cannot be reached", "PLATFORM_UNREACHABLE", where, step)


def kind_of(error: Exception) -> str:
    """The class of a database error: its SQLSTATE, SQLite's name, or the exception's type."""
    orig = getattr(error, "orig", None)
    state = getattr(orig, "sqlstate", None) or getattr(orig, "sqlite_errorname", None)
    return str(state or type(orig or error).__name__)
