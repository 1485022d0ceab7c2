"""How much was changed lately: the numbers of the fuse over time, from the write history."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from sfsync.ledger import database, history
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import run, write_log
from sfsync.sides.side import UPDATED

LONGEST_RUN = timedelta(days=2)


def updated(ledger: Ledger, mapping: str, side: str, since: datetime, *, after_run: str, meant: Collection[str]) -> int:
    """Records of a mapping updated on one side since an instant, by runs later than ``after_run``.

    Runs for which a person waived one of the guards in ``meant`` do not count, nor does an undo: they were meant.
    """
    w = write_log.c
    batches = w.at >= database.text_of(since), w.mapping == mapping, w.side == side, w.run_id > after_run
    with ledger.reading() as connection:
        left_out = _meant(connection, since - LONGEST_RUN, meant)
        return sum(history.worst(connection, *batches, w.run_id.not_in(left_out), only=UPDATED).values())


def _meant(connection: sa.Connection, since: datetime, meant: Collection[str]) -> list[str]:
    query = sa.select(run.c.run_id, run.c.command, run.c.summary).where(run.c.started_at >= database.text_of(since))
    return [
        run_id
        for run_id, command, summary in connection.execute(query)
        if command == "undo" or set((summary or {}).get("waived", ())) & set(meant)
    ]
