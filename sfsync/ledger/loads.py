"""Large loads that were not read back: the next window delivers their records, and tells what the org made of them.

Remembered per mapping: from when to when the org was at work, by its own clock, and how many records it made.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sfsync.ledger import database
from sfsync.ledger.store import Ledger, get_meta
from sfsync.ledger.tables import meta

Load = tuple[str, str, int]  # since, until (``2026-01-31T09:00:00Z``), records


def add(ledger: Ledger, mapping: str, since: datetime, until: datetime, records: int) -> None:
    """A load is over; its records will come in the next window."""
    with ledger.writing() as connection:
        database.exclusive(connection, _name(mapping))
        known: list[list[str | int]] = json.loads(get_meta(connection, _name(mapping)) or "[]")
        known.append([_text(since), _text(until), records])
        database.upsert(connection, meta, {"name": [_name(mapping)], "value": [json.dumps(known)]})


def of(ledger: Ledger, mapping: str) -> list[Load]:
    """The loads no finished window has passed yet, oldest first."""
    with ledger.reading() as connection:
        return [(s, u, n) for s, u, n in json.loads(get_meta(connection, _name(mapping)) or "[]")]


def passed(ledger: Ledger, mapping: str, mark: datetime) -> None:
    """A window that ended at ``mark`` was dealt with: forget the loads before it."""
    left = [load for load in of(ledger, mapping) if load[1] >= _text(mark)]
    if len(left) < len(of(ledger, mapping)):
        with ledger.writing() as connection:
            database.upsert(connection, meta, {"name": [_name(mapping)], "value": [json.dumps(left)]})


def _name(mapping: str) -> str:
    return f"loads.{mapping}"


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
