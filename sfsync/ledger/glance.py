"""What the ledger can say at a glance: counts, without a frame, for who only looks (``status``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sfsync.ledger import database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import COMPLIANCE, KNOWN, conflict, failure, hold, meta


def known(ledger: Ledger) -> dict[str, int]:
    """Known records per mapping."""
    query = sa.select(meta.c.name, meta.c.value).where(meta.c.name.startswith(KNOWN, autoescape=True))
    with ledger.reading() as connection:
        return {name.removeprefix(KNOWN): int(number) for name, number in connection.execute(query)}


def overdue(ledger: Ledger, before: dict[str, datetime]) -> dict[str, int]:
    """Records in conflict since an instant per mapping or longer: those whose deadline has passed."""
    c = conflict.c
    late = [(c.mapping == name) & (c.since <= database.text_of(instant)) for name, instant in before.items()]
    query = sa.select(c.mapping, sa.func.count(sa.distinct(c.key))).where(c.state == "open", sa.or_(sa.false(), *late))
    with ledger.reading() as connection:
        return {name: int(number) for name, number in connection.execute(query.group_by(c.mapping))}


def open_counts(ledger: Ledger) -> dict[str, dict[str, int]]:
    """Open holds, failures and conflicts per mapping: ``{"player": {"held": 2, "failed": 1, "conflicts": 0}}``."""
    counts: dict[str, dict[str, int]] = {}
    with ledger.reading() as connection:
        for name, table in (("held", hold), ("failed", failure), ("conflicts", conflict)):
            records = sa.func.count(sa.distinct(table.c.key))
            query = sa.select(table.c.mapping, records).group_by(table.c.mapping)
            if name == "conflicts":
                query = query.where(table.c.state == "open")
            for mapping, number in connection.execute(query):
                counts.setdefault(str(mapping), {"held": 0, "failed": 0, "conflicts": 0})[name] = int(number)
    return counts


@dataclass(frozen=True)
class Waiting:
    """Records of which something waits, and since when the longest one does (None: there is none)."""

    records: int
    since: datetime | None


def compliance(ledger: Ledger, mapping: str, fields: Sequence[str], before: datetime) -> Waiting:
    """Records with a change of one of these ``fields`` that was known at ``before`` and is not in Salesforce.

    Held, refused or in conflict. A change is known from the run that met it, a conflict from the platform's own stamp.
    """
    c, f, h = conflict.c, failure.c, hold.c
    names = sa.literal(",") + f.touched + sa.literal(",")
    touched = sa.or_(sa.false(), *[names.contains(f",{name},", autoescape=True) for name in fields])
    seen = sa.func.coalesce(c.platform_stamp, c.since)
    parts = (
        sa.select(h.key, h.since).where(h.mapping == mapping, h.about == COMPLIANCE),
        sa.select(f.key, f.first_at.label("since")).where(f.mapping == mapping, f.side == "salesforce", touched),
        sa.select(c.key, seen.label("since")).where(c.mapping == mapping, c.state == "open", c.field.in_(fields)),
    )
    waiting = sa.union_all(*parts).subquery()
    query = sa.select(sa.func.count(sa.distinct(waiting.c.key)), sa.func.min(waiting.c.since))
    with ledger.reading() as connection:
        late = query.where(waiting.c.since <= database.text_of(before))
        records, since = connection.execute(late).one()
    return Waiting(int(records), database.instant_of(since) if since else None)
