"""Opens the demo's database and fills its tables at full speed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from pyarrow import csv
from pydantic import SecretStr
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from sfsync.errors import ConfigError, Unreachable


@contextmanager
def open_engine(url: SecretStr | str) -> Iterator[sa.Engine]:
    """An engine for one piece of work; errors never show the URL, because it may hold a password."""
    engine = _engine(url.get_secret_value() if isinstance(url, SecretStr) else url)
    try:
        yield engine
    except DBAPIError as error:
        if not isinstance(error, sa.exc.OperationalError):
            raise
        step = "Check platform.url and that the database is running."
        name = engine.dialect.name
        raise Unreachable("the demo database cannot be used", "PLATFORM_UNREACHABLE", name, step) from None
    finally:
        engine.dispose()


def _engine(text: str) -> sa.Engine:
    try:
        url = sa.make_url(text)
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigError(
            "the database URL cannot be understood", "PLATFORM_URL", "", "Write it like sqlite:///platform.db"
        ) from None


def insert(connection: sa.Connection, table: str, frame: pd.DataFrame) -> None:
    """Append the frame's rows: COPY on PostgreSQL, one prepared statement on SQLite; NA and None become NULL."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table, frame)
        return
    names = ", ".join(frame.columns)
    marks = ", ".join("?" * len(frame.columns))
    rows = list(zip(*(plain(frame[c]) for c in frame.columns), strict=True))
    if rows:
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  our own names


def plain(column: pd.Series) -> list[Any]:
    """The column as Python values, missing ones as None."""
    return column.astype(object).where(column.notna(), None).tolist()


def _copy(connection: sa.Connection, table: str, frame: pd.DataFrame) -> None:
    body = io.BytesIO()
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    # Every present value is quoted, so that an empty text and a missing one stay two things.
    csv.write_csv(arrow, body, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(frame.columns)}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(body.getvalue())
