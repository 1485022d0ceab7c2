"""Transactions that are still open when a window is read: the mark waits for their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.sides.platform import PlatformSide
from sfsync.sides.side import Window, concat
from tests.sides.platform.conftest import LOOSE, engine_of, run

Open = Callable[[str], PlatformSide]
STAMPED = "INSERT INTO loose (code, name, updated_at) VALUES ('{}', 'x', now() AT TIME ZONE 'UTC')"


@contextmanager
def transaction(url: str) -> Iterator[Any]:
    """Somebody's transaction: open until the block ends, then committed."""
    engine = engine_of(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def keys(side: PlatformSide, window: Window) -> set[str]:
    return set(concat(LOOSE, list(side.changes(LOOSE, window))).values.index)


def started(connection: sa.Connection) -> datetime:
    text = connection.scalar(sa.text("SELECT (now() AT TIME ZONE 'UTC')::text"))
    return pd.Timestamp(text, tz=UTC).to_pydatetime()


@pytest.mark.parametrize("written", ["before the window", "after the window"])
def test_a_row_committed_after_the_window_is_in_the_next_one(
    loose_postgres: str, open_side: Open, written: str
) -> None:
    """Its stamp is that of its transaction's start, before the first window's end; settle and overlap are nothing."""
    side = open_side(loose_postgres)
    with transaction(loose_postgres) as other:
        began = started(other)
        if written == "before the window":
            other.exec_driver_sql(STAMPED.format("LATE"))
        run(loose_postgres, STAMPED.format("QUICK"))
        first = side.window(LOOSE, None)
        assert keys(side, first) == {"QUICK"}
        assert first.until <= began
        if written == "after the window":
            other.exec_driver_sql(STAMPED.format("LATE"))
    second = side.window(LOOSE, first.until)
    assert "LATE" in keys(side, second)
    assert second.until > first.until, "nothing is open any more: the mark goes on"


@pytest.fixture
def narrow(loose_postgres: str) -> Iterator[str]:
    """A login that may read the table, and may not see what others do."""
    run(loose_postgres, "DROP ROLE IF EXISTS watcher", "CREATE ROLE watcher LOGIN", "GRANT SELECT ON loose TO watcher")
    yield loose_postgres.replace("//postgres:", "//watcher:", 1)
    run(loose_postgres, "DROP OWNED BY watcher", "DROP ROLE watcher")


def test_the_mark_stays_while_somebody_we_may_not_look_at_has_written(
    loose_postgres: str, narrow: str, open_side: Open
) -> None:
    side = open_side(narrow)
    mark = side.window(LOOSE, None).until
    with transaction(loose_postgres) as other:
        other.exec_driver_sql(STAMPED.format("LATE"))
        assert side.window(LOOSE, mark).until == mark
        assert side.window(LOOSE, None).until < mark - timedelta(hours=23), "no mark yet: a day is left"
    window = side.window(LOOSE, mark)
    assert "LATE" in keys(side, window)
    assert window.until > mark


def test_who_only_reads_or_writes_elsewhere_and_may_not_be_looked_at_holds_nothing(
    loose_postgres: str, narrow: str, open_side: Open
) -> None:
    side = open_side(narrow)
    run(loose_postgres, "CREATE TABLE elsewhere (n INTEGER)")
    mark = side.window(LOOSE, None).until
    with transaction(loose_postgres) as other:
        other.exec_driver_sql("SELECT count(*) FROM loose")
        other.exec_driver_sql("INSERT INTO elsewhere VALUES (1)")
        assert side.window(LOOSE, mark).until > mark
