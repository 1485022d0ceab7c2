"""Counters for ids and numbers, and small JSON documents that outlive a restart."""

from __future__ import annotations

import json
from typing import Any

from sfsync.rehearsal.ids import new_id
from sfsync.rehearsal.store.database import Database


def take(database: Database, name: str, count: int) -> range:
    """The next ``count`` numbers of a counter; the first number ever is 1.

    Numbers of a transaction that was rolled back are lost, as they are in Salesforce: a caller may have seen them.
    """
    floor = database.numbered.get(name, 0)
    rows = database.rows(
        "INSERT INTO org_counter (name, last) VALUES (:name, :floor + :count)"
        " ON CONFLICT (name) DO UPDATE SET last = max(last, :floor) + :count RETURNING last",
        {"name": name, "floor": floor, "count": count},
    )
    last: int = rows[0][0]
    database.numbered[name] = max(last, database.numbered.get(name, 0))
    return range(last - count + 1, last + 1)


def new_ids(database: Database, prefix: str, count: int) -> list[str]:
    return [new_id(prefix, number) for number in take(database, f"id {prefix}", count)]


def get(database: Database, kind: str, key: str) -> dict[str, Any] | None:
    rows = database.rows("SELECT value FROM org_state WHERE kind = ? AND key = ?", (kind, key))
    return json.loads(rows[0][0]) if rows else None


def put(database: Database, kind: str, key: str, value: dict[str, Any]) -> None:
    database.run(
        "INSERT INTO org_state (kind, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
        (kind, key, json.dumps(value)),
    )


def delete(database: Database, kind: str, key: str) -> None:
    database.run("DELETE FROM org_state WHERE kind = ? AND key = ?", (kind, key))


def listed(database: Database, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """All documents of a kind as (key, value), by key."""
    rows = database.rows("SELECT key, value FROM org_state WHERE kind = ? ORDER BY key", (kind,))
    return [(key, json.loads(value)) for key, value in rows]
