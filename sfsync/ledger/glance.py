"""What the ledger can say at a glance: counts, without a frame, for who only looks (``status``)."""

from __future__ import annotations

import sqlalchemy as sa

from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import KNOWN, conflict, failure, hold, meta


def known(ledger: Ledger) -> dict[str, int]:
    """Known records per mapping."""
    query = sa.select(meta.c.name, meta.c.value).where(meta.c.name.startswith(KNOWN, autoescape=True))
    with ledger.reading() as connection:
        return {name.removeprefix(KNOWN): int(number) for name, number in connection.execute(query)}


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
