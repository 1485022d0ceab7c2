"""A platform of any size, in a process of its own: ``python -m scripts.benches.sync.players FILE ROWS``."""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime, timedelta

from sfsync.demo import operator, schema
from sfsync.demo.database import insert, open_engine

AT_ONCE = 100_000  # rows made at a time, so that three million fit into memory
AGE = timedelta(days=2)  # no row is so young that windows read it again


def make(file: str, rows: int) -> None:
    """Players only; the table has an index on the stamp, as a platform that is read by windows needs."""
    url, as_of = f"sqlite:///{file}", datetime.now(UTC) - AGE
    schema.create(url)
    for part, start in enumerate(range(0, rows, AT_ONCE)):
        size = min(AT_ONCE, rows - start)
        frame = operator.frames(players_n=size, shops_n=0, cases_n=0, seed=part + 1, as_of=as_of)["players"]
        frame["player_id"] = [f"P-{number:08}" for number in range(start, start + size)]
        with open_engine(url) as engine, engine.begin() as connection:
            insert(connection, "players", frame)
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE INDEX players_by_stamp ON players (updated_at, player_id)")
        opened.execute("PRAGMA journal_mode = DELETE")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
