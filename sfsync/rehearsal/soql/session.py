"""What a query depends on beside its text, read from the org for one user."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.soql.scope import Session
from sfsync.rehearsal.store.database import Database


def session(database: Database, schema: Schema, now: datetime, user_id: str, version: str) -> Session:
    """``schema`` as the user may see it; time zone and locale are the user's, fiscal months the org's."""
    with database.reader() as connection:
        user = connection.execute(
            'SELECT "TimeZoneSidKey", "LocaleSidKey" FROM "User" WHERE Id = ?', (user_id,)
        ).fetchone()
        org = connection.execute('SELECT "FiscalYearStartMonth" FROM "Organization"').fetchone()
    zone, locale = user or (None, None)
    month = org[0] if org else None
    return Session(schema, now, _zone(zone), version, locale or "en_US", month or 1, user_id)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
