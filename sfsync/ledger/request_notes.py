"""What people inside have to hear of requests: internal notes on a case that changed, alerts about refused rows.

Keys, names of fields and codes; no value. A note or an alert is here before it leaves, so that it leaves once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Index, Integer, MetaData, Table
from sqlalchemy.engine import Connection

from sfsync.ledger import database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import _Text

metadata = MetaData()
note = Table(
    "partner_note",
    metadata,
    Column("note_id", _Text, primary_key=True),  # the case's key and the number
    Column("case_key", _Text, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("content", _Text, nullable=False),  # digest of what the request says now
    Column("fields", _Text, nullable=False),  # JSON: names of what changed
    Column("begun", Integer, nullable=False),  # 1: its steps had begun, the plan stays
    Column("at", _Text, nullable=False),
    Column("told_at", _Text),
    Index("partner_note_told", "told_at"),
)
alert = Table(
    "partner_alert",
    metadata,
    Column("row_key", _Text, primary_key=True),
    Column("code", _Text, primary_key=True),
    Column("queue", _Text, nullable=False),
    Column("shop", _Text),
    Column("type", _Text, nullable=False),
    Column("file", _Text, nullable=False),  # sha256
    Column("line", Integer, nullable=False),
    Column("at", _Text, nullable=False),
    Column("told_at", _Text),
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Changed:
    """A known request that says something else: the names of its fields that changed, and a digest of all it says."""

    case_key: str
    content: str
    fields: tuple[str, ...]
    begun: bool


def ready(ledger: Ledger) -> None:
    """Makes the tables where they are missing."""
    with ledger.writing() as connection:
        database.exclusive(connection, "schema")
        metadata.create_all(connection, checkfirst=True)


def note_in(connection: Connection, changes: Sequence[Changed], at: str) -> None:
    """Adds notes within a transaction; what was noted last of a case is not noted again (a run that died goes on)."""
    if not changes:
        return
    last = _last(connection, [c.case_key for c in changes])
    new = [c for c in changes if last.get(c.case_key, (0, ""))[1] != c.content]
    if new:
        numbers = [last.get(c.case_key, (0, ""))[0] + 1 for c in new]
        rows: dict[str, list[Any]] = {
            "note_id": [f"{c.case_key}:{n}" for c, n in zip(new, numbers, strict=True)],
            "case_key": [c.case_key for c in new],
            "number": numbers,
            "content": [c.content for c in new],
            "fields": [json.dumps(sorted(c.fields)) for c in new],
            "begun": [int(c.begun) for c in new],
            "at": [at] * len(new),
        }
        database.upsert(connection, note, rows, update={})


def _last(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    c = note.c
    query = sa.select(c.case_key, c.number, c.content).where(database.within(connection, c.case_key, keys))
    return {r.case_key: (r.number, r.content) for r in connection.execute(query.order_by(c.case_key, c.number))}


def untold(ledger: Ledger) -> list[Row]:
    """Notes that have not left yet, oldest first."""
    ready(ledger)
    query = sa.select(note).where(note.c.told_at.is_(None)).order_by(note.c.at, note.c.case_key, note.c.number)
    with ledger.reading() as connection:
        return [dict(r) | {"fields": json.loads(r["fields"])} for r in connection.execute(query).mappings()]


def revisions(ledger: Ledger, keys: Sequence[str]) -> dict[str, int]:
    """How often each of these cases was changed by its partner; those that never were are left out."""
    ready(ledger)
    query = sa.select(note.c.case_key, sa.func.max(note.c.number)).group_by(note.c.case_key)
    with ledger.reading() as connection:
        mine = database.within(connection, note.c.case_key, list(keys))
        return {row[0]: int(row[1]) for row in connection.execute(query.where(mine))}


def told(ledger: Ledger, rows: Sequence[Row]) -> None:
    """These notes are on their cases."""
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        mine = database.within(connection, note.c.note_id, [r["note_id"] for r in rows])
        connection.execute(note.update().where(mine).values(told_at=now))


def alarm(ledger: Ledger, rows: Sequence[Row]) -> list[Row]:
    """Notes alerts, each once for ever; returns all that have not left yet."""
    ready(ledger)
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        if rows:
            columns = {n: [r[n] for r in rows] for n in rows[0]}
            database.upsert(connection, alert, {**columns, "at": [now] * len(rows)}, update={})
        open_ = sa.select(alert).where(alert.c.told_at.is_(None)).order_by(alert.c.at, alert.c.row_key)
        return [dict(r) for r in connection.execute(open_).mappings()]


def alarmed(ledger: Ledger, rows: Sequence[Row]) -> None:
    """These alerts have left."""
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        mine = database.within(connection, alert.c.row_key, [r["row_key"] for r in rows])
        connection.execute(alert.update().where(mine, alert.c.told_at.is_(None)).values(told_at=now))
