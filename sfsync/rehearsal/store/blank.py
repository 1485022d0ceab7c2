"""Empty stores ready made: some hundred tables and indexes are created once per schema, then copied.

Opening a fresh org is what tests do all day; copying a few hundred pages takes a tenth of the time of making them.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache


def extend(target: sqlite3.Connection, statements: tuple[str, ...]) -> None:
    """Runs the statements on a database that holds next to nothing, all or nothing; what it holds stays."""
    present = target.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    source = sqlite3.connect(":memory:")
    try:
        source.deserialize(_image(tuple(row[0] for row in present) + statements))
        _copy_rows(target, source)
        source.backup(target)
    finally:
        source.close()


@lru_cache(maxsize=8)
def _image(statements: tuple[str, ...]) -> bytes:
    """The database file these statements make of an empty one."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript("BEGIN;" + ";".join(statements) + ";COMMIT;")
        return connection.serialize()
    finally:
        connection.close()


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    tables = source.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in tables.fetchall():
        rows = source.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - a name from the store itself
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            target.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)  # noqa: S608
    target.commit()
