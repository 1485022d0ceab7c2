"""The org's own tables beside those of the objects: the delete log behind the recycle bin, and kept change events.

``org_bin`` has a row per deleted record: ``root`` is the record whose deletion took it along (itself, if it was
deleted by name), ``purged`` is 1 once the row is gone for good. ``org_released`` remembers the look-ups a deletion
has emptied, so that an undelete can fill them again. ``org_event`` holds change events in the order of their commits.
"""

from __future__ import annotations

from sfsync.rehearsal.store.database import Database

_TABLES = """
CREATE TABLE IF NOT EXISTS org_bin (id TEXT PRIMARY KEY, object TEXT NOT NULL, root TEXT NOT NULL,
    at TEXT NOT NULL, purged INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS org_bin_root ON org_bin (root);
CREATE INDEX IF NOT EXISTS org_bin_at ON org_bin (purged, at);
CREATE INDEX IF NOT EXISTS org_bin_object ON org_bin (object, at);
CREATE TABLE IF NOT EXISTS org_released (root TEXT NOT NULL, object TEXT NOT NULL, field TEXT NOT NULL,
    child TEXT NOT NULL, parent TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS org_released_root ON org_released (root);
CREATE TABLE IF NOT EXISTS org_event (replay_id INTEGER PRIMARY KEY AUTOINCREMENT, object TEXT NOT NULL,
    at TEXT NOT NULL, header TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS org_event_at ON org_event (at)
"""
_NAMES = ("org_bin", "org_released", "org_event")


def create(database: Database) -> None:
    """Makes what is missing; inside the caller's transaction."""
    for statement in _TABLES.split(";"):
        database.run(statement)


def empty(database: Database) -> None:
    for name in _NAMES:
        database.run(f"DELETE FROM {name}")  # noqa: S608 - our own names
