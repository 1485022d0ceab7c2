"""What was written, by run and by record: the questions people and undo ask of the write log."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa

from sfsync.ledger import database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import write_log
from sfsync.sides.side import CREATED, DELETED, TEXT, UPDATED

WRITTEN = (CREATED, UPDATED, DELETED)


def written(ledger: Ledger, run_id: str, mapping: str) -> pd.DataFrame:
    """What a run really wrote: frame with columns side, key."""
    w = write_log.c
    query = sa.select(w.side, w.key).where(w.run_id == run_id, w.mapping == mapping, w.result.in_(WRITTEN)).distinct()
    with ledger.reading() as connection:
        return pd.DataFrame(connection.execute(query).all(), columns=["side", "key"], dtype=TEXT)


def log(ledger: Ledger, run_id: str, mapping: str, rows: pd.DataFrame) -> None:
    """Notes what happened to records that were not written: frame with side, key, kind, result, code."""
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        fixed = {"run_id": run_id, "mapping": mapping, "at": now, "fields": ""}
        columns: dict[str, Any] = {n: [v] * len(rows) for n, v in fixed.items()}
        columns |= {n: database.texts(rows[n]) for n in ("side", "key", "kind", "result", "code")}
        database.upsert(connection, write_log, columns, update={})


def of_record(ledger: Ledger, mapping: str, key: str, limit: int = 20) -> list[dict[str, Any]]:
    """The newest entries of one record, newest first."""
    w = write_log.c
    query = sa.select(write_log).where(w.mapping == mapping, w.key == key).order_by(w.seq.desc()).limit(limit)
    with ledger.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
