"""What leaves because of partner requests, messages and tasks: each is noted under its key, and leaves once."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Column, Table

from sfsync.ledger import database
from sfsync.ledger.request_tables import metadata
from sfsync.ledger.requests import Row
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import _Text

effect = Table(
    "partner_effect",
    metadata,
    Column("effect_key", _Text, primary_key=True),  # the idempotency key
    Column("case_key", _Text, nullable=False, index=True),
    Column("kind", _Text, nullable=False),  # message | task
    Column("code", _Text, nullable=False),
    Column("occasion", _Text, nullable=False),
    Column("language", _Text, nullable=False),
    Column("way", _Text, nullable=False),
    Column("state", _Text, nullable=False),  # due | leaving | sent | withheld | doubt
    Column("note", _Text, nullable=False),  # a code
    Column("at", _Text, nullable=False),
    Column("sent_at", _Text),
)


def due(ledger: Ledger, rows: Sequence[Row]) -> list[Row]:
    """Notes effects that are due, each once for ever; returns those of these keys that have not left yet."""
    if not rows:
        return []
    keys = [r["effect_key"] for r in rows]
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        full = [{**r, "state": "due", "note": "", "at": now} for r in rows]
        database.upsert(connection, effect, {n: [r[n] for r in full] for n in full[0]}, update={})
        query = sa.select(effect).where(database.within(connection, effect.c.effect_key, keys))
        found = [dict(r) for r in connection.execute(query).mappings()]
    return [r for r in found if r["state"] in ("due", "leaving")]


def leave(ledger: Ledger, keys: Sequence[str], state: str, note: str = "", way: str | None = None) -> None:
    """Effects are leaving, sent, withheld, or in doubt (nobody knows whether they left)."""
    with ledger.writing() as connection:
        values: Row = {"state": state, "note": note} | ({"way": way} if way is not None else {})
        if state == "sent":
            values["sent_at"] = database.text_of(database.clock(connection))
        mine = database.within(connection, effect.c.effect_key, list(keys))
        connection.execute(effect.update().where(mine).values(**values))
