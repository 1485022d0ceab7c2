"""How far a window's mark may move on PostgreSQL: never past the start of a transaction that is still open.

A row carries the stamp its transaction gave it, often the transaction's start, and can be read only after the commit.
A transaction that is open longer than settle and overlap together would be missed by every later window. So the mark
waits for it. Its start stands in ``pg_stat_activity``, but only for our own role and for members of
``pg_read_all_stats``; of the others everybody can see which tables they have written (``pg_locks``). While one of
those has written this table and we cannot see since when, the mark stays where it was.

Source: PostgreSQL documentation, "The Cumulative Statistics System" (who sees what), "pg_locks", "pg_prepared_xacts".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from sfsync.sides.platform.connect import POSTGRESQL, SQLITE

UNSEEN = timedelta(days=1)  # how old a transaction is taken to be whose start we may not see, if there is no mark yet

_OLDEST = sa.text("""
    SELECT (min(started) AT TIME ZONE 'UTC')::text FROM (
        SELECT xact_start AS started FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
        UNION ALL SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()) AS open
""")
_HIDDEN = sa.text("""
    SELECT EXISTS (
        SELECT FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid AND a.xact_start IS NOT NULL
        WHERE l.locktype = 'relation' AND l.relation = to_regclass(:table) AND l.granted AND a.pid IS NULL
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
""")


def clock(connection: sa.Connection) -> datetime:
    """The database's own time, UTC."""
    if connection.dialect.name == SQLITE:
        text = connection.scalar(sa.text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"))
    else:
        text = connection.scalar(sa.text("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::text"))
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def limit(connection: sa.Connection, table: str, since: datetime | None, now: datetime) -> datetime:
    """The latest instant (aware, UTC) the mark of ``table`` may take; ``now`` where nothing is open.

    ``since``: the mark as it stands, None before the first read.
    """
    if connection.dialect.name != POSTGRESQL:
        return now  # one writer at a time, and its rows are stamped when they are written
    text = connection.scalar(_OLDEST)
    oldest = now if text is None else datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    if connection.scalar(_HIDDEN, {"table": table}):
        oldest = min(oldest, since or now - UNSEEN)
    return min(now, oldest)
